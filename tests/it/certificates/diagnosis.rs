//! What a user reads when a certificate is refused, and which certificate is meant.

use super::scene::{
    Scene, built, check, intermediate, leaf, leaf_below, meet, named_authority, refused, roots,
    roots_of, sha256,
};
use premaster::certificate::Waiver;
use premaster::error::CertificateFault;
use premaster::protocol::AlertDescription as Alert;
use premaster::{ClientConfig, Error};
use premaster_testing::pki::{self, Algorithm, Authority, DAY, NOW, Spec, der};
use premaster_testing::wire::{ALERT, record, said};
use std::time::Duration;
use x509_cert::der::asn1::ObjectIdentifier;

/// The whole text of the error.
fn text(scene: &Scene) -> String {
    scene.judge().unwrap_err().to_string()
}

#[test]
fn the_error_says_which_certificate_what_and_what_would_accept_it() {
    let scene = |spec: Spec| Scene::of(built([spec]));
    let device = || Spec {
        subject: "C=DE,O=Werk,CN=plc-7",
        serial: vec![0x2a, 0x00, 0x0b],
        ..leaf()
    };
    let id = "certificate 0 (CN=plc-7, O=Werk, C=DE, serial 2a000b)";
    let own_pin = |spec: &Spec| {
        let sha256: String =
            sha256(&spec.build()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("CertificatePolicy::pin_certificate with SHA-256 {sha256}")
    };
    for (spec, fault) in [
        (
            Spec {
                not_after: NOW - DAY,
                ..device()
            },
            "it expired on 2027-01-14T08:00:00Z; the current time is 2027-01-15T08:00:00Z \
             (CertificatePolicy::accept_outside_validity would accept it)",
        ),
        (
            Spec {
                dns: vec!["plc-7.plant.example", "plc-7"],
                ip: vec![],
                ..device()
            },
            "it is not valid for server.example; it has plc-7.plant.example, plc-7 \
             (another server name, one that it has, or {pin} and accept_any_name but no roots, or \
             CertificatePolicy::accept_any_name would accept it)",
        ),
        (
            Spec {
                algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
                ..device()
            },
            "its signature uses SHA-1 \
             (CertificatePolicy::accept_sha1_signatures, or {pin} would accept it)",
        ),
        (
            Spec {
                public_key: pki::rsa_public_key(1024, &[3]),
                ..device()
            },
            "its RSA key has 1024 bits; 2048 to 8192 are accepted \
             (CertificatePolicy::accept_short_rsa_keys would accept it)",
        ),
        (
            device().version_1(),
            "its X.509 version is 1; only version 3 is accepted \
             (CertificatePolicy::accept_version_1, or {pin} would accept it)",
        ),
        (
            Spec {
                issuer: "O=Werk,CN=Werk CA",
                ..device()
            },
            "its issuer, CN=Werk CA, O=Werk, is not a configured root, and no certificate in the chain leads to one \
             (CN=Werk CA, O=Werk as a root, or {pin} would accept it)",
        ),
        (
            Spec {
                extended_key_usage: Some(vec![ObjectIdentifier::new_unwrap("1.3.6.1.4.1.5.6")]),
                ..device()
            },
            "its extendedKeyUsage allows 1.3.6.1.4.1.5.6; serverAuth is required \
             (CertificatePolicy::accept_other_extended_key_usage would accept it)",
        ),
    ] {
        let fault = fault.replace("{pin}", &own_pin(&spec));
        let whole = format!("the peer's certificate was not accepted: {id}: {fault}");
        assert_eq!(text(&scene(spec)), whole);
    }
}

/// A peer cannot control or flood the terminal on which the error is printed.
#[test]
fn what_a_peer_wrote_is_escaped_and_cut() {
    let named = |subject: &[u8]| {
        let spec = Spec {
            raw_subject: Some(der::common_name(subject)),
            serial: vec![0x11; 40],
            damaged: true,
            ..leaf()
        };
        text(&Scene::of(built([spec])))
    };
    // In front of the pin that is named.
    let named =
        |subject: &[u8]| named(subject).split(" (CertificatePolicy").next().unwrap().to_owned();
    let of = |subject| {
        let serial = "11".repeat(32);
        format!(
            "the peer's certificate was not accepted: certificate 0 ({subject}, serial {serial}): \
             its signature does not verify with its issuer's key"
        )
    };
    let hostile = "a\0\x1b[31m\r\n\u{202e}\u{7f}\u{e9}";
    let escaped = "CN=a\\0\\u{1b}[31m\\r\\n\\u{202e}\\u{7f}\u{e9}";
    assert_eq!(named(hostile.as_bytes()), of(escaped.to_owned()));
    let cut = format!("CN={}...", "x".repeat(90));
    assert_eq!(named(&[b'x'; 5000]), of(cut));
    assert_eq!(named(b"\xff\xfe"), of("CN=#fffe".to_owned()));

    let names: Vec<&'static str> =
        (0..1000).map(|number| &*format!("n{number}.example").leak()).collect();
    let many = Spec {
        dns: names,
        ip: vec![],
        ..leaf()
    };
    let many = text(&Scene::of(built([many])));
    assert!(many.contains("n0.example, n1.example, "), "{many}");
    assert!(many.contains("... (another server name"), "{many}");
    assert!(many.len() < 600, "{many}");
}

/// The name of an address is read as people write it.
#[test]
fn addresses_are_read_as_they_are_written() {
    let spec = Spec {
        dns: vec![],
        ip: ["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap()).to_vec(),
        ..leaf()
    };
    let error = Scene::of(built([spec])).refusal();
    let found = "it is not valid for server.example; it has 192.0.2.7, 2001:db8::7";
    assert_eq!(error.fault().to_string(), found);
}

/// What stands beside the chain is not what is wrong with it.
#[test]
fn a_certificate_beside_the_chain_is_not_blamed() {
    let unknown = "its issuer, CN=Test Intermediate, is not a configured root, and no certificate in the chain leads to one";
    let critical = Spec {
        unknown_critical: true,
        ..leaf()
    };
    for beside in [
        vec![0x30, 0].into(),
        pki::root().version_1().build(),
        critical.build(),
    ] {
        let chain = vec![leaf_below().build(), beside];
        check(
            Alert::UNKNOWN_CA,
            Some(Waiver::PinnedCertificate),
            [refused("beside", chain, 0, unknown)],
        );
    }
}

#[test]
fn the_certificate_that_is_blamed_is_the_one() {
    let [lower, upper] = ["CN=Lower", "CN=Upper"].map(named_authority);
    let pathless = |spec| Spec {
        path_length: Some(0),
        ..spec
    };
    let chain = built([
        leaf().issued_by(&lower),
        pathless(lower.certificate().issued_by(&upper)),
        pathless(upper.certificate()),
    ]);
    let longer = "the chain has more CA certificates below it than its pathLenConstraint allows";
    check(
        Alert::BAD_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [refused("the upper one is too short", chain, 2, longer)],
    );
}

/// An expired CA is to blame, even if another one of its name and key comes first.
#[test]
fn a_ca_that_expired_is_blamed_and_not_its_twin() {
    let stranger = Authority::new("CN=Stranger", pki::key("rsa-3072"));
    let twin = Spec {
        serial: vec![7],
        ..intermediate().issued_by(&stranger)
    };
    let expired = Spec {
        not_after: NOW - 1,
        ..intermediate()
    };
    let error = Scene::of(built([leaf_below(), twin, expired])).refusal();
    assert!(matches!(error.fault(), CertificateFault::Expired { .. }));
    assert_eq!(error.certificate().unwrap().position(), 2);
    assert_eq!(error.waiver(), Some(Waiver::OutsideValidity));
}

/// No tolerance helps where the leaf ended before its CA began; a pin of the leaf would not either.
#[test]
fn no_tolerance_is_named_for_a_chain_that_was_never_valid() {
    let leaf = Spec {
        not_before: NOW - 20 * DAY,
        not_after: NOW - 10 * DAY,
        ..leaf_below()
    };
    let authority = Spec {
        not_before: NOW - 5 * DAY,
        ..intermediate()
    };
    let scene = Scene::of(built([leaf, authority]));
    let error = scene.refusal();
    assert!(matches!(error.fault(), CertificateFault::Expired { .. }));
    assert_eq!((error.waiver(), error.pin()), (None, None));
    let policy = scene.policy.clone().accept_outside_validity(Duration::from_secs(100 * DAY));
    Scene { policy, ..scene }.refusal();
}

/// Constraints that cannot be read are their CA's fault, or the root's, and never the leaf's.
#[test]
fn malformed_constraints_are_not_the_leafs() {
    let unreadable = |spec| Spec {
        extensions: vec![der::extension("2.5.29.30", true, &[0x30, 3, 0xa0, 1, 0xff])],
        ..spec
    };
    let error = Scene::of(built([leaf_below(), unreadable(intermediate())])).refusal();
    assert_eq!(*error.fault(), CertificateFault::Malformed);
    assert_eq!(error.certificate().unwrap().position(), 1);
    let error = Scene::of(built([leaf_below(), intermediate()]))
        .under(roots([unreadable(pki::root())]))
        .refusal();
    let root =
        "the configured root above it, CN=Test Root, has an invalid value or is not supported";
    assert_eq!(error.fault().to_string(), root);
    assert_eq!(error.certificate().unwrap().position(), 1);
}

#[test]
fn the_signature_that_is_blamed_is_the_one() {
    let root = Authority::new("CN=EC Root", pki::p256(1));
    let above = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA256),
        ..intermediate().issued_by(&root)
    };
    let chain = built([leaf_below(), above]);
    let fault = "its signature algorithm, 1.2.840.113549.1.1.11, is not accepted or does not match its issuer's key";
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        Some(Waiver::PinnedCertificate),
        [refused("by name", chain, 1, fault).under(roots_of(&[&root]))],
    );
}

/// The peer learns nothing but the alert, and the error stays.
#[test]
fn the_error_is_final() {
    let scene = Scene::of(built([leaf_below()]));
    let mut server = meet(ClientConfig::builder(scene.policy.clone()), scene.name);
    let flight = scene.flight();
    let error = server.say(&flight).unwrap_err();
    let alert = record(ALERT, &[2, Alert::UNKNOWN_CA.0]);
    assert_eq!(said(&mut server.client), [alert]);
    assert_eq!(server.say(&flight), Err(error.clone()));
    assert!(said(&mut server.client).is_empty());
    assert!(server.client.connection.session().is_none());
    let Error::Certificate(certificate) = &error else {
        panic!("{error:?}");
    };
    let debug = format!("{certificate:?}");
    let begin = "CertificateError { fault: UnknownIssuer { issuer: \"CN=Test Intermediate\" }, \
                 certificate: Some(CertificateId { position: 0, subject: \"CN=Test Server\", serial: 2a";
    assert!(debug.starts_with(begin), "{debug}");
}
