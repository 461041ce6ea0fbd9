//! Assembles handshake messages from record fragments, however they are split or coalesced
//! ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).

use crate::codec::u24_to_usize;
use crate::enums::HandshakeType;
use crate::error::{Error, LocalError, PeerError};
use crate::message::{HANDSHAKE_HEADER, HandshakeMessage, MAX_HANDSHAKE_BODY};

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

    /// Takes the next complete message, if there is one. A message that announces more than 64 KiB
    /// is refused by its header, before it is collected.
    pub(crate) fn next(&mut self) -> Result<Option<HandshakeMessage<'_>>, Error> {
        let rest = self.buffer.get(self.taken..);
        let rest = rest.ok_or(LocalError::Internal(
            "the joiner handed out more than it had",
        ))?;
        let Some(([typ, length @ ..], _)) = rest.split_first_chunk::<HANDSHAKE_HEADER>() else {
            self.release();
            return Ok(None);
        };
        let typ = HandshakeType(*typ);
        let length = u24_to_usize(*length);
        if length > MAX_HANDSHAKE_BODY {
            return Err(PeerError::MessageTooLong {
                message: typ,
                length,
            }
            .into());
        }
        let end = self.taken + HANDSHAKE_HEADER + length;
        Ok(self.buffer.get(self.taken..end).map(|bytes| {
            self.taken = end;
            HandshakeMessage { typ, bytes }
        }))
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

    fn drain(joiner: &mut Joiner) -> Vec<(u8, usize)> {
        let mut messages = Vec::new();
        while let Some(message) = joiner.next().unwrap() {
            messages.push((message.typ.0, message.bytes.len()));
        }
        messages
    }

    #[test]
    fn messages_split_and_coalesced_in_every_way() {
        let flight = [2, 0, 0, 1, 7, 14, 0, 0, 0, 11, 0, 0, 2, 8, 8];
        for first in 0..=flight.len() {
            for second in first..=flight.len() {
                let mut joiner = Joiner::default();
                let mut messages = Vec::new();
                for part in [&flight[..first], &flight[first..second], &flight[second..]] {
                    joiner.push(part);
                    messages.extend(drain(&mut joiner));
                }
                assert_eq!(messages, [(2, 5), (14, 4), (11, 6)]);
                assert!(joiner.aligned().is_some());
            }
        }
    }

    #[test]
    fn only_a_drained_joiner_is_aligned() {
        let mut joiner = Joiner::default();
        assert!(joiner.aligned().is_some());
        joiner.push(&[14, 0, 0, 0, 20]);
        assert!(joiner.aligned().is_none());
        assert_eq!(drain(&mut joiner), [(14, 4)]);
        assert!(joiner.aligned().is_none());
        joiner.push(&[0, 0, 0]);
        assert_eq!(drain(&mut joiner), [(20, 4)]);
        assert!(joiner.aligned().is_some());
        assert_eq!(joiner.buffer.capacity(), 0);
    }

    #[test]
    fn a_long_message_is_refused_by_its_header() {
        let mut joiner = Joiner::default();
        joiner.push(&[11, 1, 0, 0]);
        assert_eq!(joiner.next().unwrap().map(|message| message.typ), None);
        let mut joiner = Joiner::default();
        joiner.push(&[11, 1, 0, 1]);
        assert_eq!(
            joiner.next().map(|_| ()),
            Err(PeerError::MessageTooLong {
                message: HandshakeType::CERTIFICATE,
                length: (1 << 16) + 1,
            }
            .into())
        );
    }
}
