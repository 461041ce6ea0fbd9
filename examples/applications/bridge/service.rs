//! The loop that takes connections, and what becomes of each.

use super::counters::{Counters, Reason, add};
use super::ends::{Far, Near, is_truncation};
use super::settings::Limits;
use super::watched::{Activity, Watched};
use anyhow::{Context, Result, ensure};
use applications::wrap::wrap;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How much of each direction is kept for the slower side.
const BUFFER: usize = 16 * 1024;

/// How long to let connections end when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Bridges until it is stopped.
pub fn run(limits: &Limits, ends: Result<(Near, Far)>) -> Result<()> {
    let (near, far) = ends?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(Bridge::new(limits.clone(), near, far).serve())
}

/// What all connections share.
struct Bridge {
    limits: Limits,
    near: Near,
    far: Far,
    /// For those that are served. It gives the places in the order of the asking.
    places: Arc<Semaphore>,
    /// For those that are not served yet: their handshake goes on, or they wait for a place.
    waiting: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    counters: Arc<Counters>,
}

/// What a connection that has been let in holds on to.
struct Entry {
    of_address: OneOfAddress,
    /// Until it is served.
    waiting: Option<OwnedSemaphorePermit>,
}

/// Why a connection was not served, and the error of the side that it is about.
type Failure = (Reason, Option<io::Error>);

/// What can end the bridge.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Bridge {
    fn new(limits: Limits, near: Near, far: Far) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(limits.connections())),
            waiting: Arc::new(Semaphore::new(limits.waiting())),
            addresses: Arc::new(Addresses::new(limits.per_address())),
            counters: Arc::default(),
            limits,
            near,
            far,
        })
    }

    async fn serve(self: Arc<Self>) -> Result<()> {
        let address = self.limits.listen;
        ensure!(
            !self.near.is_plain() || address.ip().is_loopback(),
            "--listen {address}: plain TCP is for the loopback interface alone; give --cert and --key"
        );
        let mut signals = Signals::new()?;
        let mut asked_to_print = signal(SignalKind::user_defined1())?;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        print(&format!("LISTENING {}", listener.local_addr()?));

        let mut tasks = JoinSet::new();
        let (stop, stopped) = watch::channel(false);
        loop {
            tokio::select! {
                (waiting, accepted) = self.next(&listener) => match accepted {
                    Ok((socket, peer)) => {
                        add(&self.counters.accepted, 1);
                        // Here, and not in the task, so that the order is that of coming.
                        let bridge = Arc::clone(&self);
                        match self.addresses.enter(peer.ip()) {
                            Some(of_address) => {
                                let entry = Entry { of_address, waiting };
                                tasks.spawn(bridge.bridge(socket, peer, entry, stopped.clone()));
                            }
                            None => self.failed(peer, (Reason::TooManyOfAddress, None)),
                        }
                    }
                    Err(error) => {
                        complain(&format!("cannot accept a connection: {error}"));
                        sleep(PAUSE).await;
                    }
                },
                Some(ended) = tasks.join_next() => self.note(&ended),
                _ = asked_to_print.recv() => print(&self.counters.to_string()),
                () = signals.stop() => break,
            }
        }
        drop(listener);
        // Those that still wait for a place end now.
        let _ = stop.send(true);
        self.let_end(&mut tasks, &mut signals).await;
        print(&self.counters.to_string());
        Ok(())
    }

    /// Takes a connection once there is room for one more to wait.
    async fn next(
        &self,
        listener: &TcpListener,
    ) -> (
        Option<OwnedSemaphorePermit>,
        io::Result<(TcpStream, SocketAddr)>,
    ) {
        // It is never closed.
        let waiting = Arc::clone(&self.waiting).acquire_owned().await.ok();
        (waiting, listener.accept().await)
    }

    /// Waits until every connection has ended, and cuts those that have not when the time is up.
    async fn let_end(&self, tasks: &mut JoinSet<()>, signals: &mut Signals) {
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                self.note(&ended);
            }
        };
        tokio::select! {
            () = all => return,
            () = sleep(self.limits.grace()) => {}
            () = signals.stop() => {}
        }
        self.counters.failed(Reason::Stopped, tasks.len() as u64);
        tasks.shutdown().await;
    }

    /// A panic in one connection affects no other.
    fn note(&self, ended: &Result<(), JoinError>) {
        if ended.as_ref().is_err_and(JoinError::is_panic) {
            self.counters.failed(Reason::Panicked, 1);
        }
    }

    /// One connection, to its end.
    async fn bridge(
        self: Arc<Self>,
        socket: TcpStream,
        peer: SocketAddr,
        entry: Entry,
        stopped: watch::Receiver<bool>,
    ) {
        match self.try_bridge(socket, entry, stopped).await {
            Ok(()) => add(&self.counters.served, 1),
            Err(failure) => self.failed(peer, failure),
        }
    }

    fn failed(&self, peer: SocketAddr, (reason, cause): Failure) {
        self.counters.failed(reason, 1);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        complain(&format!("{peer}: {reason}{cause}"));
    }

    async fn try_bridge(
        &self,
        socket: TcpStream,
        entry: Entry,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let Entry {
            of_address: _of_address,
            waiting,
        } = entry;
        let late = |_| (Reason::HandshakeTimeout, None);
        // Before the queue, so that whoever is silent holds nobody up but those of its kind.
        let deadline = Instant::now() + self.limits.handshake_timeout();
        let near = timeout_at(deadline, self.near.accept(socket)).await.map_err(late)?;
        let near = near.map_err(|error| (Reason::NearHandshake, Some(error)))?;
        let _place = self.place(stopped).await?;
        drop(waiting);

        let deadline = Instant::now() + self.limits.handshake_timeout();
        let far = timeout_at(deadline, self.far.connect()).await.map_err(late)?;
        let far = far.map_err(|error| (Reason::FarConnect, Some(error)))?;
        let far = timeout_at(deadline, self.far.handshake(far)).await.map_err(late)?;
        let mut far = far.map_err(|error| (Reason::FarHandshake, Some(error)))?;
        if far.is_resumed() {
            add(&self.counters.resumed, 1);
        }

        near.reset_unless_closed()
            .and_then(|()| far.reset_unless_closed())
            .map_err(|error| (Reason::Broken, Some(error)))?;
        let activity = Activity::new();
        let mut near = Watched::new(near, Arc::clone(&activity), Arc::clone(&self.counters));
        let copied = tokio::select! {
            copied = copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER) => copied,
            () = activity.ends(self.limits.idle_timeout()) => return Err((Reason::Idle, None)),
        };
        match copied {
            Ok(_) => {
                near.into_inner().close();
                far.close();
                Ok(())
            }
            Err(error) if is_truncation(&error) => Err((Reason::Truncated, Some(error))),
            Err(error) => Err((Reason::Broken, Some(error))),
        }
    }

    /// Waits for a place among those that are served.
    async fn place(
        &self,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::select! {
            place = timeout(self.limits.queue_timeout(), place) => match place {
                Ok(place) => Ok(place.ok()),
                Err(_) => Err((Reason::Queue, None)),
            },
            _ = stopped.wait_for(|stopped| *stopped) => Err((Reason::Stopped, None)),
        }
    }
}

/// How many connections each address has.
struct Addresses {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Addresses {
    fn new(most: usize) -> Self {
        Self {
            most,
            counts: Mutex::default(),
        }
    }

    /// Counts one more of this address, until the result is dropped. `None` if it has too many.
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<OneOfAddress> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(OneOfAddress {
            addresses: Arc::clone(self),
            address,
        })
    }
}

struct OneOfAddress {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Drop for OneOfAddress {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Without a reader the bridge goes on all the same.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", wrap(text));
}
