//! RSA: the key transport's two halves, and the signatures of certificates and CertificateVerify.
//!
//! The arithmetic is the `rsa` crate's. The private operation uses its raw decryption with
//! blinding and a check of the result against CRT faults, never its unpadding, whose output varies
//! in length.

use super::key_schedule::PreMasterSecret;
use super::pkcs1::less_than;
use super::rng::{Drawing, RandomSource};
use crate::enums::SignatureScheme;
use crate::error::{ConfigError, LocalError};
use core::fmt;
use pki_types::PrivateKeyDer;
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::{DecodeRsaPrivateKey, RsaPublicKeyRef};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PaddingScheme, PublicKeyParts, SignatureScheme as _};
use rsa::{BoxedUint, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// The key lengths in bits that are accepted, of a peer and of one's own.
pub(crate) const KEY_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyError {
    /// It is no RSA public key, or one with impossible numbers.
    Malformed,
    /// Its modulus is too short or too long.
    Size { bits: usize },
}

/// An RSA public key within the accepted lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey(RsaPublicKey);

impl PublicKey {
    /// Takes the `RSAPublicKey` of [RFC 8017 appendix A.1.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1),
    /// which is what a certificate's subjectPublicKey holds.
    pub(crate) fn from_pkcs1_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let parsed = RsaPublicKeyRef::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        let bits = bit_length(parsed.modulus.as_bytes());
        if !KEY_BITS.contains(&bits) {
            return Err(PublicKeyError::Size { bits });
        }
        parsed
            .try_into()
            .map(Self)
            .map_err(|_| PublicKeyError::Malformed)
    }

    /// Encrypts the pre-master secret to this key, with the random padding of
    /// [RFC 8017 section 7.2.1](https://www.rfc-editor.org/rfc/rfc8017#section-7.2.1).
    pub(crate) fn encrypt(
        &self,
        pre_master_secret: &PreMasterSecret,
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        Pkcs1v15Encrypt
            .encrypt(&mut Drawing(random), &self.0, &pre_master_secret.0)
            .map_err(|_| LocalError::RandomUnavailable)
    }

    /// Whether `signature` is this key's over `message`; `false` also for an algorithm that is not
    /// implemented.
    pub(crate) fn verifies(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let key = &self.0;
        let verified = match scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => {
                Pkcs1v15Sign::new::<Sha256>().verify(key, &Sha256::digest(message), signature)
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                Pkcs1v15Sign::new::<Sha384>().verify(key, &Sha384::digest(message), signature)
            }
            SignatureScheme::RSA_PKCS1_SHA512 => {
                Pkcs1v15Sign::new::<Sha512>().verify(key, &Sha512::digest(message), signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA256 => {
                Pss::<Sha256>::new().verify(key, &Sha256::digest(message), signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA384 => {
                Pss::<Sha384>::new().verify(key, &Sha384::digest(message), signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA512 => {
                Pss::<Sha512>::new().verify(key, &Sha512::digest(message), signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

/// An RSA private key. Wiped when dropped; prints as `[redacted]`.
pub struct PrivateKey {
    key: RsaPrivateKey,
    /// The modulus, big-endian and as long as a ciphertext.
    modulus: Box<[u8]>,
}

impl PrivateKey {
    /// Reads a PKCS#8 or PKCS#1 key and checks that its numbers fit together.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadKey`] if it does not parse or is not consistent, [`ConfigError::NotRsa`]
    /// for a key of another kind, [`ConfigError::KeySize`] outside 2048 to 8192 bits.
    pub fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, ConfigError> {
        let key = match der {
            PrivateKeyDer::Pkcs1(der) => RsaPrivateKey::from_pkcs1_der(der.secret_pkcs1_der())
                .map_err(|_| ConfigError::BadKey)?,
            PrivateKeyDer::Pkcs8(der) => RsaPrivateKey::from_pkcs8_der(der.secret_pkcs8_der())
                .map_err(|error| match error {
                    rsa::pkcs8::Error::PublicKey(rsa::pkcs8::spki::Error::OidUnknown {
                        ..
                    }) => ConfigError::NotRsa,
                    _ => ConfigError::BadKey,
                })?,
            _ => return Err(ConfigError::NotRsa),
        };
        let modulus = key.n_bytes();
        let bits = bit_length(&modulus);
        if !KEY_BITS.contains(&bits) {
            return Err(ConfigError::KeySize { bits });
        }
        Ok(Self { key, modulus })
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey(self.key.to_public_key())
    }

    /// Length of the modulus in bytes, which is the length of every ciphertext.
    #[must_use]
    pub fn modulus_length(&self) -> usize {
        self.modulus.len()
    }

    /// The raw RSA private operation on a ClientKeyExchange's ciphertext, blinded.
    ///
    /// Never fails visibly: a ciphertext of the wrong length or not below the modulus is replaced
    /// by another number, does the same work, and leaves the result marked as unusable.
    pub(crate) fn decrypt_raw(
        &self,
        ciphertext: &[u8],
        random: &dyn RandomSource,
    ) -> RawDecryption {
        let length = self.modulus.len();
        // Any number below the modulus serves in place of one that is not.
        let mut input = vec![0; length];
        let mut usable = Choice::from(0);
        if ciphertext.len() == length {
            usable = less_than(ciphertext, &self.modulus);
            for (to, from) in input.iter_mut().zip(ciphertext) {
                to.conditional_assign(from, usable);
            }
        }

        let decrypted = BoxedUint::from_be_slice(&input, self.key.n_bits_precision())
            .ok()
            .and_then(|ciphertext| {
                rsa::hazmat::rsa_decrypt_and_check(
                    &self.key,
                    Some(&mut Drawing(random)),
                    &ciphertext,
                )
                .ok()
            });
        match decrypted {
            Some(integer) => {
                let integer = Zeroizing::new(integer);
                let storage = Zeroizing::new(integer.to_be_bytes());
                let start = storage.len().saturating_sub(length);
                let mut encoded_message = Zeroizing::new(Vec::with_capacity(length));
                encoded_message.extend_from_slice(storage.get(start..).unwrap_or_default());
                RawDecryption {
                    encoded_message,
                    usable,
                }
            }
            // The random generator failed or the processor miscalculated: nothing the peer sees.
            None => RawDecryption {
                encoded_message: Zeroizing::new(vec![0; length]),
                usable: Choice::from(0),
            },
        }
    }

    /// Signs `message`, hashing it as `scheme` says.
    pub(crate) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let key = &self.key;
        let rng = &mut Drawing(random);
        match scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => {
                Pkcs1v15Sign::new::<Sha256>().sign(Some(rng), key, &Sha256::digest(message))
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                Pkcs1v15Sign::new::<Sha384>().sign(Some(rng), key, &Sha384::digest(message))
            }
            SignatureScheme::RSA_PKCS1_SHA512 => {
                Pkcs1v15Sign::new::<Sha512>().sign(Some(rng), key, &Sha512::digest(message))
            }
            SignatureScheme::RSA_PSS_RSAE_SHA256 => {
                Pss::<Sha256>::new().sign(Some(rng), key, &Sha256::digest(message))
            }
            SignatureScheme::RSA_PSS_RSAE_SHA384 => {
                Pss::<Sha384>::new().sign(Some(rng), key, &Sha384::digest(message))
            }
            SignatureScheme::RSA_PSS_RSAE_SHA512 => {
                Pss::<Sha512>::new().sign(Some(rng), key, &Sha512::digest(message))
            }
            _ => return Err(LocalError::Signing),
        }
        .map_err(|_| LocalError::Signing)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the raw RSA operation returned: as many bytes as the modulus has, padding and all.
///
/// Wiped when dropped; prints as `[redacted]`, since whether it is good must not be seen.
pub(crate) struct RawDecryption {
    pub(crate) encoded_message: Zeroizing<Vec<u8>>,
    pub(crate) usable: Choice,
}

impl fmt::Debug for RawDecryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The number of bits in a big-endian number.
fn bit_length(bytes: &[u8]) -> usize {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let Some(first) = bytes.get(zeros) else {
        return 0;
    };
    let leading = usize::try_from(first.leading_zeros()).unwrap_or(0);
    8 * (bytes.len() - zeros) - leading
}
