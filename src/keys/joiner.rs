//! Assembles handshake messages from record fragments, however they are split or coalesced
//! ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).

use crate::codec::u24_to_usize;
use crate::enums::HandshakeType;
use crate::error::{Error, LocalError};
use crate::message::{BodyLimit, HANDSHAKE_HEADER, HandshakeMessage};

/// Collects fragments and returns complete messages.
///
/// It holds at most one incomplete message and one record: the caller takes all complete messages
/// before it pushes again.
#[derive(Default)]
pub(crate) struct Joiner {
    buffer: Vec<u8>,
    /// The number of bytes at the front of the buffer that have been returned.
    taken: usize,
}

/// Proof that no handshake message is incomplete or unread, so that keys may change. Only
/// [`Joiner::aligned`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aligned(());

impl core::fmt::Debug for Joiner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Joiner({} bytes)", self.buffer.len())
    }
}

impl Joiner {
    /// Adds the content of a record.
    pub(crate) fn push(&mut self, fragment: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(fragment);
    }

    /// Takes the next complete message, if there is one.
    ///
    /// `due` tells the longest body of a message that is due, and `None` for any other. A message
    /// that announces more is refused by its header, before it is collected. One that is not due is
    /// returned as its header alone, for the handshake to refuse: its body does not matter.
    pub(crate) fn next(
        &mut self,
        due: impl FnOnce(HandshakeType) -> Option<BodyLimit>,
    ) -> Result<Option<HandshakeMessage<'_>>, Error> {
        self.release();
        let rest = self.buffer.get(self.taken..);
        let rest = rest.ok_or(LocalError::Internal(
            "the joiner handed out more than it had",
        ))?;
        let Some((header, _)) = rest.split_first_chunk::<HANDSHAKE_HEADER>() else {
            return Ok(None);
        };
        let [typ, length @ ..] = *header;
        let (typ, length) = (HandshakeType(typ), u24_to_usize(length));
        let body = match due(typ) {
            Some(limit) => {
                limit.check(typ, length)?;
                length
            }
            None => 0,
        };
        let Some((bytes, _)) = rest.split_at_checked(HANDSHAKE_HEADER + body) else {
            return Ok(None);
        };
        self.taken += bytes.len();
        Ok(Some(HandshakeMessage { typ, bytes }))
    }

    /// Returns the proof that nothing is left, if nothing is.
    pub(crate) fn aligned(&self) -> Option<Aligned> {
        (self.taken == self.buffer.len()).then_some(Aligned(()))
    }

    /// Frees the buffer when nothing is left in it.
    fn release(&mut self) {
        if self.taken == self.buffer.len() {
            self.buffer = Vec::new();
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PeerError;

    /// Any message is due, with a body of at most 100 bytes.
    fn short(_: HandshakeType) -> Option<BodyLimit> {
        Some(BodyLimit {
            defined: 100,
            configured: usize::MAX,
        })
    }

    fn drain(joiner: &mut Joiner) -> Vec<(u8, usize)> {
        let mut messages = Vec::new();
        while let Some(message) = joiner.next(short).unwrap() {
            messages.push((message.typ.0, message.bytes.len()));
        }
        messages
    }

    #[test]
    fn messages_split_and_coalesced_in_every_way() {
        let flight = [2, 0, 0, 1, 7, 13, 0, 0, 0, 11, 0, 0, 2, 8, 8];
        for first in 0..=flight.len() {
            for second in first..=flight.len() {
                let mut joiner = Joiner::default();
                let mut messages = Vec::new();
                for part in [&flight[..first], &flight[first..second], &flight[second..]] {
                    joiner.push(part);
                    messages.extend(drain(&mut joiner));
                }
                assert_eq!(messages, [(2, 5), (13, 4), (11, 6)]);
                assert!(joiner.aligned().is_some());
            }
        }
    }

    #[test]
    fn only_a_drained_joiner_is_aligned() {
        let mut joiner = Joiner::default();
        assert!(joiner.aligned().is_some());
        joiner.push(&[13, 0, 0, 0, 20]);
        assert!(joiner.aligned().is_none());
        assert_eq!(drain(&mut joiner), [(13, 4)]);
        assert!(joiner.aligned().is_none());
        joiner.push(&[0, 0, 0]);
        assert_eq!(drain(&mut joiner), [(20, 4)]);
        assert!(joiner.aligned().is_some());
        assert_eq!(joiner.buffer.capacity(), 0);
    }

    #[test]
    fn a_long_message_is_refused_by_its_header() {
        let header = |length| {
            let mut joiner = Joiner::default();
            joiner.push(&[11, 0, 0, length]);
            joiner
        };
        assert!(header(100).next(short).unwrap().is_none());
        let too_long = PeerError::MessageTooLong {
            message: HandshakeType::CERTIFICATE,
            length: 101,
            most: 100,
        };
        let refused = header(101).next(short).map(|_| ());
        assert_eq!(refused, Err(too_long.into()));

        let configured = |_| {
            Some(BodyLimit {
                defined: 100,
                configured: 50,
            })
        };
        assert!(header(50).next(configured).unwrap().is_none());
        let over = PeerError::MessageOverLimit {
            message: HandshakeType::CERTIFICATE,
            length: 51,
            most: 50,
        };
        let refused = header(51).next(configured).map(|_| ());
        assert_eq!(refused, Err(over.into()));
    }

    #[test]
    fn a_message_that_is_not_due_is_its_header() {
        let mut joiner = Joiner::default();
        joiner.push(&[11, 0xff, 0xff, 0xff, 7, 7]);
        let message = joiner.next(|_| None).unwrap().unwrap();
        assert_eq!(message.typ, HandshakeType::CERTIFICATE);
        assert_eq!(message.bytes, [11, 0xff, 0xff, 0xff]);
    }
}
