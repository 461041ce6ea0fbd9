//! The receiving half.

use super::link::{Link, Session};
use crate::connection::output::Replies;
use crate::connection::{Connection, Received};
use crate::error::Error;
use crate::handshake::{ChannelBinding, SessionInfo};
use std::sync::Arc;

/// The receiving half of a connection, from [`Connection::split`].
///
/// It decrypts what the peer sends, and keeps everything of the connection but the key of the other
/// direction. What it has to tell the peer is left for the [`SendHalf`](crate::SendHalf).
#[derive(Debug)]
pub struct ReceiveHalf {
    /// Its output is what is left for the sender.
    connection: Connection,
    link: Arc<Link>,
}

impl ReceiveHalf {
    pub(super) fn new(connection: Connection, link: Arc<Link>) -> Self {
        Self { connection, link }
    }

    /// Processes complete records from the front of `incoming` until there is an event to report, like
    /// [`Connection::receive`]. Afterwards, also after an error, see if the
    /// [sender is due](Self::sender_is_due).
    ///
    /// # Errors
    ///
    /// Any [`Error`]; both halves have then failed. The sender's error, once it has failed.
    /// [`Misuse::BufferTooSmall`](crate::error::Misuse::BufferTooSmall) leaves the connection
    /// unchanged.
    pub fn receive<'b>(&mut self, incoming: &'b mut [u8]) -> Result<Received<'b>, Error> {
        self.heed_sender();
        // Stays empty: this connection's output is what it leaves for the sender.
        let received = self.connection.receive(incoming, &mut Vec::new());
        let replies = self.connection.output.take_replies();
        if replies.is_some() || received.is_err() {
            self.report(replies, Session::Forget);
        }
        received
    }

    /// Reports that the transport has ended, like [`Connection::receive_eof`].
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the peer did not send close_notify; both halves have then failed. The
    /// error of a connection that had failed before.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        self.heed_sender();
        let ended = self.connection.receive_eof();
        if ended.is_err() {
            self.report(None, Session::Keep);
        }
        ended
    }

    /// Returns true if the [`SendHalf`](crate::SendHalf) should be called, with
    /// [`reply`](crate::SendHalf::reply) if there is nothing else to call it for: an alert waits for
    /// it, or this half has failed, so that it must stop.
    #[must_use]
    pub fn sender_is_due(&self) -> bool {
        self.link.sender_is_due()
    }

    /// Declares how many bytes the caller's input buffer can hold; see
    /// [`Connection::set_input_capacity`].
    pub fn set_input_capacity(&mut self, bytes: usize) {
        self.connection.set_input_capacity(bytes);
    }

    /// Returns what the handshake agreed on. It is always there.
    #[must_use]
    pub fn session(&self) -> Option<&SessionInfo> {
        self.connection.session()
    }

    /// Derives keying material; see [`Connection::export_keying_material`].
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::export_keying_material`].
    pub fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        self.check_sender()?;
        self.connection.export_keying_material(label, context, out)
    }

    /// Derives keying material that **another connection may have, too**; see
    /// [`Connection::dangerous_export_without_extended_master_secret`].
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::dangerous_export_without_extended_master_secret`].
    pub fn dangerous_export_without_extended_master_secret(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        self.check_sender()?;
        self.connection.dangerous_export_without_extended_master_secret(label, context, out)
    }

    /// Returns a channel binding; see [`Connection::channel_binding`].
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::channel_binding`].
    pub fn channel_binding(&self, binding: ChannelBinding) -> Result<Vec<u8>, Error> {
        self.check_sender()?;
        self.connection.channel_binding(binding)
    }

    fn check_sender(&self) -> Result<(), Error> {
        self.link.sender_failure().map_or(Ok(()), Err)
    }

    /// Fails with the sender, unless this half already has.
    fn heed_sender(&mut self) {
        if let Some(error) = self.link.sender_failure()
            && self.connection.check_not_failed().is_ok()
        {
            self.connection.forget(error);
        }
    }

    /// Leaves replies, and this half's failure if it has failed, for the sender.
    fn report(&self, replies: Option<Replies>, session: Session) {
        let failure = self.connection.check_not_failed().err();
        self.link.leave(replies, failure.as_ref().map(|error| (error, session)));
    }

    pub(super) fn has_link(&self, link: &Arc<Link>) -> bool {
        Arc::ptr_eq(&self.link, link)
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }
}
