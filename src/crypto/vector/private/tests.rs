//! Each tier's private operation against `crypto-bigint`. The numbers are not those of keys: all
//! that the engines require of p and q is that they are odd, of one length, and coprime.

use super::*;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd, Resize};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The numbers of something like a key.
struct Sample {
    p: BoxedUint,
    q: BoxedUint,
    dp: BoxedUint,
    dq: BoxedUint,
    q_inverse: BoxedUint,
    bits: u32,
}

fn words(number: &BoxedUint, words: usize) -> Vec<u64> {
    let mut all = number.as_words().to_vec();
    all.resize(words, 0);
    all
}

fn number(words: &[u64]) -> BoxedUint {
    BoxedUint::from_words(words.iter().copied())
}

fn power(base: &BoxedUint, exponent: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    let modulus = Odd::new(modulus.clone()).unwrap();
    let base = base.rem(modulus.as_nz_ref());
    BoxedMontyForm::new(base, &BoxedMontyParams::new(modulus)).pow(exponent).retrieve()
}

impl Sample {
    /// Lets the lowest bits of q be others if it has a divisor in common with p.
    fn new(p: &[u64], q: &[u64], dp: &[u64], dq: &[u64]) -> Self {
        let [p, dp, dq] = [p, dp, dq].map(number);
        let odd_p = Odd::new(p.clone()).unwrap();
        let coprime = |change: u64| {
            let mut q = q.to_vec();
            q[0] ^= change;
            let q = number(&q);
            let inverse = q.rem(odd_p.as_nz_ref()).invert_odd_mod(&odd_p);
            Some((q, inverse.into_option()?))
        };
        let (q, q_inverse) = (0..32).step_by(2).find_map(coprime).unwrap();
        Self {
            bits: p.bits(),
            dp: dp.rem(&p.to_nz().unwrap()),
            dq: dq.rem(&q.to_nz().unwrap()),
            p,
            q,
            q_inverse,
        }
    }

    fn kernel(&self, tier: Tier) -> Option<PrivateKernel> {
        let length = self.bits.div_ceil(64) as usize;
        let [p, q, dp, dq, q_inverse] =
            [&self.p, &self.q, &self.dp, &self.dq, &self.q_inverse].map(|x| words(x, length));
        let numbers = CrtNumbers {
            p: &p,
            q: &q,
            dp: &dp,
            dq: &dq,
            q_inverse: &q_inverse,
        };
        PrivateKernel::for_tier(&numbers, tier)
    }

    fn n(&self) -> BoxedUint {
        self.p.concatenating_mul(&self.q)
    }

    /// What the operation makes of c.
    fn expected(&self, c: &BoxedUint) -> BoxedUint {
        let m1 = power(c, &self.dp, &self.p);
        let m2 = power(c, &self.dq, &self.q);
        let p = Odd::new(self.p.clone()).unwrap();
        let p = BoxedMontyParams::new(p);
        let form = |x: &BoxedUint| BoxedMontyForm::new(x.rem(p.modulus().as_nz_ref()), &p);
        let h = (form(&m1) - form(&m2)) * form(&self.q_inverse);
        let wide = 2 * m2.bits_precision();
        h.retrieve().concatenating_mul(&self.q).resize(wide) + m2.resize(wide)
    }
}

/// Numbers of one length that meet carries at every limb boundary, and random ones.
fn moduli(bits: usize, rng: &mut ChaCha12Rng) -> [Vec<u64>; 4] {
    let length = bits.div_ceil(64);
    let top = u64::MAX >> (64 * length - bits);
    let mut ones = vec![u64::MAX; length];
    ones[length - 1] = top;
    // 2^(bits - 1) + 1
    let mut least = vec![0; length];
    least[length - 1] = top / 2 + 1;
    least[0] |= 1;
    let mut random = || {
        let mut number: Vec<_> = (0..length).map(|_| rng.next_u64()).collect();
        number[0] |= 1;
        number[length - 1] = (number[length - 1] & top) | (top / 2 + 1);
        number
    };
    [ones, least, random(), random()]
}

fn random(length: usize, rng: &mut ChaCha12Rng) -> Vec<u64> {
    (0..length).map(|_| rng.next_u64()).collect()
}

#[track_caller]
fn assert_same(sample: &Sample, kernel: &PrivateKernel, c: &BoxedUint) {
    let length = sample.n().bits().div_ceil(64) as usize;
    // Above the number, words that the operation must not touch.
    let mut guarded = [words(c, length), vec![0x5a5a; 2]].concat();
    let (number, guard) = guarded.split_at_mut(length);
    run(&mut [PrivateJob {
        key: kernel,
        number,
    }]);
    assert_eq!(
        number,
        words(&sample.expected(c), length),
        "{c:x} of {} bits",
        sample.bits
    );
    assert_eq!(guard, [0x5a5a; 2]);
}

/// The tiers that this processor has an engine for.
fn tiers(sample: &Sample) -> Vec<PrivateKernel> {
    let mut kernels = vec![];
    for tier in [Tier::Avx512, Tier::Avx2] {
        match sample.kernel(tier) {
            Some(kernel) => kernels.push(kernel),
            None => println!("not on this processor: {tier:?}"),
        }
    }
    kernels
}

#[test]
fn the_private_operation_is_right_for_all_sizes() {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    for bits in [1024, 1028, 1536, 2048] {
        let [p, _, q, _] = moduli(bits, &mut rng);
        let dp = random(p.len(), &mut rng);
        let dq = random(p.len(), &mut rng);
        let sample = Sample::new(&p, &q, &dp, &dq);
        let c = number(&random(2 * bits / 64, &mut rng));
        let c = c.rem(&sample.n().to_nz().unwrap());
        for kernel in tiers(&sample) {
            assert_same(&sample, &kernel, &c);
        }
    }
}
