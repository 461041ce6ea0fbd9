//! Single operations on secrets, for the bench that measures whether their time depends on one.

use crate::crypto::cipher::{CipherError, FuzzedGcmKey};
use crate::crypto::pkcs1::select_pre_master_secret;
use crate::crypto::pre_master_secret::PreMasterSecret;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
use crate::crypto::vector::{self, CrtNumbers, PrivateJob, PrivateKernel, Tier};
use crate::enums::ProtocolVersion;
use core::fmt;

/// A key of AES-GCM on one engine.
pub struct GcmEngine(FuzzedGcmKey);

impl fmt::Debug for GcmEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl GcmEngine {
    /// Returns a key for each engine of this processor, that of the `aes-gcm` crate first; nothing
    /// unless the key has 16 or 32 bytes.
    #[must_use]
    pub fn all(key: &[u8]) -> Vec<Self> {
        FuzzedGcmKey::engines(key).into_iter().map(Self).collect()
    }

    /// Encrypts `text`, and appends the ciphertext and the tag to `out`.
    ///
    /// # Panics
    ///
    /// If the text is too long for GCM.
    pub fn seal(&self, nonce: [u8; 12], additional_data: &[u8], text: &[u8], out: &mut Vec<u8>) {
        assert_eq!(self.0.encrypt(nonce, additional_data, text, out), Ok(()));
    }

    /// Returns true if the tag is right; the text is then decrypted, and otherwise unchanged.
    pub fn open(
        &self,
        nonce: [u8; 12],
        additional_data: &[u8],
        text: &mut [u8],
        tag: [u8; 16],
    ) -> bool {
        self.0.decrypt(nonce, additional_data, text, tag) != Err(CipherError)
    }
}

/// Returns the pre-master secret with which a server goes on: that of a decrypted message, or
/// `fallback`.
#[must_use]
pub fn unpad(encoded_message: &[u8], fallback: [u8; 48]) -> [u8; 48] {
    let fallback = PreMasterSecret(fallback);
    let decrypted = subtle::Choice::from(1);
    let version = ProtocolVersion::TLS_1_2;
    select_pre_master_secret(encoded_message, decrypted, version, &fallback).0
}

/// The numbers of an RSA key in little-endian words. For measurements any odd moduli with the top
/// bit set will do, and any exponents.
#[derive(Clone, Debug)]
pub struct RsaNumbers {
    /// The first prime.
    pub p: Vec<u64>,
    /// The second prime, as long as the first.
    pub q: Vec<u64>,
    /// The exponent modulo `p`.
    pub dp: Vec<u64>,
    /// The exponent modulo `q`.
    pub dq: Vec<u64>,
    /// The inverse of `q` modulo `p`.
    pub q_inverse: Vec<u64>,
}

/// RSA's private operation on one vector engine, without the blinding around it.
pub struct RsaEngine {
    #[cfg(all(feature = "vector", target_arch = "x86_64"))]
    kernel: PrivateKernel,
}

impl fmt::Debug for RsaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl RsaEngine {
    /// Returns the key on each vector engine of this processor.
    #[must_use]
    pub fn all(numbers: &RsaNumbers) -> Vec<Self> {
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        let engines = {
            let numbers = CrtNumbers {
                p: &numbers.p,
                q: &numbers.q,
                dp: &numbers.dp,
                dq: &numbers.dq,
                q_inverse: &numbers.q_inverse,
            };
            Tier::permitted()
                .filter_map(|tier| PrivateKernel::for_tier(&numbers, tier))
                .map(|kernel| Self { kernel })
                .collect()
        };
        #[cfg(not(all(feature = "vector", target_arch = "x86_64")))]
        let engines = {
            let _ = numbers;
            Vec::new()
        };
        engines
    }

    /// Raises `number`, below the modulus and as long, to the private exponent.
    pub fn raise(&self, number: &mut [u64]) {
        #[cfg(all(feature = "vector", target_arch = "x86_64"))]
        vector::run(&mut [PrivateJob {
            key: &self.kernel,
            number,
        }]);
        #[cfg(not(all(feature = "vector", target_arch = "x86_64")))]
        let _ = number;
    }
}
