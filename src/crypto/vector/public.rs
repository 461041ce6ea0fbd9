//! Multiplication modulo a public modulus: the public operation, blinding and the check of results.

use super::cpu::Tier;

/// The engines of this processor; none yet.
#[derive(Clone, Debug)]
enum Engine {}

/// A modulus of 1024 to 4096 bits, prepared for multiplication.
#[derive(Clone, Debug)]
pub(crate) struct PublicKernel {
    engine: Engine,
}

/// A number modulo a [`PublicKernel`]'s modulus, in Montgomery form. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Residue {
    engine: Engine,
}

impl PublicKernel {
    /// Prepares an odd modulus; `None` where this processor or build has no engine for it.
    pub(crate) fn new(n: &[u64]) -> Option<Self> {
        Tier::permitted().find_map(|tier| Self::for_tier(n, tier))
    }

    /// Prepares an odd modulus for the engine of one tier; `None` where there is no such engine, or
    /// this processor has not got it.
    pub(crate) fn for_tier(_n: &[u64], _tier: Tier) -> Option<Self> {
        None
    }

    /// Computes `m^65537 mod n` of an `m` below n; both are as many words as n.
    pub(crate) fn raise_65537(&self, _m: &[u64], _out: &mut [u64]) {
        match self.engine {}
    }

    /// Brings a number below n, of as many words, into Montgomery form.
    pub(crate) fn residue(&self, _x: &[u64]) -> Residue {
        match self.engine {}
    }

    /// Returns the product.
    pub(crate) fn multiply(&self, _a: &Residue, _b: &Residue) -> Residue {
        match self.engine {}
    }

    /// Returns the square.
    pub(crate) fn square(&self, _a: &Residue) -> Residue {
        match self.engine {}
    }

    /// Writes the number, below n and of as many words.
    pub(crate) fn retrieve(&self, a: &Residue, _out: &mut [u64]) {
        match a.engine {}
    }
}
