//! The applications, each with the program at the other end that it is for.
//!
//! Those of `examples/applications` are a package of their own. These trials run its programs where
//! they have been built:
//!
//! ```text
//! cargo build -p applications --examples
//! ```

mod bridge;
mod eap_tls;
mod ldap_whoami;
mod ocpp_csms;
mod pkcs11_key;
mod redfish;
mod slapd;
mod starttls;
mod ureq_get;

use crate::Trials;
use crate::files::Files;
use crate::peer::free_port;
use premaster_testing::Directory;
use premaster_testing::program::{Ended, Program, built};
use std::process::Command;

/// What makes OpenSSL an old peer.
const OLD: [&str; 3] = ["-tls1_2", "-cipher", "AES128-GCM-SHA256"];

/// The file that a [`Device`] has.
const PAGE: &str = "The device is well.\n";

pub fn add_trials(trials: &mut Trials) {
    bridge::add_trials(trials);
    eap_tls::add_trials(trials);
    ldap_whoami::add_trials(trials);
    ocpp_csms::add_trials(trials);
    pkcs11_key::add_trials(trials);
    redfish::add_trials(trials);
    starttls::add_trials(trials);
    ureq_get::add_trials(trials);
}

/// A program that does not run as root, or that gives up being root: it runs as somebody else in a
/// user namespace of its own, to whom the files of this test belong.
fn as_nobody(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=65534", "--map-group=65534", program]);
    command
}

/// Checks what `--help` prints, with the warning.
#[track_caller]
fn expect_help(example: &str) {
    let ended = fits_a_terminal(Command::new(built(example)).arg("--help"));
    assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
}

/// Checks what `--help` prints.
#[track_caller]
fn fits_a_terminal(command: &mut Command) -> Ended {
    let ended = Program::start(command).wait();
    assert!(ended.status.success(), "{ended:?}");
    let long = ended.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
    ended
}

/// OpenSSL as a server of the files in a directory.
struct Device {
    _program: Program,
    directory: Directory,
    port: u16,
}

impl Device {
    #[track_caller]
    fn start(test: &str, arguments: &[&str], with: impl FnOnce(&mut Command)) -> Self {
        let directory = Directory::create(test);
        directory.write("status", PAGE);
        let port = free_port();
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-WWW", "-accept", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .current_dir(directory.root());
        with(&mut command);
        let mut program = Program::start(&mut command);
        while program.read_line() != "ACCEPT" {}
        Self {
            _program: program,
            directory,
            port,
        }
    }

    #[track_caller]
    fn old(test: &str, files: &Files) -> Self {
        Self::with(&OLD, test, files)
    }

    #[track_caller]
    fn with(arguments: &[&str], test: &str, files: &Files) -> Self {
        Self::start(test, arguments, |command| {
            command.arg("-cert").arg(files.server_certificate());
            command.arg("-key").arg(files.server_key());
        })
    }
}
