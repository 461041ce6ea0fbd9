//! The certificate hash for the channel binding tls-server-end-point
//! ([RFC 5929 section 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).

use super::fields::{Algorithm, Fields};
use super::oid;
use crate::crypto::hash::SignatureHash;
use pki_types::CertificateDer;

/// The certificate's hash, with the hash function of its signature: "The hash of the TLS server's
/// certificate [...] as it appears, octet for octet, in the server's Certificate message". `None`
/// if the signature has no hash function of its own or an unsupported one: "then this channel
/// binding type's channel bindings are undefined at this time".
pub(crate) fn end_point_hash(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let fields = Fields::read(certificate)?;
    Some(hash_of_signature(&fields.algorithm)?.of(&[certificate]))
}

/// "if the certificate's signatureAlgorithm uses a single hash function, and that hash function is
/// either MD5 [...] or SHA-1 [...], then use SHA-256".
fn hash_of_signature(algorithm: &Algorithm<'_>) -> Option<SignatureHash> {
    let oid = match algorithm.oid {
        oid::PSS => algorithm.pss_hash()?,
        other => other,
    };
    Some(match oid {
        oid::MD5_WITH_RSA | oid::SHA1_WITH_RSA | oid::SHA1 => SignatureHash::Sha256,
        oid::SHA256_WITH_RSA | oid::SHA256 | oid::ECDSA_WITH_SHA256 => SignatureHash::Sha256,
        oid::SHA384_WITH_RSA | oid::SHA384 | oid::ECDSA_WITH_SHA384 => SignatureHash::Sha384,
        oid::SHA512_WITH_RSA | oid::SHA512 | oid::ECDSA_WITH_SHA512 => SignatureHash::Sha512,
        _ => return None,
    })
}
