//! AES-NI and PCLMULQDQ: one block a register, eight registers a turn.

use super::pass::one_pass;
use core::arch::x86_64::{
    __m128i, __m128i as V, _mm_add_epi32 as add, _mm_aesenc_si128 as aes_round,
    _mm_aesenclast_si128 as aes_last_round, _mm_and_si128 as and, _mm_clmulepi64_si128 as multiply,
    _mm_set_epi32, _mm_setzero_si128, _mm_setzero_si128 as zero, _mm_shuffle_epi8 as shuffle,
    _mm_xor_si128 as xor,
};
use core::convert::{identity as broadcast, identity as fold, identity as widen};
use safe_unaligned_simd::x86_64::{_mm_loadu_si128 as load, _mm_storeu_si128 as store};

const LANES: usize = 1;
const REGISTERS: usize = 8;

/// What makes the counter of the first register from `j0`.
#[target_feature(enable = "sse2")]
#[inline]
fn first_counters() -> V {
    _mm_set_epi32(0, 0, 0, 1)
}

/// What makes the counter of the next register.
#[target_feature(enable = "sse2")]
#[inline]
fn counters_of_a_register() -> V {
    _mm_set_epi32(0, 0, 0, 1)
}

one_pass!("avx,aes,pclmulqdq");
