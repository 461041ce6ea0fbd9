//! AES-CBC encryption and SHA-1 side by side.
//!
//! Each of the two is one chain of dependent instructions, which leaves the processor idle most of the
//! time. A block of SHA-1 has as many bytes as four of AES, and four times twenty rounds, so a *unit*
//! of both is
//!
//! ```text
//! rounds   0 ..     20 ..    40 ..    60 ..
//! SHA-1    twenty   twenty   twenty   twenty
//! AES      block 0  block 1  block 2  block 3
//! ```
//!
//! Neither waits for the other, and twenty rounds and a block are few enough instructions for the
//! processor to have both in flight. The pair takes hardly longer than AES alone.
//!
//! What is hashed and what is encrypted are separate arguments: MAC-then-encrypt hashes its plaintext,
//! some bytes ahead of what is encrypted.

use super::aes::{Block, Middle, RoundKeys, Secret};
use super::boundary::AesSha;
use super::cpu::Tier;
use core::arch::x86_64::*;
use core::fmt;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};

/// A block of SHA-1, and four of AES.
pub(crate) type Unit = [u8; 64];

/// A key of AES, for processors that have instructions for AES and SHA-1. Wiped when dropped; prints
/// as `[redacted]`.
#[derive(Clone)]
pub(crate) struct CbcSha1Kernel {
    token: AesSha,
    keys: Box<RoundKeys>,
}

impl CbcSha1Kernel {
    /// Prepares a key of 16 or 32 bytes; `None` for another length, and where this processor or
    /// build has no kernel.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let is_permitted = Tier::permitted().any(|tier| tier == Tier::AesNi);
        Self::of_processor(key).filter(|_| is_permitted)
    }

    /// As [`Self::new`], but whatever the build permits.
    pub(crate) fn of_processor(key: &[u8]) -> Option<Self> {
        let token = AesSha::detect()?;
        let secret = Secret::new(key)?;
        // Where they stay, so that no copy of them is left elsewhere.
        let mut keys = Box::new(RoundKeys::empty());
        token.expand(secret, &mut keys);
        Some(Self { token, keys })
    }

    /// Encrypts units in place and hashes others, as many as there are of both; returns the number.
    pub(crate) fn encrypt_and_hash(&self, cbc: Cbc<'_>, sha1: Sha1<'_>) -> usize {
        let units = cbc.text.len().min(sha1.text.len());
        self.token.encrypt_and_hash(&self.keys, cbc, sha1);
        units
    }
}

impl fmt::Debug for CbcSha1Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

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

/// The kernel of [`CbcSha1Kernel::encrypt_and_hash`].
#[target_feature(enable = "aes,sha,sse4.1")]
pub(super) fn encrypt_and_hash(keys: &RoundKeys, cbc: Cbc<'_>, sha1: Sha1<'_>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::aes::cipher::consts::U16;
    use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
    use aes_gcm::aes::{Aes128, Aes256};

    /// Units of bytes that do not repeat.
    fn text(units: usize, factor: u32) -> Vec<Unit> {
        let mut state = factor;
        let mut byte = || {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            state.to_be_bytes()[0]
        };
        (0..units).map(|_| core::array::from_fn(|_| byte())).collect()
    }

    fn encrypt_by_the_crate(
        aes: &impl BlockCipherEncrypt<BlockSize = U16>,
        chain: &mut [u8; 16],
        text: &mut [Unit],
    ) {
        for block in text.as_flattened_mut().as_chunks_mut().0 {
            for (byte, before) in block.iter_mut().zip(*chain) {
                *byte ^= before;
            }
            let mut state = Array(*block);
            aes.encrypt_block(&mut state);
            *block = state.0;
            *chain = *block;
        }
    }

    #[test]
    fn both_are_what_the_crates_make() {
        if CbcSha1Kernel::of_processor(&[0; 16]).is_none() {
            println!("not on this processor: AES-CBC with SHA-1");
            return;
        }
        let key = text(1, 9)[0];
        for units in [0, 1, 2, 3, 7, 256] {
            for length in [16, 32] {
                let (plaintext, hashed) = (text(units, 3), text(units, 4));
                let mut chain = [units.to_be_bytes()[7]; 16];
                let mut state = [
                    0x6745_2301,
                    0xefcd_ab89,
                    0x98ba_dcfe,
                    0x1032_5476,
                    0xc3d2_e1f0,
                ];
                let (mut text, mut expected) = (plaintext.clone(), plaintext);
                let (mut expected_chain, mut expected_state) = (chain, state);

                let kernel = CbcSha1Kernel::of_processor(&key[..length]).unwrap();
                let cbc = Cbc {
                    chain: &mut chain,
                    text: &mut text,
                };
                let sha1 = Sha1 {
                    state: &mut state,
                    text: &hashed,
                };
                assert_eq!(kernel.encrypt_and_hash(cbc, sha1), units);

                sha1::block_api::compress(&mut expected_state, &hashed);
                if let Ok(aes) = Aes128::new_from_slice(&key[..length]) {
                    encrypt_by_the_crate(&aes, &mut expected_chain, &mut expected);
                } else {
                    let aes = Aes256::new_from_slice(&key[..length]).unwrap();
                    encrypt_by_the_crate(&aes, &mut expected_chain, &mut expected);
                }
                assert_eq!(
                    (text, chain, state),
                    (expected, expected_chain, expected_state)
                );
            }
        }
    }

    #[test]
    fn a_key_has_16_or_32_bytes() {
        for length in (0..64).filter(|length| ![16, 32].contains(length)) {
            assert!(CbcSha1Kernel::of_processor(&vec![1; length]).is_none());
        }
    }

    #[test]
    fn what_has_no_counterpart_is_left() {
        let Some(kernel) = CbcSha1Kernel::of_processor(&[0; 16]) else {
            return;
        };
        for (encrypted, hashed) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
            let run = |encrypted, hashed| {
                let (mut chain, mut state, mut text) = ([1; 16], [1; 5], text(3, 5));
                let cbc = Cbc {
                    chain: &mut chain,
                    text: &mut text[..encrypted],
                };
                let sha1 = Sha1 {
                    state: &mut state,
                    text: &[[7; 64]; 3][..hashed],
                };
                (kernel.encrypt_and_hash(cbc, sha1), chain, state, text)
            };
            let units = encrypted.min(hashed);
            assert_eq!(run(encrypted, hashed), run(units, units));
            assert_eq!(run(units, units).0, units);
        }
    }
}
