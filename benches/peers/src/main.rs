//! Handshakes in memory, premaster against rustls with aws-lc-rs.
//!
//! A side's time is what its own calls take. The two libraries take turns at short batches, so that
//! whatever else the machine does falls on both, and the medians are compared. Both use the
//! same cipher and the same 2048-bit certificate; their key exchanges differ, as rustls has no RSA
//! key transport. A resumed handshake has no key exchange.

mod common;
mod contender;
mod premaster_pair;
mod rustls_pair;
#[path = "../../support/mod.rs"]
mod support;

use common::Cipher;
use contender::{Contender, Taken, batch};
use premaster_pair::PremasterPair;
use rustls_pair::RustlsPair;
use std::time::Duration;

/// Handshakes in a batch.
const BATCH: u32 = 10;

/// Enough batches for a median that repeats to two digits.
const ROUNDS: usize = 200;

/// One kind of handshake, and who does it.
struct Row {
    name: &'static str,
    premaster: Box<dyn Contender>,
    rustls: Box<dyn Contender>,
}

fn rows(cipher: Cipher) -> [Row; 4] {
    [
        Row {
            name: "full",
            premaster: Box::new(PremasterPair::full(cipher)),
            rustls: Box::new(RustlsPair::full(cipher)),
        },
        Row {
            name: "resumed by session ID",
            premaster: Box::new(PremasterPair::by_session_id(cipher)),
            rustls: Box::new(RustlsPair::by_session_id(cipher)),
        },
        Row {
            name: "resumed by ticket, renewed",
            premaster: Box::new(PremasterPair::by_ticket_renewed(cipher)),
            rustls: Box::new(RustlsPair::by_ticket(cipher)),
        },
        Row {
            name: "resumed by ticket (*)",
            premaster: Box::new(PremasterPair::by_ticket(cipher)),
            rustls: Box::new(RustlsPair::by_ticket(cipher)),
        },
    ]
}

impl Row {
    /// Measures both and prints a line for each side.
    fn measure(&self) {
        let (mut premaster, mut rustls) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            premaster.push(batch(&*self.premaster, BATCH));
            rustls.push(batch(&*self.rustls, BATCH));
        }
        self.print("client", &premaster, &rustls, |taken| taken.client);
        self.print("server", &premaster, &rustls, |taken| taken.server);
    }

    fn print(
        &self,
        side: &str,
        premaster: &[Taken],
        rustls: &[Taken],
        time: fn(&Taken) -> Duration,
    ) {
        let name = self.name;
        let ours = microseconds(premaster, time);
        let theirs = microseconds(rustls, time);
        let ratio = ours / theirs;
        println!("{name:26} {side:7} {ours:>9.1} {theirs:>9.1} {ratio:>7.2}");
    }
}

/// The median of one side's time for a handshake.
fn microseconds(batches: &[Taken], time: fn(&Taken) -> Duration) -> f64 {
    let mut times: Vec<Duration> = batches.iter().map(time).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6 / f64::from(BATCH)
}

/// The version of a crate, as the lock file pins it.
fn version(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let package = lock
        .split_once(&format!("name = \"{name}\"\nversion = \""))
        .unwrap();
    package.1.split('"').next().unwrap()
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    information
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.into())
}

fn main() {
    let [premaster, rustls, aws_lc_rs] = ["premaster", "rustls", "aws-lc-rs"].map(version);
    println!("premaster {premaster}, rustls {rustls} with aws-lc-rs {aws_lc_rs}");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{}, {cores} cores", processor());
    println!("\nmedian of {ROUNDS} batches of {BATCH} handshakes, in microseconds a handshake");
    for cipher in [Cipher::Aes128Sha256, Cipher::Aes256Sha384] {
        println!(
            "\n{:26} {:7} {:>9} {:>9} {:>7}",
            cipher.name(),
            "side",
            "premaster",
            "rustls",
            "ratio"
        );
        for row in rows(cipher) {
            row.measure();
        }
    }
    println!("\nrenewed: the server issues another ticket each time, as rustls always does");
    println!("(*): premaster's server does not, and rustls's does");
}
