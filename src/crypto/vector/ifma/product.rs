//! Montgomery multiplication with AVX-512 IFMA (52-bit multiply-add).
//!
//! A number of RUNS * L limbs of 52 bits is cut into runs of L limbs, one run to a 64-bit lane:
//! register j of L holds the limbs j, L + j, 2L + j, .. Two numbers of four runs, modulo p and modulo
//! q, share a register; or one number has all eight lanes:
//!
//! ```text
//! RUNS = 4, a[j]:  | j  L+j  2L+j  3L+j |  j  L+j  2L+j  3L+j |
//!                    p                     q
//! RUNS = 8, a[j]:  | j  L+j  2L+j  3L+j   4L+j  5L+j 6L+j 7L+j |
//! ```
//!
//! A step multiplies all of `a` by one limb of `b`, and adds the multiple m of n that makes the lowest
//! limb zero (Montgomery; operands scanned by limbs of `b`). In L registers no lane is idle. The
//! columns then go down by one: register j of the sum becomes register j - 1, and the lowest
//! register, one lane down, joins the highest.
//!
//! ```text
//! sum[j]   += low(a[j] b_i)      sum[j]   += low(n[j] m)
//! sum[j+1] += high(a[j] b_i)     sum[j+1] += high(n[j] m)
//! ```
//!
//! Where the registers have room for one limb more than the numbers (L = 8), the steps but for the
//! last take a multiple of n that is -1 modulo 2^52 in the place of n: m is then the lowest limb
//! itself, without a multiplication by -1/n.
//!
//! Bounds: with R = 2^(52 steps) above 2^14 n, a product is below ab/R + 2n (ab/R + n without the
//! multiple), hence below 3n if a and b are below 12n, and nothing is ever subtracted. Limbs of a and
//! b are below 2^52. A column takes four products below 2^52 in each step, and is of at most
//! RUNS * L steps: it stays below 2^61.

use core::arch::x86_64::*;
use zeroize::Zeroize;

/// The bits of a limb.
pub(super) const BITS: usize = 52;
const MASK: i64 = (1 << BITS) - 1;
/// The registers of the largest number.
pub(super) const MOST: usize = 10;
/// What columns are below.
const COLUMN: i64 = 1 << 61;
const _: () = assert!((8 * MOST as i64) * (4 << BITS) < COLUMN);

/// Two numbers of four runs, or one of eight.
pub(super) type Number<const L: usize> = [__m512i; L];

/// Returns the limbs of a number, which are the steps of a product: as many as the registers hold,
/// or one less in each four.
pub(super) const fn steps(l: usize, runs: usize) -> usize {
    if l == 8 {
        (runs * l) / 16 * 15
    } else {
        runs * l
    }
}

/// What a product needs of n.
#[derive(Clone)]
pub(super) struct Modulus<const L: usize> {
    pub(super) n: Number<L>,
    /// `-1/n mod 2^52` in all lanes of a number.
    pub(super) k0: __m512i,
    /// The multiple `k0 n`, where there is room for it; otherwise n.
    pub(super) multiple: Number<L>,
}

impl<const L: usize> Zeroize for Modulus<L> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.k0.zeroize();
        self.multiple.zeroize();
    }
}

/// The first lane of each number, the last, and their complements.
const fn first(runs: usize) -> u8 {
    if runs == 4 { 0x11 } else { 0x01 }
}

const fn last(runs: usize) -> u8 {
    if runs == 4 { 0x88 } else { 0x80 }
}

/// For each lane, the first lane of its number.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn first_lanes<const RUNS: usize>() -> __m512i {
    let second = if RUNS == 4 { 4 } else { 0 };
    _mm512_set_epi64(second, second, second, second, 0, 0, 0, 0)
}

/// Whether all lanes are below the bound.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn are_below<const L: usize>(a: &Number<L>, bound: i64) -> bool {
    let bound = _mm512_set1_epi64(bound);
    a.iter().all(|a| _mm512_cmplt_epu64_mask(*a, bound) == 0xff)
}

/// Each run one lane down; the last becomes zero.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn down<const RUNS: usize>(a: __m512i) -> __m512i {
    if RUNS == 4 {
        _mm512_maskz_permutex_epi64::<0b00_11_10_01>(!last(RUNS), a)
    } else {
        _mm512_alignr_epi64::<1>(_mm512_setzero_si512(), a)
    }
}

/// Each run one lane up; the first becomes zero.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn up<const RUNS: usize>(a: __m512i) -> __m512i {
    if RUNS == 4 {
        _mm512_maskz_permutex_epi64::<0b10_01_00_00>(!first(RUNS), a)
    } else {
        _mm512_alignr_epi64::<7>(a, _mm512_setzero_si512())
    }
}

/// The first limb of each number in all its lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn spread<const RUNS: usize>(a: __m512i) -> __m512i {
    if RUNS == 4 {
        _mm512_permutex_epi64::<0>(a)
    } else {
        _mm512_broadcastq_epi64(_mm512_castsi512_si128(a))
    }
}

/// Adds the products with the limb `$limb` of b to the sum, one register up from `$at`.
macro_rules! add_row {
    ($sum:ident, $at:literal, $a:ident, $limb:ident) => {
        for j in 0..L {
            $sum[$at + j] = _mm512_madd52lo_epu64($sum[$at + j], $a[j], $limb);
        }
        for j in 0..L {
            $sum[$at + j + 1] = _mm512_madd52hi_epu64($sum[$at + j + 1], $a[j], $limb);
        }
    };
}

/// Makes the lowest limb zero with the multiplier `$m`, and moves the columns down. In between, so
/// that the processor does not wait for the multiplier, comes `$row`: the products of the next limb.
macro_rules! reduce { ($sum:ident, $n:ident, $m:ident, $row:stmt) => {
    $row
    $sum[0] = _mm512_madd52lo_epu64($sum[0], $n[0], $m);
    $sum[1] = _mm512_madd52hi_epu64($sum[1], $n[0], $m);
    $sum[1] = _mm512_madd52lo_epu64($sum[1], $n[1], $m);
    let carry = _mm512_maskz_srli_epi64::<52>(first(RUNS), $sum[0]);
    $sum[1] = _mm512_add_epi64($sum[1], carry);
    for j in 2..L {
        $sum[j] = _mm512_madd52lo_epu64($sum[j], $n[j], $m);
    }
    for j in 1..L {
        $sum[j + 1] = _mm512_madd52hi_epu64($sum[j + 1], $n[j], $m);
    }
    $sum[L] = _mm512_add_epi64($sum[L], down::<RUNS>($sum[0]));
    let zero = _mm512_setzero_si512();
    let [_, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11] = $sum;
    $sum = [s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, zero];
} }

/// Multiplies `a` by `b` over R modulo n, the almost Montgomery product: below 3n.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
pub(super) fn multiply<const L: usize, const RUNS: usize>(
    a: &mut Number<L>,
    b: &Number<L>,
    modulus: &Modulus<L>,
) {
    *a = product::<L, RUNS, false>(a, b, modulus);
}

/// Squares `a` over R modulo n, several times.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline(never)]
pub(super) fn square<const L: usize, const RUNS: usize>(
    a: &mut Number<L>,
    times: usize,
    modulus: &Modulus<L>,
) {
    let mut square = *a;
    for _ in 0..times {
        square = product::<L, RUNS, true>(&square, &square, modulus);
    }
    *a = square;
}

/// The product. One for squares and one for others, so that each has one caller and is made part of
/// it: a square's registers then stay what they are for the next.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
fn product<const L: usize, const RUNS: usize, const SQUARE: bool>(
    a: &Number<L>,
    b: &Number<L>,
    modulus: &Modulus<L>,
) -> Number<L> {
    debug_assert!(L <= MOST && are_below(a, 1 << BITS) && are_below(b, 1 << BITS));
    let in_last_run = const { steps(L, RUNS) - (RUNS - 1) * L };
    let has_multiple = const { steps(L, RUNS) < RUNS * L };
    let Modulus { n, k0, multiple } = modulus;
    let zero = _mm512_setzero_si512();
    let one = _mm512_set1_epi64(1);
    let mut sum = [zero; MOST + 2];
    let mut run = first_lanes::<RUNS>();
    let limb = _mm512_permutexvar_epi64(run, b[0]);
    add_row!(sum, 0, a, limb);

    // The step t of a run, all of whose limbs are followed by another.
    macro_rules! step {
        ($next:expr) => {
            let m = if has_multiple {
                sum[0]
            } else {
                _mm512_madd52lo_epu64(zero, sum[0], *k0)
            };
            let m = spread::<RUNS>(m);
            let limb = $next;
            reduce!(sum, multiple, m, add_row!(sum, 1, a, limb));
        };
    }
    macro_rules! run { ($($t:literal)*) => { $(
        if $t + 1 < L {
            step!(_mm512_permutexvar_epi64(run, b[$t + 1]));
        }
    )* } }
    for _ in 1..RUNS {
        run!(0 1 2 3 4 5 6 7 8);
        run = _mm512_add_epi64(run, one);
        step!(_mm512_permutexvar_epi64(run, b[0]));
    }
    macro_rules! last_run { ($($t:literal)*) => { $(
        if $t + 1 < in_last_run {
            step!(_mm512_permutexvar_epi64(run, b[$t + 1]));
        }
    )* } }
    last_run!(0 1 2 3 4 5 6 7 8);
    let m = spread::<RUNS>(_mm512_madd52lo_epu64(zero, sum[0], *k0));
    reduce!(sum, n, m, ());

    let mut result = [zero; L];
    result.copy_from_slice(&sum[..L]);
    normalise::<L, RUNS>(&mut result);
    result
}

/// Brings limbs below 2^61 below 2^52.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
#[inline]
pub(super) fn normalise<const L: usize, const RUNS: usize>(a: &mut Number<L>) {
    debug_assert!(are_below(a, COLUMN));
    let mask = _mm512_set1_epi64(MASK);
    // All limbs at once: they are below 2^52 + 2^9 then.
    let mut below = up::<RUNS>(_mm512_srli_epi64::<52>(a[L - 1]));
    for j in 0..L {
        let carry = _mm512_srli_epi64::<52>(a[j]);
        a[j] = _mm512_add_epi64(_mm512_and_si512(a[j], mask), below);
        below = carry;
    }
    // From limb to limb in each run. `all` has the bits that are ones in all limbs so far, and a limb
    // passes on the carry that comes into the run if those below it are all ones.
    let one = _mm512_set1_epi64(1);
    let mut carry = _mm512_setzero_si512();
    let mut all = mask;
    let mut passed = [one; L];
    for j in 0..L {
        passed[j] = _mm512_srli_epi64::<52>(_mm512_add_epi64(all, one));
        let sum = _mm512_add_epi64(a[j], carry);
        carry = _mm512_srli_epi64::<52>(sum);
        a[j] = _mm512_and_si512(sum, mask);
        all = _mm512_and_si512(all, a[j]);
    }
    // From run to run by look-ahead: a run passes a carry on if all its limbs are ones. One that has
    // a carry is not, since what is left of it is below 2^(52 (L - 1) + 10).
    let passes = _mm512_cmpeq_epi64_mask(all, mask) & !last(RUNS);
    let carries = (_mm512_test_epi64_mask(carry, carry) << 1) & !first(RUNS);
    let increments = carries.wrapping_add(passes) ^ passes;
    for j in 0..L {
        let sum = _mm512_mask_add_epi64(a[j], increments, a[j], passed[j]);
        a[j] = _mm512_and_si512(sum, mask);
    }
}
