//! The private operation with IFMA: two exponentiations side by side, modulo p and modulo q.

use super::super::crt::{CrtNumbers, Numbers, WORDS, Words};
use super::super::words::{
    digit, from_limbs, multiply_word, negated_inverse, powers_of_two, reduce_once, to_limbs,
};
use super::product::{BITS, MOST, Modulus, Number, multiply, normalise, square, steps};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm512_loadu_si512, _mm512_storeu_si512};
use zeroize::Zeroize;

/// The lanes of each number.
const RUNS: usize = 4;
/// The most limbs that a number has.
pub(crate) const LIMBS: usize = RUNS * MOST;
/// The bits of a window of the exponent.
const WINDOW: usize = 5;

/// A key for the engine of L registers.
struct Sized<const L: usize> {
    numbers: Box<Numbers>,
    moduli: Modulus<L>,
    /// R, R^2 and R^3.
    one: Number<L>,
    r2: Number<L>,
    r3: Number<L>,
    /// q^-1 R modulo p; 0 modulo q.
    q_inverse: Number<L>,
}

impl<const L: usize> Drop for Sized<L> {
    fn drop(&mut self) {
        self.moduli.zeroize();
        for number in [
            &mut self.one,
            &mut self.r2,
            &mut self.r3,
            &mut self.q_inverse,
        ] {
            number.zeroize();
        }
    }
}

/// The powers of the base that a window of the exponent can ask for. Wiped when dropped.
struct Table<const L: usize>([Number<L>; 1 << WINDOW]);

impl<const L: usize> Drop for Table<L> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const L: usize> Table<L> {
    /// Returns the powers for a digit of p's exponent and one of q's, having read all.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    #[inline]
    fn get(&self, p: u64, q: u64) -> Number<L> {
        let [p, q] = [p as i64, q as i64];
        let wanted = _mm512_set_epi64(q, q, q, q, p, p, p, p);
        let mut at = _mm512_setzero_si512();
        let mut found = [_mm512_setzero_si512(); L];
        for row in &self.0 {
            let hit = _mm512_cmpeq_epi64_mask(wanted, at);
            at = _mm512_add_epi64(at, _mm512_set1_epi64(1));
            for j in 0..L {
                found[j] = _mm512_mask_mov_epi64(found[j], hit, row[j]);
            }
        }
        found
    }
}

impl<const L: usize> Sized<L> {
    /// base^dp modulo p and base^dq modulo q, in Montgomery form.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn raise(&self, base: &Number<L>) -> Number<L> {
        let mut table = Table([self.one; 1 << WINDOW]);
        let mut power = *base;
        table.0[1] = power;
        for i in 2..1 << WINDOW {
            multiply::<L, RUNS>(&mut power, base, &self.moduli);
            table.0[i] = power;
        }
        let Numbers { dp, dq, bits, .. } = &*self.numbers;
        let power_of = |i| table.get(digit(dp, WINDOW * i, WINDOW), digit(dq, WINDOW * i, WINDOW));
        // As many windows as a number of the length of p has.
        let last = bits.div_ceil(WINDOW) - 1;
        power = power_of(last);
        for i in (0..last).rev() {
            square::<L, RUNS>(&mut power, WINDOW, &self.moduli);
            let mut factor = power_of(i);
            multiply::<L, RUNS>(&mut power, &factor, &self.moduli);
            factor.zeroize();
        }
        power
    }

    /// c^d mod n.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn private(&self, number: &mut [u64]) {
        let Self {
            numbers, moduli, ..
        } = self;
        let steps = const { steps(L, RUNS) };
        // c = c0 + c1 R, both below R: c0 R^2 / R + c1 R^3 / R is c R, and below 12n.
        let mut limbs = [0; 2 * LIMBS];
        to_limbs::<BITS>(number, &mut limbs[..2 * steps]);
        let (mut base, mut high) = (both(&limbs[..steps]), both(&limbs[steps..2 * steps]));
        multiply::<L, RUNS>(&mut base, &self.r2, moduli);
        multiply::<L, RUNS>(&mut high, &self.r3, moduli);
        for j in 0..L {
            base[j] = _mm512_add_epi64(base[j], high[j]);
        }
        normalise::<L, RUNS>(&mut base);
        // Out of Montgomery form: at most 2n, or n where there is no multiple of n.
        let mut power = self.raise(&base);
        multiply::<L, RUNS>(&mut power, &both(&[1]), moduli);
        let (mut m1, mut m2) = words(&power);
        for _ in 0..2 {
            reduce_once(&mut m1, &numbers.p);
            reduce_once(&mut m2, &numbers.q);
        }

        let mut difference = numbers.difference(&m1, &m2);
        to_limbs::<BITS>(&difference, &mut limbs[..steps]);
        let mut product = both(&limbs[..steps]);
        multiply::<L, RUNS>(&mut product, &self.q_inverse, moduli);
        let (mut h, mut unused) = words(&product);
        for _ in 0..2 {
            reduce_once(&mut h, &numbers.p);
        }
        numbers.recombine(&h, &m2, number);

        limbs.zeroize();
        for number in [&mut base, &mut high, &mut power, &mut product] {
            number.zeroize();
        }
        for words in [&mut m1, &mut m2, &mut difference, &mut h, &mut unused] {
            words.zeroize();
        }
    }

    /// Prepares a key whose primes have at most as many bits as the steps of a product, less 14.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn prepare(numbers: Box<Numbers>) -> Box<Self> {
        let r = BITS * const { steps(L, RUNS) };
        debug_assert!(numbers.bits + 14 <= r);
        let zero = [_mm512_setzero_si512(); L];
        // In place on the heap, so that few copies are left behind.
        let mut key = Box::new(Self {
            numbers,
            moduli: Modulus {
                n: zero,
                k0: zero[0],
                multiple: zero,
            },
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
        let k0 = [p, q].map(|n| negated_inverse(n[0]) & ((1 << BITS) - 1));
        let [p0, q0] = k0.map(|k0| k0 as i64);
        moduli.k0 = _mm512_set_epi64(q0, q0, q0, q0, p0, p0, p0, p0);
        moduli.n = pair(p, q);
        moduli.multiple = moduli.n;
        if const { steps(L, RUNS) < RUNS * L } {
            let mut multiples = [[0; WORDS + 1]; 2];
            multiply_word(p, k0[0], &mut multiples[0]);
            multiply_word(q, k0[1], &mut multiples[1]);
            moduli.multiple = pair(&multiples[0], &multiples[1]);
            multiples.zeroize();
        }
        // 2^t R with t 2^s = log R; squaring it s times makes R R.
        let s = r.trailing_zeros() as usize;
        let exponents = [r, r + (r >> s)];
        let mut powers = [p, q].map(|n| powers_of_two(n, *bits, exponents));
        let [[one_p, start_p], [one_q, start_q]] = &powers;
        *one = pair(one_p, one_q);
        *r2 = pair(start_p, start_q);
        square::<L, RUNS>(r2, s, moduli);
        *r3 = *r2;
        square::<L, RUNS>(r3, 1, moduli);
        *q_inverse = pair(&numbers.q_inverse, &[0; WORDS]);
        multiply::<L, RUNS>(q_inverse, r2, moduli);
        powers.zeroize();
        key
    }
}

/// The limbs of a number for p and one for q; what they have not got is zero.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn pack<const L: usize>(p: &[u64], q: &[u64]) -> Number<L> {
    let mut packed = [_mm512_setzero_si512(); L];
    for (j, packed) in packed.iter_mut().enumerate() {
        let mut lanes = [0; 8];
        for run in 0..RUNS {
            let limb = |number: &[u64]| number.get(run * L + j).copied().map_or(0, |limb| limb);
            lanes[run] = limb(p);
            lanes[RUNS + run] = limb(q);
        }
        *packed = _mm512_loadu_si512(&lanes);
    }
    packed
}

/// The limbs of a number for both.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn both<const L: usize>(limbs: &[u64]) -> Number<L> {
    pack(limbs, limbs)
}

/// The words of a number for p and one for q.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn pair<const L: usize>(p: &[u64], q: &[u64]) -> Number<L> {
    let mut limbs = [[0; LIMBS]; 2];
    to_limbs::<BITS>(p, &mut limbs[0]);
    to_limbs::<BITS>(q, &mut limbs[1]);
    let packed = pack(&limbs[0], &limbs[1]);
    limbs.zeroize();
    packed
}

/// The limbs of both numbers.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn limbs<const L: usize>(numbers: &Number<L>) -> [[u64; LIMBS]; 2] {
    let mut limbs = [[0; LIMBS]; 2];
    for (j, register) in numbers.iter().enumerate() {
        let mut lanes = [0; 8];
        _mm512_storeu_si512(&mut lanes, *register);
        for run in 0..RUNS {
            limbs[0][run * L + j] = lanes[run];
            limbs[1][run * L + j] = lanes[RUNS + run];
        }
    }
    limbs
}

/// Both numbers in words.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn words<const L: usize>(numbers: &Number<L>) -> (Words, Words) {
    let mut limbs = limbs(numbers);
    let mut words = [[0; WORDS]; 2];
    for (limbs, words) in limbs.iter().zip(&mut words) {
        from_limbs::<BITS>(limbs, words);
    }
    limbs.zeroize();
    let [p, q] = words;
    (p, q)
}

/// A private key for this engine. Wiped when dropped.
pub(crate) struct Key(Size);

enum Size {
    To2048(Box<Sized<5>>),
    To3072(Box<Sized<8>>),
    To4096(Box<Sized<10>>),
}

/// Prepares a key of up to 4096 bits; `None` if its numbers are not those of two balanced primes.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(crate) fn prepare(numbers: &CrtNumbers<'_>) -> Option<Key> {
    let numbers = Numbers::new(numbers)?;
    Some(Key(match numbers.bits {
        513..=1024 => Size::To2048(Sized::prepare(numbers)),
        1025..=1536 => Size::To3072(Sized::prepare(numbers)),
        1537..=2048 => Size::To4096(Sized::prepare(numbers)),
        _ => return None,
    }))
}

/// What a batch takes of a key: the limbs of p's number and of q's. Wiped when dropped.
pub(crate) struct Parts {
    pub(crate) n: [[u64; LIMBS]; 2],
    /// R, R^2 and R^3, for the R of as many limbs as [`Key::limbs`] says.
    pub(crate) one: [[u64; LIMBS]; 2],
    pub(crate) r2: [[u64; LIMBS]; 2],
    pub(crate) r3: [[u64; LIMBS]; 2],
    /// q^-1 R modulo p; 0 modulo q.
    pub(crate) q_inverse: [[u64; LIMBS]; 2],
}

impl Drop for Parts {
    fn drop(&mut self) {
        let Self {
            n,
            one,
            r2,
            r3,
            q_inverse,
        } = self;
        for number in [n, one, r2, r3, q_inverse] {
            number.zeroize();
        }
    }
}

impl<const L: usize> Sized<L> {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn parts(&self) -> Parts {
        Parts {
            n: limbs(&self.moduli.n),
            one: limbs(&self.one),
            r2: limbs(&self.r2),
            r3: limbs(&self.r3),
            q_inverse: limbs(&self.q_inverse),
        }
    }
}

impl Key {
    pub(crate) fn numbers(&self) -> &Numbers {
        match &self.0 {
            Size::To2048(key) => &key.numbers,
            Size::To3072(key) => &key.numbers,
            Size::To4096(key) => &key.numbers,
        }
    }

    /// The limbs of a number modulo p: as many as a product has steps.
    pub(crate) fn limbs(&self) -> usize {
        match &self.0 {
            Size::To2048(_) => steps(5, RUNS),
            Size::To3072(_) => steps(8, RUNS),
            Size::To4096(_) => steps(10, RUNS),
        }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    pub(crate) fn parts(&self) -> Parts {
        match &self.0 {
            Size::To2048(key) => key.parts(),
            Size::To3072(key) => key.parts(),
            Size::To4096(key) => key.parts(),
        }
    }
}

/// Replaces c, below n and as many words, by `c^d mod n`.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(crate) fn private(key: &Key, number: &mut [u64]) {
    match &key.0 {
        Size::To2048(key) => key.private(number),
        Size::To3072(key) => key.private(number),
        Size::To4096(key) => key.private(number),
    }
}

/// Checks products modulo the primes of a key.
#[cfg(test)]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
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

    impl<const L: usize> Sized<L> {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        pub(super) fn check_products(&self) {
            let primes = [&self.numbers.p, &self.numbers.q].map(|prime| samples::number(prime));
            let r = BITS * steps(L, RUNS);
            samples::check_products(primes.each_ref(), r, BITS, |a, b| {
                let mut product = pair(a[0], a[1]);
                multiply::<L, RUNS>(&mut product, &pair(b[0], b[1]), &self.moduli);
                let (p, q) = words(&product);
                [p.to_vec(), q.to_vec()]
            });
        }
    }
}
