//! What [`Connection::receive`](crate::Connection::receive) tells its caller.

use core::fmt;

/// What one call of [`Connection::receive`](crate::Connection::receive) came to.
#[derive(Debug)]
#[must_use]
pub struct Received<'b> {
    /// How many bytes at the front of the input are done with. They must not be given again.
    pub consumed: usize,
    /// What happened.
    pub event: Event<'b>,
}

/// What happened to a connection.
#[non_exhaustive]
pub enum Event<'b> {
    /// There is no whole record in the input. Send what is outgoing and come back with more.
    NeedData,
    /// The handshake is over: the peer is who it should be, and application data can be sent.
    HandshakeComplete,
    /// Application data, decrypted in place in the input. Never empty.
    ApplicationData(&'b mut [u8]),
    /// The connection takes in nothing until [`Connection::resume`](crate::Connection::resume) has
    /// been given the answer to [`Connection::pending`](crate::Connection::pending).
    Paused,
    /// The peer closed the connection cleanly and will send nothing more. Any bytes left in the
    /// input are not TLS's. The answering close_notify is in the output.
    PeerClosed,
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedData => f.write_str("NeedData"),
            Self::HandshakeComplete => f.write_str("HandshakeComplete"),
            Self::ApplicationData(data) => write!(f, "ApplicationData({} bytes)", data.len()),
            Self::Paused => f.write_str("Paused"),
            Self::PeerClosed => f.write_str("PeerClosed"),
        }
    }
}
