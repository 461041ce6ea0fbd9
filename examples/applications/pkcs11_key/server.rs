//! The server, whose key the token has.

use crate::pool::Pool;
use crate::token::{RawBy, Token, TokenArguments};
use anyhow::{Context, Result};
use applications::acceptor::{self, serve_each};
use applications::cli::{or_usage_error, read_file};
use applications::gate::Gate;
use applications::limits::Limits;
use applications::report::{Report, print_line};
use applications::signals::stop_on_signal;
use applications::wrap::wrap;
use clap::Args;
use premaster::certificate::certificates_from_bytes;
use premaster::{CertifiedKey, ServerConfig, Stream};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct ServerArguments {
    #[command(flatten)]
    token: TokenArguments,

    /// The operation of the token that returns the decrypted number with its
    /// padding
    #[arg(long, value_enum, default_value_t = RawBy::Decrypt, verbatim_doc_comment)]
    raw_by: RawBy,

    /// The certificate chain of the key: PEM, DER or PKCS #7
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4433")]
    listen: SocketAddr,

    /// How long a handshake may take, the token's part included
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..))]
    handshake_timeout: u16,
}

/// The most connections at one time. The next is served when one of them ends.
const MAX_CONNECTIONS: usize = 256;

/// The longest wait for the peer.
const IDLE: Duration = Duration::from_secs(30);

/// How long connections in progress may go on at the end, and then take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until it is stopped.
pub fn run(arguments: &ServerArguments) -> Result<()> {
    let chain = certificates_from_bytes(&read_file::<crate::Arguments>(&arguments.cert));
    let chain = or_usage_error::<crate::Arguments, _>(chain, arguments.cert.display());
    let certificate = CertifiedKey::without_key(chain)?;
    let service = Service {
        pool: open(arguments, &certificate)?,
        config: Arc::new(
            ServerConfig::builder(Arc::new(certificate)).offload_decryption().build()?,
        ),
    };

    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let gate = Gate::new(MAX_CONNECTIONS, GRACE);
    stop_on_signal(Arc::clone(&gate), address)?;
    print_line(&format!("LISTENING {address}"));
    let limits = Limits {
        handshake: Duration::from_secs(arguments.handshake_timeout.into()),
        chance: Duration::from_millis(500),
        idle: IDLE,
        handshakes: 384,
        per_address: 64,
        // One for each that waits for the token, and some for what comes before and after.
        workers: arguments.token.threads() + 4,
    };
    serve_each(listener, &gate, &limits, &service);
    Ok(())
}

/// Opens the token, and checks what it can do before any client depends on it.
fn open(arguments: &ServerArguments, certificate: &CertifiedKey) -> Result<Pool> {
    let token = Token::find(&arguments.token, arguments.raw_by)?;
    token.check_raw()?;
    let session = token.open()?;
    let key = session.check_key(certificate.key_id())?;
    session.check_raw(&key)?;
    Pool::start(
        token,
        session,
        arguments.token.threads(),
        arguments.token.queue(),
    )
}

/// What every connection is served with.
struct Service {
    config: Arc<ServerConfig>,
    pool: Pool,
}

/// A connection, and when its handshake has to be complete.
struct Guest {
    stream: Stream<TcpStream>,
    deadline: Instant,
}

impl acceptor::Service for Service {
    type Guest = Guest;

    fn admit(&self, socket: TcpStream, deadline: Instant) -> Guest {
        let mut stream = Stream::server(Arc::clone(&self.config), socket);
        stream.set_handshake_deadline(Some(deadline));
        Guest { stream, deadline }
    }

    fn socket(guest: &Guest) -> &TcpStream {
        guest.stream.transport()
    }

    fn shake_hands(&self, guest: &mut Guest) -> io::Result<()> {
        self.pool.complete_handshake(&mut guest.stream, guest.deadline)
    }

    /// Serves one connection and prints its report. A failure in it affects no other.
    fn serve(&self, guest: &mut Guest, peer: SocketAddr, handshake: io::Result<()>) {
        let stream = &mut guest.stream;
        let result = handshake.and_then(|()| greet(stream));
        let session = stream.connection().session();
        let report = Report::new(peer.to_string(), session, &result);
        if !report.is_silent() {
            print_line(&wrap(&report.to_text()));
        }
    }
}

/// A line to the client and the close.
fn greet(stream: &mut Stream<TcpStream>) -> io::Result<()> {
    writeln!(stream, "My private key is in a token.")?;
    stream.close()
}
