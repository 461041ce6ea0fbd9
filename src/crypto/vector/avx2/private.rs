//! The private operation with AVX2: two exponentiations side by side, modulo p and modulo q.

use super::super::crt::{CrtNumbers, Numbers, WORDS, Words};
use super::super::words::{
    carry, digit, from_limbs, negated_inverse, powers_of_two, reduce_once, to_limbs,
};
use super::product::{BITS, MASK, Moduli, Pair, carry_on, multiply, square};
use core::arch::x86_64::*;
use zeroize::Zeroize;

/// The bits of a window of the exponent.
const WINDOW: usize = 4;
/// The most limbs that a number has.
const LIMBS: usize = 72;

/// A key for the engine of G registers.
struct Sized<const G: usize> {
    numbers: Box<Numbers>,
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
        self.moduli.zeroize();
        let Self {
            one,
            r2,
            r3,
            q_inverse,
            ..
        } = self;
        for number in [one, r2, r3, q_inverse] {
            number.zeroize();
        }
    }
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
        let mut power = *base;
        table.0[1] = power;
        for i in 2..1 << WINDOW {
            multiply(&mut power, base, &self.moduli);
            table.0[i] = power;
        }
        let Numbers { dp, dq, bits, .. } = &*self.numbers;
        let power_of = |i| table.get(digit(dp, WINDOW * i, WINDOW), digit(dq, WINDOW * i, WINDOW));
        // As many windows as a number of the length of p has.
        let last = bits.div_ceil(WINDOW) - 1;
        power = power_of(last);
        for i in (0..last).rev() {
            square(&mut power, WINDOW, &self.moduli);
            let mut factor = power_of(i);
            multiply(&mut power, &factor, &self.moduli);
            factor.zeroize();
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
        let (mut base, mut high) = (both(&limbs[..2 * G]), both(&limbs[2 * G..4 * G]));
        multiply(&mut base, &self.r2, moduli);
        multiply(&mut high, &self.r3, moduli);
        for j in 0..G {
            base.0[j] = _mm256_add_epi64(base.0[j], high.0[j]);
        }
        carry_on(&mut base.0);
        // Out of Montgomery form: at most n.
        let mut power = self.raise(&base);
        multiply(&mut power, &both(&[1]), moduli);
        let (mut m1, mut m2) = words(&power);
        reduce_once(&mut m1, &numbers.p);
        reduce_once(&mut m2, &numbers.q);

        let mut difference = numbers.difference(&m1, &m2);
        to_limbs::<BITS>(&difference, &mut limbs[..2 * G]);
        let mut product = both(&limbs[..2 * G]);
        multiply(&mut product, &self.q_inverse, moduli);
        let (mut h, mut unused) = words(&product);
        reduce_once(&mut h, &numbers.p);
        numbers.recombine(&h, &m2, number);

        limbs.zeroize();
        for number in [&mut base, &mut high, &mut power, &mut product] {
            number.zeroize();
        }
        for words in [&mut m1, &mut m2, &mut difference, &mut h, &mut unused] {
            words.zeroize();
        }
    }

    /// Prepares a key whose primes have at most 58 G - 19 bits.
    #[target_feature(enable = "avx2,bmi2")]
    fn prepare(numbers: Box<Numbers>) -> Box<Self> {
        let r = 2 * G * BITS;
        debug_assert!(numbers.bits + 19 <= r);
        let zero = Pair([_mm256_setzero_si256(); G]);
        // In place on the heap, so that few copies are left behind.
        let mut key = Box::new(Self {
            numbers,
            moduli: Moduli::new(zero, zero.0[0]),
            one: zero,
            r2: zero,
            r3: zero,
            q_inverse: zero,
        });
        let Self {
            numbers,
            moduli,
            one,
            r2,
            r3,
            q_inverse,
        } = &mut *key;
        let Numbers { p, q, bits, .. } = &**numbers;
        let k0 = [p, q].map(|n| (negated_inverse(n[0]) & MASK) as i64);
        *moduli = Moduli::new(pair(p, q), _mm256_set_epi64x(k0[1], k0[1], k0[0], k0[0]));
        // 2^t R with t 2^s = log R; squaring it s times makes R R.
        let s = r.trailing_zeros() as usize;
        let exponents = [r, r + (r >> s)];
        let mut powers = [p, q].map(|n| powers_of_two(n, *bits, exponents));
        let [[one_p, start_p], [one_q, start_q]] = &powers;
        *one = pair(one_p, one_q);
        *r2 = pair(start_p, start_q);
        square(r2, s, moduli);
        *r3 = *r2;
        square(r3, 1, moduli);
        *q_inverse = pair(&numbers.q_inverse, &[0; WORDS]);
        multiply(q_inverse, r2, moduli);
        powers.zeroize();
        key
    }
}

/// The limbs of a number for p and one for q; what they have not got is zero.
#[target_feature(enable = "avx2,bmi2")]
fn pack<const G: usize>(p: &[u64], q: &[u64]) -> Pair<G> {
    let limb = |number: &[u64], i: usize| number.get(i).copied().map_or(0, |limb| limb as i64);
    let mut packed = Pair([_mm256_setzero_si256(); G]);
    for (j, packed) in packed.0.iter_mut().enumerate() {
        let (even, odd) = (2 * j, 2 * j + 1);
        *packed = _mm256_set_epi64x(limb(q, odd), limb(q, even), limb(p, odd), limb(p, even));
    }
    packed
}

/// The limbs of a number for both.
#[target_feature(enable = "avx2,bmi2")]
fn both<const G: usize>(limbs: &[u64]) -> Pair<G> {
    pack(limbs, limbs)
}

/// The words of a number for p and one for q.
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
pub(crate) struct Key(Size);

enum Size {
    To2048(Box<Sized<18>>),
    To3072(Box<Sized<28>>),
    To4096(Box<Sized<36>>),
}

/// Prepares a key of up to 4096 bits; `None` if its numbers are not those of two balanced primes.
#[target_feature(enable = "avx2,bmi2")]
pub(crate) fn prepare(numbers: &CrtNumbers<'_>) -> Option<Key> {
    let numbers = Numbers::new(numbers)?;
    Some(Key(match numbers.bits {
        513..=1024 => Size::To2048(Sized::prepare(numbers)),
        1025..=1536 => Size::To3072(Sized::prepare(numbers)),
        1537..=2048 => Size::To4096(Sized::prepare(numbers)),
        _ => return None,
    }))
}

/// Replaces c, below n and as many words, by `c^d mod n`.
#[target_feature(enable = "avx2,bmi2")]
pub(crate) fn private(key: &Key, number: &mut [u64]) {
    match &key.0 {
        Size::To2048(key) => key.private(number),
        Size::To3072(key) => key.private(number),
        Size::To4096(key) => key.private(number),
    }
}

/// Checks products modulo the primes of a key.
#[cfg(test)]
#[target_feature(enable = "avx2,bmi2")]
pub(crate) fn check_products(key: &Key) {
    match &key.0 {
        Size::To2048(key) => key.check_products(),
        Size::To3072(key) => key.check_products(),
        Size::To4096(key) => key.check_products(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::vector::samples;

    impl<const G: usize> Sized<G> {
        #[target_feature(enable = "avx2,bmi2")]
        pub(super) fn check_products(&self) {
            let primes = [&self.numbers.p, &self.numbers.q].map(|prime| samples::number(prime));
            let r = 2 * G * BITS;
            samples::check_products(primes.each_ref(), r, BITS, |a, b| {
                let mut product = pair(a[0], a[1]);
                multiply(&mut product, &pair(b[0], b[1]), &self.moduli);
                let (p, q) = words(&product);
                [p.to_vec(), q.to_vec()]
            });
        }
    }
}
