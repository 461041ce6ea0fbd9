//! Blinding: the private operation does not run on the number that the peer chose, so its time and
//! power consumption tell the peer nothing.
//!
//! `c` is multiplied by `r^e` before the operation, and the result by `1/r` after it. Drawing `r`
//! and inverting it costs a quarter of the operation itself. So the two factors are squared after
//! each use, which makes them the factors of `r^2`, and drawn anew only after some uses.

use super::public::PublicKey;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::prf::PrfKey;
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::BoxedMontyForm;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// How often factors are used, as often as in OpenSSL.
const USES: u32 = 32;

/// The most factors that are kept, each of which serves one thread at a time.
const KEPT: usize = 64;

/// The bytes that are drawn for `r` beyond the length of the modulus, so that reducing it shows no
/// bias ([FIPS 186-5 appendix A.2.1](https://doi.org/10.6028/NIST.FIPS.186-5) requires 64 bits).
const EXCESS: usize = 16;

/// The randomness from which new factors are made.
///
/// It is drawn for every use of the key, needed or not: other draws from the generator then do not
/// depend on earlier uses of the key.
pub(super) type Seed = [u8; 32];

/// `r^e` and `1/r` modulo `n`. Wiped when dropped.
pub(super) struct Factors {
    blinding: BoxedMontyForm,
    unblinding: BoxedMontyForm,
    uses: u32,
}

impl Factors {
    /// Draws factors; `None` only if `r` happens to be a multiple of a prime of the key.
    fn draw(key: &PublicKey, seed: &Seed) -> Option<Self> {
        let mut bytes = Zeroizing::new(vec![0; key.length() + EXCESS]);
        PrfKey::new(HashAlgorithm::Sha256, seed).derive(b"blinding", &[], &mut bytes);
        let r = Zeroizing::new(key.reduce(&bytes));
        let residue = Zeroizing::new(key.residue(&r));
        Some(Self {
            blinding: key.residue(&Zeroizing::new(key.raise(&r))),
            unblinding: residue.invert().into_option()?,
            uses: 0,
        })
    }

    /// `c * r^e`.
    pub(super) fn blind(&self, key: &PublicKey, c: &BoxedUint) -> BoxedUint {
        Zeroizing::new(key.residue(c).mul(&self.blinding)).retrieve()
    }

    /// `m / r`, from the `m * r` that the operation made of the blinded number.
    pub(super) fn unblind(&self, key: &PublicKey, blinded: &BoxedUint) -> BoxedUint {
        let blinded = Zeroizing::new(key.residue(blinded));
        Zeroizing::new(blinded.mul(&self.unblinding)).retrieve()
    }

    /// Returns the squared factors for the next use; `None` after enough uses.
    fn next(self) -> Option<Self> {
        (self.uses + 1 < USES).then(|| Self {
            blinding: self.blinding.square(),
            unblinding: self.unblinding.square(),
            uses: self.uses + 1,
        })
    }
}

impl Drop for Factors {
    fn drop(&mut self) {
        self.blinding.zeroize();
        self.unblinding.zeroize();
    }
}

/// The factors of a key that are not in use.
#[derive(Default)]
pub(super) struct Blinding(Mutex<Vec<Factors>>);

impl Blinding {
    /// Lends factors to one user. The lock is not held while they are made.
    pub(super) fn take(&self, key: &PublicKey, seed: &Seed) -> Option<Factors> {
        let kept = self.free().pop();
        kept.or_else(|| Factors::draw(key, seed))
    }

    /// Takes back factors after one use.
    pub(super) fn put_back(&self, used: Factors) {
        let Some(next) = used.next() else {
            return;
        };
        let mut free = self.free();
        if free.len() < KEPT {
            free.push(next);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Factors>> {
        // Factors are pushed and popped as a whole, so a poisoned lock does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::PrivateKey as RsaPrivateKey;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::traits::PublicKeyParts;

    const SEED: Seed = [1; 32];
    const OTHER_SEED: Seed = [2; 32];

    /// A key, and what the `rsa` crate computes with it.
    struct Key {
        own: PublicKey,
        theirs: RsaPrivateKey,
    }

    impl Key {
        fn new() -> Self {
            let pem = include_str!("../../../tests/data/rsa-2056.key");
            let theirs = RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
            Self {
                own: PublicKey::of(&theirs).unwrap(),
                theirs,
            }
        }

        fn number(&self, byte: u8) -> BoxedUint {
            self.own.integer(&[byte; 257]).unwrap()
        }

        fn times(&self, left: &BoxedUint, right: &BoxedUint) -> BoxedUint {
            left.mul_mod(right, self.theirs.n())
        }

        /// What is drawn from a seed: 16 bytes more than the modulus has, reduced by it.
        fn r(&self, seed: &Seed) -> BoxedUint {
            let mut bytes = [0; 257 + 16];
            PrfKey::new(HashAlgorithm::Sha256, seed).derive(b"blinding", &[], &mut bytes);
            BoxedUint::from_be_slice_vartime(&bytes).rem(self.theirs.n())
        }

        fn assert_those_of(&self, factors: &Factors, r: &BoxedUint) {
            let power = rsa::hazmat::rsa_encrypt(&self.theirs, r).unwrap();
            for number in [0x00, 0x01, 0x7f].map(|byte| self.number(byte)) {
                let blinded = factors.blind(&self.own, &number);
                assert_eq!(blinded, self.times(&number, &power));
                let unblinded = factors.unblind(&self.own, &self.times(&number, r));
                assert_eq!(unblinded, number);
            }
        }
    }

    #[test]
    fn factors_are_squared_after_each_use_and_live_for_32() {
        let key = Key::new();
        let mut factors = Factors::draw(&key.own, &SEED).unwrap();
        let mut r = key.r(&SEED);
        for _ in 1..32 {
            key.assert_those_of(&factors, &r);
            factors = factors.next().unwrap();
            r = key.times(&r, &r);
        }
        key.assert_those_of(&factors, &r);
        assert!(factors.next().is_none());
    }

    #[test]
    fn factors_serve_one_at_a_time_and_come_back_as_others() {
        let key = Key::new();
        let blinding = Blinding::default();
        let (one, other) = (key.r(&SEED), key.r(&OTHER_SEED));
        let first = blinding.take(&key.own, &SEED).unwrap();
        let second = blinding.take(&key.own, &OTHER_SEED).unwrap();
        key.assert_those_of(&first, &one);
        key.assert_those_of(&second, &other);
        // Those that are there are taken, whatever the seed.
        blinding.put_back(first);
        let mut factors = blinding.take(&key.own, &OTHER_SEED).unwrap();
        key.assert_those_of(&factors, &key.times(&one, &one));
        // At the end of their life they are drawn anew.
        for _ in 1..32 {
            blinding.put_back(factors);
            factors = blinding.take(&key.own, &OTHER_SEED).unwrap();
        }
        key.assert_those_of(&factors, &other);
    }

    #[test]
    fn no_more_factors_are_kept_than_there_may_be_users() {
        let key = Key::new();
        let blinding = Blinding::default();
        let taken: Vec<_> = (0..=64).map(|_| blinding.take(&key.own, &SEED).unwrap()).collect();
        for (returned, factors) in taken.into_iter().enumerate() {
            assert_eq!(blinding.free().len(), returned);
            blinding.put_back(factors);
        }
        assert_eq!(blinding.free().len(), 64);
    }
}
