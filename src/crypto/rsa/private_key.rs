//! The key in this process as a [`PrivateKey`].

use super::emsa::Emsa;
use super::fixed_width;
use super::operation::{Decryption, Operation, decrypt_together, run};
use super::private::RsaKey;
use crate::crypto::key_id::{KeyId, KeyRng};
use crate::crypto::private_key::PrivateKey;
use crate::enums::SignatureScheme;
use crate::error::KeyError;
use crypto_bigint::BoxedUint;
use zeroize::Zeroizing;

impl RsaKey {
    /// Computes `number^d mod n` for a number below the modulus; `None` if the hardware
    /// miscalculated.
    fn private_operation(
        &self,
        number: BoxedUint,
        rng: &mut KeyRng<'_>,
    ) -> Result<Option<Zeroizing<BoxedUint>>, KeyError> {
        let mut operation = [Operation::begin(self, number, rng)?];
        run(&mut operation)?;
        let [operation] = operation;
        Ok(operation.finish())
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
        let mut decryptions: Vec<_> = ciphertexts
            .chunks_exact(length)
            .zip(integers.chunks_exact_mut(length))
            .map(|(ciphertext, integer)| Decryption {
                key: self,
                ciphertext,
                integer,
            })
            .collect();
        decrypt_together(&mut decryptions, rng)
    }

    fn as_rsa_key(&self) -> Option<&RsaKey> {
        Some(self)
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
        let signature = self.private_operation(number, rng)?.ok_or(KeyError)?;
        Ok(fixed_width(&signature, self.modulus_length()).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_id::key_rng;
    use crate::crypto::rsa::blinding::Blinding;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn key() -> RsaKey {
        RsaKey::from_pem(include_bytes!("../../../tests/data/rsa-2048.key")).unwrap()
    }

    /// A key whose private numbers do not fit its public ones, as after a hardware fault.
    ///
    /// No encoding makes one: what stands in it for the CRT is computed anew and not read.
    fn faulty() -> RsaKey {
        let key = key();
        let public = key.public.with_exponent(17);
        RsaKey { public, ..key }
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
        let factors = Blinding::default().take(&key.public, &[7; 32]).unwrap();
        let power = factors.blind(&one);
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        key.blinding.put_back(factors);
        key.sign(SignatureScheme::RSA_PKCS1_SHA256, b"message", &mut rng).unwrap();
        let used = key.blinding.take(&key.public, &[8; 32]).unwrap();
        // They were squared when they were put back, before the signature and after it.
        let square = |number: &BoxedUint| number.mul_mod(number, key.public.modulus().as_nz_ref());
        assert_eq!(*used.blind(&one), square(&square(&power)));
    }
}
