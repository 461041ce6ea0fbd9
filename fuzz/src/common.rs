//! The certificate maker of the tests, and what it expects around it.

#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
#[path = "../../tests/common/pki/mod.rs"]
pub(crate) mod pki;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

/// The name that the test server is reached by.
pub(crate) const NAME: &str = "server.example";

/// Randomness that is the same in every run.
pub(crate) fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}
