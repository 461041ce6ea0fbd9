//! What a private key is known by, and what it draws from.

use super::hash::sha256;
use super::rng::Drawing;
use crate::error::LocalError;
use core::fmt;
use rand_core::TryCryptoRng;

/// The random number generator that a [`PrivateKey`](crate::PrivateKey) receives; [`key_rng`] makes one of any other
/// generator.
pub type KeyRng<'a> = dyn TryCryptoRng<Error = LocalError> + 'a;

/// Converts a random number generator for a direct call of a [`PrivateKey`](crate::PrivateKey).
pub fn key_rng(mut rng: impl TryCryptoRng) -> impl TryCryptoRng<Error = LocalError> {
    Drawing(move |out: &mut [u8]| {
        rng.try_fill_bytes(out).map_err(|_| LocalError::RandomUnavailable)
    })
}

/// An SPKI fingerprint, which identifies a key: the SHA-256 of its SubjectPublicKeyInfo in DER
/// ([RFC 7469 section 2.4](https://www.rfc-editor.org/rfc/rfc7469#section-2.4)). The key is encoded
/// as [RFC 3279 section 2.3.1](https://www.rfc-editor.org/rfc/rfc3279#section-2.3.1) requires, even
/// if its certificate differs. The fingerprint is not secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Computes the fingerprint of a SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn of_spki(der: &[u8]) -> Self {
        Self(sha256(der))
    }

    /// Creates a fingerprint from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the fingerprint.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Formats the fingerprint as 64 hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
