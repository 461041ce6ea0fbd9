//! Chains and OCSP responses, good and bad, and the verdicts on them.

use crate::case::{Case, Form, Lists, Name, Part, Peer, REVOKED, Signer, Terms, WAIVERS};
use premaster::certificate::Waiver;
use premaster::pki_types::alg_id;
use premaster_testing::field;
use premaster_testing::pki::{self, Algorithm, Authority, DAY, Ocsp, Spec, Status, der};
use x509_cert::der::asn1::Any;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::KeyUsages;

/// A case and its verdict.
pub struct Example {
    pub name: String,
    pub(crate) terms: Terms,
    pub(crate) parts: Vec<Part>,
    /// The waivers that are used, or how the text of the fault begins.
    pub verdict: Result<&'static str, &'static str>,
}

fn good(name: &str, parts: impl Into<Vec<Part>>) -> Example {
    Example {
        name: name.to_owned(),
        terms: Terms::default(),
        parts: parts.into(),
        verdict: Ok("none"),
    }
}

fn bad(name: &str, parts: impl Into<Vec<Part>>, fault: &'static str) -> Example {
    Example {
        verdict: Err(fault),
        ..good(name, parts)
    }
}

impl Example {
    fn under(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// The bytes that make the fuzzer choose it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        Case::encode(self.terms, &self.parts)
    }
}

/// The terms with these waivers, and three days of tolerance.
fn waiving(waivers: &[Waiver]) -> Terms {
    let place = |waiver| WAIVERS.iter().position(|other| other == waiver).unwrap();
    Terms {
        waived: waivers.iter().map(|waiver| 1 << place(waiver)).sum(),
        tolerance: 3 * DAY as u32,
        ..Terms::default()
    }
}

pub fn examples() -> Vec<Example> {
    let groups = [
        paths(),
        certificates(),
        waivers(),
        revocation(),
        responses(),
        field(),
    ];
    groups.into_iter().flatten().collect()
}

fn server() -> Spec {
    pki::server(&pki::key("rsa-2048"))
}

fn client() -> Spec {
    pki::client(&pki::key("rsa-2048-client"))
}

/// An intermediate CA below the root.
fn authority() -> Authority {
    Authority::new("CN=Authority", pki::key("rsa-3072"))
}

fn whole(certificate: &Spec) -> Part {
    Part::new(Form::Whole, certificate.build().to_vec())
}

/// The certificate, still to be signed by this one.
fn unsigned(certificate: Spec, signer: Signer) -> Part {
    let certificate = certificate.issued_by(&signer.authority()).build();
    let tbs = elements(&certificate).swap_remove(0);
    Part::new(Form::ToBeSigned(signer), tbs.to_der().unwrap())
}

/// The response, still to be signed by this one.
fn unsigned_response(response: &Ocsp, signer: Signer) -> Part {
    let response = response.build();
    // OCSPResponse, ResponseBytes, BasicOCSPResponse, ResponseData.
    let bytes = elements(elements(&response)[1].value()).swap_remove(1);
    let data = elements(bytes.value()).swap_remove(0);
    Part::new(Form::ToBeSigned(signer), data.to_der().unwrap())
}

/// The values in a SEQUENCE.
fn elements(der: &[u8]) -> Vec<Any> {
    Vec::from_der(der).unwrap()
}

/// Chains below the test root as devices in the field have them.
fn field() -> Vec<Example> {
    let root = pki::root().build();
    let below_root = |chain: &field::Chain| chain.roots.iter().all(|spec| spec.build() == root);
    let chains = field::chains().into_iter().filter(below_root).enumerate();
    let example = |(index, chain): (usize, field::Chain)| Example {
        verdict: chain.fault.map_or(Ok("none"), Err),
        ..good(
            &format!("field-{index}"),
            chain.chain.iter().map(whole).collect::<Vec<_>>(),
        )
    };
    chains.map(example).collect()
}

/// Chains that lead to a root, and chains that do not.
fn paths() -> Vec<Example> {
    let authority = authority();
    let (own, above) = (server().issued_by(&authority), authority.certificate());
    let [root, elliptic] = [Signer::Root, Signer::Authority].map(Signer::authority);
    let by_elliptic = server().issued_by(&elliptic);
    let above_elliptic = elliptic.certificate().issued_by(&root);
    let no_authority = Spec {
        ca: Some(false),
        ..above.clone()
    };
    let constrained = Spec {
        permitted: vec![pki::dns_name("plant.example")],
        ..above.clone()
    };
    let no_further = Spec {
        path_length: Some(0),
        ..authority.certificate()
    };
    let below = elliptic.certificate().issued_by(&authority);
    let damaged = Spec {
        damaged: true,
        ..own.clone()
    };
    let [one, other] = pki::cycle();
    let of_one = server().issued_by(&Authority::intermediate(1));
    vec![
        good("root", [&server()].map(whole)),
        good("authority", [&own, &above].map(whole)),
        good(
            "out-of-order",
            [&own, &client(), &pki::root(), &above].map(whole),
        ),
        good("elliptic", [&by_elliptic, &above_elliptic].map(whole)),
        good(
            "unsigned",
            [
                unsigned(server(), Signer::Authority),
                unsigned(elliptic.certificate(), Signer::Root),
            ],
        ),
        bad("none", [], "it cannot be parsed or has an invalid value"),
        bad(
            "malformed",
            [Part::new(Form::Whole, vec![0x30, 0])],
            "it cannot be parsed or has an invalid value",
        ),
        bad(
            "too-many",
            vec![whole(&server()); 11],
            "the chain has 11 certificates",
        ),
        bad(
            "unknown-issuer",
            [&own].map(whole),
            "its issuer, CN=Authority, is not a configured root",
        ),
        bad(
            "circle",
            [&of_one, &one, &other].map(whole),
            "its issuer, CN=Test Intermediate",
        ),
        bad(
            "damaged",
            [&damaged, &above].map(whole),
            "its signature does not verify with its issuer's key",
        ),
        bad(
            "no-authority",
            [&own, &no_authority].map(whole),
            "it is not a CA certificate",
        ),
        bad(
            "constrained",
            [&own, &constrained].map(whole),
            "the name constraints of a CA",
        ),
        bad(
            "too-long",
            [&by_elliptic, &below, &no_further].map(whole),
            "the chain has more CA certificates",
        ),
    ]
}

/// A leaf certificate, good and with each fault.
fn certificates() -> Vec<Example> {
    let named = |name| Terms {
        name,
        ..Terms::default()
    };
    let of_client = Terms {
        peer: Peer::Client,
        ..Terms::default()
    };
    let wildcard = Spec {
        dns: vec!["*.server.example"],
        ..server()
    };
    let v6 = Spec {
        ip: vec![[0_u16, 0, 0, 0, 0, 0, 0, 1].into()],
        ..server()
    };
    let critical = Spec {
        unknown_critical: true,
        ..server()
    };
    let elliptic = Spec {
        public_key: pki::p256(3).public_key(),
        ..server()
    };
    let encrypts = Spec {
        key_usage: Some(KeyUsages::KeyEncipherment.into()),
        ..client()
    };
    vec![
        good("absolute-name", [whole(&server())]).under(named(Name::Absolute)),
        good("wildcard", [whole(&wildcard)]).under(named(Name::Below)),
        good("v4", [whole(&server())]).under(named(Name::V4)),
        good("v6", [whole(&v6)]).under(named(Name::V6)),
        good("client", [whole(&client())]).under(of_client),
        bad("other-address", [whole(&server())], "it is not valid for").under(named(Name::V6)),
        bad(
            "critical-extension",
            [whole(&critical)],
            "its critical extension",
        ),
        bad("elliptic-key", [whole(&elliptic)], "its key has algorithm"),
        bad("clients", [whole(&client())], "its extendedKeyUsage allows"),
        bad("servers", [whole(&server())], "its extendedKeyUsage allows").under(of_client),
        bad("cannot-sign", [whole(&encrypts)], "its keyUsage allows").under(of_client),
    ]
}

/// A chain for each waiver, without it and with it.
fn waivers() -> Vec<Example> {
    let key = pki::key("rsa-2048");
    let named = Spec {
        subject: "CN=server.example",
        dns: vec![],
        ip: vec![],
        ..server()
    };
    let version_1 = named.clone().version_1();
    let other_name = Spec {
        dns: vec!["other.example"],
        ..server()
    };
    let sha1 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..server()
    };
    let short = pki::public_key(pki::key("rsa-1024").as_public_key());
    let short_key = Spec {
        public_key: short,
        ..server()
    };
    let expired = Spec {
        not_before: pki::NOW - 3 * DAY,
        not_after: pki::NOW - DAY,
        ..server()
    };
    let early = Spec {
        not_before: pki::NOW + DAY,
        not_after: pki::NOW + 3 * DAY,
        ..server()
    };
    let signs = Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        ..server()
    };
    let of_ca = Spec {
        ca: Some(true),
        ..server()
    };
    let itself = Authority::new(server().subject, key);
    let self_signed = server().issued_by(&itself);
    let for_clients = Spec {
        extended_key_usage: Some(vec![pki::CLIENT_AUTH]),
        ..server()
    };
    let cases: [(_, _, _, &[Waiver], _); 12] = [
        (
            "certificate-pin",
            self_signed.clone(),
            "its issuer, CN=Test Server, is not a configured root",
            &[Waiver::PinnedCertificate],
            "pinned certificate",
        ),
        (
            "public-key-pin",
            self_signed,
            "its issuer, CN=Test Server, is not a configured root",
            &[Waiver::PinnedPublicKey],
            "pinned public key",
        ),
        (
            "ca",
            of_ca,
            "it is a CA certificate",
            &[Waiver::PinnedCertificate],
            "pinned certificate",
        ),
        (
            "common-name",
            named,
            "it is not valid for server.example; it has no subjectAltName",
            &[Waiver::CommonName],
            "common name",
        ),
        (
            "other-name",
            other_name,
            "it is not valid for server.example; it has other.example",
            &[Waiver::AnyName],
            "any name",
        ),
        (
            "version-1",
            version_1,
            "its X.509 version is 1",
            &[Waiver::Version1, Waiver::CommonName],
            "common name, X.509 version 1",
        ),
        (
            "sha1",
            sha1,
            "its signature uses SHA-1",
            &[Waiver::Sha1Signature],
            "SHA-1 signature",
        ),
        (
            "short-key",
            short_key,
            "its RSA key has 1024 bits",
            &[Waiver::ShortRsaKey],
            "short RSA key",
        ),
        (
            "expired",
            expired,
            "it expired on",
            &[Waiver::OutsideValidity],
            "outside validity",
        ),
        (
            "early",
            early,
            "it is not valid before",
            &[Waiver::OutsideValidity],
            "outside validity",
        ),
        (
            "missing-key-encipherment",
            signs,
            "its keyUsage allows",
            &[Waiver::MissingKeyEncipherment],
            "missing keyEncipherment",
        ),
        (
            "other-purpose",
            for_clients,
            "its extendedKeyUsage allows clientAuth",
            &[Waiver::ExtendedKeyUsage],
            "other extendedKeyUsage",
        ),
    ];
    let mut examples = vec![good("everything", [whole(&server())]).under(waiving(&WAIVERS))];
    for (name, certificate, fault, waivers, used) in cases {
        let part = whole(&certificate);
        examples.push(bad(name, [part.clone()], fault));
        let waived = Example {
            verdict: Ok(used),
            ..good(&format!("{name}-waived"), [part])
        };
        examples.push(waived.under(waiving(waivers)));
    }
    let long = Example {
        verdict: Ok("long chain"),
        ..good("long-chain-waived", vec![whole(&server()); 11])
    };
    examples.push(long.under(waiving(&[Waiver::LongChain])));
    let modulus = der::sequence(&[&der::integer(&[0xc7; 256]), &der::integer(&[3])]);
    let not_der = Spec {
        public_key: pki::raw_public_key(alg_id::RSA_ENCRYPTION, &modulus),
        ..server()
    };
    examples.push(bad(
        "not-der",
        [whole(&not_der)],
        "it cannot be parsed or has an invalid value",
    ));
    let pinned = Example {
        verdict: Ok("pinned certificate"),
        ..good("not-der-waived", [whole(&not_der)])
    };
    examples.push(pinned.under(waiving(&[Waiver::PinnedCertificate])));
    let root = Example {
        verdict: Ok("any name, missing keyEncipherment"),
        ..good("itself-a-root", [whole(&pki::root())])
    };
    examples.push(root.under(waiving(&[Waiver::AnyName, Waiver::MissingKeyEncipherment])));
    examples
}

/// Chains with CRLs.
fn revocation() -> Vec<Example> {
    let under = |lists| Terms {
        lists,
        ..Terms::default()
    };
    let authority = authority();
    let (own, above) = (server().issued_by(&authority), authority.certificate());
    let [root, elliptic] = [Signer::Root, Signer::Authority].map(Signer::authority);
    let by_elliptic = server().issued_by(&elliptic);
    let above_elliptic = elliptic.certificate().issued_by(&root);
    let of_authority = [&own, &above].map(whole);
    let of_elliptic = [&by_elliptic, &above_elliptic].map(whole);
    let revoked = Spec {
        serial: REVOKED.into(),
        ..server()
    };
    let revoked_above = Spec {
        serial: REVOKED.into(),
        ..above.clone()
    };
    let below_revoked = [&own, &revoked_above].map(whole);
    vec![
        good("listed", [whole(&server())]).under(under(Lists::Chain)),
        good("unknown-allowed", of_authority.clone()).under(under(Lists::UnknownAllowed)),
        bad("revoked", [whole(&revoked)], "it is revoked").under(under(Lists::EndEntity)),
        bad("revoked-above", below_revoked, "it is revoked").under(under(Lists::UnknownAllowed)),
        bad("unknown", of_authority, "no configured CRL covers it").under(under(Lists::EndEntity)),
        bad("old-list", of_elliptic, "the CRL of its issuer expired").under(under(Lists::Chain)),
    ]
}

/// Chains with OCSP responses.
fn responses() -> Vec<Example> {
    let certificate = server();
    let elliptic = server().issued_by(&Signer::Root.authority());
    let response = |status, next_update| {
        let mut response = pki::ocsp(&certificate);
        response.responses[0].status = status;
        response.responses[0].next_update = next_update;
        response
    };
    let later = Some(pki::NOW + DAY);
    let current = response(Status::Good, later);
    let revoked = Status::Revoked {
        at: pki::NOW - DAY,
        reason: Some(1),
    };
    let key = pki::key("rsa-2048-client");
    let delegated = current.clone().delegated(&pki::responder(&key), key.clone());
    let usurped = current.clone().delegated(&client(), key);
    let damaged = Ocsp {
        damaged: true,
        ..current.clone()
    };
    let mut other = current.clone();
    other.responses[0].serial = REVOKED.into();
    let required = |sent| Terms {
        response_required: true,
        response_sent: sent,
        ..Terms::default()
    };
    let of = |name, response: &Ocsp, verdict| {
        let response = Part::new(Form::Whole, response.build());
        let example = good(name, [response, whole(&certificate)]);
        Example {
            verdict,
            ..example.under(required(true))
        }
    };
    vec![
        of("response", &current, Ok("none")),
        of("response-delegated", &delegated, Ok("none")),
        good(
            "response-unsigned",
            [
                unsigned_response(&pki::ocsp(&elliptic), Signer::Root),
                whole(&elliptic),
            ],
        )
        .under(required(true)),
        of(
            "response-revoked",
            &response(revoked, later),
            Err("it is revoked"),
        ),
        of(
            "response-unknown",
            &response(Status::Unknown, later),
            Err("the required OCSP check failed: the responder gives"),
        ),
        of(
            "response-old",
            &response(Status::Good, Some(pki::NOW)),
            Err("the required OCSP check failed: the response has expired"),
        ),
        of(
            "response-endless",
            &response(Status::Good, None),
            Err("the required OCSP check failed: the response has no nextUpdate"),
        ),
        of(
            "response-usurped",
            &usurped,
            Err("the required OCSP check failed: the responder is not"),
        ),
        of(
            "response-damaged",
            &damaged,
            Err("the required OCSP check failed: the signature of the response"),
        ),
        of(
            "response-other",
            &other,
            Err("the required OCSP check failed: the response is about another"),
        ),
        of(
            "response-later",
            &Ocsp {
                status: Ocsp::TRY_LATER,
                ..current
            },
            Err("the required OCSP check failed: the responder reported"),
        ),
        bad(
            "response-missing",
            [whole(&certificate)],
            "the required OCSP check failed: the server sent no response",
        )
        .under(required(false)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::judge;
    use arbitrary::{Arbitrary, Unstructured};

    #[test]
    fn every_example_gets_its_verdict() {
        for example in examples() {
            let bytes = example.encode();
            let case = Case::arbitrary_take_rest(Unstructured::new(&bytes)).unwrap();
            assert_eq!(case.terms, example.terms, "{}", example.name);
            let name = &example.name;
            match (judge(&case), example.verdict) {
                (Ok(accepted), Ok(used)) => {
                    assert_eq!(accepted.waivers.to_string(), used, "{name}");
                }
                (Err(error), Err(fault)) => {
                    assert!(
                        error.fault().to_string().starts_with(fault),
                        "{name}: {error}"
                    );
                }
                (verdict, _) => panic!("{name}: {verdict:?}"),
            }
        }
    }

    #[test]
    fn every_waiver_is_made_use_of() {
        let examples = examples();
        for waiver in WAIVERS {
            let used = |example: &Example| {
                example.verdict.is_ok_and(|used| used.contains(&waiver.to_string()))
            };
            assert!(examples.iter().any(used), "{waiver}");
        }
    }
}
