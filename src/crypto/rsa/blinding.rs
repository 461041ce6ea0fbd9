//! Blinding: the private operation does not run on the number that the peer chose, so its time and
//! power consumption tell the peer nothing.
//!
//! `c` is multiplied by `r^e` before the operation, and the result by `1/r` after it. Inverting `r`
//! costs more than the operation itself on some engines. So the two factors are squared after each
//! use, which makes them the factors of `r^2`, and drawn anew only after some uses. Several are
//! drawn at once, with one inversion for all.

use super::arithmetic::Arithmetic;
use super::engine::PublicEngine;
use super::public::PublicKey;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use super::vector::Kernel;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::prf::PrfKey;
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::BoxedMontyParams;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// How often factors are used, as often as in OpenSSL.
const USES: u32 = 32;

/// How many factors are drawn at once. An inversion takes as long as 160 multiplications, and each
/// more of them takes three; the raising to `e`, seventeen, cannot be shared.
const DRAWN: usize = 8;

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

/// `r^e` and `1/r` modulo `n`, on the engine of the key. Wiped when dropped.
pub(super) struct Factors {
    pair: Pair,
    uses: u32,
}

enum Pair {
    Portable(PairOn<BoxedMontyParams>),
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    Vector(Box<PairOn<Kernel>>),
}

struct PairOn<A: Arithmetic> {
    engine: A,
    blinding: A::Residue,
    unblinding: A::Residue,
}

impl<A: Arithmetic> PairOn<A> {
    /// Makes a pair of each number `r`; `None` only if one happens to be a multiple of a prime of
    /// the key.
    ///
    /// The product of all is inverted. The inverse of one is the inverse of the product of those up
    /// to it, times the product of those before it (Montgomery's trick).
    fn of(engine: &A, key: &PublicKey, numbers: &[Zeroizing<BoxedUint>]) -> Option<Vec<Self>> {
        let residues: Vec<_> = numbers.iter().map(|r| engine.residue(r)).collect();
        let mut product = engine.residue(&key.integer(&[1])?);
        let mut before = Vec::with_capacity(residues.len());
        for residue in &residues {
            let next = engine.multiply(&product, residue);
            before.push(core::mem::replace(&mut product, next));
        }
        let inverse = key.invert(&engine.retrieve(&product)).map(Zeroizing::new)?;
        let mut inverse = engine.residue(&inverse);
        let mut pairs = Vec::with_capacity(numbers.len());
        for ((r, residue), before) in numbers.iter().zip(&residues).zip(&before).rev() {
            pairs.push(Self {
                blinding: engine.residue(&Zeroizing::new(key.raise(r))),
                unblinding: engine.multiply(&inverse, before),
                engine: engine.clone(),
            });
            inverse = engine.multiply(&inverse, residue);
        }
        Some(pairs)
    }

    /// Multiplies a number by a factor.
    fn times(&self, number: &BoxedUint, factor: &A::Residue) -> Zeroizing<BoxedUint> {
        let number = self.engine.residue(number);
        self.engine.retrieve(&self.engine.multiply(&number, factor))
    }

    fn blind(&self, c: &BoxedUint) -> Zeroizing<BoxedUint> {
        self.times(c, &self.blinding)
    }

    fn unblind(&self, blinded: &BoxedUint) -> Zeroizing<BoxedUint> {
        self.times(blinded, &self.unblinding)
    }

    fn square(&mut self) {
        self.blinding = self.engine.square(&self.blinding);
        self.unblinding = self.engine.square(&self.unblinding);
    }
}

impl Factors {
    /// Draws factors. `None` only if an `r` happens to be a multiple of a prime of the key.
    fn draw(key: &PublicKey, seed: &Seed) -> Option<Vec<Self>> {
        let length = key.length() + EXCESS;
        let mut bytes = Zeroizing::new(vec![0; DRAWN * length]);
        PrfKey::new(HashAlgorithm::Sha256, seed).derive(b"blinding", &[], &mut bytes);
        let numbers: Vec<_> =
            bytes.chunks_exact(length).map(|bytes| Zeroizing::new(key.reduce(bytes))).collect();
        let pairs: Vec<_> = match key.engine() {
            PublicEngine::Portable(params) => {
                let pairs = PairOn::of(params, key, &numbers)?;
                pairs.into_iter().map(Pair::Portable).collect()
            }
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            PublicEngine::Vector(kernel) => {
                let pairs = PairOn::of(kernel, key, &numbers)?;
                pairs.into_iter().map(|pair| Pair::Vector(Box::new(pair))).collect()
            }
        };
        Some(pairs.into_iter().map(|pair| Self { pair, uses: 0 }).collect())
    }

    /// `c * r^e`, of a number below the modulus.
    pub(super) fn blind(&self, c: &BoxedUint) -> Zeroizing<BoxedUint> {
        match &self.pair {
            Pair::Portable(pair) => pair.blind(c),
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Pair::Vector(pair) => pair.blind(c),
        }
    }

    /// `m / r`, from the `m * r` that the operation made of the blinded number.
    pub(super) fn unblind(&self, blinded: &BoxedUint) -> Zeroizing<BoxedUint> {
        match &self.pair {
            Pair::Portable(pair) => pair.unblind(blinded),
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Pair::Vector(pair) => pair.unblind(blinded),
        }
    }

    /// Returns the squared factors for the next use; `None` after enough uses.
    fn next(mut self) -> Option<Self> {
        self.uses += 1;
        if self.uses == USES {
            return None;
        }
        match &mut self.pair {
            Pair::Portable(pair) => pair.square(),
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Pair::Vector(pair) => pair.square(),
        }
        Some(self)
    }
}

/// The factors of a key that are not in use.
#[derive(Default)]
pub(super) struct Blinding(Mutex<Vec<Factors>>);

impl Blinding {
    /// Lends factors to one user. The lock is not held while they are made.
    pub(super) fn take(&self, key: &PublicKey, seed: &Seed) -> Option<Factors> {
        let kept = self.free().pop();
        kept.or_else(|| {
            let mut drawn = Factors::draw(key, seed)?;
            let first = drawn.pop()?;
            drawn.into_iter().for_each(|others| self.keep(others));
            Some(first)
        })
    }

    /// Takes back factors after one use.
    pub(super) fn put_back(&self, used: Factors) {
        if let Some(next) = used.next() {
            self.keep(next);
        }
    }

    fn keep(&self, factors: Factors) {
        let mut free = self.free();
        if free.len() < KEPT {
            free.push(factors);
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

        /// What is drawn from a seed: for each of eight, 16 bytes more than the modulus has, reduced
        /// by it.
        fn drawn(&self, seed: &Seed) -> Vec<BoxedUint> {
            let mut bytes = [0; 8 * (257 + 16)];
            PrfKey::new(HashAlgorithm::Sha256, seed).derive(b"blinding", &[], &mut bytes);
            let numbers = bytes.chunks(257 + 16).map(BoxedUint::from_be_slice_vartime);
            numbers.map(|number| number.rem(self.theirs.n())).collect()
        }

        fn r(&self, seed: &Seed) -> BoxedUint {
            self.drawn(seed).remove(0)
        }

        fn assert_those_of(&self, factors: &Factors, r: &BoxedUint) {
            let power = rsa::hazmat::rsa_encrypt(&self.theirs, r).unwrap();
            for number in [0x00, 0x01, 0x7f].map(|byte| self.number(byte)) {
                assert_eq!(*factors.blind(&number), self.times(&number, &power));
                let blinded = self.times(&number, r);
                assert_eq!(*factors.unblind(&blinded), number);
            }
        }
    }

    #[test]
    fn factors_are_squared_after_each_use_and_live_for_32() {
        let key = Key::new();
        let mut factors = Factors::draw(&key.own, &SEED).unwrap().pop().unwrap();
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
    fn eight_are_drawn_at_once_and_each_serves_one_at_a_time() {
        let key = Key::new();
        let blinding = Blinding::default();
        for seed in [SEED, OTHER_SEED] {
            // Those that are there are taken, whatever the seed.
            for (index, r) in key.drawn(&seed).iter().enumerate() {
                let seed = if index == 0 { seed } else { [3; 32] };
                let factors = blinding.take(&key.own, &seed).unwrap();
                key.assert_those_of(&factors, r);
            }
        }
    }

    #[test]
    fn factors_come_back_as_others_until_the_end_of_their_life() {
        let key = Key::new();
        let blinding = Blinding::default();
        let drawn = key.drawn(&SEED);
        let mut factors = blinding.take(&key.own, &SEED).unwrap();
        let mut r = drawn[0].clone();
        for _ in 1..32 {
            blinding.put_back(factors);
            factors = blinding.take(&key.own, &OTHER_SEED).unwrap();
            r = key.times(&r, &r);
            key.assert_those_of(&factors, &r);
        }
        blinding.put_back(factors);
        let factors = blinding.take(&key.own, &OTHER_SEED).unwrap();
        key.assert_those_of(&factors, &drawn[1]);
    }

    /// Zero, which is a multiple of a prime.
    #[test]
    fn a_number_without_inverse_gives_no_factors() {
        let key = Key::new();
        let PublicEngine::Portable(params) = PublicEngine::portable(key.own.modulus()) else {
            unreachable!()
        };
        let numbers = [1, 0].map(|byte| Zeroizing::new(key.number(byte)));
        assert!(PairOn::of(&params, &key.own, &numbers).is_none());
        assert_eq!(
            PairOn::of(&params, &key.own, &numbers[..1]).unwrap().len(),
            1
        );
    }

    #[test]
    fn no_more_factors_are_kept_than_there_may_be_users() {
        let key = Key::new();
        let blinding = Blinding::default();
        let mut taken: Vec<_> = (0..72).map(|_| blinding.take(&key.own, &SEED).unwrap()).collect();
        assert_eq!(blinding.free().len(), 0);
        for returned in 0..72 {
            assert_eq!(blinding.free().len(), returned.min(64));
            blinding.put_back(taken.pop().unwrap());
        }
        assert_eq!(blinding.free().len(), 64);
    }
}
