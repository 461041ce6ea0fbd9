//! A TLS 1.2 client: fetches a page, or connects standard input and output to a server.
//!
//! ```text
//! cargo run --example client -- localhost:4433 --ca ca.pem --get /
//! ```
//!
//! The two ways show the library's two interfaces: `--get` uses a [`Stream`], which reads and
//! writes like the socket it wraps; standard input and output use a [`Connection`], which moves no
//! bytes by itself (`support/pipe.rs`).

mod support;

use clap::Parser;
use premaster::pki_types::ServerName;
use premaster::{
    CipherSuite, ClientConfig, Connection, RootStore, SecureRenegotiation, SessionInfo, Stream,
};
use std::io::{self, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use support::cli::{or_usage_error, suite};
use support::http::{self, Head};
use support::key_log::KeyLogFile;
use support::pipe::pipe;
use support::report::Report;

/// Talks to a server over TLS 1.2 with RSA key transport.
///
/// Sends standard input to the server and what the server sends to standard output, or fetches one
/// page with --get. The exit status is 0 if the server closed the connection cleanly, so that
/// nothing can be missing; 1 if it did not or TLS failed, with the reason on standard error; 2 for
/// a wrong argument.
///
/// RSA key transport has no forward secrecy: whoever gets the server's key later reads every
/// recorded connection.
#[derive(Parser)]
#[command(name = "client", verbatim_doc_comment)]
struct Arguments {
    /// The server
    #[arg(value_name = "HOST:PORT")]
    target: Target,

    /// Certificates, PEM, that the server's chain must lead to, or its own self-signed one
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,

    /// The name or IP address that the server's certificate must be valid for [default: HOST]
    #[arg(long)]
    name: Option<String>,

    /// Cipher suites by IANA name, comma-separated, preferred first [default: all]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',')]
    suites: Option<Vec<CipherSuite>>,

    /// Accept a server that does not know secure renegotiation (RFC 5746)
    #[arg(long)]
    no_secure_renegotiation: bool,

    /// Fetch this path with HTTP/1.0 and write the body to standard output
    #[arg(long, value_name = "PATH")]
    get: Option<String>,

    /// Append the secrets to this file, for Wireshark; whoever has them reads the traffic
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,

    /// Say on standard error what was agreed
    #[arg(short, long)]
    verbose: bool,

    /// Say it, or what failed, as a JSON object
    #[arg(long)]
    json: bool,
}

/// Where to connect.
#[derive(Clone)]
struct Target {
    host: String,
    port: u16,
}

impl FromStr for Target {
    type Err = &'static str;

    /// `host:port`, an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or("a port is missing")?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| "not a port number")?,
        })
    }
}

/// How long the server may be silent when it is its turn.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = Arc::new(config(&arguments));
    let name = arguments.name.as_ref().unwrap_or(&arguments.target.host);
    let name = or_usage_error::<Arguments, _>(ServerName::try_from(name.clone()), name);

    let mut session = None;
    let result = connect(&arguments.target).and_then(|socket| match &arguments.get {
        Some(path) => get(config, name, &socket, path, &mut session),
        None => talk(config, name, &socket, &mut session),
    });

    let Target { host, port } = &arguments.target;
    let report = Report::new(format!("{host}:{port}"), session.as_ref(), &result);
    if arguments.json {
        eprintln!("{}", report.to_json());
    } else if arguments.verbose || result.is_err() {
        eprintln!("{}", report.to_text());
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn config(arguments: &Arguments) -> ClientConfig {
    let ca = arguments.ca.display();
    let pem = or_usage_error::<Arguments, _>(std::fs::read(&arguments.ca), &ca);
    let roots = or_usage_error::<Arguments, _>(RootStore::from_pem(&pem), &ca);
    let mut builder = ClientConfig::builder(roots);
    if let Some(suites) = &arguments.suites {
        builder = builder.suites(suites);
    }
    if arguments.no_secure_renegotiation {
        builder = builder.secure_renegotiation(SecureRenegotiation::Optional);
    }
    if let Some(file) = &arguments.keylog {
        let log = or_usage_error::<Arguments, _>(KeyLogFile::append(file), file.display());
        builder = builder.key_log(log);
    }
    or_usage_error::<Arguments, _>(builder.build(), "these settings do not work")
}

/// Connects to the first of the host's addresses that answers.
fn connect(target: &Target) -> io::Result<TcpStream> {
    let mut last_error = io::Error::other("the host has no address");
    for address in (target.host.as_str(), target.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Fetches a path and writes the body to standard output.
fn get(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: &TcpStream,
    path: &str,
    session: &mut Option<SessionInfo>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let request = http::get(path, &name.to_str());
    let mut stream = Stream::client(config, name, socket).map_err(io::Error::other)?;
    stream.complete_handshake()?;
    *session = stream.connection().session().cloned();

    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    match http::read_head(&mut reader)? {
        Head::Complete => {}
        Head::Closed => return Err(io::Error::other("the answer ends in its head")),
        Head::TooLong => return Err(io::Error::other("the head of the answer is too long")),
    }
    // Ends at the server's close_notify; without one it is an error.
    let mut out = io::stdout().lock();
    io::copy(&mut reader, &mut out)?;
    out.flush()
}

/// Connects standard input and output to the server.
fn talk(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: &TcpStream,
    session: &mut Option<SessionInfo>,
) -> io::Result<()> {
    let mut hello = Vec::new();
    let mut connection = Connection::client(config, name, &mut hello).map_err(io::Error::other)?;
    let result = pipe(&mut connection, hello, socket, PATIENCE);
    *session = connection.session().cloned();
    result
}
