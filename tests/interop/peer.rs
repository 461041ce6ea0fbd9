//! An outside TLS implementation, and how a connection with it comes about.

use crate::exchange::expect_success;
use crate::facts::Facts;
use crate::files::Files;
use premaster::protocol::{AlertDescription, SignatureScheme};
use premaster::{CipherSuite, ClientConfigBuilder, ServerConfigBuilder, Stream};
use premaster_testing::name;
use premaster_testing::program::{Ended, Program};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// What a program offers or accepts.
#[derive(Clone, Copy, Debug)]
pub enum Offer {
    /// What it does when it is told nothing.
    Defaults,
    /// TLS 1.2 with this suite alone.
    Suite(CipherSuite),
    /// TLS 1.2 with this suite alone, one with CBC, and without encrypt-then-MAC.
    MacThenEncrypt(CipherSuite),
    /// TLS 1.2 with RSA key transport, and client certificates with this algorithm alone.
    Signature(SignatureScheme),
    /// TLS 1.2 with ephemeral keys alone.
    Ephemeral,
    Tls11,
    Tls13,
}

/// What a program is told to do.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub offer: Offer,
    pub client_certificate: ClientCertificate,
    pub sessions: Option<Sessions>,
    pub extension: Option<Extension>,
}

/// A client's certificate, which a client has unless it is [`ClientCertificate::None`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// A server does not ask for one.
    None,
    /// A server asks for one and goes on without.
    Requested,
    /// A server drops a client that has none.
    Required,
}

/// How a program resumes. One that does also says of each connection what was agreed, and wants
/// what [`crate::facts`] names.
#[derive(Clone, Copy, Debug)]
pub struct Sessions {
    /// Without tickets it uses session IDs.
    pub tickets: bool,
    pub extended_master_secret: bool,
    /// A client makes several connections, one after the other, and resumes its first session.
    pub reconnect: bool,
}

/// What a program asks for if it is a client, and grants if it is a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// 512 bytes.
    MaxFragmentLength,
    /// A client has [`RECORD_SIZE_LIMIT`], a server has none.
    RecordSizeLimit,
    /// The response of [`crate::files`].
    OcspResponse,
}

impl Extension {
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxFragmentLength => "max_fragment_length",
            Self::RecordSizeLimit => "record_size_limit",
            Self::OcspResponse => "ocsp_response",
        }
    }
}

/// In bytes. The server's certificate fits in: GnuTLS's client applies its limit to records that are
/// not protected, too.
pub const RECORD_SIZE_LIMIT: usize = 512;

/// How many connections a server that resumes takes.
pub const CONNECTIONS: usize = 3;

impl Settings {
    pub fn offer(offer: Offer) -> Self {
        Self {
            offer,
            client_certificate: ClientCertificate::None,
            sessions: None,
            extension: None,
        }
    }

    pub fn with_client_certificate(self) -> Self {
        Self {
            client_certificate: ClientCertificate::Required,
            ..self
        }
    }

    pub fn with_requested_certificate(self) -> Self {
        Self {
            client_certificate: ClientCertificate::Requested,
            ..self
        }
    }

    pub fn with_sessions(self, sessions: Sessions) -> Self {
        Self {
            sessions: Some(sessions),
            ..self
        }
    }

    pub fn with_extension(self, extension: Extension) -> Self {
        Self {
            extension: Some(extension),
            ..self
        }
    }
}

/// What a server misses in a client.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    Suite,
    Version,
    Certificate,
}

/// An implementation's programs.
pub trait Peer: Sync {
    fn name(&self) -> &'static str;

    /// The program that is its client.
    fn client(&self) -> &'static str;

    /// The program that is its server.
    fn server(&self) -> &'static str;

    /// Its client, which connects to this port, verifies the server, and joins the connection to
    /// its standard input and output.
    fn client_command(&self, port: u16, settings: Settings, files: &Files) -> Command;

    /// Its server for this port.
    fn server_command(&self, port: u16, settings: Settings, files: &Files) -> Command;

    /// Whether its server sends back what it receives; if not, it joins the connection to its
    /// standard input and output.
    fn server_echoes(&self) -> bool;

    /// Whether its server ends after one connection, or after [`CONNECTIONS`] if it resumes.
    fn server_ends(&self) -> bool;

    /// How many connections its client makes where it reconnects.
    fn client_connections(&self) -> usize;

    /// What its client, which resumes, has printed of each of its connections.
    fn client_facts(&self, printed: &str) -> Vec<Facts>;

    /// The same of its server, on standard output.
    fn server_facts(&self, printed: &str) -> Vec<Facts>;

    /// What its client can be told to ask for.
    fn client_extensions(&self) -> &'static [Extension];

    /// What its server can be told to grant.
    fn server_extensions(&self) -> &'static [Extension];

    /// Whether its client answers a close_notify with one of its own.
    fn client_answers_close(&self) -> bool;

    /// The alert with which its server refuses a client.
    fn refusal(&self, missing: Missing) -> AlertDescription;

    /// What its programs print about an alert that they receive.
    fn report(&self, alert: AlertDescription) -> String;
}

/// Our side of a connection.
pub type Tls = Stream<TcpStream>;

/// Starts the peer's server and connects to it as a client.
pub fn connect(
    peer: &dyn Peer,
    settings: Settings,
    files: &Files,
    config: ClientConfigBuilder,
) -> (Tls, Program) {
    connect_to(|port| peer.server_command(port, settings, files), config)
}

/// Starts this server, given its port, and connects to it as a client.
pub fn connect_to(command: impl Fn(u16) -> Command, config: ClientConfigBuilder) -> (Tls, Program) {
    let (program, _, transport) = start_server(command);
    let config = Arc::new(config.build().unwrap());
    let stream = Stream::client(config, name(), transport).unwrap();
    (stream, program)
}

/// Starts the peer's client and takes its connection as a server.
pub fn accept(
    peer: &dyn Peer,
    settings: Settings,
    files: &Files,
    config: ServerConfigBuilder,
) -> (Tls, Program) {
    accept_from(|port| peer.client_command(port, settings, files), config)
}

/// Starts this client, given our port, and takes its connection as a server.
pub fn accept_from(
    command: impl FnOnce(u16) -> Command,
    config: ServerConfigBuilder,
) -> (Tls, Program) {
    let (mut program, listener) = start_client(command);
    let transport = program.accept(&listener);
    let config = Arc::new(config.build().unwrap());
    let stream = Stream::server(config, transport);
    (stream, program)
}

/// Starts a server, given its port: the port, and the first connection to it.
pub fn start_server(command: impl Fn(u16) -> Command) -> (Program, u16, TcpStream) {
    /// A free port may be taken by somebody else before the server has it.
    const ATTEMPTS: usize = 3;

    (0..ATTEMPTS)
        .find_map(|_| {
            let port = free_port();
            let mut program = Program::start(&mut command(port));
            let transport = program.connect(port)?;
            Some((program, port, transport))
        })
        .expect("the server does not start")
}

/// Starts a client that connects to a port of ours.
pub fn start_client(command: impl FnOnce(u16) -> Command) -> (Program, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (Program::start(&mut command(port)), listener)
}

/// Ends the peer's server after its last connection.
#[track_caller]
pub fn end(peer: &dyn Peer, program: Program) -> Ended {
    if peer.server_ends() {
        return expect_success(program);
    }
    let id = program.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    program.wait()
}

/// A port that nobody listens on at the moment and that no other test is given.
///
/// It lies below those that the system gives to outgoing connections, which could otherwise take it
/// before the server does, or even meet themselves.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 5_000) as u16;
    (0..1_000)
        .map(|_| first + TAKEN.fetch_add(1, Ordering::Relaxed))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no port is free")
}
