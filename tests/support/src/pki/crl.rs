//! Certificate revocation lists
//! ([RFC 5280 section 5](https://www.rfc-editor.org/rfc/rfc5280#section-5)).

use super::der::{self, extension, sequence};
use super::keys::{self, Key};
use super::{Algorithm, Authority, DAY, NOW, Spec, authority_key_id};
use x509_cert::ext::Extension;

/// All fields of a CRL, for a test to change.
#[derive(Clone)]
pub struct Crl {
    pub version: u8,
    /// In the notation of RFC 4514.
    pub issuer: &'static str,
    /// DER that stands in the place of `issuer`.
    pub raw_issuer: Option<Vec<u8>>,
    pub this_update: u64,
    pub next_update: Option<u64>,
    pub revoked: Vec<Revoked>,
    pub authority_key_id: Option<Vec<u8>>,
    /// The content of the INTEGER.
    pub number: Option<Vec<u8>>,
    /// DER.
    pub issuing_distribution_point: Option<Vec<u8>>,
    /// Extensions after all others; duplicates are allowed.
    pub extensions: Vec<Extension>,
    pub issuer_key: Key,
    /// By default as it suits `issuer_key`.
    pub algorithm: Option<Algorithm>,
    /// One bit of the signature is wrong.
    pub damaged: bool,
}

/// A certificate that is revoked.
#[derive(Clone)]
pub struct Revoked {
    /// The content of the INTEGER.
    pub serial: Vec<u8>,
    pub at: u64,
    /// A CRLReason.
    pub reason: Option<u8>,
}

/// A good CRL of this CA, with no certificate in it.
pub fn crl(issuer: &Authority) -> Crl {
    Crl {
        version: 2,
        issuer: issuer.name,
        raw_issuer: None,
        this_update: NOW - DAY,
        next_update: Some(NOW + DAY),
        revoked: vec![],
        authority_key_id: Some(issuer.key.id()),
        number: Some(vec![1]),
        issuing_distribution_point: None,
        extensions: vec![],
        issuer_key: issuer.key.clone(),
        algorithm: None,
        damaged: false,
    }
}

impl Crl {
    /// Adds this certificate to the CRL.
    pub fn revoking(mut self, certificate: &Spec) -> Self {
        self.revoked.push(Revoked {
            serial: certificate.serial.clone(),
            at: self.this_update,
            reason: None,
        });
        self
    }

    /// The CertificateList.
    pub fn build(&self) -> Vec<u8> {
        let key = &self.issuer_key;
        let algorithm = self.algorithm.unwrap_or(key.algorithm());
        let tbs = self.tbs_cert_list(algorithm);
        sequence(&[&keys::signed(&tbs, key, algorithm, self.damaged)])
    }

    fn tbs_cert_list(&self, algorithm: Algorithm) -> Vec<u8> {
        sequence(&[
            &der::version(self.version),
            &algorithm.to_der(),
            &self.raw_issuer.clone().unwrap_or_else(|| der::name(self.issuer)),
            &der::time(self.this_update),
            &self.next_update.map(der::time).unwrap_or_default(),
            &der::sequence_of(self.revoked.iter().map(Revoked::to_der)),
            &der::explicit(0, &der::extensions(&self.all_extensions())),
        ])
    }

    fn all_extensions(&self) -> Vec<Extension> {
        let number = |content: &Vec<u8>| extension("2.5.29.20", false, &der::integer(content));
        let point = |der: &Vec<u8>| extension("2.5.29.28", true, der);
        let own = [
            self.authority_key_id.as_deref().map(authority_key_id),
            self.number.as_ref().map(number),
            self.issuing_distribution_point.as_ref().map(point),
        ];
        let own = own.into_iter().flatten();
        own.chain(self.extensions.iter().cloned()).collect()
    }
}

impl Revoked {
    fn to_der(&self) -> Vec<u8> {
        let reason = |reason| extension("2.5.29.21", false, &der::enumerated(reason));
        let extensions: Vec<_> = self.reason.map(reason).into_iter().collect();
        sequence(&[
            &der::integer(&self.serial),
            &der::time(self.at),
            &der::extensions(&extensions),
        ])
    }
}
