//! The examples, run as a user runs them.
#![cfg(feature = "getrandom")]

mod authentication;
#[path = "../../examples/support/decryption_pool.rs"]
mod decryption_pool;
mod eap_peer;
#[path = "../../examples/applications/eap_tls/peer.rs"]
#[allow(dead_code, reason = "fragments are counted for a report")]
mod eap_tls_peer;
mod files;
#[cfg(unix)]
mod remote;
#[cfg(unix)]
#[path = "../../examples/support/remote/key.rs"]
mod remote_key;
mod starttls;
#[path = "../../examples/support/starttls.rs"]
mod starttls_request;
#[cfg(target_os = "linux")]
mod wasters;
#[cfg(unix)]
#[path = "../../examples/support/remote/wire.rs"]
#[allow(dead_code, reason = "the signer's end is in the signer")]
mod wire;
#[path = "../../examples/support/wrap.rs"]
mod wrap;

use decryption_pool::{Keys, Queue, Submitted, Worker, decryption_pool};
use premaster::protocol::{AlertDescription, EncryptThenMac, ExtendedMasterSecret};
use premaster::{
    CipherSuite, ClientConfig, ClientConfigBuilder, Error, MemoryStore, RootStore, Stream,
};
use premaster_testing::pair::Chunks;
use premaster_testing::program::{Ended, Program, example};
use premaster_testing::wire::hello;
use premaster_testing::{
    Directory, Pair, certified, client_builder, pair, server_builder, server_builder_with,
};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn data(name: &str) -> String {
    premaster_testing::data(name).to_str().unwrap().to_owned()
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

/// The address in a server's first line.
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

/// A client that trusts the server's certificate.
fn trusting_client(address: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let ca = data("leaf-2048.pem");
    client(address, &[&["--ca", &ca], arguments].concat(), input)
}

/// A JSON line of the server's, or the one on a client's standard error.
#[track_caller]
fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The reports of a client with `--json` about its connections.
fn reports(ended: &Ended) -> Vec<Value> {
    ended.stderr.lines().map(json).collect()
}

/// How each of a client's connections was resumed, by its `--json` reports.
#[track_caller]
fn resumed(ended: &Ended) -> Vec<Value> {
    assert!(ended.status.success(), "{ended:?}");
    let reports = reports(ended);
    reports.iter().map(|report| report["resumed"].clone()).collect()
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
#[track_caller]
fn assert_shows(ended: &Ended, parts: &[&str]) {
    assert!(ended.status.success(), "{ended:?}");
    let shown = entries(&ended.stdout).join("\n") + "\n";
    let mut rest = &shown[..];
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in {rest}"));
        rest = &rest[at..];
    }
    assert_fits(&ended.stdout);
}

/// No line has more than 80 columns.
#[track_caller]
fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}

/// The reports in a text, each on one line: continuations are indented.
fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("    "), entries.last_mut()) {
            (Some(rest), Some(entry)) => *entry += &format!(" {}", rest.trim_start()),
            _ => entries.push(line.to_owned()),
        }
    }
    entries
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
        assert_eq!(told["not_resumed"], "no session offered");
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
    assert_fits(&ended.stderr);
    let [told] = &entries(&ended.stderr)[..] else {
        panic!("{ended:?}");
    };
    for part in [
        "the server sent the alert handshake_failure; client_hello was sent, ",
        "offered: TLS 1.2, TLS_RSA_WITH_AES_256_GCM_SHA384, to the server localhost; ",
        "worth checking: whether the server has one of these suites",
    ] {
        assert!(told.contains(part), "{told}");
    }
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
    let sent: String = (0..150_000).map(|number| format!("{number:06}\n")).collect();
    let ended = trusting_client(&address, &[], sent.as_bytes());
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stdout == sent);
}

#[test]
fn encrypt_then_mac_is_required_where_that_is_said() {
    let suites = [CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA];
    let arguments = [
        "--suites",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "--encrypt-then-mac",
    ];
    let (_server, address) = serve(&arguments);
    let client = [&arguments[..], &["--json"]].concat();
    let ended = trusting_client(&address, &[&client[..], &["--get", "/"]].concat(), b"");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(reports(&ended)[0]["encrypt_then_mac"], "yes");

    let without =
        |client: ClientConfigBuilder| client.suites(&suites).encrypt_then_mac(EncryptThenMac::Off);
    let error = stream(&address, without).complete_handshake().unwrap_err();
    assert_eq!(
        error.downcast::<Error>().unwrap().alert_received(),
        Some(AlertDescription::HANDSHAKE_FAILURE)
    );

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ca = ["--ca", &data("leaf-2048.pem")];
    let mut client = start_client(&address, &[&client[..], &ca].concat());
    let config = server_builder().suites(&suites).encrypt_then_mac(EncryptThenMac::Off);
    let config = Arc::new(config.build().unwrap());
    let mut server = Stream::server(config, client.accept(&listener));
    server.complete_handshake().unwrap_err();
    let ended = client.wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(reports(&ended)[0]["setting"], "encrypt_then_mac");
}

#[test]
fn one_bad_peer_does_not_stop_the_server() {
    let (mut server, address) = serve(&["--json", "--verbose"]);
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[22, 3, 1, 0, 4, 1, 0, 0, 0],
        &[],
    ] {
        let mut peer = TcpStream::connect(&address).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        peer.write_all(garbage).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        peer.read_to_end(&mut Vec::new()).unwrap();
        assert_ne!(json(&server.read_line())["error"], Value::Null);
    }
    // One that waits in silence holds a thread, and nobody up.
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
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
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
    // The connection that was cut has its report too.
    assert_fits(&ended.stdout);
    let [told] = &entries(&ended.stdout)[..] else {
        panic!("{ended:?}");
    };
    for part in [
        "the client closed the transport during the handshake; server_hello_done was sent, ",
        "client_key_exchange was awaited",
    ] {
        assert!(told.contains(part), "{told}");
    }
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
#[track_caller]
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
    assert_eq!(entries(&ended.stderr).len(), 1);
    assert_fits(&ended.stderr);
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
    for text in [&ended.stdout, &ended.stderr] {
        assert_fits(text);
        let [first, second] = &entries(text)[..] else {
            panic!("{ended:?}");
        };
        assert!(first.contains("resumed: no (no session offered), "));
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
            assert_eq!(fs::read_dir(directory.root()).unwrap().count(), 1);
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
    assert_eq!(reports(&ended)[0]["not_resumed"], "session not found");
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
        let told = entries(&ended.stderr).join("\n");
        assert!(told.contains(cause), "{ended:?}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[cfg(unix)]
#[test]
fn servers_share_the_keys_of_their_tickets() {
    let directory = Directory::create("ticket-key");
    let [old, new] = [[1; 48], [2; 48]];
    let current = directory.write("current", old);
    let both = directory.write("both", [new, old].concat());
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

    let (_third, address) = serve(&["--ticket-key", &directory.write("old", old)]);
    let ended = trusting_client(&address, &arguments, b"");
    assert_eq!(reports(&ended)[0]["not_resumed"], "declined by the server");
}

#[test]
fn settings_that_do_not_work_are_refused() {
    let directory = Directory::create("settings");
    let short = directory.write("short", [1; 47]);
    let long = directory.write("long", [1; 192]);
    let key = directory.write("key", [1; 48]);
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
        error.downcast::<Error>().unwrap().alert_received(),
        Some(AlertDescription::HANDSHAKE_FAILURE)
    );
    let told = json(&server.read_line());
    assert_eq!(told["alert_sent"], "handshake_failure");
}

#[test]
fn a_session_without_the_extended_master_secret_is_resumed_where_the_server_says_so() {
    let without = |client: ClientConfigBuilder, store: &Arc<MemoryStore>| {
        client
            .extended_master_secret(ExtendedMasterSecret::Off)
            .session_store(Some(store.clone()))
    };
    for (flag, is_resumed) in [(None, false), (Some("--resume-without-ems"), true)] {
        let (_server, address) = serve(&Vec::from_iter(flag));
        let store = Arc::new(MemoryStore::new(1));
        let connect = || {
            let mut stream = stream(&address, |client| without(client, &store));
            stream.complete_handshake().unwrap();
            let session = stream.connection().session().unwrap().clone();
            stream.close().unwrap();
            session
        };
        assert!(!connect().resumption().is_resumed());
        let again = connect();
        assert!(!again.extended_master_secret());
        assert_eq!(again.resumption().is_resumed(), is_resumed, "{flag:?}");
    }
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
            assert_eq!(told["max_plaintext_sent"], "512");
            assert_eq!(told["max_plaintext_received"], "512");
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
    assert_eq!(session.max_plaintext_received(), 300);
}

#[test]
fn each_profile_connects() {
    let (_server, address) = serve(&[]);
    for profile in ["ocpp_2_0_1", "bmc_gcm", "legacy_cbc", "strict"] {
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
        "offload_server",
        "remote_key",
    ] {
        let ended = Program::start(example(name).arg("--help")).wait();
        assert!(ended.status.success());
        assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
        assert_fits(&ended.stdout);
    }
}

/// The subcommands of the examples that have some.
#[cfg(unix)]
#[test]
fn each_role_explains_itself() {
    for role in ["signer", "server", "demo"] {
        let ended = Program::start(example("remote_key").args([role, "--help"])).wait();
        assert!(ended.status.success());
        assert_fits(&ended.stdout);
    }
}

/// A probe connects and closes, and the server says nothing of it unless it is asked to.
#[cfg(unix)]
#[test]
fn a_probe_that_says_nothing_is_not_reported() {
    for (flag, reported) in [(None, false), (Some("--verbose"), true)] {
        let (server, address) = serve(&[flag.as_slice(), &["--once"]].concat());
        let peer = TcpStream::connect(&address).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let ended = server.wait();
        assert!(ended.status.success(), "{ended:?}");
        let silent = "failed: the client closed the transport without sending a byte";
        let told = entries(&ended.stdout);
        assert_eq!(told.len(), usize::from(reported), "{ended:?}");
        assert!(told.iter().all(|entry| entry.ends_with(silent)), "{told:?}");
        assert_fits(&ended.stdout);
    }
}

/// The text of an error is for a reader, with its causes, and the status is 1.
#[test]
fn an_error_of_an_example_is_printed_as_text() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["server", "offload_server"] {
        let mut command = example(name);
        command
            .args([
                "--cert",
                &data("leaf-2048.pem"),
                "--key",
                &data("rsa-2048.key"),
            ])
            .args(["--listen", &address]);
        let ended = Program::start(&mut command).wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let start = format!("error: cannot listen on {address}: ");
        let [told] = &entries(&ended.stderr)[..] else {
            panic!("{ended:?}");
        };
        assert!(told.starts_with(&start), "{ended:?}");
        assert!(!told.contains("Caused by"), "{ended:?}");
        assert_fits(&ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn an_error_of_a_signer_is_printed_as_text() {
    let mut command = example("remote_key");
    command.args([
        "signer",
        "--key",
        "/no/such/key",
        "--socket",
        "/no/such/socket",
    ]);
    let ended = Program::start(&mut command).wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let start = "error: the key, /no/such/key: ";
    assert!(ended.stderr.starts_with(start), "{ended:?}");
}

/// A server that closes on the hello, in both ways of the client.
#[test]
fn a_client_tells_of_a_server_that_hangs_up() {
    for arguments in [&["--get", "/"][..], &[]] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = start_client(
            &address,
            &[&["--ca", &data("leaf-2048.pem")], arguments].concat(),
        );
        // What is unread when it closes makes it reset.
        let peer = client.accept(&listener);
        peer.peek(&mut [0]).unwrap();
        drop(peer);
        let ended = client.wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let told = entries(&ended.stderr).join("\n");
        for part in [
            "the server closed the transport without sending a byte; client_hello was sent, ",
            "whether the server has one of these suites",
        ] {
            assert!(told.contains(part), "{ended:?}");
        }
        assert_fits(&ended.stderr);
    }
}

#[test]
fn a_server_name_says_what_to_leave_out() {
    for (name, cause) in [
        ("https://bmc", "leave out \"https://\""),
        ("bmc:443", "leave out the colon and the port"),
        ("[::1]", "leave out the brackets"),
        ("bmc.", "leave out the dot at the end"),
        ("", "it is empty"),
    ] {
        let arguments = [
            "localhost:4433",
            "--ca",
            &data("leaf-2048.pem"),
            "--name",
            name,
        ];
        let ended = Program::start(example("client").args(arguments)).wait();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        let told = entries(&ended.stderr).join(" ");
        assert!(told.contains(cause), "{ended:?}");
        assert_fits(&ended.stderr);
    }
}

#[test]
fn a_long_line_is_broken_at_spaces() {
    use wrap::{WIDTH, wrap};
    let short = "x".repeat(WIDTH);
    assert_eq!(wrap(&short), short);
    assert_eq!(wrap("  a\n\nb\n"), "  a\n\nb\n");
    let words = ["word"; 40].join(" ");
    let broken = wrap(&words);
    assert!(broken.lines().count() > 1);
    assert_fits(&broken);
    assert_eq!(entries(&broken), [&*words]);
    // A word stays whole, and a line may be indented already.
    let long = format!("a {} b", "y".repeat(90));
    assert_eq!(wrap(&long), long.replace(' ', "\n    "));
    let indented = wrap(&format!("  {words}"));
    assert_fits(&indented);
    assert!(indented.lines().skip(1).all(|line| line.starts_with("      word")));
    let paragraph = wrap::paragraph(&words, 2);
    assert_fits(&paragraph);
    assert!(paragraph.lines().all(|line| line.starts_with("  word")));
}

/// What is reported of a connection with everything that a report can have.
#[test]
fn the_longest_reports_fit() {
    let ca = data("leaf-2048.pem");
    let request = ["--client-auth", "request", "--client-ca", &ca];
    let (server, address) = serve(&[&["--once", "--alpn", "ocpp1.6"], &request[..]].concat());
    let ended = trusting_client(
        &address,
        &["--get", "/", "--verbose", "--alpn", "ocpp2.0.1,ocpp1.6"],
        b"",
    );
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("ClientConfigBuilder::certificate"));
    assert_fits(&ended.stderr);
    assert_fits(&ended.stdout);
    assert_eq!(entries(&ended.stderr).len(), 1, "{ended:?}");
    let told = server.wait().stdout;
    assert_fits(&told);
    assert_eq!(entries(&told).len(), 1, "{told}");
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
    let batches_of_three = ["--threads", "1", "--batch", "3"];
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
            ("\ndecryption: ", in_batches),
            ("\nwaiting for the answer: median ", in_batches),
        ] {
            assert_eq!(ended.stdout.contains(part), is_there, "{part}: {ended:?}");
        }
    }
}

#[test]
fn a_loaded_server_compares_the_sizes_of_batches() {
    let load = ["--load", "9", "--threads", "1", "--for", "2"];
    let ended = offload_server(&[&load[..], &["--compare"]].concat()).wait();
    assert!(
        ended.status.success() && ended.stderr.is_empty(),
        "{ended:?}"
    );
    let mut lines = ended.stdout.lines().skip_while(|line| !line.starts_with("batches of at most"));
    assert!(lines.next().is_some(), "{ended:?}");
    for (most, line) in ["1", "2", "4", "8"].iter().zip(&mut lines) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(*most), "{ended:?}");
        assert!(
            words.next().unwrap().parse::<u32>().unwrap() > 0,
            "{ended:?}"
        );
    }
    assert!(
        lines.next().unwrap().starts_with("handshakes: "),
        "{ended:?}"
    );
    assert!(!ended.stdout.contains("\n  of   9 "), "{ended:?}");
    assert_fits(&ended.stdout);
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
    assert_eq!(entries(&ended.stderr).len(), 2, "{ended:?}");
    assert_fits(&ended.stderr);
}

/// What a server sends to a client that sends nothing.
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
        &["--compare"],
        &["--compare", "--for", "2"],
        &["--compare", "--for", "2", "--load", "2", "--batch", "2"],
    ] {
        let ended = offload_server(usage).wait();
        assert_eq!(ended.status.code(), Some(2), "{usage:?}: {ended:?}");
    }
}

/// A pool with the keys of these lengths, and room for all that a test asks.
fn pool(key_bits: &[usize], most: usize) -> (Queue, Worker) {
    let keys = key_bits.iter().map(|bits| {
        let key = certified(*bits).key().unwrap().clone();
        (key.key_id(), key)
    });
    let (queue, worker) = decryption_pool(Keys::from_iter(keys), 8);
    worker.limit(most);
    (queue, worker)
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
fn a_pool_takes_what_waits_of_all_keys() {
    let (queue, worker) = pool(&[2048, 3072], 4);
    let bits = [2048, 2048, 3072, 2048, 2048, 3072];
    let connections = bits.map(|bits| asking(&queue, bits));
    // The worker ends after the last one.
    drop(queue);
    let batches = RefCell::new(Vec::new());
    worker.run(|batch| {
        assert!(!batch.took.is_zero());
        batches.borrow_mut().push(batch.queued.len());
    });
    assert_eq!(batches.into_inner(), [4, 2]);
    for ((mut pair, submitted), size) in connections.into_iter().zip([4, 4, 4, 4, 2, 2]) {
        let (reply, took) = submitted.wait(PATIENCE).unwrap();
        assert_eq!(reply.batch_size, size);
        assert!(reply.queued <= took);
        pair.server.resume(reply.answer).unwrap();
        pair.established();
    }
}

#[test]
fn a_pool_waits_for_no_batch_to_fill() {
    let (queue, worker) = pool(&[2048], 8);
    thread::scope(|scope| {
        scope.spawn(|| worker.run(|_| ()));
        let (_pair, submitted) = asking(&queue, 2048);
        // The queue is open, and nobody else asks.
        let (reply, _) = submitted.wait(PATIENCE).unwrap();
        assert_eq!(reply.batch_size, 1);
        drop(queue);
    });
}

#[test]
fn a_pool_without_the_key_fails_the_handshake_and_one_without_threads_refuses() {
    let (queue, worker) = pool(&[3072], 8);
    let [(mut pair, submitted), (mut other, served)] =
        [2048, 3072].map(|bits| asking(&queue, bits));
    let job = other.server.job();
    drop(queue);
    worker.run(|_| ());
    let (reply, _) = submitted.wait(PATIENCE).unwrap();
    assert!(pair.server.resume(reply.answer).is_err());
    let (reply, _) = served.wait(PATIENCE).unwrap();
    other.server.resume(reply.answer).unwrap();
    other.established();

    let (queue, worker) = pool(&[3072], 8);
    drop(worker);
    assert!(queue.submit(job).is_err());
}
