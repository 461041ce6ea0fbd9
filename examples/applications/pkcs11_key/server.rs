//! The server, whose key the token has.

use crate::pool::Pool;
use crate::token::{RawBy, Token, TokenArguments};
use anyhow::{Context, Result};
use applications::acceptor::serve_each;
use applications::cli::{or_usage_error, read_file};
use applications::gate::{Gate, stop_on_signal};
use applications::report::{Report, print_line};
use applications::timed::Timed;
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
        handshake: Duration::from_secs(arguments.handshake_timeout.into()),
    };

    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let gate = Gate::new(MAX_CONNECTIONS, GRACE);
    stop_on_signal(Arc::clone(&gate), address)?;
    print_line(&format!("LISTENING {address}"));
    serve_each(listener, &gate, |socket, peer| service.serve(socket, peer));
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
    handshake: Duration,
}

impl Service {
    /// Serves one connection and prints its report. A failure in it affects no other.
    fn serve(&self, socket: &TcpStream, peer: SocketAddr) {
        let transport = match Timed::new(socket, IDLE, self.handshake) {
            Ok(transport) => transport,
            Err(error) => {
                print_line(&wrap(
                    &Report::new(peer.to_string(), None, &Err(error)).to_text(),
                ));
                return;
            }
        };
        let mut stream = Stream::server(Arc::clone(&self.config), transport);
        let result = self.converse(&mut stream);
        let session = stream.connection().session();
        let report = Report::new(peer.to_string(), session, &result);
        if !report.is_silent() {
            print_line(&wrap(&report.to_text()));
        }
    }

    /// The handshake, a line to the client and the close.
    fn converse(&self, stream: &mut Stream<Timed<'_>>) -> io::Result<()> {
        let deadline = stream.transport().deadline().unwrap_or_else(Instant::now);
        self.pool.complete_handshake(stream, deadline)?;
        stream.transport_mut().lift_deadline();
        writeln!(stream, "My private key is in a token.")?;
        stream.close()
    }
}
