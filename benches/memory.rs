//! Heap that one connection holds, and one session in a store, counted by the allocator.
//!
//! Only what a side's own calls allocate is counted, and not the buffers, which are the caller's:
//! they have their capacity before. The configurations are shared by all connections, and so are
//! the sessions that they keep: those are there before, and a ticket's takes the place of the last
//! one. The aim is at most 3 KiB for a connection that is idle after its handshake, and 24 KiB
//! during it.

#[path = "../tests/common/mod.rs"]
mod common;
mod support;

use common::{client_builder, client_certified, now, roots, server_builder};
use premaster::pki_types::UnixTime;
use premaster::{CipherSuite, ClientAuth, ClientConfigBuilder, Connection, MemoryStore};
use premaster::{ServerConfigBuilder, SessionStore, StoredSession, Tickets};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Side, handshake};

/// As many sessions as a server keeps unless it is told otherwise.
const SESSIONS: usize = 4096;

/// Bytes that have been allocated and not freed, and the most that they ever were. The first is
/// negative where a block is freed on another heap than the one it was allocated on.
struct Heap {
    held: AtomicIsize,
    peak: AtomicIsize,
}

impl Heap {
    const fn empty() -> Self {
        Self {
            held: AtomicIsize::new(0),
            peak: AtomicIsize::new(0),
        }
    }

    fn allocated(&self, layout: Layout) {
        let size = layout.size() as isize;
        let held = self.held.fetch_add(size, Ordering::Relaxed) + size;
        self.peak.fetch_max(held, Ordering::Relaxed);
    }

    fn freed(&self, layout: Layout) {
        let size = layout.size() as isize;
        self.held.fetch_sub(size, Ordering::Relaxed);
    }

    fn reset(&self) {
        self.held.store(0, Ordering::Relaxed);
        self.peak.store(0, Ordering::Relaxed);
    }
}

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

// SAFETY: every call goes to the system's allocator with the arguments that it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.current().allocated(layout);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.current().freed(layout);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// One kind of handshake: its name, whether a session is resumed, and the settings for it.
type Kind = (&'static str, bool, ClientConfigBuilder, ServerConfigBuilder);

fn kinds() -> [Kind; 4] {
    let tickets = Tickets::rotating(Duration::from_secs(60 * 60));
    [
        (
            "full",
            false,
            client_builder().session_store(None),
            server_builder().session_store(None),
        ),
        (
            "full, client certificate",
            false,
            client_builder()
                .session_store(None)
                .certificate(client_certified()),
            server_builder()
                .session_store(None)
                .client_auth(ClientAuth::Require(roots())),
        ),
        ("session ID", true, client_builder(), server_builder()),
        (
            "ticket, renewed",
            true,
            client_builder(),
            server_builder()
                .session_store(None)
                .tickets(Some(Arc::new(tickets)))
                .renew_tickets(),
        ),
    ]
}

/// Prints what each side holds after a handshake with this suite, and held at most during it.
fn measure_connection(suite: CipherSuite, (name, resumed, client, server): Kind) {
    let client = Arc::new(client.suites(&[suite]).build().unwrap());
    let server = Arc::new(server.build().unwrap());
    let count = |side, call: &mut dyn FnMut()| ALLOCATOR.count(side, call);
    // Whatever is made once for all connections is made here, and the session that is resumed.
    handshake(&client, &server, count);
    for side in [Side::Client, Side::Server] {
        ALLOCATOR.of(side).reset();
    }

    let connections = handshake(&client, &server, count);
    for (role, side, connection) in [
        ("client", Side::Client, &connections.0),
        ("server", Side::Server, &connections.1),
    ] {
        let session = connection.session().unwrap();
        assert_eq!(session.resumption().is_resumed(), resumed);
        let heap = ALLOCATOR.of(side);
        let held = heap.held.load(Ordering::Relaxed);
        let peak = heap.peak.load(Ordering::Relaxed);
        println!(
            "{:32} {name:24} {role} {held:>7} {peak:>7}",
            suite.to_string()
        );
    }
}

/// A store that shows the last session that came.
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
            store.put(&id, session.clone(), now());
        }
    });
    let held = heap.held.load(Ordering::Relaxed) as usize;
    let each = held / store.len();
    println!("{name:64} {:>7} {each:>7}", session.as_bytes().len());
}

fn main() {
    println!("size_of::<Connection>() is {}", size_of::<Connection>());
    println!(
        "{:64} {:>7} {:>7}",
        "a connection's heap in bytes", "idle", "peak"
    );
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    ] {
        for kind in kinds() {
            measure_connection(suite, kind);
        }
    }

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
            server_builder().client_auth(ClientAuth::Require(roots())),
        ),
    );
}
