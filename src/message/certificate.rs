//! Certificate and CertificateRequest
//! ([RFC 5246 sections 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2) and
//! [7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4)), and CertificateStatus
//! ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).

use super::HandshakeBody;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::{ClientCertificateType, HandshakeType, SignatureScheme};
use crate::error::{DecodeError, LocalError};
use pki_types::CertificateDer;

/// The only CertificateStatusType of RFC 6066: `ocsp(1)`.
pub(crate) const OCSP: u8 = 1;

/// A certificate chain, the sender's leaf first.
///
/// A client without a certificate sends an empty chain
/// ([section 7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    pub(crate) certificate_list: Vec<CertificateDer<'a>>,
}

impl Certificate<'_> {
    /// Returns a copy of the chain that outlives the received bytes.
    pub(crate) fn into_owned(self) -> Box<[CertificateDer<'static>]> {
        self.certificate_list.into_iter().map(CertificateDer::into_owned).collect()
    }
}

impl<'a> HandshakeBody<'a> for Certificate<'a> {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE;
    const NAME: &'static str = "certificate";
    /// All that its header can announce: ASN.1Cert certificate_list<0..2^24-1>
    const LONGEST: usize = (1 << 24) - 1;

    fn encode_body(&self, out: &mut Writer) {
        encode_chain(&self.certificate_list, out);
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut list = reader.vector24()?;
        let mut certificate_list = Vec::new();
        while !list.is_empty() {
            let certificate = list.vector24()?.remainder();
            // opaque ASN.1Cert<1..2^24-1>
            if certificate.is_empty() {
                return Err(DecodeError::EmptyVector);
            }
            certificate_list.push(CertificateDer::from(certificate));
        }
        Ok(Self { certificate_list })
    }
}

/// Encodes a borrowed chain as the body of a Certificate message.
fn encode_chain(chain: &[CertificateDer<'_>], out: &mut Writer) {
    out.vector(LengthPrefix::U24, |out| {
        for certificate in chain {
            out.vector(LengthPrefix::U24, |out| {
                out.extend_from_slice(certificate);
            });
        }
    });
}

/// Encodes a borrowed chain as a Certificate message.
pub(crate) fn encode_certificate(chain: &[CertificateDer<'_>]) -> Result<Vec<u8>, LocalError> {
    let mut out = Writer::from(vec![HandshakeType::CERTIFICATE.0]);
    out.vector(LengthPrefix::U24, |out| encode_chain(chain, out));
    out.finish()
}

/// The OCSP response stapled to the server's chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CertificateStatus<'a> {
    /// A DER-encoded OCSPResponse, not parsed here.
    pub(crate) ocsp_response: &'a [u8],
}

impl<'a> HandshakeBody<'a> for CertificateStatus<'a> {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_STATUS;
    const NAME: &'static str = "certificate_status";
    /// All that its header can announce.
    const LONGEST: usize = (1 << 24) - 1;

    fn encode_body(&self, out: &mut Writer) {
        out.push(OCSP);
        out.vector(LengthPrefix::U24, |out| {
            out.extend_from_slice(self.ocsp_response);
        });
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.u8()? != OCSP {
            return Err(DecodeError::UnknownType);
        }
        // opaque OCSPResponse<1..2^24-1>
        let ocsp_response = reader.vector24()?.remainder();
        if ocsp_response.is_empty() {
            return Err(DecodeError::EmptyVector);
        }
        Ok(Self { ocsp_response })
    }
}

/// The server's request for a client certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CertificateRequest<'a> {
    pub(crate) certificate_types: Vec<ClientCertificateType>,
    pub(crate) supported_signature_algorithms: Vec<SignatureScheme>,
    /// The DER-encoded distinguished names of the acceptable CAs; an empty list means any.
    pub(crate) certificate_authorities: Vec<&'a [u8]>,
}

impl<'a> HandshakeBody<'a> for CertificateRequest<'a> {
    const TYPE: HandshakeType = HandshakeType::CERTIFICATE_REQUEST;
    const NAME: &'static str = "certificate_request";
    /// Certificate types, signature algorithms, names of CAs.
    const LONGEST: usize = (1 + 0xff) + (2 + 0xfffe) + (2 + 0xffff);

    fn encode_body(&self, out: &mut Writer) {
        out.vector(LengthPrefix::U8, |out| {
            out.extend(self.certificate_types.iter().map(|typ| typ.0));
        });
        encode_signature_schemes(&self.supported_signature_algorithms, out);
        out.vector(LengthPrefix::U16, |out| {
            for name in &self.certificate_authorities {
                out.vector(LengthPrefix::U16, |out| out.extend_from_slice(name));
            }
        });
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        // ClientCertificateType certificate_types<1..2^8-1>
        let types = reader.vector8()?.remainder();
        if types.is_empty() {
            return Err(DecodeError::EmptyVector);
        }
        let supported_signature_algorithms = decode_signature_schemes(reader)?;
        let mut names = reader.vector16()?;
        let mut certificate_authorities = Vec::new();
        while !names.is_empty() {
            // opaque DistinguishedName<1..2^16-1>
            let name = names.vector16()?.remainder();
            if name.is_empty() {
                return Err(DecodeError::EmptyVector);
            }
            certificate_authorities.push(name);
        }
        Ok(Self {
            certificate_types: types.iter().copied().map(ClientCertificateType).collect(),
            supported_signature_algorithms,
            certificate_authorities,
        })
    }
}

/// Encodes `SignatureAndHashAlgorithm supported_signature_algorithms<2..2^16-2>`, a field of both the
/// extension and CertificateRequest.
pub(crate) fn encode_signature_schemes(schemes: &[SignatureScheme], out: &mut Writer) {
    out.vector(LengthPrefix::U16, |out| {
        for scheme in schemes {
            out.extend_from_slice(&scheme.0.to_be_bytes());
        }
    });
}

pub(crate) fn decode_signature_schemes(
    reader: &mut Reader<'_>,
) -> Result<Vec<SignatureScheme>, DecodeError> {
    let schemes: Vec<_> = reader.vector16()?.u16s()?.map(SignatureScheme).collect();
    if schemes.is_empty() {
        return Err(DecodeError::EmptyVector);
    }
    Ok(schemes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HandshakeMessage;
    use crate::message::testing::round_trips;

    fn decode_error<'a, T: HandshakeBody<'a> + core::fmt::Debug>(body: &'a [u8]) -> DecodeError {
        T::decode_body(&mut Reader::new(body)).unwrap_err()
    }

    #[test]
    fn certificate_messages_round_trip() {
        for certificate_list in [
            vec![],
            vec![
                CertificateDer::from(&[1][..]),
                CertificateDer::from(&[2, 3][..]),
            ],
        ] {
            round_trips(&Certificate { certificate_list }, &mut Vec::new());
        }
        for certificate_authorities in [vec![], vec![&[0x30, 0][..], &[0x30, 1, 5][..]]] {
            round_trips(
                &CertificateRequest {
                    certificate_types: vec![
                        ClientCertificateType::RSA_SIGN,
                        ClientCertificateType(64),
                    ],
                    supported_signature_algorithms: vec![SignatureScheme(0x1a1a)],
                    certificate_authorities,
                },
                &mut Vec::new(),
            );
        }
    }

    #[test]
    fn a_certificate_status_round_trips() {
        let status = CertificateStatus {
            ocsp_response: &[0x30, 0],
        };
        assert_eq!(status.encode().unwrap(), [22, 0, 0, 6, 1, 0, 0, 2, 0x30, 0]);
        round_trips(&status, &mut Vec::new());
    }

    #[test]
    fn a_certificate_status_is_an_ocsp_response() {
        for (body, error) in [
            (&[][..], DecodeError::Truncated),
            (&[1, 0, 0], DecodeError::Truncated),
            (&[1, 0, 0, 2, 0x30], DecodeError::Truncated),
            (&[1, 0, 0, 0], DecodeError::EmptyVector),
            (&[2, 0, 0, 1, 0x30], DecodeError::UnknownType),
        ] {
            assert_eq!(decode_error::<CertificateStatus<'_>>(body), error);
        }
    }

    #[test]
    fn a_chain_encodes_alike_borrowed_and_owned() {
        let certificate_list = vec![CertificateDer::from(&[1, 2][..])];
        assert_eq!(
            encode_certificate(&certificate_list),
            Certificate { certificate_list }.encode()
        );
    }

    #[test]
    fn a_certificate_and_a_name_are_at_least_a_byte() {
        assert_eq!(
            decode_error::<Certificate<'_>>(&[0, 0, 3, 0, 0, 0]),
            DecodeError::EmptyVector
        );
        assert_eq!(
            decode_error::<CertificateRequest<'_>>(&[1, 1, 0, 2, 4, 1, 0, 2, 0, 0]),
            DecodeError::EmptyVector
        );
    }

    #[test]
    fn a_request_names_a_type_and_whole_algorithms() {
        for (body, error) in [
            (&[0, 0, 2, 4, 1, 0, 0][..], DecodeError::EmptyVector),
            (&[1, 1, 0, 0, 0, 0][..], DecodeError::EmptyVector),
            (&[1, 1, 0, 3, 4, 1, 5, 0, 0][..], DecodeError::BadLength),
        ] {
            assert_eq!(decode_error::<CertificateRequest<'_>>(body), error);
        }
    }

    #[test]
    fn a_chain_longer_than_its_field_is_truncated() {
        let message = HandshakeMessage {
            typ: HandshakeType::CERTIFICATE,
            bytes: &[11, 0, 0, 4, 0, 0, 4, 0],
        };
        assert_eq!(
            message.decode::<Certificate<'_>>(),
            Err(DecodeError::Truncated.of("certificate"))
        );
    }
}
