//! The two directions of an established connection as two values, for two threads or tasks.

mod errors;
mod link;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use errors::{ReuniteError, SplitError};
pub use receiver::ReceiveHalf;
pub use sender::SendHalf;

use super::Connection;
use super::output::{Output, Replies};
use crate::error::{Error, LocalError, Misuse};
use link::Link;
use sender::Sending;
use std::sync::Arc;

impl Connection {
    /// Splits the connection into its two directions, each with its own key and sequence number, so
    /// that two threads can send and receive at the same time. For a record neither waits for the
    /// other.
    ///
    /// The [`ReceiveHalf`] keeps all but the sending of records: the [session](ReceiveHalf::session),
    /// exporters, channel bindings, and the budgets for a peer's warnings, empty records and requests
    /// for another handshake. What it has to tell the peer goes out through the [`SendHalf`]: a fatal
    /// alert, the refusal of another handshake, and with
    /// [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer) the answer to close_notify. It
    /// leaves these for the sender, which must be called when
    /// [`sender_is_due`](ReceiveHalf::sender_is_due):
    ///
    /// ```
    /// use premaster::{Error, Event, ReceiveHalf, SendHalf};
    /// use std::sync::Mutex;
    ///
    /// /// One step of the receiving thread. `sender` is held only while something is encrypted.
    /// fn step(
    ///     receiver: &mut ReceiveHalf,
    ///     sender: &Mutex<(SendHalf, Vec<u8>)>,
    ///     incoming: &mut [u8],
    /// ) -> Result<usize, Error> {
    ///     let received = receiver.receive(incoming);
    ///     if receiver.sender_is_due() {
    ///         let mut sender = sender.lock().unwrap();
    ///         let (sender, outgoing) = &mut *sender;
    ///         sender.reply(outgoing);
    ///         // Have `outgoing` written, also after an error.
    ///     }
    ///     let received = received?;
    ///     if let Event::ApplicationData(data) = received.event {
    ///         println!("{} bytes", data.len());
    ///     }
    ///     Ok(received.consumed)
    /// }
    /// ```
    ///
    /// Without this call, the sender finds the alerts at its next one. An error of either half is
    /// final for both: the other one returns it from its next call. A half that is dropped sends
    /// nothing, and the other one goes on.
    ///
    /// [`reunite`](Self::reunite) makes a whole connection again.
    ///
    /// # Errors
    ///
    /// [`SplitError`] gives the connection back, unchanged. Its error is
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete; [`Misuse::MayRenegotiate`] on
    /// a client's connection that may still
    /// [renegotiate](crate::ClientConfigBuilder::accept_renegotiation), for which both directions must
    /// be in one hand; on a failed connection its error.
    pub fn split(mut self) -> Result<(SendHalf, ReceiveHalf), SplitError<Self>> {
        if let Err(error) = self.check_can_split() {
            return Err(SplitError::new(self, error));
        }
        let receiving = Output::Replies(Replies::default());
        let writer = match core::mem::replace(&mut self.output, receiving) {
            Output::Records(writer) => writer,
            // Only a `ReceiveHalf` has such a connection, and keeps it.
            Output::Replies(_) => {
                let error = LocalError::Internal("half a connection was split");
                return Err(SplitError::new(self, error.into()));
            }
        };
        let sending = if self.close_sent {
            Sending::Closed
        } else {
            Sending::Open(writer)
        };
        let link = Arc::new(Link::new(self.session_in_use.take()));
        Ok((
            SendHalf::new(sending, link.clone()),
            ReceiveHalf::new(self, link),
        ))
    }

    /// Makes a whole connection of its two halves. Alerts that waited for the sender are appended to
    /// `outgoing`.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] gives back both if they are not halves of one connection.
    pub fn reunite(
        mut sender: SendHalf,
        receiver: ReceiveHalf,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, ReuniteError<SendHalf, ReceiveHalf>> {
        if !sender.belongs_to(&receiver) {
            return Err(ReuniteError::new(sender, receiver));
        }
        sender.reply(outgoing);
        let session = sender.take_session();
        let mut connection = receiver.into_connection();
        connection.session_in_use = session;
        match sender.into_sending() {
            Sending::Open(writer) => connection.output = Output::Records(writer),
            Sending::Closed => {
                connection.output = Output::closed();
                connection.close_sent = true;
            }
            Sending::Failed(error) => {
                connection.output = Output::closed();
                connection.forget(error);
            }
        }
        Ok(connection)
    }

    fn check_can_split(&self) -> Result<(), Error> {
        self.check_not_failed()?;
        if !self.handshake.is_established() {
            return Err(Misuse::HandshakeIncomplete.into());
        }
        if self.handshake.may_renegotiate() {
            return Err(Misuse::MayRenegotiate.into());
        }
        Ok(())
    }
}
