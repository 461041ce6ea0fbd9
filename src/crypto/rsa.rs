//! RSA: the key transport's two halves, and the signatures of certificates and CertificateVerify.
//!
//! The arithmetic is the `rsa` crate's and that of `crypto-bigint` below it. The private operation
//! uses the raw decryption with blinding, and a check of the result against CRT faults; never the
//! crate's unpadding, whose output varies in length.

use super::key_schedule::PreMasterSecret;
use super::pkcs1::{encode_pre_master_secret, less_than};
use super::rng::{Drawing, RandomSource};
use crate::enums::SignatureScheme;
use crate::error::{ConfigError, LocalError};
use core::fmt;
use crypto_bigint::modular::BoxedMontyForm;
use pki_types::PrivateKeyDer;
use rsa::pkcs1::der::Decode;
use rsa::pkcs1::{DecodeRsaPrivateKey, RsaPublicKeyRef};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PublicKeyParts, SignatureScheme as _};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
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
        let length = self.0.size();
        let encoded_message = encode_pre_master_secret(pre_master_secret, length, random)?;
        // The message begins with a zero byte, so it is below the modulus and fits its width.
        let integer = BoxedUint::from_be_slice(&encoded_message, self.0.n_bits_precision());
        let integer = Zeroizing::new(integer.map_err(|_| LocalError::RandomUnavailable)?);
        Ok(fixed_width(&public_operation(&self.0, &integer), length).to_vec())
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
                let blinding = Some(&mut Drawing(random));
                let integer = rsa::hazmat::rsa_decrypt(blinding, &self.key, &ciphertext).ok()?;
                let integer = Zeroizing::new(integer);
                // A fault in one half of the CRT would give away a prime.
                (public_operation(&self.key, &integer) == ciphertext).then_some(integer)
            });
        match decrypted {
            Some(integer) => RawDecryption {
                encoded_message: fixed_width(&integer, length),
                usable,
            },
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

/// The exponent of nearly every key: 2^16 + 1.
const F4: u64 = 65_537;

/// `m^e mod n`, for an `m` below the modulus and as wide as it.
///
/// For the usual exponent this is sixteen squarings and a multiplication. The `rsa` crate's general
/// exponentiation, which serves the others, first makes a table of powers and takes twice as long.
/// Both run in constant time with respect to `m`.
fn public_operation<K: PublicKeyParts>(key: &K, m: &BoxedUint) -> BoxedUint {
    if *key.e() != BoxedUint::from(F4) {
        // It has no error to return: the operation itself cannot fail.
        return rsa::hazmat::rsa_encrypt(key, m).unwrap_or_else(|_| m.clone());
    }
    let base = Zeroizing::new(BoxedMontyForm::new(m.clone(), key.n_params()));
    let mut power = Zeroizing::new(base.square());
    for _ in 1..16 {
        power = Zeroizing::new(power.square());
    }
    let power = Zeroizing::new(power.mul(&base));
    power.retrieve()
}

/// An integer below the modulus as big-endian bytes, exactly as many as the modulus has, with
/// nothing trimmed: the storage's width is public, the integer's is not.
fn fixed_width(integer: &BoxedUint, length: usize) -> Zeroizing<Vec<u8>> {
    let storage = Zeroizing::new(integer.to_be_bytes());
    let start = storage.len().saturating_sub(length);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    bytes.extend_from_slice(storage.get(start..).unwrap_or_default());
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_operation_is_that_of_the_rsa_crate_for_any_exponent() {
        let pem = include_str!("../../tests/data/rsa-2056.key");
        let modulus = RsaPrivateKey::from_pkcs8_pem(pem)
            .unwrap()
            .n()
            .as_ref()
            .clone();
        for exponent in [3, 17, F4, F4 + 2] {
            let key = RsaPublicKey::new(modulus.clone(), exponent.into()).unwrap();
            for byte in [0, 1, 0x7f] {
                let message = BoxedUint::from_be_slice(&[byte; 257], key.n_bits_precision());
                let message = message.unwrap();
                assert_eq!(
                    public_operation(&key, &message),
                    rsa::hazmat::rsa_encrypt(&key, &message).unwrap()
                );
            }
        }
    }

    #[test]
    fn integers_keep_the_width_of_the_modulus() {
        let integer = BoxedUint::from_be_slice(&[5], 2112).unwrap();
        let bytes = fixed_width(&integer, 257);
        assert_eq!((bytes.len(), bytes.last()), (257, Some(&5)));
    }

    #[test]
    fn lengths_are_counted_in_bits() {
        for (bytes, bits) in [(&[][..], 0), (&[0, 0], 0), (&[1], 1), (&[0, 0x80, 0], 16)] {
            assert_eq!(bit_length(bytes), bits);
        }
    }
}
