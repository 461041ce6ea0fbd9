//! The applications, each with the program at the other end that it is for.
//!
//! They are a package of their own. These trials run its programs where they have been built:
//!
//! ```text
//! cargo build -p applications --examples
//! ```

mod bridge;
mod pkcs11_key;

use crate::Trials;
use premaster_testing::program::Program;
use std::process::Command;

pub fn add_trials(trials: &mut Trials) {
    bridge::add_trials(trials);
    pkcs11_key::add_trials(trials);
}

/// Checks what `--help` prints.
#[track_caller]
fn fits_a_terminal(command: &mut Command) {
    let ended = Program::start(command).wait();
    assert!(ended.status.success(), "{ended:?}");
    let long = ended.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
}
