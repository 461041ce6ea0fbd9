//! The pass over the units of both texts.

use crate::crypto::vector::aes::{Block, Middle, RoundKeys};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};

/// A block of SHA-1, and four of AES.
pub(crate) type Unit = [u8; 64];

/// What is encrypted.
pub(crate) struct Cbc<'a> {
    /// The block before the text: the IV, or the ciphertext's last block. Becomes that of this text.
    pub(crate) chain: &'a mut [u8; 16],
    pub(crate) text: &'a mut [Unit],
}

/// What is hashed.
pub(crate) struct Sha1<'a> {
    pub(crate) state: &'a mut [u32; 5],
    pub(crate) text: &'a [Unit],
}

/// Encrypts and hashes as many units as there are of both.
#[target_feature(enable = "aes,sha,sse4.1")]
pub(in crate::crypto::vector) fn encrypt_and_hash(keys: &RoundKeys, cbc: Cbc<'_>, sha1: Sha1<'_>) {
    match keys.known_middle() {
        Middle::Aes128(middle) => units(keys, middle, cbc, sha1),
        Middle::Aes256(middle) => units(keys, middle, cbc, sha1),
    }
}

#[target_feature(enable = "aes,sha,sse4.1")]
#[inline]
fn units<const ROUNDS: usize>(
    keys: &RoundKeys,
    middle: &[Block; ROUNDS],
    cbc: Cbc<'_>,
    sha1: Sha1<'_>,
) {
    let [state @ .., last] = sha1.state;
    let mut abcd = in_order(_mm_loadu_si128(&*state));
    let mut e = _mm_set_epi32(last.cast_signed(), 0, 0, 0);
    let mut chain = _mm_loadu_si128(&*cbc.chain);
    for (unit, hashed) in cbc.text.iter_mut().zip(sha1.text) {
        let (blocks, _) = unit.as_chunks_mut();
        let mut hash = Rounds::new(abcd, e, hashed);
        macro_rules! quarter {
            ($number:literal) => {
                hash.twenty::<$number>();
                chain = encrypt(keys, middle, chain, &mut blocks[$number]);
            };
        }
        quarter!(0);
        quarter!(1);
        quarter!(2);
        quarter!(3);
        (abcd, e) = hash.added_to(abcd, e);
    }
    _mm_storeu_si128(state, in_order(abcd));
    *last = _mm_extract_epi32::<3>(e).cast_unsigned();
    _mm_storeu_si128(cbc.chain, chain);
}

/// Encrypts a block in place, and returns it. The chain is added last, as it is what there is to wait
/// for.
#[target_feature(enable = "aes")]
#[inline]
fn encrypt<const ROUNDS: usize>(
    keys: &RoundKeys,
    middle: &[Block; ROUNDS],
    chain: __m128i,
    block: &mut [u8; 16],
) -> __m128i {
    let text = _mm_xor_si128(_mm_loadu_si128(&*block), keys.first());
    let mut state = _mm_xor_si128(text, chain);
    for round_key in middle {
        state = _mm_aesenc_si128(state, _mm_loadu_si128(round_key));
    }
    let encrypted = _mm_aesenclast_si128(state, keys.last());
    _mm_storeu_si128(block, encrypted);
    encrypted
}

/// The hash of a block on its way ([FIPS 180-4 section 6.1](
/// https://csrc.nist.gov/pubs/fips/180-4/upd1/final)). The highest lane of a register has the first
/// word.
struct Rounds {
    abcd: __m128i,
    /// What `abcd` was four rounds before: the next `e` is its `a`, rotated.
    before: __m128i,
    /// `e` and the words of the next four rounds, added.
    e_and_words: __m128i,
    /// The words of the next sixteen rounds.
    words: [__m128i; 4],
}

impl Rounds {
    #[target_feature(enable = "sse4.1")]
    #[inline]
    fn new(abcd: __m128i, e: __m128i, block: &Unit) -> Self {
        let from_big_endian = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
        let (parts, _) = block.as_chunks::<16>();
        let words = [0, 1, 2, 3]
            .map(|part| _mm_shuffle_epi8(_mm_loadu_si128(&parts[part]), from_big_endian));
        Self {
            abcd,
            before: abcd,
            e_and_words: _mm_add_epi32(e, words[0]),
            words,
        }
    }

    /// Twenty rounds with the function and the constant of this quarter.
    #[target_feature(enable = "sha,sse4.1")]
    #[inline]
    fn twenty<const QUARTER: i32>(&mut self) {
        for _ in 0..5 {
            self.before = self.abcd;
            self.abcd = _mm_sha1rnds4_epu32::<QUARTER>(self.abcd, self.e_and_words);
            let [w0, w1, w2, w3] = self.words;
            let w4 = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w0, w1), w2), w3);
            self.words = [w1, w2, w3, w4];
            self.e_and_words = _mm_sha1nexte_epu32(self.before, w1);
        }
    }

    /// The state after the block, from the one before it.
    #[target_feature(enable = "sha,sse4.1")]
    #[inline]
    fn added_to(&self, abcd: __m128i, e: __m128i) -> (__m128i, __m128i) {
        (
            _mm_add_epi32(abcd, self.abcd),
            _mm_sha1nexte_epu32(self.before, e),
        )
    }
}

/// Turns four words around, between memory's order and that of the instructions.
#[target_feature(enable = "sse2")]
#[inline]
fn in_order(words: __m128i) -> __m128i {
    _mm_shuffle_epi32::<0b00_01_10_11>(words)
}
