//! ClientKeyExchange and CertificateVerify
//! ([RFC 5246 sections 7.4.7](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7) and
//! [7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.8)).

use super::HandshakeBody;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::{HandshakeType, SignatureScheme};
use crate::error::DecodeError;

/// ClientKeyExchange of RSA key transport: the encrypted pre-master secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientKeyExchange<'a> {
    pub(crate) encrypted_pre_master_secret: &'a [u8],
}

impl<'a> HandshakeBody<'a> for ClientKeyExchange<'a> {
    const TYPE: HandshakeType = HandshakeType::CLIENT_KEY_EXCHANGE;
    const NAME: &'static str = "client_key_exchange";
    /// More than any key needs; a ciphertext of the wrong length fails like any other.
    const LONGEST: usize = 2 + 0xffff;

    fn encode_body(&self, out: &mut Writer) {
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(self.encrypted_pre_master_secret);
        });
    }

    /// "The RSA-encrypted PreMasterSecret in a ClientKeyExchange is preceded by two length bytes"
    /// ([section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)): the form of SSL 3.0
    /// without them, or another length, is a decode_error.
    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            encrypted_pre_master_secret: reader.vector16()?.remainder(),
        })
    }
}

/// CertificateVerify: a signature over all handshake messages before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify<'a> {
    pub(crate) algorithm: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> HandshakeBody<'a> for CertificateVerify<'a> {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_VERIFY;
    const NAME: &'static str = "certificate_verify";
    /// The algorithm and the signature.
    const LONGEST: usize = 2 + (2 + 0xffff);

    fn encode_body(&self, out: &mut Writer) {
        out.extend_from_slice(&self.algorithm.0.to_be_bytes());
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(self.signature);
        });
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            algorithm: SignatureScheme(reader.u16()?),
            signature: reader.vector16()?.remainder(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HandshakeMessage;
    use crate::message::testing::round_trips;

    #[test]
    fn key_exchange_messages_round_trip() {
        round_trips(
            &ClientKeyExchange {
                encrypted_pre_master_secret: &[1, 2, 3],
            },
            &mut Vec::new(),
        );
        round_trips(
            &CertificateVerify {
                algorithm: SignatureScheme::RSA_PKCS1_SHA256,
                signature: &[1, 2, 3],
            },
            &mut Vec::new(),
        );
    }

    #[test]
    fn the_length_prefix_of_the_pre_master_secret_is_exact() {
        for (body, error) in [
            (&[0, 0, 3, 0, 1][..], DecodeError::TrailingData),
            (&[0, 3, 0, 1][..], DecodeError::Truncated),
            (&[0][..], DecodeError::Truncated),
        ] {
            let mut bytes = vec![16, 0, 0, body.len() as u8];
            bytes.extend_from_slice(body);
            let message = HandshakeMessage {
                typ: HandshakeType::CLIENT_KEY_EXCHANGE,
                bytes: &bytes,
            };
            assert_eq!(
                message.decode::<ClientKeyExchange<'_>>(),
                Err(error.of("client_key_exchange"))
            );
        }
    }
}
