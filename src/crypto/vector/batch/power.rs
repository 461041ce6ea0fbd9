//! Exponentiation of eight numbers side by side, each by its own exponent, over the products of
//! `rows`.
//!
//! Windows of W bits. The whole table is read for each, with a mask for each lane, and in W shares of
//! the limbs: one share between a square and its reduction, so that its loads run while the products
//! before it drain. A table that is longer than the first cache costs more than a wider window saves.

use super::super::words::digit;
use super::operation::Rows;
use super::rows::{LANES, Modulus, Number, Wide, clean, load, multiply, reduce, square};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::_mm512_loadu_si512;
use zeroize::Zeroize;

/// The powers of the base that a window can ask for: share s of power i is entry `s << W | i`. On the
/// heap, since it is longer than a small stack. Wiped when dropped.
struct Table<const W: usize, const SHARE: usize>(Vec<[__m512i; SHARE]>);

impl<const W: usize, const SHARE: usize> Drop for Table<W, SHARE> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const W: usize, const SHARE: usize> Table<W, SHARE> {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn new() -> Self {
        Self(vec![[_mm512_setzero_si512(); SHARE]; W << W])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn put<const P: usize, const H: usize>(&mut self, i: usize, power: &Number<P, H>) {
        const { assert!(P * H == W * SHARE) };
        let (shares, _) = power.as_flattened().as_chunks::<SHARE>();
        for (entries, share) in self.0.chunks_exact_mut(1 << W).zip(shares) {
            entries[i] = *share;
        }
    }

    /// Writes a share of the power that each lane asks for, having read it of all.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    #[inline(never)]
    fn get(&self, share: usize, wanted: __m512i, power: &mut [__m512i]) {
        let mut at = _mm512_setzero_si512();
        let mut found = [_mm512_setzero_si512(); SHARE];
        for entry in &self.0[share << W..][..1 << W] {
            let hit = _mm512_cmpeq_epu64_mask(at, wanted);
            at = _mm512_add_epi64(at, _mm512_set1_epi64(1));
            for j in 0..SHARE {
                found[j] = _mm512_mask_mov_epi64(found[j], hit, entry[j]);
            }
        }
        power[share * SHARE..][..SHARE].copy_from_slice(&found);
    }
}

/// What is left of a computation in memory. Wiped when dropped.
struct Scratch<const P: usize, const H: usize> {
    power: Number<P, H>,
    factor: Number<P, H>,
    wide: Wide<P>,
}

impl<const P: usize, const H: usize> Drop for Scratch<P, H> {
    fn drop(&mut self) {
        self.power.zeroize();
        self.factor.zeroize();
        self.wide.zeroize();
    }
}

/// The base to the powers of the exponents, of `bits` bits at most: base and result in Montgomery
/// form, as is `one`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(super) fn raise<
    const P: usize,
    const H: usize,
    const W: usize,
    const SHARE: usize,
    const D: usize,
>(
    modulus: &Modulus<P, H>,
    one: &Rows<LANES, D>,
    base: &Rows<LANES, D>,
    exponents: &[&[u64]; LANES],
    bits: usize,
) -> Rows<LANES, D> {
    let mut table = Table::<W, SHARE>::new();
    let mut scratch = Scratch {
        power: load(one),
        factor: load(base),
        wide: [[_mm512_setzero_si512(); P]; 4],
    };
    let Scratch {
        power,
        factor,
        wide,
    } = &mut scratch;
    table.put(0, power);
    *power = *factor;
    table.put(1, power);
    for i in 2..1 << W {
        multiply(power, factor, wide, modulus);
        table.put(i, power);
    }

    let wanted = |window: usize| {
        _mm512_loadu_si512(&exponents.map(|exponent| digit(exponent, W * window, W)))
    };
    let windows = bits.div_ceil(W);
    debug_assert!(windows > 0);
    for share in 0..W {
        table.get(share, wanted(windows - 1), power.as_flattened_mut());
    }
    for window in (0..windows - 1).rev() {
        let wanted = wanted(window);
        for share in 0..W {
            square(wide, power);
            table.get(share, wanted, factor.as_flattened_mut());
            reduce(power, wide, modulus);
        }
        multiply(power, factor, wide, modulus);
    }
    clean(power)
}

/// The product of two numbers below 12n, below 3n.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(super) fn product<const P: usize, const H: usize, const D: usize>(
    modulus: &Modulus<P, H>,
    a: &Rows<LANES, D>,
    b: &Rows<LANES, D>,
) -> Rows<LANES, D> {
    let mut scratch = Scratch {
        power: load(a),
        factor: load(b),
        wide: [[_mm512_setzero_si512(); P]; 4],
    };
    let Scratch {
        power,
        factor,
        wide,
    } = &mut scratch;
    multiply(power, factor, wide, modulus);
    clean(power)
}
