//! The certificate that a server selects by the client's server name.

use premaster::certificate::{CertificateSet, CertificatesByName, ResolveCertificate, Verified};
use premaster::error::{CertificateFault, Incompatible, LocalError};
use premaster::pki_types::{CertificateDer, DnsName};
use premaster::session::Resumption;
use premaster::{CertifiedKey, ClientConfig, ConfigError, ServerConfig, ServerConfigBuilder};
use premaster_testing::pair::{ALL_CHUNKS, Chunks, Pair};
use premaster_testing::wire::{ALERT, SERVER_NAME, extensions, hello_with, record, said, vector};
use premaster_testing::{certified, client_builder, fault, now, pki, rng, server_builder};
use std::sync::Arc;

/// A certificate for these names.
fn valid_for(names: &[&'static str]) -> Arc<CertifiedKey> {
    let key = pki::key("rsa-2048");
    let mut spec = pki::server(&key);
    spec.dns = names.to_vec();
    spec.certified(&key)
}

fn resolving(resolver: Arc<dyn ResolveCertificate>) -> ServerConfigBuilder {
    ServerConfig::builder_with_resolver(resolver).rng(rng(2)).time_provider(now)
}

fn serving(set: CertificateSet) -> Arc<ServerConfig> {
    let certificates = Arc::new(CertificatesByName::new(set));
    Arc::new(resolving(certificates).build().unwrap())
}

/// A client that accepts every certificate, and asks for this name.
fn asking(server: &Arc<ServerConfig>, name: &'static str) -> Pair {
    let client = ClientConfig::builder_with_caller_verification().rng(rng(1)).time_provider(now);
    let client = Arc::new(client.build().unwrap());
    Pair::new(client, server.clone(), name.try_into().unwrap())
}

/// What the server shows to a client that asks for this name, and whether it says that it looked at
/// the name.
fn shown(server: &Arc<ServerConfig>, name: &'static str) -> CertificateDer<'static> {
    let mut pair = asking(server, name);
    pair.run(Chunks::Whole).unwrap();
    let verdict = Ok(Verified::dangerous_without_verification());
    let answer = pair.client.question().answer(verdict);
    pair.client.resume(answer).unwrap();
    let pair = pair.established();
    let session = pair.client.connection.session().unwrap();
    session.peer_certificates()[0].clone()
}

fn leaf(certified: &CertifiedKey) -> CertificateDer<'static> {
    certified.chain()[0].clone()
}

#[test]
fn a_certificate_is_chosen_by_the_name() {
    let [default, exact, wildcard] = [
        &["default.example"][..],
        &["www.a.example"],
        &["*.a.example"],
    ]
    .map(valid_for);
    let set = CertificateSet::new(default.clone())
        .certificate(&wildcard)
        .and_then(|set| set.name("WWW.a.example", &exact))
        .and_then(|set| set.name("localhost", &exact));
    let server = serving(set.unwrap());
    for (name, expected) in [
        ("www.a.example", &exact),
        ("wWw.A.exAmple", &exact),
        ("localhost", &exact),
        ("mail.a.example", &wildcard),
        ("MAIL.A.EXAMPLE", &wildcard),
        // One label, neither none nor two.
        ("a.example", &default),
        ("x.www.a.example", &default),
        ("b.example", &default),
        ("example", &default),
        // No name is sent for an address.
        ("192.0.2.1", &default),
    ] {
        assert_eq!(shown(&server, name), leaf(expected), "{name}");
    }
}

/// "the server SHALL include an extension of type "server_name" in the (extended) server hello"
/// where it used the name, which it did if the certificate has it.
#[test]
fn a_name_is_acknowledged_if_the_certificate_has_it() {
    let of_subject = {
        let key = pki::key("rsa-2048");
        let mut spec = pki::server(&key);
        spec.dns = vec![];
        spec.subject = "CN=Only.example";
        spec.certified(&key)
    };
    let named = valid_for(&["a.example", "*.b.example"]);
    for (certificate, name, acknowledged) in [
        (&named, "a.example", true),
        (&named, "A.Example", true),
        (&named, "x.b.example", true),
        (&named, "X.B.EXAMPLE", true),
        (&named, "b.example", false),
        (&named, "x.y.b.example", false),
        (&named, "x.a.example", false),
        (&named, "example", false),
        (&of_subject, "only.example", true),
        (&of_subject, "other.example", false),
    ] {
        // Also where the name is configured for a certificate that does not have it.
        let set = CertificateSet::new(certificate.clone()).name(name, certificate);
        let mut pair = asking(&serving(set.unwrap()), name);
        let hello = said(&mut pair.client).concat();
        pair.server.take(&hello).unwrap();
        let answered = extensions(&said(&mut pair.server)[0]).unwrap();
        let of_name = answered.into_iter().find(|(typ, _)| *typ == SERVER_NAME);
        assert_eq!(
            of_name,
            acknowledged.then_some((SERVER_NAME, vec![])),
            "{name}"
        );
    }
}

#[test]
fn each_name_of_a_certificate_stands_for_it() {
    let both = valid_for(&["a.example", "*.b.example"]);
    let set = CertificateSet::new(certified(2048));
    let server = serving(set.certificate(&both).unwrap());
    for name in ["a.example", "x.b.example"] {
        assert_eq!(shown(&server, name), leaf(&both));
    }
    assert_eq!(shown(&server, "b.example"), leaf(&certified(2048)));
}

#[test]
fn an_unknown_name_is_refused_where_that_is_wanted() {
    let known = valid_for(&["known.example"]);
    let set = CertificateSet::new(certified(2048));
    let set = set.certificate(&known).unwrap().refuse_unknown_names();
    let server = serving(set);
    assert_eq!(shown(&server, "known.example"), leaf(&known));
    assert_eq!(shown(&server, "192.0.2.1"), leaf(&certified(2048)));
    for chunks in ALL_CHUNKS {
        let mut pair = asking(&server, "unknown.example");
        let refused = Incompatible::UnknownServerName;
        assert_eq!(pair.run(chunks), Err(refused.into()));
        assert_eq!(said(&mut pair.server), [record(ALERT, &[2, 112])]);
    }
}

/// "Literal IPv4 and IPv6 addresses are not permitted in "HostName"", and no name ends with a dot.
#[test]
fn what_is_no_name_counts_as_none() {
    let set = CertificateSet::new(certified(2048)).refuse_unknown_names();
    let server = serving(set);
    for name in ["192.0.2.1", "known.example."] {
        let body = vector(2, &[&[0][..], &vector(2, name.as_bytes())].concat());
        let mut pair = asking(&server, "unused.example");
        let hello = hello_with(&[(0, &body)]).client();
        pair.server.take(&hello).unwrap();
        assert!(!said(&mut pair.server).is_empty(), "{name}");
    }
}

#[test]
fn the_certificates_can_be_replaced_and_connections_keep_theirs() {
    let [before, after] = [&["before.example"][..], &["after.example"]].map(valid_for);
    let certificates = Arc::new(CertificatesByName::new(CertificateSet::new(before.clone())));
    let server = Arc::new(resolving(certificates.clone()).build().unwrap());
    let mut begun = asking(&server, "any.example");
    let hello = std::mem::take(&mut begun.client.outgoing);
    begun.server.take(&hello).unwrap();

    certificates.replace(CertificateSet::new(after.clone()));
    assert_eq!(shown(&server, "any.example"), leaf(&after));

    begun.run(Chunks::Whole).unwrap();
    assert_eq!(begun.client.question().chain()[0], leaf(&before));
    let verdict = Ok(Verified::dangerous_without_verification());
    let answer = begun.client.question().answer(verdict);
    begun.client.resume(answer).unwrap();
    begun.established();
}

/// A session belongs to the certificate that its server showed.
#[test]
fn a_session_is_resumed_only_with_its_certificate() {
    let other = valid_for(&[premaster_testing::NAME, "other.example"]);
    let certificates = Arc::new(CertificatesByName::new(CertificateSet::new(certified(
        2048,
    ))));
    let server = Arc::new(resolving(certificates.clone()).build().unwrap());
    let client = Arc::new(client_builder().build().unwrap());
    let resumed = || {
        let pair =
            Pair::new(client.clone(), server.clone(), premaster_testing::name()).established();
        let session = pair.server.connection.session().unwrap();
        session.resumption()
    };
    assert!(!resumed().is_resumed());
    assert_eq!(resumed(), Resumption::SessionId);
    certificates.replace(CertificateSet::new(other));
    assert!(!resumed().is_resumed());
    assert_eq!(resumed(), Resumption::SessionId);
}

#[test]
fn an_ocsp_response_belongs_to_its_certificate_and_can_be_replaced() {
    let stapled = valid_for(&[premaster_testing::NAME]);
    let set = CertificateSet::new(certified(2048));
    let server = serving(set.certificate(&stapled).unwrap());
    let client = client_builder().session_store(None).request_ocsp_response();
    let client = Arc::new(client.build().unwrap());
    for response in [Some(&b"one"[..]), Some(b"another"), None] {
        stapled.staple(response).unwrap();
        let pair =
            Pair::new(client.clone(), server.clone(), premaster_testing::name()).established();
        let session = pair.client.connection.session().unwrap();
        assert_eq!(session.ocsp_response(), response);
    }
}

/// A store of certificates of somebody else's.
struct Resolver(fn(Option<&str>) -> Option<Arc<CertifiedKey>>);

impl ResolveCertificate for Resolver {
    fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>> {
        (self.0)(server_name.map(AsRef::as_ref))
    }
}

#[test]
fn a_resolver_of_ones_own_chooses_or_refuses() {
    let resolver = Resolver(|name| match name {
        Some("nobody.example") => None,
        Some("bits.example") => Some(certified(3072)),
        Some(_) | None => Some(certified(2048)),
    });
    let server = Arc::new(resolving(Arc::new(resolver)).build().unwrap());
    assert_eq!(shown(&server, "bits.example"), leaf(&certified(3072)));
    assert_eq!(shown(&server, "192.0.2.1"), leaf(&certified(2048)));
    let refused = asking(&server, "nobody.example").run(Chunks::Whole);
    assert_eq!(refused, Err(Incompatible::UnknownServerName.into()));
}

/// Only when it is chosen does it show that a certificate's key is elsewhere.
#[test]
fn a_resolved_certificate_needs_its_key() {
    let keyless = Resolver(|_| {
        let chain = certified(2048).chain().to_vec();
        CertifiedKey::without_key(chain).ok().map(Arc::new)
    });
    let keyless = Arc::new(keyless);
    let server = Arc::new(resolving(keyless.clone()).build().unwrap());
    let mut pair = asking(&server, "any.example");
    assert_eq!(
        pair.run(Chunks::Whole),
        Err(LocalError::NoPrivateKey.into())
    );
    assert_eq!(said(&mut pair.server), [record(ALERT, &[2, 80])]);

    let offloading = resolving(keyless).offload_decryption().build().unwrap();
    let mut pair = Pair::new(
        Arc::new(client_builder().build().unwrap()),
        Arc::new(offloading),
        premaster_testing::name(),
    );
    pair.run(Chunks::Whole).unwrap();
    let job = pair.server.job();
    let answer = job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5));
    pair.server.resume(answer).unwrap();
    pair.established();
}

#[test]
fn names_that_nobody_can_ask_for_are_refused() {
    let certified = certified(2048);
    let set = || CertificateSet::new(certified.clone());
    let too_long = format!("{}.example", "a".repeat(64));
    for name in [
        "",
        "*",
        "*.",
        "a..example",
        "a.example.",
        "*.a.example.",
        "*.*.example",
        "w*.example",
        "a b",
        "192.0.2.1",
        &too_long,
    ] {
        let refused = set().name(name, &certified).unwrap_err();
        assert_eq!(refused, ConfigError::BadServerName, "{name}");
    }
    let nameless = valid_for(&[]);
    let refused = set().certificate(&nameless).unwrap_err();
    assert_eq!(refused, ConfigError::BadServerName);
}

/// The server does not judge its own certificate: a client refuses one for another name.
#[test]
fn the_client_still_checks_the_name() {
    let set = CertificateSet::new(valid_for(&["other.example"]));
    let client = Arc::new(client_builder().build().unwrap());
    let mut pair = Pair::new(client, serving(set), premaster_testing::name());
    let fault = fault(pair.run(Chunks::Whole));
    assert!(matches!(fault, CertificateFault::NameMismatch { .. }));
    // Control: the one certificate of the other tests' server is for the name.
    premaster_testing::pair(client_builder(), server_builder()).established();
}
