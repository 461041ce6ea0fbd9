//! Hello extensions ([RFC 5246 section 7.4.1.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.4)):
//! a framework that keeps what it does not know, and the three extensions that this crate uses.

use super::certificate::{decode_signature_schemes, encode_signature_schemes};
use crate::codec::{LengthPrefix, Reader, write_vector};
use crate::enums::{ExtensionType, SignatureScheme};
use crate::error::DecodeError;
use std::borrow::Cow;

/// The one NameType of server_name: `host_name(0)`.
const HOST_NAME: u8 = 0;

/// The extension block of a hello, kept as bytes and read on demand.
///
/// Decoding checks the framing of every extension and that no type occurs twice; the content of
/// those nobody asks for, GREASE values among them, is never looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions<'a> {
    bytes: Cow<'a, [u8]>,
}

impl<'a> Extensions<'a> {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        write_vector(out, LengthPrefix::U16, |out| {
            out.extend_from_slice(&self.bytes);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.vector16()?.remainder();
        let mut types = Vec::new();
        let mut rest = Reader::new(bytes);
        while !rest.is_empty() {
            types.push(ExtensionType(rest.u16()?));
            rest.vector16()?;
        }
        // "There MUST NOT be more than one extension of the same type."
        types.sort_unstable();
        for (one, next) in types.iter().zip(types.iter().skip(1)) {
            if one == next {
                return Err(DecodeError::DuplicateExtension(*one));
            }
        }
        Ok(Self {
            bytes: Cow::Borrowed(bytes),
        })
    }

    /// Each extension's type and content, in the order of the wire.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ExtensionType, &[u8])> {
        let mut rest = Reader::new(&self.bytes);
        core::iter::from_fn(move || {
            let typ = ExtensionType(rest.u16().ok()?);
            Some((typ, rest.vector16().ok()?.remainder()))
        })
    }

    /// The content of one extension, decoded by `decode`, which must use every byte.
    fn find<'s, T>(
        &'s self,
        typ: ExtensionType,
        decode: impl FnOnce(&mut Reader<'s>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let Some((_, content)) = self.iter().find(|(found, _)| *found == typ) else {
            return Ok(None);
        };
        let mut reader = Reader::new(content);
        let decoded = decode(&mut reader)?;
        reader.finish()?;
        Ok(Some(decoded))
    }

    fn push(&mut self, typ: ExtensionType, content: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.bytes.to_mut();
        bytes.extend_from_slice(&typ.0.to_be_bytes());
        write_vector(bytes, LengthPrefix::U16, content);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// server_name of a ClientHello ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    pub(crate) fn push_server_name(&mut self, host_name: &str) {
        self.push(ExtensionType::SERVER_NAME, |out| {
            write_vector(out, LengthPrefix::U16, |out| {
                out.push(HOST_NAME);
                write_vector(out, LengthPrefix::U16, |out| {
                    out.extend_from_slice(host_name.as_bytes());
                });
            });
        });
    }

    /// The host name in the server_name of a ClientHello, still bytes.
    ///
    /// "The ServerNameList MUST NOT contain more than one name of the same name_type"; names of
    /// other types have nowhere been defined and are skipped.
    pub(crate) fn server_name(&self) -> Result<Option<&[u8]>, DecodeError> {
        let found = self.find(ExtensionType::SERVER_NAME, |reader| {
            // ServerName server_name_list<1..2^16-1>
            let mut list = reader.vector16()?;
            if list.is_empty() {
                return Err(DecodeError::EmptyVector);
            }
            let mut host_name = None;
            while !list.is_empty() {
                let typ = list.u8()?;
                let name = list.vector16()?.remainder();
                if typ != HOST_NAME {
                    continue;
                }
                // opaque HostName<1..2^16-1>
                if name.is_empty() {
                    return Err(DecodeError::EmptyVector);
                }
                if host_name.replace(name).is_some() {
                    return Err(DecodeError::BadLength);
                }
            }
            Ok(host_name)
        })?;
        Ok(found.flatten())
    }

    /// The empty server_name with which a server says that it used the name.
    pub(crate) fn push_server_name_ack(&mut self) {
        self.push(ExtensionType::SERVER_NAME, |_| {});
    }

    /// Whether a ServerHello acknowledges the name.
    pub(crate) fn server_name_ack(&self) -> Result<bool, DecodeError> {
        self.find(ExtensionType::SERVER_NAME, |_| Ok(()))
            .map(|found| found.is_some())
    }

    /// signature_algorithms of a ClientHello.
    pub(crate) fn push_signature_algorithms(&mut self, schemes: &[SignatureScheme]) {
        self.push(ExtensionType::SIGNATURE_ALGORITHMS, |out| {
            encode_signature_schemes(schemes, out);
        });
    }

    pub(crate) fn signature_algorithms(&self) -> Result<Option<Vec<SignatureScheme>>, DecodeError> {
        self.find(
            ExtensionType::SIGNATURE_ALGORITHMS,
            decode_signature_schemes,
        )
    }

    /// The empty renegotiation_info of an initial handshake ([RFC 5746 section 3.2](https://www.rfc-editor.org/rfc/rfc5746#section-3.2)).
    pub(crate) fn push_renegotiation_info(&mut self) {
        self.push(ExtensionType::RENEGOTIATION_INFO, |out| {
            write_vector(out, LengthPrefix::U8, |_| {});
        });
    }

    /// The renegotiated_connection field of renegotiation_info.
    pub(crate) fn renegotiation_info(&self) -> Result<Option<&[u8]>, DecodeError> {
        self.find(ExtensionType::RENEGOTIATION_INFO, |reader| {
            Ok(reader.vector8()?.remainder())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(block: &[u8]) -> Result<Extensions<'_>, DecodeError> {
        let mut reader = Reader::new(block);
        let extensions = Extensions::decode(&mut reader)?;
        reader.finish()?;
        Ok(extensions)
    }

    fn block(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut built = Extensions::default();
        for (typ, content) in extensions {
            built.push(ExtensionType(*typ), |out| out.extend_from_slice(content));
        }
        let mut out = Vec::new();
        built.encode(&mut out);
        out
    }

    #[test]
    fn unknown_and_grease_extensions_survive() {
        let bytes = block(&[(0x1a1a, &[]), (43, &[2, 3, 4]), (0xfafa, &[0])]);
        let extensions = decode(&bytes).unwrap();
        let mut again = Vec::new();
        extensions.encode(&mut again);
        assert_eq!(again, bytes);
        assert_eq!(extensions.iter().count(), 3);
        assert_eq!(extensions.server_name(), Ok(None));
    }

    #[test]
    fn framing_and_duplicates_are_checked_for_all() {
        let twice = block(&[(9, &[]), (5, &[1]), (9, &[2])]);
        assert_eq!(
            decode(&twice),
            Err(DecodeError::DuplicateExtension(ExtensionType(9)))
        );
        for broken in [&[0, 1, 0][..], &[0, 3, 0, 0, 0], &[0, 5, 0, 0, 0, 2, 1]] {
            assert_eq!(decode(broken), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn the_known_extensions_round_trip() {
        let mut extensions = Extensions::default();
        extensions.push_server_name("plc.example");
        extensions.push_signature_algorithms(&[SignatureScheme::RSA_PKCS1_SHA256]);
        extensions.push_renegotiation_info();
        assert_eq!(extensions.server_name(), Ok(Some(&b"plc.example"[..])));
        assert_eq!(
            extensions.signature_algorithms(),
            Ok(Some(vec![SignatureScheme::RSA_PKCS1_SHA256]))
        );
        assert_eq!(extensions.renegotiation_info(), Ok(Some(&[][..])));

        let mut extensions = Extensions::default();
        assert!(!extensions.server_name_ack().unwrap());
        extensions.push_server_name_ack();
        assert!(extensions.server_name_ack().unwrap());
    }

    #[test]
    fn broken_contents_are_errors() {
        for (content, error) in [
            (&[][..], DecodeError::Truncated),
            (&[0, 0], DecodeError::EmptyVector),
            (&[0, 3, 0, 0, 0], DecodeError::EmptyVector),
            (&[0, 4, 0, 0, 1, b'a', 0], DecodeError::TrailingData),
            (
                &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'],
                DecodeError::BadLength,
            ),
        ] {
            let bytes = block(&[(0, content)]);
            assert_eq!(decode(&bytes).unwrap().server_name(), Err(error));
        }
        for (content, error) in [
            (&[0, 0][..], DecodeError::EmptyVector),
            (&[0, 1, 4], DecodeError::BadLength),
            (&[0, 2, 4, 1, 0], DecodeError::TrailingData),
        ] {
            let bytes = block(&[(13, content)]);
            assert_eq!(decode(&bytes).unwrap().signature_algorithms(), Err(error));
        }
        let bytes = block(&[(0xff01, &[1])]);
        assert_eq!(
            decode(&bytes).unwrap().renegotiation_info(),
            Err(DecodeError::Truncated)
        );
        let bytes = block(&[(0, &[1])]);
        assert_eq!(
            decode(&bytes).unwrap().server_name_ack(),
            Err(DecodeError::TrailingData)
        );
    }
}
