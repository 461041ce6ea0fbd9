//! VAES and VPCLMULQDQ in 512 bits: four blocks a register, four registers a turn.

use super::pass::one_pass;
use core::arch::x86_64::{
    __m128i, __m512i as V, _mm_setzero_si128, _mm_xor_si128, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_xor_si256, _mm512_add_epi32 as add,
    _mm512_aesenc_epi128 as aes_round, _mm512_aesenclast_epi128 as aes_last_round,
    _mm512_and_si512 as and, _mm512_broadcast_i32x4 as broadcast, _mm512_castsi512_si256,
    _mm512_clmulepi64_epi128 as multiply, _mm512_extracti64x4_epi64, _mm512_set_epi32,
    _mm512_setzero_si512 as zero, _mm512_shuffle_epi8 as shuffle, _mm512_xor_si512 as xor,
    _mm512_zextsi128_si512 as widen,
};
use safe_unaligned_simd::x86_64::{_mm512_loadu_si512 as load, _mm512_storeu_si512 as store};

const LANES: usize = 4;
const REGISTERS: usize = 4;

/// What makes the counters of the first register from `j0`.
#[target_feature(enable = "avx512f")]
#[inline]
fn first_counters() -> V {
    _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1)
}

/// What makes the counters of the next register.
#[target_feature(enable = "avx512f")]
#[inline]
fn counters_of_a_register() -> V {
    _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4)
}

/// Adds the blocks of a register.
#[target_feature(enable = "avx512f")]
#[inline]
fn fold(register: V) -> __m128i {
    let upper = _mm512_extracti64x4_epi64::<1>(register);
    let half = _mm256_xor_si256(_mm512_castsi512_si256(register), upper);
    _mm_xor_si128(
        _mm256_castsi256_si128(half),
        _mm256_extracti128_si256::<1>(half),
    )
}

one_pass!("avx512f,avx512bw,avx512vl,avx512dq,vaes,vpclmulqdq,aes,pclmulqdq");
