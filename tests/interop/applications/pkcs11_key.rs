//! Keys in a token, by SoftHSM, with OpenSSL at the other end.
//!
//! Where the environment variable `PREMASTER_KRYOPTIC` names a module of kryoptic, that is a second
//! token. Debian has it not; it is built from its crate, with OpenSSL's and SQLite's headers:
//!
//! ```text
//! cargo build --lib --no-default-features --features minimal,kryoptic-lib/dynamic
//! ```

use super::{OLD, fits_a_terminal};
use crate::files::Files;
use crate::peer::free_port;
use crate::{Need, Trials};
use premaster_testing::program::{Ended, Program, built};
use premaster_testing::{Directory, NAME};
use std::fs::{self, Permissions};
use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = "examples/pkcs11_key";

const SOFTHSM: &str = "softhsm2-util";

const SOFTHSM_MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Of OpenSC; it fills a token of any module.
const PKCS11_TOOL: &str = "pkcs11-tool";

const KRYOPTIC_MODULE: &str = "PREMASTER_KRYOPTIC";

const PIN: &str = "1234";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[
        Need::Built(EXAMPLE),
        Need::Program(SOFTHSM),
        Need::Program("openssl"),
    ];
    let mut add = |name: &str, trial: fn(&Files)| {
        trials.add_with(needs, format!("applications::pkcs11_key::{name}"), trial);
    };
    add("help", help);
    add("decrypts_on_four_threads", decrypts_on_four_threads);
    add("decrypts_by_signing", decrypts_by_signing);
    add("signs", signs);
    add("refuses_what_it_cannot_use", refuses_what_it_cannot_use);
    add(
        "tells_that_the_token_has_gone",
        tells_that_the_token_has_gone,
    );
    add("drops_the_silent", drops_the_silent);
    if std::env::var_os(KRYOPTIC_MODULE).is_some() {
        let needs = &[Need::Built(EXAMPLE), Need::Program(PKCS11_TOOL)];
        let name = "applications::pkcs11_key::kryoptic".into();
        trials.add_with(needs, name, kryoptic);
    }
}

/// A token with the keys of the server and of the client.
struct Token {
    directory: Directory,
    module: String,
    /// The environment variable that names the module's configuration, and its value.
    configuration: (&'static str, String),
}

impl Token {
    fn softhsm(test: &str, files: &Files) -> Self {
        let directory = Directory::create(test);
        let tokens = directory.root().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        let configuration = directory.write("softhsm2.conf", configuration);
        let token = Self {
            directory,
            module: SOFTHSM_MODULE.into(),
            configuration: ("SOFTHSM2_CONF", configuration),
        };
        let fill = |arguments: &[&str], key: &Path| {
            let mut command = token.command(SOFTHSM);
            command.args(arguments).args(["--pin", PIN]);
            if key.is_file() {
                command.arg("--import").arg(key).args(["--token", "demo"]);
            }
            succeed(&mut command);
        };
        let new = [
            "--init-token",
            "--free",
            "--label",
            "demo",
            "--so-pin",
            "12345678",
        ];
        fill(&new, Path::new(""));
        fill(&["--label", "server", "--id", "01"], &files.server_key());
        fill(&["--label", "client", "--id", "02"], &files.client_key());
        token
    }

    fn kryoptic(files: &Files) -> Self {
        let directory = Directory::create("kryoptic");
        let database = directory.path("token.sql");
        let configuration =
            format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = {database:?}\n");
        let configuration = directory.write("kryoptic.conf", configuration);
        let token = Self {
            directory,
            module: std::env::var(KRYOPTIC_MODULE).unwrap(),
            configuration: ("KRYOPTIC_CONF", configuration),
        };
        let fill = |arguments: &[&str]| {
            let mut command = token.command(PKCS11_TOOL);
            command.args(["--module", &token.module]).args(arguments);
            succeed(&mut command);
        };
        fill(&[
            "--slot",
            "1",
            "--init-token",
            "--label",
            "demo",
            "--so-pin",
            "12345678",
        ]);
        let demo = ["--token-label", "demo"];
        fill(
            &[
                &demo[..],
                &[
                    "--login",
                    "--login-type",
                    "so",
                    "--so-pin",
                    "12345678",
                    "--init-pin",
                    "--new-pin",
                    PIN,
                ],
            ]
            .concat(),
        );
        for (label, id, key) in [
            ("server", "01", files.server_key()),
            ("client", "02", files.client_key()),
        ] {
            let der = token.directory.path(label);
            let mut convert = Command::new("openssl");
            convert.args(["pkey", "-outform", "DER", "-out", &der, "-in"]).arg(key);
            succeed(&mut convert);
            fill(
                &[
                    &demo[..],
                    &[
                        "--login",
                        "--pin",
                        PIN,
                        "--write-object",
                        &der,
                        "--type",
                        "privkey",
                        "--usage-decrypt",
                        "--usage-sign",
                        "--label",
                        label,
                        "--id",
                        id,
                    ],
                ]
                .concat(),
            );
        }
        token
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env(self.configuration.0, &self.configuration.1);
        command
    }

    /// The example in one of its roles, with this key and the PIN.
    fn example(&self, role: &str, key: &str) -> Command {
        let mut command = self.command(built(EXAMPLE));
        command
            .args([
                role,
                "--module",
                &self.module,
                "--token",
                "demo",
                "--key",
                key,
            ])
            .env("PKCS11_PIN", PIN);
        command
    }

    /// The server, and its port.
    #[track_caller]
    fn serve(&self, files: &Files, arguments: &[&str]) -> (Program, u16) {
        let mut command = self.example("server", "server");
        command.arg("--cert").arg(files.server_certificate());
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut server = Program::start(&mut command);
        let line = server.read_line();
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        (server, port.unwrap_or_else(|| panic!("{line}")))
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let ended = Program::start(command).wait();
    assert!(ended.status.success(), "{command:?}: {ended:?}");
}

/// A client of OpenSSL's, whose input has ended.
fn s_client(port: u16, files: &Files) -> Program {
    let mut command = Command::new("openssl");
    command
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-verify_hostname",
            NAME,
        ])
        .args(["-connect", &format!("127.0.0.1:{port}"), "-CAfile"])
        .arg(files.root_certificate())
        .args(OLD);
    let mut client = Program::start(&mut command);
    client.close_stdin();
    client
}

#[track_caller]
fn is_served(ended: &Ended) {
    assert_eq!(ended.stdout, "My private key is in a token.\n", "{ended:?}");
}

fn help(_: &Files) {
    for arguments in [
        &["--help"][..],
        &["server", "--help"],
        &["client", "--help"],
    ] {
        fits_a_terminal(Command::new(built(EXAMPLE)).args(arguments));
    }
}

/// Sixteen clients at once are served, and four threads have a session each.
fn decrypts_on_four_threads(files: &Files) {
    let token = Token::softhsm("four", files);
    let (server, port) = token.serve(files, &["--threads", "4"]);
    let clients: Vec<_> = (0..16).map(|_| s_client(port, files)).collect();
    for client in clients {
        is_served(&client.wait());
    }
    let threads = fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
    let names = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")));
    let sessions = names.filter(|name| name.as_ref().is_ok_and(|name| name == "token\n"));
    assert_eq!(sessions.count(), 4);
}

fn decrypts_by_signing(files: &Files) {
    let token = Token::softhsm("by-signing", files);
    let (_server, port) = token.serve(files, &["--raw-by", "sign"]);
    is_served(&s_client(port, files).wait());
}

/// Runs the client against OpenSSL, which accepts this signature scheme alone.
#[track_caller]
fn signed(token: &Token, files: &Files, scheme: &str) -> (Ended, String) {
    let port = free_port();
    let mut command = Command::new("openssl");
    command
        .args([
            "s_server",
            "-www",
            "-naccept",
            "1",
            "-Verify",
            "1",
            "-verify_return_error",
        ])
        .args([
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-client_sigalgs",
            scheme,
            "-CAfile",
        ])
        .arg(files.root_certificate())
        .arg("-cert")
        .arg(files.server_certificate())
        .arg("-key")
        .arg(files.server_key())
        .args(OLD);
    let mut server = Program::start(&mut command);
    while server.read_line() != "ACCEPT" {}
    let mut client = token.example("client", "client");
    client
        .args([
            "--connect",
            &format!("127.0.0.1:{port}"),
            "--name",
            NAME,
            "--ca",
        ])
        .arg(files.root_certificate())
        .arg("--cert")
        .arg(files.client_certificate());
    let ended = Program::start(&mut client).wait();
    (ended, server.wait().stderr)
}

fn signs(files: &Files) {
    let token = Token::softhsm("signs", files);
    for (scheme, digest, padding) in [
        ("RSA+SHA256", "SHA256", "RSA"),
        ("RSA+SHA384", "SHA384", "RSA"),
        ("RSA+SHA512", "SHA512", "RSA"),
        ("RSA-PSS+SHA256", "SHA256", "RSA-PSS"),
        ("RSA-PSS+SHA384", "SHA384", "RSA-PSS"),
        ("RSA-PSS+SHA512", "SHA512", "RSA-PSS"),
    ] {
        let (ended, printed) = signed(&token, files, scheme);
        assert!(ended.status.success(), "{scheme}: {ended:?}, {printed}");
        for line in [
            format!("Peer signing digest: {digest}"),
            format!("Peer signature type: {padding}"),
        ] {
            let told = ended.stdout.lines().any(|told| told == line);
            assert!(told, "{scheme}: {ended:?}, {printed}");
        }
    }
}

/// It ends at once with the reason, before a client depends on it.
fn refuses_what_it_cannot_use(files: &Files) {
    let token = Token::softhsm("refuses", files);
    let pin = token.directory.write("pin", format!("{PIN}\n"));
    fs::set_permissions(&pin, Permissions::from_mode(0o644)).unwrap();
    let wrong_pin = token.directory.write("wrong-pin", "4321\n");
    fs::set_permissions(&wrong_pin, Permissions::from_mode(0o600)).unwrap();
    for (key, arguments, reason) in [
        (
            "client",
            &[][..],
            "the key in the token is not that of the certificate",
        ),
        (
            "nobody",
            &[],
            "the token has no private RSA key with the label \"nobody\"",
        ),
        (
            "server",
            &["--pin-file", &pin],
            "accessible to others (mode 0644, required 0600)",
        ),
        (
            "server",
            &["--pin-file", &wrong_pin],
            "cannot log in: C_Login: PinIncorrect",
        ),
    ] {
        let mut command = token.example("server", key);
        command.arg("--cert").arg(files.server_certificate()).args(arguments);
        let ended = Program::start(&mut command).wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let printed = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(printed.ends_with(reason), "{printed}");
    }
}

/// The connection ends with the token's error; the server goes on.
fn tells_that_the_token_has_gone(files: &Files) {
    let token = Token::softhsm("gone", files);
    let (mut server, port) = token.serve(files, &["--threads", "1"]);
    is_served(&s_client(port, files).wait());

    fs::remove_dir_all(token.directory.root().join("tokens")).unwrap();
    for _ in 0..2 {
        let ended = s_client(port, files).wait();
        assert_eq!(ended.stdout, "", "{ended:?}");
        while !server.read_line().contains(": failed: the token failed: ") {}
    }
}

/// A peer that says nothing is late by the deadline of the handshake, not by a timeout for each read.
fn drops_the_silent(files: &Files) {
    let token = Token::softhsm("silent", files);
    let (_server, port) = token.serve(files, &["--handshake-timeout", "1"]);
    let mut silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    is_served(&s_client(port, files).wait());
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
}

/// Its C_Decrypt does not tell how long a result of CKM_RSA_X_509 is; its C_Sign does.
fn kryoptic(files: &Files) {
    let token = Token::kryoptic(files);
    let (_server, port) = token.serve(files, &["--raw-by", "sign"]);
    let clients: Vec<_> = (0..16).map(|_| s_client(port, files)).collect();
    for client in clients {
        is_served(&client.wait());
    }
    for scheme in ["RSA+SHA256", "RSA-PSS+SHA256"] {
        let (ended, printed) = signed(&token, files, scheme);
        assert!(ended.status.success(), "{scheme}: {ended:?}, {printed}");
    }
}
