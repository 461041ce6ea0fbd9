//! The Chinese remainder theorem around an engine that works modulo p and q at once:
//!
//! ```text
//! m1 = c^dp mod p     m2 = c^dq mod q     h = (m1 - m2) q^-1 mod p     m = m2 + h q
//! ```
//!
//! ([RFC 8017 section 5.1.2](https://www.rfc-editor.org/rfc/rfc8017#section-5.1.2)).

use super::words::{add_masked, bit_length, subtract};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The words of a number modulo a prime of a key of up to 4096 bits: one more than the prime has,
/// for numbers up to four times the prime.
pub(super) const WORDS: usize = 33;

/// The numbers of a private key in little-endian words. `p` and `q` have equally many bits, half of
/// the modulus each.
pub(crate) struct CrtNumbers<'a> {
    pub(crate) p: &'a [u64],
    pub(crate) q: &'a [u64],
    /// `d mod (p - 1)`
    pub(crate) dp: &'a [u64],
    /// `d mod (q - 1)`
    pub(crate) dq: &'a [u64],
    /// `q^-1 mod p`
    pub(crate) q_inverse: &'a [u64],
}

/// A prime, or a number modulo it.
pub(super) type Words = [u64; WORDS];

/// The numbers of a key that the engines support.
pub(super) struct Numbers {
    pub(super) p: Words,
    pub(super) q: Words,
    pub(super) dp: Words,
    pub(super) dq: Words,
    pub(super) q_inverse: Words,
    /// The bits of p, and of q.
    pub(super) bits: usize,
}

impl Numbers {
    /// Copies the numbers; `None` if they are not those of two balanced primes, or too long.
    pub(super) fn new(numbers: &CrtNumbers<'_>) -> Option<Box<Self>> {
        let bits = bit_length(numbers.p);
        if bits != bit_length(numbers.q) || bits > 64 * (WORDS - 1) {
            return None;
        }
        // In place on the heap, so that no other copy is left behind.
        let mut copied = Box::new(Self {
            p: [0; WORDS],
            q: [0; WORDS],
            dp: [0; WORDS],
            dq: [0; WORDS],
            q_inverse: [0; WORDS],
            bits,
        });
        let Self {
            p,
            q,
            dp,
            dq,
            q_inverse,
            bits: _,
        } = &mut *copied;
        let excess = copy(numbers.p, p, bits)
            | copy(numbers.q, q, bits)
            | copy(numbers.dp, dp, bits)
            | copy(numbers.dq, dq, bits)
            | copy(numbers.q_inverse, q_inverse, bits);
        (excess == 0 && p[0] & q[0] & 1 == 1).then_some(copied)
    }

    /// The words that p and q take.
    pub(super) fn words(&self) -> usize {
        self.bits.div_ceil(64)
    }

    /// Returns `m1 - m2 + 2p`, which is above zero because q is below 2p, and below 3p.
    pub(super) fn difference(&self, m1: &Words, m2: &Words) -> Words {
        let mut difference = *m1;
        for _ in 0..2 {
            add_masked(&mut difference, &self.p, u64::MAX);
        }
        let negative = subtract(&mut difference, m2);
        debug_assert_eq!(negative, 0);
        difference
    }

    /// Writes `m2 + h q`, which is below n; of an output that is longer, zeros above it.
    pub(super) fn recombine(&self, h: &Words, m2: &Words, out: &mut [u64]) {
        let words = self.words();
        let mut sum = [0; 2 * WORDS];
        sum[..WORDS].copy_from_slice(m2);
        for i in 0..words {
            let mut carry = 0;
            for (sum, q) in sum[i..].iter_mut().zip(&self.q[..words]) {
                let product = u128::from(h[i]) * u128::from(*q) + u128::from(*sum) + carry;
                (*sum, carry) = (product as u64, product >> 64);
            }
            sum[i + words] = carry as u64;
        }
        for (i, word) in out.iter_mut().enumerate() {
            *word = sum.get(i).copied().map_or(0, |word| word);
        }
        sum.zeroize();
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        let Self {
            p,
            q,
            dp,
            dq,
            q_inverse,
            bits: _,
        } = self;
        for number in [p, q, dp, dq, q_inverse] {
            number.zeroize();
        }
    }
}

impl ZeroizeOnDrop for Numbers {}

/// Copies a number, and returns other than zero if it has more bits, in time by its words alone.
fn copy(number: &[u64], to: &mut Words, bits: usize) -> u128 {
    let mut excess = 0;
    for (i, word) in number.iter().enumerate() {
        excess |= u128::from(*word) >> bits.saturating_sub(64 * i).min(64);
        if let Some(to) = to.get_mut(i) {
            *to = *word;
        }
    }
    excess
}
