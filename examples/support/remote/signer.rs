//! The process that holds the key.

use super::wire::{self, Answer, Operation, Refusal, Request};
use crate::support::private::{check_is_private, check_is_private_directory};
use crate::support::process::when_stdin_ends;
use crate::support::report::{Milliseconds, print_line};
use crate::support::wrap::wrap;
use anyhow::{Context, Result, ensure};
use clap::Args;
use getrandom::SysRng;
use premaster::error::KeyError;
use premaster::private_key::key_rng;
use premaster::{PrivateKey, RsaKey};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

#[derive(Args)]
pub struct SignerArguments {
    /// The RSA private key, PEM: a file of mode 0600, or `-` for standard
    /// input
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    key: PathBuf,

    /// The socket to listen on, in a directory of mode 0700
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,

    /// End at the end of standard input, too, and so with the parent process
    #[arg(long)]
    until_eof: bool,
}

/// The most connections at one time. More are turned away.
const MAX_CONNECTIONS: usize = 256;

/// How long a connection may be idle, or stop in the middle of a request.
const IDLE: Duration = Duration::from_secs(60);

/// The timeout for writing an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to let connections end when there are too many open files or threads.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest file that is read as a key, in bytes.
const MAX_KEY_FILE: u64 = 32 * 1024;

/// Serves until it is stopped, and then ends at once: a server whose request is cut off asks again.
pub fn run(arguments: &SignerArguments) -> Result<()> {
    let (key, socket) = (&arguments.key, &arguments.socket);
    let key = read_key(key).with_context(|| format!("the key, {}", key.display()))?;
    let listener = listen(socket).with_context(|| format!("the socket, {}", socket.display()))?;
    end_when_asked(arguments)?;
    print_line(&format!("LISTENING {}", socket.display()));

    let signer = Arc::new(Signer { key });
    for accepted in listener.incoming() {
        // The connections' threads each have one.
        if Arc::strong_count(&signer) > MAX_CONNECTIONS {
            continue;
        }
        if let Err(error) = accepted.and_then(|stream| serve(Arc::clone(&signer), stream)) {
            eprintln!("cannot accept a connection: {error}");
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

fn read_key(path: &Path) -> Result<RsaKey> {
    let pem = if path == Path::new("-") {
        read_pem(&mut io::stdin().lock())?
    } else {
        let file = File::open(path)?;
        check_is_private(&file.metadata()?)?;
        read_pem(&mut BufReader::new(file))?
    };
    Ok(RsaKey::from_pem(pem.as_bytes())?)
}

/// Reads up to the last line of a PEM text: a pipe stays open.
fn read_pem(reader: &mut impl BufRead) -> Result<Zeroizing<String>> {
    let mut reader = reader.take(MAX_KEY_FILE);
    // Room for all: a buffer that grows leaves the secret behind where it was.
    let mut pem = Zeroizing::new(String::with_capacity(MAX_KEY_FILE as usize));
    loop {
        let start = pem.len();
        ensure!(reader.read_line(&mut pem)? > 0, "no private key in PEM");
        if pem[start..].starts_with("-----END") {
            return Ok(pem);
        }
    }
}

/// Listens at a path that only the owner can reach, whatever the umask: the directory sees to that
/// until the socket has its own permissions, and on systems that do not look at them.
fn listen(path: &Path) -> Result<UnixListener> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    check_is_private_directory(&fs::metadata(directory)?)
        .with_context(|| directory.display().to_string())?;
    remove_left_behind(path)?;
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes the socket of a signer that was killed. A socket in use stays, and so does any other
/// file; binding then fails.
fn remove_left_behind(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    match UnixStream::connect(path) {
        Err(error) if is_socket && error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path)
        }
        _ => Ok(()),
    }
}

/// Removes the socket and ends the process at SIGTERM, at SIGINT, or at the end of standard input.
fn end_when_asked(arguments: &SignerArguments) -> io::Result<()> {
    let end = |socket: PathBuf| {
        // The directory may be gone with all that was in it.
        let _ = fs::remove_file(socket);
        process::exit(0);
    };
    let socket = arguments.socket.clone();
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            end(socket);
        }
    });
    if arguments.until_eof {
        let socket = arguments.socket.clone();
        when_stdin_ends(move || end(socket));
    }
    Ok(())
}

struct Signer {
    key: RsaKey,
}

/// Serves a connection in a thread of its own.
fn serve(signer: Arc<Signer>, stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    thread::Builder::new().spawn(move || match signer.converse(stream) {
        // Idle for too long.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        Err(error) => print_line(&wrap(&format!("a connection failed: {error}"))),
        Ok(()) => {}
    })?;
    Ok(())
}

impl Signer {
    /// Answers requests until the server hangs up.
    fn converse(&self, mut stream: UnixStream) -> io::Result<()> {
        while let Some(request) = wire::read(&mut stream)? {
            let request = Request::decode(&request).ok_or(ErrorKind::InvalidData)?;
            let start = Instant::now();
            let answer = self.answer(&request);
            print_line(&wrap(&self.told(&request, &answer, start.elapsed())));
            wire::write(&mut stream, &wire::encode_answer(&answer))?;
        }
        Ok(())
    }

    fn answer(&self, request: &Request<'_>) -> Answer {
        if request.key_id != self.key.key_id() {
            return Err(Refusal::OtherKey);
        }
        let (key, data, rng) = (&self.key, request.data, &mut key_rng(SysRng));
        match request.operation {
            Operation::Decrypt => {
                let mut integers = Zeroizing::new(vec![0; data.len()]);
                key.decrypt(data, &mut integers, rng).map(|()| integers)
            }
            Operation::Sign(scheme) => key.sign(scheme, data, rng).map(Zeroizing::new),
        }
        .map_err(|KeyError| Refusal::Unusable)
    }

    fn told(&self, request: &Request<'_>, answer: &Answer, took: Duration) -> String {
        let took = Milliseconds(took);
        match (request.operation, answer) {
            (_, Err(Refusal::OtherKey)) => {
                format!("refused a request for another key, {}", request.key_id)
            }
            (_, Err(Refusal::Unusable)) => {
                "refused an operation that the key does not support".to_owned()
            }
            (Operation::Decrypt, Ok(_)) => {
                let count = request.data.len() / self.key.modulus_length();
                format!("decrypted {count} in {took}")
            }
            (Operation::Sign(scheme), Ok(_)) => format!("signed with {scheme} in {took}"),
        }
    }
}
