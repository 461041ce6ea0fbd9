//! What a stream consists of.

use super::pump::Parts;
use crate::connection::Connection;
use core::fmt;

/// The parts of a [`Stream`](crate::Stream), from [`Stream::into_parts`](crate::Stream::into_parts).
///
/// To continue without a stream: write `outgoing` to the transport, use `plaintext`, and pass
/// `received` to [`Connection::receive`], before the bytes that are read next.
#[non_exhaustive]
pub struct StreamParts<S> {
    /// The connection.
    pub connection: Connection,
    /// The transport.
    pub transport: S,
    /// The bytes that were read from the transport and not processed. After the peer's close_notify
    /// they do not belong to TLS.
    pub received: Vec<u8>,
    /// Application data that was received and decrypted, and not read from the stream.
    pub plaintext: Vec<u8>,
    /// Encrypted output that the transport has not accepted yet.
    pub outgoing: Vec<u8>,
}

impl<S> StreamParts<S> {
    pub(super) fn new(parts: Parts, transport: S) -> Self {
        let Parts {
            connection,
            received,
            plaintext,
            outgoing,
        } = parts;
        Self {
            connection,
            transport,
            received,
            plaintext,
            outgoing,
        }
    }
}

/// Shows the number of bytes in each buffer.
impl<S: fmt::Debug> fmt::Debug for StreamParts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamParts")
            .field("connection", &self.connection)
            .field("transport", &self.transport)
            .field("received", &format_args!("{} bytes", self.received.len()))
            .field("plaintext", &format_args!("{} bytes", self.plaintext.len()))
            .field("outgoing", &format_args!("{} bytes", self.outgoing.len()))
            .finish()
    }
}
