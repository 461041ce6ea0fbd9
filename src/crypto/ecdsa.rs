//! ECDSA signatures of certificates whose authorities have keys on NIST curves
//! ([FIPS 186-5](https://doi.org/10.6028/NIST.FIPS.186-5)). Nothing is signed with it here.

use crate::crypto::hash::SignatureHash;
use p256::ecdsa::signature::hazmat::PrehashVerifier;

/// The curve of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

/// Whether `signature`, an ECDSA-Sig-Value in DER, is that of `key` over the message's hash. The key
/// is a point of the curve as a certificate's subjectPublicKey has it.
pub(crate) fn verifies(
    curve: Curve,
    hash: SignatureHash,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let hash = hash.of(&[message]);
    match curve {
        Curve::P256 => verifies_p256(key, &hash, signature),
        Curve::P384 => verifies_p384(key, &hash, signature),
    }
    .is_some()
}

fn verifies_p256(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}

fn verifies_p384(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}
