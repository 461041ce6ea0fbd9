//! The signature algorithms that a chain may use, in the form in which `rustls-webpki` wants them.

use crate::crypto::rsa::PublicKey;
use crate::enums::SignatureScheme;
use pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// RSA with SHA-256, SHA-384 and SHA-512, PKCS#1 v1.5 and PSS. Never SHA-1.
pub(super) const ALL: &[&dyn SignatureVerificationAlgorithm] = &[
    &Rsa(SignatureScheme::RSA_PKCS1_SHA256, alg_id::RSA_PKCS1_SHA256),
    &Rsa(SignatureScheme::RSA_PKCS1_SHA384, alg_id::RSA_PKCS1_SHA384),
    &Rsa(SignatureScheme::RSA_PKCS1_SHA512, alg_id::RSA_PKCS1_SHA512),
    &Rsa(SignatureScheme::RSA_PSS_RSAE_SHA256, alg_id::RSA_PSS_SHA256),
    &Rsa(SignatureScheme::RSA_PSS_RSAE_SHA384, alg_id::RSA_PSS_SHA384),
    &Rsa(SignatureScheme::RSA_PSS_RSAE_SHA512, alg_id::RSA_PSS_SHA512),
];

/// An RSA signature scheme and how certificates name it.
#[derive(Debug)]
struct Rsa(SignatureScheme, AlgorithmIdentifier);

impl SignatureVerificationAlgorithm for Rsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = PublicKey::from_pkcs1_der(public_key).map_err(|_| InvalidSignature)?;
        match key.verifies(self.0, message, signature) {
            true => Ok(()),
            false => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.1
    }
}
