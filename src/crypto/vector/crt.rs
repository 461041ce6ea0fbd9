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
#[derive(Clone)]
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
    pub(super) fn new(numbers: &CrtNumbers<'_>) -> Option<Self> {
        let bits = bit_length(numbers.p);
        if bits != bit_length(numbers.q) || bits > 64 * (WORDS - 1) {
            return None;
        }
        let copied = Self {
            p: copy(numbers.p, bits)?,
            q: copy(numbers.q, bits)?,
            dp: copy(numbers.dp, bits)?,
            dq: copy(numbers.dq, bits)?,
            q_inverse: copy(numbers.q_inverse, bits)?,
            bits,
        };
        (copied.p[0] & copied.q[0] & 1 == 1).then_some(copied)
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

/// Copies a number of at most as many bits; `None` if it has more, which is all that the time tells.
fn copy(number: &[u64], bits: usize) -> Option<Words> {
    let mut words = [0; WORDS];
    let mut excess = 0;
    for (i, word) in number.iter().enumerate() {
        let bits = bits.saturating_sub(64 * i).min(64);
        excess |= u128::from(*word) >> bits;
        if let Some(to) = words.get_mut(i) {
            *to = *word;
        }
    }
    (excess == 0).then_some(words)
}
