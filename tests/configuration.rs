//! Configurations that cannot work are refused when they are built, with the reason.

mod common;

use common::wire::Stopped;
use common::{certified, client_builder, client_certified, pair, pki, rng, roots, server_builder};
use premaster::pki_types::PrivateKeyDer;
use premaster::pki_types::pem::PemObject;
use premaster::{
    CertifiedKey, CipherSuite, ClientAuth, ClientConfig, ConfigError, KeyLog, MaxFragmentLength,
    Preference, RootStore, RsaKey, ServerConfig,
};
use rsa::pkcs1::EncodeRsaPrivateKey;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const AES_128: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;
const AES_256: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn lists_of_suites_are_checked() {
    for (suites, error) in [
        (&[][..], ConfigError::NoSuites),
        (&[AES_128, AES_128], ConfigError::DuplicateSuite(AES_128)),
        (
            &[CipherSuite(0x002f)],
            ConfigError::UnsupportedSuite(CipherSuite(0x002f)),
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
        ClientAuth::Request(nobody.clone()),
        ClientAuth::Require(nobody.clone()),
    ] {
        assert_eq!(
            server_builder()
                .client_auth(client_auth)
                .build()
                .unwrap_err(),
            ConfigError::NoRoots
        );
    }
    assert_eq!(
        RootStore::from_pem(b"no PEM").unwrap_err(),
        ConfigError::NoRoots
    );
    assert_eq!(
        RootStore::from_pem(b"-----BEGIN CERTIFICATE-----\n!").unwrap_err(),
        ConfigError::BadPem
    );
    assert_eq!(
        RootStore::new().add(&vec![1, 2, 3].into()).unwrap_err(),
        ConfigError::BadCertificate
    );
    assert!(
        !RootStore::from_pem(&data("leaf-2048.pem"))
            .unwrap()
            .is_empty()
    );
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
    let pkcs1 = pki::key("rsa-2048")
        .to_pkcs1_pem(Default::default())
        .unwrap();
    CertifiedKey::from_pem(&data("leaf-2048.pem"), pkcs1.as_bytes()).unwrap();
}

#[test]
fn a_pair_that_does_not_match_is_refused() {
    let chain = data("leaf-2048.pem");
    for (chain, key, error) in [
        (&chain, data("rsa-2048-ca.key"), ConfigError::KeyMismatch),
        (&chain, data("ec-p256.key"), ConfigError::NotRsa),
        (
            &chain,
            data("rsa-1024.key"),
            ConfigError::KeySize { bits: 1024 },
        ),
        (&chain, chain.clone(), ConfigError::NoKey),
        (
            &chain,
            b"-----BEGIN PRIVATE KEY-----\n!".to_vec(),
            ConfigError::BadPem,
        ),
        (
            &Vec::new(),
            data("rsa-2048.key"),
            ConfigError::NoCertificate,
        ),
        (
            &b"-----BEGIN CERTIFICATE-----\n!".to_vec(),
            data("rsa-2048.key"),
            ConfigError::BadPem,
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
    let server = || ServerConfig::builder(keyless(certified(2048))).random(rng(2));
    let client = || client_builder().certificate(keyless(client_certified()));
    let elsewhere = ConfigError::KeyElsewhere;
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
            server_builder()
                .suites(&server)
                .suite_preference(preference),
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
        server_builder().client_auth(ClientAuth::Require(roots())),
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
