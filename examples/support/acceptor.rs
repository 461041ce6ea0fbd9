//! Serves many connections, and goes on serving honest peers while others waste its time.
//!
//! ```text
//! accept --> lobby: handshakes under way --> place: a thread for the conversation, then hung up
//!             |  ^
//!             v  |  when its peer has sent something
//!            worker: goes on with the handshake as far as it can, and never waits for a peer
//! ```
//!
//! A peer that connects and says nothing, says it byte by byte, or stops after its hello, costs a socket
//! and a few kilobytes until the deadline of its handshake, and no thread. Four rules keep the others
//! served:
//!
//! 1. A handshake has a deadline as a whole.
//! 2. An address has a bounded number of handshakes under way. With one more it loses the one that has
//!    kept the server waiting longest, so that an honest client behind the same address gets its turn.
//! 3. All addresses together have a bounded number. While it is reached, the next connections wait in
//!    order, and as soon as handshakes have kept the server waiting for longer than an honest client does,
//!    they make room: first one of the address that has the most. What counts is only the time in which
//!    it was the peer's turn, so that a crowd of honest clients loses none.
//! 4. Whoever has completed its handshake waits for a place in the order of arrival, but an address has a
//!    bounded number of places, too. Who does nothing in its place loses it.
//!
//! An IPv6 address stands for its network of 64 bits, all of which one peer may have.
//!
//! One thread looks at all the sockets of the lobby in turns, between pauses that are longer than the
//! looking. That needs nothing but the standard library. A server with thousands of handshakes under way at
//! all times has an event loop instead, such as tokio's.

use super::gate::Gate;
use super::limits::Limits;
use super::socket::{drain, hang_up, prepare};
use super::wrap::wrap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// How long a peer may take to close its side at the end.
const LINGER: Duration = Duration::from_secs(1);

/// How long to let connections end when there are too many open files or threads.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the lobby rests between two looks: as many times as long as it looked, within bounds.
const REST: u32 = 4;
const SHORTEST_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_millis(10);

/// How often to go on with a handshake whose peer has sent nothing, in case it has read what did not fit
/// before.
const RETRY: Duration = Duration::from_secs(1);

/// The most accepted connections that wait for room in the lobby; more wait in the system's queue.
const MOST_ACCEPTED: usize = 32;

/// The most failed connections that wait for the peer's close.
const MOST_LEAVING: usize = 64;

/// What is done with each connection.
pub trait Service: Sync {
    /// A connection, from its first byte on.
    type Guest: Send;

    /// Takes a connection whose handshake has to be complete by the deadline.
    fn admit(&self, socket: TcpStream, deadline: Instant) -> Self::Guest;

    fn socket(guest: &Self::Guest) -> &TcpStream;

    /// Goes on with the handshake. The socket does not block: [`io::ErrorKind::WouldBlock`] until
    /// more has come.
    fn shake_hands(&self, guest: &mut Self::Guest) -> io::Result<()>;

    /// Serves a connection whose handshake is complete, over a socket that blocks; or tells of one
    /// that failed.
    fn serve(&self, guest: &mut Self::Guest, peer: SocketAddr, handshake: io::Result<()>);
}

/// Serves each connection until the gate is closed. On return every one has ended.
pub fn serve_each<S: Service>(
    listener: TcpListener,
    gate: &Arc<Gate>,
    limits: &Limits,
    service: &S,
) {
    serve_first(usize::MAX, listener, gate, limits, service);
}

/// Serves as [`serve_each`] does, but only the first `count` connections.
pub fn serve_first<S: Service>(
    count: usize,
    listener: TcpListener,
    gate: &Arc<Gate>,
    limits: &Limits,
    service: &S,
) {
    let (to_lobby, accepted) = mpsc::sync_channel(MOST_ACCEPTED);
    let (to_work, work) = mpsc::channel();
    let (done, from_work) = mpsc::channel();
    let work = Mutex::new(work);
    thread::scope(|scope| {
        scope.spawn(move || accept(count, &listener, gate, &to_lobby));
        for _ in 0..limits.workers {
            let (work, done) = (&work, done.clone());
            scope.spawn(move || shake_hands(service, work, &done));
        }
        let lobby = Lobby {
            service,
            limits,
            gate,
            accepted: Some(accepted),
            next: None,
            admitted: 0,
            guests: BTreeMap::new(),
            of_network: HashMap::new(),
            leaving: VecDeque::new(),
            to_work,
            from_work,
        };
        lobby.run(scope);
        gate.wait_until_empty();
    });
}

/// Accepts so many connections, until the gate is closed. While the lobby has no room they wait, in
/// order.
fn accept(
    count: usize,
    listener: &TcpListener,
    gate: &Gate,
    to_lobby: &SyncSender<(TcpStream, SocketAddr)>,
) {
    let mut left = count;
    while left > 0 {
        let accepted = listener.accept();
        // The last one only wakes this thread.
        if gate.is_closed() {
            return;
        }
        match accepted {
            Ok(accepted) => {
                if to_lobby.send(accepted).is_err() {
                    return;
                }
                left -= 1;
            }
            Err(error) => {
                eprintln!("{}", wrap(&format!("cannot accept a connection: {error}")));
                thread::sleep(PAUSE);
            }
        }
    }
}

/// A guest on its way to a worker or back, by its number.
type Work<G> = (u64, G);
type Done<G> = (u64, G, io::Result<()>);

/// Goes on with handshakes, one by one, until the lobby is closed.
fn shake_hands<S: Service>(
    service: &S,
    work: &Mutex<Receiver<Work<S::Guest>>>,
    done: &Sender<Done<S::Guest>>,
) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, mut guest)) = next else {
            return;
        };
        let result = caught(|| service.shake_hands(&mut guest));
        if done.send((number, guest, result)).is_err() {
            return;
        }
    }
}

/// Makes a panic an error, so that it affects one connection and no other.
pub fn caught(call: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    panic::catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(io::Error::other("the thread of this connection panicked")))
}

/// Those whose handshake is under way, and those that wait for a place.
struct Lobby<'s, S: Service> {
    service: &'s S,
    limits: &'s Limits,
    gate: &'s Arc<Gate>,
    /// Those that have come in; `None` once nobody comes any more.
    accepted: Option<Receiver<(TcpStream, SocketAddr)>>,
    /// The one for which there is no room.
    next: Option<(TcpStream, SocketAddr)>,
    admitted: u64,
    /// In the order of their arrival.
    guests: BTreeMap<u64, Entry<S::Guest>>,
    of_network: HashMap<IpAddr, usize>,
    /// Those that failed, and until when their close is awaited.
    leaving: VecDeque<(S::Guest, Instant)>,
    to_work: Sender<Work<S::Guest>>,
    from_work: Receiver<Done<S::Guest>>,
}

struct Entry<G> {
    peer: SocketAddr,
    deadline: Instant,
    /// How long it has been the peer's turn, up to the last time that something came.
    waited: Duration,
    state: State<G>,
}

enum State<G> {
    /// Its peer has to send something.
    Waiting {
        guest: G,
        since: Instant,
        /// When it is looked after anyhow.
        again: Instant,
    },
    /// A worker has it. One that is doomed does not count any more.
    AtWork { doomed: bool },
    /// Its handshake is complete, and it has no place yet.
    Ready(G),
}

impl<G> Entry<G> {
    /// How long it has been the peer's turn, if it is.
    fn waited(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Waiting { since, .. } => Some(self.waited + (now - since)),
            State::AtWork { .. } | State::Ready(_) => None,
        }
    }
}

impl<'s, S: Service> Lobby<'s, S> {
    fn run<'e>(mut self, scope: &'e Scope<'e, '_>)
    where
        's: 'e,
        S::Guest: 'e,
    {
        loop {
            let start = Instant::now();
            self.receive();
            if self.is_empty() {
                if self.accepted.is_none() {
                    return;
                }
                continue;
            }
            self.look(scope);
            let rest = (start.elapsed() * REST).clamp(SHORTEST_REST, LONGEST_REST);
            if let Ok(done) = self.from_work.recv_timeout(rest) {
                self.take_back(done);
                while let Ok(done) = self.from_work.try_recv() {
                    self.take_back(done);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.guests.is_empty() && self.leaving.is_empty()
    }

    /// Takes the connections that have come in as far as there is room, or, if there is nothing else
    /// to do, waits for one.
    fn receive(&mut self) {
        loop {
            if self.next.is_none() {
                self.next = self.newcomer();
            }
            if self.next.is_none() || !self.make_room() {
                return;
            }
            let Some((socket, peer)) = self.next.take() else {
                return;
            };
            if let Err(error) = self.admit(socket, peer) {
                eprintln!("{}", wrap(&format!("cannot accept a connection: {error}")));
            }
        }
    }

    fn newcomer(&mut self) -> Option<(TcpStream, SocketAddr)> {
        let accepted = self.accepted.as_ref()?;
        let next = if self.is_empty() {
            accepted.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            accepted.try_recv()
        };
        if let Err(TryRecvError::Disconnected) = next {
            self.accepted = None;
        }
        next.ok()
    }

    fn admit(&mut self, socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let since = Instant::now();
        let deadline = since + self.limits.handshake;
        let guest = self.service.admit(socket, deadline);
        let entry = Entry {
            peer,
            deadline,
            waited: Duration::ZERO,
            state: State::Waiting {
                guest,
                since,
                again: deadline,
            },
        };
        self.admitted += 1;
        self.guests.insert(self.admitted, entry);
        let network = network(peer.ip());
        let count = self.of_network.entry(network).or_default();
        *count += 1;
        if *count > self.limits.per_address {
            self.cut_one_of(network);
        }
        Ok(())
    }

    /// Returns true if one more can be taken, for which another one may have to go.
    fn make_room(&mut self) -> bool {
        if self.guests.len() < self.limits.handshakes {
            return true;
        }
        let now = Instant::now();
        let eligible = self.guests.iter().filter_map(|(number, entry)| {
            let waited = entry.waited(now)?;
            let count = self.of_network.get(&network(entry.peer.ip()))?;
            (waited >= self.limits.chance).then_some((count, waited, *number))
        });
        let Some((_, _, number)) = eligible.max() else {
            return false;
        };
        self.cut(number);
        true
    }

    /// Cuts the handshake of a network that has kept the server waiting longest. One that is at work
    /// is cut when it comes back and is still not complete.
    fn cut_one_of(&mut self, of: IpAddr) {
        let now = Instant::now();
        let all = self.guests.iter().filter(|(_, entry)| network(entry.peer.ip()) == of);
        let unfinished = all.filter_map(|(number, entry)| {
            let waited = match entry.state {
                State::AtWork { doomed: false } => entry.waited,
                _ => entry.waited(now)?,
            };
            // The oldest one if two have waited as long.
            Some((waited, Reverse(*number)))
        });
        let Some((_, Reverse(number))) = unfinished.max() else {
            return;
        };
        match self.guests.get_mut(&number).map(|entry| &mut entry.state) {
            Some(State::AtWork { doomed }) => {
                *doomed = true;
                self.uncount(of);
            }
            _ => self.cut(number),
        }
    }

    fn cut(&mut self, number: u64) {
        if let Some(entry) = self.remove(number)
            && let State::Waiting { guest, .. } = entry.state
        {
            self.dismiss(guest, entry.peer, made_room());
        }
    }

    fn remove(&mut self, number: u64) -> Option<Entry<S::Guest>> {
        let entry = self.guests.remove(&number)?;
        if !matches!(entry.state, State::AtWork { doomed: true }) {
            self.uncount(network(entry.peer.ip()));
        }
        Some(entry)
    }

    fn uncount(&mut self, network: IpAddr) {
        if let Some(count) = self.of_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.of_network.remove(&network);
            }
        }
    }

    /// Tells of a connection that failed, and waits, without a thread, for its peer to close.
    fn dismiss(&mut self, mut guest: S::Guest, peer: SocketAddr, error: io::Error) {
        self.service.serve(&mut guest, peer, Err(error));
        let _ = S::socket(&guest).shutdown(Shutdown::Write);
        if self.leaving.len() == MOST_LEAVING {
            self.leaving.pop_front();
        }
        self.leaving.push_back((guest, Instant::now() + LINGER));
    }

    /// Takes what a worker has done.
    fn take_back(&mut self, (number, guest, result): Done<S::Guest>) {
        let Some(entry) = self.guests.get_mut(&number) else {
            return;
        };
        let peer = entry.peer;
        let is_doomed = matches!(entry.state, State::AtWork { doomed: true });
        match result {
            Ok(()) => {
                entry.state = State::Ready(guest);
                if is_doomed {
                    *self.of_network.entry(network(peer.ip())).or_default() += 1;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_doomed => {
                let since = Instant::now();
                entry.state = State::Waiting {
                    guest,
                    since,
                    again: entry.deadline.min(since + RETRY),
                };
            }
            Err(error) => {
                self.remove(number);
                let error = if is_doomed { made_room() } else { error };
                self.dismiss(guest, peer, error);
            }
        }
    }

    /// Looks after everybody once.
    fn look<'e>(&mut self, scope: &'e Scope<'e, '_>)
    where
        's: 'e,
        S::Guest: 'e,
    {
        let now = Instant::now();
        // Who has not come so far when the grace is over hears nothing more.
        let cut = self.gate.is_over();
        let mut ready = Vec::new();
        for (&number, entry) in &mut self.guests {
            match std::mem::replace(&mut entry.state, State::AtWork { doomed: false }) {
                State::Waiting {
                    guest,
                    since,
                    again,
                } => {
                    let socket = S::socket(&guest);
                    if cut {
                        let _ = socket.shutdown(Shutdown::Read);
                    }
                    if again <= now || is_readable(socket) {
                        entry.waited += now - since;
                        let _ = self.to_work.send((number, guest));
                    } else {
                        entry.state = State::Waiting {
                            guest,
                            since,
                            again,
                        };
                    }
                }
                State::Ready(guest) => {
                    entry.state = State::Ready(guest);
                    ready.push(number);
                }
                State::AtWork { doomed } => entry.state = State::AtWork { doomed },
            }
        }
        for number in ready {
            self.seat(scope, number, cut);
        }
        self.leaving.retain(|(guest, until)| now < *until && !drain(S::socket(guest)));
    }

    /// Gives one that is ready a place and a thread, if there is a place for it.
    fn seat<'e>(&mut self, scope: &'e Scope<'e, '_>, number: u64, cut: bool)
    where
        's: 'e,
        S::Guest: 'e,
    {
        let Some(peer) = self.guests.get(&number).map(|entry| entry.peer) else {
            return;
        };
        let place = self.gate.enter(network(peer.ip()), self.limits.per_address);
        if place.is_none() && !cut {
            return;
        }
        let Some(Entry {
            state: State::Ready(mut guest),
            ..
        }) = self.remove(number)
        else {
            return;
        };
        let Some(place) = place else {
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, "the server ends");
            self.dismiss(guest, peer, error);
            return;
        };
        let (service, idle) = (self.service, self.limits.idle);
        let seated = place.is_of(S::socket(&guest)).and_then(|()| {
            S::socket(&guest).set_nonblocking(false)?;
            prepare(S::socket(&guest), idle)?;
            thread::Builder::new().spawn_scoped(scope, move || {
                let _ = caught(|| {
                    service.serve(&mut guest, peer, Ok(()));
                    Ok(())
                });
                hang_up(S::socket(&guest), LINGER);
                drop(place);
            })
        });
        if let Err(error) = seated {
            eprintln!("{}", wrap(&format!("cannot serve a connection: {error}")));
            thread::sleep(PAUSE);
        }
    }
}

/// The error of one that was cut.
fn made_room() -> io::Error {
    let text = "cut to make room: it kept the server waiting";
    io::Error::new(io::ErrorKind::ConnectionAborted, text)
}

/// Returns true if a read would not block, be it for data, the end, or an error.
fn is_readable(socket: &TcpStream) -> bool {
    !matches!(socket.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// The addresses that one peer may have.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}
