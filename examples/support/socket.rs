//! What every example asks of its socket.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// Sends at once what is written, and lets neither side wait for longer than `patience`.
pub fn prepare(socket: &TcpStream, patience: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))
}
