//! ClientHello and ServerHello
//! ([RFC 5246 section 7.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1)).

use super::HandshakeBody;
use super::extension::Extensions;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::{CipherSuite, CompressionMethod, HandshakeType, ProtocolVersion};
use crate::error::DecodeError;

/// The 32 random bytes that each side adds to the derivation of the keys.
///
/// RFC 5246 puts the sender's clock in the first four; all 32 are random here, as is usual today,
/// because a clock on the wire identifies its device. A server that supports TLS 1.3 signals this in
/// the last eight when it negotiates TLS 1.2 ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3));
/// this one does not support it, and sends random bytes there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Random(pub(crate) [u8; 32]);

/// A session ID, at most 32 bytes; empty if there is no session to resume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionId {
    bytes: [u8; 32],
    length: u8,
}

impl SessionId {
    /// Creates a session ID of the full length.
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self { bytes, length: 32 }
    }

    /// Creates a session ID of these bytes, or returns `None` if they are more than 32.
    pub(crate) fn from_slice(slice: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        bytes.get_mut(..slice.len())?.copy_from_slice(slice);
        Some(Self {
            bytes,
            length: u8::try_from(slice.len()).ok()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let mut bytes = self.bytes.iter();
        // The unused bytes are at the end.
        for _ in usize::from(self.length)..self.bytes.len() {
            bytes.next_back();
        }
        bytes.as_slice()
    }

    fn encode(&self, out: &mut Writer) {
        out.vector(LengthPrefix::U8, |out| {
            out.extend_from_slice(self.as_bytes());
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // opaque SessionID<0..32>
        Self::from_slice(reader.vector8()?.remainder()).ok_or(DecodeError::BadLength)
    }
}

/// ClientHello: the client's offer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientHello<'a> {
    pub(crate) client_version: ProtocolVersion,
    pub(crate) random: Random,
    pub(crate) session_id: SessionId,
    pub(crate) cipher_suites: Vec<CipherSuite>,
    pub(crate) compression_methods: Vec<CompressionMethod>,
    /// `None` if the message ends before the extension block, as in SSL 3.0.
    pub(crate) extensions: Option<Extensions<'a>>,
}

impl<'a> HandshakeBody<'a> for ClientHello<'a> {
    const TYPE: HandshakeType = HandshakeType::CLIENT_HELLO;
    const NAME: &'static str = "client_hello";
    /// Version, random, session ID, cipher suites, compression methods, extensions: 131,396 bytes.
    const LONGEST: usize = 2 + 32 + (1 + 32) + (2 + 0xfffe) + (1 + 0xff) + (2 + 0xffff);

    fn encode_body(&self, out: &mut Writer) {
        out.extend_from_slice(&self.client_version.to_bytes());
        out.extend_from_slice(&self.random.0);
        self.session_id.encode(out);
        out.vector(LengthPrefix::U16, |out| {
            for suite in &self.cipher_suites {
                out.extend_from_slice(&suite.0.to_be_bytes());
            }
        });
        out.vector(LengthPrefix::U8, |out| {
            out.extend(self.compression_methods.iter().map(|method| method.0));
        });
        encode_extensions(self.extensions.as_ref(), out);
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let client_version = ProtocolVersion(reader.u16()?);
        let random = Random(reader.array()?);
        let session_id = SessionId::decode(reader)?;
        // CipherSuite cipher_suites<2..2^16-2>
        let cipher_suites: Vec<_> = reader.vector16()?.u16s()?.map(CipherSuite).collect();
        // CompressionMethod compression_methods<1..2^8-1>
        let methods = reader.vector8()?.remainder();
        if cipher_suites.is_empty() || methods.is_empty() {
            return Err(DecodeError::EmptyVector);
        }
        Ok(Self {
            client_version,
            random,
            session_id,
            cipher_suites,
            compression_methods: methods.iter().copied().map(CompressionMethod).collect(),
            extensions: decode_extensions(reader)?,
        })
    }
}

/// ServerHello: the server's choice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerHello<'a> {
    pub(crate) server_version: ProtocolVersion,
    pub(crate) random: Random,
    pub(crate) session_id: SessionId,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) compression_method: CompressionMethod,
    pub(crate) extensions: Option<Extensions<'a>>,
}

impl<'a> HandshakeBody<'a> for ServerHello<'a> {
    const TYPE: HandshakeType = HandshakeType::SERVER_HELLO;
    const NAME: &'static str = "server_hello";
    /// Version, random, session ID, cipher suite, compression method, extensions.
    const LONGEST: usize = 2 + 32 + (1 + 32) + 2 + 1 + (2 + 0xffff);

    fn encode_body(&self, out: &mut Writer) {
        out.extend_from_slice(&self.server_version.to_bytes());
        out.extend_from_slice(&self.random.0);
        self.session_id.encode(out);
        out.extend_from_slice(&self.cipher_suite.0.to_be_bytes());
        out.push(self.compression_method.0);
        encode_extensions(self.extensions.as_ref(), out);
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            server_version: ProtocolVersion(reader.u16()?),
            random: Random(reader.array()?),
            session_id: SessionId::decode(reader)?,
            cipher_suite: CipherSuite(reader.u16()?),
            compression_method: CompressionMethod(reader.u8()?),
            extensions: decode_extensions(reader)?,
        })
    }
}

/// "The presence of extensions can be detected by determining whether there are bytes following
/// the compression_methods at the end of the ClientHello."
fn decode_extensions<'a>(reader: &mut Reader<'a>) -> Result<Option<Extensions<'a>>, DecodeError> {
    if reader.is_empty() {
        return Ok(None);
    }
    Extensions::decode(reader).map(Some)
}

fn encode_extensions(extensions: Option<&Extensions<'_>>, out: &mut Writer) {
    if let Some(extensions) = extensions {
        extensions.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::SignatureScheme;
    use crate::message::testing::round_trips;

    fn client_hello() -> ClientHello<'static> {
        let mut extensions = Extensions::default();
        extensions.push_server_name("switch.example");
        extensions.push_signature_algorithms(&[SignatureScheme::RSA_PSS_RSAE_SHA256]);
        ClientHello {
            client_version: ProtocolVersion::TLS_1_2,
            random: Random([1; 32]),
            session_id: SessionId::default(),
            cipher_suites: vec![
                CipherSuite(0x0a0a),
                CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            ],
            compression_methods: vec![CompressionMethod::NULL],
            extensions: Some(extensions),
        }
    }

    fn body(hello: &ClientHello<'_>) -> Vec<u8> {
        let mut out = Writer::default();
        hello.encode_body(&mut out);
        out.finish().unwrap()
    }

    fn decode_error(body: &[u8]) -> DecodeError {
        ClientHello::decode_body(&mut Reader::new(body)).unwrap_err()
    }

    #[test]
    fn hellos_round_trip() {
        round_trips(&client_hello(), &mut Vec::new());
        round_trips(
            &ClientHello {
                extensions: None,
                ..client_hello()
            },
            &mut Vec::new(),
        );
        round_trips(
            &ClientHello {
                extensions: Some(Extensions::default()),
                ..client_hello()
            },
            &mut Vec::new(),
        );
        round_trips(
            &ServerHello {
                server_version: ProtocolVersion(0x0399),
                random: Random([2; 32]),
                session_id: SessionId::new([3; 32]),
                cipher_suite: CipherSuite(0x1301),
                compression_method: CompressionMethod(9),
                extensions: None,
            },
            &mut Vec::new(),
        );
    }

    #[test]
    fn a_session_id_is_its_bytes_and_at_most_32() {
        let full = SessionId::new([3; 32]);
        assert_eq!(full.as_bytes(), [3; 32]);
        assert!(!full.is_empty());
        assert_eq!(SessionId::from_slice(&[3; 32]), Some(full));
        assert_eq!(SessionId::from_slice(&[3; 33]), None);

        let short = SessionId::from_slice(&[3, 0]).unwrap();
        assert_eq!(short.as_bytes(), [3, 0]);
        assert!(!short.is_empty());
        assert_ne!(SessionId::from_slice(&[3]), Some(short));

        assert_eq!(SessionId::from_slice(&[]), Some(SessionId::default()));
        assert!(SessionId::default().is_empty());
    }

    #[test]
    fn vectors_have_the_lengths_they_may_have() {
        let no_suites = ClientHello {
            cipher_suites: vec![],
            ..client_hello()
        };
        assert_eq!(decode_error(&body(&no_suites)), DecodeError::EmptyVector);
        let no_methods = ClientHello {
            compression_methods: vec![],
            ..client_hello()
        };
        assert_eq!(decode_error(&body(&no_methods)), DecodeError::EmptyVector);

        let mut long_session_id = body(&client_hello());
        long_session_id[34] = 33;
        long_session_id.splice(35..35, [0; 33]);
        assert_eq!(decode_error(&long_session_id), DecodeError::BadLength);

        let mut odd_suites = body(&client_hello());
        odd_suites[36] = 3;
        odd_suites.remove(37);
        assert_eq!(decode_error(&odd_suites), DecodeError::BadLength);
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes() {
        let hello = body(&client_hello());
        for at in 0..hello.len() {
            for value in 0..=u8::MAX {
                let mut bytes = hello.clone();
                bytes[at] = value;
                let mut reader = Reader::new(&bytes);
                if let Ok(hello) = ClientHello::decode_body(&mut reader)
                    && reader.finish().is_ok()
                {
                    assert_eq!(body(&hello), bytes, "{at}");
                }
            }
        }
    }
}
