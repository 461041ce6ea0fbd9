//! An outside TLS implementation, and how a connection with it comes about.

use crate::common::name;
use crate::files::Files;
use crate::program::Program;
use premaster::{
    AlertDescription, CipherSuite, ClientConfigBuilder, ServerConfigBuilder, SignatureScheme,
    Stream,
};
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
    /// A client shows a certificate; a server requires one.
    pub client_certificate: bool,
}

impl Settings {
    pub fn offer(offer: Offer) -> Self {
        Self {
            offer,
            client_certificate: false,
        }
    }

    pub fn with_client_certificate(self) -> Self {
        Self {
            client_certificate: true,
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

    /// Whether its server ends after one connection.
    fn server_ends(&self) -> bool;

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
    /// A free port may be taken by somebody else before the server has it.
    const ATTEMPTS: usize = 3;

    let (transport, program) = (0..ATTEMPTS)
        .find_map(|_| {
            let port = free_port();
            let mut program = Program::start(&mut peer.server_command(port, settings, files));
            let transport = program.connect(port)?;
            Some((transport, program))
        })
        .expect("the server does not start");
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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut program = Program::start(&mut peer.client_command(port, settings, files));
    let transport = program.accept(&listener);
    let config = Arc::new(config.build().unwrap());
    let stream = Stream::server(config, transport).unwrap();
    (stream, program)
}

/// A port that nobody listens on at the moment and that no other test is given.
///
/// It lies below those that the system gives to outgoing connections, which could otherwise take it
/// before the server does, or even meet themselves.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 5_000) as u16;
    (0..1_000)
        .map(|_| first + TAKEN.fetch_add(1, Ordering::Relaxed))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("no port is free")
}
