//! The private operation of each tier against `crypto-bigint`. The numbers are not those of keys: all
//! that the engines require of p and q is that they are odd, of one length, and coprime.

use super::*;
use crate::crypto::vector::samples::{
    every, moduli, multiple, number, power, product, random, remainder, words,
};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd, Resize};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

/// The tiers that have an engine.
const TIERS: [Tier; 2] = [Tier::Avx512, Tier::Avx2];

/// The numbers of something like a key.
struct Sample {
    p: BoxedUint,
    q: BoxedUint,
    dp: BoxedUint,
    dq: BoxedUint,
    q_inverse: BoxedUint,
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
            let inverse = remainder(&q, &p).invert_odd_mod(&odd_p);
            Some((q, inverse.into_option()?))
        };
        let (q, q_inverse) = (0..64).step_by(2).find_map(coprime).unwrap();
        let (dp, dq) = (remainder(&dp, &p), remainder(&dq, &q));
        Self {
            p,
            q,
            dp,
            dq,
            q_inverse,
        }
    }

    /// Random, but for p and q.
    fn of(p: &[u64], q: &[u64], rng: &mut ChaCha12Rng) -> Self {
        Self::new(p, q, &random(p.len(), rng), &random(p.len(), rng))
    }

    fn kernel(&self, tier: Tier) -> Option<PrivateKernel> {
        let length = self.p.bit_width().div_ceil(64) as usize;
        let Self {
            p,
            q,
            dp,
            dq,
            q_inverse,
        } = self;
        let [p, q, dp, dq, q_inverse] = [p, q, dp, dq, q_inverse].map(|x| words(x, length));
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
        let Self {
            p,
            q,
            dp,
            dq,
            q_inverse,
        } = self;
        let (m1, m2) = (power(c, dp, p), power(c, dq, q));
        let wide = 2 * p.bits_precision();
        // p - m2 has as many bits as p.
        let difference = m1.resize(wide) + p.resize(wide) - remainder(&m2, p).resize(wide);
        let h = product(&difference, q_inverse, p);
        h.concatenating_mul(q).resize(wide) + m2.resize(wide)
    }

    #[track_caller]
    fn check(&self, kernel: &PrivateKernel, c: &BoxedUint) {
        check_batch(&[(self, kernel, c)]);
    }

    /// The words of n.
    fn length(&self) -> usize {
        self.n().bit_width().div_ceil(64) as usize
    }
}

/// Runs a batch.
#[track_caller]
fn check_batch(batch: &[(&Sample, &PrivateKernel, &BoxedUint)]) {
    // Words on both sides that the operation must not touch.
    let guard = [0x5a5a_5a5a_5a5a_5a5a; 8];
    let mut guarded: Vec<_> = batch
        .iter()
        .map(|(sample, _, c)| [&guard[..], &words(c, sample.length()), &guard].concat())
        .collect();
    let mut jobs: Vec<_> = guarded
        .iter_mut()
        .zip(batch)
        .map(|(guarded, (sample, key, _))| PrivateJob {
            key,
            number: &mut guarded[8..8 + sample.length()],
        })
        .collect();
    run(&mut jobs);
    for (i, ((sample, _, c), guarded)) in batch.iter().zip(&guarded).enumerate() {
        let Sample { p, q, .. } = sample;
        let expected = words(&sample.expected(c), sample.length());
        assert_eq!(
            *guarded,
            [&guard[..], &expected, &guard].concat(),
            "{c:x} modulo {p:x} {q:x}, {i} of {}",
            batch.len()
        );
    }
}

/// Calls the test for each tier that this processor has.
fn for_tiers(test: impl Fn(Tier)) {
    for tier in TIERS {
        let has = match tier {
            Tier::Avx512 => Ifma::detect().is_some(),
            _ => Avx2::detect().is_some(),
        };
        if has {
            test(tier);
        } else {
            println!("not on this processor: {tier:?}");
        }
    }
}

/// In steps of eight bits of the modulus.
#[test]
fn the_private_operation_is_right_for_all_sizes() {
    for_tiers(|tier| {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for (i, bits) in (516..=2048).step_by(4 * every(191)).enumerate() {
            let moduli = moduli(bits, &mut rng);
            let (p, q) = (&moduli[i % 4], &moduli[(i / 4 + i + 1) % 4]);
            let sample = Sample::of(p, q, &mut rng);
            let c = remainder(&number(&random(p.len() * 2, &mut rng)), &sample.n());
            sample.check(&sample.kernel(tier).unwrap(), &c);
        }
    });
}

#[test]
fn numbers_at_the_edges_are_right() {
    for_tiers(|tier| {
        let mut rng = ChaCha12Rng::seed_from_u64(2);
        for bits in [516, 1024, 1028, 1536, 1540, 2048].into_iter().step_by(every(6)) {
            let [ones, least, p, q] = moduli(bits, &mut rng);
            let zero = vec![0; p.len()];
            let samples = [
                Sample::of(&p, &q, &mut rng),
                Sample::of(&ones, &p, &mut rng),
                Sample::of(&least, &ones, &mut rng),
                Sample::new(&p, &ones, &ones, &zero),
            ];
            for sample in samples.into_iter().step_by(every(3)) {
                let kernel = sample.kernel(tier).unwrap();
                let Sample { p, q, .. } = &sample;
                let numbers = [
                    BoxedUint::zero(),
                    BoxedUint::one(),
                    multiple(1, &sample.n(), -1),
                    multiple(3, p, 0),
                    multiple(5, q, 0),
                    p.concatenating_mul(&multiple(1, q, -1)),
                ];
                // One by one, and in batches of the sizes that have engines.
                let batches: &[_] = if tier == Tier::Avx512 {
                    &[1, 2, 4]
                } else {
                    &[1]
                };
                for size in batches {
                    for numbers in numbers.chunks(*size) {
                        let batch: Vec<_> = numbers.iter().map(|c| (&sample, &kernel, c)).collect();
                        check_batch(&batch);
                    }
                }
            }
        }
    });
}

/// Batches of keys of one size, and of keys of all sizes in turn.
#[test]
fn jobs_of_different_keys_make_a_batch() {
    let mut rng = ChaCha12Rng::seed_from_u64(5);
    let sizes = [1024, 1536, 1020, 1024, 2048, 1028, 520];
    let samples: Vec<_> = sizes
        .iter()
        .map(|bits| {
            let [_, _, p, q] = moduli(*bits, &mut rng);
            Sample::of(&p, &q, &mut rng)
        })
        .collect();
    let numbers: Vec<_> = (0..9)
        .map(|i| {
            let sample = &samples[i % samples.len()];
            remainder(&number(&random(sample.length(), &mut rng)), &sample.n())
        })
        .collect();
    let most = if cfg!(debug_assertions) { 3 } else { 9 };
    for_tiers(|tier| {
        let kernels: Vec<_> = samples.iter().map(|sample| sample.kernel(tier).unwrap()).collect();
        for turns in [[0, 2, 3, 6, 0, 2, 3, 6, 0], [0, 1, 2, 3, 4, 5, 6, 0, 1]] {
            let numbers: Vec<_> =
                turns.iter().zip(&numbers).map(|(i, c)| remainder(c, &samples[*i].n())).collect();
            let batch: Vec<_> =
                turns.iter().zip(&numbers).map(|(i, c)| (&samples[*i], &kernels[*i], c)).collect();
            for jobs in 1..=most {
                check_batch(&batch[..jobs]);
            }
        }
    });
}

/// Within the engines, whose numbers do not leave them.
#[test]
fn products_keep_their_bounds() {
    for bits in [516, 1023, 1024, 1028, 1535, 1536, 1540, 2047, 2048].into_iter().step_by(every(2))
    {
        let mut rng = ChaCha12Rng::seed_from_u64(3);
        let [ones, least, p, q] = moduli(bits, &mut rng);
        for (p, q) in [(&ones, &least), (&p, &q), (&q, &ones)] {
            let sample = Sample::of(p, q, &mut rng);
            for_tiers(|tier| match sample.kernel(tier).unwrap().0 {
                Engine::Ifma(token, key) => token.check_products(&key),
                Engine::Avx2(token, key) => token.check_products(&key),
            });
        }
    }
}

#[test]
fn keys_of_other_forms_are_left_to_others() {
    let kernel = |p: &[u64], q: &[u64]| {
        let numbers = CrtNumbers {
            p,
            q,
            dp: &[1],
            dq: &[1],
            q_inverse: &[1],
        };
        PrivateKernel::for_tier(&numbers, Tier::Avx2)
    };
    if Avx2::detect().is_none() {
        return println!("not on this processor: Avx2");
    }
    let number = |words: usize, top: u64| [&vec![1; words - 1][..], &[top]].concat();
    assert!(kernel(&number(16, 1 << 63), &number(16, u64::MAX)).is_some());
    // Zeros above are no part of the length.
    assert!(kernel(&number(16, 3), &[number(16, 2), vec![0; 20]].concat()).is_some());
    // Not balanced, even, too short, too long.
    assert!(kernel(&number(16, 3), &number(16, 4)).is_none());
    assert!(kernel(&number(16, 3), &[vec![2], number(15, 3)].concat()).is_none());
    assert!(kernel(&number(8, 3), &number(8, 3)).is_none());
    assert!(kernel(&number(33, 1), &number(33, 1)).is_none());
    // An exponent that is too long.
    let (p, long) = (number(16, 3), number(17, 3));
    let numbers = CrtNumbers {
        p: &p,
        q: &p,
        dp: &long,
        dq: &[1],
        q_inverse: &[1],
    };
    assert!(PrivateKernel::for_tier(&numbers, Tier::Avx2).is_none());
}

#[test]
fn keys_get_the_widest_engine() {
    let p = [1; 16];
    let numbers = CrtNumbers {
        p: &p,
        q: &p,
        dp: &p,
        dq: &p,
        q_inverse: &p,
    };
    let permitted = |tier| Tier::permitted().any(|permitted| permitted == tier);
    let mut tiers = Tier::permitted();
    let kernel = tiers.find_map(|tier| PrivateKernel::for_tier(&numbers, tier));
    assert_eq!(
        format!("{kernel:?}"),
        kernel.as_ref().map_or("None", |_| "Some([redacted])")
    );
    match kernel.map(|kernel| kernel.0) {
        Some(Engine::Ifma(..)) => assert!(permitted(Tier::Avx512)),
        Some(Engine::Avx2(..)) => {
            assert!(
                permitted(Tier::Avx2) && !(permitted(Tier::Avx512) && Ifma::detect().is_some())
            );
        }
        None => assert!(!permitted(Tier::Avx2) || Avx2::detect().is_none()),
    }
}
