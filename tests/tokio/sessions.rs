//! Resumption, and session stores on a network.

use crate::common::{connector_of, until};
use premaster::pki_types::UnixTime;
use premaster::session::{Resumption, StoredSession};
use premaster::tokio::{AsyncSessionStore, AsyncSessions, Storing, TlsAcceptor, TlsConnector};
use premaster::{MemoryStore, SessionStore};
use premaster_testing::{client_builder, name, now, server_builder};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

/// A store that is as far away as a test says.
struct Far {
    store: MemoryStore,
    away: Mutex<Duration>,
    /// What was done, when it was done.
    log: Mutex<Vec<&'static str>>,
    broken: AtomicBool,
}

impl Far {
    fn new(milliseconds: u64) -> Arc<Self> {
        Arc::new(Self {
            store: MemoryStore::new(10_000),
            away: Mutex::new(Duration::from_millis(milliseconds)),
            log: Mutex::default(),
            broken: AtomicBool::new(false),
        })
    }

    async fn travel(&self, what: &'static str) {
        let away = *self.away.lock().unwrap();
        sleep(away).await;
        assert!(!self.broken.load(Ordering::Relaxed), "the store panics");
        self.log.lock().unwrap().push(what);
    }

    fn done(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

struct Shared(Arc<Far>);

impl AsyncSessionStore for Shared {
    fn put<'a>(&'a self, key: &'a [u8], session: StoredSession, now: UnixTime) -> Storing<'a, ()> {
        Box::pin(async move {
            self.0.travel("put").await;
            self.0.store.put(key, session, now);
        })
    }

    fn get<'a>(&'a self, key: &'a [u8], now: UnixTime) -> Storing<'a, Option<StoredSession>> {
        Box::pin(async move {
            self.0.travel("get").await;
            self.0.store.get(key, now)
        })
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> Storing<'a, ()> {
        Box::pin(async move {
            self.0.travel("remove").await;
            self.0.store.remove(key);
        })
    }
}

fn acceptor(sessions: &AsyncSessions) -> TlsAcceptor {
    let config = server_builder()
        .session_store(Some(Arc::new(sessions.clone())))
        .offload_session_lookup()
        .build()
        .unwrap();
    TlsAcceptor::from(Arc::new(config)).sessions(sessions.clone())
}

/// A whole connection, and how the server says that it began.
async fn visit(connector: &TlsConnector, acceptor: &TlsAcceptor) -> Resumption {
    let (client, server) = duplex(10_000);
    let (client, server) = tokio::join!(connector.connect(name(), client), acceptor.accept(server));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let resumption = server.connection().session().unwrap().resumption();
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    server.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    resumption
}

#[tokio::test]
async fn sessions_are_resumed() {
    let acceptor = crate::common::acceptor();
    let connector = connector_of(client_builder());
    assert!(!visit(&connector, &acceptor).await.is_resumed());
    assert_eq!(visit(&connector, &acceptor).await, Resumption::SessionId);
}

#[tokio::test]
async fn a_session_is_resumed_at_its_own_address() {
    let acceptor = crate::common::acceptor();
    let connector = connector_of(client_builder());
    let mut resumed = Vec::new();
    for last in [1, 1, 2] {
        let (client, server) = duplex(10_000);
        let address = ([192, 0, 2, last], 4433).into();
        let connect = connector.connect_at(name(), address, client);
        let (client, server) = tokio::join!(connect, acceptor.accept(server));
        server.unwrap();
        resumed.push(client.unwrap().connection().session().unwrap().resumption().is_resumed());
    }
    assert_eq!(resumed, [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_store_on_a_slow_network_is_waited_for_and_holds_up_nobody_else() {
    let far = Far::new(300);
    let sessions = AsyncSessions::new(Shared(far.clone()));
    let acceptor = acceptor(&sessions);
    let connector = connector_of(client_builder());
    // Nothing is looked up, and nobody waits for the session to be stored.
    let begun = Instant::now();
    assert!(!visit(&connector, &acceptor).await.is_resumed());
    assert!(begun.elapsed() < Duration::from_millis(300));
    assert_eq!(sessions.waiting(), 1);
    let text = format!("{sessions:?}");
    assert!(text.contains("waiting: 1"), "{text}");

    // What is not stored yet is found all the same.
    let begun = Instant::now();
    assert_eq!(visit(&connector, &acceptor).await, Resumption::SessionId);
    assert!(begun.elapsed() < Duration::from_millis(300));
    sleep(Duration::from_millis(301)).await;
    assert_eq!(sessions.waiting(), 0);
    assert_eq!(far.done(), ["put"]);

    // A hundred at once wait as long as one does.
    let begun = Instant::now();
    let visits: Vec<_> = (0..100)
        .map(|_| {
            let (connector, acceptor) = (connector.clone(), acceptor.clone());
            tokio::spawn(async move { visit(&connector, &acceptor).await })
        })
        .collect();
    for visit in visits {
        assert_eq!(visit.await.unwrap(), Resumption::SessionId);
    }
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
    assert_eq!(far.done().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_too_slow_costs_a_full_handshake() {
    let far = Far::new(0);
    let sessions = AsyncSessions::new(Shared(far.clone())).patience(Duration::from_millis(100));
    let acceptor = acceptor(&sessions);
    let connector = connector_of(client_builder());
    visit(&connector, &acceptor).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(far.done(), ["put"]);
    *far.away.lock().unwrap() = Duration::from_secs(1000);
    let begun = Instant::now();
    assert!(!visit(&connector, &acceptor).await.is_resumed());
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
    // The new session is lost after its time; the next one has the lane again.
    sleep(Duration::from_millis(200)).await;
    assert_eq!(sessions.waiting(), 0);
    assert!(far.done().is_empty());
}

/// A failed session is removed after it was stored, in this order.
#[tokio::test(start_paused = true)]
async fn changes_reach_the_store_in_their_order() {
    let far = Far::new(50);
    let sessions = AsyncSessions::new(Shared(far.clone()));
    let acceptor = acceptor(&sessions);
    let connector = connector_of(client_builder());
    let (client, server) = duplex(10_000);
    let (client, server) = tokio::join!(connector.connect(name(), client), acceptor.accept(server));
    let (client, mut server) = (client.unwrap(), server.unwrap());
    let (mut transport, _) = client.into_inner();
    transport.write_all(&premaster_testing::wire::record(23, &[0; 40])).await.unwrap();
    assert_eq!(
        server.read(&mut [0]).await.unwrap_err().kind(),
        ErrorKind::InvalidData
    );
    assert_eq!(sessions.waiting(), 2);
    // It is not found any more, though the store has not heard of it yet.
    assert!(!visit(&connector, &acceptor).await.is_resumed());
    sleep(Duration::from_millis(200)).await;
    let mut done = far.done();
    // The session of the last visit is another one, and may be in another lane.
    assert_eq!(done.len(), 3);
    done.retain(|what| *what == "remove");
    assert_eq!(done.len(), 1);
    assert_eq!(far.store.len(), 1);
}

/// A put is dropped rather than kept without a bound, and a removal takes its place.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_store_is_bounded() {
    let far = Far::new(400);
    let sessions = AsyncSessions::new(Shared(far.clone()));
    let expires = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));
    let session = || StoredSession::new(vec![1; 100], expires);
    for number in 0..8_000u32 {
        sessions.put(&number.to_be_bytes(), session(), now());
    }
    let full = sessions.waiting();
    assert_eq!(full, 16 * 256);
    for number in 0..8_000u32 {
        sessions.remove(&number.to_be_bytes());
    }
    assert_eq!(sessions.waiting(), full);
    tokio::task::yield_now().await;
    // Those that are under way stay: one in each lane.
    sleep(Duration::from_secs(400)).await;
    assert_eq!(sessions.waiting(), 0);
    let done = far.done();
    assert_eq!(done.len(), full);
    assert_eq!(done.iter().filter(|what| **what == "put").count(), 16);
}

/// A store that panics loses one change, and fails one lookup's handshake.
#[tokio::test(start_paused = true)]
async fn a_store_that_panics_is_used_again() {
    let far = Far::new(10);
    let sessions = AsyncSessions::new(Shared(far.clone()));
    let acceptor = acceptor(&sessions);
    far.broken.store(true, Ordering::Relaxed);
    visit(&connector_of(client_builder()), &acceptor).await;
    sleep(Duration::from_millis(20)).await;
    far.broken.store(false, Ordering::Relaxed);
    for _ in 0..40 {
        visit(&connector_of(client_builder()), &acceptor).await;
    }
    sleep(Duration::from_millis(500)).await;
    assert!(far.done().len() >= 40);
    assert_eq!(sessions.waiting(), 0);
}

/// Outside of a runtime nothing can be stored, and nothing breaks.
#[test]
fn without_a_runtime_nothing_is_stored() {
    let sessions = AsyncSessions::new(Shared(Far::new(0)));
    sessions.remove(b"key");
    assert!(sessions.get(b"key", now()).is_none());
    assert_eq!(sessions.waiting(), 0);
}

/// A store that blocks is asked on another thread.
#[tokio::test]
async fn a_store_that_blocks_does_not_block_the_runtime() {
    struct Blocks {
        store: MemoryStore,
        asked: AtomicBool,
        answer: AtomicBool,
    }

    impl SessionStore for Blocks {
        fn put(&self, key: &[u8], session: StoredSession, now: UnixTime) {
            self.store.put(key, session, now);
        }

        fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
            self.asked.store(true, Ordering::SeqCst);
            let end = std::time::Instant::now() + Duration::from_secs(20);
            while !self.answer.load(Ordering::SeqCst) && std::time::Instant::now() < end {
                std::thread::yield_now();
            }
            self.store.get(key, now)
        }

        fn remove(&self, key: &[u8]) {
            self.store.remove(key);
        }
    }

    let store = Arc::new(Blocks {
        store: MemoryStore::new(10),
        asked: AtomicBool::new(false),
        answer: AtomicBool::new(false),
    });
    let config = server_builder().session_store(Some(store.clone())).offload_session_lookup();
    let acceptor = TlsAcceptor::from(Arc::new(config.build().unwrap()));
    let connector = connector_of(client_builder());
    assert!(!visit(&connector, &acceptor).await.is_resumed());
    let second = tokio::spawn(async move { visit(&connector, &acceptor).await });
    // The only thread of the runtime is here.
    until(|| store.asked.load(Ordering::SeqCst)).await;
    assert!(!second.is_finished());
    store.answer.store(true, Ordering::SeqCst);
    assert_eq!(second.await.unwrap(), Resumption::SessionId);
}
