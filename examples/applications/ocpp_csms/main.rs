//! A back end for charging stations: OCPP 2.0.1 over WebSocket, with client certificates.
//!
//! ```text
//! cargo run -p applications --example ocpp_csms -- --cert FILE --key FILE --client-ca FILE
//! ```
//!
//! It is what OCPP calls a charging station management system (CSMS) in its security profile 3, on
//! the side that requires `TLS_RSA_WITH_*`: A00.FR.318 has these two suites beside two with ECDHE,
//! which another TLS library serves; the example `dual_stack` shows how both share a port.
//!
//! `service` is a connection's way from its first byte to its last, `station` decides who a station
//! is, `presence` who is connected, and `desk` what a call is answered with.

mod desk;
mod message;
mod presence;
mod service;
mod station;

use anyhow::{Context, Result, ensure};
use applications::cli::{exit_code, or_usage_error, print_warnings, read_file, read_roots, suite};
use applications::report::print_line;
use applications::wrap::wrap;
use clap::Parser;
use premaster::certificate::Crls;
use premaster::tokio::{BatchDecryption, TlsAcceptor};
use premaster::{CertificatePolicy, CertifiedKey, CipherSuite, ClientAuth, ServerConfig, Tickets};
use service::{Limits, Service};
use station::Register;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Serves charging stations: OCPP 2.0.1, WebSocket, client certificates.
///
/// Answers BootNotification, Heartbeat and StatusNotification, and every other
/// action with the error NotImplemented. A station connects to the server's URL
/// with its identity behind it, as in wss://csms.example/CS-1. It must show a
/// certificate whose common name is its serial number.
///
/// The first line of output is `LISTENING host:port`. Then each line is an event,
/// with the station's identity or, before that is certain, its address. A line over
/// 80 columns continues on the next ones, indented. SIGTERM ends the server.
///
/// RSA key transport has no forward secrecy: anyone who obtains the key later can
/// decrypt every recorded connection. Use a key that serves nothing else.
#[derive(Parser)]
#[command(name = "ocpp_csms", verbatim_doc_comment)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,

    /// The server's certificate chain: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Certificates that a station's chain must lead to: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    client_ca: PathBuf,

    /// The CRLs of every CA in the stations' chains: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    client_crl: Option<PathBuf>,

    /// The organization (O) that a station's certificate must name: the
    /// operator, by OCPP's A00.FR.404 [default: not checked]
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    organization: Option<String>,

    /// The stations: a line each, its identity, a space, its serial number
    /// [default: any; the identity is the serial number]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    stations: Option<PathBuf>,

    /// The path of the URL in front of a station's identity
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,

    /// Cipher suites, IANA names, comma-separated, preferred first
    /// [default: the two that OCPP's A00.FR.318 requires]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',', verbatim_doc_comment)]
    suites: Option<Vec<CipherSuite>>,

    /// How often a station is to send a Heartbeat, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    heartbeat: u64,

    /// How long a station may send nothing, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    idle: u64,

    /// How long a station may take from connecting to being admitted, in
    /// seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        verbatim_doc_comment
    )]
    handshake: u64,

    /// The longest message that a station may send, in bytes
    #[arg(long, value_name = "N", default_value_t = 64 * 1024)]
    max_message: usize,

    /// The most stations at one time
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_stations: usize,

    /// The most connections at one time that are not admitted yet; others
    /// wait in the order in which they came
    #[arg(long, value_name = "N", default_value_t = 4_096, verbatim_doc_comment)]
    max_handshakes: usize,

    /// Print each Heartbeat, and peers that close without sending a byte
    #[arg(short, long)]
    verbose: bool,
}

/// "The CSMS SHALL support at least the following four cipher suites" (OCPP 2.0.1 part 2,
/// A00.FR.318), of which these are the ones with RSA key transport.
const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
];

/// How long a ticket key encrypts, and then how much longer it decrypts.
const TICKET_KEY_PERIOD: Duration = Duration::from_secs(2 * 60 * 60);

/// How many connections the system keeps that are not accepted yet. After an outage they all come
/// at once.
const BACKLOG: u32 = 4096;

/// How long to let connections end when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the stations may take to close after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    or_usage_error::<Arguments, _>(check(arguments), "invalid settings");
    let service = Arc::new(Service::new(
        acceptor(arguments),
        register(arguments),
        arguments.organization.clone(),
        limits(arguments),
        arguments.verbose,
    ));
    Runtime::new()?.block_on(serve(arguments, &service))
}

fn check(arguments: &Arguments) -> Result<()> {
    ensure!(
        arguments.idle > arguments.heartbeat,
        "--idle must be greater than --heartbeat"
    );
    ensure!(
        arguments.path.starts_with('/') && arguments.path.ends_with('/'),
        "--path must begin and end with a slash"
    );
    let bounds = [arguments.max_stations, arguments.max_handshakes];
    ensure!(
        bounds.iter().all(|most| (1..=Semaphore::MAX_PERMITS).contains(most)),
        "--max-stations and --max-handshakes must be at least 1"
    );
    Ok(())
}

fn limits(arguments: &Arguments) -> Limits {
    Limits {
        path: arguments.path.clone(),
        heartbeat: Duration::from_secs(arguments.heartbeat),
        idle: Duration::from_secs(arguments.idle),
        handshake: Duration::from_secs(arguments.handshake),
        max_message: arguments.max_message,
        max_stations: arguments.max_stations,
    }
}

fn register(arguments: &Arguments) -> Register {
    let Some(file) = &arguments.stations else {
        return Register::by_serial();
    };
    let bytes = read_file::<Arguments>(file);
    let text = or_usage_error::<Arguments, _>(String::from_utf8(bytes), file.display());
    or_usage_error::<Arguments, _>(Register::parse(&text), file.display())
}

/// Takes connections. After an outage all stations come back at once, so the key decrypts for
/// several of them together, on threads of its own.
fn acceptor(arguments: &Arguments) -> TlsAcceptor {
    let certified = certified(arguments);
    let key = certified.key().cloned();
    let config = config(arguments, certified);
    TlsAcceptor::from(Arc::new(config))
        .answerer(Arc::new(BatchDecryption::new(key)))
        .deadline(Duration::from_secs(arguments.handshake))
}

fn certified(arguments: &Arguments) -> CertifiedKey {
    let chain = read_file::<Arguments>(&arguments.cert);
    let key = zeroize::Zeroizing::new(read_file::<Arguments>(&arguments.key));
    let what = format!("{}, {}", arguments.cert.display(), arguments.key.display());
    or_usage_error::<Arguments, _>(CertifiedKey::from_bytes(&chain, &key), what)
}

fn config(arguments: &Arguments, certified: CertifiedKey) -> ServerConfig {
    let mut policy = CertificatePolicy::new(read_roots::<Arguments>(&arguments.client_ca));
    if let Some(file) = &arguments.client_crl {
        let lists = Crls::from_bytes(&read_file::<Arguments>(file));
        policy = policy.crls(or_usage_error::<Arguments, _>(lists, file.display()));
    }
    let suites = arguments.suites.as_deref().unwrap_or(&SUITES);
    let builder = ServerConfig::builder(Arc::new(certified))
        .suites(suites)
        .client_auth(ClientAuth::Require(policy))
        .tickets(Some(Arc::new(Tickets::rotating(TICKET_KEY_PERIOD))))
        .offload_decryption();
    print_warnings(&builder.warnings(), false);
    or_usage_error::<Arguments, _>(builder.build(), "invalid settings")
}

async fn serve(arguments: &Arguments, service: &Arc<Service>) -> Result<()> {
    let listener = listen(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    print_line(&format!("LISTENING {}", listener.local_addr()?));

    tokio::select! {
        () = accept_each(arguments.max_handshakes, listener, service, &stopped, &mut connections) => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }

    // The listener is closed now. What has not ended in time is cut.
    stop.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // So that a server that is started again need not wait for the last connections to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket.listen(BACKLOG)?)
}

/// Serves each connection in a task of its own. A bounded number of them at one time are not
/// admitted yet; those that come then wait in the system's queue, in order.
async fn accept_each(
    max_handshakes: usize,
    listener: TcpListener,
    service: &Arc<Service>,
    stopped: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    let doors = Arc::new(Semaphore::new(max_handshakes));
    // A semaphore that is never closed always gives a door.
    while let Ok(door) = Arc::clone(&doors).acquire_owned().await {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let service = Arc::clone(service);
                let stopped = stopped.clone();
                connections.spawn(async move { service.serve(socket, peer, door, stopped).await });
            }
            Err(error) => {
                eprintln!("{}", wrap(&format!("cannot accept a connection: {error}")));
                tokio::time::sleep(PAUSE).await;
            }
        }
        // Those that have ended are forgotten.
        while connections.try_join_next().is_some() {}
    }
}
