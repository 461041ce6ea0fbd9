//! The peer's certificate, as a session describes it.

use super::scene::{Scene, at, built, intermediate, key_id, leaf, leaf_below};
use premaster::SessionInfo;
use premaster::certificate::{PeerCertificate, Waiver};
use premaster_testing::pki::{self, Algorithm, DAY, NOW, Spec, der};
use std::net::IpAddr;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A role in a plant.
const ROLE: &str = "1.3.6.1.4.1.55555.7";

fn session(leaf: Spec) -> SessionInfo {
    let waivers = [Waiver::AnyName, Waiver::Version1];
    Scene::of(built([leaf])).waiving(&waivers).judge().unwrap()
}

/// What is read in a certificate that was accepted.
fn read<T>(leaf: Spec, read: impl Fn(PeerCertificate<'_>) -> T) -> T {
    read(session(leaf).peer_certificate().unwrap())
}

#[test]
fn every_field_is_read() {
    let role = der::tlv(der::UTF8_STRING, &[b"press"]);
    let spec = Spec {
        serial: vec![0, 0x9a, 7],
        subject: "CN=plc-7,O=Werk,C=DE",
        not_before: NOW - DAY,
        not_after: NOW + DAY,
        dns: vec!["server.example", "*.plant.example"],
        ip: ["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap()).to_vec(),
        other_names: vec![pki::uri("urn:plant:7"), pki::email("ops@plant.example")],
        extensions: vec![der::extension(ROLE, false, &role)],
        ..leaf_below()
    };
    let chain = built([spec, leaf(), intermediate()]);
    let session = Scene::of(chain.clone()).judge().unwrap();
    assert_eq!(
        session.peer_certificates(),
        [chain[0].clone(), chain[2].clone()]
    );

    let certificate = session.peer_certificate().unwrap();
    assert_eq!(certificate.der(), &*chain[0]);
    assert_eq!(certificate.subject(), "C=DE, O=Werk, CN=plc-7");
    assert_eq!(certificate.common_name().as_deref(), Some("plc-7"));
    assert_eq!(certificate.issuer(), "CN=Test Intermediate");
    assert_eq!(certificate.serial(), [0, 0x9a, 7]);
    assert_eq!(certificate.not_before(), at(NOW - DAY));
    assert_eq!(certificate.not_after(), at(NOW + DAY));
    assert_eq!(
        certificate.dns_names(),
        ["server.example", "*.plant.example"]
    );
    let addresses: [IpAddr; 2] = ["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap());
    assert_eq!(certificate.ip_addresses(), addresses);
    assert_eq!(certificate.key_id(), Some(key_id(&chain[0])));
    assert_eq!(certificate.extension(ROLE), Some(&role[..]));
    let key_usage = certificate.extension("2.5.29.15").unwrap();
    assert_eq!(key_usage, der::tlv(der::BIT_STRING, &[&[5, 0xa0]]));
    assert_eq!(
        format!("{certificate:?}"),
        "PeerCertificate { subject: \"C=DE, O=Werk, CN=plc-7\", issuer: \"CN=Test Intermediate\", \
         .. }"
    );
}

#[test]
fn what_is_not_there_is_not_read() {
    let plain = Spec {
        dns: vec![],
        ip: vec![],
        ..leaf()
    };
    read(plain, |certificate| {
        assert!(certificate.dns_names().is_empty());
        assert!(certificate.ip_addresses().is_empty());
        assert_eq!(certificate.extension(ROLE), None);
    });
    read(leaf().version_1(), |certificate| {
        assert!(certificate.dns_names().is_empty());
        assert_eq!(certificate.extension("2.5.29.15"), None);
        assert_eq!(certificate.common_name().as_deref(), Some("Test Server"));
    });
    read(leaf(), |certificate| {
        for oid in [
            "",
            "role",
            "1",
            "1.",
            "1.3.6.1.4.1.55555",
            "999999999999999999999.1",
        ] {
            assert_eq!(certificate.extension(oid), None, "{oid}");
        }
    });
}

#[test]
fn the_common_name_is_one_or_none() {
    for (subject, expected) in [
        ("CN=plc-7", Some("plc-7")),
        ("O=plc-7", None),
        ("", None),
        ("CN=a,CN=b", None),
        ("CN=a+CN=b", None),
        ("O=Werk,CN=plc-7", Some("plc-7")),
    ] {
        let spec = Spec { subject, ..leaf() };
        let found = read(spec, |it| it.common_name());
        assert_eq!(found.as_deref(), expected, "{subject}");
    }
    let nonsense = Spec {
        raw_subject: Some(der::common_name(b"\xff")),
        ..leaf()
    };
    assert_eq!(read(nonsense, |it| it.common_name()), None);
}

/// Two are one too many to say what it is.
#[test]
fn an_extension_is_read_where_there_is_one() {
    let role = |role: &[u8]| der::extension(ROLE, false, &der::octet_string(role));
    let twice = Spec {
        extensions: vec![role(b"press"), role(b"master")],
        ..leaf()
    };
    read(twice, |certificate| {
        assert_eq!(certificate.extension(ROLE), None);
        assert_eq!(certificate.dns_names(), ["server.example"]);
    });
}

/// Networks are no addresses.
#[test]
fn addresses_are_four_or_sixteen_bytes() {
    let networks = Spec {
        dns: vec![],
        ip: vec!["192.0.2.7".parse().unwrap()],
        other_names: vec![
            pki::network([10, 0, 0, 0], [255, 0, 0, 0]),
            pki::network([0; 16], [0; 16]),
        ],
        ..leaf()
    };
    let own: IpAddr = "192.0.2.7".parse().unwrap();
    assert_eq!(read(networks, |it| it.ip_addresses()), [own]);
}

#[test]
fn times_reach_from_1970_to_9999() {
    let spec = Spec {
        not_before: 0,
        not_after: 253_402_300_799,
        ..leaf()
    };
    read(spec, |certificate| {
        assert_eq!(certificate.not_before(), at(0));
        assert_eq!(certificate.not_after(), at(253_402_300_799));
    });
}

#[test]
fn keys_of_every_accepted_length_have_an_id() {
    for bits in [1024, 2047, 2048, 8192] {
        let spec = Spec {
            public_key: pki::rsa_public_key(bits, &[3]),
            ..leaf()
        };
        let chain = built([spec]);
        let scene = Scene::of(chain.clone()).waiving(&[Waiver::ShortRsaKey]);
        let session = scene.judge().unwrap();
        let certificate = session.peer_certificate().unwrap();
        assert_eq!(certificate.key_id(), Some(key_id(&chain[0])));
    }
}

/// The chain is the verified one, in the order of the path.
#[test]
fn the_chain_is_what_leads_to_the_root() {
    let sha1 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..leaf_below()
    };
    let chain = built([sha1, pki::root(), leaf(), intermediate()]);
    let scene = Scene::of(chain.clone()).waiving(&[Waiver::Sha1Signature]);
    let session = scene.judge().unwrap();
    assert_eq!(
        session.peer_certificates(),
        [chain[0].clone(), chain[3].clone()]
    );
    for der in session.peer_certificates() {
        assert!(X509Certificate::from_der(der).is_ok());
    }
}
