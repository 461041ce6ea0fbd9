//! The examples, run as a user runs them.
#![cfg(feature = "getrandom")]

mod common;
#[path = "common/program.rs"]
mod program;

use common::wire::hello;
use premaster::{ClientConfig, RootStore, Stream};
use program::{Ended, Program};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// An example's command, the examples having been built.
fn example(name: &str) -> Command {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        let profile = match cfg!(debug_assertions) {
            true => "dev",
            false => "release",
        };
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--examples", "--profile", profile])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(status.unwrap().success());
    });
    LazyLock::force(&BUILT);
    let this_test = std::env::current_exe().unwrap();
    // target/<profile>/deps/<this test>
    let profile = this_test.parent().unwrap().parent().unwrap();
    Command::new(profile.join("examples").join(name))
}

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
    let line = server.read_line();
    let address = line.strip_prefix("LISTENING ").unwrap().to_owned();
    (server, address)
}

/// What a client came to that was given this input.
fn client(address: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = example("client");
    command.arg(address).args(["--name", "localhost"]);
    command.args(arguments);
    let mut client = Program::start(&mut command);
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

#[test]
fn the_handshake_is_shown_to_its_clean_close() {
    let ended = Program::start(&mut example("handshake")).wait();
    assert!(ended.status.success(), "{ended:?}");
    let mut rest = &ended.stdout[..];
    for step in [
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
    ] {
        let at = rest
            .find(step)
            .unwrap_or_else(|| panic!("no {step:?} in {rest}"));
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
        assert_eq!(told["server_name"], "localhost");
        for key in ["alert_sent", "alert_received", "error"] {
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
    let roots = RootStore::from_pem(&std::fs::read(data("leaf-2048.pem")).unwrap()).unwrap();
    let config = Arc::new(ClientConfig::builder(roots).build().unwrap());
    let transport = TcpStream::connect(&address).unwrap();
    transport
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut stream = Stream::client(config, "localhost".try_into().unwrap(), transport).unwrap();
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
    let mut peer = TcpStream::connect(&address).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    peer.write_all(&hello().client()).unwrap();
    let mut record = [0; 6];
    peer.read_exact(&mut record).unwrap();
    assert_eq!((record[0], record[5]), (22, 2));
}

#[cfg(unix)]
#[test]
fn the_server_ends_cleanly_when_it_is_told_to() {
    let (server, address) = serve(&[]);
    // Somebody is connected.
    let _peer = TcpStream::connect(&address).unwrap();
    let kill = Command::new("kill").arg(server.id().to_string()).status();
    assert!(kill.unwrap().success());
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    // The connection that was cut has its line too.
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    assert!(ended.stdout.contains("without close_notify"), "{ended:?}");
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
fn each_example_explains_itself() {
    for name in ["handshake", "server", "client"] {
        let ended = Program::start(example(name).arg("--help")).wait();
        assert!(ended.status.success());
        assert!(ended.stdout.contains("RSA key transport"), "{ended:?}");
    }
}
