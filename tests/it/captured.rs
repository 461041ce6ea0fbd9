//! Connections with outside clients, captured once and replayed: what our server sends stays the
//! same to the byte, with nobody else present. So does our ClientHello.
//!
//! With `PREMASTER_CAPTURE=1` everything is captured anew, for which `openssl` and `gnutls-cli` are
//! needed.

use premaster::pki_types::CertificateDer;
use premaster::pki_types::pem::PemObject;
use premaster::{
    CertifiedKey, CipherSuite, ClientAuth, ClientConfig, Connection, Event, ServerConfig,
};
use premaster_testing::program::Program;
use premaster_testing::wire::unhex;
use premaster_testing::{NAME, client_builder, data, lasting, name, now, rng, roots};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};

/// A client's connection: the client sends a line, gets it back, and closes.
struct Case {
    /// Of the file.
    name: &'static str,
    /// The client that was captured, given the server's port.
    client: fn(u16) -> Command,
    suite: CipherSuite,
    /// The server asks for a certificate, and the client shows one.
    client_certificate: bool,
}

const OPENSSL_AES_128: Case = Case {
    name: "openssl-aes-128",
    client: |port| openssl(port, &["-tls1_2", "-cipher", "AES128-GCM-SHA256"]),
    suite: CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    client_certificate: false,
};

/// The hello is one for TLS 1.3.
const OPENSSL_DEFAULTS: Case = Case {
    name: "openssl-defaults",
    client: |port| openssl(port, &[]),
    suite: CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    client_certificate: false,
};

const OPENSSL_CLIENT_CERTIFICATE: Case = Case {
    name: "openssl-client-certificate",
    client: |port| {
        let mut command = openssl(port, &["-tls1_2", "-cipher", "AES256-GCM-SHA384"]);
        command.arg("-cert").arg(data("captured/client.pem"));
        command.arg("-key").arg(data("rsa-2048-client.key"));
        command
    },
    suite: CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    client_certificate: true,
};

/// The hello is one for TLS 1.3.
const GNUTLS_DEFAULTS: Case = Case {
    name: "gnutls-defaults",
    client: gnutls,
    suite: CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    client_certificate: false,
};

const CASES: [Case; 4] = [
    OPENSSL_AES_128,
    OPENSSL_DEFAULTS,
    OPENSSL_CLIENT_CERTIFICATE,
    GNUTLS_DEFAULTS,
];

const CLIENT_HELLO: &str = "client-hello";

const LINE: &[u8] = b"Hello from outside\n";

#[test]
fn openssl_with_aes_128() {
    replay(&OPENSSL_AES_128);
}

#[test]
fn openssl_with_its_defaults() {
    replay(&OPENSSL_DEFAULTS);
}

#[test]
fn openssl_with_a_client_certificate() {
    replay(&OPENSSL_CLIENT_CERTIFICATE);
}

#[test]
fn gnutls_with_its_defaults() {
    replay(&GNUTLS_DEFAULTS);
}

/// Some servers cannot take a ClientHello of 256 bytes or more.
#[test]
fn our_client_hello() {
    let hello = client_hello();
    assert_eq!(hello, Capture::load(CLIENT_HELLO).client);
    assert!(hello.len() < 256, "{}", hello.len());
}

fn client_hello() -> Vec<u8> {
    let config: ClientConfig = client_builder().build().unwrap();
    let mut hello = Vec::new();
    Connection::client(Arc::new(config), name(), &mut hello).unwrap();
    hello
}

/// Gives a server the client's bytes, all at once and one at a time.
#[track_caller]
fn replay(case: &Case) {
    let capture = Capture::load(case.name);
    for length in [capture.client.len(), 1] {
        let mut server = EchoServer::new(case);
        for bytes in capture.client.chunks(length) {
            server.take(bytes);
        }
        assert_eq!(server.received, LINE);
        assert!(
            server.outgoing == capture.server,
            "the server's bytes differ"
        );
        assert!(server.closed);

        let session = server.connection.session().unwrap();
        assert_eq!(session.cipher_suite(), case.suite);
        assert_eq!(session.server_name(), Some(&name()));
        let certificate = session.peer_certificates().first();
        let expected = case.client_certificate.then(client_certificate);
        assert_eq!(certificate, expected.as_ref());
    }
}

/// Our server, which sends back what it receives.
struct EchoServer {
    connection: Connection,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    received: Vec<u8>,
    closed: bool,
}

impl EchoServer {
    /// A server with a fixed certificate, time and randomness.
    fn new(case: &Case) -> Self {
        let chain = fs::read(data("captured/server.pem")).unwrap();
        let key = fs::read(data("rsa-2048.key")).unwrap();
        let certified = Arc::new(CertifiedKey::from_pem(&chain, &key).unwrap());
        let client_auth = if case.client_certificate {
            ClientAuth::Require(roots().into())
        } else {
            ClientAuth::None
        };
        let config = ServerConfig::builder(certified)
            .rng(rng(4))
            .time_provider(now)
            .client_auth(client_auth)
            .build()
            .unwrap();
        Self {
            connection: Connection::server(Arc::new(config)),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            received: Vec::new(),
            closed: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
        loop {
            let received = self.connection.receive(&mut self.incoming, &mut self.outgoing).unwrap();
            let consumed = received.consumed;
            let more = match received.event {
                Event::HandshakeComplete => true,
                Event::ApplicationData(data) => {
                    self.received.extend_from_slice(data);
                    self.connection.send(data, &mut self.outgoing).unwrap();
                    true
                }
                Event::NeedData => false,
                Event::PeerClosed => {
                    self.connection.close(&mut self.outgoing);
                    self.closed = true;
                    false
                }
                other => panic!("{other:?}"),
            };
            self.incoming.drain(..consumed);
            if !more {
                return;
            }
        }
    }
}

/// What each side of a connection sent.
#[derive(Default)]
struct Capture {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Capture {
    fn load(name: &str) -> Self {
        static ANEW: LazyLock<()> = LazyLock::new(|| {
            if std::env::var_os("PREMASTER_CAPTURE").is_some_and(|value| value == "1") {
                capture_everything();
            }
        });
        LazyLock::force(&ANEW);

        let mut capture = Self::default();
        for line in fs::read_to_string(Self::path(name)).unwrap().lines() {
            match line.split_at(2) {
                ("> ", digits) => capture.client.extend(unhex(digits)),
                ("< ", digits) => capture.server.extend(unhex(digits)),
                _ => panic!("{name}: {line}"),
            }
        }
        capture
    }

    /// Lines of 32 bytes in hexadecimal, the client's behind `>`, then the server's behind `<`.
    fn store(&self, name: &str) {
        let mut text = String::new();
        for (side, bytes) in [('>', &self.client), ('<', &self.server)] {
            for line in bytes.chunks(32) {
                text.push_str(&format!("{side} {}\n", to_hex(line)));
            }
        }
        fs::write(Self::path(name), text).unwrap();
    }

    fn path(name: &str) -> PathBuf {
        data(&format!("captured/{name}.txt"))
    }

    /// Has the case's client talk to our server.
    #[track_caller]
    fn take(case: &Case) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut program = Program::start(&mut (case.client)(port));
        let mut transport = program.accept(&listener);
        program.write(LINE);

        let mut server = EchoServer::new(case);
        let mut capture = Self::default();
        let mut buffer = [0; 4096];
        while !server.closed {
            let length = transport.read(&mut buffer).unwrap();
            assert!(length > 0, "the client hung up");
            capture.client.extend_from_slice(&buffer[..length]);
            server.take(&buffer[..length]);
            transport.write_all(&server.outgoing).unwrap();
            capture.server.append(&mut server.outgoing);
            if server.received == LINE && !server.closed {
                assert_eq!(program.read(LINE.len()), LINE);
                program.close_stdin();
            }
        }
        drop(transport);
        let ended = program.wait();
        assert!(ended.status.success(), "{ended:?}");
        capture
    }
}

fn capture_everything() {
    for (file, certificate) in [
        ("captured/server.pem", lasting::server()),
        ("captured/client.pem", lasting::client()),
    ] {
        fs::write(data(file), lasting::pem(&certificate)).unwrap();
    }
    for case in &CASES {
        Capture::take(case).store(case.name);
    }
    let hello = Capture {
        client: client_hello(),
        server: Vec::new(),
    };
    hello.store(CLIENT_HELLO);
}

fn openssl(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command
        .arg("s_client")
        .args(["-connect", &format!("127.0.0.1:{port}")])
        .args(["-servername", NAME])
        // The end of the input closes the connection.
        .args(["-quiet", "-nocommands", "-no_ign_eof"])
        .args(arguments);
    command
}

fn gnutls(port: u16) -> Command {
    let mut command = Command::new("gnutls-cli");
    command
        .args(["--port", &port.to_string()])
        .args(["--sni-hostname", NAME, "--insecure"])
        // Standard output is for the connection's data alone.
        .args(["--logfile=/dev/stderr", "127.0.0.1"]);
    command
}

fn client_certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_file(data("captured/client.pem")).unwrap()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
