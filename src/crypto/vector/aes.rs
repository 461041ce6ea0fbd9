//! AES with the processor's instructions: the key schedule, and one block.

use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A block, as two words for loads and stores.
pub(super) type Block = [u64; 2];

/// The rounds of AES-128 but for the first key's addition and the last round.
const MIDDLE_ROUNDS_OF_128: usize = 9;

/// Those of AES-256.
const MIDDLE_ROUNDS_OF_256: usize = 13;

/// The round keys of AES-128 or AES-256. Wiped when dropped.
#[derive(Clone)]
pub(super) struct RoundKeys {
    first: Block,
    /// Those of AES-128 fill nine.
    middle: [Block; MIDDLE_ROUNDS_OF_256],
    last: Block,
    middle_rounds: usize,
}

/// The keys of all rounds but the last one, in a number that the compiler knows.
pub(super) enum Middle<'a> {
    Aes128(&'a [Block; MIDDLE_ROUNDS_OF_128]),
    Aes256(&'a [Block; MIDDLE_ROUNDS_OF_256]),
}

impl RoundKeys {
    /// Keys that are to be expanded where they lie, so that no copy of them is left elsewhere.
    pub(super) const fn empty() -> Self {
        Self {
            first: [0; 2],
            middle: [[0; 2]; MIDDLE_ROUNDS_OF_256],
            last: [0; 2],
            middle_rounds: 0,
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

    /// As [`Self::middle`].
    #[inline]
    pub(super) fn known_middle(&self) -> Middle<'_> {
        let [short @ .., _, _, _, _] = &self.middle;
        if self.middle_rounds == short.len() {
            Middle::Aes128(short)
        } else {
            Middle::Aes256(&self.middle)
        }
    }

    /// The key of the last round.
    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn last(&self) -> __m128i {
        _mm_loadu_si128(&self.last)
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

impl Drop for RoundKeys {
    fn drop(&mut self) {
        self.first.zeroize();
        self.middle.zeroize();
        self.last.zeroize();
    }
}

impl ZeroizeOnDrop for RoundKeys {}

/// The bytes of a key.
#[derive(Clone, Copy)]
pub(super) enum Secret<'a> {
    Aes128(&'a [u8; 16]),
    /// Its halves.
    Aes256(&'a [u8; 16], &'a [u8; 16]),
}

impl<'a> Secret<'a> {
    /// `None` for a key of another length.
    pub(super) fn new(key: &'a [u8]) -> Option<Self> {
        match key.as_chunks() {
            ([key], []) => Some(Self::Aes128(key)),
            ([first, second], []) => Some(Self::Aes256(first, second)),
            _ => None,
        }
    }
}

/// Makes the round keys. The time does not depend on the key's bytes.
#[target_feature(enable = "aes")]
#[inline]
pub(super) fn expand(secret: Secret<'_>, to: &mut RoundKeys) {
    match secret {
        Secret::Aes128(bytes) => expand_128(bytes, to),
        Secret::Aes256(first, second) => expand_256(first, second, to),
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
fn expand_128(bytes: &[u8; 16], to: &mut RoundKeys) {
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
    to.middle_rounds = MIDDLE_ROUNDS_OF_128;
}

#[target_feature(enable = "aes")]
#[inline]
fn expand_256(first: &[u8; 16], second: &[u8; 16], to: &mut RoundKeys) {
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
    to.middle_rounds = MIDDLE_ROUNDS_OF_256;
}
