//! A TLS 1.2 server whose private key is in another process, behind a Unix socket.
//!
//! ```text
//! cargo run --example remote_key
//! ```
//!
//! or, each part by itself:
//!
//! ```text
//! mkdir -m 700 run; chmod 600 key.pem
//! cargo run --example remote_key -- signer --key key.pem --socket run/signer
//! cargo run --example remote_key -- server --cert certificate.pem --socket run/signer
//! ```
//!
//! The part to take away is `RemoteKey`, `support/remote/key.rs`: a
//! [`PrivateKey`](premaster::PrivateKey) that asks the signer. With `--pause` the library is given
//! no key, and the server answers the handshakes' pauses.
//!
//! **What it is good for:** whoever takes over the server has an oracle that decrypts and signs
//! whatever he likes, recorded handshakes too, for as long as he is there, but he cannot take the key
//! away. Only the server may reach the socket: here it and its directory are for their owner alone,
//! and in earnest the signer runs as a user of its own, whose memory the server cannot read, and
//! shares the socket with a group in which only the server is. Never put it on a network without
//! encryption and authentication of both sides: it gives the bare RSA results, all pre-master secrets
//! among them, to everybody who can talk to it.

mod support;

#[cfg(unix)]
use {
    anyhow::Result,
    clap::{Parser, Subcommand},
    support::remote::{demo, server, signer},
};

/// Shows a TLS 1.2 server whose private key is in another process.
///
/// Without a command it shows everything, step by step: makes a key and a
/// certificate, runs a signer and servers as processes of their own, connects as a
/// client, kills the signer and starts another. The exit status is 0 if everything
/// went as it should.
///
/// RSA key transport has no forward secrecy: whoever gets the key later can decrypt
/// every recorded connection, and whoever reaches the signer's socket can have each
/// of them decrypted.
#[cfg(unix)]
#[derive(Parser)]
#[command(name = "remote_key", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

#[cfg(unix)]
#[derive(Subcommand)]
enum Role {
    /// Hold the key, and answer the requests that come over the socket
    ///
    /// The first line of output is `LISTENING path`; then one line is printed for each
    /// request. SIGTERM ends the signer and removes the socket.
    #[command(verbatim_doc_comment)]
    Signer(signer::SignerArguments),
    /// Serve TLS without the key
    ///
    /// The first line of output is `LISTENING host:port`; then one line is printed for
    /// each request to the signer, and for each connection when it ends. SIGTERM ends
    /// the server.
    #[command(verbatim_doc_comment)]
    Server(server::ServerArguments),
    /// Show everything; the default
    Demo,
}

#[cfg(unix)]
fn main() -> Result<()> {
    match Arguments::parse().role {
        Some(Role::Signer(arguments)) => signer::run(&arguments),
        Some(Role::Server(arguments)) => server::run(&arguments),
        Some(Role::Demo) | None => demo::run(),
    }
}

#[cfg(not(unix))]
fn main() {
    println!("This example needs Unix sockets, and this system has none.");
}
