//! The example `client` with `--starttls`, and the servers that begin in plain text.

use super::as_nobody;
use super::slapd::{self, GNUTLS_PRIORITIES, SLAPD};
use crate::files::Files;
use crate::peer::start_server;
use crate::{Need, Trials};
use premaster_testing::NAME;
use premaster_testing::program::{Ended, Program, example};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::LazyLock;

const DOVECOT: &str = "dovecot";

const EXIM: &str = "exim4";

/// The one suite of the servers on OpenSSL.
const SUITE: &str = "AES128-GCM-SHA256";

/// PostgreSQL's newest server on this machine, which Debian keeps out of everyone's path.
static POSTGRES: LazyLock<PathBuf> = LazyLock::new(|| {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin/postgres"));
    programs.filter(|program| program.is_file()).max().unwrap_or_else(|| "postgres".into())
});

pub fn add_trials(trials: &mut Trials) {
    let postgres = POSTGRES.to_str().unwrap();
    for (protocol, program, test) in [
        ("smtp", EXIM, smtp as fn(&Files)),
        ("imap", DOVECOT, imap),
        ("pop3", DOVECOT, pop3),
        ("ldap", SLAPD, ldap),
        ("postgres", postgres, postgres_sql),
    ] {
        let needs = [Need::LoopbackOnly, Need::Program(program)];
        trials.add_with(&needs, format!("starttls::{protocol}"), test);
    }
}

/// The example, joined to this server.
fn client(protocol: &str, port: u16, files: &Files) -> Program {
    let mut command = example("client");
    command.arg(format!("127.0.0.1:{port}")).args(["--starttls", protocol, "--verbose"]);
    command.arg("--ca").arg(files.root_certificate()).args(["--name", NAME]);
    Program::start(&mut command)
}

/// What the client came to that was given all of this input at once.
#[track_caller]
fn say(protocol: &str, port: u16, files: &Files, input: &[u8]) -> Ended {
    let mut client = client(protocol, port, files);
    client.write(input);
    client.close_stdin();
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
    ended
}

/// Exim, which Debian builds with GnuTLS.
fn smtp(files: &Files) {
    let directory = files.path("exim");
    fs::create_dir(&directory).unwrap();
    let configuration = format!(
        "\
spool_directory = {directory}
log_file_path = {directory}/log-%s
pid_file_path =
exim_user = nobody
exim_group = nogroup
primary_hostname = {NAME}
host_lookup =
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
tls_require_ciphers = {GNUTLS_PRIORITIES}
",
        directory = directory.display(),
        certificate = files.server_certificate().display(),
        key = files.server_key().display(),
    );
    let file = files.write("exim.conf", configuration.as_bytes());
    let (_exim, port, _) = start_server(|port| {
        let mut command = as_nobody(EXIM);
        command.args(["-bdf", "-oX", &format!("127.0.0.1.{port}"), "-C"]).arg(&file);
        command
    });

    let mut client = client("smtp", port, files);
    client.write(b"EHLO client.example\r\n");
    // Its capabilities are others than before.
    loop {
        let line = client.read_line();
        assert!(line.starts_with("250"), "{line}");
        assert!(!line.contains("STARTTLS"), "{line}");
        if line.starts_with("250 ") {
            break;
        }
    }
    client.write(b"QUIT\r\n");
    client.close_stdin();
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.starts_with("221 "), "{ended:?}");
}

/// Dovecot, whose login processes alone are reached: the program and the port of this protocol.
fn dovecot(protocol: &str, files: &Files) -> (Program, u16) {
    let directory = files.path(&format!("dovecot-{protocol}"));
    fs::create_dir(&directory).unwrap();
    let file = files.path(&format!("dovecot-{protocol}.conf"));
    let (program, port, _) = start_server(|port| {
        let configuration = format!(
            "\
base_dir = {directory}/run
state_dir = {directory}/state
log_path = /dev/stderr
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
protocols = {protocol}
listen = 127.0.0.1
service anvil {{
  chroot =
}}
service {protocol}-login {{
  chroot =
  inet_listener {protocol} {{
    port = {port}
  }}
  inet_listener {protocol}s {{
    port = 0
  }}
}}
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
ssl_cipher_list = {SUITE}
passdb {{
  driver = static
}}
",
            directory = directory.display(),
            certificate = files.server_certificate().display(),
            key = files.server_key().display(),
        );
        fs::write(&file, configuration).unwrap();
        let mut command = as_nobody(DOVECOT);
        command.arg("-F").arg("-c").arg(&file);
        command
    });
    (program, port)
}

fn imap(files: &Files) {
    let (_dovecot, port) = dovecot("imap", files);
    let ended = say("imap", port, files, b"x CAPABILITY\r\ny LOGOUT\r\n");
    assert!(ended.stdout.contains("AUTH=PLAIN"), "{ended:?}");
    assert!(!ended.stdout.contains("STARTTLS"), "{ended:?}");
    assert!(ended.stdout.contains("y OK"), "{ended:?}");
}

fn pop3(files: &Files) {
    let (_dovecot, port) = dovecot("pop3", files);
    let ended = say("pop3", port, files, b"CAPA\r\nQUIT\r\n");
    assert!(ended.stdout.contains("SASL PLAIN"), "{ended:?}");
    assert!(!ended.stdout.contains("STLS"), "{ended:?}");
}

fn ldap(files: &Files) {
    let (_slapd, port) = slapd::start(files, "never");
    let mut client = client("ldap", port, files);
    // "Who am I?" as message 2, and an answer to it: success, nobody.
    client.write(b"\x30\x1e\x02\x01\x02\x77\x19\x80\x171.3.6.1.4.1.4203.1.11.3");
    let answer = b"\x30\x0e\x02\x01\x02\x78\x09\x0a\x01\x00\x04\x00\x04\x00\x8b\x00";
    assert_eq!(client.read(answer.len()), answer);
    // UnbindRequest, at which slapd answers nothing more.
    client.write(b"\x30\x05\x02\x01\x03\x42\x00");
    client.close_stdin();
    let ended = client.wait();
    assert!(ended.status.success(), "{ended:?}");
}

fn postgres_sql(files: &Files) {
    let data = files.path("postgres");
    let mut initdb = as_nobody(POSTGRES.with_file_name("initdb").to_str().unwrap());
    initdb
        .args([
            "--no-sync",
            "--no-locale",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-D",
        ])
        .arg(&data);
    let ended = Program::start(&mut initdb).wait();
    assert!(ended.status.success(), "{ended:?}");
    let only_tls = "hostssl all all 127.0.0.1/32 trust\n";
    fs::write(data.join("pg_hba.conf"), only_tls).unwrap();
    // It refuses a key that others can read.
    let key = data.join("server.key");
    fs::copy(files.server_key(), &key).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();

    let (mut server, port, _) = start_server(|port| {
        let mut command = as_nobody("sh");
        command.args(["-c", r#"exec "$0" "$@" 2>&1"#]).arg(&*POSTGRES);
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in [
            "unix_socket_directories=",
            "ssl=on",
            &format!("ssl_cert_file={}", files.server_certificate().display()),
            &format!("ssl_key_file={}", key.display()),
            "ssl_max_protocol_version=TLSv1.2",
            &format!("ssl_ciphers={SUITE}"),
        ] {
            command.args(["-c", setting]);
        }
        command
    });

    // It listens before it serves.
    while !server.read_line().contains("ready to accept connections") {}

    // StartupMessage, Query, Terminate.
    let startup = b"\0\x03\0\0user\0postgres\0\0";
    let query = b"SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()\0";
    let input = [&sized(startup)[..], b"Q", &sized(query), b"X", &sized(b"")].concat();
    let ended = say("postgres", port, files, &input);
    assert!(ended.stdout.contains("TLSv1.2"), "{ended:?}");
    assert!(ended.stdout.contains(SUITE), "{ended:?}");
}

/// A message behind its length, which counts itself.
fn sized(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len() + 4).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}
