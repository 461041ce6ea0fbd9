//! A key: AES's key schedule and the powers of H.

use super::ghash::{multiply, reverse, times_x};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A block, as two words for loads and stores.
pub(super) type Block = [u64; 2];

/// The most blocks whose products are added before one reduction, the lengths' block included.
const POWERS: usize = 17;

/// The last register of a text may reach beyond its last block by so many blocks. Those are zero,
/// whatever they are multiplied by.
const BEYOND: usize = 2;

/// The rounds of AES-256 but for the first key's addition and the last round.
const MOST_MIDDLE_ROUNDS: usize = 13;

/// A key of AES-128 or AES-256, prepared for GCM. Wiped when dropped.
#[derive(Clone)]
pub(in crate::crypto::vector) struct Key {
    first: Block,
    /// Those of AES-128 fill nine.
    middle: [Block; MOST_MIDDLE_ROUNDS],
    last: Block,
    middle_rounds: usize,
    /// H^17, H^16, .., H, as POLYVAL has them and times x, and zeros.
    powers: [Block; POWERS + BEYOND],
}

impl Key {
    /// A key that is to be prepared where it lies, so that no copy of it is left elsewhere.
    pub(super) const fn empty() -> Self {
        Self {
            first: [0; 2],
            middle: [[0; 2]; MOST_MIDDLE_ROUNDS],
            last: [0; 2],
            middle_rounds: 0,
            powers: [[0; 2]; POWERS + BEYOND],
        }
    }

    /// The round key that is added before the first round.
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn first(&self) -> __m128i {
        _mm_loadu_si128(&self.first)
    }

    /// The keys of all rounds but the last one.
    #[inline]
    pub(super) fn middle(&self) -> &[Block] {
        &self.middle[..self.middle_rounds]
    }

    /// The key of the last round.
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn last(&self) -> __m128i {
        _mm_loadu_si128(&self.last)
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

    /// Encrypts one block.
    #[target_feature(enable = "aes")]
    #[inline]
    pub(super) fn encrypt(&self, block: __m128i) -> __m128i {
        let mut state = _mm_xor_si128(block, self.first());
        for round_key in self.middle() {
            state = _mm_aesenc_si128(state, _mm_loadu_si128(round_key));
        }
        _mm_aesenclast_si128(state, self.last())
    }
}

const _: () = assert!(size_of::<Key>() <= 600, "every connection has two keys");

impl Drop for Key {
    fn drop(&mut self) {
        self.first.zeroize();
        self.middle.zeroize();
        self.last.zeroize();
        self.powers.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

/// The bytes of a key.
#[derive(Clone, Copy)]
pub(in crate::crypto::vector) enum Secret<'a> {
    Aes128(&'a [u8; 16]),
    /// Its halves.
    Aes256(&'a [u8; 16], &'a [u8; 16]),
}

/// Prepares a key. The time does not depend on its bytes.
#[target_feature(enable = "aes,pclmulqdq,ssse3")]
pub(in crate::crypto::vector) fn prepare(secret: Secret<'_>, key: &mut Key) {
    match secret {
        Secret::Aes128(bytes) => expand_128(bytes, key),
        Secret::Aes256(first, second) => expand_256(first, second, key),
    }
    // H is the encryption of zeros.
    let h = times_x(reverse(key.encrypt(_mm_setzero_si128())));
    _mm_storeu_si128(&mut key.powers[POWERS - 1], h);
    for n in 2..=POWERS {
        // From powers half as high, so that the products do not all wait for one another.
        let power = multiply(key.power(n / 2), key.power(n - n / 2));
        _mm_storeu_si128(&mut key.powers[POWERS - n], power);
    }
}

/// `w[i] = w[i - Nk] ^ ..` of four words at once ([FIPS 197 section 5.2](
/// https://csrc.nist.gov/pubs/fips/197/final)): each word of the result is the sum of the words of
/// `old` up to its own, and of `substituted`.
#[target_feature(enable = "sse2")]
#[inline]
fn next(old: __m128i, substituted: __m128i) -> __m128i {
    let pairs = _mm_xor_si128(old, _mm_slli_si128::<4>(old));
    let sums = _mm_xor_si128(pairs, _mm_slli_si128::<8>(pairs));
    _mm_xor_si128(sums, substituted)
}

/// `SubWord(RotWord(w)) ^ Rcon` of the last word, four times.
#[target_feature(enable = "aes")]
#[inline]
fn rotated<const RCON: i32>(key: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0b11_11_11_11>(_mm_aeskeygenassist_si128::<RCON>(key))
}

/// `SubWord(w)` of the last word, four times.
#[target_feature(enable = "aes")]
#[inline]
fn substituted(key: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0b10_10_10_10>(_mm_aeskeygenassist_si128::<0>(key))
}

#[target_feature(enable = "aes")]
#[inline]
fn expand_128(bytes: &[u8; 16], to: &mut Key) {
    let mut key = _mm_loadu_si128(bytes);
    _mm_storeu_si128(&mut to.first, key);
    // The constant of a round is a part of its instruction.
    macro_rules! rounds { ($($to:expr, $rcon:literal;)*) => { $(
        key = next(key, rotated::<$rcon>(key));
        _mm_storeu_si128(&mut $to, key);
    )* } }
    rounds! {
        to.middle[0], 0x01; to.middle[1], 0x02; to.middle[2], 0x04;
        to.middle[3], 0x08; to.middle[4], 0x10; to.middle[5], 0x20;
        to.middle[6], 0x40; to.middle[7], 0x80; to.middle[8], 0x1b;
        to.last, 0x36;
    }
    to.middle_rounds = 9;
}

#[target_feature(enable = "aes")]
#[inline]
fn expand_256(first: &[u8; 16], second: &[u8; 16], to: &mut Key) {
    let (mut even, mut odd) = (_mm_loadu_si128(first), _mm_loadu_si128(second));
    _mm_storeu_si128(&mut to.first, even);
    _mm_storeu_si128(&mut to.middle[0], odd);
    macro_rules! rounds { ($($even:expr, $odd:expr, $rcon:literal;)*) => { $(
        even = next(even, rotated::<$rcon>(odd));
        _mm_storeu_si128(&mut $even, even);
        odd = next(odd, substituted(even));
        _mm_storeu_si128(&mut $odd, odd);
    )* } }
    rounds! {
        to.middle[1], to.middle[2], 0x01; to.middle[3], to.middle[4], 0x02;
        to.middle[5], to.middle[6], 0x04; to.middle[7], to.middle[8], 0x08;
        to.middle[9], to.middle[10], 0x10; to.middle[11], to.middle[12], 0x20;
    }
    even = next(even, rotated::<0x40>(odd));
    _mm_storeu_si128(&mut to.last, even);
    to.middle_rounds = MOST_MIDDLE_ROUNDS;
}
