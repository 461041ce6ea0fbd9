//! The example `ldap_whoami`, and OpenLDAP's server.

use super::expect_help;
use super::slapd::{self, SLAPD};
use crate::files::Files;
use crate::{Need, Trials};
use premaster_testing::NAME;
use premaster_testing::program::{Ended, Program, built};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

const EXAMPLE: &str = "examples/ldap_whoami";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE)];
    trials.add_with(needs, "ldap_whoami::help".into(), |_| {
        expect_help(EXAMPLE);
    });
    trials.add_with(needs, "ldap_whoami::injected".into(), injected);
    trials.add_with(needs, "ldap_whoami::endless".into(), endless);
    let needs = &[Need::Built(EXAMPLE), Need::Program(SLAPD)];
    trials.add_with(needs, "ldap_whoami::try".into(), asks);
    trials.add_with(needs, "ldap_whoami::demand".into(), demands);
    trials.add_with(needs, "ldap_whoami::never".into(), does_not_ask);
}

/// The example, with or without the client's certificate.
fn example(port: u16, certificate: bool, files: &Files) -> Command {
    let mut command = Command::new(built(EXAMPLE));
    command.arg(format!("127.0.0.1:{port}")).args(["--name", NAME, "--verbose"]);
    command.arg("--ca").arg(files.root_certificate());
    if certificate {
        command.arg("--cert").arg(files.client_certificate());
        command.arg("--key").arg(files.client_key());
    }
    command
}

fn run(port: u16, certificate: bool, files: &Files) -> Ended {
    Program::start(&mut example(port, certificate, files)).wait()
}

#[track_caller]
fn is(ended: &Ended, identity: &str) {
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, format!("{identity}\n"), "{ended:?}");
    assert!(ended.stderr.contains("TLS_RSA_WITH_AES_"), "{ended:?}");
}

/// What slapd's `authz-regexp` makes of the certificate's subject.
const STATION: &str = "dn:uid=test client,ou=stations,dc=example";

fn asks(files: &Files) {
    let (_slapd, port) = slapd::start(files, "try");
    is(&run(port, true, files), STATION);
    is(&run(port, false, files), "anonymous");
}

fn demands(files: &Files) {
    let (_slapd, port) = slapd::start(files, "demand");
    is(&run(port, true, files), STATION);
    let ended = run(port, false, files);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "");
    // It closes without an alert; the library tells what the client had not sent.
    assert!(ended.stderr.contains("certificate"), "{ended:?}");
}

fn does_not_ask(files: &Files) {
    let (_slapd, port) = slapd::start(files, "never");
    let ended = run(port, true, files);
    is(&ended, "anonymous");
    assert!(ended.stderr.contains("did not ask"), "{ended:?}");
}

/// The request for StartTLS.
const REQUEST: usize = 31;

/// What the example says to a server that answers StartTLS with this.
#[track_caller]
fn refuses(answer: &[u8], reason: &str, files: &Files) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = Program::start(&mut example(port, false, files));
    let mut socket = client.accept(&listener);
    socket.read_exact(&mut [0; REQUEST]).unwrap();
    // A client that has read enough closes.
    let _ = socket.write_all(answer);
    let mut heard = Vec::new();
    let _ = socket.read_to_end(&mut heard);
    assert_eq!(heard, b"", "TLS began");
    let ended = client.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let error = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(error.contains(reason), "{ended:?}");
    assert!(
        ended.stderr.lines().all(|line| line.len() <= 80),
        "{ended:?}"
    );
}

const SUCCESS: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";

fn injected(files: &Files) {
    let bind_response = b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    let answer = [SUCCESS, bind_response].concat();
    refuses(&answer, "plain text follows the server's go-ahead", files);
}

fn endless(files: &Files) {
    let endless = [
        &b"\x30\x84\x7f\xff\xff\xff\x04\x84\x7f\xff\xff\xf0"[..],
        &[0; 1 << 16],
    ];
    refuses(
        &endless.concat(),
        "not an LDAP message, or it is too long",
        files,
    );
    let refusal = b"\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x02\x04\x00\x04\x02no";
    refuses(refusal, "refuses StartTLS: ProtocolError, \"no\"", files);
    let notice = b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    refuses(notice, "refuses the connection: Unavailable", files);
}
