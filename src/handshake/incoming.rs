//! The input of a state, and the refusal of unexpected input.

use crate::enums::ContentType;
use crate::error::{Error, PeerError};
use crate::keys::Aligned;
use crate::message::{HandshakeBody, HandshakeMessage};

/// A message from the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Incoming<'a> {
    Handshake(HandshakeMessage<'a>),
    /// ChangeCipherSpec, at a message boundary.
    ChangeCipherSpec(Aligned),
}

impl<'a> Incoming<'a> {
    /// Takes a message of the expected type and decodes it.
    pub(super) fn expect<T: HandshakeBody<'a>>(self) -> Result<(HandshakeMessage<'a>, T), Error> {
        match self {
            Self::Handshake(message) if message.typ == T::TYPE => Ok((message, message.decode()?)),
            Self::Handshake(_) | Self::ChangeCipherSpec(_) => Err(self.unexpected(T::NAME)),
        }
    }

    /// Takes the expected ChangeCipherSpec.
    pub(super) fn expect_change_cipher_spec(self) -> Result<Aligned, Error> {
        match self {
            Self::ChangeCipherSpec(aligned) => Ok(aligned),
            Self::Handshake(_) => Err(self.unexpected("change_cipher_spec")),
        }
    }

    /// The error for this input where `awaited` was expected.
    pub(super) fn unexpected(self, awaited: &'static str) -> Error {
        match self {
            Self::Handshake(message) => PeerError::UnexpectedMessage {
                received: message.typ,
                awaited,
            },
            Self::ChangeCipherSpec(_) => {
                PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC)
            }
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::HandshakeType;
    use crate::keys::Joiner;
    use crate::message::ServerHelloDone;
    use crate::message::finished::Finished;

    const DONE: Incoming<'_> = Incoming::Handshake(HandshakeMessage {
        typ: HandshakeType::SERVER_HELLO_DONE,
        bytes: &[14, 0, 0, 0],
    });

    #[test]
    fn only_what_is_due_is_taken() {
        let change = Incoming::ChangeCipherSpec(Joiner::default().aligned().unwrap());
        let (message, ServerHelloDone) = DONE.expect().unwrap();
        assert_eq!(message.bytes, [14, 0, 0, 0]);
        assert!(change.expect_change_cipher_spec().is_ok());

        let unexpected = |awaited| PeerError::UnexpectedMessage {
            received: HandshakeType::SERVER_HELLO_DONE,
            awaited,
        };
        let refused = DONE.expect::<Finished>().unwrap_err();
        assert_eq!(refused, unexpected("finished").into());
        let refused = DONE.expect_change_cipher_spec().unwrap_err();
        assert_eq!(refused, unexpected("change_cipher_spec").into());
        let refused = change.expect::<Finished>().unwrap_err();
        let change_cipher_spec = PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC);
        assert_eq!(refused, change_cipher_spec.into());
    }
}
