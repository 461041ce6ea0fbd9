//! Multiplication modulo a public modulus: the public operation, blinding, and the check of results.
//!
//! There is an engine for it on the tier `Avx512` alone.

use super::boundary::Ifma;
use super::cpu::Tier;
use super::ifma::{self, Work};
use core::fmt;

/// An odd modulus of 1024 to 4096 bits, prepared for multiplication.
#[derive(Clone)]
pub(crate) struct PublicKernel {
    token: Ifma,
    key: ifma::PublicKey,
}

/// A number modulo a [`PublicKernel`]'s modulus, in Montgomery form. Wiped when dropped; prints as
/// `[redacted]`.
#[derive(Clone)]
pub(crate) struct Residue(ifma::Residue);

impl PublicKernel {
    /// Prepares an odd modulus for the engine of one tier; `None` where there is no such engine, or
    /// this processor has not got it.
    pub(crate) fn for_tier(n: &[u64], tier: Tier) -> Option<Self> {
        if tier != Tier::Avx512 {
            return None;
        }
        let token = Ifma::detect()?;
        let key = token.prepare_public(n)?;
        Some(Self { token, key })
    }

    /// Computes `m^65537 mod n` of an `m` below n; both are as many words as n.
    pub(crate) fn raise_65537(&self, m: &[u64], out: &mut [u64]) {
        self.compute(Work::Raise65537 { m, out });
    }

    /// Brings a number below n, of as many words, into Montgomery form.
    pub(crate) fn residue(&self, x: &[u64]) -> Residue {
        let mut residue = Residue(ifma::Residue::ZERO);
        self.compute(Work::Residue {
            x,
            out: &mut residue.0,
        });
        residue
    }

    /// Returns the product.
    pub(crate) fn multiply(&self, a: &Residue, b: &Residue) -> Residue {
        let mut product = a.clone();
        self.compute(Work::Multiply {
            a: &mut product.0,
            b: &b.0,
        });
        product
    }

    /// Returns the square.
    pub(crate) fn square(&self, a: &Residue) -> Residue {
        self.multiply(a, a)
    }

    /// Writes the number, below n and of as many words.
    pub(crate) fn retrieve(&self, a: &Residue, out: &mut [u64]) {
        self.compute(Work::Retrieve { a: &a.0, out });
    }

    fn compute(&self, work: Work<'_>) {
        self.token.compute(&self.key, work);
    }
}

impl fmt::Debug for PublicKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKernel").finish_non_exhaustive()
    }
}

impl fmt::Debug for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests;
