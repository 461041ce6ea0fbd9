//! Resumed handshakes in memory, and the store that they come from.
//!
//! A side's time is what its own calls take. There is no RSA operation in a resumed handshake, so
//! what is measured is everything else. `benches/peers` compares it
//! with other libraries.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use premaster::pki_types::UnixTime;
use premaster::session::Resumption;
use premaster::session::StoredSession;
use premaster::{CipherSuite, ClientConfig, MemoryStore, ServerConfig};
use premaster::{ServerConfigBuilder, SessionStore, Tickets};
use premaster_benches::common::{self, now};
use premaster_benches::support::{Side, handshake, time};
use rand_chacha::rand_core::Rng;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// The capacity of a server's store by default.
const SESSIONS: usize = 4096;

/// As long as a server's session without a client certificate.
const SESSION_LENGTH: usize = 128;

/// How many threads use the store at once.
const THREADS: [usize; 3] = [1, 2, 8];

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// Two configurations, the client having a session to resume.
struct Resumed {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    kind: Resumption,
}

impl Resumed {
    /// Does the full handshake that leaves the session.
    fn new(suite: CipherSuite, server: ServerConfigBuilder, kind: Resumption) -> Self {
        let client = common::client_builder().suites(&[suite]);
        let client = Arc::new(client.build().unwrap());
        let server = Arc::new(server.build().unwrap());
        handshake(&client, &server, |_, call| call());
        Self {
            client,
            server,
            kind,
        }
    }

    /// The time of one side of a handshake.
    fn run(&self, measured: Side) -> Duration {
        let mut total = Duration::ZERO;
        let (client, server) = handshake(&self.client, &self.server, |side, call| {
            let (taken, ()) = time(call);
            if side == measured {
                total += taken;
            }
        });
        for connection in [client, server] {
            assert_eq!(connection.session().unwrap().resumption(), self.kind);
        }
        total
    }
}

/// A server that issues tickets and keeps no session.
fn server_with_tickets() -> ServerConfigBuilder {
    let tickets = Tickets::rotating(Duration::from_secs(60 * 60));
    common::server_builder().session_store(None).tickets(Some(Arc::new(tickets)))
}

/// Each way to resume a session of a suite.
fn ways(suite: CipherSuite) -> [(&'static str, Resumed); 3] {
    let by_id = common::server_builder();
    let by_ticket = server_with_tickets();
    let renewing = server_with_tickets().renew_tickets();
    [
        (
            "session ID",
            Resumed::new(suite, by_id, Resumption::SessionId),
        ),
        ("ticket", Resumed::new(suite, by_ticket, Resumption::Ticket)),
        (
            "ticket, renewed",
            Resumed::new(suite, renewing, Resumption::Ticket),
        ),
    ]
}

/// The time that each side takes.
fn measure_handshakes(group: &mut Group<'_>, suite: CipherSuite) {
    for (name, resumed) in ways(suite) {
        for (role, side) in [("client", Side::Client), ("server", Side::Server)] {
            group.bench_function(format!("{suite}/{name}/{role}"), |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| resumed.run(side)).sum());
            });
        }
    }
}

/// A full store, and twice as many session IDs as it has sessions.
struct Full {
    store: MemoryStore,
    expires: UnixTime,
    ids: Vec<[u8; 32]>,
}

/// What is done with one of the IDs.
type Step = fn(&Full, usize);

impl Full {
    fn new() -> Self {
        let mut rng = common::rng(4);
        let mut ids = vec![[0; 32]; 2 * SESSIONS];
        for id in &mut ids {
            rng.fill_bytes(id);
        }
        let expires = UnixTime::since_unix_epoch(Duration::from_secs(now().as_secs() + 60));
        let full = Self {
            store: MemoryStore::new(SESSIONS),
            expires,
            ids,
        };
        for index in 0..SESSIONS {
            full.put(index);
        }
        full
    }

    fn id(&self, index: usize) -> &[u8] {
        &self.ids[index % self.ids.len()]
    }

    fn put(&self, index: usize) {
        // A session of its own, as every handshake makes one: clones share their bytes.
        let session = StoredSession::new(vec![7; SESSION_LENGTH], self.expires);
        self.store.put(self.id(index), session, now());
    }

    fn get(&self, index: usize) {
        black_box(self.store.get(self.id(index), now()));
    }

    /// As a server does for clients that come back: most of the sessions asked for are there.
    fn get_kept(&self, index: usize) {
        self.get(index % SESSIONS);
    }

    /// As a server does with as many full handshakes as resumed ones: another session comes, for
    /// which the oldest one goes, and then it is asked for.
    fn put_or_get(&self, index: usize) {
        match index % 2 {
            0 => self.put(index / 2),
            _ => self.get(index / 2),
        }
    }

    /// How long the slowest of `threads` threads takes for `times` steps, all at work at once.
    fn run(&self, step: Step, threads: usize, times: u64) -> Duration {
        let ready = Barrier::new(threads);
        let share = self.ids.len() / threads;
        let work = |thread: usize| {
            ready.wait();
            let steps = || (0..times as usize).for_each(|count| step(self, thread * share + count));
            time(steps).0
        };
        let work = &work;
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).max()
        })
        .unwrap()
    }
}

/// How many operations the store does in a second, for all threads together.
fn measure_store(group: &mut Group<'_>) {
    let steps: [(&str, Step); 2] = [("get", Full::get_kept), ("put and get", Full::put_or_get)];
    for (name, step) in steps {
        let full = Full::new();
        for threads in THREADS {
            group.throughput(Throughput::Elements(threads as u64));
            group.bench_function(format!("store/{name}/threads/{threads}"), |bencher| {
                bencher.iter_custom(|times| full.run(step, threads, times));
            });
        }
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("resumption");
    for suite in [
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    ] {
        measure_handshakes(&mut group, suite);
    }
    measure_store(&mut group);
    group.finish();
    criterion.final_summary();
}
