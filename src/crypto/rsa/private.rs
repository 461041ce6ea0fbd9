//! The private key in this process.

use super::blinding::{Blinding, Seed};
use super::emsa::Emsa;
use super::fixed_width;
use super::public::{PublicKey, PublicKeyError};
use crate::crypto::private_key::{KeyId, KeyRng, PrivateKey};
use crate::enums::SignatureScheme;
use crate::error::{ConfigError, KeyError};
use core::fmt;
use crypto_bigint::BoxedUint;
use rsa::PrivateKey as RsaPrivateKey;
use zeroize::Zeroizing;

/// An RSA private key in this process. Wiped when dropped; prints as `[redacted]`.
///
/// Its operations are blinded and constant-time with respect to the data, and their results are
/// checked for hardware faults. Several threads may use it at the same time.
pub struct RsaKey {
    key: RsaPrivateKey,
    public: PublicKey,
    id: KeyId,
    blinding: Blinding,
}

impl RsaKey {
    /// Takes a key whose numbers are consistent, and checks its length.
    pub(super) fn new(key: RsaPrivateKey) -> Result<Self, ConfigError> {
        let public = PublicKey::of(&key).map_err(|error| match error {
            PublicKeyError::Malformed => ConfigError::BadKey,
            PublicKeyError::Size { bits } => ConfigError::KeySize { bits },
        })?;
        Ok(Self {
            id: public.key_id().ok_or(ConfigError::BadKey)?,
            key,
            public,
            blinding: Blinding::default(),
        })
    }

    /// Returns the length of the modulus in bytes, which is also the length of each ciphertext and
    /// signature.
    #[must_use]
    pub fn modulus_length(&self) -> usize {
        self.public.length()
    }

    /// Computes `number^d mod n` for a number below the modulus; `None` if the hardware
    /// miscalculated.
    fn private_operation(
        &self,
        number: &BoxedUint,
        rng: &mut KeyRng<'_>,
    ) -> Result<Option<Zeroizing<BoxedUint>>, KeyError> {
        let mut seed = Zeroizing::new(Seed::default());
        rng.try_fill_bytes(seed.as_mut())?;
        let factors = self.blinding.take(&self.public, &seed).ok_or(KeyError)?;
        // The `rsa` crate would draw factors, and invert one, for each operation.
        let blinded = Zeroizing::new(factors.blind(&self.public, number));
        let raised = rsa::hazmat::rsa_decrypt(None::<&mut KeyRng<'_>>, &self.key, &blinded)
            .map(Zeroizing::new)
            .map_err(|_| KeyError)?;
        let result = Zeroizing::new(factors.unblind(&self.public, &raised));
        // A fault in one half of the CRT would give away a prime. One in the factors would stay.
        if self.public.raise(&result) != *number {
            return Ok(None);
        }
        self.blinding.put_back(factors);
        Ok(Some(result))
    }
}

impl PrivateKey for RsaKey {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError> {
        let length = self.modulus_length();
        if ciphertexts.len() != integers.len() || !ciphertexts.len().is_multiple_of(length) {
            return Err(KeyError);
        }
        let ciphertexts = ciphertexts.chunks_exact(length);
        for (ciphertext, integer) in ciphertexts.zip(integers.chunks_exact_mut(length)) {
            let number = self.public.integer(ciphertext).ok_or(KeyError)?;
            if let Some(result) = self.private_operation(&number, rng)? {
                integer.copy_from_slice(&fixed_width(&result, length));
            }
        }
        Ok(())
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let emsa = Emsa::of(scheme).ok_or(KeyError)?;
        let number = emsa
            .encode(message, self.public.bits(), rng)?
            .and_then(|encoded| self.public.integer(&encoded))
            .ok_or(KeyError)?;
        let signature = self.private_operation(&number, rng)?.ok_or(KeyError)?;
        Ok(fixed_width(&signature, self.modulus_length()).to_vec())
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::private_key::key_rng;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rsa::PublicKey as RsaPublicKey;
    use rsa::pkcs1::EncodeRsaPublicKey;
    use rsa::traits::PublicKeyParts;

    fn key() -> RsaKey {
        RsaKey::from_pem(include_bytes!("../../../tests/data/rsa-2048.key")).unwrap()
    }

    /// A key whose private numbers do not fit its public ones, as after a hardware fault.
    ///
    /// No encoding makes one: what stands in it for the CRT is computed anew and not read.
    fn faulty() -> RsaKey {
        let key = key();
        let other = RsaPublicKey::new(key.key.n().as_ref().clone(), 17_u32.into()).unwrap();
        let other = other.to_pkcs1_der().unwrap();
        RsaKey {
            public: PublicKey::from_pkcs1_der(other.as_bytes(), &crate::crypto::rsa::KEY_BITS)
                .unwrap(),
            ..key
        }
    }

    #[test]
    fn a_result_that_is_wrong_does_not_leave() {
        let key = faulty();
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        let length = key.modulus_length();
        let mut integers = vec![0; 2 * length];
        let decrypted = key.decrypt(&vec![0x5a; 2 * length], &mut integers, &mut rng);
        assert_eq!((decrypted, integers), (Ok(()), vec![0; 2 * length]));
        for scheme in [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PSS_RSAE_SHA256,
        ] {
            let signed = key.sign(scheme, b"message", &mut rng);
            assert_eq!(signed, Err(KeyError));
        }
    }

    /// A bit that flips in kept factors costs one operation, and not all that they would serve.
    #[test]
    fn factors_whose_result_was_wrong_are_not_used_again() {
        let key = key();
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        // r^17 and 1/r.
        let spoilt = Blinding::default().take(&faulty().public, &[1; 32]);
        key.blinding.put_back(spoilt.unwrap());
        let mut sign = || key.sign(SignatureScheme::RSA_PKCS1_SHA256, b"message", &mut rng);
        assert_eq!(sign(), Err(KeyError));
        for _ in 0..3 {
            assert!(sign().is_ok());
        }
    }

    /// Bare, the operation makes 1 of 1 whatever the exponents; blinded with one that does not fit,
    /// it makes anything of it.
    #[test]
    fn the_operation_never_sees_the_number() {
        let key = faulty();
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        let mut one = vec![0; key.modulus_length()];
        *one.last_mut().unwrap() = 1;
        let mut integer = vec![0; one.len()];
        key.decrypt(&one, &mut integer, &mut rng).unwrap();
        assert_eq!(integer, vec![0; one.len()]);
    }

    #[test]
    fn blinding_factors_are_kept_for_the_next_use() {
        let key = key();
        let one = key.public.integer(&[1]).unwrap();
        let seed: Seed = [7; 32];
        let power = |blinding: &Blinding| {
            let factors = blinding.take(&key.public, &seed).unwrap();
            factors.blind(&key.public, &one)
        };
        let drawn = power(&Blinding::default());
        assert_eq!(power(&key.blinding), drawn);
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        key.sign(SignatureScheme::RSA_PKCS1_SHA256, b"message", &mut rng).unwrap();
        assert_ne!(power(&key.blinding), drawn);
        // They were lent, and there are no others.
        assert_eq!(power(&key.blinding), drawn);
    }
}
