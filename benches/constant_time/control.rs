//! A comparison that leaks, which has to be found, and one of a kind with itself, which must not.

use crate::dudect::{Case, Class};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;

const LENGTH: usize = 256;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "control: compare up to the first difference",
            1,
            differing,
            |(left, right)| left.iter().zip(right.iter()).all(|(left, right)| left == right),
        )
        .leaking(500),
        Case::new(
            "control: compare what does not depend on the class",
            1,
            alike,
            |(left, right)| left.iter().zip(right.iter()).all(|(left, right)| left == right),
        ),
    ]
}

type Pair = (Vec<u8>, Vec<u8>);

/// Two strings that differ in the first byte or in the last.
fn differing(class: Class, rng: &mut ChaCha12Rng) -> Pair {
    let mut left = vec![0; LENGTH];
    rng.fill_bytes(&mut left);
    let mut right = left.clone();
    right[if class == Class::A { 0 } else { LENGTH - 1 }] ^= 1;
    (left, right)
}

/// Two strings that differ in the last byte.
fn alike(_: Class, rng: &mut ChaCha12Rng) -> Pair {
    differing(Class::B, rng)
}
