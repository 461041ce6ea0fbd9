//! What peers probably refuse about this side's own certificates.

use super::certificate::CertificateId;
use super::text::{Excerpt, date};
use core::fmt;
use pki_types::UnixTime;

/// A certificate of this side's own chain that peers probably refuse, and why.
///
/// A warning stops nothing: the configuration is built, and a peer may be configured to accept the
/// certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateWarning {
    certificate: CertificateId,
    flaw: CertificateFlaw,
}

impl CertificateWarning {
    pub(crate) fn new(certificate: CertificateId, flaw: CertificateFlaw) -> Self {
        Self { certificate, flaw }
    }

    /// Returns the certificate, with its position in the chain as it is sent.
    #[must_use]
    pub fn certificate(&self) -> &CertificateId {
        &self.certificate
    }

    /// Returns what is wrong with it.
    #[must_use]
    pub fn flaw(&self) -> &CertificateFlaw {
        &self.flaw
    }
}

impl fmt::Display for CertificateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.certificate, self.flaw)
    }
}

/// What is wrong with a certificate of this side's own chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFlaw {
    /// It has expired.
    #[error("it expired on {}", date(not_after))]
    Expired {
        /// The end of its validity.
        not_after: UnixTime,
    },
    /// It is not valid yet.
    #[error("it is not valid before {}", date(not_before))]
    NotYetValid {
        /// The start of its validity.
        not_before: UnixTime,
    },
    /// Its keyUsage does not allow the key's use.
    #[error("its keyUsage lacks {wanted}; it has {found}")]
    KeyUsage {
        /// What is needed: keyEncipherment of a server, digitalSignature of a client.
        wanted: &'static str,
        /// What it allows.
        found: Excerpt,
    },
    /// Its extendedKeyUsage does not allow the role.
    #[error("its extendedKeyUsage lacks {wanted}; it has {found}")]
    ExtendedKeyUsage {
        /// What is needed: serverAuth or clientAuth.
        wanted: &'static str,
        /// What it allows.
        found: Excerpt,
    },
    /// The server's certificate has neither a DNS name nor an IP address in its subjectAltName.
    #[error(
        "its subjectAltName has no DNS name and no IP address; most clients ignore its common name"
    )]
    NoNames,
    /// A CA certificate serves as the leaf.
    #[error("it is a CA certificate, which many peers refuse as a leaf")]
    CaAsLeaf,
    /// It is an X.509 version 1 certificate.
    #[error("it is an X.509 version 1 certificate, without extensions")]
    Version1,
    /// It is signed with SHA-1.
    #[error("it is signed with SHA-1, which can be forged")]
    Sha1Signature,
    /// It is signed with an algorithm that this crate does not support.
    #[error("it is signed with an algorithm that this crate does not support")]
    UnsupportedSignature,
    /// The RSA key of a CA has less than 2048 or more than 8192 bits.
    #[error("its RSA key has {bits} bits; most peers accept 2048 to 8192")]
    KeySize {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// It did not issue the certificate before it.
    #[error("it did not issue the certificate before it in the chain")]
    NotTheIssuer,
    /// One of its extensions cannot be parsed.
    #[error("one of its extensions cannot be parsed")]
    Malformed,
}
