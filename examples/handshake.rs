//! A whole TLS 1.2 connection in one command, with nothing to prepare: a client and a server in
//! this process, over loopback TCP, each step explained.
//!
//! ```text
//! cargo run --example handshake -- --resume
//! ```

mod support;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use premaster::{
    CertifiedKey, CipherSuite, ClientAuth, ClientConfig, RootStore, ServerConfig, SessionInfo,
    Stream, Tickets,
};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use support::cli::{exit_code, or_usage_error, suite};
use support::ladder::{Ladder, Saved};
use support::self_signed::{self, self_signed, self_signed_client};
use support::socket::prepare;
use support::wire::Tap;

/// Shows a TLS 1.2 handshake with RSA key transport, step by step.
///
/// Makes a key and a certificate, runs a client and a server in this process over
/// loopback TCP, and prints each step: the message, its size on the wire, its
/// purpose, what was agreed, and how long it took.
#[derive(Parser)]
#[command(name = "handshake", verbatim_doc_comment)]
struct Arguments {
    /// The length of the server's RSA key in bits; 4096 and more take a while
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u16).range(2048..=8192))]
    bits: u16,

    /// Cipher suites that the client offers, IANA names, comma-separated
    /// [default: all]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',', verbatim_doc_comment)]
    suites: Option<Vec<CipherSuite>>,

    /// Connect a second time, resume the session, and show what that saves
    #[arg(long)]
    resume: bool,

    /// Resume by session ticket instead of by session ID
    #[arg(long, requires = "resume")]
    ticket: bool,

    /// Authenticate the client, too, by a certificate
    #[arg(long)]
    client_auth: bool,
}

const CLIENT_SAYS: &str = "Hello, server.";
const SERVER_SAYS: &str = "Hello, client.";

/// The length of the client's RSA key.
const CLIENT_BITS: usize = 2048;

/// The timeout for each read and write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than this process runs.
const TICKET_KEY_PERIOD: Duration = Duration::from_secs(60 * 60);

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let server = Arc::new(self_signed(arguments.bits.into())?.certified);
    let client = arguments.client_auth.then(|| self_signed_client(CLIENT_BITS));
    let client = client.transpose()?.map(|made| Arc::new(made.certified));
    let configs = Configs {
        client: Arc::new(client_config(arguments, &server, client.clone())?),
        server: Arc::new(server_config(arguments, server, client.as_deref())?),
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "A client and a server in this process. The server's RSA key of {} bits and its\n\
         self-signed certificate were made for this run{}, in {} ms.\n\n\
         Warning: RSA key transport has no forward secrecy. Anyone who obtains the\n\
         server's key, at any time, can decrypt every connection that was ever recorded.\n\n\
         Sizes are those of the TLS records, in bytes. Times are measured at the client;\n\
         records that arrive together show almost no time of their own.\n",
        arguments.bits,
        if arguments.client_auth {
            ",\nand so were the client's"
        } else {
            ""
        },
        start.elapsed().as_millis(),
    )?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let full = connect(&listener, &configs)?;
    let resumed = arguments.resume.then(|| connect(&listener, &configs));
    let resumed = resumed.transpose()?;

    write!(out, "{full}")?;
    if let Some(resumed) = &resumed {
        ensure!(resumed.is_resumed(), "the session was not resumed");
        let saved = Saved {
            full: &full,
            resumed,
        };
        write!(
            out,
            "\nThe same client connects again and resumes the session.\n\n{resumed}\n{saved}"
        )?;
    }
    Ok(())
}

/// The configurations of both sides.
struct Configs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// A client that trusts the server's certificate, and may have one of its own.
fn client_config(
    arguments: &Arguments,
    server: &CertifiedKey,
    own: Option<Arc<CertifiedKey>>,
) -> Result<ClientConfig> {
    let mut builder = ClientConfig::builder(roots(server)?);
    if let Some(own) = own {
        builder = builder.certificate(own);
    }
    if let Some(suites) = &arguments.suites {
        builder = builder.suites(suites);
    }
    Ok(or_usage_error::<Arguments, _>(builder.build(), "--suites"))
}

/// A server that requires a client certificate if the client has one, and issues tickets if clients
/// are to resume by ticket.
fn server_config(
    arguments: &Arguments,
    own: Arc<CertifiedKey>,
    client: Option<&CertifiedKey>,
) -> Result<ServerConfig> {
    let client_auth = match client {
        Some(client) => ClientAuth::Require(roots(client)?.into()),
        None => ClientAuth::None,
    };
    let tickets = || Arc::new(Tickets::rotating(TICKET_KEY_PERIOD));
    Ok(ServerConfig::builder(own)
        .client_auth(client_auth)
        .tickets(arguments.ticket.then(tickets))
        .build()?)
}

/// A root store with this certificate alone.
fn roots(certified: &CertifiedKey) -> Result<RootStore> {
    let mut roots = RootStore::new();
    for certificate in certified.chain() {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// Runs both sides of one connection, and returns what passed as a ladder.
fn connect(listener: &TcpListener, configs: &Configs) -> Result<Ladder> {
    let address = listener.local_addr()?;
    let listener = listener.try_clone()?;
    let config = Arc::clone(&configs.server);
    let server = thread::spawn(move || serve(&listener, config));
    let (stream, handshake_steps) = converse(address, Arc::clone(&configs.client))?;
    let server_session = server.join().ok().context("the server panicked")??;

    let session = stream.connection().session().context("no session")?;
    Ok(Ladder {
        session: session.clone(),
        server_session,
        records: stream.transport().records().to_vec(),
        handshake_steps,
        client_says: CLIENT_SAYS,
        server_says: SERVER_SAYS,
    })
}

/// The server's side: answers one message, waits for the close, and answers that too.
fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> Result<SessionInfo> {
    let (socket, _) = listener.accept()?;
    prepare(&socket, PATIENCE)?;
    let mut stream = Stream::server(config, socket);
    let mut message = [0; CLIENT_SAYS.len()];
    stream.read_exact(&mut message)?;
    stream.write_all(SERVER_SAYS.as_bytes())?;
    ensure!(
        stream.read(&mut message)? == 0,
        "unexpected data after the message"
    );
    stream.close()?;
    stream.connection().session().cloned().context("no session")
}

/// The client's side, up to the server's close: its stream, and how many records the handshake was.
fn converse(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> Result<(Stream<Tap<TcpStream>>, usize)> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    prepare(&socket, PATIENCE)?;
    let name = self_signed::NAME.try_into()?;
    let mut stream = Stream::client(config, name, Tap::new(socket))?;
    stream.complete_handshake()?;
    let handshake_steps = stream.transport().records().len();

    stream.write_all(CLIENT_SAYS.as_bytes())?;
    let mut message = [0; SERVER_SAYS.len()];
    stream.read_exact(&mut message)?;
    stream.close()?;
    ensure!(
        stream.read(&mut message)? == 0,
        "unexpected data after the message"
    );
    Ok((stream, handshake_steps))
}
