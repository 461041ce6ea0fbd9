//! The example that serves one port with rustls and with this crate.
//!
//! The example is a package of its own, because the provider of rustls needs a C compiler. These
//! trials run its program where that has been built:
//!
//! ```text
//! cargo build -p dual_stack
//! ```

use crate::files::Files;
use crate::{Need, Trials};
use premaster_testing::program::{Ended, Program, built};
use std::process::Command;

const EXAMPLE: &str = "dual_stack";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE)];
    trials.add_with(needs, "dual_stack::help".into(), help);
    trials.add_with(needs, "dual_stack::each_connection".into(), each_connection);
}

fn run_example(arguments: &[&str]) -> Ended {
    let ended = Program::start(Command::new(built(EXAMPLE)).args(arguments)).wait();
    assert!(ended.status.success(), "{ended:?}");
    let short = |line: &str| line.len() <= 80;
    assert!(ended.stdout.lines().all(short), "{ended:?}");
    ended
}

fn help(_: &Files) {
    let ended = run_example(&["--help"]);
    assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
}

/// Each client is served by the library that can, and an attack is noticed.
fn each_connection(_: &Files) {
    let ended = run_example(&[]);
    let lines: Vec<_> = ended.stdout.lines().map(str::trim).collect();
    for (what, how) in [
        ("new client, dual server:", "served by rustls, TLS 1.3, "),
        (
            "old client, dual server:",
            "served by premaster, TLS 1.2, TLS_RSA_WITH_AES_",
        ),
        (
            "dual client, old server:",
            "served by premaster, TLS 1.2, TLS_RSA_WITH_AES_",
        ),
        (
            "dual client, dual server, attacked:",
            "refused by the server with the alert inappropriate_fallback",
        ),
    ] {
        let at = lines.iter().position(|line| *line == what);
        let told = at.and_then(|at| lines.get(at + 1));
        assert!(
            told.is_some_and(|told| told.starts_with(how)),
            "{what} {ended:?}"
        );
    }
}
