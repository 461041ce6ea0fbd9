//! The execution of the handshake's actions.

use super::Connection;
use crate::enums::{ContentType, HandshakeType};
use crate::error::Error;
use crate::handshake::{Action, Actions};
use crate::message::CHANGE_CIPHER_SPEC;

impl Connection {
    /// Executes the actions; returns true if they complete the handshake.
    pub(super) fn apply(
        &mut self,
        actions: Actions,
        outgoing: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let mut complete = false;
        for action in actions.into_iter() {
            match action {
                Action::SendHandshake(message) => {
                    self.sent = message.first().copied().map(HandshakeType);
                    self.output.writer()?.write(ContentType::HANDSHAKE, &message, outgoing)?;
                }
                Action::ChangeWriteKey(cipher) => {
                    let typ = ContentType::CHANGE_CIPHER_SPEC;
                    self.output.writer()?.write(typ, &CHANGE_CIPHER_SPEC, outgoing)?;
                    self.output.writer()?.install(cipher);
                }
                Action::ChangeReadKey(cipher, limit) => {
                    self.reader.install(cipher);
                    self.reader.limit(limit)?;
                }
                Action::SendWarning(description) => self.send_warning(description, outgoing),
                Action::VersionAgreed => {
                    self.reader.expect_tls12();
                    self.output.writer()?.use_tls12();
                }
                Action::LimitSent(length) => self.output.writer()?.limit(length)?,
                Action::LimitReceived(length) => self.reader.limit(length)?,
                Action::UseSession(session) => self.session_in_use = Some(session),
                Action::Complete(session) => {
                    self.session = Some(session);
                    complete = true;
                }
            }
        }
        Ok(complete)
    }
}
