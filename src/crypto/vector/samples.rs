//! Numbers for the tests of the engines, and what `crypto-bigint` makes of them.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Odd, Resize};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;

/// Every `step`th of what an optimised build takes all of: kernels without optimisation are a
/// thousand times slower.
pub(super) fn every(step: usize) -> usize {
    if cfg!(debug_assertions) { step } else { 1 }
}

pub(super) fn number(words: &[u64]) -> BoxedUint {
    BoxedUint::from_words(words.iter().copied())
}

/// The words of a number that fits.
#[track_caller]
pub(super) fn words(number: &BoxedUint, length: usize) -> Vec<u64> {
    let mut all = number.as_words().to_vec();
    all.resize(length.max(all.len()), 0);
    assert!(all[length..].iter().all(|word| *word == 0));
    all.truncate(length);
    all
}

pub(super) fn random(length: usize, rng: &mut ChaCha12Rng) -> Vec<u64> {
    (0..length).map(|_| rng.next_u64()).collect()
}

/// Odd numbers of one length: all ones, the top bit alone (and the lowest), random ones.
pub(super) fn moduli(bits: usize, rng: &mut ChaCha12Rng) -> [Vec<u64>; 4] {
    let length = bits.div_ceil(64);
    let top = u64::MAX >> (64 * length - bits);
    let mut ones = vec![u64::MAX; length];
    ones[length - 1] = top;
    let mut least = vec![0; length];
    least[length - 1] = top / 2 + 1;
    least[0] |= 1;
    let mut random = || {
        let mut number = random(length, rng);
        number[0] |= 1;
        number[length - 1] = (number[length - 1] & top) | (top / 2 + 1);
        number
    };
    [ones, least, random(), random()]
}

pub(super) fn remainder(number: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    number.rem(&modulus.to_nz().unwrap())
}

pub(super) fn product(a: &BoxedUint, b: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    remainder(&a.concatenating_mul(b), modulus)
}

pub(super) fn power(base: &BoxedUint, exponent: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    let modulus = Odd::new(modulus.clone()).unwrap();
    let base = base.rem(modulus.as_nz_ref());
    BoxedMontyForm::new(base, &BoxedMontyParams::new(modulus)).pow(exponent).retrieve()
}

/// `factor n + offset`
pub(super) fn multiple(factor: u64, n: &BoxedUint, offset: i64) -> BoxedUint {
    let offset_by = BoxedUint::from(offset.unsigned_abs());
    let wide = n.bits_precision() + 64;
    let product = n.concatenating_mul(&BoxedUint::from(factor)).resize(wide);
    if offset < 0 {
        product - offset_by.resize(wide)
    } else {
        product + offset_by.resize(wide)
    }
}

/// Checks the Montgomery products of an engine modulo p and q, with R of `r` bits and limbs of
/// `limb` bits: that of numbers below 12n is the right one, and below 3n. The engine is given words
/// of p and of q for each of two factors, and returns those of the product.
#[track_caller]
pub(super) fn check_products(
    [p, q]: [&BoxedUint; 2],
    r: usize,
    limb: usize,
    mut engine: impl FnMut([&[u64]; 2], [&[u64]; 2]) -> [Vec<u64>; 2],
) {
    let length = p.bit_width().div_ceil(64) as usize + 1;
    let radix = BoxedUint::one_with_precision(r as u32 + 64).shl(r as u32);
    let mut check = |a: [&BoxedUint; 2], b: [&BoxedUint; 2]| {
        let (a_words, b_words) = (a.map(|a| words(a, length)), b.map(|b| words(b, length)));
        let products = engine([&a_words[0], &a_words[1]], [&b_words[0], &b_words[1]]);
        let products = products.map(|product| number(&product));
        for (i, n) in [p, q].into_iter().enumerate() {
            let expected = product(a[i], b[i], n);
            assert_eq!(
                product(&products[i], &radix, n),
                expected,
                "{:x} {:x} {n:x}",
                a[i],
                b[i]
            );
            assert!(
                products[i] < multiple(3, n, 0),
                "{:x} {:x} {n:x}",
                a[i],
                b[i]
            );
        }
        products
    };
    let bits = p.bit_width() as usize;
    // Limbs of ones, up to each limb boundary and in all.
    let ones = |k: usize| {
        let power = BoxedUint::one_with_precision(bits as u32 + 64).shl(k as u32);
        power - BoxedUint::one_with_precision(bits as u32 + 64)
    };
    let boundaries = (limb..bits).step_by(limb * every(5)).map(|k| [ones(k), ones(k)]);
    let multiples = [
        (0, 0),
        (0, 1),
        (1, -1),
        (1, 0),
        (1, 1),
        (2, -1),
        (3, -1),
        (12, -1),
    ];
    let values: Vec<_> = multiples
        .into_iter()
        .map(|(factor, offset)| [multiple(factor, p, offset), multiple(factor, q, offset)])
        .chain([[ones(bits + 1), ones(bits + 1)]])
        .chain(boundaries)
        .collect();
    for (i, value) in values.iter().enumerate() {
        let value = value.each_ref();
        check(value, value);
        // The other number of the register is another one.
        let next = values[(i + 3) % values.len()].each_ref();
        check([value[0], next[1]], [next[0], value[1]]);
    }
    let mut chain = [multiple(12, p, -1), multiple(12, q, -1)];
    for _ in 0..50 / every(5) {
        chain = check(chain.each_ref(), chain.each_ref());
    }
}
