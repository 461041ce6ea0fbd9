//! Handshakes and records of OpenSSL 3.6, in turns: see `openssl_work` of premaster-peers.

#[path = "../../src/certificates.rs"]
mod certificates;
#[path = "../../src/terms.rs"]
mod common;
#[path = "../../src/contender.rs"]
mod contender;
#[path = "../../src/openssl_pair.rs"]
mod openssl_pair;
#[path = "../../src/openssl_work.rs"]
#[allow(dead_code, reason = "the other half is the other program's")]
mod openssl_work;
#[path = "../../../support/clock.rs"]
mod support;

use openssl_work::{OpenSslWork, take_turns};
use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["version"] {
        println!("{}", openssl::version::version());
        return ExitCode::SUCCESS;
    }
    let Some(work) = OpenSslWork::from_arguments(&arguments) else {
        eprintln!("premaster-peers starts this program");
        return ExitCode::from(2);
    };
    let credentials = certificates::Credentials::new(work.key_length());
    match take_turns(
        work.contender(&credentials),
        stdin().lock(),
        stdout().lock(),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
