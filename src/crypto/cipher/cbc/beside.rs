//! Encryption beside the MAC, on processors that have a kernel for both.

use super::aes::BLOCK;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use crate::crypto::vector::{Cbc, CbcSha1Kernel, Sha1};

/// Length of a block of the MAC's hash.
pub(super) const UNIT: usize = 64;

/// What encrypts a text of MAC-then-encrypt while SHA-1 hashes it: both have the plaintext from the
/// beginning, and neither waits for the other. Wiped when dropped.
#[derive(Clone)]
pub(super) struct Beside {
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    kernel: Option<CbcSha1Kernel>,
}

impl Beside {
    /// `key` is that of AES.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    pub(super) fn new(key: &[u8], is_wanted: bool) -> Self {
        Self::of(is_wanted.then(|| CbcSha1Kernel::new(key)).flatten())
    }

    #[cfg(not(all(feature = "vector", target_arch = "x86_64")))]
    pub(super) fn new(_: &[u8], _: bool) -> Self {
        Self {}
    }

    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    fn of(kernel: Option<CbcSha1Kernel>) -> Self {
        Self { kernel }
    }

    /// One without a kernel, and one with it where this processor has it, whatever the build permits.
    #[cfg(any(test, fuzzing))]
    pub(super) fn engines(key: &[u8]) -> Vec<Self> {
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        let engines = core::iter::once(Self::of(None))
            .chain(CbcSha1Kernel::of_processor(key).map(|kernel| Self::of(Some(kernel))))
            .collect();
        #[cfg(not(all(feature = "vector", target_arch = "x86_64")))]
        let engines = {
            let _ = key;
            vec![Self {}]
        };
        engines
    }

    /// Encrypts units of `text` in place, and hashes as many of `hashed`; returns their number, which
    /// is zero where there is no kernel. `chain` is the block before the text, and becomes the last
    /// one that was encrypted.
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    pub(super) fn encrypt_and_hash(
        &self,
        chain: &mut [u8; BLOCK],
        text: &mut [u8],
        state: &mut [u32; 5],
        hashed: &[[u8; UNIT]],
    ) -> usize {
        let Some(kernel) = &self.kernel else {
            return 0;
        };
        let (text, _) = text.as_chunks_mut();
        let sha1 = Sha1 {
            state,
            text: hashed,
        };
        kernel.encrypt_and_hash(Cbc { chain, text }, sha1)
    }

    #[cfg(not(all(feature = "vector", target_arch = "x86_64")))]
    pub(super) fn encrypt_and_hash(
        &self,
        _: &mut [u8; BLOCK],
        _: &mut [u8],
        _: &mut [u32; 5],
        _: &[[u8; UNIT]],
    ) -> usize {
        0
    }
}
