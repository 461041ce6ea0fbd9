//! An outside program: started with pipes, never waited for without end, and killed at the latest
//! when it is dropped.

use crate::repository;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take. Nothing takes a tenth of it unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to sleep between two looks at something.
const PAUSE: Duration = Duration::from_millis(5);

/// Whether there is a program of this name to be started, a server in `/usr/sbin` included.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = PathBuf::from("/usr/sbin");
    std::env::split_paths(&path)
        .chain([servers])
        .any(|directory| directory.join(program).is_file())
}

/// Whether every program that a test can use has to be there: the environment says `CI=true`.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// An example's command, the examples having been built.
#[track_caller]
pub fn example(name: &str) -> Command {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        let profile = if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        };
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--offline", "--examples"])
            .args(["--profile", profile])
            .current_dir(repository())
            .status();
        assert!(status.unwrap().success());
    });
    LazyLock::force(&BUILT);
    Command::new(built("examples").join(name))
}

/// The program of another package of this workspace, which may be absent: it is built beforehand, by
/// `cargo build -p` and its name. `path` is below `target/<profile>`.
pub fn built(path: &str) -> PathBuf {
    let this_test = std::env::current_exe().unwrap();
    // target/<profile>/deps/<this test>
    this_test.ancestors().nth(2).unwrap().join(path)
}

/// A running program.
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

/// What a program that has ended leaves behind.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            stdin: child.stdin.take(),
            stdout: Output::of(child.stdout.take().unwrap()),
            stderr: Output::of(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Writes to the program's standard input. What fits into a pipe never blocks.
    #[track_caller]
    pub fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Ends the program's standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next `length` bytes of the program's standard output.
    #[track_caller]
    pub fn read(&mut self, length: usize) -> Vec<u8> {
        self.stdout.read(length)
    }

    /// The next line of the program's standard output, without its newline.
    #[track_caller]
    pub fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        loop {
            match self.read(1)[0] {
                b'\n' => return String::from_utf8(line).unwrap(),
                byte => line.push(byte),
            }
        }
    }

    /// Everything that the program has printed so far and that has not been read, for the text of a
    /// failure.
    pub fn printed(&mut self) -> String {
        format!(
            "stdout: {}, stderr: {}",
            self.stdout.so_far(),
            self.stderr.so_far()
        )
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes the connection of a program that is a client.
    #[track_caller]
    pub fn accept(&mut self, listener: &TcpListener) -> TcpStream {
        listener.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let transport = loop {
            match listener.accept() {
                Ok((transport, _)) => break transport,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            assert!(!self.has_ended(), "the client does not connect");
            assert!(Instant::now() < deadline, "the client does not connect");
            thread::sleep(PAUSE);
        };
        transport.set_nonblocking(false).unwrap();
        limited(transport)
    }

    /// Connects to a program that is a server as soon as it listens; `None` if it ended instead.
    /// The first connection that succeeds is used: the server may take only one.
    #[track_caller]
    pub fn connect(&mut self, port: u16) -> Option<TcpStream> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(transport) => return Some(limited(transport)),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => panic!("{error}"),
            }
            if self.has_ended() {
                return None;
            }
            assert!(Instant::now() < deadline, "the server does not listen");
            thread::sleep(PAUSE);
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program ends by itself.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            thread::sleep(PAUSE);
        };
        Ended {
            status,
            stdout: self.stdout.rest(),
            stderr: self.stderr.rest(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only for a program that has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A transport that does not wait for ever either.
fn limited(transport: TcpStream) -> TcpStream {
    transport.set_read_timeout(Some(PATIENCE)).unwrap();
    transport.set_write_timeout(Some(PATIENCE)).unwrap();
    transport.set_nodelay(true).unwrap();
    transport
}

/// What a program prints, collected by a thread so that the program never waits for us.
struct Output {
    chunks: Receiver<Vec<u8>>,
    unread: Vec<u8>,
}

impl Output {
    fn so_far(&mut self) -> String {
        self.unread.extend(self.chunks.try_iter().flatten());
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    fn of(mut source: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            chunks,
            unread: Vec::new(),
        }
    }

    #[track_caller]
    fn read(&mut self, length: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.unread.len() < length {
            assert!(
                self.wait_for_chunk(deadline),
                "the output ends after {} bytes of {length}",
                self.unread.len()
            );
        }
        self.unread.drain(..length).collect()
    }

    /// Everything up to the end, as text.
    fn rest(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while self.wait_for_chunk(deadline) {}
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// False if the output has ended.
    fn wait_for_chunk(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.chunks.recv_timeout(left) {
            Ok(chunk) => self.unread.extend(chunk),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("the program prints nothing more"),
        }
        true
    }
}
