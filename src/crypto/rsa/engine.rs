//! The engines of a public modulus. A key chooses one when it is made.

use super::arithmetic::Arithmetic;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use super::vector::Kernel;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, MontyForm, MontyMultiplier, Odd};

/// The engine of a public key.
#[derive(Clone, Debug)]
pub(super) enum PublicEngine {
    /// `crypto-bigint`, for every modulus and exponent.
    Portable(BoxedMontyParams),
    /// Vector instructions, for the exponent 65537.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    Vector(Kernel),
}

impl PublicEngine {
    /// Chooses the fastest engine of this processor for a modulus and its exponent.
    pub(super) fn choose(modulus: &Odd<BoxedUint>, exponent: u64) -> Self {
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        if let Some(kernel) = Kernel::choose(modulus, exponent) {
            return Self::Vector(kernel);
        }
        let _ = exponent;
        Self::portable(modulus)
    }

    pub(super) fn portable(modulus: &Odd<BoxedUint>) -> Self {
        Self::Portable(BoxedMontyParams::new_vartime(modulus.clone()))
    }

    /// Computes `base^exponent`, with the exponent for which the engine was chosen.
    pub(super) fn raise(&self, base: &BoxedUint, exponent: u64) -> BoxedUint {
        match self {
            Self::Portable(params) => raise(params, base, exponent),
            #[cfg(all(feature = "vector", target_arch = "x86_64"))]
            Self::Vector(kernel) => kernel.raise(base),
        }
    }
}

/// Raises bit by bit: the usual exponent takes sixteen squarings and one multiplication, half of
/// the work with a table of powers, which would also have to be wiped.
fn raise(params: &BoxedMontyParams, base: &BoxedUint, exponent: u64) -> BoxedUint {
    let base = params.residue(base);
    let mut multiplier = <BoxedMontyForm as MontyForm>::Multiplier::from(params);
    let mut power = base.clone();
    // The exponent is public: which of its bits are set shows in the time.
    for bit in (0..exponent.ilog2()).rev() {
        multiplier.square_assign(&mut power);
        if (exponent >> bit) & 1 == 1 {
            multiplier.mul_assign(&mut power, &base);
        }
    }
    power.retrieve()
}

#[cfg(test)]
impl PublicEngine {
    /// All engines of this processor for a modulus and its exponent, the portable one first.
    pub(super) fn all(modulus: &Odd<BoxedUint>, exponent: u64) -> Vec<Self> {
        #[cfg_attr(
            not(all(feature = "vector", target_arch = "x86_64")),
            allow(unused_mut)
        )]
        let mut engines = vec![Self::portable(modulus)];
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        engines.extend(
            crate::crypto::vector::Tier::ALL
                .into_iter()
                .filter_map(|tier| Kernel::for_tier(modulus, exponent, tier))
                .map(Self::Vector),
        );
        let _ = exponent;
        engines
    }
}
