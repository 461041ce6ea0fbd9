//! The socket options of the examples, and the end of a connection.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Disables Nagle's algorithm, and sets the timeout for each read and write.
pub fn prepare(socket: &TcpStream, patience: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))
}

/// Ends the sending direction and waits for the peer to do the same, but no longer than `linger`.
/// Closing a socket while bytes still arrive makes the peer's system discard what the peer has not
/// read yet, such as the alert.
pub fn hang_up(mut socket: &TcpStream, linger: Duration) {
    let deadline = Instant::now() + linger;
    let _ = socket.shutdown(Shutdown::Write);
    let mut ignored = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // No time at all is refused as a timeout.
        if socket.set_read_timeout(Some(left)).is_err() {
            return;
        }
        if let Ok(0) | Err(_) = socket.read(&mut ignored) {
            return;
        }
    }
}

/// Reads what has come over a socket that does not block. Returns true if nothing will come any more.
pub fn drain(mut socket: &TcpStream) -> bool {
    let mut ignored = [0; 4096];
    match socket.read(&mut ignored) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
