//! What the caller has a say in when a session is resumed.

use premaster::certificate::{Verified, Waiver};
use premaster::error::CertificateFault;
use premaster::pki_types::UnixTime;
use premaster::session::NotResumed;
use premaster::{CertificatePolicy, ClientConfig, ClientConfigBuilder, Error, Pending, RootStore};
use premaster_testing::pair::{ALL_CHUNKS, Chunks};
use premaster_testing::scene::{NOTHING_OFFERED, Outcome, Scene, outcome, withheld};
use premaster_testing::{NAME, Pair, certified, now, pki, rng, roots};
use sha2::{Digest, Sha256};
use std::time::Duration;

fn caller_verifies(scene: &Scene) -> ClientConfigBuilder {
    scene.client_from(ClientConfig::builder_with_caller_verification())
}

/// A pair whose client waits for the caller's verdict.
#[track_caller]
fn paused(scene: &Scene, chunks: Chunks) -> Pair {
    let mut pair = premaster_testing::pair(caller_verifies(scene), scene.server());
    pair.run(chunks).unwrap();
    assert_eq!(pair.client.events.last().unwrap(), "Paused");
    assert!(pair.client.connection.session().is_none());
    pair
}

/// A handshake in which the caller verifies the certificate as the configuration would.
fn verified(scene: &Scene, chunks: Chunks) -> Outcome {
    let mut pair = paused(scene, chunks);
    let answer =
        pair.client.question().answer(pair.client.question().verify(&roots().into(), now()));
    pair.client.resume(answer).unwrap();
    pair.run(chunks).unwrap();
    outcome(&pair)
}

#[test]
fn the_caller_is_asked_again_about_the_chain_of_the_session() {
    for chunks in ALL_CHUNKS {
        for scene in Scene::both() {
            assert_eq!(verified(&scene, chunks), NOTHING_OFFERED);

            let mut pair = paused(&scene, chunks);
            let waiting = pair.client.incoming.clone();
            pair.client.take(&[]).unwrap();
            assert_eq!(pair.client.incoming, waiting);
            assert!(pair.client.outgoing.is_empty());
            let question = pair.client.question();
            assert!(question.is_resumed());
            assert_eq!(question.chain(), certified(2048).chain());
            assert_eq!(question.server_name().to_str(), NAME);
            let answer = question.answer(Ok(Verified::dangerous_without_verification()));
            pair.client.resume(answer).unwrap();
            pair.run(chunks).unwrap();
            assert_eq!(outcome(&pair), scene.resumed);
            assert_eq!(verified(&scene, chunks), scene.resumed);
        }
    }
}

#[test]
fn a_session_that_the_caller_refuses_is_forgotten() {
    for scene in Scene::both() {
        assert_eq!(verified(&scene, Chunks::Whole), NOTHING_OFFERED);
        let mut pair = paused(&scene, Chunks::Whole);
        let error = Error::from(CertificateFault::Refused);
        let answer = pair.client.question().answer(Err(CertificateFault::Refused.into()));
        assert_eq!(pair.client.resume(answer), Err(error.clone()));
        let alert = std::mem::take(&mut pair.client.outgoing);
        let told = premaster_testing::alert_received(pair.server.take(&alert));
        assert_eq!(Some(told), error.alert());
        assert!(scene.client_store.is_empty() && scene.server_store.is_empty());
        assert_eq!(verified(&scene, Chunks::Whole), NOTHING_OFFERED);
    }
}

/// The certificate may have been good when the session was made.
#[test]
fn the_caller_may_verify_the_sessions_chain_by_todays_rules() {
    for scene in Scene::both() {
        assert_eq!(verified(&scene, Chunks::Whole), NOTHING_OFFERED);
        let pair = paused(&scene, Chunks::Whole);
        let later = UnixTime::since_unix_epoch(Duration::from_secs(pki::NOW + 100_000));
        let verdict = pair.client.question().verify(&roots().into(), later);
        let error = verdict.unwrap_err();
        assert!(matches!(error.fault(), CertificateFault::Expired { .. }));
    }
}

/// What the caller has vouched for, the roots have not, and the other way round.
#[test]
fn a_session_is_not_carried_from_the_callers_trust_to_that_in_roots() {
    for scene in Scene::both() {
        assert_eq!(verified(&scene, Chunks::Whole), NOTHING_OFFERED);
        assert_eq!(scene.meet(), withheld(NotResumed::Trust));
        let refused = withheld(NotResumed::Trust);
        assert_eq!(verified(&scene, Chunks::Whole), refused);
        assert_eq!(verified(&scene, Chunks::Whole), scene.resumed);
    }
}

#[test]
fn there_is_nothing_to_decrypt_when_a_session_is_resumed() {
    for scene in Scene::both() {
        let offloading = || scene.server().offload_decryption();
        let mut pair = premaster_testing::pair(scene.client(), offloading());
        pair.run(Chunks::Whole).unwrap();
        let Some(Pending::DecryptPreMasterSecret(job)) = pair.server.connection.pending() else {
            panic!("the full handshake pauses");
        };
        let server = &mut pair.server;
        let answer = job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5));
        let outgoing = &mut server.outgoing;
        server.connection.resume(answer, outgoing).unwrap();
        server.take(&[]).unwrap();
        pair.established();

        for chunks in ALL_CHUNKS {
            let mut pair = premaster_testing::pair(scene.client(), offloading());
            pair.run(chunks).unwrap();
            assert_eq!(pair.server.events, ["HandshakeComplete"]);
            assert_eq!(outcome(&pair), scene.resumed);
        }
    }
}

/// By other rules than those of the full handshake, of which nothing is known.
#[test]
fn what_is_waived_for_the_sessions_chain_is_recorded() {
    for scene in Scene::both() {
        let mut full = paused(&scene, Chunks::Whole);
        let vouched = Ok(Verified::dangerous_without_verification());
        let answer = full.client.question().answer(vouched);
        full.client.resume(answer).unwrap();
        full.run(Chunks::Whole).unwrap();
        let waivers = |pair: &Pair| pair.client.connection.session().unwrap().waivers();
        assert!(waivers(&full).is_empty());

        let mut resumed = paused(&scene, Chunks::Whole);
        let question = resumed.client.question();
        let pin = Sha256::digest(&question.chain()[0]).into();
        let pinned = || CertificatePolicy::new(RootStore::new()).pin_certificate(pin);
        let answer = question.answer(question.verify(&pinned(), now()));
        // Nobody has seen a response about the certificate.
        #[cfg(feature = "ocsp")]
        {
            let policy = CertificatePolicy::new(roots()).require_ocsp_response();
            let error = question.verify(&policy, now()).unwrap_err();
            assert!(matches!(error.fault(), CertificateFault::Ocsp(_)));
        }
        resumed.client.resume(answer).unwrap();
        resumed.run(Chunks::Whole).unwrap();
        assert_eq!(outcome(&resumed), scene.resumed);
        assert!(waivers(&resumed).iter().eq([Waiver::PinnedCertificate]));
    }
}
