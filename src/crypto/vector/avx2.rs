//! Two exponentiations side by side with AVX2, modulo p and modulo q.
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
//! nothing is ever subtracted. Limbs are below 2^29 + 2^7. A column takes eight products of
//! 2^58 (1 + 2^-21) from each four limbs of b; after 28 limbs, whose 56 products stay below
//! 2^63.9, carries are moved on.

use super::crt::{CrtNumbers, Numbers, WORDS, Words};
use super::words::{
    carry, digit, from_limbs, negated_inverse, powers_of_two, reduce_once, to_limbs,
};
use core::arch::x86_64::*;
use zeroize::Zeroize;

const BITS: usize = 29;
const MASK: u64 = (1 << BITS) - 1;
/// The bits of a window of the exponent.
const WINDOW: usize = 4;
/// The most limbs that a number has.
const LIMBS: usize = 72;

/// A number modulo p beside one modulo q.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Pair<const G: usize>([__m256i; G]);

impl<const G: usize> Zeroize for Pair<G> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// What a product needs of p and q.
struct Moduli<const G: usize> {
    n: Pair<G>,
    odd: Pair<G>,
    /// Limb 2G - 1, above the odd form.
    top: __m256i,
    /// `-1/n mod 2^29`, in all lanes.
    k0: __m256i,
}

/// A key for the engine of G registers.
struct Sized<const G: usize> {
    numbers: Numbers,
    moduli: Moduli<G>,
    /// R, R^2 and R^3.
    one: Pair<G>,
    r2: Pair<G>,
    r3: Pair<G>,
    /// q^-1 R modulo p; 0 modulo q.
    q_inverse: Pair<G>,
}

impl<const G: usize> Drop for Sized<G> {
    fn drop(&mut self) {
        for number in [
            &mut self.one,
            &mut self.r2,
            &mut self.r3,
            &mut self.q_inverse,
        ] {
            number.zeroize();
        }
        let Moduli { n, odd, top, k0 } = &mut self.moduli;
        for number in [n, odd] {
            number.zeroize();
        }
        for register in [top, k0] {
            register.zeroize();
        }
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

/// Moves carries on by one limb: limbs below 2^64 come to be below 2^29 + 2^35, and those to be
/// below 2^29 + 2^7. The uppermost limb takes what comes.
#[target_feature(enable = "avx2,bmi2")]
#[inline]
fn carry_on<const G: usize>(w: &mut [__m256i; G]) {
    let mask = _mm256_set1_epi64x(MASK as i64);
    let mut below = _mm256_setzero_si256();
    for w in w.iter_mut() {
        let carries = _mm256_srli_epi64::<29>(*w);
        *w = _mm256_add_epi64(_mm256_and_si256(*w, mask), up(carries, below));
        below = carries;
    }
}

/// Almost Montgomery product: ab/R mod n, below 2n.
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
    let mut odd_a = [zero; G];
    let mut below = zero;
    for j in 0..G {
        odd_a[j] = up(a[j], below);
        below = a[j];
    }
    let top_a = up(zero, below);

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
        if t % 7 == 6 {
            carry_on(&mut w);
        }
    }
    carry_on(&mut w);
    carry_on(&mut w);
    Pair(w)
}

/// The powers of the base that a window of the exponent can ask for. Wiped when dropped.
struct Table<const G: usize>([Pair<G>; 1 << WINDOW]);

impl<const G: usize> Drop for Table<G> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const G: usize> Table<G> {
    /// Returns the powers for a digit of p's exponent and one of q's, having read all.
    #[target_feature(enable = "avx2,bmi2")]
    #[inline]
    fn get(&self, p: u64, q: u64) -> Pair<G> {
        let [p, q] = [p as i64, q as i64];
        let wanted = _mm256_set_epi64x(q, q, p, p);
        let mut at = _mm256_setzero_si256();
        let mut found = [_mm256_setzero_si256(); G];
        for Pair(row) in &self.0 {
            let hit = _mm256_cmpeq_epi64(at, wanted);
            at = _mm256_add_epi64(at, _mm256_set1_epi64x(1));
            for j in 0..G {
                found[j] = _mm256_or_si256(found[j], _mm256_and_si256(hit, row[j]));
            }
        }
        Pair(found)
    }
}

impl<const G: usize> Sized<G> {
    /// base^dp modulo p and base^dq modulo q, in Montgomery form.
    #[target_feature(enable = "avx2,bmi2")]
    fn raise(&self, base: &Pair<G>) -> Pair<G> {
        let mut table = Table([self.one; 1 << WINDOW]);
        table.0[1] = *base;
        for i in 2..1 << WINDOW {
            table.0[i] = product(&table.0[i - 1], base, &self.moduli);
        }
        let mut power = self.one;
        // As many windows as a number of the length of p has.
        for i in (0..self.numbers.bits.div_ceil(WINDOW)).rev() {
            for _ in 0..WINDOW {
                power = product(&power, &power, &self.moduli);
            }
            let Numbers { dp, dq, .. } = &self.numbers;
            let factor = table.get(digit(dp, WINDOW * i, WINDOW), digit(dq, WINDOW * i, WINDOW));
            power = product(&power, &factor, &self.moduli);
        }
        power
    }

    /// c^d mod n.
    #[target_feature(enable = "avx2,bmi2")]
    fn private(&self, number: &mut [u64]) {
        let Self {
            numbers, moduli, ..
        } = self;
        // c = c0 + c1 R, both below R: c0 R^2 / R + c1 R^3 / R is c R, and below 4n.
        let mut limbs = [0; 2 * LIMBS];
        to_limbs::<BITS>(number, &mut limbs[..4 * G]);
        let low = product(&both(&limbs[..2 * G]), &self.r2, moduli);
        let high = product(&both(&limbs[2 * G..4 * G]), &self.r3, moduli);
        let mut base = Pair([_mm256_setzero_si256(); G]);
        for j in 0..G {
            base.0[j] = _mm256_add_epi64(low.0[j], high.0[j]);
        }
        carry_on(&mut base.0);
        // Out of Montgomery form: at most n.
        let power = self.raise(&base);
        let mut plain_one = [0; 2 * LIMBS];
        plain_one[0] = 1;
        let power = product(&power, &both(&plain_one[..2 * G]), moduli);
        let (mut m1, mut m2) = words(&power);
        reduce_once(&mut m1, &numbers.p);
        reduce_once(&mut m2, &numbers.q);

        let mut difference = numbers.difference(&m1, &m2);
        to_limbs::<BITS>(&difference, &mut limbs[..2 * G]);
        let h = product(&both(&limbs[..2 * G]), &self.q_inverse, moduli);
        let (mut h, _) = words(&h);
        reduce_once(&mut h, &numbers.p);
        numbers.recombine(&h, &m2, number);
        limbs.zeroize();
        difference.zeroize();
        [m1, m2, h].zeroize();
    }

    /// Prepares a key whose primes have at most 58 G - 19 bits.
    #[target_feature(enable = "avx2,bmi2")]
    fn prepare(numbers: Numbers) -> Self {
        let r = 2 * G * BITS;
        debug_assert!(numbers.bits + 19 <= r);
        let n = pair(&numbers.p, &numbers.q);
        let mut odd = n;
        let mut below = _mm256_setzero_si256();
        for j in 0..G {
            odd.0[j] = up(n.0[j], below);
            below = n.0[j];
        }
        let k0 = [&numbers.p, &numbers.q].map(|n| (negated_inverse(n[0]) & MASK) as i64);
        let moduli = Moduli {
            n,
            odd,
            top: up(_mm256_setzero_si256(), below),
            k0: _mm256_set_epi64x(k0[1], k0[1], k0[0], k0[0]),
        };
        // 2^t R with t 2^s = log R; squaring it s times makes R R.
        let s = r.trailing_zeros() as usize;
        let exponents = [r, r + (r >> s)];
        let mut p = powers_of_two(&numbers.p, exponents);
        let mut q = powers_of_two(&numbers.q, exponents);
        let one = pair(&p[0], &q[0]);
        let mut r2 = pair(&p[1], &q[1]);
        for _ in 0..s {
            r2 = product(&r2, &r2, &moduli);
        }
        let r3 = product(&r2, &r2, &moduli);
        let q_inverse = product(&pair(&numbers.q_inverse, &[0; WORDS]), &r2, &moduli);
        p.zeroize();
        q.zeroize();
        Self {
            numbers,
            moduli,
            one,
            r2,
            r3,
            q_inverse,
        }
    }
}

/// The limbs of a number for p and one for q.
#[target_feature(enable = "avx2,bmi2")]
fn pack<const G: usize>(p: &[u64], q: &[u64]) -> Pair<G> {
    let mut packed = Pair([_mm256_setzero_si256(); G]);
    for j in 0..G {
        let [p0, p1, q0, q1] = [p[2 * j], p[2 * j + 1], q[2 * j], q[2 * j + 1]];
        packed.0[j] = _mm256_set_epi64x(q1 as i64, q0 as i64, p1 as i64, p0 as i64);
    }
    packed
}

/// The limbs of a number for both.
#[target_feature(enable = "avx2,bmi2")]
fn both<const G: usize>(limbs: &[u64]) -> Pair<G> {
    pack(limbs, limbs)
}

#[target_feature(enable = "avx2,bmi2")]
fn pair<const G: usize>(p: &[u64], q: &[u64]) -> Pair<G> {
    let mut limbs = [[0; LIMBS]; 2];
    to_limbs::<BITS>(p, &mut limbs[0]);
    to_limbs::<BITS>(q, &mut limbs[1]);
    let packed = pack(&limbs[0], &limbs[1]);
    limbs.zeroize();
    packed
}

/// Both numbers in words.
#[target_feature(enable = "avx2,bmi2")]
fn words<const G: usize>(numbers: &Pair<G>) -> (Words, Words) {
    let mut limbs = [[0; LIMBS]; 2];
    for j in 0..G {
        let number = numbers.0[j];
        limbs[0][2 * j] = _mm256_extract_epi64::<0>(number) as u64;
        limbs[0][2 * j + 1] = _mm256_extract_epi64::<1>(number) as u64;
        limbs[1][2 * j] = _mm256_extract_epi64::<2>(number) as u64;
        limbs[1][2 * j + 1] = _mm256_extract_epi64::<3>(number) as u64;
    }
    let mut words = [[0; WORDS]; 2];
    for (limbs, words) in limbs.iter_mut().zip(&mut words) {
        carry::<BITS>(limbs);
        from_limbs::<BITS>(limbs, words);
    }
    limbs.zeroize();
    let [p, q] = words;
    (p, q)
}

/// A private key for this engine. Wiped when dropped.
pub(super) struct Key(Size);

enum Size {
    To2048(Box<Sized<18>>),
    To3072(Box<Sized<28>>),
    To4096(Box<Sized<36>>),
}

/// Prepares a key of up to 4096 bits; `None` if its numbers are not those of two balanced primes.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn prepare(numbers: &CrtNumbers<'_>) -> Option<Key> {
    let numbers = Numbers::new(numbers)?;
    Some(Key(match numbers.bits {
        513..=1024 => Size::To2048(Box::new(Sized::prepare(numbers))),
        1025..=1536 => Size::To3072(Box::new(Sized::prepare(numbers))),
        1537..=2048 => Size::To4096(Box::new(Sized::prepare(numbers))),
        _ => return None,
    }))
}

/// Replaces c, below n and as many words, by `c^d mod n`.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn private(key: &Key, number: &mut [u64]) {
    match &key.0 {
        Size::To2048(key) => key.private(number),
        Size::To3072(key) => key.private(number),
        Size::To4096(key) => key.private(number),
    }
}
