//! What a server knows of its client when the handshake is over, and when it is resumed.

use super::{certified_chain, other_root_certificate, roots};
use premaster::certificate::PeerCertificate;
use premaster::pki_types::UnixTime;
use premaster::{CertifiedKey, ClientAuth, SessionInfo};
use premaster_testing::pair;
use premaster_testing::pki::{self, Authority, DAY, NOW, Spec, der};
use premaster_testing::scene::{NOTHING_OFFERED, Scene, outcome};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// What a company might put the part that somebody plays under.
const ROLE: &str = "1.3.6.1.4.1.55555.7";

fn operator() -> Spec {
    let role = der::tlv(der::UTF8_STRING, &[b"operator"]);
    Spec {
        serial: vec![0x00, 0xbe, 0xef],
        subject: "CN=plc-7,O=Werk,C=DE",
        not_after: NOW + 2 * DAY,
        dns: vec!["plc-7.plant.example", "PLC-7"],
        ip: vec![[192, 0, 2, 7].into(), Ipv6Addr::LOCALHOST.into()],
        other_names: vec![pki::email("plc@plant.example"), pki::uri("urn:plc:7")],
        extensions: vec![der::extension(ROLE, false, &role)],
        ..pki::client(&pki::key("rsa-2048-client"))
    }
}

/// What servers know of this client after a full handshake, and what they know when they resume: by
/// ID and by ticket.
#[track_caller]
fn known(client: &Arc<CertifiedKey>) -> Vec<SessionInfo> {
    let mut known = Vec::new();
    for scene in Scene::both() {
        for expected in [NOTHING_OFFERED, scene.resumed] {
            let pair = pair(
                scene.client().certificate(client.clone()),
                scene.server().client_auth(ClientAuth::Require(roots().into())),
            )
            .established();
            assert_eq!(outcome(&pair), expected);
            known.push(pair.server.connection.session().unwrap().clone());
        }
    }
    known
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[test]
fn a_client_is_known_by_everything_in_its_certificate() {
    let client = certified_chain(&[operator()], "rsa-2048-client");
    for session in known(&client) {
        let certificate = session.peer_certificate().unwrap();
        assert_eq!(certificate.der(), &*client.chain()[0]);
        assert_eq!(certificate.subject(), "C=DE, O=Werk, CN=plc-7");
        assert_eq!(certificate.common_name().as_deref(), Some("plc-7"));
        assert_eq!(certificate.issuer(), "CN=Test Root");
        assert_eq!(certificate.serial(), [0x00, 0xbe, 0xef]);
        assert_eq!(certificate.not_before(), at(NOW - DAY));
        assert_eq!(certificate.not_after(), at(NOW + 2 * DAY));
        assert_eq!(certificate.dns_names(), ["plc-7.plant.example", "PLC-7"]);
        assert_eq!(
            certificate.ip_addresses(),
            [IpAddr::from([192, 0, 2, 7]), Ipv6Addr::LOCALHOST.into()]
        );
        assert_eq!(certificate.key_id(), Some(client.key_id()));
        check_extensions(&certificate);
    }
}

#[track_caller]
fn check_extensions(certificate: &PeerCertificate<'_>) {
    let role = der::tlv(der::UTF8_STRING, &[b"operator"]);
    assert_eq!(certificate.extension(ROLE), Some(&role[..]));
    // keyUsage: digitalSignature.
    let key_usage = certificate.extension("2.5.29.15");
    assert_eq!(key_usage, Some(&[der::BIT_STRING, 2, 7, 0x80][..]));
    for absent in ["1.3.6.1.4.1.55555", "1.3.6.1.4.1.55555.7.1", "role", ""] {
        assert_eq!(certificate.extension(absent), None, "{absent}");
    }
}

/// One of the two would be a guess.
#[test]
fn an_extension_that_is_there_twice_says_nothing() {
    let role = |text: &[u8]| der::extension(ROLE, false, &der::tlv(der::UTF8_STRING, &[text]));
    let twice = Spec {
        extensions: vec![role(b"operator"), role(b"engineer")],
        ..operator()
    };
    for session in known(&certified_chain(&[twice], "rsa-2048-client")) {
        let certificate = session.peer_certificate().unwrap();
        assert_eq!(certificate.extension(ROLE), None);
    }
}

#[test]
fn a_certificate_that_says_little_is_read_as_well() {
    let bare = Spec {
        subject: "",
        key_usage: None,
        extended_key_usage: None,
        ca: None,
        dns: vec![],
        ..pki::client(&pki::key("rsa-2048-client"))
    };
    let client = certified_chain(&[bare], "rsa-2048-client");
    for session in known(&client) {
        let certificate = session.peer_certificate().unwrap();
        assert_eq!(certificate.subject(), "");
        assert_eq!(certificate.common_name(), None);
        assert!(certificate.dns_names().is_empty());
        assert!(certificate.ip_addresses().is_empty());
        assert_eq!(certificate.extension("2.5.29.17"), None);
    }
}

/// The path as it was verified: in its order, without the root, and without what came besides.
#[test]
fn the_chain_is_the_one_that_was_verified() {
    let authorities = [
        Authority::new("CN=Plant", pki::p256(1)),
        Authority::new("CN=Country", pki::p384(2)),
        Authority::new("CN=Company", pki::key("rsa-4096")),
    ];
    let [plant, country, company] = &authorities;
    let own = operator().issued_by(plant);
    let plant = plant.certificate().issued_by(country);
    let country = country.certificate().issued_by(company);
    let company = company.certificate();
    let stranger = other_root_certificate();

    let verified = [&own, &plant, &country, &company].map(Spec::build);
    for sent in [
        vec![&own, &plant, &country, &company],
        vec![&own, &company, &country, &plant],
        vec![
            &own,
            &country,
            &stranger,
            &plant,
            &company,
            &pki::root(),
            &plant,
        ],
    ] {
        let sent: Vec<Spec> = sent.into_iter().cloned().collect();
        for session in known(&certified_chain(&sent, "rsa-2048-client")) {
            assert_eq!(session.peer_certificates(), verified);
            let certificate = session.peer_certificate().unwrap();
            assert_eq!(certificate.subject(), "C=DE, O=Werk, CN=plc-7");
        }
    }
}
