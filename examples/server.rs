//! A TLS 1.2 server that many clients can talk to at once: a small page for a browser, or an echo.
//!
//! ```text
//! cargo run --example server
//! ```
//!
//! Each connection has a thread once its handshake is complete, whose whole work is
//! `Service::converse`. The rest is what a server needs around that: peers that waste its time keep
//! nobody out (`support/acceptor.rs` says how), one line for each connection, and an orderly end.

mod support;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use premaster::certificate::{CertificateSet, CertificatesByName};
use premaster::protocol::{EncryptThenMac, ExtendedMasterSecret, Preference};
use premaster::{CipherSuite, ServerConfig, Stream};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use support::acceptor::{self, caught, serve_first};
use support::cli::{exit_code, or_usage_error, print_warnings, suite};
use support::client_auth::ClientAuthArguments;
use support::gate::Gate;
use support::http::{self, Head, MAX_HEAD};
use support::identity::{hint, s_client};
use support::key_log::KeyLogFile;
use support::limits::LimitArguments;
use support::report::{Report, agreed, print_line};
use support::server_certificates::CertificateArguments;
use support::server_sessions::SessionArguments;
use support::signals::stop_on_signal;
use support::wrap::wrap;

/// Serves TLS 1.2 with RSA key transport, many connections at once.
///
/// The first line of output is `LISTENING host:port`. Then each connection is
/// reported when it ends: the peer, and what was agreed or what failed. A line over
/// 80 columns continues on the next ones, indented. SIGTERM ends the server.
///
/// RSA key transport has no forward secrecy: anyone who obtains the key later can
/// decrypt every recorded connection. Use a key that serves nothing else.
#[derive(Parser)]
#[command(name = "server", verbatim_doc_comment)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4433")]
    listen: SocketAddr,

    #[command(flatten)]
    certificates: CertificateArguments,

    #[command(flatten)]
    client_auth: ClientAuthArguments,

    /// What to send to clients
    #[arg(long, value_enum, default_value_t = Reply::Http)]
    reply: Reply,

    /// The length of the page in bytes, with `--reply http`
    /// [default: the length of its text]
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    body_size: Option<u64>,

    /// Cipher suites, IANA names, comma-separated, preferred first
    /// [default: all]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',', verbatim_doc_comment)]
    suites: Option<Vec<CipherSuite>>,

    /// Use CBC suites with encrypt-then-MAC alone (RFC 7366)
    #[arg(long)]
    encrypt_then_mac: bool,

    /// Follow the client's order of suites instead of the server's
    #[arg(long)]
    client_order: bool,

    /// Application protocols (ALPN), comma-separated, preferred first; a
    /// client that offers only others is refused [default: none]
    #[arg(
        long,
        value_name = "NAME,..",
        value_delimiter = ',',
        verbatim_doc_comment
    )]
    alpn: Vec<String>,

    /// Use of the extended master secret (RFC 7627)
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Ems::On)]
    ems: Ems,

    /// The most bytes that a client may put into a record, if it supports
    /// record_size_limit (RFC 8449)
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    record_size_limit: Option<u16>,

    #[command(flatten)]
    sessions: SessionArguments,

    #[command(flatten)]
    limits: LimitArguments,

    /// Append the secrets to this file, for Wireshark; they decrypt the
    /// traffic
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    keylog: Option<PathBuf>,

    /// Serve one connection, then exit
    #[arg(long)]
    once: bool,

    /// Report also peers that close without sending a byte, as the probes of
    /// load balancers do
    #[arg(short, long, verbatim_doc_comment)]
    verbose: bool,

    /// Print each connection's report as a JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reply {
    /// One page for one HTTP request
    Http,
    /// The client's data, one record for each
    Echo,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ems {
    /// For clients that support it
    On,
    /// For no client
    Off,
    /// For every client; others are refused
    Require,
}

impl From<Ems> for ExtendedMasterSecret {
    fn from(ems: Ems) -> Self {
        match ems {
            Ems::On => Self::Optional,
            Ems::Off => Self::Off,
            Ems::Require => Self::Required,
        }
    }
}

/// How long connections in progress may go on after SIGTERM, and then take to end.
const GRACE: Duration = Duration::from_secs(2);

/// The most application data in one record
/// ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).
const MAX_PLAINTEXT: usize = 1 << 14;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let (certificates, made) = arguments.certificates.load::<Arguments>()?;
    let service = Service {
        config: Arc::new(config(arguments, certificates)),
        reply: arguments.reply,
        body_size: arguments.body_size,
        verbose: arguments.verbose,
        json: arguments.json,
    };
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let gate = Gate::new(arguments.limits.connections.into(), GRACE);
    stop_on_signal(Arc::clone(&gate), address)?;

    print_line(&format!("LISTENING {address}"));
    if let Some(pem) = made {
        print_hint(arguments, address, &pem);
    }
    let count = if arguments.once { 1 } else { usize::MAX };
    let limits = arguments.limits.limits(thread::available_parallelism()?.into());
    serve_first(count, listener, &gate, &limits, &service);
    Ok(())
}

fn config(arguments: &Arguments, certificates: CertificateSet) -> ServerConfig {
    let alpn: Vec<_> = arguments.alpn.iter().map(String::as_bytes).collect();
    let certificates = Arc::new(CertificatesByName::new(certificates));
    let mut builder = ServerConfig::builder_with_resolver(certificates)
        .alpn_protocols(&alpn)
        .extended_master_secret(arguments.ems.into());
    builder = arguments.client_auth.apply::<Arguments>(builder);
    if let Some(suites) = &arguments.suites {
        builder = builder.suites(suites);
    }
    if arguments.encrypt_then_mac {
        builder = builder.encrypt_then_mac(EncryptThenMac::Required);
    }
    if arguments.client_order {
        builder = builder.suite_preference(Preference::Client);
    }
    if let Some(limit) = arguments.record_size_limit {
        builder = builder.record_size_limit(limit);
    }
    builder = or_usage_error::<Arguments, _>(arguments.sessions.apply(builder), "--ticket-key");
    if let Some(file) = &arguments.keylog {
        let log = or_usage_error::<Arguments, _>(KeyLogFile::append(file), file.display());
        builder = builder.key_log(log);
    }
    print_warnings(&builder.warnings(), arguments.json);
    or_usage_error::<Arguments, _>(builder.build(), "invalid settings")
}

/// Prints the self-signed certificate and a command to try; to standard error if the output is
/// JSON.
fn print_hint(arguments: &Arguments, address: SocketAddr, certificate_pem: &str) {
    let request = match arguments.reply {
        Reply::Http => "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | \\\n    ",
        Reply::Echo => "",
    };
    let certificate = if arguments.client_auth.is_required() {
        " -cert FILE -key FILE"
    } else {
        ""
    };
    let command = format!("{request}{}{certificate}", s_client(address));
    let hint = hint(certificate_pem, &command);
    if arguments.json {
        eprintln!("{hint}");
    } else {
        print_line(&hint);
    }
}

/// What every connection is served with.
struct Service {
    config: Arc<ServerConfig>,
    reply: Reply,
    body_size: Option<u64>,
    verbose: bool,
    json: bool,
}

impl acceptor::Service for Service {
    type Guest = Stream<TcpStream>;

    fn admit(&self, socket: TcpStream, deadline: Instant) -> Self::Guest {
        let mut stream = Stream::server(Arc::clone(&self.config), socket);
        stream.set_handshake_deadline(Some(deadline));
        stream
    }

    fn socket(stream: &Self::Guest) -> &TcpStream {
        stream.transport()
    }

    fn shake_hands(&self, stream: &mut Self::Guest) -> io::Result<()> {
        stream.complete_handshake()
    }

    fn serve(&self, stream: &mut Self::Guest, peer: SocketAddr, handshake: io::Result<()>) {
        let result = handshake.and_then(|()| caught(|| self.converse(stream)));
        let report = Report::new(peer.to_string(), stream.connection().session(), &result);
        if report.is_silent() && !self.verbose {
            return;
        }
        print_line(&if self.json {
            report.to_json()
        } else {
            wrap(&report.to_text())
        });
    }
}

impl Service {
    /// The answer and the close.
    fn converse(&self, stream: &mut Stream<TcpStream>) -> io::Result<()> {
        match self.reply {
            Reply::Http => self.answer_http(stream)?,
            Reply::Echo => echo(stream)?,
        }
        stream.close()
    }

    /// Answers one request, for any path, with what was agreed.
    fn answer_http(&self, stream: &mut Stream<TcpStream>) -> io::Result<()> {
        match http::read_head(&mut BufReader::new(&mut *stream))? {
            Head::Complete => {}
            Head::Closed => return Ok(()),
            Head::TooLong => {
                stream.close()?;
                let cause = format!("the request is longer than {MAX_HEAD} bytes");
                return Err(io::Error::other(cause));
            }
        }
        let text = stream
            .connection()
            .session()
            .map(|session| format!("{}\n", wrap(&agreed(session))))
            .unwrap_or_default();
        let text_length = text.len() as u64;
        let length = self.body_size.unwrap_or(text_length);

        // Gathers the answer into whole records; a small one is one record.
        let mut out = BufWriter::with_capacity(MAX_PLAINTEXT, stream);
        out.write_all(http::ok(length).as_bytes())?;
        io::copy(&mut text.as_bytes().take(length), &mut out)?;
        let padding = io::repeat(b'.').take(length.saturating_sub(text_length));
        io::copy(
            &mut BufReader::with_capacity(MAX_PLAINTEXT, padding),
            &mut out,
        )?;
        out.flush()
    }
}

/// Sends each record's data back in a record of its own, until the peer closes.
fn echo(stream: &mut Stream<TcpStream>) -> io::Result<()> {
    // A read gives the data of one record at most, and there is room for all of it.
    let mut data = [0; MAX_PLAINTEXT];
    loop {
        match stream.read(&mut data)? {
            0 => return Ok(()),
            count => stream.write_all(&data[..count])?,
        }
    }
}
