//! CRLs of every kind, and what they cost.

#[cfg(feature = "ecdsa")]
use super::scene::roots_of;
use super::scene::{Scene, built, leaf};
use premaster::certificate::{Crls, Waiver};
use premaster::error::CertificateFault;
use premaster::pki_types::CertificateDer;
use premaster::pki_types::pem::PemObject;
use premaster::{CertificatePolicy, ConfigError, RootStore};
use premaster_testing::pki::{self, Algorithm, Authority, Spec, crl};
use premaster_testing::revocation::{Expected, REVOKED, kinds};
use std::fs;

#[test]
fn lists_of_every_kind() {
    for kind in kinds() {
        let name = kind.name;
        let mut lists = Crls::new();
        let [own, above] = &kind.lists;
        if kind.expected == Expected::Unreadable {
            assert_eq!(lists.add(own), Err(ConfigError::BadCrl), "{name}");
            continue;
        }
        lists.add(own).unwrap();
        lists.add(above).unwrap();
        let mut roots = RootStore::new();
        roots.add(&kind.root.build()).unwrap();
        let policy = CertificatePolicy::new(roots).crls(lists);
        let scene = Scene {
            policy,
            ..Scene::of(built(kind.chain))
        };
        match kind.expected {
            Expected::Accepted => {
                let session = scene.judge().unwrap();
                assert!(session.waivers().is_empty(), "{name}");
            }
            Expected::Refused(position, fault) => {
                let error = scene.refusal();
                assert_eq!(error.fault().to_string(), fault, "{name}");
                let at = error.certificate().map(|id| id.position());
                assert_eq!(at, Some(position), "{name}");
            }
            Expected::Unreadable => unreachable!(),
        }
    }
}

/// Otherwise its number, without zeros, would be in no list.
#[test]
fn a_certificate_with_a_padded_serial_number_is_not_read() {
    let padded = Spec {
        serial: vec![0, 42],
        ..leaf()
    };
    let error = Scene::of(built([padded])).refusal();
    assert_eq!(*error.fault(), CertificateFault::Malformed);
}

/// As `openssl ca -gencrl` writes it by default.
#[test]
fn a_list_of_version_1_from_openssl() {
    let file = |name: &str| fs::read(premaster_testing::data(&format!("field/{name}"))).unwrap();
    let roots = RootStore::from_pem(&file("ca.pem")).unwrap();
    let lists = Crls::from_pem(&file("crl-v1.pem")).unwrap();
    let policy = CertificatePolicy::new(roots).crls(lists);
    let server = CertificateDer::from_pem_slice(&file("server.pem")).unwrap();
    let scene = Scene {
        policy,
        ..Scene::of(vec![server])
    };
    scene.named("device.test").judge().unwrap();
}

/// Two CAs of one name, or one with a new key: the list that counts is the one with the signature
/// of the issuer, be it the older one.
#[test]
fn lists_under_an_old_key_and_a_new_one() {
    let [old, new] =
        ["rsa-2048-client", "rsa-3072"].map(|key| Authority::new("CN=Authority", pki::key(key)));
    for (issuer, other) in [(&old, &new), (&new, &old)] {
        for later in [issuer, other] {
            let leaf = leaf().issued_by(issuer);
            let mut lists = Crls::new();
            for (authority, list) in [(issuer, crl(issuer).revoking(&leaf)), (other, crl(other))] {
                let mut list = list;
                if core::ptr::eq(authority, later) {
                    list.this_update += 1;
                }
                lists.add(&list.build()).unwrap();
            }
            lists.add(&crl(&Authority::root()).build()).unwrap();
            let scene = Scene::of(built([leaf, issuer.certificate()]));
            let policy = scene.policy.clone().crls(lists);
            let error = Scene { policy, ..scene }.refusal();
            assert_eq!(error.fault().to_string(), REVOKED);
        }
    }
}

/// What was found right under one rule is not right under a stricter one.
#[test]
fn a_signature_that_is_remembered_is_still_subject_to_the_rules() {
    let mut lists = Crls::new();
    let sha1 = pki::Crl {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..crl(&Authority::root())
    };
    lists.add(&sha1.build()).unwrap();
    let scene = Scene::of(built([leaf()]));
    let policy = scene.policy.clone().crls(lists);
    let scene = Scene { policy, ..scene };
    let waiving = scene.clone().waiving(&[Waiver::Sha1Signature]);
    for _ in 0..2 {
        let used = waiving.judge().unwrap().waivers();
        assert_eq!(used, [Waiver::Sha1Signature].into_iter().collect());
        assert_eq!(*scene.refusal().fault(), CertificateFault::CrlInvalid);
    }
}

/// As many CAs as a path can have, all with keys of this kind, below a root with one.
#[cfg(feature = "ecdsa")]
fn longest_path(key: &pki::Key, links: usize) -> Scene {
    const NAMES: [&str; 7] = ["CN=0", "CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6"];
    let authorities: Vec<_> =
        NAMES.iter().take(links).map(|name| Authority::new(name, key.clone())).collect();
    let [root, rest @ ..] = &authorities[..] else {
        panic!()
    };
    let mut above = root;
    let mut chain = Vec::new();
    for authority in rest {
        chain.push(authority.certificate().issued_by(above));
        above = authority;
    }
    chain.push(leaf().issued_by(above));
    chain.reverse();
    Scene::of(chain.iter().map(Spec::build).collect()).under(roots_of(&[root]))
}

/// Every path that is short enough fits the budget under RSA keys, and four signatures on P-384 do.
#[cfg(feature = "ecdsa")]
#[test]
fn the_longest_paths_fit_the_budget() {
    let rsa = pki::Key::from(pki::key("rsa-4096"));
    for (key, links) in [(&rsa, 7), (&pki::p256(1), 7), (&pki::p384(1), 4)] {
        longest_path(key, links).judge().unwrap();
    }
    let error = longest_path(&pki::p384(1), 7).refusal();
    assert_eq!(*error.fault(), CertificateFault::TooMuchWork);
    assert!(error.certificate().is_none());
}

/// Nine CAs of one name, each with a wrong signature of a root on P-384.
#[cfg(feature = "ecdsa")]
#[test]
fn wrong_signatures_are_computed_within_the_budget() {
    let root = Authority::new("CN=EC Root", pki::p384(1));
    let authority = |number| Authority::new("CN=One", pki::p256(number));
    let forged = |number| Spec {
        damaged: true,
        ..authority(number).certificate().issued_by(&root)
    };
    for (count, fault) in [
        (1, CertificateFault::BadSignature),
        (9, CertificateFault::TooMuchWork),
    ] {
        let chain = [leaf().issued_by(&authority(1))].into_iter().chain((1..=count).map(forged));
        let chain = chain.map(|spec| spec.build()).collect();
        let scene = Scene::of(chain).under(roots_of(&[&root]));
        for waivers in [&[][..], &super::scene::WAIVERS] {
            assert_eq!(*scene.clone().waiving(waivers).refusal().fault(), fault);
        }
    }
}
