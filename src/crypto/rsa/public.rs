//! The public key: encryption, and the verification of signatures.

use super::emsa::{Emsa, signature_hash};
use super::engine::PublicEngine;
use super::{KEY_BITS, fixed_width};
use crate::crypto::key_id::KeyId;
use crate::crypto::pkcs1::{encode_pre_master_secret, less_than};
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::rng::RandomSource;
use crate::enums::SignatureScheme;
use crate::error::LocalError;
use core::ops::RangeInclusive;
use crypto_bigint::{BoxedUint, Odd};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs1::der::Decode;
use rsa::pkcs8::EncodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{PrivateKey as RsaPrivateKey, PublicKey as RsaPublicKey};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// The public exponents that are accepted, which bounds the work for a peer's key. The largest is
/// the `rsa` crate's limit.
const EXPONENTS: RangeInclusive<u64> = 3..=(1 << 33) - 1;

/// The public exponents of keys that are known in advance.
const PINNED_EXPONENTS: RangeInclusive<u64> = 3..=u64::MAX;

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyError {
    /// It is not an RSA public key, or its numbers are impossible.
    Malformed,
    /// Its modulus is too short or too long.
    Size { bits: usize },
}

/// An RSA public key within the accepted lengths.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    modulus: Odd<BoxedUint>,
    /// The length of the modulus in bits; its storage is a multiple of whole words.
    bits: usize,
    exponent: u64,
    engine: PublicEngine,
}

impl PublicKey {
    /// Parses the `RSAPublicKey` of
    /// [RFC 8017 appendix A.1.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1), which is
    /// the content of a certificate's subjectPublicKey. Its length must be among the `accepted`.
    pub(crate) fn from_pkcs1_der(
        der: &[u8],
        accepted: &RangeInclusive<usize>,
    ) -> Result<Self, PublicKeyError> {
        Self::read(der, accepted, &EXPONENTS)
    }

    /// Parses an `RSAPublicKey` that is known in advance. Its exponent may have up to 64 bits, so
    /// that a public operation takes twice as long as with the longest one otherwise.
    pub(crate) fn from_pinned_pkcs1_der(
        der: &[u8],
        accepted: &RangeInclusive<usize>,
    ) -> Result<Self, PublicKeyError> {
        Self::read(der, accepted, &PINNED_EXPONENTS)
    }

    fn read(
        der: &[u8],
        accepted: &RangeInclusive<usize>,
        exponents: &RangeInclusive<u64>,
    ) -> Result<Self, PublicKeyError> {
        let parsed = RsaPublicKeyRef::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        let modulus = parsed.modulus.as_bytes();
        let bits = bit_length(modulus);
        if !accepted.contains(&bits) {
            return Err(PublicKeyError::Size { bits });
        }
        let precision = u32::try_from(bits).map_err(|_| PublicKeyError::Malformed)?;
        let modulus = BoxedUint::from_be_slice(modulus, precision)
            .ok()
            .and_then(|modulus| Odd::new(modulus).into_option())
            .ok_or(PublicKeyError::Malformed)?;
        let exponent = exponent(parsed.public_exponent.as_bytes(), exponents)?;
        Ok(Self::new(modulus, bits, exponent))
    }

    /// The public half of a private key.
    pub(super) fn of(key: &RsaPrivateKey) -> Result<Self, PublicKeyError> {
        let bits = bit_length(&key.n_bytes());
        if !KEY_BITS.contains(&bits) {
            return Err(PublicKeyError::Size { bits });
        }
        let modulus = key.n_params().modulus().clone();
        Ok(Self::new(
            modulus,
            bits,
            exponent(&key.e_bytes(), &EXPONENTS)?,
        ))
    }

    fn new(modulus: Odd<BoxedUint>, bits: usize, exponent: u64) -> Self {
        Self {
            engine: PublicEngine::choose(&modulus, exponent),
            modulus,
            bits,
            exponent,
        }
    }

    /// Returns the SPKI fingerprint; `None` if the key cannot be encoded.
    pub(crate) fn key_id(&self) -> Option<KeyId> {
        let modulus = self.modulus.as_ref().clone();
        let key = RsaPublicKey::new(modulus, self.exponent.into()).ok()?;
        Some(KeyId::of_spki(key.to_public_key_der().ok()?.as_bytes()))
    }

    /// Returns the length of the modulus in bytes, which is also that of each ciphertext and
    /// signature.
    pub(crate) fn length(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// Returns true if the key is shorter than is accepted without a waiver.
    pub(crate) fn is_short(&self) -> bool {
        self.bits < *KEY_BITS.start()
    }

    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    /// Encrypts the pre-master secret to this key, with the random padding of
    /// [RFC 8017 section 7.2.1](https://www.rfc-editor.org/rfc/rfc8017#section-7.2.1).
    pub(crate) fn encrypt(
        &self,
        pre_master_secret: &PreMasterSecret,
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let length = self.length();
        let encoded_message = encode_pre_master_secret(pre_master_secret, length, random)?;
        // The message begins with a zero byte, so it is below the modulus and fits its width.
        let integer = self.integer(&encoded_message).map(Zeroizing::new).ok_or(
            LocalError::Internal("an encoded message is wider than the modulus"),
        )?;
        Ok(fixed_width(&self.raise(&integer), length).to_vec())
    }

    /// Returns true if `signature` is valid for `message` under this key; false also for an
    /// algorithm that is not implemented.
    pub(crate) fn verifies(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        signature_hash(scheme)
            .is_some_and(|hash| self.verifies_hash(scheme, &hash.of(&[message]), signature))
    }

    /// Returns true if `signature` is valid for the message with this hash, which is the scheme's.
    pub(crate) fn verifies_hash(
        &self,
        scheme: SignatureScheme,
        hash: &[u8],
        signature: &[u8],
    ) -> bool {
        // "If the length of the signature S is not k octets, output "invalid signature"", and so
        // if "the signature representative s is not between 0 and n - 1" (RFC 8017 section 8.2.2).
        if signature.len() != self.length() {
            return false;
        }
        let (Some(emsa), Some(integer)) = (Emsa::of(scheme), self.integer(signature)) else {
            return false;
        };
        if !self.is_above(&integer) {
            return false;
        }
        let encoded = fixed_width(&self.raise(&integer), self.length());
        emsa.verifies(hash, &encoded, self.bits)
    }

    /// Returns a ciphertext that the private key accepts: as long as the modulus and below it. Any
    /// other is replaced by zero, with the same work; the choice tells whether it was valid.
    pub(crate) fn admit(&self, ciphertext: &[u8]) -> (Vec<u8>, Choice) {
        let length = self.length();
        let mut admitted = vec![0; length];
        let mut good = Choice::from(0);
        if ciphertext.len() == length {
            let modulus = fixed_width(self.modulus.as_ref(), length);
            good = less_than(ciphertext, &modulus);
            for (to, from) in admitted.iter_mut().zip(ciphertext) {
                to.conditional_assign(from, good);
            }
        }
        (admitted, good)
    }

    /// Computes `m^e mod n` for an `m` below the modulus and as wide as it, in constant time with
    /// respect to `m`.
    pub(super) fn raise(&self, m: &BoxedUint) -> BoxedUint {
        self.engine.raise(m, self.exponent)
    }

    /// Returns the number of these bytes modulo the modulus.
    pub(super) fn reduce(&self, bytes: &[u8]) -> BoxedUint {
        let wide = Zeroizing::new(BoxedUint::from_be_slice_vartime(bytes));
        wide.rem(self.modulus.as_nz_ref())
    }

    /// Returns the inverse of a number modulo the modulus, in constant time; `None` if it is a
    /// multiple of a prime of the key.
    pub(super) fn invert(&self, number: &BoxedUint) -> Option<BoxedUint> {
        number.invert_odd_mod(&self.modulus).into_option()
    }

    /// Returns the number of these bytes, as wide as the modulus; `None` if it is wider.
    pub(super) fn integer(&self, bytes: &[u8]) -> Option<BoxedUint> {
        BoxedUint::from_be_slice(bytes, self.modulus.bits_precision()).ok()
    }

    /// Returns the number of a ciphertext that is as long as the modulus. One that is not below the
    /// modulus is replaced by zero, whose result is zero.
    pub(super) fn ciphertext(&self, bytes: &[u8]) -> Option<BoxedUint> {
        let number = self.integer(bytes)?;
        if self.is_above(&number) {
            Some(number)
        } else {
            self.integer(&[])
        }
    }

    /// Returns true if the number is below the modulus.
    pub(super) fn is_above(&self, number: &BoxedUint) -> bool {
        number < self.modulus.as_ref()
    }

    pub(super) fn engine(&self) -> &PublicEngine {
        &self.engine
    }
}

/// Reads a big-endian public exponent, which is odd (so that it has an inverse) and in the accepted
/// range.
fn exponent(bytes: &[u8], accepted: &RangeInclusive<u64>) -> Result<u64, PublicKeyError> {
    bytes
        .iter()
        .try_fold(0_u64, |number, byte| {
            number.checked_mul(1 << 8)?.checked_add(u64::from(*byte))
        })
        .filter(|exponent| accepted.contains(exponent) && exponent % 2 == 1)
        .ok_or(PublicKeyError::Malformed)
}

/// The number of bits in a big-endian number.
fn bit_length(bytes: &[u8]) -> usize {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let Some(first) = bytes.get(zeros) else {
        return 0;
    };
    let leading = (0..8).take_while(|bit| first & (0x80 >> bit) == 0).count();
    8 * (bytes.len() - zeros) - leading
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::pkcs1::EncodeRsaPublicKey;
    use rsa::pkcs8::DecodePrivateKey;

    /// The exponent of nearly every key: 2^16 + 1.
    const F4: u64 = 65_537;

    impl PublicKey {
        pub(crate) fn modulus(&self) -> &Odd<BoxedUint> {
            &self.modulus
        }

        /// The key on each engine that this processor has for it, the portable one first.
        pub(crate) fn on_every_engine(&self) -> Vec<Self> {
            let engines = PublicEngine::all(&self.modulus, self.exponent).into_iter();
            engines
                .map(|engine| Self {
                    engine,
                    ..self.clone()
                })
                .collect()
        }

        /// The same modulus with another exponent.
        pub(crate) fn with_exponent(&self, exponent: u64) -> Self {
            Self::new(self.modulus.clone(), self.bits, exponent)
        }
    }

    fn key(exponent: u64) -> RsaPublicKey {
        let pem = include_str!("../../../tests/data/rsa-2056.key");
        let key = RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
        RsaPublicKey::new(key.n().as_ref().clone(), exponent.into()).unwrap()
    }

    fn own(key: &RsaPublicKey) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_pkcs1_der(key.to_pkcs1_der().unwrap().as_bytes(), &KEY_BITS)
    }

    #[test]
    fn the_public_operation_is_that_of_the_rsa_crate_for_any_exponent() {
        for exponent in [3, 17, F4, F4 + 2, (1 << 33) - 1] {
            let theirs = key(exponent);
            let own = own(&theirs).unwrap();
            for own in own.on_every_engine() {
                for byte in [0, 1, 0x7f] {
                    let message = own.integer(&[byte; 257]).unwrap();
                    assert_eq!(
                        own.raise(&message),
                        rsa::hazmat::rsa_encrypt(&theirs, &message).unwrap()
                    );
                }
            }
        }
    }

    #[test]
    fn keys_with_impossible_numbers_are_refused() {
        // It ends with the exponent and its two bytes of header.
        let good = key(F4).to_pkcs1_der().unwrap().as_bytes().to_vec();
        assert!(PublicKey::from_pkcs1_der(&good, &KEY_BITS).is_ok());
        let (last_of_modulus, last_of_exponent) = (good.len() - 6, good.len() - 1);
        for last in [last_of_modulus, last_of_exponent] {
            let mut even = good.clone();
            even[last] &= 0xfe;
            let refused = PublicKey::from_pkcs1_der(&even, &KEY_BITS).unwrap_err();
            assert_eq!(refused, PublicKeyError::Malformed);
        }
    }

    #[test]
    fn only_numbers_below_the_modulus_are_admitted() {
        let own = own(&key(F4)).unwrap();
        let modulus = own.modulus.as_ref();
        let bytes = |number: &BoxedUint| fixed_width(number, 257).to_vec();
        let below = bytes(&modulus.wrapping_sub(BoxedUint::one()));
        let (admitted, good) = own.admit(&below);
        assert_eq!((admitted, bool::from(good)), (below.clone(), true));
        for bad in [&bytes(modulus)[..], &[0xff; 257], &below[1..], &[]] {
            let (admitted, good) = own.admit(bad);
            assert_eq!((admitted, bool::from(good)), (vec![0; 257], false));
        }
    }

    #[test]
    fn exponents_and_lengths_are_read_without_their_leading_zeros() {
        for (bytes, bits) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0, 0x10], 5),
            (&[0x7f, 0xff], 15),
            (&[0, 0x80, 0], 16),
        ] {
            assert_eq!(bit_length(bytes), bits);
        }
        let accepted = exponent(&[0, 0, 0, 0, 0, 0, 1, 0, 1], &EXPONENTS);
        assert_eq!(accepted, Ok(F4));
        for bad in [&[][..], &[1], &[1; 9], &[2, 0, 0, 0, 1]] {
            let refused = exponent(bad, &EXPONENTS);
            assert_eq!(refused, Err(PublicKeyError::Malformed), "{bad:?}");
        }
        assert_eq!(exponent(&[0xff; 8], &PINNED_EXPONENTS), Ok(u64::MAX));
        for bad in [&[][..], &[1], &[1; 9], &[4]] {
            let refused = exponent(bad, &PINNED_EXPONENTS);
            assert_eq!(refused, Err(PublicKeyError::Malformed), "{bad:?}");
        }
    }
}
