//! Servers that ask for the client's certificate once the client has said what it is about.

use crate::Trials;
use crate::files::Files;
use crate::openssl::OpenSsl;
use crate::peer::{Peer, Tls, connect_to, start_server};
use premaster::ClientConfigBuilder;
use premaster::protocol::Renegotiation;
use premaster_testing::program::{Program, example};
use premaster_testing::{NAME, client_builder};
use serde_json::Value;
use std::io::{self, ErrorKind, Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer that is waited for, in bytes.
const LONGEST: usize = 4096;

/// Debian's package `apache2-bin`.
const APACHE: &str = "apache2";

pub fn add_trials(trials: &mut Trials) {
    let name = "openssl::client::renegotiation";
    trials.add(
        OpenSsl.server(),
        format!("{name}::with_certificate"),
        |files| {
            openssl_asks(files, permitting(files), 'R');
        },
    );
    trials.add(
        OpenSsl.server(),
        format!("{name}::without_certificate"),
        |files| {
            openssl_asks(files, permitting(files), 'r');
        },
    );
    trials.add(
        OpenSsl.server(),
        format!("{name}::refused"),
        openssl_is_refused,
    );
    trials.add(
        OpenSsl.server(),
        format!("{name}::example"),
        openssl_asks_the_example,
    );
    let name = "apache::client::renegotiation";
    trials.add(APACHE, format!("{name}::with_certificate"), apache_asks);
    trials.add(APACHE, format!("{name}::refused"), apache_is_refused);
}

fn permitting(files: &Files) -> ClientConfigBuilder {
    client_builder()
        .certificate(files.client.clone())
        .accept_renegotiation(Renegotiation::SameCertificate)
}

fn s_server(port: u16, connections: u8, files: &Files) -> Command {
    let mut command = Command::new(OpenSsl.server());
    command
        .arg("s_server")
        .args(["-accept", &format!("127.0.0.1:{port}")])
        .args(["-naccept", &connections.to_string()])
        .args(["-tls1_2", "-cipher", "kRSA+AESGCM"])
        .arg("-cert")
        .arg(files.server_certificate())
        .arg("-key")
        .arg(files.server_key())
        .arg("-CAfile")
        .arg(files.root_certificate());
    command
}

/// Its commands `r` and `R` renegotiate; `R` asks for a certificate.
fn openssl_asks(files: &Files, config: ClientConfigBuilder, command: char) {
    let (mut stream, mut program) = connect_to(|port| s_server(port, 1, files), config);
    stream.complete_handshake().unwrap();
    for count in 1..=3 {
        program.write(&[command as u8, b'\n']);
        renegotiated(&mut stream, count, &mut program);
        program.write(b"after the handshake\n");
        read(&mut stream, b"after the handshake\n", &mut program);
        stream.write_all(b"and back\n").unwrap();
        while program.read_line() != "and back" {}
        let session = stream.connection().session().unwrap();
        assert_eq!(session.renegotiations(), count);
        assert_eq!(
            session.requested_certificate().is_some(),
            command == 'R' && count == 1
        );
    }
    stream.close().unwrap();
}

fn openssl_is_refused(files: &Files) {
    let config = client_builder().certificate(files.client.clone());
    let (mut stream, mut program) = connect_to(|port| s_server(port, 1, files), config);
    stream.complete_handshake().unwrap();
    program.write(b"R\n");
    stream.read_exact(&mut [0]).unwrap_err();
    let ended = program.wait();
    assert!(ended.stderr.contains("no renegotiation"), "{ended:?}");
}

/// A line that is typed during the renegotiation arrives, and the report is that of the new session.
fn openssl_asks_the_example(files: &Files) {
    let (mut server, port, probe) = start_server(|port| s_server(port, 2, files));
    drop(probe);
    let mut client = example("client");
    client
        .arg(format!("127.0.0.1:{port}"))
        .args(["--name", NAME, "--json", "--ca"])
        .arg(files.root_certificate())
        .arg("--cert")
        .arg(files.client_certificate())
        .arg("--key")
        .arg(files.client_key())
        .args(["--renegotiation", "same-certificate"]);
    let mut client = Program::start(&mut client);
    client.write(b"before\n");
    while server.read_line() != "before" {}
    server.write(b"R\n");
    while server.read_line() != "SSL_do_handshake -> 1" {}
    client.write(b"during\n");
    server.write(b"after\n");
    assert_eq!(client.read_line(), "after");
    while server.read_line() != "during" {}
    client.close_stdin();
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert!(report["certificate_sent"].is_string(), "{report}");
}

/// Reads until the connection has renegotiated so often; there is no data.
#[track_caller]
fn renegotiated(stream: &mut Tls, count: u8, program: &mut Program) {
    const PAUSE: Duration = Duration::from_millis(20);
    stream.transport().set_read_timeout(Some(PAUSE)).unwrap();
    let before = Instant::now();
    while stream.connection().session().unwrap().renegotiations() < count {
        let read = stream.read(&mut [0]);
        let waited =
            |error: &io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(
            read.as_ref().is_err_and(waited),
            "{read:?}; the program's {}",
            program.printed()
        );
        assert!(before.elapsed() < PATIENCE);
    }
    stream.transport().set_read_timeout(Some(PATIENCE)).unwrap();
}

#[track_caller]
fn read(stream: &mut Tls, expected: &[u8], program: &mut Program) {
    let mut back = vec![0; expected.len()];
    if let Err(error) = stream.read_exact(&mut back) {
        panic!("{error}; the program's {}", program.printed());
    }
    assert_eq!(back, expected);
}

/// One page for all, and one for those with a certificate, as of old.
fn apache(port: u16, files: &Files) -> Command {
    let modules = "/usr/lib/apache2/modules";
    let root = files.path(&format!("apache-{port}"));
    for folder in ["all", "secure"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
        std::fs::write(root.join(folder).join("page"), format!("for {folder}\n")).unwrap();
    }
    let configuration = format!(
        "ServerName localhost\n\
         Listen 127.0.0.1:{port}\n\
         LoadModule mpm_event_module {modules}/mod_mpm_event.so\n\
         LoadModule authz_core_module {modules}/mod_authz_core.so\n\
         LoadModule ssl_module {modules}/mod_ssl.so\n\
         PidFile {root}/pid\n\
         ErrorLog /dev/stderr\n\
         LogLevel ssl:info\n\
         Mutex file:{root}\n\
         StartServers 1\nThreadsPerChild 4\nMaxRequestWorkers 4\n\
         DocumentRoot {root}\n\
         <Directory {root}>\nRequire all granted\n</Directory>\n\
         SSLEngine on\n\
         SSLProtocol TLSv1.2\n\
         SSLCipherSuite kRSA+AESGCM\n\
         SSLCertificateFile {certificate}\n\
         SSLCertificateKeyFile {key}\n\
         SSLCACertificateFile {roots}\n\
         <Location /secure>\nSSLVerifyClient require\n</Location>\n",
        root = root.display(),
        certificate = files.server_certificate().display(),
        key = files.server_key().display(),
        roots = files.root_certificate().display(),
    );
    let file = files.write(&format!("apache-{port}.conf"), configuration.as_bytes());
    let mut command = Command::new(APACHE);
    command.args(["-D", "FOREGROUND", "-f"]).arg(file);
    command
}

fn get(stream: &mut Tls, page: &str) -> String {
    let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    for _ in 0..LONGEST {
        match stream.read(&mut byte) {
            Ok(0) | Err(_) => break,
            Ok(_) => answer.push(byte[0]),
        }
        if answer.ends_with(b"for all\n") || answer.ends_with(b"for secure\n") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

fn apache_asks(files: &Files) {
    let (mut stream, mut program) = connect_to(|port| apache(port, files), permitting(files));
    assert!(get(&mut stream, "/all/page").ends_with("for all\n"));
    let session = stream.connection().session().unwrap();
    assert!(session.requested_certificate().is_none());
    let answer = get(&mut stream, "/secure/page");
    assert!(
        answer.ends_with("for secure\n"),
        "{answer}; {}",
        program.printed()
    );
    let session = stream.connection().session().unwrap();
    assert_eq!(session.renegotiations(), 1);
    assert!(session.requested_certificate().is_some());
    assert!(get(&mut stream, "/all/page").ends_with("for all\n"));
    stream.close().unwrap();
    stop(program);
}

fn apache_is_refused(files: &Files) {
    let config = client_builder().certificate(files.client.clone());
    let (mut stream, program) = connect_to(|port| apache(port, files), config);
    assert!(get(&mut stream, "/all/page").ends_with("for all\n"));
    assert!(!get(&mut stream, "/secure/page").contains("for secure"));
    stop(program);
}

fn stop(program: Program) {
    let id = program.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    program.wait();
}
