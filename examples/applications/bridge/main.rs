//! A bridge between modern software and old devices that have RSA key transport alone.
//!
//! ```text
//! modern software --plain or modern TLS--> bridge to-device --TLS_RSA--> old device
//! old device --TLS_RSA--> bridge to-service --plain or modern TLS--> modern service
//! ```
//!
//! A program that has lost TLS_RSA with its last update reads a device's page through the bridge:
//!
//! ```text
//! cargo run -p applications --example bridge -- to-device \
//!     --device 192.0.2.7:443 --pin 5f:..:c1 --listen 127.0.0.1:8443
//! curl http://127.0.0.1:8443/status
//! ```
//!
//! and with `--cert` and `--key` by TLS 1.3, from other machines too. The reverse gives devices in the
//! field a server that they can talk to, in front of a service that need not know of it:
//!
//! ```text
//! cargo run -p applications --example bridge -- to-service \
//!     --cert certificate.pem --key key.pem --listen 0.0.0.0:4433 --service 127.0.0.1:8080
//! ```
//!
//! Modern TLS is rustls with the cryptography of [graviola](https://github.com/ctz/graviola), which
//! builds without a C compiler, on x86-64 and 64-bit ARM (with AES, and on x86-64 AVX2, BMI2 and ADX).
//! It is by rustls' own author, and stands on proven assembler of s2n-bignum, but calls itself very new;
//! `rustls::crypto::aws_lc_rs` is the one to take where a C compiler is at hand.
//!
//! # What it holds to
//!
//! - Plain TCP is for the loopback interface alone, on both sides. Everything else is refused. Every user
//!   of the machine can use it.
//! - The bridge verifies the device, by a CA or by a fingerprint, and nothing is sent before that.
//! - At most `--connections` are served at once. At most `--waiting` more are in their handshake, or have
//!   it behind them and wait, in their order and for at most `--queue-timeout`; the others are left to the
//!   system's backlog. A peer that says nothing takes no place of those that are served. One address has
//!   at most `--per-address` of all these.
//! - The handshake of each side has `--handshake-timeout`, whatever the peer sends meanwhile. After that
//!   a connection on which nothing moves ends by `--idle-timeout`.
//! - The slower side sets the pace: no more than two small buffers a direction are kept for it.
//! - A side that was cut off is not made to look complete: the other side's plain TCP is reset, and its
//!   TLS ends without a close_notify. For devices that never send one there is `--accept-truncation`.

mod counters;
mod ends;
mod service;
mod settings;
mod watched;

use applications::cli::exit_code;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Connects modern software and old devices that have RSA key transport alone.
///
/// The first line of output is `LISTENING host:port`. Each connection that fails is
/// reported to standard error. SIGUSR1 prints the counters, and so does the end.
/// SIGTERM or SIGINT ends the bridge once its connections have ended, but after
/// --grace at the latest; a second one ends it at once.
///
/// RSA key transport has no forward secrecy: anyone who obtains the device's key
/// later can decrypt what the bridge and the device said. Keep the way between them
/// short.
#[derive(Parser)]
#[command(name = "bridge", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Let modern software reach an old device
    ///
    /// Takes plain TCP on the loopback interface, or modern TLS with --cert and
    /// --key, and connects to the device with RSA key transport.
    #[command(verbatim_doc_comment)]
    ToDevice(Box<settings::ToDevice>),
    /// Let old devices reach a modern service
    ///
    /// Takes RSA key transport, and connects to the service by plain TCP on the
    /// loopback interface, or by modern TLS with --service-ca.
    #[command(
        verbatim_doc_comment,
        override_usage = "bridge to-service --cert FILE --key FILE --service HOST:PORT [OPTIONS]"
    )]
    ToService(Box<settings::ToService>),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(match arguments.direction {
        Direction::ToDevice(settings) => service::run(&settings.limits, settings.ends()),
        Direction::ToService(settings) => service::run(&settings.limits, settings.ends()),
    })
}
