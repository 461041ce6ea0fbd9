//! Configurations that cannot work are refused when they are built, with the reason.

use premaster::certificate::{ClientAuthorities, Crls};
use premaster::error::{FileContents, FileItem, KeyAlgorithm, PemFault};
use premaster::pki_types::PrivateKeyDer;
use premaster::pki_types::pem::PemObject;
use premaster::protocol::{MaxFragmentLength, Preference, SignatureScheme};
use premaster::{
    CertificatePolicy, CertifiedKey, CipherSuite, ClientAuth, ClientConfig, ConfigError, KeyLog,
    RootStore, RsaKey, ServerConfig,
};
use premaster_testing::forger::Stopped;
use premaster_testing::pki::{self, Authority, Spec, der};
use premaster_testing::{
    AES_128, AES_256, certified, client_builder, client_certified, pair, rng, roots, server_builder,
};
use rsa::pkcs1::EncodeRsaPrivateKey;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A section that begins in the first line, and does not end.
const NO_END: ConfigError = ConfigError::BadPem {
    line: 1,
    fault: PemFault::NoEnd,
};

fn data(name: &str) -> Vec<u8> {
    std::fs::read(premaster_testing::data(name)).unwrap()
}

#[test]
fn lists_of_suites_are_checked() {
    for (suites, error) in [
        (&[][..], ConfigError::NoSuites),
        (&[AES_128, AES_128], ConfigError::DuplicateSuite(AES_128)),
        (
            &[CipherSuite(0x000a)],
            ConfigError::UnsupportedSuite(CipherSuite(0x000a)),
        ),
        (
            &[CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV],
            ConfigError::UnsupportedSuite(CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV),
        ),
    ] {
        assert_eq!(client_builder().suites(suites).build().unwrap_err(), error);
        assert_eq!(server_builder().suites(suites).build().unwrap_err(), error);
    }
}

#[test]
fn names_of_application_protocols_are_checked() {
    let longest = [b'x'; 255];
    let too_long = [b'x'; 256];
    // Each with its length byte, 2^12 bytes are the most.
    let names: Vec<Vec<u8>> = (0..17).map(|i| vec![i; 240]).collect();
    let mut many: Vec<&[u8]> = names.iter().map(|name| &name[..]).collect();
    assert_eq!(many.iter().map(|name| 1 + name.len()).sum::<usize>(), 4097);
    let refused = Some(ConfigError::BadProtocolName);
    let check = |names: &[&[u8]], expected: Option<ConfigError>| {
        let client = client_builder().alpn_protocols(names).build();
        assert_eq!(client.err(), expected);
        let server = server_builder().alpn_protocols(names).build();
        assert_eq!(server.err(), expected);
    };
    check(&[b"h2", b""], refused);
    check(&[&too_long], refused);
    check(&[b"h2", b"ocpp1.6", b"h2"], refused);
    check(&many, refused);
    let last = many.pop().unwrap();
    many.push(&last[1..]);
    check(&many, None);
    check(&[b"h2", &longest, b"H2"], None);
    check(&[], None);
}

#[test]
fn record_size_limits_are_those_that_can_be_asked_for() {
    for (limit, good) in [
        (0, false),
        (63, false),
        (64, true),
        (1 << 14, true),
        (16385, false),
    ] {
        let expected = (!good).then_some(ConfigError::BadRecordSizeLimit(limit));
        let client = client_builder().record_size_limit(limit).build();
        assert_eq!(client.err(), expected);
        let server = server_builder().record_size_limit(limit).build();
        assert_eq!(server.err(), expected);
    }
}

#[test]
fn fragment_lengths_are_the_four_that_are_defined() {
    for length in [0, 1, 2, 3, 4, 5, 255].map(MaxFragmentLength) {
        let good = (1..=4).contains(&length.0);
        let expected = (!good).then_some(ConfigError::BadMaxFragmentLength(length));
        let client = client_builder().max_fragment_length(length).build();
        assert_eq!(client.err(), expected);
    }
}

#[test]
fn sessions_live_for_a_second_to_a_day() {
    let day = Duration::from_secs(24 * 60 * 60);
    let second = Duration::from_secs(1);
    for (lifetime, good) in [
        (Duration::ZERO, false),
        (Duration::from_millis(999), false),
        (second, true),
        (day, true),
        (day + second, false),
        (Duration::MAX, false),
    ] {
        let expected = (!good).then_some(ConfigError::BadSessionLifetime);
        let client = client_builder().session_lifetime(lifetime).build();
        assert_eq!(client.err(), expected);
        let server = server_builder().session_lifetime(lifetime).build();
        assert_eq!(server.err(), expected);
    }
}

#[test]
fn an_ocsp_response_is_what_a_message_holds() {
    // Its type and its length stand before it.
    let most = (1 << 16) - 4;
    for (length, good) in [(0, false), (1, true), (most, true), (most + 1, false)] {
        let expected = (!good).then_some(ConfigError::BadOcspResponse);
        let stapled = client_certified().staple(Some(&vec![0x30; length]));
        assert_eq!(stapled.err(), expected);
    }
}

#[test]
fn somebody_must_be_trusted() {
    let nobody = RootStore::new();
    assert_eq!(
        ClientConfig::builder(nobody.clone()).build().unwrap_err(),
        ConfigError::NoRoots
    );
    for client_auth in [
        ClientAuth::Request(nobody.clone().into()),
        ClientAuth::Require(nobody.clone().into()),
    ] {
        assert_eq!(
            server_builder().client_auth(client_auth).build().unwrap_err(),
            ConfigError::NoRoots
        );
    }
    assert_eq!(
        RootStore::new().add(&vec![1, 2, 3].into()).unwrap_err(),
        ConfigError::BadCertificate
    );
    assert!(!RootStore::from_pem(&data("leaf-2048.pem")).unwrap().is_empty());
}

/// Who is known by a pin needs no root.
#[test]
fn a_pin_is_somebody_to_be_trusted() {
    let nobody = || CertificatePolicy::new(RootStore::new());
    for pinned in [
        nobody().pin_certificate([7; 32]),
        nobody().pin_public_key(certified(2048).key_id()),
    ] {
        let client = ClientConfig::builder(pinned.clone()).rng(rng(1));
        client.build().unwrap();
        let server = server_builder().client_auth(ClientAuth::Require(pinned));
        server.build().unwrap();
    }
    // Other waivers name nobody.
    let lenient = nobody().accept_any_name().accept_sha1_signatures();
    let client = ClientConfig::builder(lenient).rng(rng(1));
    assert_eq!(client.build().unwrap_err(), ConfigError::NoRoots);
}

/// They have no way to send one.
#[cfg(feature = "ocsp")]
#[test]
fn no_ocsp_response_is_required_of_clients() {
    let policy = CertificatePolicy::new(roots()).require_ocsp_response();
    for client_auth in [
        ClientAuth::Request(policy.clone()),
        ClientAuth::Require(policy.clone()),
    ] {
        let server = server_builder().client_auth(client_auth);
        assert_eq!(server.build().unwrap_err(), ConfigError::ClientOcspResponse);
    }
}

#[test]
fn client_signature_algorithms_are_known_and_one_is_for_rsa_keys() {
    let none = Some(ConfigError::NoSignatureSchemes);
    let unknown = |number| {
        let scheme = SignatureScheme(number);
        Some(ConfigError::UnsupportedSignatureScheme(scheme))
    };
    for (algorithms, expected) in [
        (&[][..], none),
        (&[0x0201], None),
        (&[0x0401], None),
        (&[0x0806, 0x0201], None),
        (&[0x0601, 0x0601], None),
        // For keys that may only sign with PSS, of Edwards curves, and of nobody.
        (&[0x0401, 0x0809], unknown(0x0809)),
        (&[0x0807], unknown(0x0807)),
        (&[0x0401, 0], unknown(0)),
    ] {
        check_algorithms(algorithms, expected);
    }
    check_algorithms(&[0x0401; 32], None);
    check_algorithms(&[0x0401; 33], none);
}

/// A client's own key is RSA.
#[cfg(feature = "ecdsa")]
#[test]
fn client_signature_algorithms_for_chains_are_not_enough() {
    let none = Some(ConfigError::NoSignatureSchemes);
    check_algorithms(&[0x0403, 0x0503], none);
    check_algorithms(&[0x0403, 0x0401], None);
}

#[cfg(not(feature = "ecdsa"))]
#[test]
fn client_signature_algorithms_are_those_that_are_built_in() {
    let scheme = SignatureScheme(0x0403);
    let unknown = ConfigError::UnsupportedSignatureScheme(scheme);
    check_algorithms(&[0x0403, 0x0401], Some(unknown));
}

#[track_caller]
fn check_algorithms(algorithms: &[u16], expected: Option<ConfigError>) {
    let schemes: Vec<_> = algorithms.iter().copied().map(SignatureScheme).collect();
    let server = server_builder().client_signature_algorithms(&schemes);
    assert_eq!(server.build().err(), expected);
}

/// "opaque DistinguishedName<1..2^16-1>", and all of them in one message.
#[test]
fn names_of_authorities_are_there_and_fit() {
    const MOST: usize = 65_279;

    let bad = Some(ConfigError::BadAuthorities);
    for (names, expected) in [
        (vec![], None),
        (vec![vec![0x30, 0]], None),
        (vec![vec![]], bad),
        (vec![vec![0x30, 0], vec![]], bad),
        (vec![vec![0; MOST - 2]], None),
        (vec![vec![0; MOST - 1]], bad),
        (vec![vec![0; 1000], vec![0; MOST - 1000 - 4]], None),
        (vec![vec![0; 1000], vec![0; MOST - 1000 - 3]], bad),
    ] {
        let names = ClientAuthorities::Names(names);
        let server = server_builder().client_authorities(names);
        assert_eq!(server.build().err(), expected);
    }
}

/// Then the server names those of its choice, or nobody.
#[test]
fn roots_may_be_too_many_to_be_named() {
    let mut many = RootStore::new();
    for number in 0..10 {
        let root = Spec {
            raw_subject: Some(der::common_name(&[b'0' + number; 7000])),
            ..pki::root()
        };
        many.add(&root.build()).unwrap();
    }
    let server = || server_builder().client_auth(ClientAuth::Require(many.clone().into()));
    assert_eq!(server().build().unwrap_err(), ConfigError::BadAuthorities);
    let unnamed = server().client_authorities(ClientAuthorities::None);
    unnamed.build().unwrap();
}

#[test]
fn revocation_lists_are_there_and_of_a_kind_that_is_read() {
    let list = || pki::crl(&Authority::root());
    let pem = |list: &pki::Crl| pki::to_pem("X509 CRL", &list.build());
    for (text, error) in [
        (
            "".to_owned(),
            ConfigError::NoCrls {
                found: FileContents::default(),
            },
        ),
        ("-----BEGIN X509 CRL-----\n!".to_owned(), NO_END),
        (pki::to_pem("X509 CRL", &[0x30, 0]), ConfigError::BadCrl),
        // Of the first version with extensions, and without an end.
        (
            pem(&pki::Crl {
                version: 1,
                ..list()
            }),
            ConfigError::BadCrl,
        ),
        (
            pem(&pki::Crl {
                next_update: None,
                ..list()
            }),
            ConfigError::BadCrl,
        ),
    ] {
        let lists = Crls::from_pem(text.as_bytes());
        assert_eq!(lists.unwrap_err(), error);
    }
    Crls::from_pem((pem(&list()) + &pem(&list())).as_bytes()).unwrap();
    // What is added one by one is in DER.
    let mut lists = Crls::new();
    let error = lists.add(pem(&list()).as_bytes()).unwrap_err();
    assert_eq!(error, ConfigError::PemInsteadOfDer);
    lists.add(&list().build()).unwrap();
}

#[cfg(not(feature = "getrandom"))]
#[test]
fn randomness_must_come_from_somewhere() {
    let certified = certified(2048);
    let server = premaster::ServerConfig::builder(certified).build();
    assert_eq!(server.unwrap_err(), ConfigError::NoRandom);
    let client = ClientConfig::builder(roots()).build();
    assert_eq!(client.unwrap_err(), ConfigError::NoRandom);
}

#[test]
fn keys_are_read_from_pkcs8_and_pkcs1() {
    CertifiedKey::from_pem(&data("leaf-2048.pem"), &data("rsa-2048.key")).unwrap();
    let pkcs1 = pki::key("rsa-2048").to_pkcs1_pem(Default::default()).unwrap();
    CertifiedKey::from_pem(&data("leaf-2048.pem"), pkcs1.as_bytes()).unwrap();
}

#[test]
fn a_pair_that_does_not_match_is_refused() {
    let chain = data("leaf-2048.pem");
    for (chain, key, error) in [
        (&chain, data("rsa-2048-ca.key"), ConfigError::KeyMismatch),
        (
            &chain,
            data("ec-p256.key"),
            ConfigError::NotRsa {
                algorithm: KeyAlgorithm::Ec,
            },
        ),
        (
            &chain,
            data("rsa-1024.key"),
            ConfigError::KeySize { bits: 1024 },
        ),
        (
            &chain,
            chain.clone(),
            ConfigError::NoKey {
                found: FileContents::from_iter([FileItem::Certificate]),
            },
        ),
        (&chain, b"-----BEGIN PRIVATE KEY-----\n!".to_vec(), NO_END),
        (
            &Vec::new(),
            data("rsa-2048.key"),
            ConfigError::NoCertificateFound {
                found: FileContents::default(),
            },
        ),
        (
            &b"-----BEGIN CERTIFICATE-----\n!".to_vec(),
            data("rsa-2048.key"),
            NO_END,
        ),
    ] {
        assert_eq!(CertifiedKey::from_pem(chain, &key).unwrap_err(), error);
    }
    let key = pki::private_key(&pki::key("rsa-2048"));
    assert_eq!(
        CertifiedKey::from_der(vec![vec![1].into()], &key).unwrap_err(),
        ConfigError::BadCertificate
    );
    let long = vec![pki::root().build(); 100];
    let root_key = pki::private_key(&pki::key("rsa-2048-ca"));
    assert_eq!(
        CertifiedKey::from_der(long, &root_key).unwrap_err(),
        ConfigError::ChainTooLong
    );
}

#[test]
fn a_key_that_is_elsewhere_needs_the_pause_that_it_answers() {
    let keyless = |certified: Arc<CertifiedKey>| {
        let chain = certified.chain().to_vec();
        Arc::new(CertifiedKey::without_key(chain).unwrap())
    };
    let server = || ServerConfig::builder(keyless(certified(2048))).rng(rng(2));
    let client = || client_builder().certificate(keyless(client_certified()));
    let elsewhere = ConfigError::NoPrivateKey;
    assert_eq!(server().build().unwrap_err(), elsewhere);
    assert_eq!(client().build().unwrap_err(), elsewhere);
    server().offload_decryption().build().unwrap();
    client().offload_signing().build().unwrap();
}

#[test]
fn a_key_whose_numbers_do_not_fit_is_refused() {
    let key = PrivateKeyDer::from_pem_slice(&data("rsa-2048.key")).unwrap();
    let PrivateKeyDer::Pkcs8(der) = &key else {
        panic!("not PKCS#8");
    };
    let mut der = der.secret_pkcs8_der().to_vec();
    RsaKey::from_der(&key).unwrap();
    // A bit in the middle of the private exponent.
    der[450] ^= 1;
    let broken = PrivateKeyDer::Pkcs8(der.into());
    assert_eq!(RsaKey::from_der(&broken).unwrap_err(), ConfigError::BadKey);
    assert_eq!(
        RsaKey::from_der(&PrivateKeyDer::Pkcs1(vec![1, 2, 3].into())).unwrap_err(),
        ConfigError::BadKey
    );
}

#[test]
fn the_order_that_decides_is_the_configured_one() {
    for (preference, client, server, agreed) in [
        (
            Preference::Server,
            [AES_128, AES_256],
            [AES_256, AES_128],
            AES_256,
        ),
        (
            Preference::Server,
            [AES_256, AES_128],
            [AES_128, AES_256],
            AES_128,
        ),
        (
            Preference::Client,
            [AES_128, AES_256],
            [AES_256, AES_128],
            AES_128,
        ),
        (
            Preference::Client,
            [AES_256, AES_128],
            [AES_128, AES_256],
            AES_256,
        ),
    ] {
        let pair = pair(
            client_builder().suites(&client),
            server_builder().suites(&server).suite_preference(preference),
        )
        .established();
        let session = pair.client.connection.session().unwrap();
        assert_eq!(session.cipher_suite(), agreed);
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl KeyLog for Lines {
    fn log(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

#[test]
fn both_sides_log_the_same_key_and_only_where_asked() {
    let (client, server) = (Arc::new(Lines::default()), Arc::new(Lines::default()));
    pair(
        client_builder().key_log(client.clone()),
        server_builder().key_log(server.clone()),
    )
    .established();
    let line = client.0.lock().unwrap().join("\n");
    assert_eq!(server.0.lock().unwrap().join("\n"), line);
    let fields: Vec<_> = line.split(' ').map(|field| (field.len(), field)).collect();
    assert!(matches!(
        fields[..],
        [(13, "CLIENT_RANDOM"), (64, _), (96, _)]
    ));
}

#[test]
fn secrets_do_not_print() {
    let key = RsaKey::from_pem(&data("rsa-2048.key")).unwrap();
    assert_eq!(format!("{key:?}"), "[redacted]");

    // A server that holds the master secret, and a client that holds the keys.
    let mut stopped = Stopped::before_client_flight(
        client_builder().certificate(client_certified()),
        server_builder().client_auth(ClientAuth::Require(roots().into())),
    );
    let so_far = stopped.client_flight[..2].concat();
    stopped.pair.server.take(&so_far).unwrap();
    let master_secret = stopped.forger().master_secret;
    let as_list = format!("{:?}", &master_secret[..8]);
    let needle = as_list.trim_matches(['[', ']']);
    for end in [&stopped.pair.client, &stopped.pair.server] {
        let printed = format!("{:?}", end.connection);
        assert!(printed.contains("[redacted]"));
        assert!(!printed.contains(needle), "{printed}");
    }
}
