//! Handshakes and records in memory: premaster beside OpenSSL, rustls and the crates below it.
//!
//! Everything runs on one thread. A side's time is what its own calls take, and the contenders take
//! turns; see `turns`. One table has all figures. With `--check` the process ends with status 1 if
//! premaster misses one of its targets. A run takes about a minute.

mod batched;
mod bulk;
mod certificates;
mod check;
mod common;
mod contender;
mod full;
mod heap;
mod machine;
mod newer_openssl;
mod openssl_pair;
#[allow(dead_code, reason = "the other half is the other program's")]
mod openssl_work;
mod peer;
mod plot;
mod premaster_pair;
mod private_operations;
mod purecrypto_pair;
mod raw_cipher;
mod report;
mod resumed;
mod rsa_operations;
mod rustls_pair;
#[path = "../../support/mod.rs"]
mod support;
mod table;
mod terms;
mod tier;
mod turns;

use check::Requirement;
use report::Report;
use std::process::ExitCode;
use table::{TEXT_COLUMNS, header};
use tier::hold_openssl;

const USAGE: &str = "usage: premaster-peers [--check] [--plot FILE]";

/// How the table is to be read.
const LEGEND: &str = "\
Both sides of a connection run in memory, on one thread. A side's time is the wall-clock time of its own
calls, in microseconds: the median for one handshake, one record, or one side's RSA operations. The
columns with a slash are premaster's time as a multiple of the other library's: the median of the ratios
within a round of turns. Below 1.00, premaster is faster. OpenSSL 3.6 takes its turns in a program of its
own.

AES-128 is AES_128_GCM_SHA256, AES-256 is AES_256_GCM_SHA384, AES-128-CBC is AES_128_CBC_SHA. premaster and OpenSSL use TLS_RSA, and so
does purecrypto, with CBC and TLS 1.1, as its server has no such suite with TLS 1.2. rustls does not
support it and uses TLS_ECDHE_RSA: its server signs with its RSA key where the others decrypt,
its client verifies that signature where the others encrypt, and both agree on a key in addition. Each
client checks one signature on the path to the root, whose key has 2048 bits.

RustCrypto is aes-gcm in place for records, and the rsa crate for the RSA operations alone: on a client
one encryption and one signature check, on a server the private operation without blinding and one
public operation. The multiples beside them are those of premaster's whole handshake.

When a session is resumed by ticket, premaster's server keeps or renews the ticket, as configured;
OpenSSL's server never renews it, and rustls's always does. Records go through SSL_write and SSL_read in
OpenSSL, and through the unbuffered interface in rustls. Without encrypt-then-MAC, OpenSSL computes SHA-1
and AES-CBC side by side.
";

fn main() -> ExitCode {
    let Some(options) = Options::of(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    hold_openssl();
    if let Err(error) = newer_openssl::build() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    println!("{}\n{LEGEND}", machine::description());
    let report = measure();
    print!("{}", table::markdown(&header(), TEXT_COLUMNS, &report.rows));
    if let Some(file) = options.plot {
        std::fs::write(file, plot::svg(&machine::caption(), &report.bars)).unwrap();
    }
    if options.check && !fulfilled(&report.requirements) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    /// Whether the requirements are checked.
    check: bool,
    /// Where the plot is written.
    plot: Option<String>,
}

impl Options {
    /// `None` for invalid arguments.
    fn of(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--check" if !options.check => options.check = true,
                "--plot" if options.plot.is_none() => options.plot = Some(arguments.next()?),
                _ => return None,
            }
        }
        Some(options)
    }
}

fn measure() -> Report {
    let mut report = Report::default();
    full::measure(&mut report);
    private_operations::measure(&mut report);
    resumed::measure(&mut report);
    bulk::measure(&mut report);
    heap::measure(&mut report);
    report
}

/// Prints the requirements and those that are not fulfilled. Returns true if all are fulfilled.
fn fulfilled(requirements: &[Requirement]) -> bool {
    println!("\n{}", check::table(requirements));
    let shortfalls = check::shortfalls(requirements);
    for line in &shortfalls {
        println!("{line}");
    }
    shortfalls.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str]) -> Option<Options> {
        Options::of(arguments.iter().copied().map(Into::into))
    }

    #[test]
    fn the_arguments_are_check_and_plot() {
        assert_eq!(given(&[]), Some(Options::default()));
        let both = given(&["--plot", "figures.svg", "--check"]).unwrap();
        assert!(both.check);
        assert_eq!(both.plot.as_deref(), Some("figures.svg"));
    }

    #[test]
    fn other_arguments_are_refused() {
        for arguments in [
            &["--check", "--check"][..],
            &["--bench"],
            &[""],
            &["--plot"],
        ] {
            assert_eq!(given(arguments), None);
        }
    }
}
