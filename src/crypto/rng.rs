//! The sources of randomness.

use crate::error::LocalError;
use core::fmt;
use rand_core::utils::next_word_via_fill;
use rand_core::{TryCryptoRng, TryRng};
use std::sync::{Mutex, PoisonError};

/// A source of randomness that many connections share.
pub(crate) trait RandomSource: Send + Sync {
    /// Fills all of `out`, or fails.
    fn fill(&self, out: &mut [u8]) -> Result<(), LocalError>;
}

/// The operating system's generator.
#[cfg(feature = "getrandom")]
#[derive(Debug)]
pub(crate) struct SystemRandom;

#[cfg(feature = "getrandom")]
impl RandomSource for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
        getrandom::fill(out).map_err(|_| LocalError::RandomUnavailable)
    }
}

/// The caller's generator, behind a lock.
pub(crate) struct SharedRng<R>(Mutex<R>);

impl<R> SharedRng<R> {
    pub(crate) fn new(rng: R) -> Self {
        Self(Mutex::new(rng))
    }
}

impl<R: TryCryptoRng + Send> RandomSource for SharedRng<R> {
    fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
        // A poisoned lock does no harm to a generator.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_fill_bytes(out)
            .map_err(|_| LocalError::RandomUnavailable)
    }
}

impl fmt::Debug for dyn RandomSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomSource")
    }
}

/// A function that fills bytes, as a generator with the traits of `rand_core`.
pub(crate) struct Drawing<F>(pub(super) F);

/// Returns a generator that draws from a shared source.
pub(crate) fn drawing(random: &dyn RandomSource) -> impl TryCryptoRng<Error = LocalError> {
    Drawing(|out: &mut [u8]| random.fill(out))
}

impl<F: FnMut(&mut [u8]) -> Result<(), LocalError>> TryRng for Drawing<F> {
    type Error = LocalError;

    fn try_next_u32(&mut self) -> Result<u32, LocalError> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, LocalError> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), LocalError> {
        self.0(out)
    }
}

impl<F: FnMut(&mut [u8]) -> Result<(), LocalError>> TryCryptoRng for Drawing<F> {}

#[cfg(test)]
pub(crate) mod testing {
    use super::{LocalError, RandomSource};

    /// Always this byte.
    pub(crate) struct Fixed(pub(crate) u8);

    impl RandomSource for Fixed {
        fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
            out.fill(self.0);
            Ok(())
        }
    }

    /// A generator that fails.
    pub(crate) struct Broken;

    impl RandomSource for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), LocalError> {
            Err(LocalError::RandomUnavailable)
        }
    }
}
