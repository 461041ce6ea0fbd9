//! Two server processes that resume each other's sessions, which they keep in a Redis database.
//!
//! ```text
//! redis-server --bind 127.0.0.1 --port 6379 --save '' --appendonly no
//! cargo run -p redis_store
//! ```
//!
//! The reusable part is [`RedisStore`]; the rest shows it at work: this process starts itself twice
//! more as servers, which share nothing but the certificate and the database, and connects to both.

// These are shared with the examples of the library's own package.
#[path = "../../support/acceptor.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod acceptor;
#[path = "../../support/cli.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod cli;
#[path = "../../support/gate.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod gate;
#[path = "../../support/json.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod json;
#[path = "../../support/limits.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod limits;
#[path = "../../support/process.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod process;
#[path = "../../support/self_signed.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod self_signed;
#[path = "../../support/socket.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod socket;
#[path = "../../support/wrap.rs"]
#[allow(dead_code, reason = "each example uses its own part")]
mod wrap;

use acceptor::{caught, serve_each};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use cli::{exit_code, or_usage_error};
use gate::Gate;
use limits::Limits;
use premaster::pki_types::UnixTime;
use premaster::session::{NotResumed, Resumption, StoredSession};
use premaster::{CertifiedKey, ClientConfig, RootStore, ServerConfig, SessionStore, Stream};
use process::{Process, when_stdin_ends};
use redis::{Cmd, FromRedisValue, RedisResult};
use self_signed::{NAME, SelfSigned, self_signed};
use socket::prepare;
use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wrap::wrap;
use zeroize::Zeroizing;

/// Shows two servers that resume each other's TLS sessions from a Redis database.
///
/// Prints one line for each connection. The exit status is 0 if both servers
/// resumed the session that the other one had made, and also if no Redis server
/// answers; 1 if a session was not resumed.
///
/// RSA key transport has no forward secrecy, and anyone who reads the session store
/// can decrypt the connections: protect it like the private key.
#[derive(Parser)]
#[command(name = "redis_store", verbatim_doc_comment)]
struct Arguments {
    /// Address of the Redis server
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6379")]
    redis: String,

    /// Be one of the servers
    #[arg(long, hide = true)]
    serve: bool,
}

/// The timeout for each read and write.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let store = RedisStore::at(&arguments.redis);
    let store = or_usage_error::<Arguments, _>(store, "--redis");
    if arguments.serve {
        serve(store)
    } else {
        show(&arguments.redis, &store)
    }
}

/// Sessions in a Redis database, which the servers of a fleet share.
///
/// **The database then holds the master secrets of all sessions, in clear.** Anyone who reads it,
/// on the network, in its memory or from its files, can decrypt the connections, and anyone who
/// writes to it can impersonate a client. Protect the database and the network path to it like the
/// servers' private key, and do not let it write to disk; or use tickets with shared keys, which
/// need no shared store. The `redis` crate does not wipe the memory that sessions go through.
///
/// A database that is slow or down costs full handshakes and nothing else. After a failure it is
/// left alone for [`RedisStore::PAUSE`], so that handshakes do not all wait for it in turn. If it
/// is down when a session is to be removed, that session stays until it expires.
///
/// All threads share one connection and take turns; a busy server has a pool of them.
struct RedisStore {
    client: redis::Client,
    link: Mutex<Link>,
}

/// The connection to the database.
enum Link {
    Up(redis::Connection),
    /// None; not to be tried before this time.
    Down(Instant),
}

impl RedisStore {
    /// In front of the session IDs, so that others can use the database too.
    const PREFIX: &[u8] = b"premaster:session:";

    /// How long a handshake waits for the database, for each of connecting, writing and reading.
    const TIMEOUT: Duration = Duration::from_millis(250);

    const PAUSE: Duration = Duration::from_secs(1);

    /// A store in the database at `address`, `host:port`. Connects when it is needed.
    fn at(address: &str) -> RedisResult<Self> {
        Ok(Self {
            client: redis::Client::open(format!("redis://{address}"))?,
            link: Mutex::new(Link::Down(Instant::now())),
        })
    }

    /// Checks that the database answers.
    fn ping(&self) -> RedisResult<()> {
        redis::cmd("PING").exec(&mut self.connect()?)
    }

    fn connect(&self) -> RedisResult<redis::Connection> {
        let connection = self.client.get_connection_with_timeout(Self::TIMEOUT)?;
        connection.set_read_timeout(Some(Self::TIMEOUT))?;
        connection.set_write_timeout(Some(Self::TIMEOUT))?;
        Ok(connection)
    }

    /// What the database answers; `None` if it fails.
    fn run<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        match self.run_over(&mut link, command)? {
            Ok(answer) => Some(answer),
            Err(_) => {
                *link = Link::Down(Instant::now() + Self::PAUSE);
                None
            }
        }
    }

    /// `None` during the pause.
    fn run_over<T: FromRedisValue>(
        &self,
        link: &mut Link,
        command: &Cmd,
    ) -> Option<RedisResult<T>> {
        if let Link::Down(until) = link {
            if Instant::now() < *until {
                return None;
            }
            match self.connect() {
                Ok(connection) => *link = Link::Up(connection),
                Err(error) => return Some(Err(error)),
            }
        }
        match link {
            Link::Up(connection) => Some(command.query(connection)),
            Link::Down(_) => None,
        }
    }

    fn key(session_id: &[u8]) -> Vec<u8> {
        [Self::PREFIX, session_id].concat()
    }
}

/// A value is the time at which the session expires, in seconds since 1970 as eight bytes, and the
/// session. Redis drops it when that time has come by its own clock, the store when it has by the
/// server's.
impl SessionStore for RedisStore {
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime) {
        let expires = session.expires().as_secs();
        let left = expires.saturating_sub(now.as_secs());
        if left == 0 {
            return self.remove(key);
        }
        let value = [&expires.to_be_bytes(), session.as_bytes()].concat();
        let value = Zeroizing::new(value);
        let mut command = redis::cmd("SET");
        command.arg(Self::key(key)).arg(value.as_slice());
        command.arg("EX").arg(left);
        self.run::<()>(&command);
    }

    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
        let mut command = redis::cmd("GET");
        command.arg(Self::key(key));
        let value: Option<Vec<u8>> = self.run(&command)?;
        let value = Zeroizing::new(value?);
        let (expires, session) = value.split_first_chunk()?;
        let expires = Duration::from_secs(u64::from_be_bytes(*expires));
        let expires = UnixTime::since_unix_epoch(expires);
        (now < expires).then(|| StoredSession::new(session.to_vec(), expires))
    }

    fn remove(&self, key: &[u8]) {
        let mut command = redis::cmd("DEL");
        command.arg(Self::key(key));
        self.run::<()>(&command);
    }
}

/// Starts two servers and has each resume a session that the other has made.
fn show(redis: &str, store: &RedisStore) -> Result<()> {
    if let Err(error) = store.ping() {
        let text = format!(
            "This example needs a Redis server, but none answers at {redis} ({error}). Start one \
             with:\n  redis-server --bind 127.0.0.1 --port 6379 --save '' --appendonly no"
        );
        println!("{}", wrap(&text));
        return Ok(());
    }
    // A session is resumed only under the certificate that it was made under.
    let identity = self_signed(2048)?;
    let a = Server::start("A", redis, &identity)?;
    let b = Server::start("B", redis, &identity)?;
    for [first, second] in [[&a, &b], [&b, &a]] {
        // A client without a session.
        let client = client(&identity)?;
        let full = Resumption::Full(NotResumed::NothingOffered);
        visit(first, &client, full)?;
        visit(second, &client, Resumption::SessionId)?;
    }
    println!("Each server resumed a session that the other one had made.");
    Ok(())
}

fn client(identity: &SelfSigned) -> Result<Arc<ClientConfig>> {
    let roots = RootStore::from_pem(identity.certificate_pem.as_bytes())?;
    Ok(Arc::new(ClientConfig::builder(roots).build()?))
}

/// Connects, and prints how the handshake went.
fn visit(server: &Server, config: &Arc<ClientConfig>, expected: Resumption) -> Result<()> {
    /// A process id is not longer.
    const ANSWER: u64 = 20;

    let socket = TcpStream::connect_timeout(&server.address, PATIENCE)?;
    prepare(&socket, PATIENCE)?;
    let mut stream = Stream::client(Arc::clone(config), NAME.try_into()?, socket)?;
    let mut answer = String::new();
    Read::by_ref(&mut stream).take(ANSWER).read_to_string(&mut answer)?;
    stream.close()?;

    let session = stream.connection().session().context("no session")?;
    let resumption = session.resumption();
    let outcome = match resumption {
        Resumption::Full(reason) => format!("a full handshake, {reason}"),
        Resumption::SessionId => "resumed by its session ID".to_owned(),
        Resumption::Ticket => "resumed by a ticket".to_owned(),
    };
    println!("server {}, process {answer}: {outcome}", server.name);
    ensure!(answer == server.process.id().to_string(), "another server");
    ensure!(resumption == expected, "expected {expected:?}");
    Ok(())
}

/// One of the two servers, until it is dropped.
struct Server {
    name: &'static str,
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts this program once more, and waits until it listens.
    fn start(name: &'static str, redis: &str, identity: &SelfSigned) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve", "--redis", redis]);
        let mut process = Process::start(&mut command)?;
        write_identity(identity, process.stdin()?)?;
        let address = process.next_line_after("LISTENING ")?.parse()?;
        Ok(Self {
            name,
            process,
            address,
        })
    }
}

/// One of the servers: answers each connection with the id of its process.
fn serve(store: RedisStore) -> Result<()> {
    let identity = read_identity(&mut io::stdin().lock())?;
    let builder = ServerConfig::builder(Arc::new(identity));
    let config = builder.session_store(Some(Arc::new(store))).build()?;
    let config = Arc::new(config);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("LISTENING {}", listener.local_addr()?);
    // It ends with its parent process, however that ends.
    when_stdin_ends(|| std::process::exit(0));
    let gate = Gate::new(MAX_CONNECTIONS, GRACE);
    serve_each(listener, &gate, &LIMITS, &Service { config });
    Ok(())
}

/// The most connections at one time.
const MAX_CONNECTIONS: usize = 64;

/// How long connections in progress could go on at the end, if the process did not end with its parent.
const GRACE: Duration = Duration::from_secs(2);

const LIMITS: Limits = Limits {
    handshake: Duration::from_secs(10),
    chance: Duration::from_millis(500),
    idle: Duration::from_secs(10),
    handshakes: 384,
    per_address: 64,
    // So many may ask the database at one time.
    workers: 8,
};

struct Service {
    config: Arc<ServerConfig>,
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

    fn serve(&self, stream: &mut Self::Guest, _: SocketAddr, handshake: io::Result<()>) {
        if let Err(error) = handshake.and_then(|()| caught(|| answer(stream))) {
            eprintln!("{}", wrap(&error.to_string()));
        }
    }
}

fn answer(stream: &mut Stream<TcpStream>) -> io::Result<()> {
    write!(stream, "{}", std::process::id())?;
    stream.close()?;
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other("the client sent data")),
    }
}

/// The longest certificate and key that a server reads, in bytes.
const MAX_IDENTITY: u64 = 16 * 1024;

/// Hands a server the certificate and key of both, and an empty line. Not an argument and not a
/// file: only the reader sees it.
fn write_identity(identity: &SelfSigned, writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(identity.certificate_pem.as_bytes())?;
    writer.write_all(identity.key_pem.as_bytes())?;
    writer.write_all(b"\n")?;
    writer.flush()
}

fn read_identity(reader: &mut impl BufRead) -> Result<CertifiedKey> {
    let mut reader = reader.take(MAX_IDENTITY);
    let mut pem = Zeroizing::new(String::new());
    while !pem.ends_with("\n\n") {
        ensure!(reader.read_line(&mut pem)? > 0, "no certificate and key");
    }
    Ok(CertifiedKey::from_pem(pem.as_bytes(), pem.as_bytes())?)
}
