//! Policies for clients: what each waiver accepts, where it is recorded, and that a session stands
//! for the policy that it was made under.

use super::{
    both_roots, certified_chain, hello, other_root_certificate, requiring, requiring_of_anybody,
};
use premaster::certificate::{ClientAuthorities, Crls, Waiver, Waivers};
use premaster::error::CertificateFault;
use premaster::protocol::SignatureScheme;
use premaster::session::{NotResumed, Resumption};
use premaster::{
    CertificatePolicy, CertifiedKey, ClientAuth, Error, RootStore, ServerConfigBuilder,
};
use premaster_testing::by_hand::ClientByHand;
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, Algorithm, Authority, NOW, Spec};
use premaster_testing::scene::{NOTHING_OFFERED, Scene, declined, outcome};
use premaster_testing::{Pair, client_builder, client_certified, fault, pair, roots};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "rsa-2048-client";

/// How long a certificate may have expired.
const TOLERANCE: Duration = Duration::from_secs(100);

fn strict() -> CertificatePolicy {
    roots().into()
}

fn good() -> Spec {
    pki::client(&pki::key(KEY))
}

fn sha256(certified: &CertifiedKey) -> [u8; 32] {
    Sha256::digest(&certified.chain()[0]).into()
}

/// A client with one fault.
struct Faulty {
    certified: Arc<CertifiedKey>,
    waiver: Waiver,
    /// The strict policy with that waiver alone.
    policy: CertificatePolicy,
}

/// A client for every waiver that there is for clients, which needs no other.
fn faulty() -> Vec<Faulty> {
    let sha1 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..good()
    };
    let weak = Authority::new("CN=Weak", pki::key("rsa-1024"));
    let of_weak = [good().issued_by(&weak), weak.certificate()];
    let faulty = |chain: &[Spec], waiver, policy| Faulty {
        certified: certified_chain(chain, KEY),
        waiver,
        policy,
    };
    vec![
        Faulty {
            certified: self_signed(),
            waiver: Waiver::PinnedCertificate,
            policy: strict().pin_certificate(sha256(&self_signed())),
        },
        Faulty {
            certified: self_signed(),
            waiver: Waiver::PinnedPublicKey,
            policy: strict().pin_public_key(self_signed().key_id()),
        },
        faulty(
            &[good().version_1()],
            Waiver::Version1,
            strict().accept_version_1(),
        ),
        faulty(
            &[sha1],
            Waiver::Sha1Signature,
            strict().accept_sha1_signatures(),
        ),
        faulty(
            &of_weak,
            Waiver::ShortRsaKey,
            strict().accept_short_rsa_keys(),
        ),
        faulty(&[expired()], Waiver::OutsideValidity, tolerant()),
    ]
}

/// Over a key that the other clients do not have.
fn self_signed() -> Arc<CertifiedKey> {
    let key = pki::key("rsa-3072");
    let certificate = pki::client(&key);
    let itself = Authority::new(certificate.subject, key);
    certified_chain(&[certificate.issued_by(&itself)], "rsa-3072")
}

/// It ended half as long ago as is tolerated.
fn expired() -> Spec {
    Spec {
        not_after: NOW - 50,
        ..good()
    }
}

fn tolerant() -> CertificatePolicy {
    strict().accept_outside_validity(TOLERANCE)
}

/// A connection of this client, which is not told whose certificates the server knows.
fn connect(scene: &Scene, client: &Arc<CertifiedKey>, policy: &CertificatePolicy) -> Pair {
    let server = scene
        .server()
        .client_auth(ClientAuth::Require(policy.clone()))
        .client_authorities(ClientAuthorities::None);
    pair(scene.client().certificate(client.clone()), server).established()
}

fn waivers(pair: &Pair) -> Waivers {
    pair.server.connection.session().unwrap().waivers()
}

/// Whether a server with this policy takes this chain.
fn judge(policy: &CertificatePolicy, certified: &CertifiedKey) -> Result<(), Error> {
    let server = requiring_of_anybody(policy.clone());
    ClientByHand::new(server, &hello()).send_certificates(certified.chain())
}

#[test]
fn a_waiver_that_was_used_is_told_also_when_the_session_is_resumed() {
    for Faulty {
        certified,
        waiver,
        policy,
    } in faulty()
    {
        for scene in Scene::both() {
            for expected in [NOTHING_OFFERED, scene.resumed] {
                let pair = connect(&scene, &certified, &policy);
                assert_eq!(outcome(&pair), expected, "{waiver}");
                assert!(waivers(&pair).iter().eq([waiver]), "{waiver}");
            }
        }
    }
}

#[test]
fn no_waiver_implies_another() {
    let faulty = faulty();
    let is_pin = |waiver| matches!(waiver, Waiver::PinnedCertificate | Waiver::PinnedPublicKey);
    let same = |one, other| one == other || is_pin(one) && is_pin(other);
    for client in &faulty {
        judge(&strict(), &client.certified).unwrap_err();
        for other in &faulty {
            let result = judge(&other.policy, &client.certified);
            assert_eq!(
                result.is_ok(),
                same(client.waiver, other.waiver),
                "{} by {}",
                client.waiver,
                other.waiver
            );
        }
    }
}

#[test]
fn a_good_client_needs_no_waiver() {
    let policy = tolerant()
        .pin_certificate(sha256(&client_certified()))
        .pin_public_key(client_certified().key_id())
        .accept_version_1()
        .accept_sha1_signatures()
        .accept_short_rsa_keys();
    for scene in Scene::both() {
        for expected in [NOTHING_OFFERED, scene.resumed] {
            let pair = connect(&scene, &client_certified(), &policy);
            assert_eq!(outcome(&pair), expected);
            assert!(waivers(&pair).is_empty());
        }
    }
}

/// A waiver of one client is not that of the next one.
#[test]
fn waivers_are_those_of_the_connection() {
    let [scene, _] = Scene::both();
    for client in faulty() {
        connect(&scene, &client.certified, &client.policy);
        let pair = connect(&scene, &client_certified(), &client.policy);
        assert!(waivers(&pair).is_empty(), "{}", client.waiver);
    }
}

/// The configuration of this crate's clients takes no such key.
#[test]
fn a_client_with_a_short_key_proves_it_where_that_is_accepted() {
    let key = pki::key("rsa-1024");
    let certificate = pki::client(&key).build();
    let shown = |policy: CertificatePolicy| {
        let mut visited = ClientByHand::new(requiring(policy), &hello());
        let result = visited.send_certificates(std::slice::from_ref(&certificate));
        (visited, result)
    };
    let (_, result) = shown(strict());
    assert_eq!(fault(result), CertificateFault::KeySize { bits: 1024 });
    let (mut visited, result) = shown(strict().accept_short_rsa_keys());
    result.unwrap();
    visited.send_any_key_exchange().unwrap();
    let signature = visited.sign(&key.into(), Algorithm::RSA_PSS_SHA256);
    visited.send_proof(0x0804, &signature).unwrap();
    visited.send_change_cipher_spec().unwrap();
}

/// A self-signed certificate was issued by none of the server's roots, so its client finds no CA of
/// its own among those of the other clients.
#[test]
fn a_pinned_client_among_others_is_asked_without_naming_authorities() {
    let client = || client_builder().certificate(self_signed());
    let pinned = sha256(&self_signed());
    let unnamed = requiring_of_anybody(strict().pin_certificate(pinned));
    let unnamed = pair(client(), unnamed).established();
    assert!(waivers(&unnamed).contains(Waiver::PinnedCertificate));
    // A policy of pins alone names nobody by itself.
    let policy = CertificatePolicy::new(RootStore::new()).pin_certificate(pinned);
    let alone = pair(client(), requiring(policy)).established();
    assert!(waivers(&alone).contains(Waiver::PinnedCertificate));
}

/// Policies that all accept the test client, no two of them the same.
fn policies() -> Vec<CertificatePolicy> {
    let lists = |list: pki::Crl| {
        let mut lists = Crls::new();
        lists.add(&list.build()).unwrap();
        lists
    };
    let list = || pki::crl(&Authority::root());
    let another_list = pki::Crl {
        number: Some(vec![2]),
        ..list()
    };
    let unknown = || Crls::new().allow_unknown_status();
    vec![
        both_roots().into(),
        strict().crls(unknown()),
        strict().crls(unknown().end_entity_only()),
        strict().crls(lists(list())),
        strict().crls(lists(list()).end_entity_only()),
        strict().crls(lists(list()).allow_unknown_status()),
        strict().crls(lists(another_list)),
        strict().pin_certificate(sha256(&client_certified())),
        strict().pin_certificate([7; 32]),
        strict().pin_public_key(client_certified().key_id()),
        strict().accept_common_name(),
        strict().accept_any_name(),
        strict().accept_version_1(),
        strict().accept_sha1_signatures(),
        strict().accept_short_rsa_keys(),
        strict().accept_outside_validity(TOLERANCE),
        strict().accept_outside_validity(2 * TOLERANCE),
        strict().accept_missing_key_encipherment(),
    ]
}

#[test]
fn a_session_ends_with_the_policy_that_it_was_made_under() {
    let ended = declined(NotResumed::Trust);
    for scene in Scene::both() {
        let client = client_certified();
        let meet = |policy: &CertificatePolicy| outcome(&connect(&scene, &client, policy));
        assert_eq!(meet(&strict()), NOTHING_OFFERED);
        for policy in policies() {
            assert_eq!(meet(&policy), ended, "{policy:?}");
            assert_eq!(meet(&policy), scene.resumed, "{policy:?}");
            assert_eq!(meet(&strict()), ended, "{policy:?}");
        }
        for policy in policies() {
            assert_eq!(meet(&policy), ended, "{policy:?}");
        }
    }
}

/// Another order is the same policy, and the CAs that a server names are not part of it.
#[test]
fn a_session_outlives_what_is_no_part_of_the_policy() {
    let policy =
        CertificatePolicy::new(both_roots()).pin_certificate([7; 32]).pin_certificate([8; 32]);
    let mut roots_reversed = RootStore::new();
    for root in [other_root_certificate(), pki::root()] {
        roots_reversed.add(&root.build()).unwrap();
    }
    let reversed =
        CertificatePolicy::new(roots_reversed).pin_certificate([8; 32]).pin_certificate([7; 32]);
    let changes: [fn(ServerConfigBuilder) -> ServerConfigBuilder; 2] = [
        |server| server,
        |server| server.client_authorities(ClientAuthorities::None),
    ];
    for scene in Scene::both() {
        let client = || scene.client().certificate(client_certified());
        let first = scene.server().client_auth(ClientAuth::Require(policy.clone()));
        pair(client(), first).established();
        for change in changes {
            let server = change(scene.server().client_auth(ClientAuth::Require(reversed.clone())));
            let pair = pair(client(), server).established();
            assert_eq!(outcome(&pair), scene.resumed);
        }
    }
}

/// It ends when its certificate would be refused, and then it is.
#[test]
fn a_session_does_not_outlive_the_tolerance() {
    let client = certified_chain(&[expired()], KEY);
    for scene in Scene::both() {
        let connect = || connect(&scene, &client, &tolerant());
        assert_eq!(outcome(&connect()), NOTHING_OFFERED);
        scene.pass(49);
        assert_eq!(outcome(&connect()), scene.resumed);
        scene.pass(1);
        let full = connect();
        assert!(!full.server.connection.session().unwrap().resumption().is_resumed());
        assert!(waivers(&full).contains(Waiver::OutsideValidity));
        scene.pass(1);
        let server = scene.server().client_auth(ClientAuth::Require(tolerant()));
        let mut late = pair(scene.client().certificate(client.clone()), server);
        let fault = fault(late.run(Chunks::Whole));
        assert!(matches!(fault, CertificateFault::Expired { .. }));
    }
}

/// A proof that a server would not take now was not worth more before.
#[test]
fn a_session_ends_with_the_algorithms_that_prove_a_client() {
    let changes: [fn(ServerConfigBuilder) -> ServerConfigBuilder; 2] = [
        |server| server.client_signature_algorithms(&[SignatureScheme::RSA_PKCS1_SHA512]),
        |server| server.sha1_for_clients_without_signature_algorithms(),
    ];
    let policy = || ClientAuth::Require(CertificatePolicy::new(both_roots()));
    for scene in Scene::both() {
        let client = || scene.client().certificate(client_certified());
        for change in changes {
            let server = || scene.server().client_auth(policy());
            pair(client(), server()).established();
            let resumed = pair(client(), server()).established();
            assert_eq!(outcome(&resumed), scene.resumed);
            let (_, server) = outcome(&pair(client(), change(server())).established());
            assert_eq!(server, Resumption::Full(NotResumed::Trust));
        }
    }
}
