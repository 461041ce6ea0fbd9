//! A TLS 1.2 server whose private key is in another process, behind a Unix socket.
//!
//! ```text
//! cargo run --example remote_key
//! ```
//!
//! or each part separately:
//!
//! ```text
//! mkdir -m 700 run; chmod 600 key.pem
//! cargo run --example remote_key -- signer --key key.pem --socket run/signer
//! cargo run --example remote_key -- server --cert certificate.pem --socket run/signer
//! ```
//!
//! The reusable part is `RemoteKey`, `support/remote/key.rs`: a
//! [`PrivateKey`](premaster::PrivateKey) that asks the signer. With `--pause` the library is given
//! no key, and the server answers the handshakes' pauses.
//!
//! **What this protects:** an attacker who controls the server can have anything decrypted and
//! signed, recorded handshakes included, for as long as the control lasts, but cannot copy the key.
//! Only the server may reach the socket. Here the socket and its directory are accessible only to
//! their owner; in production, run the signer as a separate user whose memory the server cannot
//! read, and share the socket through a group that contains only the server. Never expose it on a
//! network without encryption and authentication of both sides: it returns raw RSA results,
//! pre-master secrets included, to anyone who can connect.

mod support;

#[cfg(unix)]
use {
    clap::{Parser, Subcommand},
    std::process::ExitCode,
    support::cli::exit_code,
    support::remote::{demo, server, signer},
};

/// Shows a TLS 1.2 server whose private key is in another process.
///
/// Without a command it runs the whole demonstration, step by step: it creates a
/// key and a certificate, runs a signer and two servers as separate processes,
/// connects as a client, kills the signer and starts another. The exit status is 0
/// if every step succeeded.
///
/// RSA key transport has no forward secrecy: anyone who obtains the key later can
/// decrypt every recorded connection, and anyone who can reach the signer's socket
/// can have each of them decrypted.
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
    /// The first line of output is `LISTENING host:port`. Then each request to the
    /// signer is reported, and each connection when it ends. A line over 80 columns
    /// continues on the next ones, indented. SIGTERM ends the server.
    #[command(verbatim_doc_comment)]
    Server(server::ServerArguments),
    /// Run the whole demonstration; the default
    Demo,
}

#[cfg(unix)]
fn main() -> ExitCode {
    exit_code(match Arguments::parse().role {
        Some(Role::Signer(arguments)) => signer::run(&arguments),
        Some(Role::Server(arguments)) => server::run(&arguments),
        Some(Role::Demo) | None => demo::run(),
    })
}

#[cfg(not(unix))]
fn main() {
    println!("This example needs Unix sockets, and this system has none.");
}
