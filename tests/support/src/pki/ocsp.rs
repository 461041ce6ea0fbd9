//! OCSP responses ([RFC 6960 section 4.2.1](https://www.rfc-editor.org/rfc/rfc6960#section-4.2.1)).

use super::der::{self, constructed, explicit, octet_string, primitive, sequence, tlv};
use super::keys::{self, Key};
use super::{Algorithm, DAY, Hash, NOW, Spec};
use premaster::pki_types::CertificateDer;
use x509_cert::ext::Extension;

/// All fields of an OCSP response, for a test to change.
#[derive(Clone)]
pub struct Ocsp {
    /// The OCSPResponseStatus. Only [`Ocsp::SUCCESSFUL`] has anything behind it.
    pub status: u8,
    pub responder: Responder,
    pub produced_at: u64,
    pub responses: Vec<SingleResponse>,
    pub extensions: Vec<Extension>,
    pub signer_key: Key,
    /// By default as it suits `signer_key`.
    pub algorithm: Option<Algorithm>,
    /// One bit of the signature is wrong.
    pub damaged: bool,
    /// For a responder that is not the issuer itself.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Bytes behind the response.
    pub trailing: Vec<u8>,
}

/// The ResponderID.
#[derive(Clone)]
pub enum Responder {
    /// DER.
    ByName(Vec<u8>),
    /// The SHA-1 hash of the public key.
    ByKey(Vec<u8>),
}

/// What the responder says about one certificate.
#[derive(Clone)]
pub struct SingleResponse {
    /// Of the two that follow.
    pub hash: Hash,
    /// DER.
    pub issuer_name: Vec<u8>,
    /// The content of the issuer's subjectPublicKey.
    pub issuer_key: Vec<u8>,
    /// The content of the INTEGER.
    pub serial: Vec<u8>,
    pub status: Status,
    pub this_update: u64,
    pub next_update: Option<u64>,
    pub extensions: Vec<Extension>,
}

/// The CertStatus.
#[derive(Clone, Copy)]
pub enum Status {
    Good,
    Revoked {
        at: u64,
        /// A CRLReason.
        reason: Option<u8>,
    },
    Unknown,
}

/// A good response about this certificate, by its issuer.
pub fn ocsp(certificate: &Spec) -> Ocsp {
    Ocsp {
        status: Ocsp::SUCCESSFUL,
        responder: Responder::ByName(certificate.issuer_name()),
        produced_at: NOW - DAY,
        responses: vec![single_response(certificate)],
        extensions: vec![],
        signer_key: certificate.issuer_key.clone(),
        algorithm: None,
        damaged: false,
        certificates: vec![],
        trailing: vec![],
    }
}

/// This certificate is good.
pub fn single_response(certificate: &Spec) -> SingleResponse {
    SingleResponse {
        hash: Hash::Sha1,
        issuer_name: certificate.issuer_name(),
        issuer_key: certificate.issuer_key.public_key_bytes(),
        serial: certificate.serial.clone(),
        status: Status::Good,
        this_update: NOW - DAY,
        next_update: Some(NOW + DAY),
        extensions: vec![],
    }
}

impl Ocsp {
    pub const SUCCESSFUL: u8 = 0;
    pub const TRY_LATER: u8 = 3;

    /// The same, by a responder to whom the issuer has delegated it: with its key, and with its
    /// certificate in the response.
    pub fn delegated(self, responder: &Spec, key: impl Into<Key>) -> Self {
        Self {
            responder: Responder::ByName(responder.subject_name()),
            signer_key: key.into(),
            certificates: vec![responder.build()],
            ..self
        }
    }

    /// The OCSPResponse.
    pub fn build(&self) -> Vec<u8> {
        let bytes = match self.status {
            Self::SUCCESSFUL => explicit(0, &self.response_bytes()),
            _ => vec![],
        };
        let response = sequence(&[&der::enumerated(self.status), &bytes]);
        [response, self.trailing.clone()].concat()
    }

    fn response_bytes(&self) -> Vec<u8> {
        sequence(&[
            // id-pkix-ocsp-basic
            &der::object_identifier("1.3.6.1.5.5.7.48.1.1"),
            &octet_string(&self.basic_ocsp_response()),
        ])
    }

    fn basic_ocsp_response(&self) -> Vec<u8> {
        let key = &self.signer_key;
        let algorithm = self.algorithm.unwrap_or(key.algorithm());
        let signed = keys::signed(&self.response_data(), key, algorithm, self.damaged);
        let certificates = self.certificates.iter().map(|der| der.to_vec());
        sequence(&[&signed, &explicit(0, &der::sequence_of(certificates))])
    }

    fn response_data(&self) -> Vec<u8> {
        let responses = self.responses.iter().flat_map(SingleResponse::to_der);
        sequence(&[
            &self.responder.to_der(),
            &der::generalized_time(self.produced_at),
            &sequence(&[&responses.collect::<Vec<_>>()]),
            &explicit(1, &der::extensions(&self.extensions)),
        ])
    }
}

impl Responder {
    fn to_der(&self) -> Vec<u8> {
        match self {
            Self::ByName(name) => explicit(1, name),
            Self::ByKey(hash) => explicit(2, &octet_string(hash)),
        }
    }
}

impl SingleResponse {
    fn to_der(&self) -> Vec<u8> {
        let next_update = self.next_update.map(der::generalized_time);
        sequence(&[
            &self.cert_id(),
            &self.status.to_der(),
            &der::generalized_time(self.this_update),
            &explicit(0, &next_update.unwrap_or_default()),
            &explicit(1, &der::extensions(&self.extensions)),
        ])
    }

    fn cert_id(&self) -> Vec<u8> {
        sequence(&[
            &self.hash.to_der(),
            &octet_string(&self.hash.digest(&self.issuer_name)),
            &octet_string(&self.hash.digest(&self.issuer_key)),
            &der::integer(&self.serial),
        ])
    }
}

impl Status {
    fn to_der(self) -> Vec<u8> {
        match self {
            Self::Good => tlv(primitive(0), &[]),
            Self::Revoked { at, reason } => {
                let reason = reason.map(der::enumerated).unwrap_or_default();
                let at = der::generalized_time(at);
                tlv(constructed(1), &[&at, &explicit(0, &reason)])
            }
            Self::Unknown => tlv(primitive(2), &[]),
        }
    }
}
