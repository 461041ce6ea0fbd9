//! Certificates and keys that are known beforehand.

use super::scene::{
    PINS, Scene, TOLERANCE, WAIVERS, built, intermediate, key_id, leaf, leaf_below, sha256,
};
use premaster::certificate::{Crls, Waiver, Waivers};
use premaster::pki_types::CertificateDer;
use premaster::{CertificatePolicy, ClientConfig, ConfigError, RootStore};
use premaster_testing::pki::{self, Algorithm, Authority, NOW, Spec, crl, der};
use premaster_testing::{rng, roots};
use x509_cert::ext::pkix::KeyUsages;

/// A self-signed certificate of the server.
fn own() -> Spec {
    leaf().issued_by(&Authority::new(leaf().subject, pki::key("rsa-2048")))
}

/// A client that accepts the chain only by this pin, and waives this.
fn pinned(pin: Waiver, chain: Vec<CertificateDer<'static>>, waivers: &[Waiver]) -> Scene {
    let scene = Scene::of(chain).under(RootStore::new());
    scene.waiving(&[&[pin], waivers].concat())
}

#[test]
fn a_pin_stands_for_the_chain() {
    let damaged = Spec {
        damaged: true,
        ..own()
    };
    let md5 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_MD5),
        ..leaf()
    };
    let ca = Spec {
        ca: Some(true),
        ..leaf()
    };
    for (what, chain) in [
        ("self-signed", built([own()])),
        ("below a root that is not known", built([leaf()])),
        ("of an authority that is not there", built([leaf_below()])),
        ("of an authority", built([leaf_below(), intermediate()])),
        ("a CA's", built([ca])),
        ("damaged", built([damaged])),
        ("signed over MD5", built([md5])),
    ] {
        for pin in PINS {
            for scene in [
                pinned(pin, chain.clone(), &[]),
                pinned(pin, chain.clone(), &WAIVERS),
            ] {
                let session = match scene.judge() {
                    Ok(session) => session,
                    Err(error) => panic!("{what}: {error}"),
                };
                assert_eq!(session.waivers(), Waivers::from_iter([pin]), "{what}");
                // Nothing is known of the rest.
                assert_eq!(session.peer_certificates(), &chain[..1], "{what}");
            }
        }
    }
}

/// What else is checked of a server's certificate, with what accepts it besides the pin.
#[test]
fn a_pin_stands_for_nothing_else() {
    let version_1 = own().version_1();
    let named = Spec {
        subject: "CN=server.example",
        ..version_1.clone()
    };
    let renamed = Spec {
        dns: vec!["other.example"],
        ..own()
    };
    let expired = Spec {
        not_after: NOW - 1,
        ..own()
    };
    let early = Spec {
        not_before: NOW + 1,
        ..own()
    };
    let signs_only = Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        ..own()
    };
    let short = Spec {
        public_key: pki::rsa_public_key(1024, &[3]),
        ..own()
    };
    let for_clients = Spec {
        extended_key_usage: Some(vec![pki::CLIENT_AUTH]),
        ..own()
    };
    for (spec, waiver) in [
        (version_1, Waiver::AnyName),
        (named, Waiver::CommonName),
        (renamed, Waiver::AnyName),
        (expired, Waiver::OutsideValidity),
        (early, Waiver::OutsideValidity),
        (signs_only, Waiver::MissingKeyEncipherment),
        (short, Waiver::ShortRsaKey),
        (for_clients, Waiver::ExtendedKeyUsage),
    ] {
        let chain = built([spec]);
        for pin in PINS {
            let error = pinned(pin, chain.clone(), &[]).refusal();
            assert_eq!(error.waiver(), Some(waiver), "{error}");
            assert_eq!(error.certificate().unwrap().position(), 0);
            let mut others = WAIVERS.to_vec();
            others.retain(|other| {
                *other != waiver && (waiver, *other) != (Waiver::CommonName, Waiver::AnyName)
            });
            let error = pinned(pin, chain.clone(), &others).refusal();
            assert_eq!(error.waiver(), Some(waiver), "{error}");
            let session = pinned(pin, chain.clone(), &[waiver]).judge().unwrap();
            assert_eq!(session.waivers(), Waivers::from_iter([pin, waiver]));
        }
    }
}

#[test]
fn a_pinned_certificate_is_valid_to_the_second() {
    for (not_before, not_after) in [(NOW, NOW + 1), (NOW - 1, NOW), (NOW, NOW)] {
        let spec = Spec {
            not_before,
            not_after,
            ..own()
        };
        for waivers in [&[][..], &WAIVERS] {
            let scene = pinned(Waiver::PinnedCertificate, built([spec.clone()]), waivers);
            let used = scene.judge().unwrap().waivers();
            assert_eq!(used, Waivers::from_iter([Waiver::PinnedCertificate]));
        }
    }
    for (not_before, not_after, within) in [
        (0, NOW - TOLERANCE, true),
        (0, NOW - TOLERANCE - 1, false),
        (NOW + TOLERANCE, NOW + 2 * TOLERANCE, true),
        (NOW + TOLERANCE + 1, NOW + 2 * TOLERANCE, false),
    ] {
        let spec = Spec {
            not_before,
            not_after,
            ..own()
        };
        let scene = pinned(Waiver::PinnedCertificate, built([spec]), &WAIVERS);
        if within {
            let used = scene.judge().unwrap().waivers();
            assert!(used.contains(Waiver::OutsideValidity));
        } else {
            assert_eq!(scene.refusal().waiver(), Some(Waiver::OutsideValidity));
        }
    }
}

#[test]
fn what_no_waiver_accepts_a_pin_does_not_either() {
    let keyed = |public_key| Spec {
        public_key,
        ..own()
    };
    let elliptic =
        "its key has algorithm 1.2.840.10045.2.1; only RSA (1.2.840.113549.1.1.1) is accepted";
    for (spec, fault) in [
        (keyed(pki::p256(1).public_key()), elliptic),
        (
            keyed(pki::rsa_public_key(1023, &[3])),
            "its RSA key has 1023 bits; 2048 to 8192 are accepted",
        ),
        (
            keyed(pki::rsa_public_key(8193, &[3])),
            "its RSA key has 8193 bits; 2048 to 8192 are accepted",
        ),
    ] {
        let chain = built([spec]);
        for waivers in [&[][..], &WAIVERS] {
            let error = pinned(Waiver::PinnedCertificate, chain.clone(), waivers).refusal();
            assert_eq!(error.fault().to_string(), fault);
            assert_eq!(error.waiver(), None);
        }
    }
}

/// What is asked of every certificate is asked of a pinned one.
#[test]
fn a_pinned_certificate_has_to_be_understood() {
    let critical = Spec {
        unknown_critical: true,
        ..own()
    };
    let version_2 = Spec {
        version: 2,
        ..own()
    };
    let inverted = Spec {
        not_before: NOW + 1,
        not_after: NOW - 1,
        ..own()
    };
    for (spec, fault) in [
        (
            critical,
            "its critical extension 1.3.6.1.4.1.55555.1 is not supported",
        ),
        (
            version_2,
            "its X.509 version is 2; only version 3 is accepted",
        ),
        (inverted, "it cannot be parsed or has an invalid value"),
    ] {
        let chain = built([spec]);
        for pin in PINS {
            for waivers in [&[][..], &WAIVERS] {
                let error = pinned(pin, chain.clone(), waivers).refusal();
                assert_eq!(error.fault().to_string(), fault);
                assert_eq!(error.waiver(), None);
            }
        }
    }
}

/// What comes has to be the certificate to the last byte, and read in one way.
#[test]
fn a_pinned_certificate_has_to_be_readable() {
    let own_purposes = der::sequence(&[&der::object_identifier("1.3.6.1.5.5.7.3.1")]);
    let twice = Spec {
        extensions: vec![der::extension("2.5.29.37", false, &own_purposes)],
        ..own()
    };
    let policy = CertificatePolicy::new(RootStore::new())
        .pin_certificate(sha256(&own().build()))
        .pin_public_key(key_id(&own().build()));
    let trailing = [&own().build()[..], &[0]].concat();
    for der in [trailing.into(), twice.build()] {
        let scene = Scene {
            policy: policy.clone(),
            ..Scene::of(vec![der])
        };
        assert_eq!(
            scene.refusal().fault().to_string(),
            "it cannot be parsed or has an invalid value"
        );
    }
}

#[test]
fn another_pin_does_not_match() {
    let other = intermediate().build();
    let changed = Spec {
        serial: vec![43],
        ..own()
    };
    for chain in [built([own()]), built([own(), intermediate()])] {
        let policy = CertificatePolicy::new(RootStore::new())
            .pin_certificate(sha256(&other))
            .pin_certificate(sha256(&changed.build()))
            .pin_certificate(*key_id(&chain[0]).as_bytes())
            .pin_public_key(key_id(&other));
        let scene = Scene::of(chain.clone());
        let error = Scene {
            policy: policy.clone(),
            ..scene.clone()
        }
        .waiving(&WAIVERS)
        .refusal();
        assert_eq!(error.waiver(), Some(Waiver::PinnedCertificate));
        // One of several is enough; the first that matches is the one that was used.
        for pin in PINS {
            let used = Scene {
                policy: policy.clone(),
                ..scene.clone()
            }
            .waiving(&[pin]);
            let used = used.waiving(&PINS).judge().unwrap().waivers();
            assert_eq!(used, Waivers::from_iter([pin]));
        }
    }
}

/// Of a pin alone somebody can be accepted; of other waivers alone nobody can.
#[test]
fn there_is_a_root_or_a_pin() {
    let nobody = Scene::of(built([own()])).under(RootStore::new());
    let build = |scene: Scene| {
        let client = ClientConfig::builder(scene.policy).rng(rng(1));
        client.build().map(|_| ())
    };
    assert_eq!(build(nobody.clone()), Err(ConfigError::NoRoots));
    let waiving = nobody.clone().waiving(&WAIVERS);
    assert_eq!(build(waiving), Err(ConfigError::NoRoots));
    for pin in PINS {
        assert_eq!(build(nobody.clone().waiving(&[pin])), Ok(()));
    }
}

/// The server may renew its certificate under a pinned key.
#[test]
fn a_pinned_key_outlives_its_certificate() {
    let policy = CertificatePolicy::new(RootStore::new()).pin_public_key(key_id(&own().build()));
    for serial in [1, 2] {
        let renewed = Spec {
            serial: vec![serial],
            ..own()
        };
        let scene = Scene::of(built([renewed]));
        let session = Scene {
            policy: policy.clone(),
            ..scene
        }
        .judge()
        .unwrap();
        assert!(session.waivers().contains(Waiver::PinnedPublicKey));
    }
}

/// For a certificate with an unknown issuer, no CRL is conclusive.
#[test]
fn pins_and_revocation_lists() {
    let root = Authority::root();
    let named = |list: pki::Crl| {
        let mut lists = Crls::new();
        lists.add(&list.build()).unwrap();
        lists
    };
    let judge = |lists: Crls| {
        let policy = CertificatePolicy::new(RootStore::new()).crls(lists);
        let scene = Scene::of(built([leaf()]));
        Scene { policy, ..scene }.waiving(&[Waiver::PinnedCertificate])
    };
    let unknown = "no configured CRL covers it";
    let revoked = "it is revoked";
    let fault = |scene: Scene| scene.refusal().fault().to_string();
    let revoking = || named(crl(&root).revoking(&leaf()));
    for lists in [Crls::new(), named(crl(&root))] {
        assert_eq!(fault(judge(lists.clone())), unknown);
        let used = judge(lists.allow_unknown_status()).judge().unwrap().waivers();
        assert_eq!(used, Waivers::from_iter([Waiver::PinnedCertificate]));
    }
    assert_eq!(fault(judge(revoking())), revoked);
    assert_eq!(fault(judge(revoking().allow_unknown_status())), revoked);
    let by_another = Authority::new("CN=Stranger", root.key.clone());
    let lists = named(crl(&by_another).revoking(&leaf()));
    judge(lists.allow_unknown_status()).judge().unwrap();
}

/// A pin does not take away what is accepted without it.
#[test]
fn a_chain_that_needs_another_waiver_does_not_need_the_pin() {
    let mut lists = Crls::new();
    lists.add(&crl(&Authority::root()).build()).unwrap();
    let sha1 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..leaf()
    };
    let policy = CertificatePolicy::new(roots()).crls(lists);
    let scene = Scene::of(built([sha1]));
    let scene = Scene { policy, ..scene }.waiving(&[Waiver::Sha1Signature]);
    scene.judge().unwrap();
    scene.waiving(&[Waiver::PinnedCertificate]).judge().unwrap();
}

#[cfg(feature = "ocsp")]
#[test]
fn of_a_pinned_certificate_nobody_can_sign_an_ocsp_response() {
    let ocsp_response = Some(pki::ocsp(&leaf()).build());
    let policy = CertificatePolicy::new(RootStore::new()).require_ocsp_response();
    for (ocsp_response, fault) in [
        (
            None,
            "the required OCSP check failed: the server sent no response",
        ),
        (
            ocsp_response,
            "the required OCSP check failed: the responder is not authorized by the certificate's issuer",
        ),
    ] {
        let scene = Scene {
            policy: policy.clone(),
            ocsp_response,
            ..Scene::of(built([leaf()]))
        };
        for pin in PINS {
            let error = scene.clone().waiving(&[pin]).refusal();
            assert_eq!(error.fault().to_string(), fault);
        }
    }
}
