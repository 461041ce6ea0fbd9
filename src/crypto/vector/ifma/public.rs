//! Arithmetic modulo one public modulus with IFMA: a number takes all eight lanes.

use super::super::words::{
    bit_length, from_limbs, multiply_word, negated_inverse, powers_of_two, reduce_once, to_limbs,
};
use super::product::{BITS, MOST, Modulus, Number, multiply, square, steps};
use core::arch::x86_64::*;
use safe_unaligned_simd::x86_64::{_mm512_loadu_si512, _mm512_storeu_si512};
use zeroize::Zeroize;

/// The lanes of a number.
const RUNS: usize = 8;
/// The most limbs, and the most words, that a number has.
const LIMBS: usize = RUNS * MOST;
const WORDS: usize = 64;

/// A modulus for the engine of L registers.
#[derive(Clone)]
struct Sized<const L: usize> {
    n: [u64; WORDS],
    modulus: Modulus<L>,
    /// R^2
    r2: Number<L>,
}

/// A number in Montgomery form, below 3n: its registers, and zeros. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Residue([[u64; 8]; MOST]);

impl Residue {
    pub(crate) const ZERO: Self = Self([[0; 8]; MOST]);

    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn load<const L: usize>(&self) -> Number<L> {
        let mut number = [_mm512_setzero_si512(); L];
        for j in 0..L {
            number[j] = _mm512_loadu_si512(&self.0[j]);
        }
        number
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn store<const L: usize>(&mut self, number: &Number<L>) {
        for j in 0..L {
            _mm512_storeu_si512(&mut self.0[j], number[j]);
        }
    }
}

impl Drop for Residue {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What to compute modulo n. Numbers in words are below n, and as many words.
pub(crate) enum Work<'a> {
    /// `m^65537 mod n`
    Raise65537 {
        m: &'a [u64],
        out: &'a mut [u64],
    },
    /// Into Montgomery form.
    Residue {
        x: &'a [u64],
        out: &'a mut Residue,
    },
    Multiply {
        a: &'a mut Residue,
        b: &'a Residue,
    },
    /// Out of Montgomery form.
    Retrieve {
        a: &'a Residue,
        out: &'a mut [u64],
    },
}

impl<const L: usize> Sized<L> {
    /// Prepares a modulus that has at most as many bits as the steps of a product, less 14.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn prepare(n: [u64; WORDS], bits: usize) -> Self {
        let r = BITS * const { steps(L, RUNS) };
        debug_assert!(bits + 14 <= r);
        let k0 = negated_inverse(n[0]) & ((1 << BITS) - 1);
        let mut multiple = [0; WORDS + 1];
        multiply_word(&n, k0, &mut multiple);
        let has_multiple = const { steps(L, RUNS) < RUNS * L };
        let limbs = number(&n);
        let modulus = Modulus {
            n: limbs,
            k0: _mm512_set1_epi64(k0 as i64),
            multiple: if has_multiple {
                number(&multiple)
            } else {
                limbs
            },
        };
        // 2^t R with t 2^s = log R; squaring it s times makes R R.
        let s = r.trailing_zeros() as usize;
        let [start] = powers_of_two(&n, bits, [r + (r >> s)]);
        let mut r2 = number(&start);
        square::<L, RUNS>(&mut r2, s, &modulus);
        Self { n, modulus, r2 }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn compute(&self, work: Work<'_>) {
        let Self { modulus, r2, .. } = self;
        match work {
            Work::Raise65537 { m, out } => {
                let mut plain = number(m);
                let mut power = plain;
                multiply::<L, RUNS>(&mut power, r2, modulus);
                square::<L, RUNS>(&mut power, 16, modulus);
                // m^65536 R m / R
                multiply::<L, RUNS>(&mut power, &plain, modulus);
                self.write(&power, out);
                plain.zeroize();
                power.zeroize();
            }
            Work::Residue { x, out } => {
                let mut residue = number(x);
                multiply::<L, RUNS>(&mut residue, r2, modulus);
                out.store(&residue);
                residue.zeroize();
            }
            Work::Multiply { a, b } => {
                let mut product = a.load::<L>();
                multiply::<L, RUNS>(&mut product, &b.load(), modulus);
                a.store(&product);
                product.zeroize();
            }
            Work::Retrieve { a, out } => {
                let mut plain = a.load::<L>();
                multiply::<L, RUNS>(&mut plain, &number(&[1]), modulus);
                self.write(&plain, out);
                plain.zeroize();
            }
        }
    }

    /// Writes a number below 3n modulo n.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
    fn write(&self, number: &Number<L>, out: &mut [u64]) {
        let mut limbs = [0; LIMBS];
        for (j, register) in number.iter().enumerate() {
            let mut lanes = [0; RUNS];
            _mm512_storeu_si512(&mut lanes, *register);
            for run in 0..RUNS {
                limbs[run * L + j] = lanes[run];
            }
        }
        let mut words = [0; WORDS + 1];
        from_limbs::<BITS>(&limbs, &mut words);
        let mut n = [0; WORDS + 1];
        n[..WORDS].copy_from_slice(&self.n);
        reduce_once(&mut words, &n);
        reduce_once(&mut words, &n);
        for (to, from) in out.iter_mut().zip(&words) {
            *to = *from;
        }
        limbs.zeroize();
        words.zeroize();
    }
}

/// The limbs of a number, one run to a lane.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn number<const L: usize>(words: &[u64]) -> Number<L> {
    let mut limbs = [0; LIMBS];
    to_limbs::<BITS>(words, &mut limbs);
    let mut number = [_mm512_setzero_si512(); L];
    for (j, register) in number.iter_mut().enumerate() {
        let mut lanes = [0; RUNS];
        for run in 0..RUNS {
            lanes[run] = limbs[run * L + j];
        }
        *register = _mm512_loadu_si512(&lanes);
    }
    limbs.zeroize();
    number
}

/// A public modulus for this engine.
#[derive(Clone)]
pub(crate) struct Key(Size);

#[derive(Clone)]
enum Size {
    To2048(Box<Sized<5>>),
    To3072(Box<Sized<8>>),
    To4096(Box<Sized<10>>),
}

/// Prepares an odd modulus; `None` if it does not have 1024 to 4096 bits.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(crate) fn prepare(n: &[u64]) -> Option<Key> {
    let bits = bit_length(n);
    let mut words = [0; WORDS];
    for (to, from) in words.iter_mut().zip(n) {
        *to = *from;
    }
    if words[0] & 1 == 0 {
        return None;
    }
    Some(Key(match bits {
        1024..=2048 => Size::To2048(Box::new(Sized::prepare(words, bits))),
        2049..=3072 => Size::To3072(Box::new(Sized::prepare(words, bits))),
        3073..=4096 => Size::To4096(Box::new(Sized::prepare(words, bits))),
        _ => return None,
    }))
}

/// Computes modulo the key's modulus.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(crate) fn compute(key: &Key, work: Work<'_>) {
    match &key.0 {
        Size::To2048(key) => key.compute(work),
        Size::To3072(key) => key.compute(work),
        Size::To4096(key) => key.compute(work),
    }
}
