//! The client asks for TLS in plain text, and servers give it anything but that.

use super::starttls_request::{Protocol, ask};
use super::{PATIENCE, data, serve, start_client};
use premaster_testing::program::Ended;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// One turn of a server.
enum Turn {
    Say(Vec<u8>),
    /// What the client must send, to the byte.
    Hear(Vec<u8>),
}

use Turn::{Hear, Say};

fn say(bytes: impl AsRef<[u8]>) -> Turn {
    Say(bytes.as_ref().to_vec())
}

fn hear(bytes: impl AsRef<[u8]>) -> Turn {
    Hear(bytes.as_ref().to_vec())
}

const LDAP_REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
const LDAP_SUCCESS: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
/// With lengths of four bytes, and the name of the operation.
const LDAP_LONG_SUCCESS: &[u8] = b"\x30\x84\0\0\0\x30\x02\x01\x01\x78\x84\0\0\0\x27\x0a\x01\x00\
    \x04\x84\0\0\0\0\x04\x84\0\0\0\0\x8a\x161.3.6.1.4.1.1466.20037";
const POSTGRES_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// The turns of each protocol up to the server's go-ahead.
fn go_ahead(protocol: &str) -> Vec<Turn> {
    match protocol {
        "smtp" => vec![
            say("220-one\r\n220 two\r\n"),
            hear("EHLO [127.0.0.1]\r\n"),
            say("250-mail\r\n250-SIZE 100\r\n250-StartTls\r\n250 HELP\r\n"),
            hear("STARTTLS\r\n"),
            say("220 go\r\n"),
        ],
        "imap" => vec![
            say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
            hear("a STARTTLS\r\n"),
            say("* CAPABILITY IMAP4rev1\r\na OK go\r\n"),
        ],
        "pop3" => vec![say("+OK <1@mail>\r\n"), hear("STLS\r\n"), say("+OK\r\n")],
        "ldap" => vec![hear(LDAP_REQUEST), say(LDAP_SUCCESS)],
        "postgres" => vec![hear(POSTGRES_REQUEST), say("S")],
        _ => unreachable!(),
    }
}

const PROTOCOLS: [&str; 5] = ["smtp", "imap", "pop3", "ldap", "postgres"];

/// A client that meets this server, which then is `rest`.
fn meet(
    protocol: &str,
    turns: Vec<Turn>,
    input: &[u8],
    rest: impl FnOnce(TcpStream) + Send + 'static,
) -> Ended {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ca = data("leaf-2048.pem");
    let arguments = ["--starttls", protocol, "--ca", &ca];
    let mut client = start_client(&address, &arguments);
    client.write(input);
    client.close_stdin();
    let mut socket = client.accept(&listener);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let server = thread::spawn(move || {
        for turn in turns {
            match turn {
                Say(bytes) => socket.write_all(&bytes).unwrap(),
                Hear(bytes) => {
                    let mut heard = vec![0; bytes.len()];
                    socket.read_exact(&mut heard).unwrap();
                    assert_eq!(heard, bytes);
                }
            }
        }
        rest(socket);
    });
    let ended = client.wait();
    server.join().unwrap();
    ended
}

/// Waits until the client hangs up, which must not have begun TLS.
fn expect_silence(mut socket: TcpStream) {
    let mut heard = Vec::new();
    // A client that closes with bytes unread resets the connection.
    let _ = socket.read_to_end(&mut heard);
    assert_eq!(heard, b"");
}

/// The client refuses what these turns say, in plain text.
#[track_caller]
fn refuses(protocol: &str, turns: Vec<Turn>, reason: &str) {
    let ended = meet(protocol, turns, b"", expect_silence);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let error = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(error.contains(reason), "{protocol}: {error}");
    assert!(
        ended.stderr.lines().all(|line| line.len() <= 80),
        "{ended:?}"
    );
    assert_eq!(ended.stdout, "");
}

/// Behind the go-ahead the server is the example `server`, which echoes.
fn joined_to(address: &str) -> impl FnOnce(TcpStream) + Send + 'static {
    let server = TcpStream::connect(address).unwrap();
    move |client| {
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let up = thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        let (mut from, mut to) = (server, client);
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
        up.join().unwrap();
    }
}

#[test]
fn tls_begins_at_the_go_ahead_of_each_protocol() {
    let (_server, address) = serve(&["--reply", "echo"]);
    for protocol in PROTOCOLS {
        let ended = meet(protocol, go_ahead(protocol), b"words", joined_to(&address));
        assert!(ended.status.success(), "{protocol}: {ended:?}");
        assert_eq!(ended.stdout, "words");
    }
    let turns = vec![hear(LDAP_REQUEST), say(LDAP_LONG_SUCCESS)];
    let ended = meet("ldap", turns, b"words", joined_to(&address));
    assert_eq!(ended.stdout, "words", "{ended:?}");
}

#[test]
fn plain_text_behind_the_go_ahead_is_refused() {
    for protocol in PROTOCOLS {
        let mut turns = go_ahead(protocol);
        let Some(Say(last)) = turns.last_mut() else {
            unreachable!()
        };
        last.extend_from_slice(b"250 injected\r\n");
        refuses(protocol, turns, "plain text follows the server's go-ahead");
    }
}

#[test]
fn a_server_without_tls_is_refused() {
    let greeting = || say("220 mail\r\n");
    let hello = || hear("EHLO [127.0.0.1]\r\n");
    for (protocol, turns, reason) in [
        ("smtp", vec![say("554 no\r\n")], "it said \"554 no\""),
        ("smtp", vec![say("220_mail\r\n")], "it said \"220_mail\""),
        (
            "smtp",
            vec![greeting(), hello(), say("250-STARTTLS\r\n250 HELP\r\n")],
            "the server does not offer STARTTLS",
        ),
        (
            "smtp",
            vec![
                greeting(),
                hello(),
                say("250-mail\r\n250 STARTTLS\r\n"),
                hear("STARTTLS\r\n"),
                say("454 \x1b[31mlater\r\n"),
            ],
            r#"it said "454 \u{1b}[31mlater""#,
        ),
        ("imap", vec![say("* PREAUTH hi\r\n")], "PREAUTH"),
        ("imap", vec![say("* BYE\r\n")], "it said \"* BYE\""),
        (
            "imap",
            vec![
                say("* OK\r\n"),
                hear("a STARTTLS\r\n"),
                say("a BAD what\r\n"),
            ],
            "it said \"a BAD what\"",
        ),
        (
            "imap",
            vec![say("* OK\r\n"), hear("a STARTTLS\r\n"), say("* BYE no\r\n")],
            "it said \"* BYE no\"",
        ),
        ("pop3", vec![say("-ERR busy\r\n")], "it said \"-ERR busy\""),
        (
            "pop3",
            vec![say("+OK\r\n"), hear("STLS\r\n"), say("-ERR\r\n")],
            "it said \"-ERR\"",
        ),
        (
            "ldap",
            vec![
                hear(LDAP_REQUEST),
                say(b"\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x02\x04\x00\x04\x02no"),
            ],
            "LDAP result code 2: \"no\"",
        ),
        (
            "postgres",
            vec![hear(POSTGRES_REQUEST), say("N")],
            "does not offer TLS",
        ),
        (
            "postgres",
            vec![hear(POSTGRES_REQUEST), say("EFATAL run rm")],
            "does not understand SSLRequest",
        ),
    ] {
        refuses(protocol, turns, reason);
    }
}

#[test]
fn what_is_malformed_is_refused() {
    for (answer, reason) in [
        (&b"\x31\x00"[..], "not an LDAP ExtendedResponse"),
        (b"\x30\x00", "not an LDAP ExtendedResponse"),
        (
            b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
            "not an LDAP",
        ),
        (
            b"\x30\x0b\x02\x01\x01\x78\x06\x0a\x00\x04\x00\x04\x00",
            "result code is malformed",
        ),
        (b"\x30\x80", "malformed length"),
        (b"\x30\x85", "malformed length"),
        (b"\x30\x84\xff\xff\xff\xff", "more than 4096 bytes"),
    ] {
        refuses("ldap", vec![hear(LDAP_REQUEST), say(answer)], reason);
    }
}

#[test]
fn a_server_that_talks_on_is_refused() {
    let endless = [b'x'; 5000];
    refuses("pop3", vec![say(endless)], "more than 4096 bytes");
    refuses(
        "smtp",
        vec![say("220-x\r\n".repeat(101))],
        "more than 100 lines",
    );
    let turns = vec![
        say("* OK\r\n"),
        hear("a STARTTLS\r\n"),
        say("* x\r\n".repeat(101)),
    ];
    refuses("imap", turns, "more than 100 lines");
}

#[test]
fn a_server_that_hangs_up_is_refused() {
    for protocol in PROTOCOLS {
        let mut turns = go_ahead(protocol);
        turns.pop();
        let ended = meet(protocol, turns, b"", drop);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("closed the connection before"),
            "{ended:?}"
        );
    }
}

/// A byte now and then is always in time for the next one, and not for the whole.
#[test]
fn a_server_that_drips_is_refused() {
    for protocol in [Protocol::Smtp, Protocol::Imap, Protocol::Pop3] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let dripping = thread::spawn(move || {
            while server.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let error = ask(protocol, &socket, Duration::from_millis(100)).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock),
            "{error}"
        );
        drop(socket);
        dripping.join().unwrap();
    }
}
