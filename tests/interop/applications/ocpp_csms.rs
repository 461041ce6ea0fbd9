//! The back end for charging stations, with stations in Python.

use super::expect_help;
use crate::files::Files;
use crate::{Need, Trials};
use premaster::{ClientConfig, Connection, RootStore};
use premaster_testing::pki::Spec;
use premaster_testing::program::{Ended, Program, built};
use premaster_testing::{lasting, name, repository};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const EXAMPLE: &str = "examples/ocpp_csms";

const SUITE: &str = "AES128-GCM-SHA256";

pub fn add_trials(trials: &mut Trials) {
    let built = Need::Built(EXAMPLE);
    trials.add_with(&[built], "ocpp_csms::help".into(), |_| expect_help(EXAMPLE));
    let station = &[built, Need::Module("ocpp"), Need::Module("websockets")];
    let mut add = |name: &str, test: fn(&Files)| {
        trials.add_with(station, format!("ocpp_csms::{name}"), test);
    };
    add("station", a_station);
    add("no_certificate", a_station_without_a_certificate);
    add("foreign_certificate", a_certificate_of_another_root);
    add("other_certificate", a_certificate_of_another_station);
    add("register", stations_by_a_register);
    add("organization", the_operators_stations_alone);
    add("subprotocol", another_subprotocol);
    add("serial_number", another_serial_number);
    add("unreadable", what_is_not_a_call);
    add("replaced", a_newer_connection_replaces_the_older);
    add("full", no_place);
    add("idle", an_idle_station);
    add("stop", the_server_stops);
    add("slow_peers", an_honest_station_among_slow_peers);
}

/// The back end, listening.
struct Server {
    program: Program,
    address: String,
}

impl Server {
    #[track_caller]
    fn start(files: &Files, arguments: &[&str]) -> Self {
        let mut command = Command::new(built(EXAMPLE));
        command.args(["--listen", "127.0.0.1:0", "--verbose"]).args(arguments);
        command.arg("--cert").arg(files.server_certificate());
        command.arg("--key").arg(files.server_key());
        command.arg("--client-ca").arg(files.root_certificate());
        let mut program = Program::start(&mut command);
        let line = program.read_line();
        let address = line.strip_prefix("LISTENING ").unwrap().to_owned();
        Self { program, address }
    }

    /// A station that connects to this path with this certificate.
    fn station(
        &self,
        files: &Files,
        path: &str,
        certificate: Certificate,
        acts: &[&str],
    ) -> Program {
        let mut command = Command::new("python3");
        command
            .arg(repository().join("tests/interop/applications/station.py"))
            .arg(format!("wss://{}{path}", self.address))
            .arg(files.root_certificate());
        match certificate {
            Certificate::None => command.args(["-", "-"]),
            Certificate::Of(serial) => {
                command.arg(certificate_of(serial, files)).arg(files.client_key())
            }
            Certificate::Foreign => {
                command.arg(files.foreign_certificate()).arg(files.client_key())
            }
        };
        Program::start(command.args(acts))
    }

    /// What a station prints that does this and ends.
    #[track_caller]
    fn visit(
        &self,
        files: &Files,
        path: &str,
        certificate: Certificate,
        acts: &[&str],
    ) -> Vec<String> {
        lines(&self.station(files, path, certificate, acts).wait())
    }

    /// Ends the server: what it has printed, each event as one line.
    #[track_caller]
    fn stop(self) -> String {
        let id = self.program.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let ended = self.program.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stderr, "");
        let long = ended.stdout.lines().find(|line| line.len() > 80);
        assert_eq!(long, None);
        ended.stdout.replace("\n    ", " ")
    }
}

#[derive(Clone, Copy)]
enum Certificate {
    None,
    /// By the test root, for this serial number.
    Of(&'static str),
    /// By a root that the server does not know.
    Foreign,
}

fn certificate_of(serial: &str, files: &Files) -> PathBuf {
    let subject = match serial {
        "SN-1" => "CN=SN-1,O=Operator",
        "SN-2" => "CN=SN-2,O=Operator",
        other => panic!("{other}"),
    };
    let spec = Spec {
        subject,
        dns: vec![],
        ..lasting::client()
    };
    files.write(&format!("{serial}.pem"), lasting::pem(&spec).as_bytes())
}

#[track_caller]
fn lines(ended: &Ended) -> Vec<String> {
    assert!(ended.status.success(), "{ended:?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

const CONNECTED: &str = "connected ocpp2.0.1 AES128-GCM-SHA256 reused=False";

/// It boots, beats, and is told what the back end does not know; then it comes back by its ticket.
fn a_station(files: &Files) {
    let server = Server::start(files, &[]);
    let acts = [
        "connect",
        "boot=SN-1",
        "beat",
        "status",
        "other",
        "close",
        "connect",
        "beat",
        "close",
    ];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), &acts);
    let resumed = format!("connected ocpp2.0.1 {SUITE} reused=True");
    assert_eq!(
        told,
        [
            CONNECTED,
            "boot Accepted 300",
            "beat right",
            "status told",
            "error NotImplemented",
            "closed",
            &resumed,
            "beat right",
            "closed",
        ]
    );
    let printed = server.stop();
    for event in [
        "SN-1: booted (PowerUp): Wallbox 2 by Example Inc.\n",
        "SN-1: heartbeat\n",
        "SN-1: EVSE 1, connector 2: Available\n",
        "SN-1: LogStatusNotification: refused, NotImplemented: ",
        "SN-1: closed by the station\n",
        "TLS_RSA_WITH_AES_128_GCM_SHA256, resumed: no (no session offered)\n",
        "TLS_RSA_WITH_AES_128_GCM_SHA256, resumed: ticket\n",
    ] {
        assert!(printed.contains(event), "{event} {printed}");
    }
}

/// The handshake fails, so that there is no WebSocket to talk over.
fn a_station_without_a_certificate(files: &Files) {
    let server = Server::start(files, &[]);
    let told = server.visit(files, "/SN-1", Certificate::None, &["connect"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("failed SSLError"), "{told:?}");
    let printed = server.stop();
    let event = "failed: the client presented no certificate";
    assert!(printed.contains(event), "{printed}");
    assert!(
        printed.contains("alert sent: handshake_failure"),
        "{printed}"
    );
}

fn a_certificate_of_another_root(files: &Files) {
    let server = Server::start(files, &[]);
    let told = server.visit(files, "/SN-1", Certificate::Foreign, &["connect"]);
    assert!(told[0].starts_with("failed "), "{told:?}");
    let printed = server.stop();
    assert!(printed.contains("alert sent: unknown_ca"), "{printed}");
}

/// It is valid, but the station with this identity has another serial number. A session that is
/// resumed has the certificate that it was made with.
fn a_certificate_of_another_station(files: &Files) {
    let server = Server::start(files, &[]);
    let acts = &[
        "connect", "at=/SN-2", "connect", "close", "at=/SN-1", "connect",
    ];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-2"), acts);
    assert_eq!(told, ["refused 403", CONNECTED, "closed", "refused 403"]);
    let printed = server.stop();
    let event = "refused: station SN-1 has the serial number SN-1, and the certificate is for SN-2";
    assert!(printed.contains(event), "{printed}");
}

/// A station's identity is the operator's name for it, and not its serial number.
fn stations_by_a_register(files: &Files) {
    let register = files.write("stations.txt", b"# A car park.\n\nCS@1 SN-1\nCS-2  SN-2\n");
    let register = register.to_str().unwrap();
    let server = Server::start(files, &["--stations", register, "--path", "/ocpp/"]);
    let own = Certificate::Of("SN-1");
    let mut acts: Vec<String> = Vec::new();
    let mut expected: Vec<String> = Vec::new();
    for (path, status) in [
        ("/ocpp/CS-2", "refused 403"),
        ("/ocpp/CS-3", "refused 404"),
        ("/ocpp/SN-1", "refused 404"),
        ("/CS@1", "refused 404"),
        ("/ocpp/%00", "refused 404"),
    ] {
        acts.extend([format!("at={path}"), "connect".into()]);
        expected.push(status.into());
    }
    // The identity may be percent-encoded.
    for (path, reused) in [("/ocpp/CS@1", "False"), ("/ocpp/CS%401", "True")] {
        let of_station = ["connect", "close"].map(str::to_owned);
        acts.push(format!("at={path}"));
        acts.extend(of_station);
        expected.push(format!("connected ocpp2.0.1 {SUITE} reused={reused}"));
        expected.push("closed".into());
    }
    let acts: Vec<_> = acts.iter().map(String::as_str).collect();
    assert_eq!(server.visit(files, "/", own, &acts), expected);
    let printed = server.stop();
    assert!(
        printed.contains("refused: unknown station: CS-3"),
        "{printed}"
    );
    assert!(
        printed.contains("refused: unknown path: /ocpp/%00"),
        "{printed}"
    );
}

fn the_operators_stations_alone(files: &Files) {
    for (name, expected) in [("Operator", CONNECTED), ("Another", "failed ")] {
        let server = Server::start(files, &["--organization", name]);
        let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), &["connect"]);
        assert!(told[0].starts_with(expected), "{told:?}");
        let printed = server.stop();
        let event = "is not from the organization Another";
        assert_eq!(printed.contains(event), name == "Another", "{printed}");
    }
}

/// The handshake is completed without a subprotocol, and then the connection is closed.
fn another_subprotocol(files: &Files) {
    let server = Server::start(files, &[]);
    let acts = &["connect=ocpp1.6", "wait"];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), acts);
    let connected = format!("connected None {SUITE} reused=False");
    assert_eq!(
        told,
        [&connected, "ended 1002 only ocpp2.0.1 is spoken here"]
    );
    // One that offers several gets the one that is known.
    let acts = &["connect=ocpp1.6,ocpp2.0.1", "close"];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), acts);
    assert_eq!(told, [CONNECTED, "closed"]);
    server.stop();
}

/// A station that says it is another than its certificate's is rejected, until it says it is not.
fn another_serial_number(files: &Files) {
    let server = Server::start(files, &[]);
    let acts = &[
        "connect",
        "boot=SN-2",
        "beat",
        "boot=SN-1",
        "beat",
        "boot",
        "close",
    ];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), acts);
    assert_eq!(
        told,
        [
            CONNECTED,
            "boot Rejected 300",
            "error SecurityError",
            "boot Accepted 300",
            "beat right",
            "boot Accepted 300",
            "closed",
        ]
    );
    let printed = server.stop();
    let event = "its serial number is SN-2, and its certificate is for SN-1";
    assert!(printed.contains(event), "{printed}");
}

fn what_is_not_a_call(files: &Files) {
    let server = Server::start(files, &["--max-message", "1000"]);
    let own = Certificate::Of("SN-1");
    let cases = [
        ("{}", "-1", "RpcFrameworkError"),
        ("[]", "-1", "RpcFrameworkError"),
        (r#"[2, 7, "Heartbeat", {}]"#, "-1", "RpcFrameworkError"),
        (r#"[2, "a", "Heartbeat"]"#, "a", "RpcFrameworkError"),
        (
            r#"[9, "a", "Heartbeat", {}]"#,
            "a",
            "MessageTypeNotSupported",
        ),
        (
            r#"[2, "a", "BootNotification", {}]"#,
            "a",
            "OccurrenceConstraintViolation",
        ),
        (
            r#"[2, "a", "BootNotification", {"reason": 1}]"#,
            "a",
            "TypeConstraintViolation",
        ),
        (
            r#"[2, "a", "BootNotification", {"reason": ""}]"#,
            "a",
            "PropertyConstraintViolation",
        ),
        (r#"[2, "a", "\u001b[2J", {}]"#, "a", "NotImplemented"),
    ];
    let mut acts: Vec<String> = vec!["connect".into()];
    for (text, ..) in &cases {
        acts.push(format!("raw={text}"));
    }
    // An answer to nothing has no answer; the next message has.
    acts.push(r#"send=[3, "a", {}]"#.into());
    let acts: Vec<_> = acts.iter().map(String::as_str).chain(["beat", "close"]).collect();
    let told = server.visit(files, "/SN-1", own, &acts);
    for ((text, id, code), line) in cases.iter().zip(&told[1..]) {
        let start = format!(r#"raw [4,"{id}","{code}","#);
        assert!(line.starts_with(&start), "{text}: {line}");
    }
    assert_eq!(told[told.len() - 2..], ["beat right", "closed"]);

    for (act, end) in [
        ("long=1001", "ended 1009 the message is too long"),
        ("binary", "ended 1003 messages must be text"),
    ] {
        let told = server.visit(files, "/SN-1", own, &["connect", act, "wait"]);
        assert_eq!(told, [CONNECTED, end]);
    }
    let printed = server.stop();
    assert!(printed.contains(r"\u{1b}[2J: refused"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
}

/// A station that lost its network comes back before its old connection is known to be dead. It
/// gets in although all places are taken.
fn a_newer_connection_replaces_the_older(files: &Files) {
    let server = Server::start(files, &["--max-stations", "1"]);
    let own = Certificate::Of("SN-1");
    let mut older = server.station(files, "/SN-1", own, &["connect", "wait"]);
    assert_eq!(older.read_line(), CONNECTED);
    let newer = server.visit(files, "/SN-1", own, &["connect", "close"]);
    assert_eq!(newer, [CONNECTED, "closed"]);
    assert_eq!(
        lines(&older.wait()),
        ["ended 1008 replaced by a newer connection"]
    );
    server.stop();
}

/// Another station does not get in, until the first one has left.
fn no_place(files: &Files) {
    let server = Server::start(files, &["--max-stations", "1"]);
    let mut first = server.station(
        files,
        "/SN-1",
        Certificate::Of("SN-1"),
        &["connect", "wait"],
    );
    assert_eq!(first.read_line(), CONNECTED);
    let other = Certificate::Of("SN-2");
    assert_eq!(
        server.visit(files, "/SN-2", other, &["connect"]),
        ["refused 503"]
    );
    // However it leaves.
    drop(first);
    let told = server.visit(files, "/SN-2", other, &["connect", "close"]);
    assert_eq!(told, [CONNECTED, "closed"]);
    let printed = server.stop();
    assert!(
        printed.contains("refused: all places are taken; station SN-2"),
        "{printed}"
    );
}

fn an_idle_station(files: &Files) {
    let server = Server::start(files, &["--heartbeat", "1", "--idle", "2"]);
    // An answer to nothing keeps the connection alive, too.
    let acts = &["connect", "send=[3,\"a\",{}]", "wait"];
    let told = server.visit(files, "/SN-1", Certificate::Of("SN-1"), acts);
    assert_eq!(told, [CONNECTED, "ended 1008 idle for too long"]);
    let printed = server.stop();
    let event = "because it sent nothing for 2s";
    assert!(printed.contains(event), "{printed}");
}

/// The stations are told, and the server ends.
fn the_server_stops(files: &Files) {
    let server = Server::start(files, &[]);
    let mut station = server.station(
        files,
        "/SN-1",
        Certificate::Of("SN-1"),
        &["connect", "wait"],
    );
    assert_eq!(station.read_line(), CONNECTED);
    let printed = server.stop();
    assert!(
        printed.contains("closed, because the server stops"),
        "{printed}"
    );
    assert_eq!(lines(&station.wait()), ["ended 1001 the server stops"]);
}

/// More peers than there is room for send nothing, stop after their hello, or send a byte of it now
/// and then. Each has to leave when its time is over, and the station behind them is served.
fn an_honest_station_among_slow_peers(files: &Files) {
    const SILENT: usize = 100;
    const HALTED: usize = 100;
    const DRIPPING: usize = 300;

    let server = Server::start(files, &["--max-handshakes", "200", "--handshake", "2"]);
    let hello = hello(files);
    let connect = || TcpStream::connect(&server.address).unwrap();
    let silent: Vec<_> = (0..SILENT).map(|_| connect()).collect();
    let halted: Vec<_> = (0..HALTED).map(|_| connect()).collect();
    for mut peer in &halted {
        peer.write_all(&hello).unwrap();
    }
    let mut dripping: Vec<_> = (0..DRIPPING).map(|_| connect()).collect();
    let served = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            for byte in &hello {
                if served.load(Ordering::Relaxed) {
                    return;
                }
                for peer in &mut dripping {
                    // One that was dropped is dripping no more.
                    let _ = peer.write(&[*byte]);
                }
                thread::sleep(Duration::from_millis(100));
            }
        });
        let own = Certificate::Of("SN-1");
        let station = server.station(files, "/SN-1", own, &["connect", "close"]);
        let ended = station.wait();
        served.store(true, Ordering::Relaxed);
        lines(&ended)
    });
    assert_eq!(told, [CONNECTED, "closed"]);
    drop((silent, halted));
    server.stop();
}

/// A client's first bytes.
fn hello(files: &Files) -> Vec<u8> {
    let roots = RootStore::from_pem(&fs::read(files.root_certificate()).unwrap()).unwrap();
    let config = ClientConfig::builder(roots).build().unwrap();
    let mut outgoing = Vec::new();
    Connection::client(Arc::new(config), name(), &mut outgoing).unwrap();
    outgoing
}
