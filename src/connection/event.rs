//! The result of [`Connection::receive`](crate::Connection::receive).

use crate::error::LocalError;
use core::fmt;
use core::ops::Range;

/// The result of one call of [`Connection::receive`](crate::Connection::receive).
#[derive(Debug)]
#[must_use]
pub struct Received<'b> {
    /// The number of bytes consumed from the front of the input. Do not pass them again.
    pub consumed: usize,
    /// The event that ended the call.
    pub event: Event<'b>,
    data_range: Option<Range<usize>>,
    needed: Option<usize>,
}

impl<'b> Received<'b> {
    /// Creates the result of a call for input at the address `input`, of which `consumed` bytes were
    /// consumed. The rest needs `needed` bytes to hold a record.
    pub(super) fn new(
        event: Event<'b>,
        input: usize,
        consumed: usize,
        needed: usize,
    ) -> Result<Self, LocalError> {
        let data_range = match &event {
            Event::ApplicationData(data) => {
                let start = data.as_ptr().addr().checked_sub(input);
                let start = start.filter(|start| start + data.len() <= consumed);
                let start = start.ok_or(LocalError::Internal(
                    "application data outside of the consumed input",
                ))?;
                Some(start..start + data.len())
            }
            _ => None,
        };
        let needed = matches!(event, Event::NeedData).then_some(needed);
        Ok(Self {
            consumed,
            event,
            data_range,
            needed,
        })
    }

    /// Returns the position of the [application data](Event::ApplicationData) in the input, or `None`
    /// for other events.
    ///
    /// The data lies there, decrypted, also when the borrow of [`event`](Self::event) has ended, so
    /// a caller can keep numbers instead of a reference.
    ///
    /// ```
    /// # use premaster::{Connection, Error};
    /// use core::ops::Range;
    ///
    /// /// Returns where the data of the next record lies, and the number of bytes to remove after it.
    /// fn next(
    ///     connection: &mut Connection,
    ///     buffer: &mut [u8],
    ///     outgoing: &mut Vec<u8>,
    /// ) -> Result<(Option<Range<usize>>, usize), Error> {
    ///     let received = connection.receive(buffer, outgoing)?;
    ///     Ok((received.data_range(), received.consumed))
    /// }
    /// ```
    #[must_use]
    pub fn data_range(&self) -> Option<Range<usize>> {
        self.data_range.clone()
    }

    /// Returns, with [`Event::NeedData`], the number of bytes that the input must have at least from
    /// the first byte that was not consumed, or `None` for other events.
    ///
    /// This is the length of the next record, or 5 bytes while its header is incomplete. It is at
    /// most [`MAX_RECORD_LENGTH`](crate::MAX_RECORD_LENGTH), and always more than the bytes that
    /// are left of the input.
    #[must_use]
    pub fn needed(&self) -> Option<usize> {
        self.needed
    }
}

/// An event on a connection, reported by [`Connection::receive`](crate::Connection::receive).
#[non_exhaustive]
pub enum Event<'b> {
    /// The input holds no complete record. Send the output, and call again with more input;
    /// [`Received::needed`] tells how much that is at least.
    NeedData,
    /// The handshake is complete: the peer is authenticated as the configuration requires, and
    /// application data can be sent. It comes again after each renegotiation, for a client that
    /// [accepts](crate::ClientConfigBuilder::accept_renegotiation) any.
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
