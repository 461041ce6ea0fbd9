//! GHASH's field, one product at a time.
//!
//! GHASH ([SP 800-38D section 6.4](https://csrc.nist.gov/pubs/sp/800/38/d/final)) numbers the bits
//! of a block from the left. With the bytes of each block reversed it becomes POLYVAL
//! ([RFC 8452 appendix A](https://www.rfc-editor.org/rfc/rfc8452#appendix-A)), whose numbers have
//! their lowest bit where the processor has it, once H is multiplied by x: no product needs a shift.
//! The field is GF(2^128) modulo x^128 + x^127 + x^126 + x^121 + 1, and a product is a Montgomery
//! product: `multiply(a, b)` is `a * b * x^-128`.
//!
//! A product of two numbers of 128 bits is made of four of 64 bits (schoolbook). With a `low` and a
//! `high` half, and the `middle` between them, it is
//!
//! ```text
//! bits   255 .. 192   191 .. 128   127 .. 64    63 .. 0
//!        [        high         ]   [        low         ]
//!                     [       middle       ]
//! ```
//!
//! Products can be added before the reduction, which is linear.

use core::arch::x86_64::*;

/// Bytes of a block, which are also those of a tag.
pub(super) const BLOCK: usize = 16;

/// x^63 + x^62 + x^57: the field's polynomial without its ends, over x^64.
const POLYNOMIAL: i64 = 0xc200_0000_0000_0000_u64.cast_signed();

/// Turns the 16 bytes around, from GHASH's order to POLYVAL's and back.
#[target_feature(enable = "ssse3")]
#[inline]
pub(super) fn reverse(x: __m128i) -> __m128i {
    _mm_shuffle_epi8(x, reversal())
}

/// The shuffle that turns 16 bytes around.
#[target_feature(enable = "sse2")]
#[inline]
pub(super) fn reversal() -> __m128i {
    _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
}

/// Multiplies by x.
#[target_feature(enable = "sse2")]
#[inline]
pub(super) fn times_x(a: __m128i) -> __m128i {
    let carries = _mm_srli_epi64::<63>(a);
    let doubled = _mm_or_si128(_mm_slli_epi64::<1>(a), _mm_slli_si128::<8>(carries));
    // All ones where x^127 was set and became x^128 = x^127 + x^126 + x^121 + 1.
    let overflow = _mm_shuffle_epi32::<0b11_11_11_11>(_mm_srai_epi32::<31>(a));
    let polynomial = _mm_set_epi64x(POLYNOMIAL, 1);
    _mm_xor_si128(doubled, _mm_and_si128(overflow, polynomial))
}

/// A product, or a sum of products, that is not reduced.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) low: __m128i,
    pub(super) middle: __m128i,
    pub(super) high: __m128i,
}

impl Product {
    #[target_feature(enable = "pclmulqdq")]
    #[inline]
    pub(super) fn of(a: __m128i, b: __m128i) -> Self {
        let middle = _mm_xor_si128(
            _mm_clmulepi64_si128::<0x01>(a, b),
            _mm_clmulepi64_si128::<0x10>(a, b),
        );
        Self {
            low: _mm_clmulepi64_si128::<0x00>(a, b),
            middle,
            high: _mm_clmulepi64_si128::<0x11>(a, b),
        }
    }

    #[target_feature(enable = "sse2")]
    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            low: _mm_xor_si128(self.low, other.low),
            middle: _mm_xor_si128(self.middle, other.middle),
            high: _mm_xor_si128(self.high, other.high),
        }
    }

    /// Divides by x^128 in two steps of x^64: each adds the multiple of the polynomial that makes
    /// the lowest 64 bits zero (Gueron and Kounavis, "Carry-less multiplication and its usage for
    /// computing the GCM mode", in Montgomery's form).
    #[target_feature(enable = "pclmulqdq")]
    #[inline]
    pub(super) fn reduce(self) -> __m128i {
        let polynomial = _mm_set1_epi64x(POLYNOMIAL);
        let low = _mm_xor_si128(self.low, _mm_slli_si128::<8>(self.middle));
        let high = _mm_xor_si128(self.high, _mm_srli_si128::<8>(self.middle));
        let low = divide_by_x64(low, polynomial);
        let low = divide_by_x64(low, polynomial);
        _mm_xor_si128(high, low)
    }
}

#[target_feature(enable = "pclmulqdq")]
#[inline]
fn divide_by_x64(a: __m128i, polynomial: __m128i) -> __m128i {
    let multiple = _mm_clmulepi64_si128::<0x00>(a, polynomial);
    _mm_xor_si128(_mm_shuffle_epi32::<0b01_00_11_10>(a), multiple)
}

/// `a * b * x^-128`
#[target_feature(enable = "pclmulqdq")]
#[inline]
pub(super) fn multiply(a: __m128i, b: __m128i) -> __m128i {
    Product::of(a, b).reduce()
}
