//! The examples, run as a user runs them.
#![cfg(feature = "getrandom")]

mod common;
#[path = "../examples/support/decryption_pool.rs"]
mod decryption_pool;
#[path = "common/lasting.rs"]
mod lasting;
#[path = "common/program.rs"]
mod program;
#[cfg(unix)]
#[path = "../examples/support/remote/key.rs"]
mod remote_key;
#[cfg(unix)]
#[path = "../examples/support/remote/wire.rs"]
#[allow(dead_code, reason = "the signer's end is in the signer")]
mod wire;

use common::pair::Chunks;
use common::wire::hello;
use common::{Pair, certified, client_builder, pair, server_builder_with};
use decryption_pool::{Batching, Keys, Queue, Submitted, Worker, decryption_pool};
use premaster::{
    AlertDescription, ClientConfig, ClientConfigBuilder, Error, ExtendedMasterSecret, RootStore,
    Stream,
};
use program::{Ended, Program, example};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A server with the certificate for localhost, and where it listens.
fn serve(arguments: &[&str]) -> (Program, String) {
    let mut command = example("server");
    command
        .args(["--listen", "127.0.0.1:0"])
        .args(["--cert", &data("leaf-2048.pem")])
        .args(["--key", &data("rsa-2048.key")])
        .args(arguments);
    let mut server = Program::start(&mut command);
    let address = address_of(&mut server);
    (server, address)
}

/// Where a server listens, as its first line says.
fn address_of(server: &mut Program) -> String {
    let line = server.read_line();
    line.strip_prefix("LISTENING ").unwrap().to_owned()
}

/// A client whose input is still open.
fn start_client(address: &str, arguments: &[&str]) -> Program {
    let mut command = example("client");
    command.arg(address).args(["--name", "localhost"]);
    Program::start(command.args(arguments))
}

/// What a client came to that was given this input.
fn client(address: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let mut client = start_client(address, arguments);
    client.write(input);
    client.close_stdin();
    client.wait()
}

/// The same, of a client that trusts the server's certificate.
fn trusting_client(address: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let ca = data("leaf-2048.pem");
    client(address, &[&["--ca", &ca], arguments].concat(), input)
}

/// A JSON line of the server's, or the one on a client's standard error.
fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What a client with `--json` says of its connections.
fn reports(ended: &Ended) -> Vec<Value> {
    ended.stderr.lines().map(json).collect()
}

/// How each of a client's connections was resumed, as it says with `--json`.
fn resumed(ended: &Ended) -> Vec<Value> {
    assert!(ended.status.success(), "{ended:?}");
    let reports = reports(ended);
    reports
        .iter()
        .map(|report| report["resumed"].clone())
        .collect()
}

/// A stream of the library's own to the server, for settings that the client has no option for.
fn stream(
    address: &str,
    set_up: impl Fn(ClientConfigBuilder) -> ClientConfigBuilder,
) -> Stream<TcpStream> {
    let roots = RootStore::from_pem(&fs::read(data("leaf-2048.pem")).unwrap()).unwrap();
    let config = set_up(ClientConfig::builder(roots)).build().unwrap();
    let transport = TcpStream::connect(address).unwrap();
    transport.set_read_timeout(Some(PATIENCE)).unwrap();
    Stream::client(Arc::new(config), "localhost".try_into().unwrap(), transport).unwrap()
}

/// An empty directory of its own for a test, removed when this is dropped.
struct Directory(PathBuf);

impl Directory {
    fn create(test: &str) -> Self {
        let name = format!("premaster-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_handshake_is_shown_to_its_clean_close() {
    let ended = Program::start(&mut example("handshake")).wait();
    assert_shows(
        &ended,
        &[
            "no forward secrecy",
            " 1  ClientHello ",
            " 2  ServerHello ",
            " 3  Certificate ",
            " 4  ServerHelloDone ",
            " 5  ClientKeyExchange ",
            " 6  ChangeCipherSpec ",
            " 7  Finished ",
            " 8  ChangeCipherSpec ",
            " 9  Finished ",
            "10  application data ",
            "11  application data ",
            "12  Alert ",
            "13  Alert ",
            "A clean close",
        ],
    );
}

#[test]
fn a_session_is_shown_to_be_resumed() {
    for (flag, full_steps, handle) in [(None, 9, "the same ID"), (Some("--ticket"), 10, "ticket")] {
        let ended = Program::start(example("handshake").arg("--resume").args(flag)).wait();
        assert_shows(
            &ended,
            &[
                " 5  ClientKeyExchange ",
                &format!("{full_steps:2}  Finished "),
                "A clean close",
                "resumes the session",
                " 1  ClientHello ",
                " 2  ServerHello ",
                handle,
                " 3  ChangeCipherSpec    |<-",
                " 4  Finished            |<-",
                "comes first",
                " 5  ChangeCipherSpec    |--",
                " 6  Finished            |--",
                " 7  application data ",
                "10  Alert ",
                "A clean close",
                &format!("Saved: {} of {full_steps} messages, ", full_steps - 6),
                "RSA",
            ],
        );
        let tickets = ended.stdout.matches("NewSessionTicket").count();
        assert_eq!(tickets, flag.into_iter().count());
    }
}

/// An example's output has these parts in this order, and no line too long.
fn assert_shows(ended: &Ended, parts: &[&str]) {
    assert!(ended.status.success(), "{ended:?}");
    let mut rest = &ended.stdout[..];
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("no {part:?} in {rest}"));
        rest = &rest[at..];
    }
    assert!(ended.stdout.lines().all(|line| line.len() <= 100));
}

#[test]
fn a_page_is_served_and_told_of() {
    let suite = "TLS_RSA_WITH_AES_128_GCM_SHA256";
    let (mut server, address) = serve(&["--json", "--suites", suite]);
    let ended = trusting_client(&address, &["--get", "/", "--json"], b"");
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains(suite), "{ended:?}");
    for line in [&server.read_line(), &ended.stderr] {
        let told = json(line);
        assert_eq!(told["suite"], suite);
        assert_eq!(told["resumed"], "no");
        assert_eq!(told["not_resumed"], "nothing to resume");
        assert_eq!(told["extended_master_secret"], "yes");
        assert_eq!(told["server_name"], "localhost");
        for key in ["alpn", "alert_sent", "alert_received", "error"] {
            assert!(told.as_object().unwrap().contains_key(key), "{line}");
            assert_eq!(told[key], Value::Null, "{line}");
        }
    }

    let ended = trusting_client(
        &address,
        &["--get", "/", "--suites", "TLS_RSA_WITH_AES_256_GCM_SHA384"],
        b"",
    );
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stderr.lines().count(), 1);
    assert!(ended.stderr.contains("handshake_failure"), "{ended:?}");
    let told = json(&server.read_line());
    assert_eq!(told["suite"], Value::Null);
    assert_eq!(told["alert_sent"], "handshake_failure");
    assert_eq!(told["setting"], "ServerConfigBuilder::suites");
}

#[test]
fn a_page_can_be_long_and_the_server_can_serve_once() {
    let (server, address) = serve(&["--once", "--body-size", "300000"]);
    let ended = trusting_client(&address, &["--get", "/"], b"");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout.len(), 300_000);
    assert!(server.wait().status.success());
}

#[test]
fn a_page_takes_an_empty_line() {
    let (_server, address) = serve(&[]);
    for (request, answered) in [
        ("GET / HTTP/1.0\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("GET / HTTP/1.0\n\n", true),
    ] {
        let ended = trusting_client(&address, &[], request.as_bytes());
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout.contains("200 OK"), answered, "{ended:?}");
    }
}

#[test]
fn each_record_comes_back_from_the_echo_as_one() {
    let (_server, address) = serve(&["--reply", "echo"]);
    let mut stream = stream(&address, |client| client);
    let mut room = vec![0; 20_000];
    for length in [1, 700, 1 << 14] {
        stream.write_all(&vec![7; length]).unwrap();
        assert_eq!(stream.read(&mut room).unwrap(), length);
    }
}

#[test]
fn a_mebibyte_comes_back_from_the_echo() {
    let (_server, address) = serve(&["--reply", "echo"]);
    let sent: String = (0..150_000)
        .map(|number| format!("{number:06}\n"))
        .collect();
    let ended = trusting_client(&address, &[], sent.as_bytes());
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stdout == sent);
}

#[test]
fn one_bad_peer_does_not_stop_the_server() {
    let (mut server, address) = serve(&["--json"]);
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[22, 3, 1, 0, 4, 1, 0, 0, 0],
        &[],
    ] {
        let mut peer = TcpStream::connect(&address).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        peer.write_all(garbage).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        peer.read_to_end(&mut Vec::new()).unwrap();
        assert_ne!(json(&server.read_line())["error"], Value::Null);
    }
    // One that is silent holds a thread, and nobody up.
    let _silent = TcpStream::connect(&address).unwrap();
    let ended = trusting_client(&address, &["--get", "/"], b"");
    assert!(ended.status.success(), "{ended:?}");
}

/// A hello without extensions is answered with the server's flight.
#[test]
fn a_hello_without_extensions_is_answered() {
    let (_server, address) = serve(&[]);
    let mut record = [0; 6];
    say_hello(&address).read_exact(&mut record).unwrap();
    assert_eq!((record[0], record[5]), (22, 2));
}

/// A peer that has said hello, and has not read the answer.
fn say_hello(address: &str) -> TcpStream {
    let mut peer = TcpStream::connect(address).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    peer.write_all(&hello().client()).unwrap();
    peer
}

#[cfg(unix)]
#[test]
fn the_server_ends_cleanly_when_it_is_told_to() {
    let (server, address) = serve(&[]);
    // Somebody is connected, and the server knows.
    let mut peer = say_hello(&address);
    peer.read_exact(&mut [0]).unwrap();
    terminate(&server);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    // The connection that was cut has its line too.
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    assert!(ended.stdout.contains("without close_notify"), "{ended:?}");
}

/// Tells a program to end.
#[cfg(unix)]
fn terminate(program: &Program) {
    kill(program, "-TERM");
}

/// Tells a program to read its files again.
#[cfg(unix)]
fn hang_up(program: &Program) {
    kill(program, "-HUP");
}

#[cfg(unix)]
fn kill(program: &Program, signal: &str) {
    let process = program.id().to_string();
    let kill = Command::new("kill").args([signal, &process]).status();
    assert!(kill.unwrap().success());
}

#[test]
fn the_client_says_by_its_status_what_happened() {
    let (_server, address) = serve(&[]);
    let other = data("captured/server.pem");
    let ended = client(&address, &["--ca", &other, "--get", "/"], b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stderr.lines().count(), 1);
    assert!(ended.stderr.contains("unknown_ca"), "{ended:?}");

    for usage in [
        &["--get", "/"][..],
        &["--ca", "no such file"],
        &["--ca", &other, "--suites", "TLS_NO_SUCH_SUITE"],
    ] {
        assert_eq!(
            client(&address, usage, b"").status.code(),
            Some(2),
            "{usage:?}"
        );
    }
}

#[test]
fn a_client_resumes_in_the_way_that_both_sides_can() {
    let (on, off) = ("on", "off");
    for (tickets, cache, flag, way) in [
        (on, on, None, "ticket"),
        (on, off, None, "ticket"),
        (off, on, None, "id"),
        (off, off, None, "no"),
        (on, on, Some("--no-ticket"), "id"),
        (on, off, Some("--no-ticket"), "no"),
    ] {
        let options = ["--tickets", tickets, "--session-cache", cache, "--json"];
        let (mut server, address) = serve(&options);
        let arguments = [&["--reconnect", "2", "--json"], flag.as_slice()].concat();
        let ended = trusting_client(&address, &arguments, b"");
        assert_eq!(resumed(&ended), ["no", way, way], "{options:?} {ended:?}");

        // Each connection's thread has its line, and the threads have no order.
        let mut lines = [(); 3].map(|()| json(&server.read_line())["resumed"].to_string());
        lines.sort();
        let mut expected = ["no", way, way].map(|way| format!("{way:?}"));
        expected.sort();
        assert_eq!(lines, expected);
    }
}

#[test]
fn connections_without_a_page_do_not_wait_for_input() {
    let (_server, address) = serve(&[]);
    let arguments = ["--ca", &data("leaf-2048.pem"), "--reconnect", "1", "--json"];
    let ended = start_client(&address, &arguments).wait();
    assert_eq!(resumed(&ended), ["no", "ticket"]);
}

#[test]
fn each_connection_fetches_its_page() {
    let (_server, address) = serve(&["--tickets", "off"]);
    let ended = trusting_client(&address, &["--reconnect", "1", "--get", "/"], b"");
    assert!(ended.status.success(), "{ended:?}");
    for lines in [&ended.stdout, &ended.stderr] {
        let [first, second] = lines.lines().collect::<Vec<_>>()[..] else {
            panic!("{ended:?}");
        };
        assert!(first.contains("resumed: no (nothing to resume), "));
        assert!(second.contains("resumed: id, "));
    }
}

#[test]
fn the_connection_that_fails_is_the_last() {
    let (server, address) = serve(&["--once"]);
    let ended = trusting_client(&address, &["--reconnect", "2", "--json"], b"");
    assert_eq!(ended.status.code(), Some(1));
    let [first, second] = &reports(&ended)[..] else {
        panic!("{ended:?}");
    };
    assert_eq!(first["error"], Value::Null);
    assert_ne!(second["error"], Value::Null);
    assert!(server.wait().status.success());
}

#[cfg(unix)]
#[test]
fn a_session_file_outlasts_the_client() {
    use std::os::unix::fs::PermissionsExt;
    for renew in [None, Some("--renew-ticket")] {
        let (_server, address) = serve(renew.as_slice());
        let directory = Directory::create(&format!("session-file-{}", renew.is_some()));
        let file = directory.path("session");
        let arguments = ["--get", "/", "--json", "--session-file", &file];
        let contents = ["no", "ticket"].map(|way| {
            let ended = trusting_client(&address, &arguments, b"");
            assert_eq!(resumed(&ended), [way]);
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            // No temporary file stays behind.
            assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
            fs::read(&file).unwrap()
        });
        assert_eq!(contents[0] != contents[1], renew.is_some());
    }
}

/// It is of no use to another server, and a file that is damaged where only the library looks is
/// none either.
#[cfg(unix)]
#[test]
fn a_session_that_cannot_be_resumed_makes_room() {
    let directory = Directory::create("session-file-useless");
    let file = directory.path("session");
    let arguments = ["--get", "/", "--json", "--session-file", &file];
    let (_first, address) = serve(&[]);
    assert_eq!(resumed(&trusting_client(&address, &arguments, b"")), ["no"]);

    let (_second, address) = serve(&[]);
    let ended = trusting_client(&address, &arguments, b"");
    assert_eq!(reports(&ended)[0]["not_resumed"], "declined by the server");

    let mut damaged = fs::read(&file).unwrap();
    damaged.pop();
    fs::write(&file, damaged).unwrap();
    let ended = trusting_client(&address, &arguments, b"");
    assert_eq!(reports(&ended)[0]["not_resumed"], "unknown session");
    let by_ticket = resumed(&trusting_client(&address, &arguments, b""));
    assert_eq!(by_ticket, ["ticket"]);
}

#[cfg(unix)]
#[test]
fn a_session_that_failed_leaves_its_file() {
    let directory = Directory::create("session-file-failed");
    let file = directory.path("session");
    let (_server, address) = serve(&["--alpn", "mqtt"]);
    for (alpn, code, kept) in [("mqtt", 0, true), ("h2", 1, false)] {
        let arguments = ["--get", "/", "--alpn", alpn, "--session-file", &file];
        let ended = trusting_client(&address, &arguments, b"");
        assert_eq!(ended.status.code(), Some(code), "{ended:?}");
        assert_eq!(fs::exists(&file).unwrap(), kept);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_or_that_is_another_is_no_session_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_server, address) = serve(&[]);
    let directory = Directory::create("session-file-refused");
    for (content, mode, cause) in [
        (&b""[..], 0o640, "mode 0640"),
        (b"", 0o602, "mode 0602"),
        (b"-----BEGIN PRIVATE KEY-----", 0o600, "not a session file"),
    ] {
        let file = directory.write("file", content);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let ended = trusting_client(&address, &["--get", "/", "--session-file", &file], b"");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains(cause), "{ended:?}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[cfg(unix)]
#[test]
fn servers_share_the_keys_of_their_tickets() {
    let directory = Directory::create("ticket-key");
    let [old, new] = [[1; 48], [2; 48]];
    let current = directory.write("current", &old);
    let both = directory.write("both", &[new, old].concat());
    let session = directory.path("session");
    let arguments = ["--get", "/", "--json", "--session-file", &session];
    let (_first, address) = serve(&["--ticket-key", &current]);
    assert_eq!(resumed(&trusting_client(&address, &arguments, b"")), ["no"]);

    let (second, address) = serve(&["--ticket-key", &current, "--session-cache", "off"]);
    let way = resumed(&trusting_client(&address, &arguments, b""));
    assert_eq!(way, ["ticket"]);
    // What is read again at SIGHUP knows the old key, but seals with the new one.
    fs::copy(&both, &current).unwrap();
    hang_up(&second);
    let kept = fs::read(&session).unwrap();
    let renewed = (0..200).any(|_| {
        let way = resumed(&trusting_client(&address, &arguments, b""));
        assert_eq!(way, ["ticket"]);
        fs::read(&session).unwrap() != kept
    });
    assert!(renewed);

    let (_third, address) = serve(&["--ticket-key", &directory.write("old", &old)]);
    let ended = trusting_client(&address, &arguments, b"");
    assert_eq!(reports(&ended)[0]["not_resumed"], "declined by the server");
}

#[test]
fn settings_that_do_not_work_are_refused() {
    let directory = Directory::create("settings");
    let short = directory.write("short", &[1; 47]);
    let long = directory.write("long", &[1; 192]);
    let key = directory.write("key", &[1; 48]);
    for usage in [
        &["--ticket-key", &short][..],
        &["--ticket-key", &long],
        &["--ticket-key", "no such file"],
        &["--ticket-key", &key, "--tickets", "off"],
        &["--record-size-limit", "63"],
        &["--alpn", ""],
    ] {
        let ended = Program::start(example("server").args(usage)).wait();
        assert_eq!(ended.status.code(), Some(2), "{usage:?}: {ended:?}");
    }
}

#[test]
fn the_extended_master_secret_is_used_as_the_server_says() {
    let (_server, address) = serve(&["--ems", "off"]);
    let ended = trusting_client(&address, &["--reconnect", "1", "--json"], b"");
    assert!(ended.status.success(), "{ended:?}");
    let reports = reports(&ended);
    assert_eq!(reports[0]["extended_master_secret"], "no");
    assert_eq!(
        reports[1]["not_resumed"],
        "extended master secret differs or is missing"
    );

    let (mut server, address) = serve(&["--ems", "require", "--json"]);
    let ended = trusting_client(&address, &["--get", "/"], b"");
    assert!(ended.status.success(), "{ended:?}");
    let told = json(&server.read_line());
    assert_eq!(told["extended_master_secret"], "yes");
    let without =
        |client: ClientConfigBuilder| client.extended_master_secret(ExtendedMasterSecret::Off);
    let error = stream(&address, without).complete_handshake().unwrap_err();
    assert_eq!(
        error.downcast::<Error>().unwrap(),
        Error::AlertReceived(AlertDescription::HANDSHAKE_FAILURE)
    );
    let told = json(&server.read_line());
    assert_eq!(told["alert_sent"], "handshake_failure");
}

#[test]
fn an_application_protocol_is_agreed_or_nothing_is() {
    let (mut server, address) = serve(&["--alpn", "ocpp2.0.1,ocpp1.6", "--json"]);
    let agreed = ["--alpn", "ocpp1.6,mqtt", "--reconnect", "1", "--json"];
    let ended = trusting_client(&address, &agreed, b"");
    assert_eq!(resumed(&ended), ["no", "ticket"]);
    for line in reports(&ended) {
        assert_eq!(line["alpn"], "ocpp1.6");
        assert_eq!(json(&server.read_line())["alpn"], "ocpp1.6");
    }

    let ended = trusting_client(&address, &["--get", "/", "--alpn", "mqtt"], b"");
    assert_eq!(ended.status.code(), Some(1));
    let told = json(&server.read_line());
    assert_eq!(told["alert_sent"], "no_application_protocol");
    assert_eq!(told["alpn"], Value::Null);
}

#[test]
fn a_client_gets_records_as_short_as_it_asks_for() {
    let (mut server, address) = serve(&["--body-size", "5000", "--json"]);
    let arguments = ["--max-fragment", "512", "--reconnect", "1", "--json"];
    let ended = trusting_client(&address, &[&arguments[..], &["--get", "/"]].concat(), b"");
    assert_eq!(resumed(&ended), ["no", "ticket"]);
    assert_eq!(ended.stdout.len(), 2 * 5000);
    for line in reports(&ended) {
        for told in [line, json(&server.read_line())] {
            assert_eq!(told["largest_record_sent"], "512");
            assert_eq!(told["largest_record_received"], "512");
        }
    }
    let ended = trusting_client(&address, &["--max-fragment", "513"], b"");
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn a_server_gets_records_as_short_as_it_asks_for() {
    let (_server, address) = serve(&["--record-size-limit", "100", "--reply", "echo"]);
    let mut stream = stream(&address, |client| client.record_size_limit(300));
    stream.write_all(&[7; 250]).unwrap();
    // The echo answers each record with one.
    let mut room = [0; 400];
    for length in [100, 100, 50] {
        assert_eq!(stream.read(&mut room).unwrap(), length);
    }
    let session = stream.connection().session().unwrap();
    assert_eq!(session.largest_record_received(), 300);
}

#[test]
fn each_profile_connects() {
    let (_server, address) = serve(&[]);
    for profile in ["ocpp_2_0_1", "bmc_gcm", "strict"] {
        let ended = trusting_client(&address, &["--get", "/", "--profile", profile], b"");
        assert!(ended.status.success(), "{ended:?}");
    }
    let ended = trusting_client(&address, &["--get", "/", "--profile", "lax"], b"");
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn each_example_explains_itself() {
    for name in [
        "handshake",
        "server",
        "client",
        "redis_store",
        "offload_server",
        "remote_key",
    ] {
        let ended = Program::start(example(name).arg("--help")).wait();
        assert!(ended.status.success());
        assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
    }
}

/// An offloading server with the certificate for localhost.
fn offload_server(arguments: &[&str]) -> Program {
    let mut command = example("offload_server");
    command
        .args(["--cert", &data("leaf-2048.pem")])
        .args(["--key", &data("rsa-2048.key")])
        .args(arguments);
    Program::start(&mut command)
}

#[test]
fn a_loaded_server_decrypts_in_batches_or_inline() {
    let load = ["--load", "8", "--connections", "6", "--for", "1"];
    // Six connections fill a batch long before it has waited so long.
    let batches_of_three = ["--threads", "1", "--batch", "3", "--wait", "1000000"];
    for (options, in_batches) in [(&batches_of_three[..], true), (&["--inline"], false)] {
        let ended = offload_server(&[&load, options].concat()).wait();
        assert_shows(
            &ended,
            &["LISTENING ", "\nhandshakes: ", "; 0 connections failed\n"],
        );
        assert!(ended.stderr.is_empty(), "{ended:?}");
        assert!(!ended.stdout.contains("handshakes: 0 "), "{ended:?}");
        for (part, is_there) in [
            ("\nbatches: ", in_batches),
            ("\n  of   3 ", in_batches),
            ("\n  of   4 ", false),
            ("\nwaiting for the batch: median ", in_batches),
            ("ClientKeyExchange to the answer: median ", in_batches),
        ] {
            assert_eq!(ended.stdout.contains(part), is_there, "{part}: {ended:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_offloading_server_serves_others_than_its_load() {
    let mut server = offload_server(&[]);
    let address = address_of(&mut server);
    let mut peer = TcpStream::connect(&address).unwrap();
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // One that is silent, and does not hinder the end.
    let _silent = TcpStream::connect(&address).unwrap();
    let answer = hear(&address).unwrap();
    assert!(answer.contains("in a batch of 1, "), "{answer}");

    terminate(&server);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stdout.contains("\nhandshakes: 1 in "), "{ended:?}");
    assert!(
        ended.stdout.contains("; 2 connections failed\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("\nbatches: 1, "), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
}

/// What a server says to a client that only listens.
#[cfg(unix)]
fn hear(address: &str) -> std::io::Result<String> {
    let mut answer = String::new();
    stream(address, |client| client).read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_load_that_fails_shows_in_the_status() {
    let mut command = example("offload_server");
    // A certificate that is not for localhost.
    command
        .args(["--cert", &data("captured/server.pem")])
        .args(["--key", &data("rsa-2048.key")])
        .args(["--load", "1", "--for", "1"]);
    let ended = Program::start(&mut command).wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("a client failed"), "{ended:?}");
    assert!(ended.stdout.contains("handshakes: 0 "), "{ended:?}");
}

#[test]
fn batching_that_does_not_work_is_refused() {
    for usage in [
        &["--batch", "0"][..],
        &["--threads", "0"],
        &["--connections", "0"],
        &["--inline", "--batch", "2"],
    ] {
        let ended = offload_server(usage).wait();
        assert_eq!(ended.status.code(), Some(2), "{usage:?}: {ended:?}");
    }
}

/// A pool with the keys of these lengths, and room for all that a test asks.
fn pool(key_bits: &[usize], size: usize, wait: Duration) -> (Queue, Worker) {
    let keys = key_bits.iter().map(|bits| {
        let key = certified(*bits).key().unwrap().clone();
        (key.key_id(), key)
    });
    let batching = Batching {
        size,
        wait,
        queue: 8,
    };
    decryption_pool(Keys::from_iter(keys), batching)
}

/// A connection that has asked a pool, its key having so many bits.
fn asking(queue: &Queue, bits: usize) -> (Pair, Submitted) {
    let server = server_builder_with(certified(bits)).offload_decryption();
    let mut pair = pair(client_builder(), server);
    pair.run(Chunks::Whole).unwrap();
    let submitted = queue.submit(pair.server.job()).unwrap();
    (pair, submitted)
}

#[test]
fn a_pool_fills_batches_with_jobs_of_one_key() {
    let (queue, worker) = pool(&[2048, 3072], 2, PATIENCE);
    let bits = [2048, 2048, 2048, 3072, 2048, 3072];
    let connections = bits.map(|bits| asking(&queue, bits));
    // Nobody else asks, so that nobody is waited for.
    drop(queue);
    let batches = RefCell::new(Vec::new());
    worker.run(|queued| batches.borrow_mut().push(queued.len()));
    assert_eq!(batches.into_inner(), [2, 1, 1, 1, 1]);
    for ((mut pair, submitted), size) in connections.into_iter().zip([2, 2, 1, 1, 1, 1]) {
        let (reply, took) = submitted.wait(PATIENCE).unwrap();
        assert_eq!(reply.batch_size, size);
        assert!(reply.queued <= took);
        pair.server.resume(reply.answer).unwrap();
        pair.established();
    }
}

#[test]
fn a_pool_waits_for_a_batch_no_longer_than_it_should() {
    let wait = Duration::from_millis(20);
    let (queue, worker) = pool(&[2048], 8, wait);
    thread::scope(|scope| {
        scope.spawn(|| worker.run(|_| ()));
        let (_pair, submitted) = asking(&queue, 2048);
        let (reply, _) = submitted.wait(PATIENCE).unwrap();
        assert!(reply.queued >= wait);
        drop(queue);
    });
}

#[test]
fn a_pool_without_the_key_or_without_threads_does_not_answer() {
    let (queue, worker) = pool(&[3072], 8, Duration::ZERO);
    let (_pair, submitted) = asking(&queue, 2048);
    let (pair, other) = asking(&queue, 3072);
    let job = pair.server.job();
    drop(queue);
    worker.run(|_| ());
    assert!(submitted.wait(PATIENCE).is_err());
    assert!(other.wait(PATIENCE).is_ok());

    let (queue, worker) = pool(&[3072], 8, Duration::ZERO);
    drop(worker);
    assert!(queue.submit(job).is_err());
}

/// Certificates of both sides, and whom they believe.
mod authentication {
    use super::*;
    use crate::common::NAME;
    use crate::common::pki::{Algorithm, Authority, Hash, Spec, crl, key, public_key, to_pem};
    use crate::lasting;
    use premaster::Waiver;
    use x509_cert::ext::pkix::KeyUsages;

    /// A running server that tells of its connections in JSON, and where it listens.
    fn server(arguments: &[&str]) -> (Program, String) {
        let mut command = example("server");
        command.args(["--listen", "127.0.0.1:0", "--json"]);
        let mut server = Program::start(command.args(arguments));
        let address = address_of(&mut server);
        (server, address)
    }

    /// What a client came to that fetched a page from the server of this name.
    fn visit(address: &str, name: &str, arguments: &[&str]) -> (Ended, Value) {
        let mut command = example("client");
        command.args([address, "--name", name, "--get", "/", "--json"]);
        let ended = Program::start(command.args(arguments)).wait();
        let told = json(ended.stderr.trim_end());
        (ended, told)
    }

    /// A client's report of a failure.
    #[track_caller]
    fn refused((ended, told): (Ended, Value)) -> Value {
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        told
    }

    /// A client's report of a page.
    #[track_caller]
    fn served((ended, told): (Ended, Value)) -> Value {
        assert!(ended.status.success(), "{ended:?}");
        told
    }

    impl Directory {
        /// A file with this certificate.
        fn certificate(&self, name: &str, spec: &Spec) -> String {
            let pem = to_pem("CERTIFICATE", &spec.build());
            self.write(name, pem.as_bytes())
        }

        /// The arguments for this certificate and its key, which is one of tests/data.
        fn pair(&self, name: &str, spec: &Spec, key: &str) -> [String; 4] {
            let cert = self.certificate(name, spec);
            let key = data(&format!("{key}.key"));
            ["--cert".to_owned(), cert, "--key".to_owned(), key]
        }

        /// Those of the server's certificate.
        fn server(&self, spec: &Spec) -> [String; 4] {
            self.pair("server", spec, "rsa-2048")
        }

        /// Those of the client's.
        fn client(&self, spec: &Spec) -> [String; 4] {
            self.pair("client", spec, "rsa-2048-client")
        }

        /// The test root.
        fn root(&self) -> String {
            self.certificate("root", &lasting::root())
        }
    }

    /// Arguments of several sources, one behind the other.
    fn all<'a>(owned: &[&'a [String]], others: &[&'a str]) -> Vec<&'a str> {
        let owned = owned.iter().copied().flatten().map(String::as_str);
        owned.chain(others.iter().copied()).collect()
    }

    /// Nobody whom the others know.
    fn stranger() -> Authority {
        Authority::new("CN=Other Root", key("rsa-3072"))
    }

    #[test]
    fn the_handshake_is_shown_with_the_steps_of_a_client_s_certificate() {
        let options = ["--client-auth", "--resume"];
        let ended = Program::start(example("handshake").args(options)).wait();
        assert_shows(
            &ended,
            &[
                "and so were the client's",
                " 3  Certificate         |<-",
                " 4  CertificateRequest  |<-",
                " 5  ServerHelloDone     |<-",
                " 6  Certificate         |--",
                "in clear",
                " 7  ClientKeyExchange   |--",
                " 8  CertificateVerify   |--",
                "the client is CN=client.localhost (client.localhost).",
                " 9  ChangeCipherSpec    |--",
                "12  Finished            |<-",
                "resumes the session",
                " 6  Finished            |--",
                "the client is still CN=client.localhost (client.localhost).",
                "Saved: 6 of 12 messages, ",
            ],
        );
    }

    #[test]
    fn a_client_is_asked_who_it_is_as_the_server_says() {
        let directory = Directory::create("client-auth");
        let own = directory.server(&lasting::server());
        let client = directory.client(&lasting::client());
        let root = directory.root();
        let asked = ["--client-ca", &root];
        for (mode, trust, asks, wants) in [
            ("none", &[][..], false, false),
            ("request", &asked, true, false),
            ("require", &asked, true, true),
        ] {
            let mode = [&["--client-auth", mode], trust].concat();
            let (mut server, address) = server(&all(&[&own], &mode));
            let trust = ["--ca", &root, "--reconnect", "1"];
            let mut command = example("client");
            command.args([&address, "--name", NAME, "--json"]);
            let ended = Program::start(command.args(all(&[&client], &trust))).wait();
            assert_eq!(resumed(&ended), ["no", "ticket"]);
            for _ in 0..2 {
                let told = json(&server.read_line());
                let [subject, names, waivers] = match asks {
                    true => ["CN=Test Client", "client.example", "none"].map(Value::from),
                    false => [Value::Null, Value::Null, Value::Null],
                };
                assert_eq!(told["peer_certificate"], subject, "{mode:?}");
                assert_eq!(told["peer_names"], names);
                assert_eq!(told["waivers"], waivers);
            }

            let without = visit(&address, NAME, &["--ca", &root]);
            let told = json(&server.read_line());
            assert_eq!(told["peer_certificate"], Value::Null);
            if wants {
                assert_eq!(refused(without)["alert_received"], "handshake_failure");
                assert_eq!(told["setting"], "ServerConfigBuilder::client_auth");
            } else {
                served(without);
            }
        }
    }

    #[test]
    fn a_client_shows_the_certificate_that_the_server_takes() {
        let directory = Directory::create("client-chooses");
        let own = directory.server(&lasting::server());
        let root = directory.root();
        let other = lasting::client().issued_by(&stranger());
        let other = directory.pair("other", &other, "rsa-2048-client");
        let right = directory.client(&lasting::client());
        let require = ["--client-auth", "require", "--client-ca", &root];
        let (mut server, address) = server(&all(&[&own], &require));
        let trust = ["--ca", &root];
        served(visit(&address, NAME, &all(&[&other, &right], &trust)));
        let told = json(&server.read_line());
        assert_eq!(told["peer_certificate"], "CN=Test Client");
        refused(visit(&address, NAME, &all(&[&other], &trust)));
    }

    #[test]
    fn a_client_signs_with_what_the_server_takes() {
        let directory = Directory::create("client-sigalgs");
        let own = directory.server(&lasting::server());
        let client = directory.client(&lasting::client());
        let root = directory.root();
        for (algorithms, flag, is_served) in [
            ("rsa_pkcs1_sha512,rsa_pkcs1_sha256", None, true),
            ("rsa_pkcs1_sha1", None, false),
            ("rsa_pkcs1_sha1", Some("--sign-with-sha1"), true),
        ] {
            let asked = ["--client-ca", &root, "--client-sigalgs", algorithms];
            let asked = [&["--client-auth", "require"], &asked[..]].concat();
            let (_server, address) = server(&all(&[&own], &asked));
            let trust = [&["--ca", &root], flag.as_slice()].concat();
            let (ended, _) = visit(&address, NAME, &all(&[&client], &trust));
            assert_eq!(ended.status.success(), is_served, "{algorithms} {flag:?}");
        }
    }

    #[test]
    fn a_client_is_shown_the_certificate_for_the_name_that_it_asks_for() {
        let directory = Directory::create("names");
        let first = Spec {
            subject: "CN=First",
            dns: vec!["one.example"],
            ..lasting::server()
        };
        let second = Spec {
            subject: "CN=Second",
            dns: vec!["*.two.example", "one.example"],
            public_key: public_key(key("rsa-3072").as_public_key()),
            ..lasting::server()
        };
        let third = Spec {
            subject: "CN=Third",
            ..second.clone()
        };
        let first = directory.pair("first", &first, "rsa-2048");
        let second = directory.pair("second", &second, "rsa-3072");
        let third = directory.pair("third", &third, "rsa-3072");
        let root = directory.root();
        let trust = ["--ca", &root];
        for unknown in ["default", "alert"] {
            let unknown_name = ["--unknown-name", unknown];
            let (mut server, address) = server(&all(&[&first, &second, &third], &unknown_name));
            for (name, subject) in [
                ("one.example", "CN=First"),
                ("A.two.example", "CN=Second"),
                // An address is not asked for.
                ("127.0.0.1", "CN=First"),
            ] {
                let told = served(visit(&address, name, &trust));
                assert_eq!(told["peer_certificate"], subject, "{name}");
                server.read_line();
            }
            let any_name = ["--ca", &root, "--accept-any-name"];
            let elsewhere = visit(&address, "three.example", &any_name);
            let at_server = json(&server.read_line());
            if unknown == "default" {
                assert_eq!(served(elsewhere)["peer_certificate"], "CN=First");
            } else {
                assert_eq!(refused(elsewhere)["alert_received"], "unrecognized_name");
                assert_eq!(at_server["setting"], "CertificateSet::refuse_unknown_names");
            }
        }
    }

    /// What the test root says of this certificate, for as long as the certificate lasts.
    #[cfg(all(unix, feature = "ocsp"))]
    fn lasting_ocsp(spec: &Spec, status: common::pki::Status) -> Vec<u8> {
        let response = common::pki::SingleResponse {
            status,
            this_update: spec.not_before,
            next_update: Some(spec.not_after),
            ..common::pki::single_response(spec)
        };
        let ocsp = common::pki::Ocsp {
            produced_at: spec.not_before,
            responses: vec![response],
            ..common::pki::ocsp(spec)
        };
        ocsp.build()
    }

    #[cfg(all(unix, feature = "ocsp"))]
    #[test]
    fn an_ocsp_response_is_stapled_shown_and_wanted() {
        let directory = Directory::create("staple");
        let spec = lasting::server();
        let own = directory.server(&spec);
        let root = directory.root();
        let wanted = ["--ca", &root, "--require-staple"];
        let (_without, address) = server(&all(&[&own], &[]));
        let told = refused(visit(&address, NAME, &wanted));
        assert_eq!(told["alert_sent"], "bad_certificate_status_response");
        let cause = told["error"].as_str().unwrap();
        assert!(
            cause.contains("its OCSP response: there is none"),
            "{cause}"
        );

        let good = lasting_ocsp(&spec, common::pki::Status::Good);
        let staple = directory.write("staple", &good);
        let (server, address) = server(&all(&[&own], &["--staple", &staple]));
        let told = served(visit(&address, NAME, &wanted));
        assert_eq!(told["ocsp_response"], format!("{} bytes", good.len()));
        let told = served(visit(&address, NAME, &["--ca", &root]));
        assert_eq!(told["ocsp_response"], Value::Null);

        let revoked = common::pki::Status::Revoked {
            at: spec.not_before,
            reason: None,
        };
        fs::write(&staple, lasting_ocsp(&spec, revoked)).unwrap();
        hang_up(&server);
        let told = (0..200).find_map(|_| {
            let (ended, told) = visit(&address, NAME, &wanted);
            (!ended.status.success()).then_some(told)
        });
        assert_eq!(told.unwrap()["alert_sent"], "certificate_revoked");
    }

    #[test]
    fn a_certificate_on_a_revocation_list_is_refused() {
        let directory = Directory::create("crl");
        let spec = lasting::server();
        let (_server, address) = server(&all(&[&directory.server(&spec)], &[]));
        let root = directory.root();
        let mut list = crl(&Authority::root());
        list.this_update = spec.not_before;
        list.next_update = Some(spec.not_after);
        for (list, is_revoked) in [(list.clone(), false), (list.revoking(&spec), true)] {
            let der = list.build();
            let pem = to_pem("X509 CRL", &der);
            for file in [
                directory.write("pem", pem.as_bytes()),
                directory.write("der", &der),
            ] {
                let visited = visit(&address, NAME, &["--ca", &root, "--crl", &file]);
                if is_revoked {
                    assert_eq!(refused(visited)["alert_sent"], "certificate_revoked");
                } else {
                    served(visited);
                }
            }
        }
    }

    /// A server's certificate that is refused, and by which flag it is accepted.
    struct Waived {
        waiver: Waiver,
        certificate: Spec,
        /// Which the client knows, besides the test root.
        root: Authority,
        /// Also where it is refused.
        always: Vec<&'static str>,
        flag: Vec<String>,
    }

    /// A certificate that the flag alone makes accepted.
    fn waived(waiver: Waiver, flag: &str, certificate: Spec) -> Waived {
        Waived {
            waiver,
            certificate,
            root: Authority::root(),
            always: vec![],
            flag: flag.split(' ').map(str::to_owned).collect(),
        }
    }

    /// One that leads to no root, with the hash that is pinned of it.
    fn pinned(waiver: Waiver, pin: impl Fn(&Spec) -> String) -> Waived {
        let certificate = lasting::server().issued_by(&stranger());
        let flag = format!("--pin {}", pin(&certificate));
        waived(waiver, &flag, certificate)
    }

    fn waived_by_each_waiver() -> Vec<Waived> {
        let server = lasting::server;
        let named = || Spec {
            subject: "CN=server.example",
            dns: vec![],
            ip: vec![],
            ..server()
        };
        let other_name = Spec {
            dns: vec!["other.example"],
            ..server()
        };
        let sha1 = Spec {
            algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
            ..server()
        };
        let short = Authority::new("CN=Short Root", key("rsa-1024"));
        let expired = Spec {
            not_after: server().not_before + 1,
            ..server()
        };
        let signing = Spec {
            key_usage: Some(KeyUsages::DigitalSignature.into()),
            ..server()
        };
        vec![
            pinned(Waiver::PinnedCertificate, |spec| {
                let digits = |byte: &u8| format!("{byte:02X}");
                let hash = Hash::Sha256.digest(&spec.build());
                hash.iter().map(digits).collect::<Vec<_>>().join(":")
            }),
            pinned(Waiver::PinnedPublicKey, |_| {
                let key_id = certified(2048).key_id();
                key_id.to_string()
            }),
            waived(Waiver::CommonName, "--accept-common-name", named()),
            waived(Waiver::AnyName, "--accept-any-name", other_name),
            Waived {
                always: vec!["--accept-common-name"],
                ..waived(Waiver::Version1, "--accept-version-1", named().version_1())
            },
            waived(Waiver::Sha1Signature, "--accept-sha1-signatures", sha1),
            Waived {
                certificate: server().issued_by(&short),
                root: short,
                ..waived(Waiver::ShortRsaKey, "--accept-short-rsa-keys", server())
            },
            waived(
                Waiver::OutsideValidity,
                "--accept-outside-validity 4000000000",
                expired,
            ),
            waived(
                Waiver::MissingKeyEncipherment,
                "--accept-missing-key-encipherment",
                signing,
            ),
        ]
    }

    #[test]
    fn each_waiver_has_its_flag_which_the_error_names() {
        let directory = Directory::create("waivers");
        for case in waived_by_each_waiver() {
            let own = directory.server(&case.certificate);
            let (_server, address) = server(&all(&[&own], &[]));
            let root = Spec {
                not_before: lasting::root().not_before,
                not_after: lasting::root().not_after,
                ..case.root.certificate().issued_by(&case.root)
            };
            let root = directory.certificate("root", &root);
            let trust = [&["--ca", &root], &case.always[..]].concat();
            let told = refused(visit(&address, NAME, &trust));
            assert_eq!(told["flag"], case.flag[0], "{told}");

            let told = served(visit(&address, NAME, &all(&[&case.flag], &trust)));
            let waivers = told["waivers"].as_str().unwrap();
            let waiver = case.waiver.to_string();
            assert!(waivers.split(", ").any(|used| used == waiver), "{waivers}");
        }
    }

    #[test]
    fn no_waiver_is_without_a_flag() {
        let cases = waived_by_each_waiver();
        for waiver in Waiver::ALL {
            assert!(cases.iter().any(|case| case.waiver == *waiver), "{waiver}");
        }
    }

    #[test]
    fn a_pin_is_all_that_a_client_needs() {
        let directory = Directory::create("pin");
        let (_server, address) = server(&all(&[&directory.server(&lasting::server())], &[]));
        let pin = certified(2048).key_id().to_string();
        let told = served(visit(&address, NAME, &["--pin", &pin]));
        assert_eq!(told["waivers"], "pinned public key");
        for wrong in ["", &pin[1..], &format!("{pin}00"), &"+1".repeat(32)] {
            let ended = client(&address, &["--pin", wrong], b"");
            assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        }
    }

    #[test]
    fn a_refused_certificate_is_told_of_whole_on_one_line() {
        let directory = Directory::create("told");
        let own = Spec {
            ip: vec![],
            ..lasting::server()
        };
        let (_server, address) = server(&all(&[&directory.server(&own)], &[]));
        let arguments = ["--ca", &directory.root(), "--get", "/"];
        let ended = client(&address, &arguments, b"");
        assert_eq!(
            ended.stderr,
            format!(
                "{address}: failed: the peer's certificate was not accepted: \
                 certificate 0 (CN=Test Server, serial 2a): \
                 it is not valid for localhost; it has server.example \
                 (CertificatePolicy::accept_any_name would accept it); \
                 flag: --accept-any-name; alert sent: bad_certificate\n"
            )
        );
    }

    #[test]
    fn settings_that_do_not_fit_are_refused() {
        let directory = Directory::create("misfits");
        let root = directory.root();
        let own = directory.server(&lasting::server());
        let nameless = Spec {
            dns: vec![],
            ..lasting::server()
        };
        let nameless = directory.pair("nameless", &nameless, "rsa-2048");
        let ask = ["--client-auth", "request", "--client-ca"];
        for usage in [
            vec!["--client-auth", "require"],
            vec!["--client-ca", &root],
            vec!["--client-sigalgs", "rsa_pkcs1_sha256"],
            [&ask, &["no such file"][..]].concat(),
            [&ask, &[&*root, "--client-sigalgs", "rsa_md5"][..]].concat(),
            [&ask, &[&*root, "--client-sigalgs", "ecdsa_sha256"][..]].concat(),
            all(&[&own, &own[..2]], &[]),
            all(&[&own, &nameless], &[]),
            vec!["--staple", "no such file"],
            vec!["--staple", "/dev/null"],
            vec!["--unknown-name", "refuse"],
        ] {
            let ended = Program::start(example("server").args(&usage)).wait();
            assert_eq!(ended.status.code(), Some(2), "{usage:?}: {ended:?}");
        }
    }
}

/// Signers, and servers without the key.
#[cfg(unix)]
mod remote {
    use super::*;
    use crate::common::{client_certified, rng, roots, server_builder};
    use crate::remote_key::RemoteKey;
    use crate::wire::{Operation, Request};
    use premaster::{CertifiedKey, ClientAuth, DecryptBatch, KeyId, SignatureScheme};
    use std::fs::Permissions;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Instant;

    /// A signer with this key, which it is given over a pipe.
    fn signer(socket: &str, key: &str) -> Program {
        let mut command = example("remote_key");
        command.args(["signer", "--until-eof", "--key", "-", "--socket", socket]);
        let mut signer = Program::start(&mut command);
        signer.write(&fs::read(data(key)).unwrap());
        assert_eq!(signer.read_line(), format!("LISTENING {socket}"));
        signer
    }

    /// A server with the certificate for localhost whose key is at that signer.
    fn server(socket: &str, options: &[&str]) -> (Program, String) {
        let mut command = example("remote_key");
        command
            .args(["server", "--until-eof", "--listen", "127.0.0.1:0"])
            .args(["--cert", &data("leaf-2048.pem"), "--socket", socket])
            .args(options);
        let mut server = Program::start(&mut command);
        let address = address_of(&mut server);
        (server, address)
    }

    /// A directory as signers want it.
    fn private_directory(test: &str) -> Directory {
        let directory = Directory::create(test);
        fs::set_permissions(&directory.0, Permissions::from_mode(0o700)).unwrap();
        directory
    }

    #[test]
    fn everything_is_shown() {
        let ended = Program::start(&mut example("remote_key")).wait();
        let exchange = [
            "   client: a full handshake in ",
            "   server: asked the signer to decrypt 256 bytes with key ",
            "   signer: decrypted 1 in ",
            "   client: hears \"I am process ",
        ];
        let in_vain = [
            "   server: asked the signer to decrypt, in vain: ",
            "   client: the peer sent the alert bad_record_mac",
        ];
        let parts = [
            &["no forward secrecy", "1  A key", "2  The signer runs"][..],
            &["3  A server runs", "certificate.pem, signer."],
            &exchange,
            &["4  A server runs"],
            &exchange,
            &["5  The signer was killed"],
            &in_vain,
            &in_vain,
            &["6  Another signer runs"],
            &exchange,
            &exchange,
            &["have ended when they were told to."],
        ];
        assert_shows(&ended, &parts.concat());
        assert!(ended.stderr.is_empty(), "{ended:?}");
    }

    /// The server has the certificate and the socket; there is no file with the key.
    #[test]
    fn a_server_works_without_the_key_while_there_is_a_signer() {
        let directory = private_directory("signer");
        let socket = directory.path("signer");
        let first = signer(&socket, "rsa-2048.key");
        let mode = fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let servers = [&[][..], &["--pause"]].map(|options| server(&socket, options));
        let all_work = || {
            for (server, address) in &servers {
                let expected = format!("I am process {}, and my key is elsewhere.\n", server.id());
                assert_eq!(hear(address).unwrap(), expected);
            }
        };
        all_work();

        terminate(&first);
        assert_eq!(first.wait().status.code(), Some(0));
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
        for (_, address) in &servers {
            let error = hear(address).unwrap_err().downcast::<Error>().unwrap();
            let alert = AlertDescription::BAD_RECORD_MAC;
            assert_eq!(error, Error::AlertReceived(alert));
        }
        // One with another key is as good as none.
        let other = signer(&socket, "rsa-2048-client.key");
        assert!(hear(&servers[0].1).is_err());
        drop(other);

        let mut second = signer(&socket, "rsa-2048.key");
        all_work();
        second.close_stdin();
        assert_eq!(second.wait().status.code(), Some(0));
        for (mut server, _) in servers {
            server.close_stdin();
            assert_eq!(server.wait().status.code(), Some(0));
        }
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
    }

    /// The key of this certificate, at that signer.
    fn remote_key(socket: &str, of: &CertifiedKey) -> Arc<RemoteKey> {
        Arc::new(RemoteKey::at(socket.into(), of.key_id(), |_| ()))
    }

    #[test]
    fn a_signer_decrypts_several_at_once() {
        let directory = private_directory("batch");
        let socket = directory.path("signer");
        let _signer = signer(&socket, "rsa-2048.key");
        let mut batch = DecryptBatch::new();
        let mut pairs = [(); 3].map(|()| {
            let server = server_builder_with(certified(2048)).offload_decryption();
            let mut pair = pair(client_builder(), server);
            pair.run(Chunks::Whole).unwrap();
            batch.push(pair.server.job()).unwrap();
            pair
        });
        let key = remote_key(&socket, &certified(2048));
        let answers = batch.decrypt(&key, rng(3));
        assert_eq!(answers.len(), pairs.len());
        for (pair, answer) in pairs.iter_mut().zip(answers) {
            pair.server.resume(answer).unwrap();
        }
        for pair in pairs {
            pair.established();
        }
    }

    #[test]
    fn a_client_signs_by_a_signer() {
        let directory = private_directory("sign");
        let socket = directory.path("signer");
        let _signer = signer(&socket, "rsa-2048-client.key");
        let local = client_certified();
        let chain = local.chain().to_vec();
        let certified = CertifiedKey::with_key(chain, remote_key(&socket, &local)).unwrap();
        let client = client_builder().certificate(Arc::new(certified));
        let server = server_builder().client_auth(ClientAuth::Require(roots().into()));
        let pair = pair(client, server).established();
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.peer_certificates(), local.chain());
    }

    #[test]
    fn a_signer_refuses_what_it_cannot_do_and_goes_on() {
        let directory = private_directory("refuse");
        let socket = directory.path("signer");
        let _signer = signer(&socket, "rsa-2048.key");
        let own = certified(2048).key_id();
        let request = |key_id: KeyId, operation, data: &[u8]| {
            let request = Request {
                key_id,
                operation,
                data,
            };
            request.encode()
        };
        let other = KeyId::from_bytes([7; 32]);
        let no_scheme = Operation::Sign(SignatureScheme(0));
        let unknown = [&[9], &request(own, Operation::Decrypt, &[0; 256])[1..]].concat();
        for (request, answer) in [
            (
                &request(other, Operation::Decrypt, &[0; 256]),
                Some(&[1][..]),
            ),
            (&request(own, Operation::Decrypt, &[0; 255]), Some(&[2])),
            (&request(own, no_scheme, b"message"), Some(&[2])),
            (&unknown, None),
            (&vec![], None),
            (&vec![0; 1 << 20], None),
        ] {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // One that is too long is not read to its end.
            let _ = wire::write(&mut stream, request);
            let read = match wire::read(&mut stream) {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
                read => read.unwrap(),
            };
            assert_eq!(read.as_deref().map(|read| &read[..]), answer);
        }
        // What is no encryption of anything, zero and what is not below the modulus, stays zero.
        let neither = [[0; 256], [0xff; 256]].concat();
        let raw = remote_key(&socket, &certified(2048)).decrypt_raw(&neither);
        assert_eq!(*raw.unwrap(), [0; 512]);
    }

    #[test]
    fn a_signer_that_hung_up_is_asked_again_once() {
        let directory = private_directory("again");
        let socket = directory.path("signer");
        let listener = UnixListener::bind(&socket).unwrap();
        let signer = thread::spawn(move || {
            for answers in [true, false] {
                let (mut stream, _) = listener.accept().unwrap();
                wire::read(&mut stream).unwrap().unwrap();
                if answers {
                    let answer = wire::encode_answer(&Ok(vec![7; 256].into()));
                    wire::write(&mut stream, &answer).unwrap();
                }
            }
        });
        let key = remote_key(&socket, &certified(2048));
        assert_eq!(*key.decrypt_raw(&[0; 256]).unwrap(), [7; 256]);
        assert!(key.decrypt_raw(&[0; 256]).is_err());
        // It does not wait for ever for one that was not made.
        drop(UnixStream::connect(&socket));
        signer.join().unwrap();
    }

    #[test]
    fn a_signer_that_is_silent_or_gone_is_not_waited_for() {
        let directory = private_directory("silent");
        let silent = directory.path("silent");
        let _listener = UnixListener::bind(&silent).unwrap();
        let start = Instant::now();
        for socket in [silent, directory.path("none")] {
            let key = remote_key(&socket, &certified(2048));
            assert!(key.decrypt_raw(&[0; 256]).is_err());
            assert!(key.decrypt_raw(&vec![0; wire::MAX_DATA + 1]).is_err());
        }
        assert!(start.elapsed() < PATIENCE);
    }

    #[test]
    fn a_signer_does_not_start_where_others_are() {
        let directory = private_directory("place");
        let [socket, file, key] = ["signer", "file", "key"].map(|name| directory.path(name));
        let _first = signer(&socket, "rsa-2048.key");
        fs::write(&file, "content").unwrap();
        fs::copy(data("rsa-2048.key"), &key).unwrap();
        for (socket, directory_mode, key_mode, cause) in [
            (&socket, 0o700, 0o600, "in use"),
            (&file, 0o700, 0o600, "in use"),
            (&directory.path("new"), 0o710, 0o600, "mode 0710"),
            (&directory.path("new"), 0o700, 0o640, "mode 0640"),
            (&directory.path("no such/new"), 0o700, 0o600, "No such"),
        ] {
            for (path, mode) in [(&directory.path("."), directory_mode), (&key, key_mode)] {
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            let mut command = example("remote_key");
            command.args(["signer", "--key", &key, "--socket", socket]);
            let ended = Program::start(&mut command).wait();
            assert_eq!(ended.status.code(), Some(1), "{ended:?}");
            assert!(ended.stderr.contains(cause), "{cause}: {ended:?}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "content");
        let first = remote_key(&socket, &certified(2048));
        assert!(first.decrypt_raw(&[0; 256]).is_ok());
    }
}
