//! Stores by other people: whatever they give back, the handshake is a full one at worst.

use premaster::error::PeerError;
use premaster::pki_types::UnixTime;
use premaster::session::{NotResumed, StoredSession};
use premaster::{Error, MemoryStore, SessionStore};
use premaster_testing::pair;
use premaster_testing::pair::Chunks;
use premaster_testing::scene::{NOTHING_OFFERED, Outcome, Scene, declined, meet, withheld};
use premaster_testing::wire::{APPLICATION_DATA, Hello, record, said};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store with one place: what was put there last comes back, whoever asks and however late.
#[derive(Default)]
pub struct Shelf(Mutex<Option<StoredSession>>);

impl Shelf {
    /// What a client keeps of its session, or a server.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().as_ref().unwrap().as_bytes().to_vec()
    }

    /// Puts other bytes into the place.
    pub fn replace(&self, bytes: Vec<u8>) {
        let expires = UnixTime::since_unix_epoch(Duration::MAX);
        *self.0.lock().unwrap() = Some(StoredSession::new(bytes, expires));
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

impl SessionStore for Shelf {
    fn put(&self, _: &[u8], session: StoredSession, _: UnixTime) {
        *self.0.lock().unwrap() = Some(session);
    }

    fn get(&self, _: &[u8], _: UnixTime) -> Option<StoredSession> {
        self.0.lock().unwrap().clone()
    }

    fn remove(&self, _: &[u8]) {
        *self.0.lock().unwrap() = None;
    }
}

/// A store that writes down how it is called.
pub struct Diary {
    store: MemoryStore,
    calls: Mutex<Vec<(&'static str, Vec<u8>)>>,
}

impl Default for Diary {
    fn default() -> Self {
        Self {
            store: MemoryStore::new(8),
            calls: Mutex::default(),
        }
    }
}

impl Diary {
    /// The calls since the last time and the keys that they were about.
    pub fn calls(&self) -> Vec<(&'static str, Vec<u8>)> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn note(&self, call: &'static str, key: &[u8]) {
        self.calls.lock().unwrap().push((call, key.to_vec()));
    }
}

impl SessionStore for Diary {
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime) {
        self.note("put", key);
        self.store.put(key, session, now);
    }

    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
        self.note("get", key);
        self.store.get(key, now)
    }

    fn remove(&self, key: &[u8]) {
        self.note("remove", key);
        self.store.remove(key);
    }
}

/// A store that takes everything and has nothing.
struct Sieve;

impl SessionStore for Sieve {
    fn put(&self, _: &[u8], _: StoredSession, _: UnixTime) {}

    fn get(&self, _: &[u8], _: UnixTime) -> Option<StoredSession> {
        None
    }

    fn remove(&self, _: &[u8]) {}
}

#[test]
fn a_store_is_asked_once_a_handshake_and_told_once_a_session() {
    let (client_diary, server_diary) = (Arc::new(Diary::default()), Arc::new(Diary::default()));
    for scene in Scene::both() {
        let connect = || {
            let outcome = meet(
                scene.client().session_store(Some(client_diary.clone())),
                scene.server().session_store(Some(server_diary.clone())),
            );
            (outcome, client_diary.calls(), server_diary.calls())
        };
        let name = b"server.example".to_vec();
        client_diary.remove(&name);
        client_diary.calls();

        let (outcome, client, server) = connect();
        assert_eq!(outcome, NOTHING_OFFERED);
        assert_eq!(client, [("get", name.clone()), ("put", name.clone())]);
        let by_id = scene.tickets.is_none();
        assert_eq!(server.len(), usize::from(by_id));
        let id = server.into_iter().next().map(|(call, id)| {
            assert_eq!((call, id.len()), ("put", 32));
            id
        });

        let (outcome, client, server) = connect();
        assert_eq!(outcome, scene.resumed);
        assert_eq!(client, [("get", name)]);
        assert_eq!(server, id.map(|id| ("get", id)).as_slice());
    }
}

#[test]
fn a_servers_store_is_asked_for_its_own_kind_of_id_only() {
    let diary = Arc::new(Diary::default());
    let scene = Scene::by_id();
    for (length, asked) in [(1, 0), (18, 0), (31, 0), (32, 1)] {
        let server = scene.server().session_store(Some(diary.clone()));
        let mut pair = pair(scene.client(), server);
        let mut hello = Hello::read_client(&said(&mut pair.client)[0]);
        hello.session_id = vec![b'/'; length];
        pair.server.take(&hello.client()).unwrap();
        assert_eq!(diary.calls().len(), asked, "{length}");
    }
}

#[test]
fn a_store_is_told_of_a_failure_once() {
    let (client_diary, server_diary) = (Arc::new(Diary::default()), Arc::new(Diary::default()));
    let scene = Scene::by_id();
    let mut pair = pair(
        scene.client().session_store(Some(client_diary.clone())),
        scene.server().session_store(Some(server_diary.clone())),
    )
    .established();
    client_diary.calls();
    let [(_, id)] = &server_diary.calls()[..] else {
        panic!("one session is kept");
    };

    let bad = record(APPLICATION_DATA, &[0; 40]);
    pair.client.take(&bad).unwrap_err();
    let alert = std::mem::take(&mut pair.client.outgoing);
    pair.server.take(&alert).unwrap_err();
    for end in [&mut pair.client, &mut pair.server] {
        end.take(&bad).unwrap_err();
        end.connection.receive_eof().unwrap_err();
    }
    assert_eq!(
        client_diary.calls(),
        [("remove", b"server.example".to_vec())]
    );
    assert_eq!(server_diary.calls(), [("remove", id.clone())]);
}

/// Two connections, of which the second finds what `change` has made of the first one's session.
#[track_caller]
fn with_changed_sessions(
    scene: &Scene,
    change: impl Fn(&Shelf, &Shelf),
) -> (Outcome, Arc<Shelf>, Arc<Shelf>) {
    let (client_shelf, server_shelf) = (Arc::new(Shelf::default()), Arc::new(Shelf::default()));
    let connect = || {
        meet(
            scene.client().session_store(Some(client_shelf.clone())),
            scene.server().session_store(Some(server_shelf.clone())),
        )
    };
    assert_eq!(connect(), NOTHING_OFFERED);
    change(&client_shelf, &server_shelf);
    (connect(), client_shelf, server_shelf)
}

#[test]
fn a_shelf_is_a_store_like_any_other() {
    for scene in Scene::both() {
        let (outcome, ..) = with_changed_sessions(&scene, |_, _| {});
        assert_eq!(outcome, scene.resumed);
    }
}

#[test]
fn what_a_clients_store_makes_up_is_not_offered() {
    for scene in Scene::both() {
        for bytes in unreadable() {
            let made_up = |client: &Shelf, _: &Shelf| client.replace(bytes.clone());
            let (outcome, ..) = with_changed_sessions(&scene, made_up);
            assert_eq!(outcome, withheld(NotResumed::Unknown));
        }
    }
    // A server's session says neither ID nor ticket.
    let foreign = |client: &Shelf, server: &Shelf| client.replace(server.bytes());
    let (outcome, ..) = with_changed_sessions(&Scene::by_id(), foreign);
    assert_eq!(outcome, withheld(NotResumed::Unknown));
    // Every part of a session, but not the whole.
    let cut = |client: &Shelf, _: &Shelf| {
        let mut bytes = client.bytes();
        bytes.pop();
        client.replace(bytes);
    };
    let (outcome, ..) = with_changed_sessions(&Scene::by_id(), cut);
    assert_eq!(outcome, withheld(NotResumed::Unknown));
}

#[test]
fn what_a_servers_store_makes_up_is_declined() {
    let scene = Scene::by_id();
    for bytes in unreadable() {
        let made_up = |_: &Shelf, server: &Shelf| server.replace(bytes.clone());
        let (outcome, ..) = with_changed_sessions(&scene, made_up);
        assert_eq!(outcome, declined(NotResumed::Unknown));
    }
    let foreign = |client: &Shelf, server: &Shelf| server.replace(client.bytes());
    let (outcome, ..) = with_changed_sessions(&scene, foreign);
    assert_eq!(outcome, declined(NotResumed::Unknown));
    let longer = |_: &Shelf, server: &Shelf| server.replace([server.bytes(), vec![0]].concat());
    let (outcome, ..) = with_changed_sessions(&scene, longer);
    assert_eq!(outcome, declined(NotResumed::Unknown));
}

/// Bytes that are not a session of any layout.
fn unreadable() -> [Vec<u8>; 5] {
    [
        vec![],
        vec![0; 150],
        vec![1; 150],
        vec![255; 150],
        vec![1; 1 << 15],
    ]
}

#[test]
fn a_store_that_forgets_costs_full_handshakes_and_nothing_else() {
    for scene in Scene::both() {
        for _ in 0..3 {
            let forgetful = scene.client().session_store(Some(Arc::new(Sieve)));
            assert_eq!(meet(forgetful, scene.server()), NOTHING_OFFERED);
        }
    }
    let scene = Scene::by_id();
    let connect = || {
        meet(
            scene.client(),
            scene.server().session_store(Some(Arc::new(Sieve))),
        )
    };
    assert_eq!(connect(), NOTHING_OFFERED);
    for _ in 0..3 {
        assert_eq!(connect(), declined(NotResumed::Unknown));
    }
}

#[test]
fn without_a_store_nothing_is_kept_and_no_ticket_asked_for() {
    for scene in Scene::both() {
        for _ in 0..2 {
            assert_eq!(
                meet(scene.client().session_store(None), scene.server()),
                NOTHING_OFFERED
            );
        }
    }
}

/// The client's session is sound, the server finds another client's in its place. Both believe in
/// a resumption, but by different secrets: it fails closed, and is forgotten like any failure.
#[test]
fn a_servers_store_that_mixes_up_sessions_gives_nobody_anothers() {
    let scene = Scene::by_id();
    let shelf = Arc::new(Shelf::default());
    let server = || scene.server().session_store(Some(shelf.clone()));
    assert_eq!(meet(scene.client(), server()), NOTHING_OFFERED);
    let stranger = scene.client().session_store(Some(Arc::new(Shelf::default())));
    assert_eq!(meet(stranger, server()), NOTHING_OFFERED);

    let mut pair = pair(scene.client(), server());
    let failed = pair.run(Chunks::Whole);
    assert_eq!(failed, Err(Error::from(PeerError::BadRecord)));
    assert!(pair.server.connection.session().is_none());
    let alert = std::mem::take(&mut pair.client.outgoing);
    assert!(pair.server.take(&alert).is_err());
    assert!(scene.client_store.is_empty() && shelf.is_empty());
    assert_eq!(meet(scene.client(), server()), NOTHING_OFFERED);
}
