//! How long records may be: what the hellos agree on, and when it holds.

use super::{Action, Actions};
use crate::crypto::aead::AeadKey;
use crate::enums::{ExtensionType, MaxFragmentLength};
use crate::error::PeerError;

/// How long the plaintext of a record may be, as the hellos settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordLimits {
    /// As long as the protocol allows.
    Protocol,
    /// max_fragment_length: for both directions, "immediately", handshake messages among them
    /// ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    Fragments(MaxFragmentLength),
    /// record_size_limit: for each direction what its receiver says, and for protected records
    /// only ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
    Records { sent: u16, received: u16 },
}

impl RecordLimits {
    /// The most plaintext in a record, unless less is agreed.
    pub(super) const PROTOCOL: u16 = 1 << 14;

    /// The limits that the two sides' record_size_limit say.
    pub(super) fn records(sent: u16, received: u16) -> Result<Self, PeerError> {
        // "An endpoint MUST treat receipt of a smaller value as a fatal error and generate an
        // "illegal_parameter" alert."
        match sent {
            ..64 => Err(PeerError::IllegalExtension(
                ExtensionType::RECORD_SIZE_LIMIT,
            )),
            64.. => Ok(Self::Records { sent, received }),
        }
    }

    pub(super) fn max_fragment_length(self) -> Option<MaxFragmentLength> {
        match self {
            Self::Fragments(length) => Some(length),
            Self::Protocol | Self::Records { .. } => None,
        }
    }

    pub(super) fn sent(self) -> usize {
        match self {
            Self::Protocol => Self::PROTOCOL.into(),
            Self::Fragments(length) => length.bytes().unwrap_or(Self::PROTOCOL.into()),
            // A peer may say more than the protocol allows.
            Self::Records { sent, .. } => sent.min(Self::PROTOCOL).into(),
        }
    }

    pub(super) fn received(self) -> usize {
        match self {
            Self::Protocol | Self::Fragments(_) => self.sent(),
            Self::Records { received, .. } => received.into(),
        }
    }

    /// What holds from the hellos on. Of record_size_limit nothing has to, but a peer with little
    /// room is not sent more than it has: a record may always be shorter.
    pub(super) fn apply_at_once(self, actions: &mut Actions) {
        actions.push(Action::LimitSent(self.sent()));
        if let Self::Fragments(_) = self {
            actions.push(Action::LimitReceived(self.received()));
        }
    }

    /// Expects the keys of the receiving direction, and its limit.
    pub(super) fn change_read_key(self, key: AeadKey, actions: &mut Actions) {
        actions.push(Action::ChangeReadKey(key, self.received()));
    }
}
