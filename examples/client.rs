//! A TLS 1.2 client: fetches a page, or connects standard input and output to a server.
//!
//! ```text
//! cargo run --example client -- localhost:4433 --ca ca.pem --get /
//! cargo run --example client -- mail.example:587 --ca ca.pem --starttls smtp
//! ```
//!
//! The two ways show the library's two interfaces: `--get` uses a [`Stream`], which reads and
//! writes like the socket it wraps; standard input and output use a [`Connection`], which moves no
//! bytes by itself (`support/pipe.rs`).

mod support;

use clap::{Parser, ValueEnum};
use premaster::pki_types::ServerName;
use premaster::protocol::{EncryptThenMac, MaxFragmentLength, Renegotiation, SecureRenegotiation};
use premaster::{
    CipherSuite, ClientConfig, ClientConfigBuilder, Connection, SessionInfo, Stream, server_name,
};
use std::io::{self, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use support::cli::{or_usage_error, print_warnings, suite};
use support::http::{self, Head};
use support::identity::{PasswordArguments, read_pairs};
use support::key_log::KeyLogFile;
use support::pipe::pipe;
use support::report::Report;
use support::session_file::SessionFile;
use support::starttls::{self, Protocol};
use support::trust::{self, TrustArguments, WaiverArguments};
use support::wrap::wrap;

/// Talks to a server over TLS 1.2 with RSA key transport.
///
/// Copies standard input to the server and the server's data to standard output, or
/// fetches one page with --get. The exit status is 0 if the server closed the
/// connection cleanly, so that no data can be missing; 1 if it did not or TLS
/// failed, with the reason on standard error; 2 for a wrong argument.
///
/// RSA key transport has no forward secrecy: anyone who obtains the server's key
/// later can decrypt every recorded connection.
#[derive(Parser)]
#[command(name = "client", verbatim_doc_comment)]
struct Arguments {
    /// The server
    #[arg(value_name = "HOST:PORT")]
    target: Target,

    /// Ask for TLS in plain text first, as servers of this protocol require
    ///
    /// Nothing that the server said before TLS counts afterwards: ask again
    /// for what it supports.
    #[arg(long, value_enum, value_name = "PROTOCOL", verbatim_doc_comment)]
    starttls: Option<Protocol>,

    #[command(flatten)]
    trust: TrustArguments,

    /// The name or IP address that the server's certificate must be valid for
    /// [default: HOST]
    #[arg(long, verbatim_doc_comment)]
    name: Option<String>,

    /// A certificate chain, PEM, DER or PKCS #7, for servers that ask for one
    ///
    /// May be given several times, each with its --key. The client sends one
    /// that the server's request allows, or none.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    cert: Vec<PathBuf>,

    /// The RSA private key of the certificate: PEM or DER
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,

    #[command(flatten)]
    password: PasswordArguments,

    /// Send a certificate even if none is from a CA that the server lists
    #[arg(long)]
    ignore_requested_authorities: bool,

    /// Sign with SHA-1 for a server that accepts no better algorithm
    #[arg(long)]
    sign_with_sha1: bool,

    /// Settings for a kind of server; the other options adjust them
    #[arg(long, value_enum, value_name = "NAME")]
    profile: Option<Profile>,

    /// Cipher suites, IANA names, comma-separated, preferred first
    /// [default: all]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',', verbatim_doc_comment)]
    suites: Option<Vec<CipherSuite>>,

    /// With a CBC suite, refuse a server without encrypt-then-MAC (RFC 7366)
    #[arg(long)]
    encrypt_then_mac: bool,

    /// Accept a server that does not support secure renegotiation (RFC 5746)
    #[arg(long)]
    no_secure_renegotiation: bool,

    /// Let the server renegotiate, for example to ask for --cert later: with
    /// the same certificate, or with any that is valid for the name
    #[arg(long, value_enum, value_name = "WITH", verbatim_doc_comment)]
    renegotiation: Option<WithCertificate>,

    /// Application protocols (ALPN), comma-separated, preferred first
    /// [default: none]
    #[arg(
        long,
        value_name = "NAME,..",
        value_delimiter = ',',
        verbatim_doc_comment
    )]
    alpn: Vec<String>,

    /// Ask for records of at most 512, 1024, 2048 or 4096 bytes in both
    /// directions (RFC 6066)
    #[arg(long, value_name = "N", value_parser = max_fragment, verbatim_doc_comment)]
    max_fragment: Option<MaxFragmentLength>,

    /// Accept no session tickets; sessions resume by ID, if the server keeps
    /// them
    #[arg(long, verbatim_doc_comment)]
    no_ticket: bool,

    /// Keep the session in this file, for the next run to resume
    ///
    /// The file holds the master secret in clear: anyone who reads it can
    /// decrypt the connections. It is created with mode 0600; a file that is
    /// open to others, or is not a session file, is refused. It has room for
    /// one session.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    session_file: Option<PathBuf>,

    /// Connect N more times in turn, and report whether the session was
    /// resumed
    ///
    /// With --get, each connection fetches the page. Without it, each
    /// connection closes after its handshake, and standard input is not read.
    /// A connection that fails is the last one.
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    reconnect: Option<u16>,

    /// Fetch this path with HTTP/1.0 and write the body to standard output
    #[arg(long, value_name = "PATH")]
    get: Option<String>,

    /// Append the secrets to this file, for Wireshark; they decrypt the
    /// traffic
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    keylog: Option<PathBuf>,

    /// Report on standard error what was agreed
    #[arg(short, long)]
    verbose: bool,

    /// Report it, or what failed, as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    waivers: WaiverArguments,
}

/// What a server shows when it renegotiates.
#[derive(Clone, Copy, ValueEnum)]
enum WithCertificate {
    SameCertificate,
    SameName,
}

impl From<WithCertificate> for Renegotiation {
    fn from(with: WithCertificate) -> Self {
        match with {
            WithCertificate::SameCertificate => Self::SameCertificate,
            WithCertificate::SameName => Self::SameName,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// OCPP 2.0.1: the common name must be the server's name
    #[value(name = "ocpp_2_0_1")]
    Ocpp201,
    /// Old devices: no secure renegotiation or EMS required
    #[value(name = "bmc_gcm")]
    BmcGcm,
    /// Old devices: CBC suites behind AES-GCM
    #[value(name = "legacy_cbc")]
    LegacyCbc,
    /// Secure renegotiation and EMS required, no session kept
    Strict,
}

impl Profile {
    fn apply(self, builder: ClientConfigBuilder) -> ClientConfigBuilder {
        match self {
            Self::Ocpp201 => builder.ocpp_2_0_1(),
            Self::BmcGcm => builder.bmc_gcm(),
            Self::LegacyCbc => builder.legacy_cbc(),
            Self::Strict => builder.strict(),
        }
    }
}

/// Parses `--max-fragment`.
fn max_fragment(bytes: &str) -> Result<MaxFragmentLength, &'static str> {
    match bytes {
        "512" => Ok(MaxFragmentLength::L512),
        "1024" => Ok(MaxFragmentLength::L1024),
        "2048" => Ok(MaxFragmentLength::L2048),
        "4096" => Ok(MaxFragmentLength::L4096),
        _ => Err("not 512, 1024, 2048 or 4096"),
    }
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
        let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| "not a port number")?,
        })
    }
}

/// The timeout for the server's next bytes, and for all that it says before TLS.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = Arc::new(config(&arguments));
    let name = arguments.name.as_ref().unwrap_or(&arguments.target.host);
    let name = or_usage_error::<Arguments, _>(server_name(name), "the server's name");

    for _ in 0..=arguments.reconnect.unwrap_or(0) {
        if converse(&arguments, &config, &name).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn config(arguments: &Arguments) -> ClientConfig {
    let policy = arguments.trust.policy::<Arguments>();
    let mut builder = ClientConfig::builder(arguments.waivers.apply(policy));
    let password = &arguments.password;
    for certified in read_pairs::<Arguments>(&arguments.cert, &arguments.key, password) {
        builder = builder.certificate(certified);
    }
    print_warnings(&builder.warnings(), arguments.json);
    if arguments.ignore_requested_authorities {
        builder = builder.ignore_requested_authorities();
    }
    if arguments.sign_with_sha1 {
        builder = builder.sign_with_sha1();
    }
    if let Some(profile) = arguments.profile {
        builder = profile.apply(builder);
    }
    if let Some(suites) = &arguments.suites {
        builder = builder.suites(suites);
    }
    if arguments.encrypt_then_mac {
        builder = builder.encrypt_then_mac(EncryptThenMac::Required);
    }
    if let Some(with) = arguments.renegotiation {
        builder = builder.accept_renegotiation(with.into());
    }
    if arguments.no_secure_renegotiation {
        builder = builder.secure_renegotiation(SecureRenegotiation::Optional);
    }
    if !arguments.alpn.is_empty() {
        let names: Vec<_> = arguments.alpn.iter().map(String::as_bytes).collect();
        builder = builder.alpn_protocols(&names);
    }
    if let Some(length) = arguments.max_fragment {
        builder = builder.max_fragment_length(length);
    }
    if arguments.no_ticket {
        builder = builder.session_tickets(false);
    }
    if let Some(file) = &arguments.session_file {
        let store = or_usage_error::<Arguments, _>(SessionFile::open(file), file.display());
        builder = builder.session_store(Some(store));
    }
    if let Some(file) = &arguments.keylog {
        let log = or_usage_error::<Arguments, _>(KeyLogFile::append(file), file.display());
        builder = builder.key_log(log);
    }
    or_usage_error::<Arguments, _>(builder.build(), "invalid settings")
}

/// Makes one connection and reports its outcome.
fn converse(
    arguments: &Arguments,
    config: &Arc<ClientConfig>,
    name: &ServerName<'static>,
) -> io::Result<()> {
    let (config, name) = (Arc::clone(config), name.clone());
    let mut session = None;
    let result =
        connect(arguments).and_then(|socket| match (&arguments.get, arguments.reconnect) {
            (Some(path), _) => get(config, name, &socket, path, &mut session),
            (None, Some(_)) => handshake_only(config, name, &socket, &mut session),
            (None, None) => talk(config, name, &socket, &mut session),
        });

    let Target { host, port } = &arguments.target;
    let report = Report::new(format!("{host}:{port}"), session.as_ref(), &result);
    let report = report.naming_flags(trust::flag);
    if arguments.json {
        eprintln!("{}", report.to_json());
    } else if arguments.verbose || arguments.reconnect.is_some() || result.is_err() {
        eprintln!("{}", wrap(&report.to_text()));
    }
    result
}

/// Connects to the first of the host's addresses that answers, up to where TLS begins.
fn connect(arguments: &Arguments) -> io::Result<TcpStream> {
    let socket = dial(&arguments.target)?;
    if let Some(protocol) = arguments.starttls {
        starttls::ask(protocol, &socket, PATIENCE)?;
    }
    Ok(socket)
}

fn dial(target: &Target) -> io::Result<TcpStream> {
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
    let request = http::get(path, &name.to_str());
    let mut stream = establish(config, name, socket, session)?;
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    match http::read_head(&mut reader)? {
        Head::Complete => {}
        Head::Closed => return Err(io::Error::other("the response ends inside its header")),
        Head::TooLong => return Err(io::Error::other("the response header is too long")),
    }
    // Ends at the server's close_notify; without one it is an error.
    let mut out = io::stdout().lock();
    io::copy(&mut reader, &mut out)?;
    // The response is complete, also if the server does not wait for this answer.
    let _ = reader.get_mut().close();
    out.flush()
}

/// Closes after the handshake, and waits for the server to do the same.
fn handshake_only(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: &TcpStream,
    session: &mut Option<SessionInfo>,
) -> io::Result<()> {
    let mut stream = establish(config, name, socket, session)?;
    stream.close()?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

/// A stream over the socket, with the handshake done.
fn establish<'s>(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: &'s TcpStream,
    session: &mut Option<SessionInfo>,
) -> io::Result<Stream<&'s TcpStream>> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut stream = Stream::client(config, name, socket).map_err(io::Error::other)?;
    stream.complete_handshake()?;
    *session = stream.connection().session().cloned();
    Ok(stream)
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
