//! What a message has besides its text: the nonce, the additional data, the lengths and the tag.

use super::ghash::{BLOCK, Product, multiply, reverse};
use super::key::Key;
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm_loadu_si128, _mm_storeu_si128};

/// What is authenticated besides the text, and where the counters begin.
pub(in crate::crypto::vector) struct Message<'a> {
    /// The block that the counters come after.
    pub(super) j0: [u8; BLOCK],
    pub(super) additional_data: &'a [u8],
}

/// What a pass works on.
pub(in crate::crypto::vector) enum Text<'a> {
    /// Encrypt a plaintext, and append it to a buffer that has room for it.
    Seal(&'a [u8], &'a mut Vec<u8>),
    /// Decrypt a ciphertext in place.
    Open(&'a mut [u8]),
}

impl Text<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Seal(text, _) => text.len(),
            Self::Open(text) => text.len(),
        }
    }
}

/// The parts of a message that are a single block each.
pub(super) struct Frame {
    /// The block that the counters come after, reversed.
    pub(super) j0: __m128i,
    /// The hash of the additional data.
    pub(super) hash: __m128i,
    /// The last block of GHASH: both lengths in bits, which are below 2^64.
    lengths: __m128i,
    /// The encrypted `j0`, which the tag's hash is added to.
    mask: __m128i,
}

impl Frame {
    /// Hashes the additional data, the last block filled with zeros.
    #[target_feature(enable = "aes,pclmulqdq,ssse3")]
    #[inline(never)]
    pub(super) fn new(key: &Key, message: &Message<'_>, text: &Text<'_>) -> Self {
        let j0 = _mm_loadu_si128(&message.j0);
        let mask = key.aes.encrypt(j0);
        let (h, mut hash) = (key.power(1), _mm_setzero_si128());
        let (blocks, part) = message.additional_data.as_chunks::<BLOCK>();
        for block in blocks {
            hash = multiply(_mm_xor_si128(hash, reverse(_mm_loadu_si128(block))), h);
        }
        if !part.is_empty() {
            hash = multiply(_mm_xor_si128(hash, reverse(filled(part))), h);
        }
        let bits = |bytes: usize| (bytes as u64).wrapping_mul(8).cast_signed();
        Self {
            j0: reverse(j0),
            hash,
            lengths: _mm_set_epi64x(bits(message.additional_data.len()), bits(text.len())),
            mask,
        }
    }

    /// The tag. `hash` is that of the blocks before those in `sums`, if it has not been added to
    /// them. The block of lengths joins in the last reduction.
    #[target_feature(enable = "aes,pclmulqdq,ssse3")]
    #[inline]
    pub(super) fn tag(&self, key: &Key, hash: __m128i, sums: Product) -> [u8; BLOCK] {
        let lengths = Product::of(_mm_xor_si128(self.lengths, hash), key.power(1));
        let hash = sums.plus(lengths).reduce();
        let mut tag = [0; BLOCK];
        _mm_storeu_si128(&mut tag, _mm_xor_si128(reverse(hash), self.mask));
        tag
    }
}

/// A block that begins with these bytes, fewer than 16, and ends with zeros.
///
/// In registers: a block that was just written to memory in parts could not be loaded at once.
#[target_feature(enable = "sse2")]
#[inline]
fn filled(bytes: &[u8]) -> __m128i {
    let (low, high) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            let beyond_first = 8 * (BLOCK - bytes.len());
            let high = u64::from_le_bytes(*last).unbounded_shr(beyond_first as u32);
            (u64::from_le_bytes(*first), high)
        }
        _ => (
            bytes.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)),
            0,
        ),
    };
    _mm_set_epi64x(high.cast_signed(), low.cast_signed())
}
