//! Encodes and decodes the messages of [RFC 5246 section 7](https://www.rfc-editor.org/rfc/rfc5246#section-7)
//! and of its extensions, one struct each.
//!
//! Decoding borrows long fields from the received bytes, and checks only the structure; the state
//! machine checks the values. Unknown values are preserved.

pub(crate) mod alert;
pub(crate) mod certificate;
pub(crate) mod extension;
pub(crate) mod finished;
pub(crate) mod hello;
pub(crate) mod key_exchange;
pub(crate) mod ticket;

use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::HandshakeType;
use crate::error::{DecodeError, Error, LocalError, PeerError};

/// The length in bytes of a handshake message's header: its type and a three-byte length.
pub(crate) const HANDSHAKE_HEADER: usize = 4;

/// The longest body of a handshake message with a certificate or an OCSP response that is sent, in
/// bytes: many peers accept no more.
pub(crate) const MAX_SENT_BODY: usize = 1 << 16;

/// The initial capacity for a message: enough for most that hold no certificate or ticket.
const USUAL_LENGTH: usize = 256;

/// A handshake message with its type, as a struct.
pub(crate) trait HandshakeBody<'a>: Sized {
    /// The type in the header.
    const TYPE: HandshakeType;
    /// The name in error texts.
    const NAME: &'static str;
    /// The longest body that the definition of the message allows, in bytes.
    const LONGEST: usize;

    /// Returns [`LONGEST`](Self::LONGEST) if this is the type of the message.
    fn longest(typ: HandshakeType) -> Option<usize> {
        (typ == Self::TYPE).then_some(Self::LONGEST)
    }

    fn encode_body(&self, out: &mut Writer);

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// Encodes the whole message with its header.
    fn encode(&self) -> Result<Vec<u8>, LocalError> {
        let mut out = Writer::with_capacity(USUAL_LENGTH);
        out.push(Self::TYPE.0);
        out.vector(LengthPrefix::U24, |out| self.encode_body(out));
        out.finish()
    }
}

/// The longest body of a message that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyLimit {
    /// By the definition of the message, in bytes.
    pub(crate) defined: usize,
    /// By the configuration, in bytes.
    pub(crate) configured: usize,
}

impl BodyLimit {
    /// Checks the length in the header of a message.
    pub(crate) fn check(self, message: HandshakeType, length: usize) -> Result<(), PeerError> {
        if length > self.defined {
            return Err(PeerError::MessageTooLong {
                message,
                length,
                most: self.defined,
            });
        }
        if length > self.configured {
            return Err(PeerError::MessageOverLimit {
                message,
                length,
                most: self.configured,
            });
        }
        Ok(())
    }
}

/// A handshake message as received, whose body is not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandshakeMessage<'a> {
    pub(crate) typ: HandshakeType,
    /// The header and the body, as the transcript hashes them.
    pub(crate) bytes: &'a [u8],
}

impl<'a> HandshakeMessage<'a> {
    /// Decodes the body as the message that the state machine expects.
    pub(crate) fn decode<T: HandshakeBody<'a>>(&self) -> Result<T, Error> {
        let decode = || {
            let mut reader = Reader::new(self.bytes);
            reader.take(HANDSHAKE_HEADER)?;
            let decoded = T::decode_body(&mut reader)?;
            reader.finish()?;
            Ok(decoded)
        };
        decode().map_err(|error: DecodeError| error.of(T::NAME))
    }
}

/// HelloRequest ([section 7.4.1.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.1)), which has no body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HelloRequest;

impl HandshakeBody<'_> for HelloRequest {
    const TYPE: HandshakeType = HandshakeType::HELLO_REQUEST;
    const NAME: &'static str = "hello_request";
    const LONGEST: usize = 0;

    fn encode_body(&self, _out: &mut Writer) {}

    fn decode_body(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// ServerHelloDone ([section 7.4.5](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.5)), which has no body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerHelloDone;

impl HandshakeBody<'_> for ServerHelloDone {
    const TYPE: HandshakeType = HandshakeType::SERVER_HELLO_DONE;
    const NAME: &'static str = "server_hello_done";
    const LONGEST: usize = 0;

    fn encode_body(&self, _out: &mut Writer) {}

    fn decode_body(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// ChangeCipherSpec ([section 7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.1)): the content of
/// a record of its own type, always this byte.
pub(crate) const CHANGE_CIPHER_SPEC: [u8; 1] = [1];

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use core::fmt::Debug;

    /// Checks that a message survives a round trip, and that no shorter or longer form decodes to it.
    pub(crate) fn round_trips<'a, T>(message: &T, bytes: &'a mut Vec<u8>)
    where
        T: HandshakeBody<'a> + Debug + PartialEq,
    {
        *bytes = message.encode().unwrap();
        bytes.push(0);
        let bytes: &'a [u8] = bytes;
        let (whole, _) = bytes.split_at(bytes.len() - 1);
        let decode = |bytes: &'a [u8]| {
            HandshakeMessage {
                typ: T::TYPE,
                bytes,
            }
            .decode::<T>()
        };
        assert_eq!(&decode(whole).unwrap(), message);
        // An extra byte is trailing data, or starts an extension block that is incomplete.
        assert!(matches!(decode(bytes), Err(Error::Decode { .. })));
        for length in HANDSHAKE_HEADER..whole.len() {
            assert_ne!(decode(&whole[..length]).ok().as_ref(), Some(message));
        }
    }

    #[test]
    fn empty_messages_refuse_a_body() {
        round_trips(&HelloRequest, &mut Vec::new());
        round_trips(&ServerHelloDone, &mut Vec::new());
    }
}
