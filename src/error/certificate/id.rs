//! Which certificate of the peer's chain an error is about.

use crate::error::text::{Excerpt, Serial, hex};
use core::fmt;

/// Identifies a certificate in the peer's chain by position, subject, serial number and hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateId {
    position: usize,
    subject: Excerpt,
    serial: Serial,
    certificate_sha256: [u8; 32],
    key_sha256: [u8; 32],
}

impl CertificateId {
    pub(crate) fn new(
        position: usize,
        subject: Excerpt,
        serial: &[u8],
        certificate_sha256: [u8; 32],
        key_sha256: [u8; 32],
    ) -> Self {
        Self {
            position,
            subject,
            serial: Serial::new(serial),
            certificate_sha256,
            key_sha256,
        }
    }

    /// Returns its position in the chain as received; the leaf has position 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns its subject.
    #[must_use]
    pub fn subject(&self) -> &Excerpt {
        &self.subject
    }

    /// Returns its serial number, big-endian, cut to the first 32 bytes. RFC 5280 allows at most 20.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.serial.as_bytes()
    }

    /// Returns the SHA-256 of the certificate in DER, as
    /// [`pin_certificate`](crate::CertificatePolicy::pin_certificate) takes it.
    #[must_use]
    pub fn certificate_sha256(&self) -> [u8; 32] {
        self.certificate_sha256
    }

    /// Returns the SHA-256 of its SubjectPublicKeyInfo, the SPKI fingerprint that
    /// [`pin_public_key`](crate::CertificatePolicy::pin_public_key) takes.
    #[must_use]
    pub fn key_sha256(&self) -> [u8; 32] {
        self.key_sha256
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateId")
            .field("position", &self.position)
            .field("subject", &self.subject)
            .field("serial", &self.serial)
            .field(
                "certificate_sha256",
                &format_args!("{}", hex(&self.certificate_sha256)),
            )
            .field("key_sha256", &format_args!("{}", hex(&self.key_sha256)))
            .finish()
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            subject,
            serial,
            ..
        } = self;
        write!(f, "certificate {position} ({subject}, serial {serial:?})")
    }
}
