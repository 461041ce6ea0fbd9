//! The messages of [RFC 5246 section 7](https://www.rfc-editor.org/rfc/rfc5246#section-7) and those
//! that its extensions add, one struct each, to bytes and back.
//!
//! Decoding borrows from the received bytes where a field is long, checks the shape and nothing
//! else: what a value means is the state machine's business. Unknown values survive a round trip.

pub(crate) mod alert;
pub(crate) mod certificate;
pub(crate) mod extension;
pub(crate) mod finished;
pub(crate) mod hello;
pub(crate) mod key_exchange;
pub(crate) mod ticket;

use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::HandshakeType;
use crate::error::{DecodeError, Error, LocalError};

/// Length of a handshake message's header: its type and a three-byte length.
pub(crate) const HANDSHAKE_HEADER: usize = 4;

/// The longest body of a handshake message that is ever taken in or sent.
pub(crate) const MAX_HANDSHAKE_BODY: usize = 1 << 16;

/// Room for what is sent without a certificate or a ticket in it, so that it seldom has to grow.
const USUAL_LENGTH: usize = 256;

/// A handshake message: a type and the body that goes with it.
pub(crate) trait HandshakeBody<'a>: Sized {
    /// The type in the message's header.
    const TYPE: HandshakeType;
    /// The name that errors give it.
    const NAME: &'static str;

    fn encode_body(&self, out: &mut Writer);

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// The whole message, header included.
    fn encode(&self) -> Result<Vec<u8>, LocalError> {
        let mut out = Writer::with_capacity(USUAL_LENGTH);
        out.push(Self::TYPE.0);
        out.vector(LengthPrefix::U24, |out| self.encode_body(out));
        out.finish()
    }
}

/// One handshake message as it was received, its type known and its body still bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandshakeMessage<'a> {
    pub(crate) typ: HandshakeType,
    /// Header and body: what the transcript hashes.
    pub(crate) bytes: &'a [u8],
}

impl<'a> HandshakeMessage<'a> {
    /// The body as the message that the state machine expects.
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

/// HelloRequest ([section 7.4.1.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.1)): nothing but its header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HelloRequest;

impl HandshakeBody<'_> for HelloRequest {
    const TYPE: HandshakeType = HandshakeType::HELLO_REQUEST;
    const NAME: &'static str = "hello_request";

    fn encode_body(&self, _out: &mut Writer) {}

    fn decode_body(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// ServerHelloDone ([section 7.4.5](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.5)): nothing but its header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerHelloDone;

impl HandshakeBody<'_> for ServerHelloDone {
    const TYPE: HandshakeType = HandshakeType::SERVER_HELLO_DONE;
    const NAME: &'static str = "server_hello_done";

    fn encode_body(&self, _out: &mut Writer) {}

    fn decode_body(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// ChangeCipherSpec ([section 7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.1)): a record's
/// content of its own type, always this one byte.
pub(crate) const CHANGE_CIPHER_SPEC: [u8; 1] = [1];

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use core::fmt::Debug;

    /// A message survives a round trip, and no shorter or longer form of it decodes.
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
        // A byte more is left over, or starts an extension block that is not there.
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
