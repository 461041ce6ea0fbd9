//! The signature algorithms of the tests and what certificates call them.

use super::der::{null, sequence};
use premaster::pki_types::{AlgorithmIdentifier, alg_id};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::der::Encode;
use x509_cert::der::oid::AssociatedOid;

/// A signature algorithm: what it is called, and what is done. The two need not agree.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    pub identifier: AlgorithmIdentifier,
    pub hash: Hash,
    /// Where the key is RSA.
    pub padding: Padding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    Pkcs1,
    Pss,
}

/// sha1WithRSAEncryption, 1.2.840.113549.1.1.5.
const PKCS1_SHA1: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00,
]);
/// md5WithRSAEncryption, 1.2.840.113549.1.1.4.
const PKCS1_MD5: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04, 0x05, 0x00,
]);
/// sha256WithRSAEncryption, 1.2.840.113549.1.1.11.
const PKCS1_SHA256_WITHOUT_NULL: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b,
]);
/// ecdsa-with-SHA1, 1.2.840.10045.4.1.
const ECDSA_SHA1: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]);

impl Algorithm {
    pub const RSA_PKCS1_SHA1: Self = pkcs1(PKCS1_SHA1, Hash::Sha1);
    pub const RSA_PKCS1_SHA256: Self = pkcs1(alg_id::RSA_PKCS1_SHA256, Hash::Sha256);
    pub const RSA_PKCS1_SHA384: Self = pkcs1(alg_id::RSA_PKCS1_SHA384, Hash::Sha384);
    pub const RSA_PKCS1_SHA512: Self = pkcs1(alg_id::RSA_PKCS1_SHA512, Hash::Sha512);
    pub const RSA_PSS_SHA256: Self = pss(alg_id::RSA_PSS_SHA256, Hash::Sha256);
    pub const RSA_PSS_SHA384: Self = pss(alg_id::RSA_PSS_SHA384, Hash::Sha384);
    pub const RSA_PSS_SHA512: Self = pss(alg_id::RSA_PSS_SHA512, Hash::Sha512);
    /// On P-256; P-384 requires a longer hash.
    pub const ECDSA_SHA1: Self = ecdsa(ECDSA_SHA1, Hash::Sha1);
    pub const ECDSA_SHA256: Self = ecdsa(alg_id::ECDSA_SHA256, Hash::Sha256);
    pub const ECDSA_SHA384: Self = ecdsa(alg_id::ECDSA_SHA384, Hash::Sha384);
    pub const ECDSA_SHA512: Self = ecdsa(alg_id::ECDSA_SHA512, Hash::Sha512);
    /// With absent parameters, where NULL is usual.
    pub const RSA_PKCS1_SHA256_WITHOUT_NULL: Self = pkcs1(PKCS1_SHA256_WITHOUT_NULL, Hash::Sha256);
    /// In name only: the signature is made otherwise.
    pub const RSA_PKCS1_MD5: Self = pkcs1(PKCS1_MD5, Hash::Sha1);

    /// The AlgorithmIdentifier.
    pub fn to_der(self) -> Vec<u8> {
        sequence(&[self.identifier.as_ref()])
    }
}

const fn pkcs1(identifier: AlgorithmIdentifier, hash: Hash) -> Algorithm {
    Algorithm {
        identifier,
        hash,
        padding: Padding::Pkcs1,
    }
}

const fn pss(identifier: AlgorithmIdentifier, hash: Hash) -> Algorithm {
    Algorithm {
        identifier,
        hash,
        padding: Padding::Pss,
    }
}

/// Without a padding of its own, which an RSA key would put to use.
const fn ecdsa(identifier: AlgorithmIdentifier, hash: Hash) -> Algorithm {
    pkcs1(identifier, hash)
}

impl Hash {
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// The AlgorithmIdentifier.
    pub fn to_der(self) -> Vec<u8> {
        let oid = match self {
            Self::Sha1 => Sha1::OID,
            Self::Sha256 => Sha256::OID,
            Self::Sha384 => Sha384::OID,
            Self::Sha512 => Sha512::OID,
        };
        sequence(&[&oid.to_der().unwrap(), &null()])
    }
}
