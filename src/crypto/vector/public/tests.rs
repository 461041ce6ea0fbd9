//! Arithmetic modulo n against `crypto-bigint`.

use super::*;
use crate::crypto::vector::samples::{
    every, moduli, multiple, number, power, product, random, remainder, words,
};
use crypto_bigint::BoxedUint;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

/// Computes into words with others on both sides that must not be touched.
fn guarded(length: usize, compute: impl FnOnce(&mut [u64])) -> BoxedUint {
    let mut guarded = vec![0x5a5a_5a5a_5a5a_5a5a; length + 16];
    compute(&mut guarded[8..8 + length]);
    let (below, above) = (&guarded[..8], &guarded[8 + length..]);
    assert!(below.iter().chain(above).all(|word| *word == 0x5a5a_5a5a_5a5a_5a5a));
    number(&guarded[8..8 + length])
}

#[track_caller]
fn check(n: &[u64], numbers: &[BoxedUint]) {
    let length = n.len();
    let kernel = PublicKernel::for_tier(n, Tier::Avx512).unwrap();
    let n = number(n);
    let exponent = BoxedUint::from(65_537_u64);
    for (i, a) in numbers.iter().enumerate() {
        let raised = guarded(length, |out| kernel.raise_65537(&words(a, length), out));
        assert_eq!(raised, power(a, &exponent, &n), "{a:x} modulo {n:x}");
        // A chain of products.
        let b = &numbers[(i + 1) % numbers.len()];
        let [mut form, other] = [a, b].map(|x| kernel.residue(&words(x, length)));
        let mut expected = a.clone();
        for _ in 0..4 {
            form = kernel.square(&kernel.multiply(&form, &other));
            expected = product(&expected, b, &n);
            expected = product(&expected, &expected, &n);
        }
        let plain = guarded(length, |out| kernel.retrieve(&form, out));
        assert_eq!(plain, expected, "{a:x} {b:x} modulo {n:x}");
    }
}

fn is_here() -> bool {
    let here = Ifma::detect().is_some();
    if !here {
        println!("not on this processor: Avx512");
    }
    here
}

/// In steps of eight bits.
#[test]
fn arithmetic_modulo_n_is_right_for_all_sizes() {
    if !is_here() {
        return;
    }
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    for (i, bits) in (1024..=4096).step_by(8 * every(48)).enumerate() {
        let n = &moduli(bits, &mut rng)[i % 4];
        let random = [(); 2].map(|()| number(&random(n.len(), &mut rng)));
        check(n, &random.map(|random| remainder(&random, &number(n))));
    }
}

#[test]
fn numbers_at_the_edges_are_right() {
    if !is_here() {
        return;
    }
    let mut rng = ChaCha12Rng::seed_from_u64(2);
    for bits in [1024, 2048, 2049, 3072, 3073, 4096].into_iter().step_by(every(5)) {
        for n in &moduli(bits, &mut rng)[..3] {
            let modulus = number(n);
            let ones = BoxedUint::one_with_precision(bits as u32);
            let ones = ones.shl(bits as u32 - 1) - BoxedUint::one_with_precision(bits as u32);
            check(
                n,
                &[
                    BoxedUint::zero(),
                    BoxedUint::one(),
                    multiple(1, &modulus, -1),
                    ones,
                ],
            );
        }
    }
}

#[test]
fn moduli_of_other_forms_are_left_to_others() {
    if !is_here() {
        return;
    }
    let kernel = |n: &[u64]| PublicKernel::for_tier(n, Tier::Avx512);
    assert!(kernel(&[u64::MAX; 16]).is_some());
    assert!(kernel(&[[u64::MAX; 64], [0; 64]].concat()).is_some());
    assert!(kernel(&[u64::MAX - 1; 16]).is_none());
    assert!(kernel(&[u64::MAX; 15]).is_none());
    assert!(kernel(&[u64::MAX; 65]).is_none());
    assert!(PublicKernel::for_tier(&[u64::MAX; 16], Tier::Avx2).is_none());
}

#[test]
fn residues_print_as_redacted() {
    if !is_here() {
        return;
    }
    let kernel = PublicKernel::for_tier(&[u64::MAX; 16], Tier::Avx512).unwrap();
    assert_eq!(format!("{:?}", kernel.residue(&[5; 16])), "[redacted]");
}
