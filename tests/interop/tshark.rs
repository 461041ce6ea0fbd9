//! tshark reads a connection of ours with the server's key alone, as RSA key transport lets anybody
//! do, or with the key log.

use crate::common::pair::End;
use crate::common::{client_builder, pair, server_builder};
use crate::files::Files;
use crate::pcap::{self, Flight, PORT, Sender};
use crate::program::Program;
use crate::{SUITES, Trials};
use premaster::{CipherSuite, KeyLog};
use std::process::Command;
use std::sync::{Arc, Mutex};

const PROGRAM: &str = "tshark";

/// More than one record.
const REQUEST: &[u8] = &[b'?'; 20_000];
const RESPONSE: &[u8] = b"It is read by whoever has the key.";

pub fn add_trials(trials: &mut Trials) {
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
        trials.add(PROGRAM, format!("tshark::no_key::{suite}"), move |files| {
            no_key(files, suite);
        });
    }
}

fn server_key(files: &Files, suite: CipherSuite) {
    let key = files.server_key();
    let option = format!("uat:rsa_keys:\"{}\",\"\"", key.display());
    let read = Recording::of(suite).read_by_tshark(files, "server_key", &[option]);
    assert!(read == Plaintext::whole());
}

fn key_log(files: &Files, suite: CipherSuite) {
    let recording = Recording::of(suite);
    let log = files.write(&format!("{suite}.log"), recording.key_log.as_bytes());
    let option = format!("tls.keylog_file:{}", log.display());
    let read = recording.read_by_tshark(files, "key_log", &[option]);
    assert!(read == Plaintext::whole());
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

/// A connection between our two sides, as it was on the wire.
struct Recording {
    suite: CipherSuite,
    flights: Vec<Flight>,
    key_log: String,
}

impl Recording {
    fn of(suite: CipherSuite) -> Self {
        let log = Arc::new(Log::default());
        let mut pair = pair(
            client_builder().suites(&[suite]),
            server_builder().key_log(log.clone()),
        );
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
        let key_log = log.0.lock().unwrap().clone();
        Self {
            suite,
            flights,
            key_log,
        }
    }

    /// What tshark makes of it with these options. `name` tells the files of the tests apart.
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

/// Reads tshark's dump: lines of hexadecimal digits, those of the second speaker behind a tab,
/// between lines of prose.
fn followed(dump: &str) -> Plaintext {
    let mut plaintext = Plaintext::default();
    for line in dump.lines() {
        match line.strip_prefix('\t') {
            Some(digits) => plaintext.server.extend(bytes(digits).unwrap_or_default()),
            None => plaintext.client.extend(bytes(line).unwrap_or_default()),
        }
    }
    plaintext
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
