//! Heap that one connection holds in each state, and one session in a store, counted by the
//! allocator.
//!
//! Only what a side's own calls allocate is counted, and the answers to its pauses; not the
//! buffers, which are the caller's: they have their capacity before. The configurations are shared
//! by all connections, and so are the sessions that they keep: those are there before, and a
//! ticket's takes the place of the last one. The aim is at most 3 KiB for a connection that is idle
//! after its handshake, and 24 KiB during it.

use premaster::Tickets;
use premaster::pki_types::UnixTime;
use premaster::session::StoredSession;
use premaster::{Answer, CipherSuite, ClientAuth, ClientConfig, ClientConfigBuilder, Connection};
use premaster::{Event, MemoryStore, Pending, RootStore, ServerConfigBuilder, SessionStore};
use premaster_benches::common::{
    certified, client_builder, client_certified, now, rng, roots, server_builder,
};
use premaster_benches::support::heap::Heap;
use premaster_benches::support::{Side, handshake, watched_handshake};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
];

/// The capacity of a server's store by default.
const SESSIONS: usize = 4096;

/// Room for the alerts that a side sends.
const ALERT_ROOM: usize = 64;

/// The system's allocator, with a heap of its own for the calls of each side and for all else.
struct Counting {
    heaps: [Heap; 3],
    current: AtomicUsize,
}

const ELSE: usize = 0;

#[global_allocator]
static ALLOCATOR: Counting = Counting {
    heaps: [const { Heap::empty() }; 3],
    current: AtomicUsize::new(ELSE),
};

impl Counting {
    fn index(side: Side) -> usize {
        match side {
            Side::Client => 1,
            Side::Server => 2,
        }
    }

    fn of(&self, side: Side) -> &Heap {
        &self.heaps[Self::index(side)]
    }

    fn current(&self) -> &Heap {
        &self.heaps[self.current.load(Ordering::Relaxed)]
    }

    /// Counts for `side` what `call` allocates and frees.
    fn count(&self, side: Side, call: &mut dyn FnMut()) {
        self.current.store(Self::index(side), Ordering::Relaxed);
        call();
        self.current.store(ELSE, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed to the system's allocator with its arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.current().allocated(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.current().freed(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// One kind of handshake, and the settings for it.
struct Kind {
    name: &'static str,
    resumed: bool,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
}

fn kinds() -> [Kind; 5] {
    let tickets = Tickets::rotating(Duration::from_secs(60 * 60));
    let caller_verifies = ClientConfig::builder_with_caller_verification();
    [
        Kind {
            name: "full",
            resumed: false,
            client: client_builder().session_store(None),
            server: server_builder().session_store(None),
        },
        Kind {
            name: "full, both sides paused",
            resumed: false,
            client: caller_verifies.rng(rng(1)).time_provider(now).session_store(None),
            server: server_builder().session_store(None).offload_decryption(),
        },
        Kind {
            name: "full, client certificate",
            resumed: false,
            client: client_builder()
                .session_store(None)
                .certificate(client_certified())
                .offload_signing(),
            server: server_builder()
                .session_store(None)
                .client_auth(ClientAuth::Require(roots().into())),
        },
        Kind {
            name: "resumed by session ID",
            resumed: true,
            client: client_builder(),
            server: server_builder(),
        },
        Kind {
            name: "resumed by ticket, renewed",
            resumed: true,
            client: client_builder(),
            server: server_builder()
                .session_store(None)
                .tickets(Some(Arc::new(tickets)))
                .renew_tickets(),
        },
    ]
}

/// A side's heap after one of its calls.
struct Row {
    side: Side,
    state: &'static str,
    held: isize,
    peak: isize,
}

impl Row {
    fn new(side: Side, state: &'static str) -> Self {
        let heap = ALLOCATOR.of(side);
        Self {
            side,
            state,
            held: heap.held(),
            peak: heap.peak(),
        }
    }

    fn name(&self) -> String {
        match self.side {
            Side::Client => format!("client: {}", self.state),
            Side::Server => format!("server: {}", self.state),
        }
    }
}

/// What each side holds in each state of a connection of this kind, in the order of the handshake.
fn measure_connection(suite: CipherSuite, kind: Kind) -> Vec<Row> {
    let client = Arc::new(kind.client.suites(&[suite]).build().unwrap());
    let server = Arc::new(kind.server.build().unwrap());
    let roots = roots();
    let mut rows: Vec<Row> = Vec::new();
    let mut connect = || {
        rows.clear();
        for side in [Side::Client, Side::Server] {
            ALLOCATOR.of(side).reset();
        }
        let count = |side, call: &mut dyn FnMut()| ALLOCATOR.count(side, call);
        watched_handshake(&client, &server, count, |side, connection| {
            let first = rows.iter().all(|row| row.side != side);
            rows.push(Row::new(side, state(side, connection, first)));
            let mut answered = None;
            ALLOCATOR.count(side, &mut || {
                answered = connection.pending().map(|pending| answer(pending, &roots));
            });
            answered
        })
    };
    // Whatever is made once for all connections is made by the first one, and the session that is
    // resumed.
    connect();
    let (client, server) = connect();
    for connection in [&client, &server] {
        let session = connection.session().unwrap();
        assert_eq!(session.resumption().is_resumed(), kind.resumed);
    }
    close(client, server, &mut rows);
    rows
}

/// The state that a connection has reached after a call, the first of its side or a later one.
fn state(side: Side, connection: &Connection, first: bool) -> &'static str {
    match connection.pending() {
        Some(Pending::VerifyCertificate(_)) => "paused on the certificate",
        Some(Pending::DecryptPreMasterSecret(_)) => "paused on the decryption",
        Some(Pending::SignCertificateVerify(_)) => "paused on the signature",
        Some(other) => panic!("{other:?}"),
        None if connection.session().is_some() => "complete",
        None => match (side, first) {
            (Side::Client, true) => "hello sent",
            (Side::Server, true) => "hello awaited",
            (_, false) => "flight sent",
        },
    }
}

/// Answers as a connection without the pause would.
fn answer(pending: Pending<'_>, roots: &RootStore) -> Answer {
    match pending {
        Pending::VerifyCertificate(question) => {
            question.answer(question.verify(&roots.clone().into(), now()))
        }
        Pending::DecryptPreMasterSecret(job) => {
            job.decrypt_with_rng(certified(2048).key().unwrap(), rng(3))
        }
        Pending::SignCertificateVerify(job) => {
            job.sign_with_rng(client_certified().key().unwrap(), rng(3))
        }
        other => panic!("{other:?}"),
    }
}

/// Closes both directions, then drops the connections, after which nothing must be left.
fn close(mut client: Connection, mut server: Connection, rows: &mut Vec<Row>) {
    let mut to_server = Vec::with_capacity(ALERT_ROOM);
    let mut to_client = Vec::with_capacity(ALERT_ROOM);
    ALLOCATOR.count(Side::Client, &mut || client.close(&mut to_server));
    for side in [Side::Server, Side::Client] {
        let (connection, incoming, outgoing) = match side {
            Side::Client => (&mut client, &mut to_client, &mut to_server),
            Side::Server => (&mut server, &mut to_server, &mut to_client),
        };
        ALLOCATOR.count(side, &mut || {
            let received = connection.receive(incoming, outgoing).unwrap();
            assert!(matches!(received.event, Event::PeerClosed));
            connection.close(outgoing);
        });
        rows.push(Row::new(side, "closed"));
    }
    for (side, connection) in [(Side::Client, client), (Side::Server, server)] {
        let mut connection = Some(connection);
        ALLOCATOR.count(side, &mut || drop(connection.take()));
        assert_eq!(Row::new(side, "dropped").held, 0);
    }
}

/// Prints a table of all states, the suites side by side.
fn measure_connections() {
    println!("size_of::<Connection>() is {}\n", size_of::<Connection>());
    println!(
        "{:40} {:>21} {:>21}",
        "a connection's heap in bytes", "AES-128", "AES-256"
    );
    println!(
        "{:40} {:>10} {:>10} {:>10} {:>10}",
        "", "held", "peak", "held", "peak"
    );
    for (of_128, of_256) in kinds().into_iter().zip(kinds()) {
        println!("{}", of_128.name);
        let [suite_128, suite_256] = SUITES;
        let rows_128 = measure_connection(suite_128, of_128);
        let rows_256 = measure_connection(suite_256, of_256);
        for (row, other) in rows_128.iter().zip(&rows_256) {
            println!(
                "  {:38} {:>10} {:>10} {:>10} {:>10}",
                row.name(),
                row.held,
                row.peak,
                other.held,
                other.peak
            );
        }
    }
}

/// A store that gives access to the last session that was put into it.
#[derive(Default)]
struct Last(Mutex<Option<StoredSession>>);

impl SessionStore for Last {
    fn put(&self, _key: &[u8], session: StoredSession, _now: UnixTime) {
        *self.0.lock().unwrap() = Some(session);
    }

    fn get(&self, _key: &[u8], _now: UnixTime) -> Option<StoredSession> {
        None
    }

    fn remove(&self, _key: &[u8]) {}
}

/// The session that a server keeps of a full handshake with these settings.
fn server_session(client: ClientConfigBuilder, server: ServerConfigBuilder) -> StoredSession {
    let last = Arc::new(Last::default());
    let client = Arc::new(client.build().unwrap());
    let server = server.session_store(Some(last.clone()));
    handshake(&client, &Arc::new(server.build().unwrap()), |_, call| {
        call()
    });
    let session = last.0.lock().unwrap().take();
    session.unwrap()
}

/// Prints what a session takes in a full store, its key and the store's own bookkeeping included.
fn measure_session(name: &str, session: &StoredSession) {
    let store = MemoryStore::new(SESSIONS);
    let heap = ALLOCATOR.of(Side::Server);
    heap.reset();
    ALLOCATOR.count(Side::Server, &mut || {
        for number in 0..SESSIONS {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            // Not a clone, which would share its bytes.
            let copy = StoredSession::new(session.as_bytes().to_vec(), session.expires());
            store.put(&id, copy, now());
        }
    });
    let held = heap.held() as usize;
    let each = held / store.len();
    println!("{name:64} {:>7} {each:>7}", session.as_bytes().len());
}

fn main() {
    measure_connections();
    println!(
        "\n{:64} {:>7} {:>7}",
        "a server's session in bytes", "itself", "kept"
    );
    measure_session(
        "without a client certificate",
        &server_session(client_builder(), server_builder()),
    );
    measure_session(
        "with a client certificate",
        &server_session(
            client_builder().certificate(client_certified()),
            server_builder().client_auth(ClientAuth::Require(roots().into())),
        ),
    );
}
