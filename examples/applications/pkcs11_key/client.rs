//! The client, whose certificate's key the token has.

use crate::pool::Pool;
use crate::token::{RawBy, Token, TokenArguments};
use anyhow::{Context, Result, anyhow};
use applications::cli::{or_usage_error, read_file, read_roots};
use applications::http;
use applications::report::Report;
use applications::timed::Timed;
use applications::wrap::wrap;
use clap::Args;
use premaster::certificate::certificates_from_bytes;
use premaster::pki_types::ServerName;
use premaster::{CertifiedKey, ClientConfig, Stream};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct ClientArguments {
    #[command(flatten)]
    token: TokenArguments,

    /// The server
    #[arg(long, value_name = "HOST:PORT")]
    connect: String,

    /// The name in the server's certificate [default: the host]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Certificates that the server's chain must lead to
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,

    /// The client's certificate chain: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The path to ask for
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
}

/// How long the handshake may take, and before it the connection.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The longest wait for the server.
const IDLE: Duration = Duration::from_secs(30);

/// The longest answer that is printed, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

pub fn run(arguments: &ClientArguments) -> Result<()> {
    let chain = certificates_from_bytes(&read_file::<crate::Arguments>(&arguments.cert));
    let chain = or_usage_error::<crate::Arguments, _>(chain, arguments.cert.display());
    let certificate = CertifiedKey::without_key(chain)?;
    let host = arguments.connect.rsplit_once(':').map_or("", |(host, _)| host);
    let name = arguments.name.as_deref().unwrap_or(host).to_owned();
    let name = or_usage_error::<crate::Arguments, _>(ServerName::try_from(name), "--name");

    let token = Token::find(&arguments.token, RawBy::Decrypt)?;
    let session = token.open()?;
    session.check_key(certificate.key_id())?;
    let pool = Pool::start(token, session, 1, 1)?;
    let config = ClientConfig::builder(read_roots::<crate::Arguments>(&arguments.ca))
        .certificate(Arc::new(certificate))
        .offload_signing()
        .build()?;

    let socket = dial(&arguments.connect)?;
    let transport = Timed::new(&socket, IDLE, HANDSHAKE)?;
    let mut stream = Stream::client(Arc::new(config), name, transport)?;
    let request = http::get(&arguments.path, host);
    let result = converse(&mut stream, &pool, &request);
    let session = stream.connection().session();
    let report = Report::new(arguments.connect.clone(), session, &result).to_text();
    result.map_err(|_| anyhow!(report.clone()))?;
    eprintln!("{}", wrap(&report));
    Ok(())
}

fn dial(server: &str) -> Result<TcpStream> {
    let mut failure = None;
    for address in server.to_socket_addrs().with_context(|| server.to_owned())? {
        match TcpStream::connect_timeout(&address, HANDSHAKE) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = Some(error),
        }
    }
    let error = failure.unwrap_or_else(|| io::ErrorKind::NotFound.into());
    Err(error).with_context(|| format!("cannot connect to {server}"))
}

/// The handshake, a request, and the server's answer.
fn converse(stream: &mut Stream<Timed<'_>>, pool: &Pool, request: &str) -> io::Result<()> {
    let deadline = stream.transport().deadline().unwrap_or_else(Instant::now);
    pool.complete_handshake(stream, deadline)?;
    stream.transport_mut().lift_deadline();
    stream.write_all(request.as_bytes())?;
    io::copy(
        &mut Read::by_ref(stream).take(MAX_ANSWER),
        &mut io::stdout(),
    )?;
    stream.close()
}
