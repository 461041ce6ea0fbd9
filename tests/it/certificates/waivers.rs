//! Waivers together, and where each one ends.

use super::scene::{
    PINS, Scene, TOLERANCE, WAIVERS, built, check, intermediate, leaf, leaf_below, meet,
    named_authority, refused, roots, roots_of,
};
use premaster::ClientConfig;
use premaster::certificate::{Waiver, Waivers};
use premaster::error::CertificateFault;
use premaster::protocol::AlertDescription as Alert;
use premaster_testing::pki::{self, Algorithm, NOW, Spec};
use premaster_testing::wire::extensions;
use std::time::Duration;
use x509_cert::ext::pkix::KeyUsages;

fn sha1(spec: Spec) -> Spec {
    Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..spec
    }
}

fn expired(spec: Spec) -> Spec {
    Spec {
        not_after: NOW - 1,
        ..spec
    }
}

/// A device from the first days: it needs all there is for its certificate of version 1.
fn oldest() -> Scene {
    let leaf = Spec {
        subject: "CN=server.example",
        public_key: pki::rsa_public_key(1024, &[3]),
        ..expired(sha1(leaf())).version_1()
    };
    Scene::of(built([leaf]))
}

const OF_THE_OLDEST: [Waiver; 5] = [
    Waiver::CommonName,
    Waiver::Version1,
    Waiver::Sha1Signature,
    Waiver::ShortRsaKey,
    Waiver::OutsideValidity,
];

#[test]
fn every_waiver_that_is_needed_is_recorded() {
    let used = oldest().waiving(&OF_THE_OLDEST).judge().unwrap().waivers();
    assert_eq!(used, OF_THE_OLDEST.into_iter().collect());
    let text = "common name, X.509 version 1, SHA-1 signature, short RSA key, outside validity";
    assert_eq!(used.to_string(), text);
    // The name is looked for where it may be before it is done without.
    let used = oldest().waiving(&WAIVERS).judge().unwrap().waivers();
    assert_eq!(used, OF_THE_OLDEST.into_iter().collect());
}

#[test]
fn without_any_one_of_them_it_is_refused() {
    for missing in OF_THE_OLDEST {
        let mut others = OF_THE_OLDEST.to_vec();
        others.retain(|waiver| *waiver != missing);
        let error = oldest().waiving(&others).refusal();
        assert_eq!(error.waiver(), Some(missing));
        assert_eq!(error.certificate().unwrap().position(), 0);
    }
}

#[test]
fn two_at_once() {
    let signs_only = |spec| Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        ..spec
    };
    let renamed = |spec| Spec {
        dns: vec!["other.example"],
        ..spec
    };
    let short = |spec| Spec {
        public_key: pki::rsa_public_key(1024, &[3]),
        ..spec
    };
    for (leaf, authority, needed) in [
        (
            sha1(expired(leaf_below())),
            intermediate(),
            [Waiver::Sha1Signature, Waiver::OutsideValidity],
        ),
        (
            expired(leaf_below()),
            sha1(intermediate()),
            [Waiver::Sha1Signature, Waiver::OutsideValidity],
        ),
        (
            renamed(signs_only(leaf_below())),
            intermediate(),
            [Waiver::AnyName, Waiver::MissingKeyEncipherment],
        ),
        (
            short(leaf_below()),
            expired(intermediate()),
            [Waiver::ShortRsaKey, Waiver::OutsideValidity],
        ),
    ] {
        let scene = Scene::of(built([leaf, authority]));
        let needed_set: Waivers = needed.into_iter().collect();
        for waivers in [&needed[..], &WAIVERS] {
            let session = scene.clone().waiving(waivers).judge().unwrap();
            assert_eq!(session.waivers(), needed_set);
        }
        for (one, other) in [(needed[0], needed[1]), (needed[1], needed[0])] {
            let error = scene.clone().waiving(&[one]).refusal();
            assert_eq!(error.waiver(), Some(other));
        }
    }
}

/// The leaf has a short key and its issuer too.
#[test]
fn what_is_needed_twice_is_recorded_once() {
    let root = pki::Authority::new("CN=Short Root", pki::rsa(1024, 1));
    let leaf = Spec {
        public_key: pki::rsa_public_key(1024, &[3]),
        ..leaf().issued_by(&root)
    };
    let scene = Scene::of(built([leaf])).under(roots_of(&[&root]));
    let used = scene.waiving(&[Waiver::ShortRsaKey]).judge().unwrap().waivers();
    assert!(used.iter().eq([Waiver::ShortRsaKey]));
}

/// What a signature relied on counts only on the path that was found.
#[test]
fn what_was_tried_and_not_taken_is_not_recorded() {
    let short = pki::Authority::new("CN=Short Root", pki::rsa(1024, 1));
    // The leaf is not signed with this one's key.
    let impostor = pki::Authority::new("CN=Test Intermediate", pki::key("rsa-3072"));
    let impostor = impostor.certificate().issued_by(&short);
    let both = roots([short.certificate().issued_by(&short), pki::root()]);
    let chain = built([expired(leaf_below()), impostor, intermediate()]);
    let session = Scene::of(chain).under(both).waiving(&WAIVERS).judge();
    let used = session.unwrap().waivers();
    assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
}

#[test]
fn the_tolerance_is_counted_in_seconds() {
    let tolerance = i64::try_from(TOLERANCE).unwrap();
    let always = (-10 * tolerance, 10 * tolerance);
    for (outside, accepted) in [
        ((-2 * tolerance, -1), true),
        ((-2 * tolerance, -tolerance), true),
        ((-2 * tolerance, -tolerance - 1), false),
        ((1, 2 * tolerance), true),
        ((tolerance, 2 * tolerance), true),
        ((tolerance + 1, 2 * tolerance), false),
    ] {
        for (leaf, authority) in [(outside, always), (always, outside), (outside, outside)] {
            let scene = valid(leaf, authority);
            if accepted {
                let used = scene.judge().unwrap().waivers();
                assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
            } else {
                assert_eq!(scene.refusal().waiver(), Some(Waiver::OutsideValidity));
            }
        }
    }
}

/// A tolerance of zero accepts nothing.
#[test]
fn a_tolerance_may_be_nothing() {
    let scene = Scene::of(built([expired(leaf())]));
    let policy = scene.policy.clone();
    let policy = policy.accept_outside_validity(Duration::ZERO);
    let error = Scene { policy, ..scene }.refusal();
    assert_eq!(error.waiver(), Some(Waiver::OutsideValidity));
    let good = Scene::of(built([leaf()]));
    let policy = good.policy.clone();
    let policy = policy.accept_outside_validity(Duration::ZERO);
    assert!(Scene { policy, ..good }.judge().unwrap().waivers().is_empty());
}

/// From when until when a certificate is valid, in seconds from now.
type Validity = (i64, i64);

/// A leaf and its CA, shown to a client that waives all it can.
fn valid(leaf: Validity, authority: Validity) -> Scene {
    let within = |(from, until), spec| Spec {
        not_before: NOW.checked_add_signed(from).unwrap(),
        not_after: NOW.checked_add_signed(until).unwrap(),
        ..spec
    };
    let chain = built([
        within(leaf, leaf_below()),
        within(authority, intermediate()),
    ]);
    Scene::of(chain).waiving(&WAIVERS)
}

#[test]
fn a_chain_is_valid_as_a_whole_at_some_time() {
    for (leaf, authority) in [
        // Both in the past: until the earlier end.
        ((-90, -10), (-90, -50)),
        ((-90, -50), (-90, -10)),
        // Both in the future: from the later beginning.
        ((10, 90), (50, 90)),
        ((50, 90), (10, 90)),
        // For one second.
        ((-90, -50), (-50, -10)),
        ((-50, -10), (-90, -50)),
        ((-90, -10), (-10, 90)),
        ((50, 90), (-90, 50)),
    ] {
        let used = valid(leaf, authority).judge().map(|session| session.waivers());
        let recorded = [Waiver::OutsideValidity].into_iter().collect();
        assert_eq!(used, Ok(recorded), "{leaf:?} {authority:?}");
    }
}

/// Those of which one has ended before the other begins.
const DISJOINT: [(Validity, Validity); 6] = [
    ((-90, -50), (-49, -10)),
    ((-49, -10), (-90, -50)),
    ((-90, -10), (10, 90)),
    ((10, 90), (-90, -10)),
    ((-90, -1), (0, 90)),
    ((0, 90), (-90, -1)),
];

#[test]
fn a_chain_that_was_never_valid_is_refused() {
    for (leaf, authority) in DISJOINT {
        let error = valid(leaf, authority).judge().unwrap_err();
        assert_eq!(error.alert(), Some(Alert::CERTIFICATE_EXPIRED));
    }
}

/// Whatever other time was tried: the dates that are told are those of the certificate and of now.
#[test]
fn what_is_said_of_a_chain_that_was_never_valid_is_true() {
    for (leaf, authority) in DISJOINT {
        let error = valid(leaf, authority).refusal();
        let is_true = match *error.fault() {
            CertificateFault::Expired { not_after, now } => not_after < now,
            CertificateFault::NotYetValid { not_before, now } => now < not_before,
            _ => false,
        };
        assert!(is_true, "{error}");
    }
}

/// A chain of the leaf and so many CAs, each of which ended before the one below it.
fn ended_before_the_one_below(authorities: &[&'static str]) -> Scene {
    let ended = |before: usize, spec| Spec {
        not_after: NOW - 10 - before as u64,
        ..spec
    };
    let mut chain = Vec::new();
    let mut last = ended(0, leaf());
    for (index, name) in authorities.iter().enumerate() {
        let authority = named_authority(name);
        chain.push(last.issued_by(&authority).build());
        last = ended(index + 1, authority.certificate());
    }
    chain.push(last.build());
    Scene::of(chain).waiving(&WAIVERS)
}

#[test]
fn two_authorities_may_have_ended() {
    let scene = ended_before_the_one_below(&["CN=1", "CN=2"]);
    let used = scene.judge().unwrap().waivers();
    assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
}

#[test]
fn every_authority_may_have_ended() {
    let names = ["CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6"];
    for authorities in 1..=names.len() {
        let scene = ended_before_the_one_below(&names[..authorities]);
        let used = scene.judge().unwrap().waivers();
        assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
    }
}

/// A CA's certificate of old stands beside the one that is good enough.
#[test]
fn the_tolerance_is_enough_for_one_of_two_authorities() {
    let old = Spec {
        not_before: 0,
        not_after: NOW - TOLERANCE - 1,
        ..intermediate()
    };
    let recent = || expired(intermediate());
    for chain in [
        built([leaf_below(), recent(), old.clone()]),
        built([leaf_below(), old, recent()]),
    ] {
        let used = Scene::of(chain).waiving(&WAIVERS).judge().unwrap().waivers();
        assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
    }
}

/// Extensions are not of version 1, so it is no certificate of version 1 either.
#[test]
fn version_1_with_extensions_is_none() {
    let spec = Spec {
        version: 1,
        ..leaf()
    };
    let all = [&WAIVERS[..], &[]].concat();
    Scene::of(built([spec])).waiving(&all).refusal();
}

#[test]
fn what_no_waiver_accepts_stays_refused_beside_what_they_do() {
    let wrong = Spec {
        damaged: true,
        ..expired(sha1(leaf()))
    };
    let scene = Scene::of(built([wrong]));
    for waived in [
        &[Waiver::Sha1Signature, Waiver::OutsideValidity][..],
        &WAIVERS,
    ] {
        let error = scene.clone().waiving(waived).refusal();
        assert_eq!(*error.fault(), CertificateFault::BadSignature);
        assert_eq!(error.waiver(), Some(Waiver::PinnedCertificate));
    }
    let short = Spec {
        public_key: pki::rsa_public_key(1024, &[3]),
        unknown_critical: true,
        ..leaf()
    };
    let critical = "its critical extension 1.3.6.1.4.1.55555.1 is not supported";
    check(
        Alert::UNSUPPORTED_CERTIFICATE,
        None,
        [refused("critical", built([short]), 0, critical).besides(&[Waiver::ShortRsaKey])],
    );
}

/// A server may choose its chain by what the client says that it takes.
#[test]
fn a_client_that_takes_sha1_says_so() {
    const SIGNATURE_ALGORITHMS: u16 = 13;
    let listed = |waivers: &[Waiver]| {
        let scene = Scene::of(built([leaf()])).waiving(waivers);
        let client = ClientConfig::builder(scene.policy.clone());
        let server = meet(client, scene.name);
        let extensions = extensions(server.client_hello()).unwrap();
        let mut list = extensions.iter().filter(|(typ, _)| *typ == SIGNATURE_ALGORITHMS);
        let (_, list) = list.next().unwrap();
        list[2..].chunks(2).any(|scheme| scheme == [2, 1])
    };
    let mut others = WAIVERS.to_vec();
    others.retain(|waiver| *waiver != Waiver::Sha1Signature);
    assert!(!listed(&[]));
    assert!(!listed(&others));
    assert!(listed(&[Waiver::Sha1Signature]));
}

/// None of them stands for another, and each has its own name.
#[test]
fn waivers_have_names() {
    let all: Waivers = PINS.into_iter().chain(WAIVERS).collect();
    let names: Vec<_> = all.iter().map(|waiver| waiver.to_string()).collect();
    assert_eq!(
        names,
        [
            "pinned certificate",
            "pinned public key",
            "common name",
            "any name",
            "X.509 version 1",
            "SHA-1 signature",
            "short RSA key",
            "outside validity",
            "missing keyEncipherment",
            "other extendedKeyUsage",
            "long chain",
        ]
    );
    let settings: Vec<_> = all.iter().map(Waiver::setting).collect();
    assert_eq!(
        settings,
        [
            "CertificatePolicy::pin_certificate",
            "CertificatePolicy::pin_public_key",
            "CertificatePolicy::accept_common_name",
            "CertificatePolicy::accept_any_name",
            "CertificatePolicy::accept_version_1",
            "CertificatePolicy::accept_sha1_signatures",
            "CertificatePolicy::accept_short_rsa_keys",
            "CertificatePolicy::accept_outside_validity",
            "CertificatePolicy::accept_missing_key_encipherment",
            "CertificatePolicy::accept_other_extended_key_usage",
            "CertificatePolicy::accept_long_chain",
        ]
    );
}
