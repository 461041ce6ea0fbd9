//! The engines of a private key, which chooses one when it is made.

#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use super::vector::private_kernel;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use crate::crypto::vector::{PrivateKernel, Tier};
#[cfg(test)]
use crypto_bigint::BoxedUint;
use rsa::PrivateKey as RsaPrivateKey;

/// The engine of a private key, which is all that is kept of its secret numbers.
pub(super) enum PrivateEngine {
    /// `rsa`, for every key.
    Portable(Box<RsaPrivateKey>),
    /// Vector instructions, for two primes of equal length.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    Vector(Box<PrivateKernel>),
}

impl PrivateEngine {
    /// Chooses the fastest engine of this processor for a key.
    pub(super) fn choose(key: RsaPrivateKey) -> Self {
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        if let Some(kernel) = Tier::permitted().find_map(|tier| private_kernel(&key, tier)) {
            return Self::Vector(Box::new(kernel));
        }
        Self::Portable(Box::new(key))
    }
}

/// What a test has the engine of a key do wrong.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Fault(core::sync::atomic::AtomicBool);

#[cfg(test)]
impl Fault {
    /// From now on, one bit of each result is wrong.
    pub(super) fn inject(&self) {
        self.0.store(true, core::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn apply(&self, result: &mut BoxedUint) {
        if let (true, Some(word)) = (
            self.0.load(core::sync::atomic::Ordering::Relaxed),
            result.as_mut_words().get_mut(1),
        ) {
            *word ^= 1 << 7;
        }
    }
}
