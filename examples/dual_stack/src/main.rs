//! A server whose port serves clients with rustls and old clients with RSA key transport, and a
//! client that connects to servers of both kinds.
//!
//! ```text
//! cargo run -p dual_stack
//! ```
//!
//! The reusable parts are [`server::Server`] and [`client::Client`]; the rest shows them at work, on
//! the loopback interface.

// These are shared with the examples of the library's own package.
#[path = "../../support/acceptor.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod acceptor;
#[path = "../../support/gate.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod gate;
#[path = "../../support/limits.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod limits;
#[path = "../../support/self_signed.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod self_signed;
#[path = "../../support/socket.rs"]
mod socket;
#[path = "../../support/wrap.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod wrap;

mod client;
mod server;

use acceptor::serve_each;
use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use client::{Client, Connected};
use gate::Gate;
use limits::Limits;
use premaster::pki_types::{PrivateKeyDer, ServerName};
use premaster::{ClientConfig, RootStore, ServerConfig, Stream};
use rustls::crypto::ring;
use self_signed::{NAME, self_signed};
use server::{Served, Server, Shared};
use socket::prepare;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Shows a server and a client for peers of both kinds: with TLS 1.3 by rustls, and
/// with RSA key transport alone by premaster.
///
/// Prints one line for each connection, and the exit status is 0 if each went as it
/// should. It needs no network but the loopback interface.
///
/// RSA key transport has no forward secrecy: it is for peers that support nothing
/// else.
#[derive(Parser)]
#[command(name = "dual_stack", verbatim_doc_comment)]
struct Arguments {}

/// The timeout for each read and write.
const PATIENCE: Duration = Duration::from_secs(10);

const LIMITS: Limits = Limits {
    handshake: Duration::from_secs(10),
    chance: Duration::from_millis(500),
    idle: PATIENCE,
    handshakes: 384,
    per_address: 64,
    workers: 2,
};

/// The most connections at one time.
const MAX_CONNECTIONS: usize = 64;

/// How long connections in progress could go on at the end, if the process did not end before.
const GRACE: Duration = Duration::from_secs(2);

/// An answer is not longer.
const ANSWER: u64 = 100;

fn main() -> Result<()> {
    Arguments::parse();
    let setting = Setting::new()?;
    for (what, line) in setting.show()? {
        println!("{what}:\n    {line}");
    }
    Ok(())
}

/// The configurations of both sides.
struct Setting {
    server: Arc<Server>,
    client: Client,
    /// A client that offers RSA key transport at once.
    old_client: Arc<ClientConfig>,
}

impl Setting {
    /// Makes two keys, and the configurations.
    fn new() -> Result<Self> {
        let signing = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let chain = vec![signing.cert.der().clone()];
        let key = PrivateKeyDer::try_from(signing.signing_key.serialize_der());
        let key = key.map_err(anyhow::Error::msg)?;
        let provider = Arc::new(ring::default_provider());
        let rustls_server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key)?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(chain.into_iter().next().context("no certificate")?)?;
        let rustls_client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();

        let decrypting = self_signed(2048)?;
        let roots = RootStore::from_pem(decrypting.certificate_pem.as_bytes())?;
        let premaster_server = ServerConfig::builder(Arc::new(decrypting.certified)).build()?;
        // A ClientHello that offers a session says nothing of a fallback (RFC 7507 section 4), so this
        // client keeps no sessions.
        let fallback = ClientConfig::builder(roots.clone()).fallback_scsv().session_store(None);
        Ok(Self {
            server: Arc::new(Server {
                rustls: Arc::new(rustls_server),
                premaster: Arc::new(premaster_server),
            }),
            client: Client {
                rustls: Arc::new(rustls_client),
                premaster: Arc::new(fallback.build()?),
            },
            old_client: Arc::new(ClientConfig::builder(roots).build()?),
        })
    }

    /// Makes each kind of connection, and returns what it was and how it went.
    fn show(&self) -> Result<Vec<(&'static str, String)>> {
        let dual = listen(Arc::clone(&self.server), Who::Both)?;
        let old = listen(Arc::clone(&self.server), Who::Old)?;
        let name = ServerName::try_from(NAME)?;
        let mut shown = Vec::new();

        let connected = self.client.connect(&name, || dial(dual))?;
        ensure!(
            matches!(connected, Connected::WithRustls(_)),
            "not by rustls"
        );
        shown.push(("new client, dual server", read_answer(connected)?));

        let stream = Stream::client(Arc::clone(&self.old_client), name.clone(), dial(dual)?)?;
        let connected = Connected::WithPremaster(Box::new(stream));
        shown.push(("old client, dual server", read_answer(connected)?));

        let connected = self.client.connect(&name, || dial(old))?;
        ensure!(
            matches!(connected, Connected::WithPremaster(_)),
            "no fallback"
        );
        shown.push(("dual client, old server", read_answer(connected)?));

        // Somebody in the middle makes the first attempt fail.
        let attempts = std::cell::Cell::new(0);
        let attacked = self.client.connect(&name, || {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 1 {
                cut()
            } else {
                dial(dual)
            }
        });
        match attacked {
            Err(error) if error.to_string().contains("inappropriate_fallback") => {
                let how = "refused by the server with the alert inappropriate_fallback";
                shown.push(("dual client, dual server, attacked", how.to_owned()));
            }
            Err(error) => return Err(error).context("the attack was not noticed by the server"),
            Ok(_) => bail!("the attack was not noticed"),
        }
        Ok(shown)
    }
}

/// Listens on the loopback interface, and serves on a thread of its own.
fn listen(server: Arc<Server>, who: Who) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let gate = Gate::new(MAX_CONNECTIONS, GRACE);
        serve_each(listener, &gate, &LIMITS, &Service { server, who });
    });
    Ok(address)
}

/// Which server it is.
#[derive(Clone, Copy)]
enum Who {
    Both,
    /// A server that has premaster alone.
    Old,
}

struct Service {
    server: Arc<Server>,
    who: Who,
}

/// A connection: its hello, and then the library that serves it.
struct Guest {
    socket: Shared,
    deadline: Instant,
    received: Vec<u8>,
    served: Option<Served>,
}

impl acceptor::Service for Service {
    type Guest = Guest;

    fn admit(&self, socket: TcpStream, deadline: Instant) -> Guest {
        let socket = Shared::new(socket);
        let served = match self.who {
            Who::Both => None,
            Who::Old => {
                let config = Arc::clone(&self.server.premaster);
                let stream = Stream::server(config, socket.clone());
                Some(Served::ByPremaster(Box::new(stream)))
            }
        };
        Guest {
            socket,
            deadline,
            received: Vec::new(),
            served,
        }
    }

    fn socket(guest: &Guest) -> &TcpStream {
        guest.socket.socket()
    }

    fn shake_hands(&self, guest: &mut Guest) -> io::Result<()> {
        if Instant::now() >= guest.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let served = match &mut guest.served {
            Some(served) => served,
            none => none.insert(self.server.accept(&guest.socket, &mut guest.received)?),
        };
        match served {
            Served::ByRustls(stream) => {
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                Ok(())
            }
            Served::ByPremaster(stream) => stream.complete_handshake(),
            Served::RefusedFallback => Err(io::Error::other("the client fell back")),
        }
    }

    fn serve(&self, guest: &mut Guest, _: SocketAddr, handshake: io::Result<()>) {
        // A refused first attempt is a part of what is shown.
        let _ = handshake.and_then(|()| tell(guest));
    }
}

/// Tells the client which library serves it, and what was agreed.
fn tell(guest: &mut Guest) -> io::Result<()> {
    match &mut guest.served {
        Some(Served::ByRustls(stream)) => {
            let version = match stream.conn.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            };
            let suite = stream.conn.negotiated_cipher_suite();
            let suite = suite.and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
            write!(stream, "served by rustls, {version}, {suite}")?;
            stream.conn.send_close_notify();
            stream.flush()
        }
        Some(Served::ByPremaster(stream)) => {
            let session = stream.connection().session();
            let suite = session.map(|session| session.cipher_suite());
            let suite = suite.ok_or(io::ErrorKind::NotConnected)?;
            write!(stream, "served by premaster, TLS 1.2, {suite}")?;
            stream.close()
        }
        Some(Served::RefusedFallback) | None => Ok(()),
    }
}

/// Reads what the server tells.
fn read_answer(connected: Connected) -> Result<String> {
    let mut answer = String::new();
    match connected {
        Connected::WithRustls(stream) => stream.take(ANSWER).read_to_string(&mut answer)?,
        Connected::WithPremaster(stream) => stream.take(ANSWER).read_to_string(&mut answer)?,
    };
    Ok(answer)
}

fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    prepare(&socket, PATIENCE)?;
    Ok(socket)
}

/// A connection that somebody cuts at once.
fn cut() -> io::Result<TcpStream> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = dial(listener.local_addr()?)?;
    drop(listener.accept()?);
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use premaster::{ClientHello, Connection, Event, Peeked};

    #[test]
    fn each_connection_goes_as_it_should() {
        let shown = Setting::new().unwrap().show().unwrap();
        let [new, old, fallback, attacked] = &shown[..] else {
            panic!("{shown:?}");
        };
        assert!(new.1.starts_with("served by rustls, TLS 1.3, "), "{new:?}");
        for (what, answer) in [old, fallback] {
            let expected = "served by premaster, TLS 1.2, TLS_RSA_WITH_AES_";
            assert!(answer.starts_with(expected), "{what}: {answer}");
        }
        assert!(
            attacked.1.contains("inappropriate_fallback"),
            "{attacked:?}"
        );
    }

    /// A ClientHello of TLS 1.2 with these suites and nothing else.
    fn hello(suites: &[u16]) -> ClientHello {
        let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let suites_length = u8::try_from(suites.len()).unwrap();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &[0, 0, suites_length],
            &suites,
            &[1, 0],
        ]
        .concat();
        let length = u8::try_from(body.len()).unwrap();
        let header = [22, 3, 1, 0, length + 4, 1, 0, 0, length];
        match ClientHello::peek(&[&header[..], &body].concat()) {
            Ok(Peeked::Hello(hello)) => hello,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_rustls_cannot_serve_is_for_premaster() {
        let server = Setting::new().unwrap().server;
        for (suites, by_rustls) in [
            (&[0x009c][..], false),
            // DHE, and RSA with an export cipher: old, but not RSA key transport alone.
            (&[0x009e, 0x0003, 0x009c], false),
            (&[0x009c, 0xc02f], true),
            // TLS 1.3's suite without its version.
            (&[0x1301, 0x009c], false),
        ] {
            assert_eq!(
                server.rustls_can_serve(&hello(suites)),
                by_rustls,
                "{suites:x?}"
            );
        }
    }

    /// A client with rustls and TLS 1.2 alone is served by rustls, with ECDHE.
    #[test]
    fn tls_1_2_with_forward_secrecy_is_served_by_rustls() {
        let setting = Setting::new().unwrap();
        let address = listen(Arc::clone(&setting.server), Who::Both).unwrap();
        let mut config = rustls::ClientConfig::clone(&setting.client.rustls);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate(&setting)).unwrap();
        config = rustls::ClientConfig::builder_with_provider(Arc::clone(config.crypto_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client {
            rustls: Arc::new(config),
            premaster: Arc::clone(&setting.client.premaster),
        };
        let name = ServerName::try_from(NAME).unwrap();
        let connected = client.connect(&name, || dial(address)).unwrap();
        let answer = read_answer(connected).unwrap();
        assert!(
            answer.contains("TLS 1.2") && answer.contains("ECDHE"),
            "{answer}"
        );
    }

    /// The certificate that rustls presents.
    fn certificate(setting: &Setting) -> premaster::pki_types::CertificateDer<'static> {
        let address = listen(Arc::clone(&setting.server), Who::Both).unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let Connected::WithRustls(stream) =
            setting.client.connect(&name, || dial(address)).unwrap()
        else {
            panic!("not by rustls");
        };
        stream.conn.peer_certificates().unwrap()[0].clone()
    }

    /// A certificate that is not trusted is an error of the first attempt, and no reason for a second.
    #[test]
    fn a_bad_certificate_is_no_reason_to_fall_back() {
        let setting = Setting::new().unwrap();
        let address = listen(Arc::clone(&setting.server), Who::Both).unwrap();
        let other = ServerName::try_from("other.example").unwrap();
        let attempts = std::cell::Cell::new(0);
        let result = setting.client.connect(&other, || {
            attempts.set(attempts.get() + 1);
            dial(address)
        });
        assert!(result.is_err());
        assert_eq!(attempts.get(), 1);
    }

    /// Bytes that are no TLS are answered with an alert.
    #[test]
    fn what_is_no_hello_gets_an_alert() {
        let setting = Setting::new().unwrap();
        let address = listen(Arc::clone(&setting.server), Who::Both).unwrap();
        let mut socket = dial(address).unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut alert = [0; 7];
        socket.read_exact(&mut alert).unwrap();
        assert_eq!(alert[..6], [21, 3, 3, 0, 2, 2]);
    }

    /// The hello of the second attempt, in front of an old server, is that of an ordinary client.
    #[test]
    fn an_old_server_accepts_the_second_attempt() {
        let setting = Setting::new().unwrap();
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let name = ServerName::try_from(NAME).unwrap();
        let config = Arc::clone(&setting.client.premaster);
        Connection::client(config, name, &mut to_server).unwrap();
        let mut server = Connection::server(Arc::clone(&setting.server.premaster));
        let received = server.receive(&mut to_server, &mut to_client);
        assert!(matches!(received.unwrap().event, Event::NeedData));
    }
}
