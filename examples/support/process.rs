//! Other processes of this program.

use anyhow::{Context, Result, ensure};
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to print a line that is waited for, or to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to sleep between two looks at a process that is to end.
const PAUSE: Duration = Duration::from_millis(5);

/// A process that is killed when this is dropped. Its standard input stays open until then, so the
/// end of standard input tells it that its parent has gone.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let lines = child.stdout.take().map(lines_of);
        Ok(Self {
            child,
            lines: lines.context("no standard output")?,
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdin(&mut self) -> Result<&mut ChildStdin> {
        self.child.stdin.as_mut().context("no standard input")
    }

    /// The next line that the process prints.
    pub fn next_line(&self) -> Result<String> {
        let line = self.lines.recv_timeout(PATIENCE);
        line.context("a process does not print the expected line")
    }

    /// The rest of the next line, which must start with `start`.
    pub fn next_line_after(&self, start: &str) -> Result<String> {
        let line = self.next_line()?;
        let rest = line.strip_prefix(start).map(str::to_owned);
        rest.with_context(|| format!("a process prints {line:?}, not {start:?}"))
    }

    /// Closes the process's standard input, and waits until it ends.
    pub fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(Instant::now() < deadline, "a process does not end");
            thread::sleep(PAUSE);
        };
        ensure!(status.success(), "a process ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines, collected by a thread that ends with them.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Acts when standard input ends, as it does with the parent process.
pub fn when_stdin_ends(act: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        // An error is an end too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        act();
    });
}
