//! The session that a client offers, looked up by the server's caller.

use premaster::error::Misuse;
use premaster::pki_types::UnixTime;
use premaster::session::{FindSession, NotResumed, StoredSession};
use premaster::{ClientAuth, Error, MemoryStore, Pending, ServerConfigBuilder, SessionStore};
use premaster_testing::Pair;
use premaster_testing::pair::{ALL_CHUNKS, Chunks, End};
use premaster_testing::scene::{BY_ID, NOTHING_OFFERED, Scene, declined, outcome};
use premaster_testing::wire::Hello;
use premaster_testing::{now, pair, roots};
use std::sync::Arc;
use std::time::Duration;

fn offloading(scene: &Scene) -> ServerConfigBuilder {
    scene.server().offload_session_lookup()
}

fn offloaded(scene: &Scene) -> Pair {
    pair(scene.client(), offloading(scene))
}

#[track_caller]
fn question(server: &End) -> FindSession {
    match server.connection.pending() {
        Some(Pending::FindSession(job)) => job,
        other => panic!("{other:?}"),
    }
}

/// A scene with a session.
fn scene() -> Scene {
    let scene = Scene::by_id();
    // Nothing is offered yet, so that nothing is asked.
    assert_eq!(outcome(&offloaded(&scene).established()), NOTHING_OFFERED);
    assert_eq!(scene.server_store.len(), 1);
    scene
}

/// A pair whose server waits for the session.
#[track_caller]
fn paused(scene: &Scene, chunks: Chunks) -> Pair {
    let mut pair = offloaded(scene);
    pair.run(chunks).unwrap();
    assert_eq!(pair.server.events.last().unwrap(), "Paused");
    assert!(pair.server.outgoing.is_empty());
    pair
}

#[test]
fn a_session_that_the_caller_finds_is_resumed() {
    let scene = scene();
    for chunks in ALL_CHUNKS {
        let mut pair = paused(&scene, chunks);
        // The question stays until it is answered.
        for _ in 0..2 {
            pair.server.take(&[]).unwrap();
            assert_eq!(pair.server.events.last().unwrap(), "Paused");
        }
        let job = question(&pair.server);
        assert!(format!("{job:?}").contains("session_id"));
        let found = scene.server_store.get(job.session_id(), job.now());
        pair.server.resume(job.answer(found)).unwrap();
        pair.run(chunks).unwrap();
        assert_eq!(outcome(&pair), BY_ID);
        pair.exchange(b"request", b"answer", chunks);
    }
}

#[test]
fn the_own_store_can_be_asked_on_any_thread() {
    let scene = scene();
    let mut pair = paused(&scene, Chunks::Whole);
    let job = question(&pair.server);
    let answer = std::thread::spawn(|| job.look_up()).join().unwrap();
    pair.server.resume(answer).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), BY_ID);
}

#[test]
fn without_a_session_the_handshake_goes_on_in_full() {
    let scene = scene();
    let damaged = StoredSession::new(vec![7; 100], UnixTime::since_unix_epoch(Duration::MAX));
    for found in [None, Some(damaged)] {
        let mut pair = paused(&scene, Chunks::Whole);
        let answer = question(&pair.server).answer(found);
        pair.server.resume(answer).unwrap();
        pair.run(Chunks::Whole).unwrap();
        assert_eq!(outcome(&pair), declined(NotResumed::Unknown));
    }
}

/// The caller's session is judged like one of the store: here it is another server's, and here it has
/// expired.
#[test]
fn a_session_that_the_caller_finds_is_checked() {
    let scene = scene();
    let other = Scene::by_id();
    let with_other_rules = || offloading(&other).client_auth(ClientAuth::Request(roots().into()));
    pair(other.client(), with_other_rules()).established();
    let mut pair = premaster_testing::pair(other.client(), with_other_rules());
    pair.run(Chunks::Whole).unwrap();
    let foreign = *question(&pair.server).session_id();
    let session = |scene: &Scene, id: &[u8]| scene.server_store.get(id, now());
    let foreign = session(&other, &foreign);
    assert!(foreign.is_some());
    let mut pair = paused(&scene, Chunks::Whole);
    pair.server.resume(question(&pair.server).answer(foreign)).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), declined(NotResumed::Trust));

    let mut pair = paused(&scene, Chunks::Whole);
    let id = *question(&pair.server).session_id();
    let own = session(&scene, &id).unwrap();
    pair.server.resume(question(&pair.server).answer(Some(own.clone()))).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), BY_ID);

    scene.server_clock.pass(30 * 24 * 60 * 60);
    let mut pair = paused(&scene, Chunks::Whole);
    assert_ne!(question(&pair.server).now(), now());
    pair.server.resume(question(&pair.server).answer(Some(own))).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), declined(NotResumed::Expired));
}

/// A ticket is opened here, and an ID that is not one of this server's is not asked for.
#[test]
fn only_what_may_be_found_is_asked_for() {
    let scene = Scene::by_ticket();
    for expected in [NOTHING_OFFERED, scene.resumed] {
        assert_eq!(outcome(&offloaded(&scene).established()), expected);
    }
    let scene = self::scene();
    for length in [1, 31] {
        let mut pair = offloaded(&scene);
        let hello = Hello::read_client(&pair.client.outgoing);
        let hello = Hello {
            session_id: vec![9; length],
            ..hello
        };
        pair.server.take(&hello.client()).unwrap();
        assert!(pair.server.connection.pending().is_none());
        assert!(!pair.server.outgoing.is_empty());
    }
    let scene = self::scene();
    let mut pair = pair(scene.client(), offloading(&scene).session_store(None));
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), declined(NotResumed::Unknown));
}

#[test]
fn an_answer_is_for_its_own_question() {
    let scene = scene();
    let mut pair = paused(&scene, Chunks::Whole);
    let other = question(&paused(&scene, Chunks::Whole).server).look_up();
    let misuse = pair.server.connection.resume(other, &mut Vec::new());
    assert_eq!(misuse, Err(Misuse::WrongAnswer.into()));
    let job = question(&pair.server);
    pair.server.resume(job.clone().look_up()).unwrap();
    let twice = pair.server.connection.resume(job.look_up(), &mut Vec::new());
    assert_eq!(twice, Err(Misuse::NothingPending.into()));
    pair.run(Chunks::Whole).unwrap();
    assert_eq!(outcome(&pair), BY_ID);
}

/// A session that fails on its connection is removed from the store, whoever found it.
#[test]
fn a_session_that_fails_is_forgotten() {
    let scene = scene();
    let mut pair = paused(&scene, Chunks::Whole);
    pair.server.resume(question(&pair.server).look_up()).unwrap();
    pair.server.take(&premaster_testing::wire::record(23, b"early")).unwrap_err();
    assert!(scene.server_store.is_empty());
}

#[test]
fn a_client_that_hangs_up_meanwhile_is_told_so() {
    let scene = scene();
    let mut pair = paused(&scene, Chunks::Whole);
    let Err(Error::HungUp(moment)) = pair.server.connection.receive_eof() else {
        panic!("no error");
    };
    assert_eq!(moment.awaited(), "the session that the client offers");
    let store: Arc<MemoryStore> = scene.server_store.clone();
    assert_eq!(store.len(), 1);
}
