//! Assembles handshake messages from record fragments, however they are split or coalesced
//! ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).

use crate::codec::u24_to_usize;
use crate::enums::HandshakeType;
use crate::error::{Error, LocalError, PeerError};
use crate::message::{BodyLimit, HANDSHAKE_HEADER, HandshakeMessage};

/// The messages that end a flight, after which it is the other side's turn (section 7.3). What stands
/// behind one in its record was sent too early.
const ENDS_OF_FLIGHTS: [HandshakeType; 3] = [
    HandshakeType::CLIENT_HELLO,
    HandshakeType::SERVER_HELLO_DONE,
    HandshakeType::FINISHED,
];

/// "The HelloRequest message MAY be sent by the server at any time": such a message, whole, belongs
/// to no flight.
fn are_hello_requests(bytes: &[u8]) -> bool {
    let (messages, rest) = bytes.as_chunks::<HANDSHAKE_HEADER>();
    let request = [HandshakeType::HELLO_REQUEST.0, 0, 0, 0];
    rest.is_empty() && messages.iter().all(|message| *message == request)
}

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
        let Some(limit) = due(typ) else {
            self.taken += HANDSHAKE_HEADER;
            return Ok(Some(HandshakeMessage { typ, bytes: header }));
        };
        limit.check(typ, length)?;
        let Some((bytes, behind)) = rest.split_at_checked(HANDSHAKE_HEADER + length) else {
            return Ok(None);
        };
        if ENDS_OF_FLIGHTS.contains(&typ) && !are_hello_requests(behind) {
            return Err(PeerError::ExcessHandshakeData(typ).into());
        }
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
        for typ in [HandshakeType::CERTIFICATE, HandshakeType::CLIENT_HELLO] {
            let mut joiner = Joiner::default();
            joiner.push(&[typ.0, 0xff, 0xff, 0xff, 7, 7]);
            let message = joiner.next(|_| None).unwrap().unwrap();
            assert_eq!(message.typ, typ);
            assert_eq!(message.bytes, [typ.0, 0xff, 0xff, 0xff]);
        }
    }

    #[test]
    fn a_flight_ends_with_its_record() {
        let request = [0, 0, 0, 0];
        for typ in ENDS_OF_FLIGHTS {
            let message = [typ.0, 0, 0, 1, 7];
            for behind in [&[0][..], &[0, 0, 0], &[0, 0, 0, 1], &[11, 0, 0, 0]] {
                for requests in 0..2 {
                    let mut joiner = Joiner::default();
                    let requests = request.repeat(requests);
                    joiner.push(&[&message[..], &requests, behind].concat());
                    let refused = joiner.next(short).map(|_| ());
                    assert_eq!(refused, Err(PeerError::ExcessHandshakeData(typ).into()));
                }
            }
            let mut joiner = Joiner::default();
            joiner.push(&[&request[..], &message, &request, &request].concat());
            assert_eq!(drain(&mut joiner), [(0, 4), (typ.0, 5), (0, 4), (0, 4)]);
        }
    }
}
