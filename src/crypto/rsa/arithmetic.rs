//! Multiplication modulo a public modulus. A number is below the modulus and as wide as it.

use crypto_bigint::BoxedUint;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use zeroize::Zeroizing;

/// Multiplication modulo a public modulus, in constant time with respect to the numbers.
pub(super) trait Arithmetic: Clone {
    /// A number in Montgomery form. Wiped when dropped.
    type Residue;

    /// Brings a number into Montgomery form.
    fn residue(&self, number: &BoxedUint) -> Self::Residue;

    /// Returns the number that is in Montgomery form.
    fn retrieve(&self, residue: &Self::Residue) -> Zeroizing<BoxedUint>;

    fn multiply(&self, left: &Self::Residue, right: &Self::Residue) -> Self::Residue;

    fn square(&self, residue: &Self::Residue) -> Self::Residue;
}

impl Arithmetic for BoxedMontyParams {
    type Residue = Zeroizing<BoxedMontyForm>;

    fn residue(&self, number: &BoxedUint) -> Self::Residue {
        Zeroizing::new(BoxedMontyForm::new(number.clone(), self))
    }

    fn retrieve(&self, residue: &Self::Residue) -> Zeroizing<BoxedUint> {
        Zeroizing::new(residue.retrieve())
    }

    fn multiply(&self, left: &Self::Residue, right: &Self::Residue) -> Self::Residue {
        Zeroizing::new(left.mul(right))
    }

    fn square(&self, residue: &Self::Residue) -> Self::Residue {
        Zeroizing::new(BoxedMontyForm::square(residue))
    }
}
