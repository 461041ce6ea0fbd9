//! OpenSSL 3.6, in the program `newer_openssl` beside this one.

use crate::contender::{Contender, Taken};
use crate::openssl_work::{OpenSslWork, parse_taken};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Builds the program, which takes some minutes the first time.
pub fn build() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--locked",
            "--release",
            "--quiet",
            "--manifest-path",
        ])
        .arg(folder().join("Cargo.toml"))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("OpenSSL 3.6 cannot be built: {status}")),
        Err(error) => Err(format!("OpenSSL 3.6 cannot be built: {error}")),
    }
}

/// Its version, in OpenSSL's words.
pub fn version() -> String {
    let output = program().arg("version").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "newer_openssl"].iter().collect()
}

fn program() -> Command {
    Command::new(folder().join("target/release/newer-openssl"))
}

/// The program at one kind of work. It ends when this is dropped.
pub struct NewerOpenSsl {
    child: Child,
    /// Closed before the child is waited for.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl NewerOpenSsl {
    pub fn new(work: OpenSslWork) -> Self {
        let mut child = program()
            .args(work.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }
}

impl Contender for NewerOpenSsl {
    fn run(&mut self) -> Taken {
        self.orders.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        parse_taken(&answer).unwrap()
    }
}

impl Drop for NewerOpenSsl {
    fn drop(&mut self) {
        self.orders = None;
        let status = self.child.wait().unwrap();
        assert!(status.success());
    }
}
