//! The private operation: which engine a key gets, and its jobs.

use super::avx2;
use super::batch;
use super::boundary::{Avx2, Ifma};
use super::cpu::Tier;
use super::crt::CrtNumbers;
use super::ifma;
use core::fmt;

/// The engine of a key.
enum Engine {
    Ifma(Ifma, ifma::Key),
    Avx2(Avx2, avx2::Key),
}

/// A private key prepared for the widest engine of this processor. Wiped when dropped; prints as
/// `[redacted]`.
pub(crate) struct PrivateKernel(Engine);

impl PrivateKernel {
    /// Prepares a key for the engine of one tier; `None` where there is no such engine, or this
    /// processor has not got it.
    pub(crate) fn for_tier(numbers: &CrtNumbers<'_>, tier: Tier) -> Option<Self> {
        match tier {
            Tier::Avx512 => {
                let token = Ifma::detect()?;
                Some(Self(Engine::Ifma(token, token.prepare(numbers)?)))
            }
            Tier::Avx2 => {
                let token = Avx2::detect()?;
                Some(Self(Engine::Avx2(token, token.prepare(numbers)?)))
            }
            _ => None,
        }
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

/// Runs all jobs, of whatever keys: those with IFMA together, in batches, all others one by one.
pub(crate) fn run(jobs: &mut [PrivateJob<'_>]) {
    let mut together = vec![];
    let mut ifma = None;
    for PrivateJob { key, number } in jobs {
        match &key.0 {
            Engine::Ifma(token, key) => {
                together.push(batch::Job { key, number });
                ifma = Some(token);
            }
            Engine::Avx2(token, key) => token.private(key, number),
        }
    }
    if let Some(token) = ifma {
        token.private(&mut together);
    }
}

#[cfg(test)]
mod tests;
