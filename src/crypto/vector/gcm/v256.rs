//! VAES and VPCLMULQDQ in 256 bits: two blocks a register, eight registers a turn.

use super::pass::one_pass;
use core::arch::x86_64::{
    __m128i, __m256i as V, _mm_setzero_si128, _mm_xor_si128, _mm256_add_epi32 as add,
    _mm256_aesenc_epi128 as aes_round, _mm256_aesenclast_epi128 as aes_last_round,
    _mm256_and_si256 as and, _mm256_broadcastsi128_si256 as broadcast, _mm256_castsi256_si128,
    _mm256_clmulepi64_epi128 as multiply, _mm256_extracti128_si256, _mm256_set_epi32,
    _mm256_setzero_si256 as zero, _mm256_shuffle_epi8 as shuffle, _mm256_xor_si256 as xor,
    _mm256_zextsi128_si256 as widen,
};
use safe_unaligned_simd::x86_64::{_mm256_loadu_si256 as load, _mm256_storeu_si256 as store};

const LANES: usize = 2;
const REGISTERS: usize = 8;

/// What makes the counters of the first register from `j0`.
#[target_feature(enable = "avx")]
#[inline]
fn first_counters() -> V {
    _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 1)
}

/// What makes the counters of the next register.
#[target_feature(enable = "avx")]
#[inline]
fn counters_of_a_register() -> V {
    _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2)
}

/// Adds the blocks of a register.
#[target_feature(enable = "avx2")]
#[inline]
fn fold(register: V) -> __m128i {
    _mm_xor_si128(
        _mm256_castsi256_si128(register),
        _mm256_extracti128_si256::<1>(register),
    )
}

one_pass!("avx2,vaes,vpclmulqdq,aes,pclmulqdq");
