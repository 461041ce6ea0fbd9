//! Chains that are refused, each because of one thing: the words, the certificate that is meant,
//! the waiver that accepts it, and the alert.

use super::scene::{
    Scene, authority, built, check, intermediate, leaf, leaf_below, long, mersenne,
    named_authority, refused, roots, roots_of,
};
use premaster::certificate::Waiver;
use premaster::pki_types::{CertificateDer, alg_id};
use premaster::protocol::AlertDescription as Alert;
use premaster_testing::pki::{self, Algorithm, Authority, DAY, NOW, Spec, der};
use x509_cert::ext::pkix::KeyUsages;

/// The leaf and the CA above it.
fn both(leaf: Spec, authority: Spec) -> Vec<CertificateDer<'static>> {
    built([leaf, authority])
}

#[test]
fn chains_that_lead_to_no_root() {
    let stranger = Authority::new("CN=Stranger", pki::key("rsa-2048-ca"));
    let of = |issuer| {
        format!(
            "its issuer, {issuer}, is not a configured root, and no certificate in the chain leads to one"
        )
    };
    let own = leaf().issued_by(&Authority::new(leaf().subject, pki::key("rsa-2048")));
    let [one, other] = pki::cycle();
    let in_cycle = leaf().issued_by(&Authority::intermediate(1));
    let pin = Some(Waiver::PinnedCertificate);
    check(
        Alert::UNKNOWN_CA,
        pin,
        [
            refused(
                "a stranger's",
                built([leaf().issued_by(&stranger)]),
                0,
                of("CN=Stranger"),
            ),
            refused("self-signed", built([own]), 0, of("CN=Test Server")),
            refused(
                "half a chain",
                built([leaf_below()]),
                0,
                of("CN=Test Intermediate"),
            ),
            refused(
                "with another leaf",
                built([leaf_below(), leaf()]),
                0,
                of("CN=Test Intermediate"),
            ),
            refused(
                "below a stranger",
                both(leaf_below(), intermediate().issued_by(&stranger)),
                1,
                of("CN=Stranger"),
            ),
            refused(
                "without the intermediate's own",
                built([
                    leaf_below(),
                    intermediate().issued_by(&named_authority("CN=Upper")),
                ]),
                1,
                of("CN=Upper"),
            ),
            refused(
                "a cycle",
                built([in_cycle, one, other]),
                2,
                of("CN=Test Intermediate 1"),
            ),
            refused("another root", built([leaf()]), 0, of("CN=Test Root"))
                .under(roots_of(&[&stranger])),
        ],
    );
}

/// Ten certificates may come, or as many as the policy says, of which seven may be the path.
#[test]
fn chains_that_are_too_long() {
    let pin = Some(Waiver::PinnedCertificate);
    check(
        Alert::CERTIFICATE_UNKNOWN,
        pin,
        [refused(
            "seven authorities",
            long(7),
            None,
            "every path to a root has more than 7 certificates below the root",
        )],
    );
    let many = |count| {
        let fault = format!("the chain has {count} certificates; at most 10 are accepted");
        refused("many", vec![leaf().build(); count], None, fault)
    };
    check(
        Alert::CERTIFICATE_UNKNOWN,
        Some(Waiver::LongChain),
        [11, 19].map(many),
    );
    // They are not even parsed.
    let garbage = vec![vec![0].into(); 101];
    let too_many = Scene::of(garbage).refusal();
    assert_eq!(
        too_many.to_string(),
        "the chain has 101 certificates; at most 10 are accepted"
    );
}

#[test]
fn dates() {
    let [before, after] = [(NOW - 2 * DAY, NOW - 1), (NOW + 1, NOW + DAY)];
    let at = |(not_before, not_after), spec| Spec {
        not_before,
        not_after,
        ..spec
    };
    let expired = "it expired on 2027-01-15T07:59:59Z; the current time is 2027-01-15T08:00:00Z";
    let early =
        "it is not valid before 2027-01-15T08:00:01Z; the current time is 2027-01-15T08:00:00Z";
    check(
        Alert::CERTIFICATE_EXPIRED,
        Some(Waiver::OutsideValidity),
        [
            refused("a leaf before", built([at(before, leaf())]), 0, expired),
            refused("a leaf after", built([at(after, leaf())]), 0, early),
            refused(
                "an authority before",
                both(leaf_below(), at(before, intermediate())),
                1,
                expired,
            ),
            refused(
                "an authority after",
                both(leaf_below(), at(after, intermediate())),
                1,
                early,
            ),
        ],
    );
}

#[test]
fn signatures_over_sha1() {
    let sha1 = |spec| Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..spec
    };
    let with = "its signature uses SHA-1";
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::Sha1Signature),
        [
            refused("the leaf's", built([sha1(leaf())]), 0, with),
            refused(
                "below an authority",
                both(sha1(leaf_below()), intermediate()),
                0,
                with,
            ),
            refused(
                "an authority's",
                both(leaf_below(), sha1(intermediate())),
                1,
                with,
            ),
        ],
    );
}

#[test]
fn signatures_with_other_algorithms() {
    let signed = |spec, algorithm| Spec {
        algorithm: Some(algorithm),
        ..spec
    };
    let of = |algorithm| {
        format!(
            "its signature algorithm, {algorithm}, is not accepted or does not match its issuer's key"
        )
    };
    let md5 = || of("1.2.840.113549.1.1.4");
    let root = Authority::new("CN=EC Root", pki::p256(1));
    let below_root = |algorithm| built([signed(leaf().issued_by(&root), algorithm)]);
    // rsaEncryption becomes id-RSASSA-PSS.
    let mut signs_with_pss = pki::root();
    signs_with_pss.public_key = pss_only(&signs_with_pss);
    let pin = Some(Waiver::PinnedCertificate);
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        pin,
        [
            refused(
                "MD5",
                built([signed(leaf(), Algorithm::RSA_PKCS1_MD5)]),
                0,
                md5(),
            ),
            refused(
                "MD5 above",
                both(
                    leaf_below(),
                    signed(intermediate(), Algorithm::RSA_PKCS1_MD5),
                ),
                1,
                md5(),
            ),
            refused(
                "ECDSA over SHA-1",
                below_root(Algorithm::ECDSA_SHA1),
                0,
                of("1.2.840.10045.4.1"),
            )
            .under(roots_of(&[&root])),
            refused(
                "ECDSA over SHA-512",
                below_root(Algorithm::ECDSA_SHA512),
                0,
                of("1.2.840.10045.4.3.4"),
            )
            .under(roots_of(&[&root])),
            refused(
                "RSA by name",
                below_root(Algorithm::RSA_PKCS1_SHA256),
                0,
                of("1.2.840.113549.1.1.11"),
            )
            .under(roots_of(&[&root])),
            refused(
                "ECDSA by name",
                built([signed(leaf(), Algorithm::ECDSA_SHA256)]),
                0,
                of("1.2.840.10045.4.3.2"),
            ),
            refused(
                "a root for PSS",
                built([leaf()]),
                0,
                of("1.2.840.113549.1.1.11"),
            )
            .under(roots([signs_with_pss])),
        ],
    );
}

#[cfg(not(feature = "ecdsa"))]
#[test]
fn signatures_with_ecdsa() {
    for (key, oid) in [
        (pki::p256(1), "1.2.840.10045.4.3.2"),
        (pki::p384(1), "1.2.840.10045.4.3.3"),
    ] {
        let root = Authority::new("CN=EC Root", key);
        let of = format!(
            "its signature algorithm, {oid}, is not accepted or does not match its issuer's key"
        );
        check(
            Alert::UNSUPPORTED_CERTIFICATE,
            Some(Waiver::PinnedCertificate),
            [refused("ECDSA", built([leaf().issued_by(&root)]), 0, of).under(roots_of(&[&root]))],
        );
    }
}

#[test]
fn signatures_that_are_wrong() {
    let damaged = |spec| Spec {
        damaged: true,
        ..spec
    };
    let wrong = "its signature does not verify with its issuer's key";
    let with_issuer = |key: pki::Key| Spec {
        issuer_key: key,
        ..leaf()
    };
    // What is signed, and what is said to be signed.
    let other_hash = {
        let sha384 = Spec {
            algorithm: Some(Algorithm {
                hash: pki::Hash::Sha384,
                ..Algorithm::RSA_PKCS1_SHA256
            }),
            ..leaf()
        };
        built([sha384])
    };
    let mut changed = leaf().build().to_vec();
    let serial = changed.windows(3).position(|at| at == [2, 1, 42]).unwrap();
    changed[serial + 2] = 43;
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused("the leaf's", built([damaged(leaf())]), 0, wrong),
            refused(
                "below an authority",
                both(damaged(leaf_below()), intermediate()),
                0,
                wrong,
            ),
            refused(
                "an authority's",
                both(leaf_below(), damaged(intermediate())),
                1,
                wrong,
            ),
            refused(
                "by a key of the same length",
                built([with_issuer(pki::key("rsa-2048-client").into())]),
                0,
                wrong,
            ),
            refused(
                "by a longer key",
                built([with_issuer(pki::key("rsa-3072").into())]),
                0,
                wrong,
            ),
            refused("over another hash", other_hash, 0, wrong),
            refused("a changed certificate", vec![changed.into()], 0, wrong),
        ],
    );
}

#[cfg(feature = "ecdsa")]
#[test]
fn signatures_of_elliptic_curves_that_are_wrong() {
    for key in [pki::p256(1), pki::p384(1)] {
        let root = Authority::new("CN=EC Root", key);
        let leaf = leaf().issued_by(&root);
        let damaged = Spec {
            damaged: true,
            ..leaf.clone()
        };
        let others = Spec {
            issuer_key: match root.key {
                pki::Key::P256(_) => pki::p256(2),
                _ => pki::p384(2),
            },
            ..leaf
        };
        let wrong = "its signature does not verify with its issuer's key";
        check(
            Alert::BAD_CERTIFICATE,
            Some(Waiver::PinnedCertificate),
            [damaged, others]
                .map(|leaf| refused("ECDSA", built([leaf]), 0, wrong).under(roots_of(&[&root]))),
        );
    }
}

#[test]
fn authorities_that_are_none() {
    let with = |ca| Spec {
        ca,
        ..intermediate()
    };
    let not = "it is not a CA certificate, but another certificate names it as its issuer";
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused("said", both(leaf_below(), with(Some(false))), 1, not),
            refused("not said", both(leaf_below(), with(None)), 1, not),
            refused(
                "among others",
                built([leaf_below(), leaf(), with(Some(false))]),
                2,
                not,
            ),
        ],
    );
}

#[test]
fn authorities_that_may_not_sign_certificates() {
    let signs_lists = Spec {
        key_usage: Some(KeyUsages::CRLSign.into()),
        ..intermediate()
    };
    let fault = "its keyUsage allows CRL Sign; keyCertSign is required";
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [refused(
            "an authority that signs lists",
            both(leaf_below(), signs_lists),
            1,
            fault,
        )],
    );
}

#[test]
fn an_authority_that_is_none_above_one_that_is() {
    let [lower, upper] = ["CN=Lower", "CN=Upper"].map(named_authority);
    let of_upper = Spec {
        ca: Some(false),
        ..upper.certificate()
    };
    let chain = built([
        leaf().issued_by(&lower),
        lower.certificate().issued_by(&upper),
        of_upper,
    ]);
    let not = "it is not a CA certificate, but another certificate names it as its issuer";
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [refused("above", chain, 2, not)],
    );
}

#[test]
fn a_ca_that_is_a_server() {
    let ca = |spec| Spec {
        ca: Some(true),
        ..spec
    };
    let is = "it is a CA certificate; a leaf certificate is required";
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused("below a root", built([ca(leaf())]), 0, is),
            refused(
                "below an authority",
                both(ca(leaf_below()), intermediate()),
                0,
                is,
            ),
        ],
    );
}

#[test]
fn paths_that_are_longer_than_an_authority_allows() {
    let [lower, upper] = ["CN=Lower", "CN=Upper"].map(named_authority);
    let below = leaf().issued_by(&lower);
    let of_lower = lower.certificate().issued_by(&upper);
    let of_upper = Spec {
        path_length: Some(0),
        ..upper.certificate()
    };
    let longer = "the chain has more CA certificates below it than its pathLenConstraint allows";
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [refused(
            "by one",
            built([below, of_lower, of_upper]),
            2,
            longer,
        )],
    );
}

#[test]
fn names_that_an_authority_may_not_give() {
    let permitted = |permitted| Spec {
        permitted,
        ..intermediate()
    };
    let excluded = |excluded| Spec {
        excluded,
        ..intermediate()
    };
    let below = |constrained| both(leaf_below(), constrained);
    let domain = pki::dns_name;
    let loopback = || pki::network([127, 0, 0, 0], [255, 0, 0, 0]);
    let tens = || pki::network([10, 0, 0, 0], [255, 0, 0, 0]);
    let root = |permitted, excluded| Spec {
        permitted,
        excluded,
        ..pki::root()
    };
    let may_not = "the name constraints of a CA above it do not allow one of its names";
    let refused_below = |what, constrained| refused(what, below(constrained), 0, may_not);
    let refused_under =
        |what, root| refused(what, built([leaf()]), 0, may_not).under(roots([root]));
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused_below("another domain", permitted(vec![domain("other.example")])),
            refused_below(
                "a domain below",
                permitted(vec![domain("a.server.example")]),
            ),
            refused_below("another network", permitted(vec![tens()])),
            refused_below("its domain", excluded(vec![domain("example")])),
            refused_below("itself", excluded(vec![domain("server.example")])),
            refused_below("its network", excluded(vec![loopback()])),
            refused_under(
                "another domain",
                root(vec![domain("other.example")], vec![]),
            ),
            refused_under("another network", root(vec![tens()], vec![])),
            refused_under("its domain", root(vec![], vec![domain("example")])),
            refused_under("its network", root(vec![], vec![loopback()])),
        ],
    );
}

#[test]
fn versions() {
    let old = leaf().version_1();
    let named = Spec {
        subject: "CN=server.example",
        ..old.clone()
    };
    let of = |version| format!("its X.509 version is {version}; only version 3 is accepted");
    let below = Spec {
        ..named.clone().issued_by(&authority())
    };
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::Version1),
        [
            refused("a leaf", built([named]), 0, of(1)).besides(&[Waiver::CommonName]),
            refused("below an authority", both(below, intermediate()), 0, of(1))
                .besides(&[Waiver::CommonName]),
            refused("whatever its name", built([old]), 0, of(1)).besides(&[Waiver::AnyName]),
        ],
    );
    let version = |version, spec| Spec { version, ..spec };
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [refused("a leaf", built([version(2, leaf())]), 0, of(2))],
    );
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused(
                "an authority",
                both(leaf_below(), intermediate().version_1()),
                1,
                of(1),
            ),
            refused(
                "an authority",
                both(leaf_below(), version(2, intermediate())),
                1,
                of(2),
            ),
        ],
    );
}

#[test]
fn critical_extensions() {
    let unknown = |spec| Spec {
        unknown_critical: true,
        ..spec
    };
    let of = |oid| format!("its critical extension {oid} is not supported");
    // issuerAltName, which nobody here knows either.
    let issuers = Spec {
        extensions: vec![der::extension("2.5.29.18", true, &der::sequence(&[]))],
        ..intermediate()
    };
    let own = || of("1.3.6.1.4.1.55555.1");
    let harmless = Spec {
        extensions: vec![der::extension("1.3.6.1.4.1.55555.2", false, &der::null())],
        ..leaf_below()
    };
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [refused("a leaf's", built([unknown(leaf())]), 0, own())],
    );
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused(
                "an authority's",
                both(leaf_below(), unknown(intermediate())),
                1,
                own(),
            ),
            refused(
                "above one that is not critical",
                both(harmless, unknown(intermediate())),
                1,
                own(),
            ),
            refused("names", both(leaf_below(), issuers), 1, of("2.5.29.18")),
        ],
    );
}

#[test]
fn purposes() {
    let purposes = |extended_key_usage, spec| Spec {
        extended_key_usage,
        ..spec
    };
    let allows = |found| format!("its extendedKeyUsage allows {found}; serverAuth is required");
    let client = || Some(vec![pki::CLIENT_AUTH]);
    let any = || Some(vec![pki::ANY_PURPOSE]);
    let two = || Some(vec![pki::OCSP_SIGNING, pki::CLIENT_AUTH]);
    let none = || Some(vec![]);
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::ExtendedKeyUsage),
        [
            refused(
                "a client",
                built([purposes(client(), leaf())]),
                0,
                allows("clientAuth"),
            ),
            refused(
                "any",
                built([purposes(any(), leaf())]),
                0,
                allows("anyExtendedKeyUsage"),
            ),
            refused(
                "two",
                built([purposes(two(), leaf())]),
                0,
                allows("clientAuth, OCSPSigning"),
            ),
        ],
    );
    // The extension has at least one purpose.
    let of_none = built([purposes(none(), leaf())]);
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [refused("none", of_none, 0, allows("nothing"))],
    );
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [
            refused(
                "clients below it",
                both(leaf_below(), purposes(client(), intermediate())),
                1,
                allows("clientAuth"),
            ),
            refused(
                "any below it",
                both(leaf_below(), purposes(any(), intermediate())),
                1,
                allows("anyExtendedKeyUsage"),
            ),
            refused(
                "none below it",
                both(leaf_below(), purposes(none(), intermediate())),
                1,
                allows("nothing"),
            ),
        ],
    );
}

#[test]
fn usages() {
    let usages = |key_usage| {
        let spec = Spec {
            key_usage: Some(key_usage),
            ..leaf()
        };
        built([spec])
    };
    let allows = |found| format!("its keyUsage allows {found}; keyEncipherment is required");
    let signs = KeyUsages::DigitalSignature;
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::MissingKeyEncipherment),
        [
            refused(
                "signs only",
                usages(signs.into()),
                0,
                allows("Digital Signature"),
            ),
            refused(
                "signs and agrees",
                usages(signs | KeyUsages::KeyAgreement),
                0,
                allows("Digital Signature, Key Agreement"),
            ),
        ],
    );
}

#[test]
fn keys_of_the_leaf() {
    let keyed = |public_key| {
        let spec = Spec {
            public_key,
            ..leaf()
        };
        built([spec])
    };
    let rsa = |bits| keyed(pki::rsa_public_key(bits, &[3]));
    let has = |bits| format!("its RSA key has {bits} bits; 2048 to 8192 are accepted");
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::ShortRsaKey),
        [1024, 1536, 2047].map(|bits| refused("short", rsa(bits), 0, has(bits))),
    );
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [512, 1023, 8193, 16384].map(|bits| refused("too short or long", rsa(bits), 0, has(bits))),
    );
    let of =
        |oid| format!("its key has algorithm {oid}; only RSA (1.2.840.113549.1.1.1) is accepted");
    let elliptic = "1.2.840.10045.2.1";
    let ed25519 = pki::raw_public_key(alg_id::ED25519, &[7; 32]);
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [
            refused("P-256", keyed(pki::p256(1).public_key()), 0, of(elliptic)),
            refused("P-384", keyed(pki::p384(1).public_key()), 0, of(elliptic)),
            refused("Ed25519", keyed(ed25519), 0, of("1.3.101.112")),
            refused(
                "PSS",
                keyed(pss_only(&leaf())),
                0,
                of("1.2.840.113549.1.1.10"),
            ),
        ],
    );
    let even = {
        let key = der::sequence(&[&der::unsigned(&[0x80; 256]), &der::unsigned(&[3])]);
        keyed(pki::raw_public_key(alg_id::RSA_ENCRYPTION, &key))
    };
    let nonsense = keyed(pki::raw_public_key(alg_id::RSA_ENCRYPTION, &[7; 300]));
    let exponent_1 = keyed(pki::rsa_public_key(2048, &[1]));
    check(
        Alert::BAD_CERTIFICATE,
        None,
        [even, nonsense, exponent_1].map(|chain| {
            refused(
                "an impossible key",
                chain,
                0,
                "it cannot be parsed or has an invalid value",
            )
        }),
    );
}

#[test]
fn keys_of_authorities() {
    let keyed = |key| Authority::new("CN=Keyed", key);
    let chain = |authority: &Authority| {
        let leaf = leaf().issued_by(authority);
        built([leaf, authority.certificate()])
    };
    let below = |root: &Authority| built([leaf().issued_by(root)]);
    let has =
        |bits| format!("the RSA key that signed it has {bits} bits; 2048 to 8192 are accepted");
    let of_both = |bits, key| {
        let authority = keyed(key);
        let root = roots_of(&[&authority]);
        [
            refused("an authority's", chain(&authority), 0, has(bits)),
            refused("a root's", below(&authority), 0, has(bits)).under(root),
        ]
    };
    for bits in [1024, 2047] {
        check(
            Alert::UNSUPPORTED_CERTIFICATE,
            Some(Waiver::ShortRsaKey),
            of_both(bits, pki::rsa(bits, 1)),
        );
    }
    for (bits, key) in [(1023, pki::rsa(1023, 1)), (8193, mersenne(8193))] {
        check(
            Alert::UNSUPPORTED_CERTIFICATE,
            Some(Waiver::PinnedCertificate),
            of_both(bits, key),
        );
    }
}

#[test]
fn certificates_that_cannot_be_read() {
    let whole = leaf().build().to_vec();
    let trailing = [&whole[..], &[0]].concat();
    let cut = whole[..whole.len() - 1].to_vec();
    let rows = [
        ("nothing", vec![0x30, 0]),
        ("a byte too many", trailing),
        ("a byte too few", cut),
    ];
    check(
        Alert::BAD_CERTIFICATE,
        None,
        rows.map(|(what, der)| {
            refused(
                what,
                vec![der.into()],
                None,
                "it cannot be parsed or has an invalid value",
            )
        }),
    );
}

#[test]
fn certificates_that_say_what_they_must_not() {
    let two_algorithms = |spec| Spec {
        inner_algorithm: Some(Algorithm::RSA_PKCS1_SHA384),
        ..spec
    };
    let inverted = |spec| Spec {
        not_before: NOW + DAY,
        not_after: NOW - DAY,
        ..spec
    };
    let usage = der::tlv(der::BIT_STRING, &[&[5, 0xa0]]);
    let an_extension_twice = |spec| Spec {
        extensions: vec![der::extension("2.5.29.15", true, &usage)],
        ..spec
    };
    let unreadable = "it cannot be parsed or has an invalid value";
    let check_both = |change: &dyn Fn(Spec) -> Spec| {
        let leaf = refused("a leaf", built([change(leaf())]), 0, unreadable);
        check(Alert::BAD_CERTIFICATE, None, [leaf]);
        let authority = refused(
            "an authority",
            both(leaf_below(), change(intermediate())),
            1,
            unreadable,
        );
        let pin = Some(Waiver::PinnedCertificate);
        check(Alert::BAD_CERTIFICATE, pin, [authority]);
    };
    check_both(&two_algorithms);
    check_both(&inverted);
    check_both(&an_extension_twice);
}

/// A keyUsage that does not parse.
#[test]
fn extensions_that_cannot_be_read() {
    let usage = |value: &[u8]| {
        let spec = Spec {
            key_usage: None,
            extensions: vec![der::extension("2.5.29.15", true, value)],
            ..leaf()
        };
        built([spec])
    };
    let bits = der::tlv(der::BIT_STRING, &[&[5, 0xa0]]);
    let trailing = [&bits[..], &[0]].concat();
    check(
        Alert::BAD_CERTIFICATE,
        None,
        [trailing, der::null(), vec![]].map(|value| {
            refused(
                "a keyUsage",
                usage(&value),
                0,
                "it cannot be parsed or has an invalid value",
            )
        }),
    );
}

/// The key of a certificate as one that makes PSS signatures and nothing else.
fn pss_only(spec: &Spec) -> x509_cert::spki::SubjectPublicKeyInfoOwned {
    let key = spec.public_key.subject_public_key.raw_bytes();
    // id-RSASSA-PSS, 1.2.840.113549.1.1.10.
    const RSASSA_PSS: &[u8] = &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
    ];
    let identifier = premaster::pki_types::AlgorithmIdentifier::from_slice(RSASSA_PSS);
    pki::raw_public_key(identifier, key)
}
