//! A blocking socket on which nothing waits for longer than it may.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A socket with a deadline for all that is going on, and a bound on each single wait.
///
/// A timeout of a socket bounds each read alone: a peer that sends a byte now and then is never late.
/// So each wait here is also bounded by what is left until the deadline.
pub struct Timed<'s> {
    socket: &'s TcpStream,
    idle: Duration,
    deadline: Option<Instant>,
}

impl<'s> Timed<'s> {
    /// Bounds each wait by `idle`, and all of them together by `all`, beginning now.
    pub fn new(socket: &'s TcpStream, idle: Duration, all: Duration) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            idle,
            deadline: Some(Instant::now() + all),
        })
    }

    /// Returns the deadline, until it is lifted.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Lifts the deadline, as when the handshake is over. Each single wait stays bounded.
    pub fn lift_deadline(&mut self) {
        self.deadline = None;
    }

    /// How long the next wait may take, or the error that it may not begin.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.map_or(self.idle, |deadline| {
            deadline.saturating_duration_since(Instant::now()).min(self.idle)
        });
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
