//! The result of [`Connection::receive`](crate::Connection::receive).

use core::fmt;

/// The result of one call of [`Connection::receive`](crate::Connection::receive).
#[derive(Debug)]
#[must_use]
pub struct Received<'b> {
    /// The number of bytes consumed from the front of the input. Do not pass them again.
    pub consumed: usize,
    /// The event that ended the call.
    pub event: Event<'b>,
}

/// An event on a connection, reported by [`Connection::receive`](crate::Connection::receive).
#[non_exhaustive]
pub enum Event<'b> {
    /// The input holds no complete record. Send the output, and call again with more input.
    NeedData,
    /// The handshake is complete: the peer is authenticated as the configuration requires, and
    /// application data can be sent.
    HandshakeComplete,
    /// Application data, decrypted in place in the input. Never empty.
    ApplicationData(&'b mut [u8]),
    /// The handshake is paused. The connection consumes no input until
    /// [`Connection::resume`](crate::Connection::resume) receives the answer to
    /// [`Connection::pending`](crate::Connection::pending).
    Paused,
    /// The peer closed its direction with close_notify and sends nothing more. Bytes left in the
    /// input do not belong to TLS.
    ///
    /// This side can still [`send`](crate::Connection::send) what it has to say. End with
    /// [`close`](crate::Connection::close): the peer may wait for this side's close_notify. If it
    /// is configured with [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer), the
    /// close_notify is in the output already, and nothing more can be sent.
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
