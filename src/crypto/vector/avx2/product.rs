//! Montgomery multiplication with AVX2, modulo p and modulo q at once.
//!
//! Numbers have D = 2G limbs of 29 bits. Register j of G holds two limbs of each number, and the odd
//! form of a number is the same one limb further up:
//!
//! ```text
//!               p             q                              p             q
//! a[j]     | 2j   2j+1 | 2j   2j+1 |        odd a[j]    | 2j-1   2j | 2j-1   2j |
//! ```
//!
//! A product takes four limbs b0..b3 of b at a time, low ones first, and keeps a window w of G
//! registers of the columns that are not complete. With the multipliers m0..m3 of Montgomery's
//! reduction, one pass over the window does all of
//!
//! ```text
//! w[j] += a[j] b0 + odd a[j] b1 + a[j-1] b2 + odd a[j-1] b3
//!       + n[j] m0 + odd n[j] m1 + n[j-1] m2 + odd n[j-1] m3
//! ```
//!
//! and moves the window by two registers, because the lowest four columns are then zero but for
//! their carries. So no column moves between lanes, and a register of the window is loaded and
//! stored once for eight multiplications.
//!
//! Bounds: R = 2^(29 D) is above 2^19 n. A product of numbers below 12n is below ab/R + n < 2n, so
//! nothing is ever subtracted. Limbs are below 2^29 + 2^7, those of a sum of two numbers too. A
//! column takes eight products from each four limbs of b; after 28 limbs carries are moved on.

use core::arch::x86_64::*;
use zeroize::Zeroize;

/// The bits of a limb.
pub(super) const BITS: usize = 29;
pub(super) const MASK: u64 = (1 << BITS) - 1;
/// What limbs are below.
const LIMB: u64 = (1 << BITS) + (1 << 7);
/// How many blocks of four limbs of b may come before carries are moved on. A column then fits: it
/// begins with a limb and a carry of 35 bits, and takes carries of 35 bits from the one below.
const BLOCKS: usize = 7;
const _: () = assert!(8 * BLOCKS as u128 * (LIMB as u128).pow(2) + (1 << 38) < 1 << 64);

/// A number modulo p beside one modulo q.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Pair<const G: usize>(pub(super) [__m256i; G]);

impl<const G: usize> Zeroize for Pair<G> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// What a product needs of p and q.
pub(super) struct Moduli<const G: usize> {
    n: Pair<G>,
    odd: Pair<G>,
    /// Limb 2G - 1, above the odd form.
    top: __m256i,
    /// `-1/n mod 2^29`, in both lanes of a number.
    k0: __m256i,
}

impl<const G: usize> Moduli<G> {
    #[target_feature(enable = "avx2,bmi2")]
    pub(super) fn new(n: Pair<G>, k0: __m256i) -> Self {
        let (odd, top) = odd_form(&n.0);
        Self {
            n,
            odd: Pair(odd),
            top,
            k0,
        }
    }
}

impl<const G: usize> Zeroize for Moduli<G> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.odd.zeroize();
        self.top.zeroize();
        self.k0.zeroize();
    }
}

/// Lane 0 of each number into both of its lanes.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn even_limb(a: __m256i) -> __m256i {
    _mm256_unpacklo_epi64(a, a)
}

#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn odd_limb(a: __m256i) -> __m256i {
    _mm256_unpackhi_epi64(a, a)
}

/// One limb further up, with the upper limb of the register below.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn up(a: __m256i, below: __m256i) -> __m256i {
    _mm256_alignr_epi8::<8>(a, below)
}

#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn multiply_add(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi64(sum, _mm256_mul_epu32(a, b))
}

/// The odd form of a number, and the limb above it.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn odd_form<const G: usize>(a: &[__m256i; G]) -> ([__m256i; G], __m256i) {
    let mut odd = [_mm256_setzero_si256(); G];
    let mut below = _mm256_setzero_si256();
    for j in 0..G {
        odd[j] = up(a[j], below);
        below = a[j];
    }
    (odd, up(_mm256_setzero_si256(), below))
}

/// Whether all limbs keep their bound.
#[target_feature(enable = "avx2,bmi2")]
fn are_limbs<const G: usize>(a: &[__m256i; G]) -> bool {
    let bound = _mm256_set1_epi64x(LIMB as i64);
    a.iter().all(|a| _mm256_movemask_epi8(_mm256_cmpgt_epi64(bound, *a)) == -1)
}

/// Moves carries on by one limb: limbs below 2^64 come to be below 2^29 + 2^35, and those to be
/// below 2^29 + 2^7. The uppermost limb takes what comes.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
pub(super) fn carry_on<const G: usize>(w: &mut [__m256i; G]) {
    let mask = _mm256_set1_epi64x(MASK as i64);
    let mut below = _mm256_setzero_si256();
    for w in w.iter_mut() {
        let carries = _mm256_srli_epi64::<29>(*w);
        *w = _mm256_add_epi64(_mm256_and_si256(*w, mask), up(carries, below));
        below = carries;
    }
}

/// Multiplies `a` by `b` over R modulo n, the almost Montgomery product: below 2n.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn multiply<const G: usize>(a: &mut Pair<G>, b: &Pair<G>, moduli: &Moduli<G>) {
    *a = product(a, b, moduli);
}

/// Squares `a` over R modulo n, several times.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn square<const G: usize>(a: &mut Pair<G>, times: usize, moduli: &Moduli<G>) {
    for _ in 0..times {
        *a = product(a, a, moduli);
    }
}

#[target_feature(enable = "avx2,bmi2")]
fn product<const G: usize>(a: &Pair<G>, b: &Pair<G>, moduli: &Moduli<G>) -> Pair<G> {
    let zero = _mm256_setzero_si256();
    let mask = _mm256_set1_epi64x(MASK as i64);
    let Moduli {
        n: Pair(n),
        odd: Pair(odd_n),
        top: top_n,
        k0,
    } = moduli;
    let (Pair(a), Pair(b)) = (a, b);
    debug_assert!(are_limbs(a) && are_limbs(b));
    let (odd_a, top_a) = odd_form(a);

    let mut w = [zero; G];
    for t in 0..G / 2 {
        let (b0, b1) = (even_limb(b[2 * t]), odd_limb(b[2 * t]));
        let (b2, b3) = (even_limb(b[2 * t + 1]), odd_limb(b[2 * t + 1]));
        // The four lowest columns, of which each multiplier makes one zero modulo 2^29.
        let mut u = multiply_add(multiply_add(w[0], a[0], b0), odd_a[0], b1);
        let m0 = even_limb(_mm256_and_si256(_mm256_mul_epu32(u, *k0), mask));
        u = multiply_add(u, n[0], m0);
        u = _mm256_add_epi64(u, up(_mm256_srli_epi64::<29>(u), zero));
        let m1 = odd_limb(_mm256_and_si256(_mm256_mul_epu32(u, *k0), mask));
        u = multiply_add(u, odd_n[0], m1);
        let mut v = multiply_add(multiply_add(w[1], a[1], b0), odd_a[1], b1);
        v = multiply_add(multiply_add(v, a[0], b2), odd_a[0], b3);
        v = multiply_add(multiply_add(v, n[1], m0), odd_n[1], m1);
        v = _mm256_add_epi64(v, up(zero, _mm256_srli_epi64::<29>(u)));
        let m2 = even_limb(_mm256_and_si256(_mm256_mul_epu32(v, *k0), mask));
        v = multiply_add(v, n[0], m2);
        v = _mm256_add_epi64(v, up(_mm256_srli_epi64::<29>(v), zero));
        let m3 = odd_limb(_mm256_and_si256(_mm256_mul_epu32(v, *k0), mask));
        v = multiply_add(v, odd_n[0], m3);
        let mut carries = up(zero, _mm256_srli_epi64::<29>(v));

        for j in 2..G {
            let mut sum = _mm256_add_epi64(w[j], carries);
            carries = zero;
            sum = multiply_add(multiply_add(sum, a[j], b0), odd_a[j], b1);
            sum = multiply_add(multiply_add(sum, a[j - 1], b2), odd_a[j - 1], b3);
            sum = multiply_add(multiply_add(sum, n[j], m0), odd_n[j], m1);
            w[j - 2] = multiply_add(multiply_add(sum, n[j - 1], m2), odd_n[j - 1], m3);
        }
        let mut sum = multiply_add(_mm256_mul_epu32(top_a, b1), *top_n, m1);
        sum = multiply_add(multiply_add(sum, a[G - 1], b2), odd_a[G - 1], b3);
        w[G - 2] = multiply_add(multiply_add(sum, n[G - 1], m2), odd_n[G - 1], m3);
        w[G - 1] = multiply_add(_mm256_mul_epu32(top_a, b3), *top_n, m3);
        if t % BLOCKS == BLOCKS - 1 {
            carry_on(&mut w);
        }
    }
    carry_on(&mut w);
    carry_on(&mut w);
    debug_assert!(are_limbs(&w));
    Pair(w)
}
