//! How a connection ends: by a close, by an error, or by being dropped.

use super::Connection;
use crate::enums::AlertDescription;
use crate::error::{Error, Moment};
use crate::keys::Joiner;
use crate::message::alert::Alert;
use crate::record::{RecordReader, VersionRule};

impl Connection {
    /// Ends the connection with `error`: sends its alert, and returns the error.
    pub(super) fn fail(&mut self, error: Error, outgoing: &mut Vec<u8>) -> Error {
        if let Some(description) = error.alert() {
            self.send_alert(Alert::fatal(description), outgoing);
        }
        // "the session identifier MUST be invalidated, preventing the failed session from being
        // used to establish new connections."
        self.forget_session();
        self.forget(error.clone());
        error
    }

    /// The error for an alert with which the peer ends the connection.
    pub(super) fn alert_received(&self, alert: AlertDescription) -> Error {
        let moment = self.moment();
        Error::AlertReceived { alert, moment }
    }

    /// The error for a transport that ended without close_notify.
    pub(super) fn transport_ended(&self) -> Error {
        match self.moment() {
            Some(moment) if !self.handshake.is_renegotiating() => Error::HungUp(moment),
            Some(_) | None => Error::Truncated,
        }
    }

    /// What the handshake has come to, or `None` once it is complete or has failed.
    pub(crate) fn moment(&self) -> Option<Moment> {
        self.handshake.moment(self.sent, !self.heard)
    }

    pub(super) fn forget_session(&mut self) {
        if let Some(session) = self.session_in_use.take() {
            session.forget();
        }
    }

    /// "Servers and clients MUST forget any session-identifiers, keys, and secrets associated with
    /// a failed connection." Only the error remains.
    pub(super) fn forget(&mut self, error: Error) {
        self.handshake.fail(error);
        self.joiner = Joiner::default();
        self.reader = RecordReader::new(VersionRule::Tls12);
        self.output.forget_key();
    }

    pub(super) fn send_close_notify(&mut self, outgoing: &mut Vec<u8>) {
        self.send_warning(AlertDescription::CLOSE_NOTIFY, outgoing);
        self.close_sent = true;
        // The key is not needed any more.
        self.output.forget_key();
    }

    pub(super) fn send_warning(&mut self, description: AlertDescription, outgoing: &mut Vec<u8>) {
        self.send_alert(Alert::warning(description), outgoing);
    }

    /// "close_notify: This message notifies the recipient that the sender will not send any more
    /// messages on this connection": after it, nothing goes out.
    fn send_alert(&mut self, alert: Alert, outgoing: &mut Vec<u8>) {
        if self.close_sent {
            return;
        }
        self.output.alert(alert, outgoing);
    }
}

/// If a client's handshake stays incomplete, for example because the server is silent, its session
/// is not offered again: it may be what the server failed on.
impl Drop for Connection {
    fn drop(&mut self) {
        if self.handshake.is_incomplete_client() {
            self.forget_session();
        }
    }
}
