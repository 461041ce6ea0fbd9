//! The engines in vector instructions, for the numbers of `crypto-bigint` and the keys of `rsa`.

use super::arithmetic::Arithmetic;
use crate::crypto::vector::{CrtNumbers, PrivateKernel, PublicKernel, Residue, Tier};
use crypto_bigint::{BoxedUint, Odd};
use rsa::PrivateKey as RsaPrivateKey;
use rsa::traits::PrivateKeyParts;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A modulus prepared for vector instructions.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    kernel: Arc<PublicKernel>,
    /// The width of the modulus in bits, a multiple of a word.
    precision: u32,
}

impl Kernel {
    /// The exponent for which there is a kernel: that of nearly every key.
    const EXPONENT: u64 = 65_537;

    /// Prepares a modulus; `None` where this processor has no engine for it or its exponent.
    pub(super) fn choose(modulus: &Odd<BoxedUint>, exponent: u64) -> Option<Self> {
        Tier::permitted().find_map(|tier| Self::for_tier(modulus, exponent, tier))
    }

    /// Prepares a modulus for the engine of one tier.
    pub(super) fn for_tier(modulus: &Odd<BoxedUint>, exponent: u64, tier: Tier) -> Option<Self> {
        if exponent != Self::EXPONENT {
            return None;
        }
        Some(Self {
            kernel: Arc::new(PublicKernel::for_tier(modulus.as_words(), tier)?),
            precision: modulus.bits_precision(),
        })
    }

    /// Computes `base^65537`.
    pub(super) fn raise(&self, base: &BoxedUint) -> BoxedUint {
        let mut power = BoxedUint::zero_with_precision(self.precision);
        self.kernel.raise_65537(base.as_words(), power.as_mut_words());
        power
    }
}

impl Arithmetic for Kernel {
    type Residue = Residue;

    fn residue(&self, number: &BoxedUint) -> Residue {
        self.kernel.residue(number.as_words())
    }

    fn retrieve(&self, residue: &Residue) -> Zeroizing<BoxedUint> {
        let mut number = Zeroizing::new(BoxedUint::zero_with_precision(self.precision));
        self.kernel.retrieve(residue, number.as_mut_words());
        number
    }

    fn multiply(&self, left: &Residue, right: &Residue) -> Residue {
        self.kernel.multiply(left, right)
    }

    fn square(&self, residue: &Residue) -> Residue {
        self.kernel.square(residue)
    }
}

/// Prepares a private key for the engine of one tier; `None` where there is no such engine for it,
/// as for a key with more than two primes.
pub(super) fn private_kernel(key: &RsaPrivateKey, tier: Tier) -> Option<PrivateKernel> {
    if key.primes().len() != 2 {
        return None;
    }
    let q_inverse = Zeroizing::new(key.qinv()?.retrieve());
    let numbers = CrtNumbers {
        p: key.p()?.modulus().as_words(),
        q: key.q()?.modulus().as_words(),
        dp: key.dp()?.as_words(),
        dq: key.dq()?.as_words(),
        q_inverse: q_inverse.as_words(),
    };
    PrivateKernel::for_tier(&numbers, tier)
}
