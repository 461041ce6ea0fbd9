//! Numbers as little-endian words, and as limbs of fewer bits. What is computed takes time by the
//! lengths of the slices alone.

use core::hint::black_box;
use zeroize::Zeroize;

/// Writes the limbs of `BITS` bits of a number; those beyond it are zero.
pub(super) fn to_limbs<const BITS: usize>(words: &[u64], limbs: &mut [u64]) {
    let word = |i: usize| words.get(i).copied().map_or(0, u128::from);
    for (i, limb) in limbs.iter_mut().enumerate() {
        let (at, shift) = (i * BITS / 64, i * BITS % 64);
        *limb = ((word(at) | word(at + 1) << 64) >> shift) as u64 & ((1 << BITS) - 1);
    }
}

/// Writes the words of a number whose limbs are below `2^BITS`; what does not fit is lost.
pub(super) fn from_limbs<const BITS: usize>(limbs: &[u64], words: &mut [u64]) {
    debug_assert!(limbs.iter().all(|limb| limb >> BITS == 0));
    let limb = |i: usize| limbs.get(i).copied().map_or(0, u128::from);
    for (i, word) in words.iter_mut().enumerate() {
        let (at, shift) = (i * 64 / BITS, i * 64 % BITS);
        // Three limbs hold the word: BITS is at least 29, and 3 * 29 - 28 bits are 59.
        let low = limb(at) | limb(at + 1) << BITS | limb(at + 2) << (2 * BITS);
        let high = if 3 * BITS < 64 + shift {
            limb(at + 3) << (3 * BITS - shift)
        } else {
            0
        };
        *word = (low >> shift | high) as u64;
    }
}

/// Adds the carries of limbs to the next ones, so that each is below `2^BITS`. The last carry is
/// lost; a number that fits has none.
pub(super) fn carry<const BITS: usize>(limbs: &mut [u64]) {
    let mut carry = 0;
    for limb in limbs {
        let sum = *limb + carry;
        (*limb, carry) = (sum & ((1 << BITS) - 1), sum >> BITS);
    }
    debug_assert_eq!(carry, 0);
}

/// Subtracts, and returns 1 if the result is negative, modulo the width then.
pub(super) fn subtract(a: &mut [u64], b: &[u64]) -> u64 {
    let mut borrow = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let difference = u128::from(*a).wrapping_sub(u128::from(*b) + u128::from(borrow));
        (*a, borrow) = (difference as u64, (difference >> 127) as u64);
    }
    borrow
}

/// Adds `b` where `mask` has ones, and returns the carry.
pub(super) fn add_masked(a: &mut [u64], b: &[u64], mask: u64) -> u64 {
    let mut carry = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let sum = u128::from(*a) + u128::from(*b & mask) + u128::from(carry);
        (*a, carry) = (sum as u64, (sum >> 64) as u64);
    }
    carry
}

/// Writes the product of a number and a word, in one word more.
pub(super) fn multiply_word(a: &[u64], word: u64, product: &mut [u64]) {
    debug_assert_eq!(a.len() + 1, product.len());
    let mut carry = 0;
    for (to, a) in product.iter_mut().zip(a.iter().chain(&[0])) {
        let sum = u128::from(*a) * u128::from(word) + carry;
        (*to, carry) = (sum as u64, sum >> 64);
    }
}

/// Subtracts `n` from a number of as many words if it is not below.
pub(super) fn reduce_once(a: &mut [u64], n: &[u64]) {
    debug_assert_eq!(a.len(), n.len());
    let negative = black_box(subtract(a, n));
    add_masked(a, n, negative.wrapping_neg());
}

/// Doubles a number below n modulo n.
fn double(a: &mut [u64], n: &[u64]) {
    let mut carry = 0;
    for word in a.iter_mut() {
        (*word, carry) = (*word << 1 | carry, *word >> 63);
    }
    // Negative in all: below n without the bit that was shifted out.
    let negative = black_box(subtract(a, n)) & !carry;
    add_masked(a, n, negative.wrapping_neg());
}

/// Returns the number of bits.
pub(super) fn bit_length(words: &[u64]) -> usize {
    let last = words.iter().rposition(|word| *word != 0);
    last.map_or(0, |last| {
        64 * last + words[last].checked_ilog2().map_or(0, |top| top as usize + 1)
    })
}

/// Returns powers of two modulo an odd n of so many bits. The exponents are in ascending order, and
/// not below the bits of n.
pub(super) fn powers_of_two<const W: usize, const N: usize>(
    n: &[u64; W],
    bits: usize,
    exponents: [usize; N],
) -> [[u64; W]; N] {
    debug_assert_eq!(bits, bit_length(n));
    debug_assert!(exponents.is_sorted() && exponents.iter().all(|exponent| bits <= *exponent));
    let mut power = [0; W];
    let (words, n) = (&mut power[..bits.div_ceil(64)], &n[..bits.div_ceil(64)]);
    // 2^bits - n, which is below n because n has its top bit.
    subtract(words, n);
    words[n.len() - 1] &= u64::MAX >> (64 * n.len() - bits);
    let mut at = bits;
    let powers = exponents.map(|exponent| {
        while at < exponent {
            double(&mut power[..n.len()], n);
            at += 1;
        }
        power
    });
    power.zeroize();
    powers
}

/// Returns `-1/n mod 2^64` of an odd n, from its lowest word.
pub(super) fn negated_inverse(n: u64) -> u64 {
    debug_assert_eq!(n & 1, 1);
    // n is its own inverse to three bits; each step doubles them (Newton).
    let mut inverse = n;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(n.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

/// Returns `bits` bits of a number from the bit `at` up.
pub(super) fn digit(words: &[u64], at: usize, bits: usize) -> u64 {
    let word = |i: usize| words.get(i).copied().map_or(0, u128::from);
    ((word(at / 64) | word(at / 64 + 1) << 64) >> (at % 64)) as u64 & ((1 << bits) - 1)
}
