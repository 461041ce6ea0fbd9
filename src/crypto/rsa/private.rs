//! The private key in this process.

use super::blinding::Blinding;
use super::private_engine::PrivateEngine;
use super::public::{PublicKey, PublicKeyError};
use crate::crypto::key_id::KeyId;
use crate::error::ConfigError;
use core::fmt;
use rsa::PrivateKey as RsaPrivateKey;

/// An RSA private key in this process. Wiped when dropped; prints as `[redacted]`.
///
/// Its operations are blinded and constant-time with respect to the data, and their results are
/// checked for hardware faults. Several threads may use it at the same time.
///
/// On x86-64 it computes in vector instructions where the processor has them and the key has two
/// primes of equal length, as nearly all keys have. Several ciphertexts then cost less together
/// than one after the other.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../../tests/data/rsa-2048.key");
/// use premaster::{CertifiedKey, PrivateKey, RsaKey};
/// use std::sync::Arc;
///
/// let key = RsaKey::from_pem(key_pem)?;
/// assert_eq!(key.modulus_length(), 256);
/// let certified = CertifiedKey::from_pem(chain_pem, key_pem)?;
/// assert_eq!(key.key_id(), certified.key_id());
/// // A key in an Arc serves many certificates.
/// let key: Arc<dyn PrivateKey> = Arc::new(key);
/// let certified = CertifiedKey::with_key(certified.chain().to_vec(), key)?;
/// # Ok(())
/// # }
/// ```
pub struct RsaKey {
    pub(super) engine: PrivateEngine,
    pub(super) public: PublicKey,
    pub(super) id: KeyId,
    pub(super) blinding: Blinding,
    #[cfg(test)]
    pub(super) injected: super::private_engine::Fault,
}

impl RsaKey {
    /// Takes a key whose numbers are consistent, checks its length, and chooses its engines.
    pub(super) fn new(key: RsaPrivateKey) -> Result<Self, ConfigError> {
        let public = PublicKey::of(&key).map_err(|error| match error {
            PublicKeyError::Malformed => ConfigError::BadKey,
            PublicKeyError::Size { bits } => ConfigError::KeySize { bits },
        })?;
        Ok(Self {
            id: public.key_id().ok_or(ConfigError::BadKey)?,
            engine: PrivateEngine::choose(key),
            public,
            blinding: Blinding::default(),
            #[cfg(test)]
            injected: super::private_engine::Fault::default(),
        })
    }

    /// Returns the length of the modulus in bytes, which is also the length of each ciphertext and
    /// signature.
    #[must_use]
    pub fn modulus_length(&self) -> usize {
        self.public.length()
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
