//! The certificate hash for the channel binding tls-server-end-point
//! ([RFC 5929 section 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).

use crate::crypto::hash::SignatureHash;
use pki_types::CertificateDer;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::{oid_registry as oids, x509::AlgorithmIdentifier};

/// The certificate's hash, with the hash function of its signature: "The hash of the TLS server's
/// certificate [...] as it appears, octet for octet, in the server's Certificate message". `None`
/// if the signature has no hash function of its own or an unsupported one: "then this channel
/// binding type's channel bindings are undefined at this time".
pub(crate) fn end_point_hash(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(hash_of_signature(&parsed.signature_algorithm)?.of(&[certificate]))
}

/// "if the certificate's signatureAlgorithm uses a single hash function, and that hash function is
/// either MD5 [...] or SHA-1 [...], then use SHA-256".
fn hash_of_signature(algorithm: &AlgorithmIdentifier<'_>) -> Option<SignatureHash> {
    if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm)
    {
        return hash_of_digest(parameters.hash_algorithm_oid());
    }
    hash_of_digest(&algorithm.algorithm)
}

/// The hash function with this identifier, or the one that a signature algorithm with this
/// identifier uses.
fn hash_of_digest(oid: &Oid<'_>) -> Option<SignatureHash> {
    let hashes: [(SignatureHash, &[Oid<'static>]); 3] = [
        (
            SignatureHash::Sha256,
            &[
                oids::OID_PKCS1_MD5WITHRSAENC,
                oids::OID_PKCS1_SHA1WITHRSA,
                oids::OID_HASH_SHA1,
                oids::OID_PKCS1_SHA256WITHRSA,
                oids::OID_NIST_HASH_SHA256,
                oids::OID_SIG_ECDSA_WITH_SHA256,
            ],
        ),
        (
            SignatureHash::Sha384,
            &[
                oids::OID_PKCS1_SHA384WITHRSA,
                oids::OID_NIST_HASH_SHA384,
                oids::OID_SIG_ECDSA_WITH_SHA384,
            ],
        ),
        (
            SignatureHash::Sha512,
            &[
                oids::OID_PKCS1_SHA512WITHRSA,
                oids::OID_NIST_HASH_SHA512,
                oids::OID_SIG_ECDSA_WITH_SHA512,
            ],
        ),
    ];
    let (hash, _) = hashes.iter().find(|(_, its)| its.contains(oid))?;
    Some(*hash)
}
