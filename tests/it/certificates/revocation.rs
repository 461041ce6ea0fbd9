//! Chains held against CRLs.

use super::scene::{
    PINS, Scene, WAIVERS, authority, built, intermediate, leaf, leaf_below, named_authority,
};
use premaster::certificate::{Crls, Waiver, Waivers};
use premaster::error::PemFault;
use premaster::pki_types::CertificateDer;
use premaster::protocol::AlertDescription as Alert;
use premaster::{ConfigError, Error};
use premaster_testing::pki::{self, Algorithm, Authority, Crl, DAY, NOW, Spec, crl, der};
use std::time::Duration;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;

const REVOKED: &str = "it is revoked";
const UNKNOWN: &str = "no configured CRL covers it";
const INVALID: &str = "the CRL of its issuer has no acceptable signature of that issuer";

/// A leaf and its CA.
fn chain() -> Vec<CertificateDer<'static>> {
    built([leaf_below(), intermediate()])
}

/// The list of the leaf's issuer, with nothing in it.
fn of_leaf() -> Crl {
    crl(&authority())
}

/// The list of that CA's issuer, with nothing in it.
fn of_authority() -> Crl {
    crl(&Authority::root())
}

fn lists<const N: usize>(all: [Crl; N]) -> Crls {
    let mut lists = Crls::new();
    for list in all {
        lists.add(&list.build()).unwrap();
    }
    lists
}

fn held_against(chain: Vec<CertificateDer<'static>>, lists: Crls) -> Scene {
    let scene = Scene::of(chain);
    let policy = scene.policy.clone().crls(lists);
    Scene { policy, ..scene }
}

/// The good chain passes, whatever else is waived, and no waiver is needed.
#[track_caller]
fn assert_accepted(lists: Crls) {
    assert_chain_accepted(chain(), lists);
}

#[track_caller]
fn assert_chain_accepted(chain: Vec<CertificateDer<'static>>, lists: Crls) {
    let scene = held_against(chain, lists);
    for waivers in [&[][..], &WAIVERS] {
        let session = scene.clone().waiving(waivers).judge().unwrap();
        assert!(session.waivers().is_empty());
    }
}

/// The chain is refused because of this certificate, whatever else is waived.
#[track_caller]
fn assert_refused(lists: Crls, alert: Alert, at: usize, fault: &str) {
    assert_chain_refused(chain(), lists, alert, at, fault);
}

#[track_caller]
fn assert_chain_refused(
    chain: Vec<CertificateDer<'static>>,
    lists: Crls,
    alert: Alert,
    at: usize,
    fault: &str,
) {
    let scene = held_against(chain, lists);
    for waivers in [&[][..], &WAIVERS] {
        let error = scene.clone().waiving(waivers).refusal();
        assert_eq!(error.fault().to_string(), fault);
        assert_eq!(error.certificate().map(|id| id.position()), Some(at));
        assert_eq!(error.waiver(), None);
        assert_eq!(Error::from(error.fault().clone()).alert(), Some(alert));
    }
}

#[test]
fn certificates_that_are_listed() {
    let other = Spec {
        serial: vec![1],
        ..leaf_below()
    };
    assert_accepted(lists([of_leaf(), of_authority()]));
    assert_accepted(lists([of_authority(), of_leaf()]));
    assert_accepted(lists([of_leaf().revoking(&other), of_authority()]));
    // The serial number of the other one.
    let swapped = [
        of_leaf().revoking(&intermediate()),
        of_authority().revoking(&leaf_below()),
    ];
    assert_accepted(lists(swapped));

    let leafs = lists([
        of_leaf().revoking(&other).revoking(&leaf_below()),
        of_authority(),
    ]);
    assert_refused(leafs, Alert::CERTIFICATE_REVOKED, 0, REVOKED);
    let authoritys = || lists([of_leaf(), of_authority().revoking(&intermediate())]);
    assert_refused(authoritys(), Alert::CERTIFICATE_REVOKED, 1, REVOKED);
    assert_accepted(authoritys().end_entity_only());
    // What is known counts where the unknown is allowed.
    let known = || lists([of_authority().revoking(&intermediate())]).allow_unknown_status();
    assert_refused(known(), Alert::CERTIFICATE_REVOKED, 1, REVOKED);
}

/// Until when a certificate was good does not matter.
#[test]
fn certificates_that_were_revoked_for_whatever_reason() {
    for reason in [None, Some(0), Some(1), Some(4), Some(6), Some(9)] {
        let revoked = pki::Revoked {
            serial: leaf_below().serial,
            at: NOW + DAY,
            reason,
        };
        let list = Crl {
            revoked: vec![revoked],
            ..of_leaf()
        };
        let lists = lists([list, of_authority()]);
        assert_refused(lists, Alert::CERTIFICATE_REVOKED, 0, REVOKED);
    }
}

#[test]
fn certificates_of_which_no_list_says_anything() {
    let unknown = Alert::CERTIFICATE_UNKNOWN;
    // From the root on: what a CA says counts once it is known to be good itself.
    for (lists, at) in [
        (Crls::new(), 1),
        (
            lists([crl(&Authority::new("CN=Stranger", pki::p256(1)))]),
            1,
        ),
        (lists([of_authority()]), 0),
        (lists([of_leaf()]), 1),
        (Crls::new().end_entity_only(), 0),
        (lists([of_authority()]).end_entity_only(), 0),
    ] {
        assert_refused(lists.clone(), unknown, at, UNKNOWN);
        assert_accepted(lists.allow_unknown_status());
    }
    assert_accepted(lists([of_leaf()]).end_entity_only());
}

/// The one that is meant is on the way to the root.
#[test]
fn a_certificate_beside_the_chain_needs_no_list() {
    let stranger = Authority::new("CN=Stranger", pki::key("rsa-3072"));
    let beside = || {
        let extra = leaf().issued_by(&stranger);
        built([leaf_below(), extra, intermediate()])
    };
    assert_chain_accepted(beside(), lists([of_leaf(), of_authority()]));
    let lists = lists([of_leaf()]);
    assert_chain_refused(beside(), lists, Alert::CERTIFICATE_UNKNOWN, 2, UNKNOWN);
}

/// In whatever order they are configured.
#[test]
fn the_latest_of_an_issuers_lists_counts() {
    let at = |this_update, list| Crl {
        this_update,
        ..list
    };
    let old = || at(NOW - 2 * DAY, of_leaf());
    let recent = || at(NOW - 1, of_leaf().revoking(&leaf_below()));
    let revoked = Alert::CERTIFICATE_REVOKED;
    assert_refused(
        lists([old(), recent(), of_authority()]),
        revoked,
        0,
        REVOKED,
    );
    assert_refused(
        lists([recent(), old(), of_authority()]),
        revoked,
        0,
        REVOKED,
    );
    let free = || at(NOW - 1, of_leaf());
    let before = || at(NOW - 2 * DAY, of_leaf().revoking(&leaf_below()));
    assert_accepted(lists([before(), free(), of_authority()]));
}

#[test]
fn lists_that_are_out_of_date() {
    let ending = |next_update, list| Crl {
        next_update: Some(next_update),
        ..list
    };
    assert_accepted(lists([
        ending(NOW + 1, of_leaf()),
        ending(NOW + 1, of_authority()),
    ]));
    let ended = |at| {
        format!("the CRL of its issuer expired on {at}; the current time is 2027-01-15T08:00:00Z")
    };
    for (next_update, at) in [
        (NOW, "2027-01-15T08:00:00Z"),
        (NOW - DAY, "2027-01-14T08:00:00Z"),
    ] {
        for (lists, position) in [
            (lists([ending(next_update, of_leaf()), of_authority()]), 0),
            (lists([of_leaf(), ending(next_update, of_authority())]), 1),
            (
                lists([ending(next_update, of_leaf())]).allow_unknown_status(),
                0,
            ),
            (lists([ending(next_update, of_leaf())]).end_entity_only(), 0),
        ] {
            assert_refused(lists, Alert::CERTIFICATE_UNKNOWN, position, &ended(at));
        }
    }
    let old = ending(NOW, of_authority());
    assert_accepted(lists([of_leaf(), old]).end_entity_only());
}

/// A chain may be accepted for what it was at another time; a list may not.
#[test]
fn lists_that_are_out_of_date_while_the_chain_is_too() {
    let expired = |spec| Spec {
        not_after: NOW - 10,
        ..spec
    };
    // It was not out of date when the chain was not either.
    let ended = |list| Crl {
        next_update: Some(NOW - 1),
        ..list
    };
    let judge = |lists| {
        let chain = built([expired(leaf_below()), intermediate()]);
        held_against(chain, lists).waiving(&[Waiver::OutsideValidity])
    };
    for lists in [
        lists([of_leaf(), of_authority()]),
        lists([of_leaf(), ended(of_authority())]).end_entity_only(),
        lists([]).allow_unknown_status(),
    ] {
        let used = judge(lists).judge().unwrap().waivers();
        assert_eq!(used, Waivers::from_iter([Waiver::OutsideValidity]));
    }
    let text = "the CRL of its issuer expired on 2027-01-15T07:59:59Z; the current time is \
                2027-01-15T08:00:00Z";
    for (lists, at, fault) in [
        (lists([ended(of_leaf()), of_authority()]), 0, text),
        (lists([of_leaf(), ended(of_authority())]), 1, text),
        (lists([ended(of_leaf())]).end_entity_only(), 0, text),
        (
            lists([ended(of_authority())]).allow_unknown_status(),
            1,
            text,
        ),
        (
            lists([of_leaf().revoking(&leaf()), of_authority()]),
            0,
            REVOKED,
        ),
    ] {
        let error = judge(lists).refusal();
        assert_eq!(error.fault().to_string(), fault);
        assert_eq!(error.certificate().unwrap().position(), at);
        assert_eq!(error.waiver(), None);
    }
}

/// It is good now, whenever the chain will be.
#[test]
fn lists_that_end_before_the_chain_begins() {
    let early = Spec {
        not_before: NOW + 10 * DAY,
        not_after: NOW + 20 * DAY,
        ..leaf()
    };
    let scene = held_against(built([early]), lists([of_authority()]));
    let policy = scene.policy.clone();
    let policy = policy.accept_outside_validity(Duration::from_secs(30 * DAY));
    let used = Scene { policy, ..scene }.judge().unwrap().waivers();
    assert_eq!(used, [Waiver::OutsideValidity].into_iter().collect());
}

#[test]
fn lists_that_are_not_the_issuers() {
    let damaged = |list| Crl {
        damaged: true,
        ..list
    };
    let by_another = |list| Crl {
        issuer_key: pki::key("rsa-3072").into(),
        ..list
    };
    let by_other_kind = |list| Crl {
        issuer_key: pki::p256(1),
        ..list
    };
    let md5 = |list| Crl {
        algorithm: Some(Algorithm::RSA_PKCS1_MD5),
        ..list
    };
    for bad in [damaged, by_another, by_other_kind, md5] {
        let alert = Alert::CERTIFICATE_UNKNOWN;
        let leafs = || lists([bad(of_leaf()), of_authority()]);
        assert_refused(leafs(), alert, 0, INVALID);
        assert_refused(leafs().allow_unknown_status(), alert, 0, INVALID);
        assert_accepted(lists([of_leaf(), bad(of_authority())]).end_entity_only());
    }
}

#[test]
fn the_list_that_is_not_the_issuers_is_said() {
    let damaged = Crl {
        damaged: true,
        ..of_authority()
    };
    let lists = lists([of_leaf(), damaged]);
    assert_refused(lists, Alert::CERTIFICATE_UNKNOWN, 1, INVALID);
}

#[test]
fn lists_of_an_authority_that_may_not_sign_them() {
    let usages = |key_usage| {
        let intermediate = Spec {
            key_usage,
            ..intermediate()
        };
        built([leaf_below(), intermediate])
    };
    let both = || lists([of_leaf(), of_authority()]);
    let certificates_only = usages(Some(KeyUsages::KeyCertSign.into()));
    let alert = Alert::CERTIFICATE_UNKNOWN;
    let fault =
        "the keyUsage of its issuer lacks cRLSign, so the CRL of that issuer does not count";
    assert_chain_refused(certificates_only, both(), alert, 0, fault);
    assert_chain_accepted(usages(None), both());
}

/// As in a chain, where it is waived.
#[test]
fn lists_that_are_signed_over_sha1() {
    let sha1 = Crl {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..of_leaf()
    };
    let scene = held_against(chain(), lists([sha1, of_authority()]));
    let mut others = WAIVERS.to_vec();
    others.retain(|waiver| *waiver != Waiver::Sha1Signature);
    for waivers in [&[][..], &others] {
        let error = scene.clone().waiving(waivers).refusal();
        assert_eq!(error.fault().to_string(), INVALID);
    }
    let used = scene.waiving(&[Waiver::Sha1Signature]).judge().unwrap().waivers();
    assert_eq!(used, [Waiver::Sha1Signature].into_iter().collect());
}

/// cRLDistributionPoints of a certificate, or the distributionPoint of a list, with this URI.
fn distribution_point(uri: &str) -> Vec<u8> {
    let name = der::tlv(der::primitive(6), &[uri.as_bytes()]);
    let full_name = der::tlv(der::constructed(0), &[&name]);
    der::tlv(der::constructed(0), &[&full_name])
}

fn points_at(uri: &str, spec: Spec) -> Spec {
    let point = der::sequence(&[&distribution_point(uri)]);
    let extension: Extension = der::extension("2.5.29.31", false, &der::sequence(&[&point]));
    Spec {
        extensions: vec![extension],
        ..spec
    }
}

/// The list of one part of the certificates.
fn part(uri: &str, list: Crl) -> Crl {
    let issuing_distribution_point = Some(der::sequence(&[&distribution_point(uri)]));
    Crl {
        issuing_distribution_point,
        ..list
    }
}

/// The list of peers' own certificates alone, or of CAs' alone.
fn scope(only: u8, list: Crl) -> Crl {
    let only = der::tlv(der::primitive(only), &[&[0xff]]);
    let point = der::sequence(&[&distribution_point("http://crl.example/"), &only]);
    Crl {
        issuing_distribution_point: Some(point),
        ..list
    }
}

const USERS: u8 = 1;
const AUTHORITIES: u8 = 2;

#[test]
fn lists_of_a_part_of_the_certificates() {
    const ONE: &str = "http://crl.example/1";
    const TWO: &str = "http://crl.example/2";
    let alert = Alert::CERTIFICATE_REVOKED;
    let first = || built([points_at(ONE, leaf_below()), intermediate()]);
    let revoking = || of_leaf().revoking(&leaf_below());
    for (parts, revoked) in [
        ([part(ONE, of_leaf()), part(TWO, revoking())], false),
        ([part(TWO, revoking()), part(ONE, of_leaf())], false),
        ([part(ONE, revoking()), part(TWO, of_leaf())], true),
        ([part(TWO, of_leaf()), part(ONE, revoking())], true),
        (
            [scope(AUTHORITIES, revoking()), part(ONE, of_leaf())],
            false,
        ),
    ] {
        let [one, other] = parts;
        let lists = lists([one, other, of_authority()]);
        if revoked {
            assert_chain_refused(first(), lists, alert, 0, REVOKED);
        } else {
            assert_chain_accepted(first(), lists);
        }
    }
    assert_accepted(lists([
        scope(USERS, of_leaf()),
        scope(AUTHORITIES, of_authority()),
    ]));
    let users = lists([scope(USERS, revoking()), of_authority()]);
    assert_refused(users, alert, 0, REVOKED);
}

#[test]
fn lists_of_another_part_say_nothing() {
    let unknown = Alert::CERTIFICATE_UNKNOWN;
    let leafs = || lists([scope(AUTHORITIES, of_leaf()), of_authority()]);
    assert_accepted(leafs().allow_unknown_status());
    assert_refused(leafs(), unknown, 0, UNKNOWN);
    let authoritys = || lists([of_leaf(), scope(USERS, of_authority())]);
    assert_accepted(authoritys().allow_unknown_status());
    assert_refused(authoritys(), unknown, 1, UNKNOWN);
}

#[cfg(feature = "ecdsa")]
#[test]
fn lists_of_authorities_on_curves() {
    for key in [pki::p256(1), pki::p384(1)] {
        let root = Authority::new("CN=EC Root", key);
        let leaf = leaf().issued_by(&root);
        let held_against = |list: Crl| {
            let policy = premaster::CertificatePolicy::new(super::scene::roots_of(&[&root]));
            let policy = policy.crls(lists([list]));
            let scene = Scene::of(built([leaf.clone()]));
            Scene { policy, ..scene }
        };
        held_against(crl(&root)).judge().unwrap();
        let revoked = held_against(crl(&root).revoking(&leaf)).refusal();
        assert_eq!(revoked.fault().to_string(), REVOKED);
        let damaged = Crl {
            damaged: true,
            ..crl(&root)
        };
        assert_eq!(held_against(damaged).refusal().fault().to_string(), INVALID);
    }
}

/// What is wrong with the chain itself is said first.
#[test]
fn a_list_does_not_hide_what_is_wrong() {
    let damaged = Spec {
        damaged: true,
        ..leaf_below()
    };
    let chain = built([damaged, intermediate()]);
    let lists = lists([of_leaf().revoking(&leaf_below()), of_authority()]);
    let error = held_against(chain, lists).refusal();
    assert_eq!(
        error.fault().to_string(),
        "its signature does not verify with its issuer's key"
    );
}

/// The chain is judged with its lists before a pin is looked at.
#[test]
fn a_good_chain_with_lists_needs_no_pin() {
    let scene = held_against(chain(), lists([of_leaf(), of_authority()]));
    let used = scene.waiving(&PINS).judge().unwrap().waivers();
    assert_eq!(used, Waivers::default());
}

#[test]
fn lists_are_read_from_pem() {
    let pem = |list: &Crl| pki::to_pem("X509 CRL", &list.build());
    let both = pem(&of_leaf()) + "between\n" + &pem(&of_authority());
    assert_accepted(Crls::from_pem(both.as_bytes()).unwrap());
    let other = pki::to_pem("CERTIFICATE", &leaf().build());
    let beside = both.clone() + &other;
    assert_accepted(Crls::from_pem(beside.as_bytes()).unwrap());
    let refused = |text: &str| Crls::from_pem(text.as_bytes()).unwrap_err();
    // A certificate is one whatever its label says.
    let mislabelled = pki::to_pem("X509 CRL", &leaf().build());
    for text in ["", "text", &other, &mislabelled] {
        assert!(matches!(refused(text), ConfigError::NoCrls { .. }));
    }
    let fault = PemFault::Base64;
    let bad = ConfigError::BadPem { line: 1, fault };
    assert_eq!(refused(&both.replace('M', "-")), bad);
    assert_eq!(
        refused(&(both + &pki::to_pem("X509 CRL", b"\x30\x00"))),
        ConfigError::BadCrl
    );
}

#[test]
fn lists_that_cannot_be_used() {
    let whole = of_leaf().build();
    let trailing = [&whole[..], &[0]].concat();
    let with = |extensions| Crl {
        extensions,
        ..of_leaf()
    };
    let delta = der::extension("2.5.29.27", true, &der::integer(&[1]));
    let unknown = der::extension("1.3.6.1.4.1.55555.1", true, &der::null());
    let indirect = Crl {
        issuing_distribution_point: Some(der::sequence(&[
            &distribution_point("http://crl.example/"),
            &der::tlv(der::primitive(4), &[&[0xff]]),
        ])),
        ..of_leaf()
    };
    let endless = Crl {
        next_update: None,
        ..of_leaf()
    };
    // Version 1 has no extensions.
    let version_1 = Crl {
        version: 1,
        ..of_leaf()
    };
    let mut lists = Crls::new();
    for (what, der) in [
        ("nothing", vec![]),
        ("garbage", b"\x30\x03abc".to_vec()),
        ("a byte too many", trailing),
        ("a byte too few", whole[..whole.len() - 1].to_vec()),
        ("a certificate", leaf().build().to_vec()),
        ("version 1 with extensions", version_1.build()),
        ("a delta", with(vec![delta]).build()),
        ("indirect", indirect.build()),
        ("without an end", endless.build()),
        ("a critical extension", with(vec![unknown]).build()),
    ] {
        let bad = Err(ConfigError::BadCrl);
        assert_eq!(lists.add(&der), bad, "{what}");
    }
    assert_eq!(format!("{lists:?}").matches("lists: 0").count(), 1);
    lists.add(&whole).unwrap();
    assert_eq!(
        format!("{:?}", lists.end_entity_only()),
        "Crls { lists: 1, end_entity_only: true, allow_unknown_status: false }"
    );
}

/// More than one CA above the leaf.
#[test]
fn every_certificate_below_the_root_is_held_against_a_list() {
    let [lower, upper] = ["CN=Lower", "CN=Upper"].map(named_authority);
    let serial = |number, spec| Spec {
        serial: vec![number],
        ..spec
    };
    let specs = [
        serial(1, leaf().issued_by(&lower)),
        serial(2, lower.certificate().issued_by(&upper)),
        serial(3, upper.certificate()),
    ];
    for (revoked, at) in [
        (None, 0),
        (Some(&specs[0]), 0),
        (Some(&specs[1]), 1),
        (Some(&specs[2]), 2),
    ] {
        let list = |issuer: &Authority| match revoked {
            Some(spec) if spec.issuer == issuer.name => crl(issuer).revoking(spec),
            _ => crl(issuer),
        };
        let lists = lists([list(&lower), list(&upper), list(&Authority::root())]);
        let chain = built(specs.clone());
        match revoked {
            None => assert_chain_accepted(chain, lists),
            Some(_) => {
                let alert = Alert::CERTIFICATE_REVOKED;
                assert_chain_refused(chain, lists, alert, at, REVOKED);
            }
        }
    }
}
