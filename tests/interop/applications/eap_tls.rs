//! The example `eap_tls`, and FreeRADIUS.

use super::expect_help;
use crate::files::Files;
use crate::peer::free_port;
use crate::{Need, Trials};
use premaster_testing::NAME;
use premaster_testing::program::{Ended, Program, built};
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

const EXAMPLE: &str = "examples/eap_tls";

const FREERADIUS: &str = "freeradius";

const SECRET: &str = "between-us";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE)];
    trials.add_with(needs, "eap_tls::help".into(), |_| {
        expect_help(EXAMPLE);
    });
    let needs = &[Need::Built(EXAMPLE), Need::Program(FREERADIUS)];
    trials.add_with(needs, "eap_tls::accepted".into(), accepted);
    trials.add_with(needs, "eap_tls::short_fragments".into(), short_fragments);
    trials.add_with(needs, "eap_tls::other_method".into(), other_method);
    trials.add_with(needs, "eap_tls::no_certificate".into(), no_certificate);
    trials.add_with(
        needs,
        "eap_tls::foreign_certificate".into(),
        foreign_certificate,
    );
    trials.add_with(needs, "eap_tls::other_name".into(), other_name);
    trials.add_with(needs, "eap_tls::lost_and_forged".into(), lost_and_forged);
    trials.add_with(needs, "eap_tls::other_secret".into(), other_secret);
}

/// FreeRADIUS in the foreground, with this as its first offer: the program and its port.
fn start(test: &str, method: &str, files: &Files) -> (Program, u16) {
    let directory = files.path(&format!("freeradius-{test}"));
    fs::create_dir(&directory).unwrap();
    let port = free_port();
    let configuration = format!(
        "\
name = freeradius
prefix = /usr
raddbdir = {directory}
logdir = {directory}
run_dir = {directory}
libdir = /usr/lib/freeradius
security {{
  reject_delay = 0
  status_server = no
}}
client localhost {{
  ipaddr = 127.0.0.1
  secret = {SECRET}
  require_message_authenticator = yes
}}
modules {{
  eap {{
    default_eap_type = {method}
    md5 {{
    }}
    tls-config common {{
      private_key_file = {key}
      certificate_file = {certificate}
      ca_file = {ca}
      cipher_list = \"AES128-GCM-SHA256\"
      tls_min_version = \"1.2\"
      tls_max_version = \"1.2\"
    }}
    tls {{
      tls = common
    }}
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    eap
  }}
  authenticate {{
    eap
  }}
}}
",
        directory = directory.display(),
        key = files.server_key().display(),
        certificate = files.server_certificate().display(),
        ca = files.root_certificate().display(),
    );
    fs::write(directory.join("radiusd.conf"), configuration).unwrap();
    let mut program = Program::start(Command::new(FREERADIUS).arg("-X").arg("-d").arg(&directory));
    while !program.read_line().starts_with("Ready to process requests") {}
    (program, port)
}

/// The example, with the client's certificate.
fn example(port: u16, files: &Files) -> Command {
    let mut command = without_certificate(port, files);
    with(&mut command, &files.client_certificate(), files);
    command
}

fn with(command: &mut Command, certificate: &Path, files: &Files) {
    command.arg("--cert").arg(certificate).arg("--key").arg(files.client_key());
}

fn without_certificate(port: u16, files: &Files) -> Command {
    let mut command = to_server(port, files);
    command.args(["--name", NAME]);
    command
}

fn to_server(port: u16, files: &Files) -> Command {
    let mut command = Command::new(built(EXAMPLE));
    command.env("RADIUS_SECRET", SECRET).arg(format!("127.0.0.1:{port}"));
    command.args(["--identity", "station"]).arg("--ca").arg(files.root_certificate());
    command
}

#[track_caller]
fn is_accepted(command: &mut Command) -> Ended {
    let ended = Program::start(command).wait();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.stdout.contains("TLS_RSA_WITH_AES_128_GCM_SHA256"),
        "{ended:?}"
    );
    let told = words(&ended.stdout);
    assert!(
        told.contains("the server's MS-MPPE keys are the station's"),
        "{ended:?}"
    );
    ended
}

#[track_caller]
fn fails(command: &mut Command, reasons: &[&str]) {
    let ended = Program::start(command).wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "");
    let error = words(&ended.stderr);
    for reason in reasons {
        assert!(error.contains(reason), "{ended:?}");
    }
    assert!(
        ended.stderr.lines().all(|line| line.len() <= 80),
        "{ended:?}"
    );
}

/// A text without its line breaks.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn accepted(files: &Files) {
    let (_server, port) = start("accepted", "tls", files);
    is_accepted(&mut example(port, files));
    is_accepted(&mut example(port, files));
}

/// Both sides cut their flights into more than ten pieces.
fn short_fragments(files: &Files) {
    let (_server, port) = start("short-fragments", "tls", files);
    let ended = is_accepted(example(port, files).args(["--fragment", "110"]));
    let told = words(&ended.stdout);
    let (_, told) = told.split_once("accepted; ").unwrap();
    let mut numbers = told.split(' ').filter_map(|word| word.parse::<u32>().ok());
    let (sent, received) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert!(sent > 10 && received > 10, "{told}");
}

/// The server begins with another method, which the station refuses in favour of EAP-TLS.
fn other_method(files: &Files) {
    let (_server, port) = start("other-method", "md5", files);
    is_accepted(&mut example(port, files));
}

fn no_certificate(files: &Files) {
    let (_server, port) = start("no-certificate", "tls", files);
    let reasons = &[
        "the server rejects the station",
        "asked for a certificate and got none",
    ];
    fails(&mut without_certificate(port, files), reasons);
}

fn foreign_certificate(files: &Files) {
    let (_server, port) = start("foreign-certificate", "tls", files);
    let mut command = without_certificate(port, files);
    with(&mut command, &files.foreign_certificate(), files);
    fails(&mut command, &["certificate"]);
}

/// The station refuses the server, and the server learns of it.
fn other_name(files: &Files) {
    let (mut server, port) = start("other-name", "tls", files);
    let mut command = to_server(port, files);
    with(&mut command, &files.client_certificate(), files);
    let reasons = &[
        "the server rejects the station",
        "other.example",
        "bad_certificate",
    ];
    fails(command.args(["--name", "other.example"]), reasons);
    while !server.read_line().contains("bad certificate") {}
}

fn other_secret(files: &Files) {
    let (_server, port) = start("other-secret", "tls", files);
    let mut command = example(port, files);
    fails(
        command.env("RADIUS_SECRET", "guessed"),
        &["no authentic answer"],
    );
}

/// Every first answer is lost, and a forger's reach the station before every second one: it sends
/// its request again, and ignores what is not the server's.
fn lost_and_forged(files: &Files) {
    let (_server, port) = start("lost-and-forged", "tls", files);
    let middle = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = middle.local_addr().unwrap();
    // Ends when nothing has come for as long.
    middle.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    server.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let relay = thread::spawn(move || {
        let mut room = [0; 4096];
        let mut requests = 0;
        while let Ok((count, station)) = middle.recv_from(&mut room) {
            requests += 1;
            server.send(&room[..count]).unwrap();
            let Ok(count) = server.recv(&mut room) else {
                break;
            };
            // The first flight is enough: each loss costs the station its patience.
            if requests == 1 {
                continue;
            }
            for forged in forgeries(&room[..count]) {
                middle.send_to(&forged, station).unwrap();
            }
            middle.send_to(&room[..count], station).unwrap();
            // Access-Accept or Access-Reject.
            if room[0] != 11 {
                break;
            }
        }
        requests
    });
    is_accepted(&mut example(address.port(), files));
    assert!(relay.join().unwrap() > 5);
}

/// What somebody without the secret makes of an answer.
fn forgeries(answer: &[u8]) -> Vec<Vec<u8>> {
    let changed = |at: usize, to: u8| {
        let mut forged = answer.to_vec();
        forged[at] = to;
        forged
    };
    vec![
        vec![],
        answer[..10].to_vec(),
        answer[..answer.len() - 1].to_vec(),
        // Access-Accept, Access-Reject, and a code that answers nothing.
        changed(0, if answer[0] == 2 { 3 } else { 2 }),
        changed(0, 5),
        // Another request's.
        changed(1, answer[1].wrapping_add(1)),
        // The response authenticator, an attribute's length, the last byte.
        changed(4, !answer[4]),
        changed(21, 0),
        changed(answer.len() - 1, !answer[answer.len() - 1]),
        // Without attributes.
        [&[3, answer[1], 0, 20], &answer[4..20]].concat(),
    ]
}
