//! The length of records: what the hellos agree, and when it applies.

use super::action::{Action, Actions};
use crate::enums::{ExtensionType, MaxFragmentLength};
use crate::error::PeerError;

/// The maximum length of a record's plaintext, as the hellos agreed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordLimits {
    /// The protocol's own limit.
    Protocol,
    /// max_fragment_length: for both directions, "immediately", handshake messages among them
    /// ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    Fragments {
        length: MaxFragmentLength,
        bytes: usize,
    },
    /// record_size_limit: each direction has the limit that its receiver announced, for protected
    /// records only ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
    Records { sent: u16, received: u16 },
}

impl RecordLimits {
    /// The maximum plaintext of a record, unless less is agreed.
    pub(super) const PROTOCOL: u16 = 1 << 14;

    /// The limits for a max_fragment_length.
    pub(super) fn fragments(length: MaxFragmentLength) -> Result<Self, PeerError> {
        // "If a server receives a maximum fragment length negotiation request for a value other
        // than the allowed values, it MUST abort the handshake with an "illegal_parameter" alert."
        match length.bytes() {
            Some(bytes) => Ok(Self::Fragments { length, bytes }),
            None => Err(PeerError::IllegalExtension(
                ExtensionType::MAX_FRAGMENT_LENGTH,
            )),
        }
    }

    /// The limits for the two sides' record_size_limit.
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
            Self::Fragments { length, .. } => Some(length),
            Self::Protocol | Self::Records { .. } => None,
        }
    }

    pub(super) fn sent(self) -> usize {
        match self {
            Self::Protocol => Self::PROTOCOL.into(),
            Self::Fragments { bytes, .. } => bytes,
            // A peer may announce more than the protocol allows.
            Self::Records { sent, .. } => sent.min(Self::PROTOCOL).into(),
        }
    }

    pub(super) fn received(self) -> usize {
        match self {
            Self::Protocol | Self::Fragments { .. } => self.sent(),
            Self::Records { received, .. } => received.into(),
        }
    }

    /// Applies what holds from the hellos on. record_size_limit does not have to hold so early, but
    /// a peer with a small buffer is spared longer records: a record may always be shorter.
    pub(super) fn apply_at_once(self, actions: &mut Actions) {
        actions.push(Action::LimitSent(self.sent()));
        if let Self::Fragments { .. } = self {
            actions.push(Action::LimitReceived(self.received()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_hold_for_their_direction_only() {
        let fragments = RecordLimits::fragments(MaxFragmentLength::L1024).unwrap();
        let records = |sent| RecordLimits::records(sent, 300).unwrap();
        for (limits, sent, received) in [
            (RecordLimits::Protocol, 1 << 14, 1 << 14),
            (fragments, 1024, 1024),
            (records(64), 64, 300),
            // A peer may say more than the protocol allows.
            (records(u16::MAX), 1 << 14, 300),
        ] {
            assert_eq!((limits.sent(), limits.received()), (sent, received));
        }
        assert_eq!(
            fragments.max_fragment_length(),
            Some(MaxFragmentLength::L1024)
        );
        assert_eq!(records(64).max_fragment_length(), None);
    }

    #[test]
    fn lengths_that_do_not_exist_are_refused() {
        let illegal = |typ| Err(PeerError::IllegalExtension(typ));
        for length in [0, 5, 255].map(MaxFragmentLength) {
            let refused = illegal(ExtensionType::MAX_FRAGMENT_LENGTH);
            assert_eq!(RecordLimits::fragments(length), refused);
        }
        let refused = illegal(ExtensionType::RECORD_SIZE_LIMIT);
        assert_eq!(RecordLimits::records(63, 300), refused);
    }
}
