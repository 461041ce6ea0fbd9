//! Blinding: the private operation never sees the number that the peer chose, so its time and its
//! power tell the peer nothing.
//!
//! `c` is multiplied by `r^e` before the operation and the result by `1/r` after it. To draw `r` and
//! to invert it costs a quarter of the operation itself. So the two factors are squared after each
//! use, which makes them those of `r^2`, and drawn anew only after some uses.

use super::public::PublicKey;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::prf::PrfKey;
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::BoxedMontyForm;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// How often factors are used. OpenSSL has the same number.
const USES: u32 = 32;

/// How many factors are kept, each of which serves one thread at a time.
const KEPT: usize = 64;

/// Bytes that are drawn for `r` beyond the modulus's, so that reducing it shows no bias
/// ([FIPS 186-5 appendix A.2.1](https://doi.org/10.6028/NIST.FIPS.186-5) wants 64 bits).
const EXCESS: usize = 16;

/// Randomness from which factors are made when there are none.
///
/// It is drawn for every use of the key, whether it is needed or not: what else is drawn from the
/// generator then does not depend on who used the key before.
pub(super) type Seed = [u8; 32];

/// `r^e` and `1/r` modulo `n`. Wiped when dropped.
pub(super) struct Factors {
    blinding: BoxedMontyForm,
    unblinding: BoxedMontyForm,
    uses: u32,
}

impl Factors {
    /// Draws them; `None` only if `r` happens to be a multiple of a prime of the key.
    fn draw(key: &PublicKey, seed: &Seed) -> Option<Self> {
        let mut bytes = Zeroizing::new(vec![0; key.length() + EXCESS]);
        PrfKey::new(HashAlgorithm::Sha256, seed).derive(b"blinding", &[], &mut bytes);
        let r = Zeroizing::new(key.reduce(&bytes));
        Some(Self {
            blinding: key.residue(&Zeroizing::new(key.raise(&r))),
            unblinding: key.residue(&r).invert().into_option()?,
            uses: 0,
        })
    }

    /// `c * r^e`.
    pub(super) fn blind(&self, key: &PublicKey, c: &BoxedUint) -> BoxedUint {
        Zeroizing::new(key.residue(c).mul(&self.blinding)).retrieve()
    }

    /// `m / r`, for the `m * r` that the operation made of what was blinded.
    pub(super) fn unblind(&self, key: &PublicKey, blinded: &BoxedUint) -> BoxedUint {
        let blinded = Zeroizing::new(key.residue(blinded));
        Zeroizing::new(blinded.mul(&self.unblinding)).retrieve()
    }

    /// The next ones, which nobody can tell from these; `None` if these have served long enough.
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
    /// Lends factors that nobody else has. The lock is not held while they are made.
    pub(super) fn take(&self, key: &PublicKey, seed: &Seed) -> Option<Factors> {
        let kept = self.free().pop();
        kept.or_else(|| Factors::draw(key, seed))
    }

    /// Takes factors back after one use.
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
        // Whole factors are pushed and popped, whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
