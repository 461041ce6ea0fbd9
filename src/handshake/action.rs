//! The actions that the states request from the connection.

use super::session_info::SessionInfo;
use crate::crypto::cipher::Cipher;
use crate::enums::AlertDescription;
use crate::keys::Transcript;
use crate::resumption::SessionInUse;

/// One action for the connection.
#[derive(Debug)]
pub(crate) enum Action {
    /// Send one handshake message, header included.
    SendHandshake(Vec<u8>),
    /// Send ChangeCipherSpec, and protect what is sent from here on.
    ChangeWriteKey(Cipher),
    /// Expect protected records from here on, with at most this much plaintext.
    ChangeReadKey(Cipher, usize),
    SendWarning(AlertDescription),
    /// TLS 1.2 is agreed: every record carries this version from here on.
    VersionAgreed,
    /// Send records with at most this much plaintext.
    LimitSent(usize),
    /// Accept records with at most this much plaintext.
    LimitReceived(usize),
    /// From here on, a failure of the connection removes this session.
    UseSession(SessionInUse),
    Complete(Box<SessionInfo>),
}

/// The actions of one step, in order.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<Action>);

impl Actions {
    pub(super) fn push(&mut self, action: Action) {
        self.0.push(action);
    }

    /// Sends a handshake message and adds it to `transcript`.
    pub(super) fn send(&mut self, message: Vec<u8>, transcript: &mut Transcript) {
        transcript.add(&message);
        self.push(Action::SendHandshake(message));
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = Action> {
        self.0.into_iter()
    }
}
