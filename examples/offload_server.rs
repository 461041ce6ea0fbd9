//! A TLS 1.2 server for many connections whose private key is used by a few threads, which decrypt
//! the pre-master secrets of several handshakes together.
//!
//! ```text
//! cargo run --release --example offload_server -- --load 16 --for 5
//! cargo run --release --example offload_server -- --load 16 --for 8 --compare
//! ```
//!
//! Each handshake pauses at
//! [`Pending::DecryptPreMasterSecret`](premaster::Pending::DecryptPreMasterSecret). A worker of the
//! acceptor, `support/acceptor.rs`, hands the job to the pool, and goes on with the answer. The
//! reusable part is the pool, `support/decryption_pool.rs`.
//!
//! A thread of the pool takes the jobs that wait, up to eight, and decrypts them together. It waits
//! for no batch to fill, so a server that is not busy loses no time; a busy one gains what its
//! processor has to give: with AVX-512, the [`RsaKey`](premaster::RsaKey) in this process decrypts
//! four for little more than the cost of two. `--compare` shows it: the handshakes per second with
//! batches of at most 1, 2, 4 and 8, while the clients of `--load` take their part of the same
//! processor. With any key, the pool limits how many cores a burst of handshakes uses. `--inline` is
//! the server without it.

mod support;

use anyhow::{Context, Result};
use clap::Parser;
use premaster::{CertifiedKey, ClientConfig, RootStore, ServerConfig, Stream};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::acceptor::{self, serve_each};
use support::cli::exit_code;
use support::decryption_pool::{Keys, Queue, Worker, decryption_pool};
use support::figures::{COMPARISON, Figures, Tally};
use support::gate::Gate;
use support::identity::{IdentityArguments, hint, s_client};
use support::limits::{LimitArguments, Limits};
use support::pause::complete_handshake;
use support::report::{Milliseconds, Report, print_line};
use support::self_signed::NAME;
use support::socket::prepare;
use support::wrap::wrap;

/// Serves TLS 1.2 with RSA key transport; a few threads decrypt for all.
///
/// The pre-master secrets of several connections are decrypted as one batch.
///
/// The first line of output is `LISTENING host:port`; then a row of figures is
/// printed for each second in which something happened, and a summary at the end.
/// A job never waits for others: a batch is what has come during the one before.
/// Failures go to standard error. SIGTERM, SIGINT or --for end the server; a second
/// signal ends it at once. The exit status is 0 unless a client of --load failed.
///
/// No session is kept, so every handshake is a full one. The server tells each
/// client how its secret was decrypted, and closes the connection.
///
/// RSA key transport has no forward secrecy: anyone who obtains the key later can
/// decrypt every recorded connection. Use a key that serves nothing else.
#[derive(Parser)]
#[command(name = "offload_server", verbatim_doc_comment)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    #[command(flatten)]
    identity: IdentityArguments,

    /// How many threads decrypt [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// The most pre-master secrets that are decrypted together
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,

    /// Decrypt in batches of at most 1, 2, 4 and 8, a quarter of the time
    /// each
    #[arg(long, requires_all = ["load", "seconds"], conflicts_with = "batch", verbatim_doc_comment)]
    compare: bool,

    /// Decrypt where the handshake is done, without pause, queue and batches
    #[arg(long, conflicts_with_all = ["threads", "batch", "compare"], verbatim_doc_comment)]
    inline: bool,

    #[command(flatten)]
    limits: LimitArguments,

    /// Also run N clients, which connect again and again; the certificate
    /// must be for localhost
    #[arg(long, value_name = "N", default_value_t = 0, verbatim_doc_comment)]
    load: u16,

    /// End after this many seconds [default: at a signal]
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u32>,
}

impl Arguments {
    fn pool_threads(&self) -> io::Result<usize> {
        match (self.inline, self.threads) {
            (true, _) => Ok(0),
            (false, Some(threads)) => Ok(threads.into()),
            (false, None) => thread::available_parallelism().map(usize::from),
        }
    }

    /// What the server bears. The clients of `--load` have one address.
    fn limits(&self) -> io::Result<Limits> {
        let mut limits = self.limits.limits(WORKERS);
        if self.inline {
            limits.workers = thread::available_parallelism()?.into();
        }
        limits.handshakes = limits.handshakes.max(self.load.into());
        limits.per_address = limits.per_address.max(self.load.into());
        Ok(limits)
    }

    /// The time until the end, if it has one.
    fn period(&self) -> Option<Duration> {
        self.seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

/// The sizes that are compared.
const SIZES: [u16; 4] = [1, 2, 4, 8];

/// How many handshakes may ask the pool at one time.
const WORKERS: usize = 64;

/// The timeout for each read and write of a client, and for a decryption.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long connections in progress may go on at the end, and then take to end.
const GRACE: Duration = Duration::from_secs(2);

/// How long it takes at most to notice the end.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    exit_code(start(&Arguments::parse()))
}

fn start(arguments: &Arguments) -> Result<()> {
    let (certified, certificate_pem) = arguments.identity.certified::<Arguments>()?;
    let stop = stop_at_signal()?;
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    print_line(&format!("LISTENING {address}"));
    if let (Some(pem), 0) = (certificate_pem, arguments.load) {
        print_line(&hint(&pem, &s_client(address)));
    }

    let threads = arguments.pool_threads()?;
    let keys = certified.key().map(|key| (key.key_id(), Arc::clone(key)));
    // With room for all that can ask at one time.
    let (queue, worker) = decryption_pool(Keys::from_iter(keys), WORKERS);
    worker.limit(arguments.batch.into());
    let tally = Tally::default();
    thread::scope(|scope| {
        for worker in std::iter::repeat_n(worker.clone(), threads) {
            let tally = &tally;
            scope.spawn(move || {
                worker.run(|batch| tally.add().batch(batch.queued, batch.took));
            });
        }
        let service = Service {
            config: server_config(arguments, &certified)?,
            queue,
            tally: &tally,
        };
        let load = Load {
            address,
            config: client_config(&certified)?,
            stop: &stop,
        };
        // The workers end with the service, in which there is the queue.
        run(arguments, listener, &service, &worker, &load)
    })
}

/// Set at SIGTERM and SIGINT. Once it is set, they end the process at once.
fn stop_at_signal() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// A server that pauses for each pre-master secret, unless it is to decrypt them inline.
fn server_config(
    arguments: &Arguments,
    certified: &Arc<CertifiedKey>,
) -> Result<Arc<ServerConfig>> {
    let mut builder = ServerConfig::builder(Arc::clone(certified)).session_store(None);
    if !arguments.inline {
        builder = builder.offload_decryption();
    }
    Ok(Arc::new(builder.build()?))
}

/// A client that trusts the certificate and keeps no session.
fn client_config(certified: &CertifiedKey) -> Result<Arc<ClientConfig>> {
    let mut roots = RootStore::new();
    for certificate in certified.chain() {
        roots.add(certificate)?;
    }
    let builder = ClientConfig::builder(roots).session_store(None);
    Ok(Arc::new(builder.session_tickets(false).build()?))
}

/// Serves, and runs the clients of `--load`, until the end. When it returns, every connection has
/// ended.
fn run(
    arguments: &Arguments,
    listener: TcpListener,
    service: &Service<'_>,
    worker: &Worker,
    load: &Load<'_>,
) -> Result<()> {
    let limits = arguments.limits()?;
    let gate = Gate::new(arguments.limits.connections.into(), GRACE);
    let start = Instant::now();
    thread::scope(|scope| {
        let acceptor = scope.spawn(|| serve_each(listener, &gate, &limits, service));
        let clients: Vec<_> = (0..arguments.load).map(|_| scope.spawn(|| load.run())).collect();

        let clock = Clock {
            tally: service.tally,
            stop: load.stop,
        };
        let mut total = if arguments.compare {
            clock.compare(worker, arguments.period().unwrap_or_default())
        } else {
            clock.tell(arguments.period())
        };
        load.stop.store(true, Ordering::Relaxed);
        let results: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        let period = start.elapsed();
        gate.close(load.address);
        acceptor.join().ok().context("a connection panicked")?;

        total.add(&service.tally.take());
        print_line(&total.summary(period));
        results.into_iter().try_for_each(|result| {
            let result = result.ok().context("a client panicked")?;
            result.context("a client failed")
        })
    })
}

/// What prints while the connections are served.
struct Clock<'t> {
    tally: &'t Tally,
    stop: &'t AtomicBool,
}

impl Clock<'_> {
    /// Waits until a time, or the end.
    fn wait_until(&self, end: Instant) {
        while !self.stop.load(Ordering::Relaxed) && Instant::now() < end {
            thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Prints what happens, second by second, until the end; returns all of it.
    fn tell(&self, period: Option<Duration>) -> Figures {
        let start = Instant::now();
        let end = period.map(|period| start + period);
        let is_end =
            || self.stop.load(Ordering::Relaxed) || end.is_some_and(|end| Instant::now() >= end);
        let mut total = Figures::default();
        let mut told = start;
        while !is_end() {
            let second = told + Duration::from_secs(1);
            self.wait_until(end.map_or(second, |end| end.min(second)));
            let figures = self.tally.take();
            let period = told.elapsed();
            told += period;
            if !figures.is_empty() {
                if total.is_empty() {
                    print_line(&figures.heading());
                }
                print_line(&figures.row(start.elapsed(), period));
            }
            total.add(&figures);
        }
        total
    }

    /// Prints what happens with batches of each size; returns all of it.
    fn compare(&self, worker: &Worker, period: Duration) -> Figures {
        let mut total = Figures::default();
        print_line(COMPARISON);
        for most in SIZES.map(usize::from) {
            worker.limit(most);
            let start = Instant::now();
            self.wait_until(start + period / 4);
            let figures = self.tally.take();
            print_line(&figures.compared(most, start.elapsed()));
            total.add(&figures);
        }
        total
    }
}

/// What every connection is served with.
struct Service<'t> {
    config: Arc<ServerConfig>,
    queue: Queue,
    tally: &'t Tally,
}

/// A connection, and how its pre-master secret was decrypted.
struct Guest {
    stream: Stream<TcpStream>,
    decryption: Option<Decryption>,
}

impl acceptor::Service for Service<'_> {
    type Guest = Guest;

    fn admit(&self, socket: TcpStream, deadline: Instant) -> Guest {
        let mut stream = Stream::server(Arc::clone(&self.config), socket);
        stream.set_handshake_deadline(Some(deadline));
        Guest {
            stream,
            decryption: None,
        }
    }

    fn socket(guest: &Guest) -> &TcpStream {
        guest.stream.transport()
    }

    fn shake_hands(&self, guest: &mut Guest) -> io::Result<()> {
        let Guest { stream, decryption } = guest;
        complete_handshake(stream, |job| {
            let (reply, took) = self.queue.submit(job)?.wait(PATIENCE)?;
            *decryption = Some(Decryption {
                batch_size: reply.batch_size,
                queued: reply.queued,
                took,
            });
            Ok(reply.answer)
        })?;
        let paused = decryption.as_ref().map(|decryption| decryption.took);
        self.tally.add().handshake(paused);
        Ok(())
    }

    /// Serves one connection. A failure in it is reported.
    fn serve(&self, guest: &mut Guest, peer: SocketAddr, handshake: io::Result<()>) {
        let result = handshake.and_then(|()| converse(guest));
        if result.is_err() {
            self.tally.add().failures += 1;
            let report = Report::new(peer.to_string(), None, &result);
            eprintln!("{}", wrap(&report.to_text()));
        }
    }
}

/// A line about the handshake and the close.
fn converse(Guest { stream, decryption }: &mut Guest) -> io::Result<()> {
    match decryption {
        Some(Decryption {
            batch_size,
            queued,
            took,
        }) => writeln!(
            stream,
            "Your pre-master secret was decrypted in a batch of {batch_size}, after a wait of \
                 {}. The answer took {} in all.",
            Milliseconds(*queued),
            Milliseconds(*took),
        )?,
        None => writeln!(stream, "Your pre-master secret was decrypted inline.")?,
    }
    stream.close()
}

/// How a pre-master secret was decrypted.
struct Decryption {
    batch_size: usize,
    queued: Duration,
    took: Duration,
}

/// What every client of the load has.
struct Load<'s> {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    stop: &'s AtomicBool,
}

impl Load<'_> {
    /// Connects again and again until it is to stop, or fails.
    fn run(&self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            self.visit()?;
        }
        Ok(())
    }

    /// One connection: the handshake, the server's line, and the close.
    fn visit(&self) -> Result<()> {
        let socket = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        prepare(&socket, PATIENCE)?;
        let mut stream = Stream::client(Arc::clone(&self.config), NAME.try_into()?, socket)?;
        stream.complete_handshake()?;
        io::copy(&mut stream, &mut io::sink())?;
        // The server's line is complete, also if it does not wait for this answer.
        let _ = stream.close();
        Ok(())
    }
}
