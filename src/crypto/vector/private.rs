//! The private operation: which engine a key gets, and its jobs.

use super::cpu::Tier;
use core::fmt;

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

/// The engines of this processor; none yet.
enum Engine {}

/// A private key prepared for the widest engine of this processor. Wiped when dropped; prints as
/// `[redacted]`.
pub(crate) struct PrivateKernel {
    engine: Engine,
}

impl PrivateKernel {
    /// Prepares a key; `None` where this processor or build has no engine for it.
    pub(crate) fn new(numbers: &CrtNumbers<'_>) -> Option<Self> {
        Tier::permitted().find_map(|tier| Self::for_tier(numbers, tier))
    }

    /// Prepares a key for the engine of one tier; `None` where there is no such engine, or this
    /// processor has not got it.
    pub(crate) fn for_tier(_numbers: &CrtNumbers<'_>, _tier: Tier) -> Option<Self> {
        None
    }
}

impl fmt::Debug for PrivateKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One operation: `number` is c, below the modulus n and as many words, and becomes `c^d mod n`.
pub(crate) struct PrivateJob<'a> {
    pub(crate) key: &'a PrivateKernel,
    pub(crate) number: &'a mut [u64],
}

/// Runs all jobs, of whatever keys.
pub(crate) fn run(jobs: &mut [PrivateJob<'_>]) {
    for job in jobs {
        match job.key.engine {}
    }
}
