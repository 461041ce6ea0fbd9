//! The private operation, one or several at a time, of one key or of several.
//!
//! ```text
//! number --blind--> number r^e --engine--> m r --unblind--> m --check--> m^e = number
//! ```
//!
//! Everything but the middle is the work of the public engine. The engines of all keys run in one
//! call, so that operations of different keys share the lanes of a vector.

use super::blinding::{Factors, Seed};
use super::fixed_width;
use super::private::RsaKey;
use super::private_engine::PrivateEngine;
use crate::crypto::key_id::KeyRng;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use crate::crypto::vector::{self, PrivateJob};
use crate::error::KeyError;
use crypto_bigint::BoxedUint;
use zeroize::Zeroizing;

/// An operation that has begun.
pub(super) struct Operation<'k> {
    key: &'k RsaKey,
    number: BoxedUint,
    factors: Factors,
    /// The blinded number, and then the result, which is still blinded.
    blinded: Zeroizing<BoxedUint>,
}

impl<'k> Operation<'k> {
    /// Blinds a number, which is below the modulus and as wide as it.
    pub(super) fn begin(
        key: &'k RsaKey,
        number: BoxedUint,
        rng: &mut KeyRng<'_>,
    ) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new(Seed::default());
        rng.try_fill_bytes(seed.as_mut())?;
        let factors = key.blinding.take(&key.public, &seed).ok_or(KeyError)?;
        Ok(Self {
            key,
            blinded: factors.blind(&number),
            number,
            factors,
        })
    }

    /// Returns the result of an operation that has run; `None` if the hardware miscalculated.
    pub(super) fn finish(self) -> Option<Zeroizing<BoxedUint>> {
        let result = self.factors.unblind(&self.blinded);
        // A fault in one half of the CRT would give away a prime. One in the factors would stay.
        if self.key.public.raise(&result) != self.number {
            return None;
        }
        self.key.blinding.put_back(self.factors);
        Some(result)
    }
}

/// Runs the engines of all operations.
pub(super) fn run(operations: &mut [Operation<'_>]) -> Result<(), KeyError> {
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    let mut jobs = Vec::with_capacity(operations.len());
    for operation in &mut *operations {
        match &operation.key.engine {
            PrivateEngine::Portable(key) => {
                // Without a generator, because the crate would draw factors, and invert one, for
                // each operation.
                let rng = None::<&mut KeyRng<'_>>;
                let result = rsa::hazmat::rsa_decrypt(rng, &**key, &operation.blinded);
                operation.blinded = Zeroizing::new(result.map_err(|_| KeyError)?);
            }
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            PrivateEngine::Vector(key) => jobs.push(PrivateJob {
                key,
                number: operation.blinded.as_mut_words(),
            }),
        }
    }
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    vector::run(&mut jobs);
    #[cfg(test)]
    for operation in operations {
        operation.key.injected.apply(&mut operation.blinded);
    }
    Ok(())
}

/// A ciphertext to decrypt, and where its result goes.
pub(crate) struct Decryption<'a> {
    pub(crate) key: &'a RsaKey,
    pub(crate) ciphertext: &'a [u8],
    /// Zero on entry, and left so where there is no result.
    pub(crate) integer: &'a mut [u8],
}

/// Decrypts ciphertexts of one key or of several together, with as many bytes of `rng` for each.
///
/// # Errors
///
/// [`KeyError`] if `rng` fails, or if a slice is not as long as its key's modulus.
pub(crate) fn decrypt_together(
    decryptions: &mut [Decryption<'_>],
    rng: &mut KeyRng<'_>,
) -> Result<(), KeyError> {
    let fits = |one: &Decryption<'_>| {
        let length = one.key.modulus_length();
        one.ciphertext.len() == length && one.integer.len() == length
    };
    if !decryptions.iter().all(fits) {
        return Err(KeyError);
    }
    let mut operations = decryptions
        .iter()
        .map(|one| {
            let number = one.key.public.ciphertext(one.ciphertext).ok_or(KeyError)?;
            Operation::begin(one.key, number, rng)
        })
        .collect::<Result<Vec<_>, _>>()?;
    run(&mut operations)?;
    for (operation, one) in operations.into_iter().zip(decryptions) {
        if let Some(result) = operation.finish() {
            one.integer.copy_from_slice(&fixed_width(&result, one.ciphertext.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_id::key_rng;
    use crate::crypto::private_key::PrivateKey;
    use crate::crypto::rsa::engine::PublicEngine;
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    use crate::crypto::rsa::vector::private_kernel;
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    use crate::crypto::vector::Tier;
    use crate::enums::SignatureScheme;
    use crate::error::LocalError;
    use crypto_bigint::{ConcatenatingMul, NonZero, Odd, Resize};
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    use rsa::PrivateKey as RsaPrivateKey;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};

    impl PrivateEngine {
        /// All engines of this processor for a key, the portable one first.
        fn all(key: &RsaPrivateKey) -> Vec<Self> {
            #[cfg_attr(
                not(all(feature = "vector", target_arch = "x86_64")),
                allow(unused_mut)
            )]
            let mut engines = vec![Self::Portable(Box::new(key.clone()))];
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            engines.extend(
                Tier::ALL
                    .into_iter()
                    .filter_map(|tier| private_kernel(key, tier))
                    .map(|kernel| Self::Vector(Box::new(kernel))),
            );
            engines
        }

        fn is_portable(&self) -> bool {
            matches!(self, Self::Portable(_))
        }
    }

    fn theirs(name: &str) -> RsaPrivateKey {
        let path = format!("{}/tests/data/{name}.key", env!("CARGO_MANIFEST_DIR"));
        RsaPrivateKey::from_pkcs8_pem(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// The key on each pair of engines that this processor has for it.
    fn on_every_engine(theirs: &RsaPrivateKey) -> Vec<RsaKey> {
        let own = RsaKey::new(theirs.clone()).unwrap();
        let publics = own.public.on_every_engine();
        let pairs = publics.iter().flat_map(|public| {
            let engines = PrivateEngine::all(theirs).into_iter();
            engines.map(move |engine| (engine, public.clone()))
        });
        pairs
            .map(|(engine, public)| {
                let mut key = RsaKey::new(theirs.clone()).unwrap();
                (key.engine, key.public) = (engine, public);
                key
            })
            .collect()
    }

    /// Zero, the largest number, and a multiple of a prime: no more, because vector instructions
    /// take seconds where they are not optimised. The kernels have tests of their own.
    fn numbers(key: &RsaPrivateKey) -> Vec<BoxedUint> {
        let width = key.n_bits_precision();
        let zero = BoxedUint::zero_with_precision(width);
        let largest = key.n().wrapping_sub(BoxedUint::one());
        vec![zero, largest, key.primes()[0].as_ref().resize(width)]
    }

    fn operate(key: &RsaKey, number: &BoxedUint) -> Option<Zeroizing<BoxedUint>> {
        let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
        let mut operation = [Operation::begin(key, number.clone(), &mut rng).unwrap()];
        run(&mut operation).unwrap();
        let [operation] = operation;
        operation.finish()
    }

    #[test]
    fn every_engine_computes_what_the_rsa_crate_does() {
        let theirs = theirs("rsa-2048");
        for key in on_every_engine(&theirs) {
            for number in numbers(&theirs) {
                let rng = None::<&mut ChaCha12Rng>;
                let expected = rsa::hazmat::rsa_decrypt(rng, &theirs, &number).unwrap();
                assert_eq!(operate(&key, &number).as_deref(), Some(&expected));
            }
        }
    }

    #[test]
    fn a_wrong_result_of_any_engine_does_not_leave() {
        for key in on_every_engine(&theirs("rsa-2048")) {
            let number = key.public.integer(&[0x5a; 200]).unwrap();
            key.injected.inject();
            assert_eq!(operate(&key, &number), None);
            let mut rng = key_rng(ChaCha12Rng::seed_from_u64(4));
            let ciphertexts = [0x5a; 2 * 256];
            let mut integers = [0; 2 * 256];
            let decrypted = key.decrypt(&ciphertexts, &mut integers, &mut rng);
            assert_eq!((decrypted, integers), (Ok(()), [0; 2 * 256]));
            let signed = key.sign(SignatureScheme::RSA_PKCS1_SHA256, b"message", &mut rng);
            assert_eq!(signed, Err(KeyError));
        }
    }

    /// Good ones, some not below the modulus, and those of a key whose engine is at fault.
    #[test]
    fn keys_are_decrypted_for_together_and_do_not_disturb_each_other() {
        let theirs = ["rsa-2048", "rsa-3072", "rsa-2048-ca"].map(theirs);
        let mut keys = Vec::new();
        for theirs in &theirs {
            keys.extend(on_every_engine(theirs).into_iter().map(|key| (theirs, key)));
        }
        let (_, faulty) = keys.last().unwrap();
        faulty.injected.inject();
        let faulty = core::ptr::from_ref(faulty);
        let mut rng = ChaCha12Rng::seed_from_u64(9);
        let mut jobs = Vec::new();
        for round in 0..2 {
            for (theirs, key) in &keys {
                let mut ciphertext = vec![0; key.modulus_length()];
                rng.fill_bytes(&mut ciphertext);
                ciphertext[0] = if round == 1 { 0xff } else { 0 };
                let number = key.public.integer(&ciphertext).unwrap();
                let expected = if round == 1 || core::ptr::eq(key, faulty) {
                    vec![0; ciphertext.len()]
                } else {
                    let rng = None::<&mut ChaCha12Rng>;
                    let result = rsa::hazmat::rsa_decrypt(rng, *theirs, &number).unwrap();
                    fixed_width(&result, ciphertext.len()).to_vec()
                };
                jobs.push((key, ciphertext, expected));
            }
        }
        let mut integers: Vec<_> =
            jobs.iter().map(|(_, ciphertext, _)| vec![0; ciphertext.len()]).collect();
        let mut drawn = 0;
        let mut counting = crate::crypto::rng::Drawing(|out: &mut [u8]| {
            drawn += out.len();
            rng.fill_bytes(out);
            Ok::<_, LocalError>(())
        });
        let mut decryptions: Vec<_> = jobs
            .iter()
            .zip(&mut integers)
            .map(|((key, ciphertext, _), integer)| Decryption {
                key,
                ciphertext,
                integer,
            })
            .collect();
        decrypt_together(&mut decryptions, &mut counting).unwrap();
        assert_eq!(drawn, 32 * jobs.len());
        let expected: Vec<_> = jobs.into_iter().map(|(.., expected)| expected).collect();
        assert!(integers == expected);
    }

    /// A job of the wrong length refuses all, before anything is drawn.
    #[test]
    fn lengths_are_those_of_the_modulus() {
        let keys = ["rsa-2048", "rsa-3072"].map(|name| RsaKey::new(theirs(name)).unwrap());
        let mut rng = crate::crypto::rng::Drawing(|_: &mut [u8]| -> Result<(), LocalError> {
            panic!("drawn")
        });
        for (ciphertext, integer) in [(256, 256), (384, 383), (0, 0)] {
            let (ciphertext, mut integer) = (vec![1; ciphertext], vec![0; integer]);
            let mut good = [0; 256];
            let mut decryptions = [
                Decryption {
                    key: &keys[0],
                    ciphertext: &[1; 256],
                    integer: &mut good,
                },
                Decryption {
                    key: &keys[1],
                    ciphertext: &ciphertext,
                    integer: &mut integer,
                },
            ];
            let refused = decrypt_together(&mut decryptions, &mut rng);
            assert_eq!((refused, good), (Err(KeyError), [0; 256]));
        }
    }

    /// The tiers of src/crypto/vector/mod.rs.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    #[test]
    fn keys_choose_the_engines_that_this_processor_has() {
        let has = |tier| Tier::permitted().any(|permitted| permitted == tier);
        let avx2 = has(Tier::Avx2) && std::is_x86_feature_detected!("avx2");
        let ifma = has(Tier::Avx512) && std::is_x86_feature_detected!("avx512ifma");
        for name in ["rsa-2048", "rsa-3072", "rsa-4096"] {
            let key = RsaKey::new(theirs(name)).unwrap();
            assert_eq!(key.engine.is_portable(), !(avx2 || ifma), "{name}");
            let public = matches!(key.public.engine(), PublicEngine::Vector(_));
            assert_eq!(public, ifma, "{name}");
            let other = key.public.with_exponent(17);
            assert!(matches!(other.engine(), PublicEngine::Portable(_)));
        }
    }

    #[test]
    fn keys_of_other_shapes_are_left_to_the_portable_engine() {
        let (long, short) = (theirs("rsa-3072"), theirs("rsa-1024"));
        let (long, short) = (&long.primes()[..1], short.primes());
        for primes in [[long, short].concat(), [long, &short[..1]].concat()] {
            let product = |numbers: Vec<BoxedUint>| {
                let one = BoxedUint::one();
                numbers.iter().fold(one, |product, number| product.concatenating_mul(number))
            };
            let less_one = |prime: &Odd<BoxedUint>| prime.as_ref().wrapping_sub(BoxedUint::one());
            let numbers: Vec<_> = primes.iter().map(|prime| prime.as_ref().clone()).collect();
            let totient = product(primes.iter().map(less_one).collect());
            let e = BoxedUint::from(65_537_u32);
            let d = e.clone().resize(totient.bits_precision());
            let d = d.invert_mod(&NonZero::new(totient).unwrap()).unwrap();
            let n = product(numbers.clone());
            let theirs = if numbers.len() == 2 {
                RsaPrivateKey::from_components_with_wide_primes(n, e, d, numbers).unwrap()
            } else {
                RsaPrivateKey::from_components(n, e, d, numbers).unwrap()
            };
            let key = RsaKey::new(theirs.clone()).unwrap();
            assert!(key.engine.is_portable());
            let number = key.public.integer(&[0x5a; 200]).unwrap();
            let rng = None::<&mut ChaCha12Rng>;
            let expected = rsa::hazmat::rsa_decrypt(rng, &theirs, &number).unwrap();
            assert_eq!(operate(&key, &number).as_deref(), Some(&expected));
        }
    }
}
