//! The keys of the tests, private and public, and what they sign.

use super::algorithm::{Algorithm, Hash, Padding};
use super::der::{self, sequence};
use crate::{data, rng};
use premaster::pki_types::{AlgorithmIdentifier, PrivateKeyDer, PrivatePkcs8KeyDer, alg_id};
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::pss::Pss;
use rsa::signature::digest::{Digest, FixedOutputReset};
use rsa::signature::hazmat::PrehashSigner;
use rsa::{PrivateKey as RsaPrivateKey, PublicKey as RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use x509_cert::der::Decode;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// A CA's private key.
#[derive(Clone)]
pub enum Key {
    Rsa(RsaPrivateKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

/// A private key of tests/data.
pub fn key(name: &str) -> RsaPrivateKey {
    let pem = std::fs::read_to_string(data(&format!("{name}.key"))).unwrap();
    RsaPrivateKey::from_pkcs8_pem(&pem).unwrap()
}

/// An RSA key of this many bits, made from this seed.
pub fn rsa(bits: usize, seed: u64) -> RsaPrivateKey {
    static MADE: Mutex<BTreeMap<(usize, u64), RsaPrivateKey>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || RsaPrivateKey::new_unchecked(&mut rng(seed), bits).unwrap();
    made.entry((bits, seed)).or_insert_with(make).clone()
}

/// A key on P-256, its scalar this byte again and again: not 0 and not 255.
pub fn p256(byte: u8) -> Key {
    Key::P256(p256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap())
}

/// A key on P-384, its scalar this byte again and again: not 0 and not 255.
pub fn p384(byte: u8) -> Key {
    Key::P384(p384::ecdsa::SigningKey::from_slice(&[byte; 48]).unwrap())
}

pub fn public_key(key: &RsaPublicKey) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_key(key).unwrap()
}

/// An RSA public key of this many bits and with this exponent, to which nobody has the private one.
pub fn rsa_public_key(bits: usize, exponent: &[u8]) -> SubjectPublicKeyInfoOwned {
    // 2^(bits - 1) + 1
    let mut modulus = vec![0; bits.div_ceil(8)];
    modulus[0] = 1 << ((bits - 1) % 8);
    *modulus.last_mut().unwrap() |= 1;
    let key = sequence(&[&der::unsigned(&modulus), &der::unsigned(exponent)]);
    raw_public_key(alg_id::RSA_ENCRYPTION, &key)
}

/// A public key of any algorithm.
pub fn raw_public_key(identifier: AlgorithmIdentifier, key: &[u8]) -> SubjectPublicKeyInfoOwned {
    let info = sequence(&[&sequence(&[identifier.as_ref()]), &der::bit_string(key)]);
    SubjectPublicKeyInfoOwned::from_der(&info).unwrap()
}

/// A private key as the configurations take it.
pub fn private_key(key: &RsaPrivateKey) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.to_pkcs8_der().unwrap().as_bytes().to_vec()).into()
}

impl From<RsaPrivateKey> for Key {
    fn from(key: RsaPrivateKey) -> Self {
        Self::Rsa(key)
    }
}

impl Key {
    pub fn public_key(&self) -> SubjectPublicKeyInfoOwned {
        match self {
            Self::Rsa(key) => public_key(key.as_public_key()),
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                raw_public_key(alg_id::ECDSA_P256, point.as_bytes())
            }
            Self::P384(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                raw_public_key(alg_id::ECDSA_P384, point.as_bytes())
            }
        }
    }

    /// The content of the subjectPublicKey.
    pub fn public_key_bytes(&self) -> Vec<u8> {
        self.public_key().subject_public_key.raw_bytes().to_vec()
    }

    /// The usual identifier of its public key
    /// ([RFC 5280 section 4.2.1.2](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.2)), and
    /// the one of a responder.
    pub fn id(&self) -> Vec<u8> {
        Hash::Sha1.digest(&self.public_key_bytes())
    }

    /// The algorithm that it signs with by default.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::RSA_PKCS1_SHA256,
            Self::P256(_) => Algorithm::ECDSA_SHA256,
            Self::P384(_) => Algorithm::ECDSA_SHA384,
        }
    }

    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let digest = algorithm.hash.digest(message);
        match self {
            Self::Rsa(key) => match algorithm.hash {
                Hash::Sha1 => sign_rsa::<Sha1>(key, algorithm.padding, &digest),
                Hash::Sha256 => sign_rsa::<Sha256>(key, algorithm.padding, &digest),
                Hash::Sha384 => sign_rsa::<Sha384>(key, algorithm.padding, &digest),
                Hash::Sha512 => sign_rsa::<Sha512>(key, algorithm.padding, &digest),
            },
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign_prehash(&digest).unwrap();
                signature.as_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign_prehash(&digest).unwrap();
                signature.as_bytes().to_vec()
            }
        }
    }
}

fn sign_rsa<D>(key: &RsaPrivateKey, padding: Padding, digest: &[u8]) -> Vec<u8>
where
    D: Digest + AssociatedOid + FixedOutputReset,
{
    match padding {
        Padding::Pkcs1 => key.sign(Pkcs1v15Sign::new::<D>(), digest).unwrap(),
        Padding::Pss => key.sign_with_rng(&mut rng(3), Pss::<D>::new(), digest).unwrap(),
    }
}

/// What is signed, with which algorithm, and the signature: three in a row, as certificates,
/// CRLs and OCSP responses have them.
pub fn signed(tbs: &[u8], key: &Key, algorithm: Algorithm, damaged: bool) -> Vec<u8> {
    let mut signature = key.sign(algorithm, tbs);
    *signature.last_mut().unwrap() ^= u8::from(damaged);
    [tbs, &algorithm.to_der(), &der::bit_string(&signature)].concat()
}
