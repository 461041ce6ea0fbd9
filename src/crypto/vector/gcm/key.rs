//! A key: AES's round keys and the powers of H.

use super::ghash::{multiply, reverse, times_x};
use crate::crypto::vector::aes::{Block, RoundKeys, Secret, expand};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The most blocks whose products are added before one reduction, the lengths' block included.
const POWERS: usize = 17;

/// The last register of a text may reach beyond its last block by so many blocks. Those are zero,
/// whatever they are multiplied by.
const BEYOND: usize = 2;

/// A key of AES-128 or AES-256, prepared for GCM. Wiped when dropped.
#[derive(Clone)]
pub(in crate::crypto::vector) struct Key {
    pub(super) aes: RoundKeys,
    /// H^17, H^16, .., H, as POLYVAL has them and times x, and zeros.
    powers: [Block; POWERS + BEYOND],
}

impl Key {
    /// A key that is to be prepared where it lies, so that no copy of it is left elsewhere.
    pub(super) const fn empty() -> Self {
        Self {
            aes: RoundKeys::empty(),
            powers: [[0; 2]; POWERS + BEYOND],
        }
    }

    /// Returns H^`n`.
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn power(&self, n: usize) -> __m128i {
        _mm_loadu_si128(&self.powers[POWERS - n])
    }

    /// Returns H^`n` and the powers below it, `WORDS` words in all.
    #[inline]
    pub(super) fn powers_from<const WORDS: usize>(&self, n: usize) -> &[u64; WORDS] {
        &self.powers.as_flattened()[2 * (POWERS - n)..].as_chunks().0[0]
    }

    /// Returns H^`n`, .., H, `WORDS` words a register.
    #[inline]
    pub(super) fn powers_of_a_turn<const WORDS: usize>(&self, n: usize) -> &[[u64; WORDS]] {
        self.powers.as_flattened()[2 * (POWERS - n)..].as_chunks().0
    }
}

const _: () = assert!(size_of::<Key>() <= 600, "every connection has two keys");

impl Drop for Key {
    fn drop(&mut self) {
        self.powers.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

/// Prepares a key. The time does not depend on its bytes.
#[target_feature(enable = "aes,pclmulqdq,ssse3")]
pub(in crate::crypto::vector) fn prepare(secret: Secret<'_>, key: &mut Key) {
    expand(secret, &mut key.aes);
    // H is the encryption of zeros.
    let h = times_x(reverse(key.aes.encrypt(_mm_setzero_si128())));
    _mm_storeu_si128(&mut key.powers[POWERS - 1], h);
    for n in 2..=POWERS {
        // From powers half as high, so that the products do not all wait for one another.
        let power = multiply(key.power(n / 2), key.power(n - n / 2));
        _mm_storeu_si128(&mut key.powers[POWERS - n], power);
    }
}
