//! Eight numbers side by side, one to a 64-bit lane of AVX-512 registers, each modulo its own n. The
//! columns of a product stay in registers; each limb of the multiplier adds a row to them.
//!
//! ```text
//!               lane 0     lane 1    ..   lane 7
//! register 0    limb 0     limb 0         limb 0         D = 20 limbs of 52 bits for n of 1024 bits,
//! ..                                                     30 for 1536 bits
//! register D-1  limb D-1   limb D-1       limb D-1
//!
//! product, step i:       column   i    i+1   ..   i+P    P + 1 columns
//!   low  halves a[j] b[i]         x     x     x
//!   high halves a[j] b[i]               x     x     x    then the row n[j] q with the q that makes
//!                                 |                      column i zero; its carry joins column i + 1,
//!                                                        its register becomes column i + P + 1
//! ```
//!
//! A number is one panel of P limbs or two (H); the columns of two panels do not fit the registers at
//! once, and a product is then made of products of panels. A square is first made whole, in 2D
//! columns, with each cross product taken once and doubled as its column is complete, and reduced
//! after it. One panel is reduced by the multiple `N = -n/n mod 2^52 * n`, which is -1 modulo 2^52: q
//! is the column itself, and `(N + 1) / 2^52`, which has D limbs again, is added one column further
//! up. The last step takes n, so that the result stays small.
//!
//! Bounds: R = 2^(52 D) is above 2^16 n. A product is below ab/R + 2n, hence below 3n if a and b are
//! below 12n, and nothing is ever subtracted. A column sums at most 4D halves below 2^52, and a carry:
//! it stays below 2^60. Multiplication reads the low 52 bits of its factors only, so the limbs of a
//! product keep above them what was carried on; only `clean` takes it off.
//!
//! Rows are written out by macros, because a loop that is unrolled late leaves its columns in memory.
//! For the like reason a square and its reduction are functions apart.

#![allow(unused_assignments, reason = "the last step is like the others")]

use super::operation::Rows;
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm512_loadu_si512, _mm512_storeu_si512};
use zeroize::Zeroize;

pub(super) const LANES: usize = 8;
const MASK: u64 = (1 << 52) - 1;
/// The most limbs of a panel.
const MOST: usize = 20;

type Panel<const P: usize> = [__m512i; P];
pub(super) type Number<const P: usize, const H: usize> = [Panel<P>; H];
/// A product before its reduction, in twice as many panels as a number has: the first two or all.
pub(super) type Wide<const P: usize> = [Panel<P>; 4];

/// The body for `$i` = 0, 1, .. below `$n`, written out.
macro_rules! written_out {
    ($i:ident < $n:expr, $body:block) => {
        written_out!(@ $i $n, $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
    };
    (@ $i:ident $n:expr, $body:block $($k:literal)*) => { $(
        if $k < $n {
            let $i: usize = $k;
            $body
        }
    )* };
}

/// Adds `x[j] y` to the columns from `$at` up: low halves from j = `$low`, high halves, one column
/// up, from j = `$high`. Column k is `sum[k mod slots]`. Five low halves, then five high ones, so
/// that none waits for the one before.
macro_rules! add_row {
    ($sum:ident mod $slots:expr, $at:expr, $x:ident * $y:ident, $low:expr, $high:expr) => {
        let (low, high): (usize, usize) = ($low, $high);
        add_row!(@ $sum $slots, $at, $x $y, low, high, 0 1 2 3 4);
        add_row!(@ $sum $slots, $at, $x $y, low, high, 5 6 7 8 9);
        add_row!(@ $sum $slots, $at, $x $y, low, high, 10 11 12 13 14);
        add_row!(@ $sum $slots, $at, $x $y, low, high, 15 16 17 18 19);
    };
    (@ $sum:ident $slots:expr, $at:expr, $x:ident $y:ident, $low:ident, $high:ident, $($j:literal)*) => {
        $( if $j < P && $j >= $low {
            let k = ($at + $j) % $slots;
            $sum[k] = _mm512_madd52lo_epu64($sum[k], $x[$j], $y);
        } )*
        $( if $j < P && $j >= $high {
            let k = ($at + $j + 1) % $slots;
            $sum[k] = _mm512_madd52hi_epu64($sum[k], $x[$j], $y);
        } )*
    };
}

/// Makes column `$i` zero by a multiple q of n, moves its carry on, and puts `$next` into its slot.
/// Returns q. The carry is that of the column and its complement to the next multiple of 2^52.
macro_rules! clear_column {
    ($sum:ident, $i:ident, $n:ident, $k0:ident, $next:expr) => {{
        let lowest = $sum[$i % (P + 1)];
        let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), lowest, $k0);
        let carry = _mm512_add_epi64(lowest, _mm512_set1_epi64(MASK as i64));
        let carry = _mm512_srli_epi64::<52>(carry);
        $sum[($i + 1) % (P + 1)] = _mm512_add_epi64($sum[($i + 1) % (P + 1)], carry);
        add_row!($sum mod P + 1, $i, $n * q, 1, 0);
        $sum[$i % (P + 1)] = $next;
        q
    }};
}

/// Column `$k` of a product of panels.
macro_rules! column {
    ($low:ident, $high:ident, $k:expr) => {
        *if $k < P {
            &mut $low[$k]
        } else {
            &mut $high[$k - P]
        }
    };
}

/// What a product needs of n.
pub(super) struct Modulus<const P: usize, const H: usize> {
    n: Number<P, H>,
    /// `(N + 1) / 2^52`
    multiple: Number<P, H>,
    /// `-1/n mod 2^52`
    k0: __m512i,
}

impl<const P: usize, const H: usize> Drop for Modulus<P, H> {
    fn drop(&mut self) {
        self.n.zeroize();
        self.multiple.zeroize();
        self.k0.zeroize();
    }
}

impl<const P: usize, const H: usize> Modulus<P, H> {
    /// Takes n, odd or zero in each lane, and `-1/n mod 2^52`.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    pub(super) fn new<const D: usize>(n: &Rows<LANES, D>, k0: &[u64; LANES]) -> Self {
        let mut multiple = [[0; LANES]; D];
        for lane in 0..LANES {
            let mut carry = 1;
            for j in 0..D {
                carry += u128::from(n[j][lane]) * u128::from(k0[lane]);
                if j > 0 {
                    multiple[j - 1][lane] = carry as u64 & MASK;
                }
                carry >>= 52;
            }
            multiple[D - 1][lane] = carry as u64;
        }
        let modulus = Self {
            n: load(n),
            multiple: load(&multiple),
            k0: _mm512_loadu_si512(k0),
        };
        multiple.zeroize();
        modulus
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(super) fn load<const P: usize, const H: usize, const D: usize>(
    rows: &Rows<LANES, D>,
) -> Number<P, H> {
    const { assert!(P * H == D && P <= MOST && H <= 2) };
    let mut number = [[_mm512_setzero_si512(); P]; H];
    for (register, row) in number.as_flattened_mut().iter_mut().zip(rows) {
        *register = _mm512_loadu_si512(row);
    }
    number
}

/// The limbs without what was carried on.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(super) fn clean<const P: usize, const H: usize, const D: usize>(
    number: &Number<P, H>,
) -> Rows<LANES, D> {
    const { assert!(P * H == D) };
    let mut rows = [[0; LANES]; D];
    for (register, row) in number.as_flattened().iter().zip(&mut rows) {
        let limbs = _mm512_and_si512(*register, _mm512_set1_epi64(MASK as i64));
        _mm512_storeu_si512(row, limbs);
    }
    rows
}

/// Moves the carry of a column on to the next one, and keeps it in the limb as well.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn carry_on(column: __m512i, carry: &mut __m512i) -> __m512i {
    let limb = _mm512_add_epi64(column, *carry);
    debug_assert_eq!(_mm512_cmpge_epu64_mask(limb, _mm512_set1_epi64(1 << 60)), 0);
    *carry = _mm512_srli_epi64::<52>(limb);
    limb
}

/// One panel: `a = ab/R mod n`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
fn multiply_one<const P: usize>(a: &mut Panel<P>, b: &Panel<P>, n: &Panel<P>, k0: __m512i) {
    let zero = _mm512_setzero_si512();
    let mut sum = [zero; MOST + 1];
    written_out!(i < P, {
        let limb = b[i];
        add_row!(sum mod P + 1, i, a * limb, 0, 0);
        clear_column!(sum, i, n, k0, zero);
    });
    let mut carry = zero;
    written_out!(j < P, {
        a[j] = carry_on(sum[(P + j) % (P + 1)], &mut carry);
    });
}

/// One panel: `a = (low + high R) / R mod n`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
fn reduce_one<const P: usize>(
    a: &mut Panel<P>,
    low: &mut Panel<P>,
    high: &mut Panel<P>,
    n: &Panel<P>,
    multiple: &Panel<P>,
    k0: __m512i,
) {
    let zero = _mm512_setzero_si512();
    let mut sum = [zero; MOST + 1];
    written_out!(i < P, {
        sum[i] = low[i];
    });
    sum[P] = high[0];
    written_out!(i < P, {
        if i + 1 < P {
            let q = sum[i % (P + 1)];
            sum[i % (P + 1)] = high[(i + 1) % P];
            let next = (i + 1) % (P + 1);
            sum[next] = _mm512_add_epi64(sum[next], _mm512_srli_epi64::<52>(q));
            add_row!(sum mod P + 1, i + 1, multiple * q, 0, 0);
        } else {
            clear_column!(sum, i, n, k0, zero);
        }
    });
    let mut carry = zero;
    written_out!(j < P, {
        a[j] = carry_on(sum[(P + j) % (P + 1)], &mut carry);
    });
}

/// The square of a panel, in two; where `ADD`, with twice what they hold.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
fn square_panel<const P: usize, const ADD: bool>(
    low: &mut Panel<P>,
    high: &mut Panel<P>,
    a: &Panel<P>,
) {
    let zero = _mm512_setzero_si512();
    let mut sum = [zero; MOST];
    if ADD {
        written_out!(i < P, {
            sum[i] = low[i];
        });
    }
    let first = a[0];
    low[0] = _mm512_madd52lo_epu64(_mm512_add_epi64(sum[0], sum[0]), first, first);
    sum[0] = if ADD { high[0] } else { zero };
    // Row i ends the columns 2i + 1 and 2i + 2.
    written_out!(i < P, {
        let limb = a[i];
        add_row!(sum mod P, i, a * limb, i + 1, i + 1);
        let k = 2 * i + 1;
        let done = sum[k % P];
        if k < P {
            sum[k % P] = if ADD { high[k] } else { zero };
        }
        column!(low, high, k) = _mm512_madd52hi_epu64(_mm512_add_epi64(done, done), limb, limb);
        if i + 1 < P {
            let limb = a[(i + 1) % P];
            let k = 2 * i + 2;
            let done = sum[k % P];
            if k < P {
                sum[k % P] = if ADD { high[k] } else { zero };
            }
            column!(low, high, k) = _mm512_madd52lo_epu64(_mm512_add_epi64(done, done), limb, limb);
        }
    });
}

/// The product of two panels, in two; where `ADD`, with what they hold.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
fn multiply_panels<const P: usize, const ADD: bool>(
    low: &mut Panel<P>,
    high: &mut Panel<P>,
    x: &Panel<P>,
    y: &Panel<P>,
) {
    let zero = _mm512_setzero_si512();
    let mut sum = [zero; MOST + 1];
    if ADD {
        written_out!(i < P, {
            sum[i] = low[i];
        });
        sum[P] = high[0];
    }
    written_out!(i < P, {
        let limb = y[i];
        add_row!(sum mod P + 1, i, x * limb, 0, 0);
        low[i] = sum[i % (P + 1)];
        sum[i % (P + 1)] = if ADD && i + 1 < P {
            high[(i + 1) % P]
        } else {
            zero
        };
    });
    written_out!(j < P, {
        high[j] = sum[(P + j) % (P + 1)];
    });
}

/// Adds `q n` to two panels, with the q that makes the low one zero, for the lower panel of n.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
fn clear_panel<const P: usize>(
    low: &mut Panel<P>,
    high: &mut Panel<P>,
    q: &mut Panel<P>,
    n: &Panel<P>,
    k0: __m512i,
) {
    let zero = _mm512_setzero_si512();
    let mut sum = [zero; MOST + 1];
    written_out!(i < P, {
        sum[i] = low[i];
    });
    sum[P] = high[0];
    written_out!(i < P, {
        let next = if i + 1 < P { high[(i + 1) % P] } else { zero };
        q[i] = clear_column!(sum, i, n, k0, next);
    });
    written_out!(j < P, {
        high[j] = sum[(P + j) % (P + 1)];
    });
}

/// The square before its reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
pub(super) fn square<const P: usize, const H: usize>(wide: &mut Wide<P>, a: &Number<P, H>) {
    let [w0, w1, w2, w3] = wide;
    if H == 1 {
        square_panel::<P, false>(w0, w1, &a[0]);
    } else {
        let (low, high) = (&a[0], &a[H - 1]);
        multiply_panels::<P, false>(w1, w2, low, high);
        *w0 = [_mm512_setzero_si512(); P];
        *w3 = [_mm512_setzero_si512(); P];
        square_panel::<P, true>(w0, w1, low);
        square_panel::<P, true>(w2, w3, high);
    }
}

/// `a = wide / R mod n`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
pub(super) fn reduce<const P: usize, const H: usize>(
    a: &mut Number<P, H>,
    wide: &mut Wide<P>,
    modulus: &Modulus<P, H>,
) {
    let Modulus { n, multiple, k0 } = modulus;
    let [w0, w1, w2, w3] = wide;
    if H == 1 {
        reduce_one(&mut a[0], w0, w1, &n[0], &multiple[0], *k0);
    } else {
        // The number itself is no longer needed, and is room for q.
        let q = &mut a[0];
        clear_panel(w0, w1, q, &n[0], *k0);
        multiply_panels::<P, true>(w1, w2, q, &n[H - 1]);
        clear_panel(w1, w2, q, &n[0], *k0);
        multiply_panels::<P, true>(w2, w3, q, &n[H - 1]);
        let mut carry = _mm512_setzero_si512();
        for (limb, column) in a.as_flattened_mut().iter_mut().zip(w2.iter().chain(w3.iter())) {
            *limb = carry_on(*column, &mut carry);
        }
    }
}

/// `a = ab/R mod n`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
pub(super) fn multiply<const P: usize, const H: usize>(
    a: &mut Number<P, H>,
    b: &Number<P, H>,
    wide: &mut Wide<P>,
    modulus: &Modulus<P, H>,
) {
    if H == 1 {
        multiply_one(&mut a[0], &b[0], &modulus.n[0], modulus.k0);
    } else {
        let [w0, w1, w2, w3] = wide;
        multiply_panels::<P, false>(w0, w1, &a[0], &b[0]);
        multiply_panels::<P, false>(w2, w3, &a[H - 1], &b[H - 1]);
        multiply_panels::<P, true>(w1, w2, &a[0], &b[H - 1]);
        multiply_panels::<P, true>(w1, w2, &a[H - 1], &b[0]);
        reduce(a, wide, modulus);
    }
}
