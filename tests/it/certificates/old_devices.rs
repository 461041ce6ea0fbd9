//! Certificates as old devices have them: files made after reports, and more of each kind.

use super::scene::{Scene, built, intermediate, key_id, leaf, leaf_below, roots, sha256};
use premaster::certificate::Waiver;
use premaster::error::CertificateFault as Fault;
use premaster::pki_types::pem::PemObject;
use premaster::pki_types::{CertificateDer, alg_id};
use premaster::{CertificatePolicy, ClientAuth, RootStore};
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, Authority, NOW, Spec, der};
use premaster_testing::{client_builder, data, pair, server_builder};
use x509_cert::der::oid::ObjectIdentifier;

/// A file of `tests/data/field`.
fn file(name: &str) -> Vec<u8> {
    std::fs::read(data("field").join(name)).unwrap()
}

/// The chain in such a file, under the CA of these files.
fn scene(name: &str) -> Scene {
    let chain = CertificateDer::pem_slice_iter(&file(name)).collect::<Result<_, _>>();
    Scene::of(chain.unwrap())
        .named("device.test")
        .under(RootStore::from_pem(&file("ca.pem")).unwrap())
}

/// The chain is refused, and accepted with the waiver that the error names, and with it alone.
#[track_caller]
fn accepted_with(scene: &Scene, waiver: Waiver) {
    let error = scene.refusal();
    assert_eq!(error.waiver(), Some(waiver), "{error}");
    let session = scene.clone().waiving(&[waiver]).judge().unwrap();
    assert!(
        session.waivers().iter().eq([waiver]),
        "{}",
        session.waivers()
    );
}

#[test]
fn files_of_names_and_long_chains() {
    accepted_with(&scene("cn-t61.pem"), Waiver::CommonName);
    accepted_with(
        &scene("cn-wildcard.pem").named("a.example.test"),
        Waiver::CommonName,
    );
    accepted_with(&scene("chain-of-12.pem"), Waiver::LongChain);
}

#[test]
fn a_file_with_a_negative_modulus() {
    let scene = scene("modulus-without-zero.pem");
    accepted_with(&scene, Waiver::PinnedCertificate);
    assert_eq!(scene.refusal().pin(), Some(sha256(&scene.chain[0])));
    let session = scene.clone().waiving(&[Waiver::PinnedCertificate]).judge().unwrap();
    assert_eq!(session.peer_certificates(), scene.chain);
    // The name is still checked, and a pin of another certificate is none of this one.
    let renamed = scene.clone().named("other.test").waiving(&[Waiver::PinnedCertificate]);
    assert!(matches!(
        renamed.refusal().fault(),
        Fault::NameMismatch { .. }
    ));
    let policy = scene.policy.clone().pin_certificate([7; 32]);
    let other = Scene { policy, ..scene };
    assert_eq!(*other.refusal().fault(), Fault::Malformed);
}

/// A leaf without subjectAltName whose subject has these common names, as strings of these types.
fn with_common_names(names: &[(u8, &[u8])]) -> Scene {
    let relatives = names.iter().map(|(tag, value)| {
        let attribute = [der::object_identifier("2.5.4.3"), der::tlv(*tag, &[value])].concat();
        der::tlv(der::SET, &[&der::sequence(&[&attribute])])
    });
    let spec = Spec {
        raw_subject: Some(der::sequence(&[&relatives.collect::<Vec<_>>().concat()])),
        dns: vec![],
        ip: vec![],
        ..leaf()
    };
    Scene::of(built([spec]))
}

#[test]
fn common_names_in_every_type_of_string() {
    const PRINTABLE: u8 = 0x13;
    const T61: u8 = 0x14;
    const IA5: u8 = 0x16;
    const UNIVERSAL: u8 = 0x1c;
    const BMP: u8 = 0x1e;
    let name = b"server.example";
    let wide = |width: usize| -> Vec<u8> {
        let unit = |byte: &u8| [vec![0; width - 1], vec![*byte]].concat();
        name.iter().flat_map(unit).collect()
    };
    let (bmp, universal) = (wide(2), wide(4));
    for names in [
        &[(der::UTF8_STRING, &name[..])][..],
        &[(PRINTABLE, name)],
        &[(T61, name)],
        &[(IA5, name)],
        &[(BMP, &bmp)],
        &[(UNIVERSAL, &universal)],
        &[(T61, b"Werk 7"), (BMP, &bmp)],
        &[(PRINTABLE, b"*.example"), (T61, b"SERVER.example")],
    ] {
        accepted_with(&with_common_names(names), Waiver::CommonName);
    }
    for names in [
        // The last one counts alone.
        &[(T61, &name[..]), (T61, b"Werk 7")][..],
        &[(BMP, name)],
        &[(BMP, &bmp[1..])],
        &[(UNIVERSAL, &bmp)],
        &[(T61, b"server.example\0")],
        &[(T61, b"server\xa0example")],
        &[(der::OCTET_STRING, name)],
    ] {
        accepted_with(&with_common_names(names), Waiver::AnyName);
    }
}

#[test]
fn purposes_of_management_controllers_and_machines() {
    let purposes = |oids: &[&str]| Spec {
        extended_key_usage: Some(
            oids.iter().map(|oid| ObjectIdentifier::new_unwrap(oid)).collect(),
        ),
        ..leaf()
    };
    for oids in [
        // clientAuth, any, e-mail, and server-gated cryptography of Microsoft and Netscape.
        &["1.3.6.1.5.5.7.3.2"][..],
        &["2.5.29.37.0"],
        &["1.3.6.1.5.5.7.3.4"],
        &["1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"],
        &["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "1.2.3"],
    ] {
        accepted_with(
            &Scene::of(built([purposes(oids)])),
            Waiver::ExtendedKeyUsage,
        );
        let below = purposes(oids).issued_by(&super::scene::authority());
        let below = Scene::of(built([below, intermediate()]));
        accepted_with(&below, Waiver::ExtendedKeyUsage);
    }
    // A CA for other purposes issues no certificate of a server.
    let authority = Spec {
        extended_key_usage: Some(vec![pki::CLIENT_AUTH]),
        ..intermediate()
    };
    let scene = Scene::of(built([leaf_below(), authority])).waiving(&[Waiver::ExtendedKeyUsage]);
    let error = scene.refusal();
    assert!(matches!(error.fault(), Fault::ExtendedKeyUsage { .. }));
    assert_eq!(error.certificate().unwrap().position(), 1);
}

#[test]
fn more_certificates_than_ten() {
    let with_strangers = |count| {
        let strangers = vec![pki::root().build(); count];
        Scene::of([built([leaf_below()]), strangers, built([intermediate()])].concat())
    };
    for strangers in [9, 10, 16] {
        accepted_with(&with_strangers(strangers), Waiver::LongChain);
    }
    assert!(with_strangers(8).judge().unwrap().waivers().is_empty());
    // The number is the policy's.
    let of_twelve = with_strangers(10);
    let under = |most| {
        let policy = of_twelve.policy.clone().accept_long_chain(most);
        Scene {
            policy,
            ..of_twelve.clone()
        }
    };
    under(12).judge().unwrap();
    let found = Fault::TooManyCertificates {
        found: 12,
        most: 11,
    };
    assert_eq!(*under(11).refusal().fault(), found);
    // Fewer than ten are never demanded.
    let found = Fault::TooManyCertificates {
        found: 12,
        most: 10,
    };
    assert_eq!(*under(0).refusal().fault(), found);
}

/// The bytes with the first occurrence of some replaced by as many.
fn replaced<const N: usize>(mut der: Vec<u8>, from: [u8; N], to: [u8; N]) -> Vec<u8> {
    let at = der.windows(N).position(|window| window == from).unwrap();
    der[at..at + N].copy_from_slice(&to);
    der
}

#[test]
fn pinned_certificates_that_are_not_der() {
    let der = leaf().build().to_vec();
    let key = |modulus: &[u8], exponent: &[u8]| {
        let numbers = der::sequence(&[&der::integer(modulus), &der::integer(exponent)]);
        let spec = Spec {
            public_key: pki::raw_public_key(alg_id::RSA_ENCRYPTION, &numbers),
            ..leaf()
        };
        spec.build().to_vec()
    };
    let modulus = [0xc7; 256];
    let with_zero = [&[0], &modulus[..]].concat();
    let padded = Spec {
        serial: vec![0, 0, 42],
        ..leaf()
    };
    let certificates = [
        ("a BOOLEAN", replaced(der.clone(), [1, 1, 0xff], [1, 1, 1])),
        ("a modulus", key(&modulus, &[1, 0, 1])),
        ("an exponent of 33 bits", key(&with_zero, &[2, 0, 0, 0, 1])),
        (
            "an exponent of 64 bits",
            key(&with_zero, &[0, 0xff, 0, 0, 0, 0, 0, 0, 1]),
        ),
        ("both", key(&modulus, &[0xff, 0, 0, 0, 0, 0, 0, 1])),
    ];
    for (what, der) in certificates {
        let scene = Scene::of(vec![der.into()]);
        let error = scene.refusal();
        assert_eq!(*error.fault(), Fault::Malformed, "{what}");
        assert_eq!(error.certificate().unwrap().position(), 0, "{what}");
        accepted_with(&scene, Waiver::PinnedCertificate);
        // A pin of the key does not vouch for the encoding.
        let policy = scene.policy.clone().pin_public_key(key_id(&leaf().build()));
        let by_key = Scene { policy, ..scene };
        assert_eq!(*by_key.refusal().fault(), Fault::Malformed, "{what}");
    }
    // These can be read as they are, and need no more than the pin.
    let padded = padded.build().to_vec();
    let before_1970 = replaced(der, *b"270114", *b"510114");
    for der in [padded, before_1970] {
        let scene = Scene::of(vec![der.into()]).waiving(&[Waiver::PinnedCertificate]);
        scene.judge().unwrap();
    }
    // What cannot be mended stays malformed, pinned or not.
    let even = key(&[0xc6; 256], &[1, 0, 1]);
    let long = key(&with_zero, &[1; 9]);
    for der in [even, long] {
        let scene = Scene::of(vec![der.into()]);
        for scene in [scene.clone(), scene.waiving(&[Waiver::PinnedCertificate])] {
            let error = scene.refusal();
            assert_eq!(*error.fault(), Fault::Malformed);
            assert_eq!(error.waiver(), None);
        }
    }
}

/// What `openssl req -x509` makes: self-signed, a CA, without keyUsage.
fn self_made(spec: Spec) -> Spec {
    let key = pki::key("rsa-2048");
    Spec {
        public_key: pki::public_key(key.as_public_key()),
        ca: Some(true),
        key_usage: None,
        extended_key_usage: None,
        ..spec.clone().issued_by(&Authority::new(spec.subject, key))
    }
}

#[test]
fn a_root_as_the_servers_own_certificate() {
    let own = self_made(leaf());
    let scene = Scene::of(built([own.clone()]));
    assert_eq!(scene.refusal().waiver(), Some(Waiver::PinnedCertificate));
    let scene = scene.under(roots([own.clone()]));
    assert!(scene.judge().unwrap().waivers().is_empty());
    let with_others = Scene {
        chain: built([own.clone(), intermediate(), pki::root()]),
        ..scene.clone()
    };
    assert!(with_others.judge().unwrap().waivers().is_empty());

    let mismatch = scene.clone().named("other.example").refusal();
    assert!(matches!(mismatch.fault(), Fault::NameMismatch { .. }));
    for (spec, waiver) in [
        (
            Spec {
                not_after: NOW - 1,
                ..own.clone()
            },
            Waiver::OutsideValidity,
        ),
        (
            Spec {
                dns: vec![],
                ip: vec![],
                subject: "CN=server.example",
                ..own.clone()
            },
            Waiver::CommonName,
        ),
        (
            Spec {
                extended_key_usage: Some(vec![pki::CLIENT_AUTH]),
                ..own.clone()
            },
            Waiver::ExtendedKeyUsage,
        ),
        (
            Spec {
                key_usage: pki::root().key_usage,
                ..own.clone()
            },
            Waiver::MissingKeyEncipherment,
        ),
    ] {
        let scene = Scene::of(built([spec.clone()])).under(roots([spec]));
        accepted_with(&scene, waiver);
    }
    // A root that may not issue for every name is not every server.
    let constrained = Spec {
        permitted: vec![pki::dns_name("server.example")],
        ..own
    };
    let scene = Scene::of(built([constrained.clone()])).under(roots([constrained]));
    assert_eq!(*scene.refusal().fault(), Fault::CaAsLeaf);
}

#[test]
fn a_root_as_the_clients_own_certificate() {
    let key = pki::key("rsa-2048");
    let own = self_made(pki::client(&key));
    let result = |roots: RootStore| {
        let client = client_builder().certificate(own.certified(&key));
        let server =
            server_builder().client_auth(ClientAuth::Require(CertificatePolicy::new(roots)));
        let mut pair = pair(client, server);
        pair.run(Chunks::Whole)?;
        Ok(pair.server.connection.session().unwrap().clone())
    };
    let session = result(roots([own.clone()])).unwrap();
    assert!(session.waivers().is_empty());
    assert_eq!(session.peer_certificates(), built([own.clone()]));
    // One of the same name and key.
    let renewed = Spec {
        serial: vec![43],
        ..own.clone()
    };
    let refused: Result<_, premaster::Error> = result(roots([renewed]));
    assert_eq!(
        refused.unwrap_err().setting(),
        Some("CertificatePolicy::pin_certificate")
    );
}
