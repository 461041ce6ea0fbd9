//! The sending half.

use super::link::Link;
use super::receiver::ReceiveHalf;
use crate::enums::{AlertDescription, ContentType};
use crate::error::{Error, Misuse};
use crate::message::alert::Alert;
use crate::record::RecordWriter;
use crate::resumption::SessionInUse;
use std::sync::Arc;

/// The sending half of a connection, from [`Connection::split`](crate::Connection::split).
///
/// It encrypts application data, and the alerts that the [`ReceiveHalf`] leaves for it. Each of its
/// methods appends these alerts to `outgoing` first, also where it returns an error, so `outgoing`
/// should still be sent then. The receiver's error is final for the sender, too; its key is wiped when
/// it learns of it.
#[derive(Debug)]
pub struct SendHalf {
    sending: Sending,
    link: Arc<Link>,
}

/// The state of the sending direction. Only the first has a key.
#[derive(Debug)]
pub(super) enum Sending {
    Open(RecordWriter),
    /// close_notify has been sent.
    Closed,
    Failed(Error),
}

impl SendHalf {
    pub(super) fn new(sending: Sending, link: Arc<Link>) -> Self {
        Self { sending, link }
    }

    /// Encrypts `plaintext` and appends it to `outgoing`, like
    /// [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    ///
    /// The error of the [`ReceiveHalf`], once it has failed; none of `plaintext` is sent then.
    /// [`Misuse::Closed`] after this side closed, which includes the answer to the peer's close_notify
    /// with [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer).
    /// [`LocalError::KeyExhausted`](crate::error::LocalError::KeyExhausted) after 2^64 records; both
    /// halves have then failed.
    pub fn send(&mut self, plaintext: &[u8], outgoing: &mut Vec<u8>) -> Result<(), Error> {
        self.reply(outgoing);
        match &mut self.sending {
            Sending::Failed(error) => Err(error.clone()),
            Sending::Closed => Err(Misuse::Closed.into()),
            Sending::Open(writer) => writer
                .write(ContentType::APPLICATION_DATA, plaintext, outgoing)
                .map_err(|error| self.fail(error.into(), outgoing)),
        }
    }

    /// Appends the alerts that the [`ReceiveHalf`] has left, if any, to `outgoing`. Call it when
    /// [`ReceiveHalf::sender_is_due`] and nothing else is to be sent.
    pub fn reply(&mut self, outgoing: &mut Vec<u8>) {
        if !self.link.sender_is_due() {
            return;
        }
        let (replies, failure) = self.link.take();
        for alert in replies.alerts() {
            self.alert(alert, outgoing);
        }
        // A sender that has failed by itself keeps its own error.
        if let (Sending::Open(_) | Sending::Closed, Some(error)) = (&self.sending, failure) {
            self.sending = Sending::Failed(error);
        }
    }

    /// Closes the sending direction with close_notify, like
    /// [`Connection::close`](crate::Connection::close). The [`ReceiveHalf`] can still receive. Further
    /// calls do nothing.
    pub fn close(&mut self, outgoing: &mut Vec<u8>) {
        self.reply(outgoing);
        self.alert(Alert::warning(AlertDescription::CLOSE_NOTIFY), outgoing);
    }

    /// Sends an alert, unless this side has said its last word.
    fn alert(&mut self, alert: Alert, outgoing: &mut Vec<u8>) {
        if let Sending::Open(writer) = &mut self.sending {
            // Nothing else could carry an alert that the key can no longer protect.
            let _ = writer.write(ContentType::ALERT, &alert.encode(), outgoing);
            if alert.description == AlertDescription::CLOSE_NOTIFY {
                self.sending = Sending::Closed;
            }
        }
    }

    fn fail(&mut self, error: Error, outgoing: &mut Vec<u8>) -> Error {
        if let Some(description) = error.alert() {
            self.alert(Alert::fatal(description), outgoing);
        }
        self.sending = Sending::Failed(error.clone());
        self.link.sender_failed(&error);
        error
    }

    /// Uses up all sequence numbers.
    #[cfg(test)]
    pub(super) fn exhaust(&mut self) {
        match &mut self.sending {
            Sending::Open(writer) => writer.exhaust(),
            Sending::Closed | Sending::Failed(_) => panic!("no key"),
        }
    }

    pub(super) fn belongs_to(&self, receiver: &ReceiveHalf) -> bool {
        receiver.has_link(&self.link)
    }

    pub(super) fn take_session(&self) -> Option<SessionInUse> {
        self.link.take_session()
    }

    pub(super) fn into_sending(self) -> Sending {
        self.sending
    }
}
