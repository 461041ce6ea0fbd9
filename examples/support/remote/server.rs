//! The process that talks to clients, without the key.

use super::key::RemoteKey;
use crate::support::acceptor::{self, serve_each};
use crate::support::gate::Gate;
use crate::support::limits::Limits;
use crate::support::pause::complete_handshake;
use crate::support::process::when_stdin_ends;
use crate::support::report::{Report, print_line};
use crate::support::signals::stop_on_signal;
use crate::support::wrap::wrap;
use anyhow::{Context, Result};
use clap::Args;
use premaster::pki_types::CertificateDer;
use premaster::pki_types::pem::PemObject;
use premaster::private_key::DecryptPreMasterSecret;
use premaster::{Answer, CertifiedKey, ServerConfig, Stream};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct ServerArguments {
    /// The certificate chain, PEM, leaf first
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The socket of the signer
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,

    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4433")]
    listen: SocketAddr,

    /// Give the library no key: its handshakes pause, and the server asks the
    /// signer at each pause
    #[arg(long, verbatim_doc_comment)]
    pause: bool,

    /// Leave long lines whole, for another program to read
    #[arg(long)]
    wide: bool,

    /// End at the end of standard input, too, and so with the parent process
    #[arg(long)]
    until_eof: bool,
}

/// The most connections at one time.
const MAX_CONNECTIONS: usize = 64;

const LIMITS: Limits = Limits {
    handshake: Duration::from_secs(10),
    chance: Duration::from_millis(500),
    idle: Duration::from_secs(10),
    handshakes: 384,
    per_address: 64,
    // So many may ask the signer at one time.
    workers: 16,
};

/// How long connections in progress may go on at the end, and then take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until it is stopped.
pub fn run(arguments: &ServerArguments) -> Result<()> {
    let service = Service::of(arguments)?;
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let gate = Gate::new(MAX_CONNECTIONS, GRACE);
    stop_on_signal(Arc::clone(&gate), address)?;
    if arguments.until_eof {
        let gate = Arc::clone(&gate);
        when_stdin_ends(move || gate.close(address));
    }
    print_line(&format!("LISTENING {address}"));
    serve_each(listener, &gate, &LIMITS, &service);
    Ok(())
}

/// What every connection is served with.
struct Service {
    config: Arc<ServerConfig>,
    key: Arc<RemoteKey>,
    print: fn(&str),
}

fn print_wrapped(line: &str) {
    print_line(&wrap(line));
}

impl Service {
    fn of(arguments: &ServerArguments) -> Result<Self> {
        let cert = &arguments.cert;
        let chain = read_chain(cert).with_context(|| cert.display().to_string())?;
        let without_key = CertifiedKey::without_key(chain.clone())?;
        let signer = arguments.socket.clone();
        let print = if arguments.wide {
            print_line
        } else {
            print_wrapped
        };
        let key = Arc::new(RemoteKey::at(signer, without_key.key_id(), print));
        let builder = if arguments.pause {
            ServerConfig::builder(Arc::new(without_key)).offload_decryption()
        } else {
            let certified = CertifiedKey::with_key(chain, Arc::clone(&key) as _)?;
            ServerConfig::builder(Arc::new(certified))
        };
        let config = Arc::new(builder.build()?);
        Ok(Self { config, key, print })
    }

    /// A line to the client and the close.
    fn converse(stream: &mut Stream<TcpStream>) -> io::Result<()> {
        writeln!(
            stream,
            "I am process {}; my private key is in another process.",
            process::id()
        )?;
        stream.close()
    }

    /// Answers a pause. It may be done at any time and by any thread; this one has
    /// nothing else to do. If the signer fails, the handshake does, by its Finished.
    fn answer(&self, job: DecryptPreMasterSecret) -> Answer {
        let raw = self.key.decrypt_raw(job.ciphertext());
        job.answer(raw.ok().map(|mut raw| std::mem::take(&mut *raw)))
    }
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
        complete_handshake(stream, |job| Ok(self.answer(job)))
    }

    /// Serves one connection and prints its line.
    fn serve(&self, stream: &mut Self::Guest, peer: SocketAddr, handshake: io::Result<()>) {
        let result = handshake.and_then(|()| Self::converse(stream));
        let session = stream.connection().session();
        (self.print)(&Report::new(peer.to_string(), session, &result).to_text());
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Result<_, _> = CertificateDer::pem_file_iter(path)?.collect();
    Ok(chain?)
}
