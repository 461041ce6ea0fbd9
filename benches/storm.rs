//! The storm after an outage: every charging station of a network comes back in the same instant.
//!
//! Two threads serve them, one for each of two cores, with half of the stations each, as two processes
//! behind one port do. A station in ten is hostile. All is in memory, and each thread has a clock of its
//! own, which only the server's work moves: by the processor time of its calls, as the system counts it
//! for the thread. What the stations compute on the same thread does not move it. Where the server has
//! nothing to do, the clock jumps to the next bytes that arrive, or to its next look at those that are
//! slow.
//!
//! So the figures are those of a server that has both cores for itself and whose system calls cost
//! nothing: sockets, wake-ups and the way through the kernel come on top.
//!
//! The admission is that of the example `server`: a bounded number of handshakes under way, and the rest
//! waiting in order; who has kept the server waiting for longer than [`CHANCE`] is cut while others wait.
//! The pre-master secrets that have come while others were decrypted are decrypted together, and no batch
//! is waited for.

use premaster::pki_types::ServerName;
use premaster::private_key::DecryptBatch;
use premaster::session::{TicketKey, TicketKeySet};
use premaster::{Answer, ClientConfig, Connection, Event, Pending, PrivateKey};
use premaster::{ServerConfig, Tickets};
use premaster_benches::common::{certified, client_builder, name, server_builder};
use premaster_benches::support::heap::Heap;
use premaster_benches::support::{is_bench_run, watched_handshake};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many stations come back, and how many where every bench is run once.
const STATIONS: u32 = 20_000;
const FEW_STATIONS: u32 = 200;

const THREADS: u32 = 2;

/// How many handshakes a thread has under way.
const ADMITTED: usize = 1024;

/// The most pre-master secrets that are decrypted together.
const BATCH: usize = 8;

/// From the server to a station and back, whose computing is a part of it.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// How long an honest station may keep its handshake waiting in all.
const CHANCE: Duration = Duration::from_millis(500);

/// How long a handshake may take as a whole.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often the server looks for those that are slow.
const LOOK: Duration = Duration::from_millis(10);

/// How often a dripping station sends a byte.
const DRIP: Duration = Duration::from_secs(1);

/// The system's allocator, which counts what the server's calls allocate.
struct Counting;

static HEAP: Heap = Heap::empty();

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Whether a call of the server's is running.
    static IS_SERVER: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: every call is passed to the system's allocator with its arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_SERVER.get() {
            HEAP.allocated(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if IS_SERVER.get() {
            HEAP.freed(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of this function's own.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a station does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A full handshake.
    New,
    /// A handshake with a ticket of before the outage.
    Returning,
    Silent,
    Dripping,
    Garbage,
    StopsAfterHello,
    BadFinished,
}

impl Kind {
    const HOSTILE: [Self; 5] = [
        Self::Silent,
        Self::Dripping,
        Self::Garbage,
        Self::StopsAfterHello,
        Self::BadFinished,
    ];

    /// One station in ten is hostile. Of the others one in ten is new if they have tickets.
    fn of(station: u32, have_tickets: bool) -> Self {
        let (ten, one) = (station / 10, station % 10);
        match one {
            9 => Self::HOSTILE[ten as usize % Self::HOSTILE.len()],
            _ if have_tickets && (ten * 9 + one) % 10 != 0 => Self::Returning,
            _ => Self::New,
        }
    }

    fn is_honest(self) -> bool {
        matches!(self, Self::New | Self::Returning)
    }
}

/// What all share.
struct Network {
    /// Clients without a session, and with a ticket.
    new: Arc<ClientConfig>,
    returning: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    key: Arc<dyn PrivateKey>,
    name: ServerName<'static>,
}

impl Network {
    fn new() -> Self {
        let certified = certified(2048);
        let key = Arc::clone(certified.key().unwrap());
        // As all the servers of a fleet have them.
        let tickets = Tickets::shared(TicketKeySet::new(TicketKey::from_bytes(&[7; 48])));
        let server = server_builder().session_store(None).tickets(Some(Arc::new(tickets)));
        let network = Self {
            new: Arc::new(client_builder().session_store(None).build().unwrap()),
            returning: Arc::new(client_builder().build().unwrap()),
            server: Arc::new(server.offload_decryption().build().unwrap()),
            key,
            name: name(),
        };
        // Before the outage.
        watched_handshake(
            &network.returning,
            &network.server,
            |_, call| call(),
            |_, connection| connection.pending().map(|pending| network.answer(pending)),
        );
        network
    }

    fn answer(&self, pending: Pending<'_>) -> Answer {
        match pending {
            Pending::DecryptPreMasterSecret(job) => job.decrypt(self.key.as_ref()),
            other => panic!("{other:?}"),
        }
    }
}

/// A station that the server has admitted.
struct UnderWay {
    kind: Kind,
    server: Connection,
    /// What has come and was not consumed, and what is to be sent.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    admitted: Duration,
    /// Since when it is the station's turn, and how long it was before.
    since: Option<Duration>,
    waited: Duration,
    /// When the next bytes of the station's arrive. From then on it is not the station's turn, even if
    /// the server has no time for them yet.
    arrives: Duration,
    /// The station's own end, and what it drips.
    client: Option<Connection>,
    hello: VecDeque<u8>,
}

/// Bytes on their way: when they arrive, in which order they were sent, and from whom.
type Arriving = Reverse<(Duration, u64, u32, Vec<u8>)>;

/// One thread's part of the network.
struct Shard<'n> {
    network: &'n Network,
    have_tickets: bool,
    clock: Duration,
    /// Those that wait for admission, in order.
    waiting: VecDeque<u32>,
    under_way: BTreeMap<u32, UnderWay>,
    arriving: BinaryHeap<Arriving>,
    sent: u64,
    batch: DecryptBatch<u32>,
    next_look: Duration,
    /// Stations whose handshake is complete stay connected.
    established: Vec<Connection>,
    outcome: Outcome,
}

/// What became of them.
#[derive(Default)]
struct Outcome {
    /// How long each station that is served has waited from the first instant on.
    waits: Vec<Duration>,
    resumed: usize,
    dismissed: usize,
    honest_dismissed: usize,
    /// The processor time of the server.
    busy: Duration,
}

impl<'n> Shard<'n> {
    fn new(network: &'n Network, have_tickets: bool, stations: impl Iterator<Item = u32>) -> Self {
        Self {
            network,
            have_tickets,
            clock: Duration::ZERO,
            waiting: stations.collect(),
            under_way: BTreeMap::new(),
            arriving: BinaryHeap::new(),
            sent: 0,
            batch: DecryptBatch::new(),
            next_look: LOOK,
            established: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Does what is the server's, for its time and its memory.
    fn work<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        IS_SERVER.set(true);
        let start = processor_time();
        let result = work(self);
        let took = processor_time() - start;
        IS_SERVER.set(false);
        self.clock += took;
        self.outcome.busy += took;
        result
    }

    fn run(mut self) -> (Outcome, Vec<Connection>) {
        self.established = self.work(|this| Vec::with_capacity(this.waiting.len()));
        loop {
            if self.clock >= self.next_look {
                self.look();
            }
            self.admit();
            let due = self.arriving.peek().is_some_and(|Reverse((at, ..))| *at <= self.clock);
            if self.batch.len() == BATCH || (!due && !self.batch.is_empty()) {
                self.decrypt();
            } else if due {
                if let Some(Reverse((_, _, station, bytes))) = self.arriving.pop() {
                    self.receive(station, &bytes);
                }
            } else if self.under_way.is_empty() {
                break;
            } else {
                let next = self.arriving.peek().map_or(Duration::MAX, |Reverse((at, ..))| *at);
                self.clock = next.min(self.next_look);
            }
        }
        (self.outcome, self.established)
    }

    /// Admits the next ones while there is room.
    fn admit(&mut self) {
        while self.under_way.len() < ADMITTED
            && let Some(station) = self.waiting.pop_front()
        {
            let kind = Kind::of(station, self.have_tickets);
            let config = match kind {
                Kind::Returning => &self.network.returning,
                _ => &self.network.new,
            };
            let mut hello = Vec::new();
            let name = self.network.name.clone();
            let client = Connection::client(Arc::clone(config), name, &mut hello).unwrap();
            let mut under_way = UnderWay {
                kind,
                server: self.work(|this| Connection::server(Arc::clone(&this.network.server))),
                incoming: Vec::new(),
                outgoing: Vec::new(),
                admitted: self.clock,
                since: Some(self.clock),
                waited: Duration::ZERO,
                arrives: Duration::MAX,
                client: Some(client),
                hello: VecDeque::new(),
            };
            // Whatever it says first has come while it waited.
            let first = match kind {
                Kind::Silent => None,
                Kind::Garbage => Some(vec![0x80; 64]),
                Kind::Dripping => {
                    under_way.hello = hello.into();
                    under_way.hello.pop_front().map(|byte| vec![byte])
                }
                _ => Some(hello),
            };
            if let Some(bytes) = first {
                self.send(station, &mut under_way, self.clock, bytes);
            }
            self.under_way.insert(station, under_way);
        }
    }

    fn send(&mut self, station: u32, under_way: &mut UnderWay, at: Duration, bytes: Vec<u8>) {
        under_way.arrives = at;
        self.sent += 1;
        self.arriving.push(Reverse((at, self.sent, station, bytes)));
    }

    /// Looks for those that are late, and, while others wait, for those that are slow.
    fn look(&mut self) {
        let slow: Vec<u32> = self.work(|this| {
            let is_slow = |under_way: &UnderWay| {
                let Some(since) = under_way.since.filter(|_| under_way.arrives > this.clock) else {
                    return false;
                };
                this.clock >= under_way.admitted + DEADLINE
                    || (under_way.waited + (this.clock - since) >= CHANCE
                        && !this.waiting.is_empty())
            };
            let slow = this.under_way.iter().filter(|(_, under_way)| is_slow(under_way));
            slow.map(|(station, _)| *station).collect()
        });
        for station in &slow {
            self.dismiss(*station);
        }
        self.work(|_| drop(slow));
        self.next_look = self.clock + LOOK;
    }

    fn dismiss(&mut self, station: u32) {
        let Some(under_way) = self.under_way.remove(&station) else {
            return;
        };
        self.outcome.dismissed += 1;
        self.outcome.honest_dismissed += usize::from(under_way.kind.is_honest());
        self.end(under_way);
    }

    /// Drops what the server has of a connection.
    fn end(&mut self, under_way: UnderWay) {
        let UnderWay {
            server,
            incoming,
            outgoing,
            ..
        } = under_way;
        self.work(|_| drop((server, incoming, outgoing)));
    }

    /// Has the server take in what has come.
    fn receive(&mut self, station: u32, bytes: &[u8]) {
        let Some(mut under_way) = self.under_way.remove(&station) else {
            return;
        };
        if let Some(since) = under_way.since.take() {
            under_way.waited += under_way.arrives.saturating_sub(since);
        }
        under_way.arrives = Duration::MAX;
        self.go_on(station, under_way, |under_way| {
            under_way.incoming.extend_from_slice(bytes);
        });
    }

    /// Decrypts what waits for it, and goes on with those handshakes.
    fn decrypt(&mut self) {
        let answers = self.work(|this| {
            let key = this.network.key.as_ref();
            this.batch.decrypt(|_| Some(key))
        });
        let mut answers = answers.into_iter();
        for (station, answer) in answers.by_ref() {
            if let Some(under_way) = self.under_way.remove(&station) {
                self.go_on(station, under_way, |under_way| {
                    // An error is returned again by what comes next.
                    let _ = under_way.server.resume(answer, &mut under_way.outgoing);
                });
            }
        }
        self.work(|_| drop(answers));
    }

    /// Goes on with a handshake as far as it can.
    fn go_on(&mut self, station: u32, mut under_way: UnderWay, first: impl FnOnce(&mut UnderWay)) {
        let step = self.work(|this| {
            first(&mut under_way);
            let UnderWay {
                server,
                incoming,
                outgoing,
                ..
            } = &mut under_way;
            let Ok(received) = server.receive(incoming, outgoing) else {
                return Step::Failed;
            };
            let consumed = received.consumed;
            let step = match received.event {
                Event::NeedData => Step::StationsTurn,
                Event::HandshakeComplete => Step::Complete,
                Event::Paused => Step::Paused,
                other => panic!("{other:?}"),
            };
            incoming.drain(..consumed);
            if let Some(Pending::DecryptPreMasterSecret(job)) = server.pending() {
                this.batch.push(job, station);
            }
            step
        });
        self.answer(&mut under_way, station);
        match step {
            Step::Failed => {
                assert!(!under_way.kind.is_honest());
                self.outcome.dismissed += 1;
                self.end(under_way);
            }
            Step::Complete => self.complete(under_way),
            Step::Paused => {
                self.under_way.insert(station, under_way);
            }
            Step::StationsTurn => {
                under_way.since = Some(self.clock);
                if let Some(byte) = under_way.hello.pop_front() {
                    self.send(station, &mut under_way, self.clock + DRIP, vec![byte]);
                }
                self.under_way.insert(station, under_way);
            }
        }
    }

    /// Has the station answer what the server has sent.
    fn answer(&mut self, under_way: &mut UnderWay, station: u32) {
        if under_way.outgoing.is_empty() || under_way.kind == Kind::StopsAfterHello {
            return;
        }
        let mut arrived = under_way.outgoing.clone();
        let outgoing = self.work(|_| std::mem::take(&mut under_way.outgoing));
        self.work(|_| drop(outgoing));
        let Some(client) = &mut under_way.client else {
            return;
        };
        let mut bytes = Vec::new();
        let mut rest = &mut arrived[..];
        while let Ok(received) = client.receive(rest, &mut bytes) {
            let consumed = received.consumed;
            let is_all = matches!(received.event, Event::NeedData);
            rest = &mut rest[consumed..];
            if is_all {
                break;
            }
        }
        if under_way.kind == Kind::BadFinished
            && let Some(last) = bytes.last_mut()
        {
            *last ^= 1;
        }
        if !bytes.is_empty() {
            self.send(station, under_way, self.clock + ROUND_TRIP, bytes);
        }
    }

    /// Counts a station that is served. It stays connected.
    fn complete(&mut self, under_way: UnderWay) {
        let UnderWay {
            kind,
            server,
            incoming,
            outgoing,
            client,
            ..
        } = under_way;
        self.work(|_| drop((incoming, outgoing)));
        assert!(kind.is_honest());
        assert!(client.is_some_and(|client| client.session().is_some()));
        let is_resumed = server.session().unwrap().resumption().is_resumed();
        assert_eq!(is_resumed, kind == Kind::Returning);
        self.outcome.resumed += usize::from(is_resumed);
        self.outcome.waits.push(self.clock);
        self.established.push(server);
    }
}

#[derive(Clone, Copy)]
enum Step {
    StationsTurn,
    Paused,
    Complete,
    Failed,
}

/// The wait that this share of the stations do not exceed.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn storm(network: &Network, stations: u32, have_tickets: bool) {
    HEAP.reset();
    let shards: Vec<_> = thread::scope(|scope| {
        let shards: Vec<_> = (0..THREADS)
            .map(|thread| {
                // By turns in tens, so that both have as many of each kind.
                let own = (0..stations).filter(move |station| station / 50 % THREADS == thread);
                scope.spawn(move || Shard::new(network, have_tickets, own).run())
            })
            .collect();
        shards.into_iter().map(|shard| shard.join().unwrap()).collect()
    });
    let held = HEAP.held();
    let outcomes = || shards.iter().map(|(outcome, _)| outcome);
    let mut waits: Vec<_> = outcomes().flat_map(|outcome| &outcome.waits).copied().collect();
    waits.sort();

    // Nobody is lost, and nobody hostile is served.
    let hostile = (0..stations).filter(|station| !Kind::of(*station, have_tickets).is_honest());
    let hostile = hostile.count();
    assert_eq!(waits.len() + hostile, stations as usize);
    assert_eq!(
        outcomes().map(|outcome| outcome.honest_dismissed).sum::<usize>(),
        0
    );
    assert_eq!(
        outcomes().map(|outcome| outcome.dismissed).sum::<usize>(),
        hostile
    );

    let last = quantile(&waits, 1.0);
    let busy: Duration = outcomes().map(|outcome| outcome.busy).sum();
    let resumed: usize = outcomes().map(|outcome| outcome.resumed).sum();
    println!(
        "{:10} {:>7} {:>7} {:>8} {:>10.0} {:>8.2} {:>8.2} {:>8.2} {:>9.0} {:>9.1} {:>9.2}",
        if have_tickets { "by ticket" } else { "in full" },
        waits.len(),
        resumed,
        hostile,
        waits.len() as f64 / last.as_secs_f64(),
        quantile(&waits, 0.5).as_secs_f64(),
        quantile(&waits, 0.99).as_secs_f64(),
        last.as_secs_f64(),
        busy.as_secs_f64() * 1e6 / f64::from(stations),
        HEAP.peak() as f64 / 1024.0 / 1024.0,
        held as f64 / 1024.0 / waits.len() as f64,
    );
}

fn main() {
    let stations = if is_bench_run() {
        STATIONS
    } else {
        FEW_STATIONS
    };
    let network = Network::new();
    println!(
        "{stations} stations, {THREADS} threads with at most {ADMITTED} handshakes under way each; \
         RSA 2048, AES-128-GCM; round trip {} ms",
        ROUND_TRIP.as_millis()
    );
    println!(
        "{:10} {:>7} {:>7} {:>8} {:>10} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}",
        "",
        "served",
        "resumed",
        "hostile",
        "served/s",
        "p50 s",
        "p99 s",
        "last s",
        "us each",
        "peak MiB",
        "KiB held"
    );
    for have_tickets in [false, true] {
        storm(&network, stations, have_tickets);
    }
}
