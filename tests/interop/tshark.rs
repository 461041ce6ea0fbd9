//! tshark reads a connection of ours with the server's key alone, as RSA key transport lets anybody
//! do, or with the key log.

use crate::files::Files;
use crate::pcap::{self, Flight, PORT, Sender};
use crate::suites::is_cbc;
use crate::{NAMED_SUITES, SUITES, Trials};
use premaster::protocol::EncryptThenMac;
use premaster::session::Resumption;
use premaster::{CipherSuite, ClientConfig, KeyLog, ServerConfig};
use premaster_testing::pair::End;
use premaster_testing::program::Program;
use premaster_testing::{Pair, client_builder, name, server_builder};
use std::process::Command;
use std::sync::{Arc, Mutex};

const PROGRAM: &str = "tshark";

/// More than one record.
const REQUEST: &[u8] = &[b'?'; 20_000];
const RESPONSE: &[u8] = b"It is read by whoever has the key.";

pub fn add_trials(trials: &mut Trials) {
    for suite in NAMED_SUITES {
        let orders = [EncryptThenMac::Optional, EncryptThenMac::Off];
        let count = if is_cbc(suite) { 2 } else { 1 };
        for order in orders.into_iter().take(count) {
            let name = format!("tshark::server_key::{suite}::{order:?}");
            trials.add(PROGRAM, name, move |files| {
                let option = server_key_option(files);
                let recording = Sides::with_order(suite, order).record();
                let read = recording.read_by_tshark(files, &format!("{order:?}"), &[option]);
                assert!(read == Plaintext::whole());
            });
        }
    }
    for suite in SUITES {
        trials.add(
            PROGRAM,
            format!("tshark::server_key::{suite}"),
            move |files| {
                server_key(files, suite);
            },
        );
        trials.add(PROGRAM, format!("tshark::key_log::{suite}"), move |files| {
            key_log(files, suite);
        });
        trials.add(PROGRAM, format!("tshark::resumed::{suite}"), move |files| {
            resumed(files, suite);
        });
        trials.add(PROGRAM, format!("tshark::no_key::{suite}"), move |files| {
            no_key(files, suite);
        });
    }
}

fn server_key(files: &Files, suite: CipherSuite) {
    let option = server_key_option(files);
    let read = Recording::of(suite).read_by_tshark(files, "server_key", &[option]);
    assert!(read == Plaintext::whole());
}

fn server_key_option(files: &Files) -> String {
    format!("uat:rsa_keys:\"{}\",\"\"", files.server_key().display())
}

fn key_log(files: &Files, suite: CipherSuite) {
    let recording = Recording::of(suite);
    let option = recording.key_log_option(files, "key_log");
    let read = recording.read_by_tshark(files, "key_log", &[option]);
    assert!(read == Plaintext::whole());
}

/// The server's key is no longer in play, the key log is.
fn resumed(files: &Files, suite: CipherSuite) {
    let recording = Recording::of_resumed(suite);
    let option = recording.key_log_option(files, "resumed");
    let read = recording.read_by_tshark(files, "resumed", &[option]);
    assert!(read == Plaintext::whole());
    let read = recording.read_by_tshark(files, "resumed", &[server_key_option(files)]);
    assert!(read == Plaintext::default());
}

fn no_key(files: &Files, suite: CipherSuite) {
    let read = Recording::of(suite).read_by_tshark(files, "no_key", &[]);
    assert!(read == Plaintext::default());
}

/// What each side said.
#[derive(Default, PartialEq, Eq)]
struct Plaintext {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Plaintext {
    fn whole() -> Self {
        Self {
            client: REQUEST.to_vec(),
            server: RESPONSE.to_vec(),
        }
    }
}

/// Our two sides, which know each other again.
struct Sides {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Arc<Log>,
}

impl Sides {
    fn new(suite: CipherSuite) -> Self {
        Self::with_order(suite, EncryptThenMac::Optional)
    }

    fn with_order(suite: CipherSuite, order: EncryptThenMac) -> Self {
        let log = Arc::new(Log::default());
        let client = client_builder().suites(&[suite]).encrypt_then_mac(order);
        let server = server_builder().suites(&[suite]).key_log(log.clone());
        Self {
            client: Arc::new(client.build().unwrap()),
            server: Arc::new(server.build().unwrap()),
            log,
        }
    }

    fn record(&self) -> Recording {
        let mut pair = Pair::new(self.client.clone(), self.server.clone(), name());
        let mut flights = Vec::new();
        let mut run = |client: &mut End, server: &mut End| {
            while !client.outgoing.is_empty() || !server.outgoing.is_empty() {
                flights.push(deliver(Sender::Client, client, server));
                flights.push(deliver(Sender::Server, server, client));
            }
        };
        run(&mut pair.client, &mut pair.server);
        pair.client.send(REQUEST);
        run(&mut pair.client, &mut pair.server);
        pair.server.send(RESPONSE);
        run(&mut pair.client, &mut pair.server);
        pair.client.close();
        run(&mut pair.client, &mut pair.server);
        pair.server.close();
        run(&mut pair.client, &mut pair.server);
        let session = pair.client.connection.session().unwrap();
        Recording {
            suite: session.cipher_suite(),
            resumption: session.resumption(),
            flights,
            key_log: self.log.0.lock().unwrap().clone(),
        }
    }
}

/// A connection as it was on the wire.
struct Recording {
    suite: CipherSuite,
    resumption: Resumption,
    flights: Vec<Flight>,
    key_log: String,
}

impl Recording {
    /// A connection with a full handshake.
    fn of(suite: CipherSuite) -> Self {
        Sides::new(suite).record()
    }

    /// A connection that resumes the session of another one, which nobody looked at.
    #[track_caller]
    fn of_resumed(suite: CipherSuite) -> Self {
        let sides = Sides::new(suite);
        sides.record();
        sides.log.0.lock().unwrap().clear();
        let recording = sides.record();
        assert_eq!(recording.resumption, Resumption::SessionId);
        recording
    }

    fn key_log_option(&self, files: &Files, name: &str) -> String {
        let log = files.write(
            &format!("{name}-{}.log", self.suite),
            self.key_log.as_bytes(),
        );
        format!("tls.keylog_file:{}", log.display())
    }

    /// What tshark makes of it with these options. `name` tells the files of the tests apart.
    #[track_caller]
    fn read_by_tshark(&self, files: &Files, name: &str, options: &[String]) -> Plaintext {
        let file = files.write(
            &format!("{name}-{}.pcap", self.suite),
            &pcap::capture(&self.flights),
        );
        let mut command = Command::new(PROGRAM);
        command
            // Nobody's own settings.
            .env("WIRESHARK_CONFIG_DIR", files.path("wireshark"))
            .arg("-r")
            .arg(file)
            .args(["-d", &format!("tcp.port=={PORT},tls")])
            .args(["-q", "-z", "follow,tls,raw,0"]);
        for option in options {
            command.args(["-o", option]);
        }
        let ended = Program::start(&mut command).wait();
        assert!(ended.status.success(), "{ended:?}");
        followed(&ended.stdout)
    }
}

fn deliver(sender: Sender, from: &mut End, to: &mut End) -> Flight {
    let bytes = std::mem::take(&mut from.outgoing);
    to.take(&bytes).unwrap();
    Flight { sender, bytes }
}

/// Reads tshark's dump: lines of hexadecimal digits, those of its node 1 behind a tab, between lines
/// of prose. Node 0 is the first from whom it can read anything: in a resumed session, the server.
fn followed(dump: &str) -> Plaintext {
    let server_is_node_0 = dump
        .lines()
        .any(|line| line.starts_with("Node 0: ") && line.ends_with(&format!(":{PORT}")));
    let mut nodes = [Vec::new(), Vec::new()];
    for line in dump.lines() {
        let (node, digits) = match line.strip_prefix('\t') {
            Some(digits) => (1, digits),
            None => (0, line),
        };
        nodes[node].extend(bytes(digits).unwrap_or_default());
    }
    let [node_0, node_1] = nodes;
    let (client, server) = if server_is_node_0 {
        (node_1, node_0)
    } else {
        (node_0, node_1)
    };
    Plaintext { client, server }
}

/// `None` for what is not hexadecimal.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[derive(Default)]
struct Log(Mutex<String>);

impl KeyLog for Log {
    fn log(&self, line: &str) {
        let mut log = self.0.lock().unwrap();
        log.push_str(line);
        log.push('\n');
    }
}
