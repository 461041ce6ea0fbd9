//! The trait of private keys, which may be in this process or outside it.

use super::key_id::{KeyId, KeyRng};
use super::rsa::RsaKey;
use crate::enums::SignatureScheme;
use crate::error::KeyError;
use core::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An RSA private key, in this process ([`RsaKey`](crate::RsaKey)) or elsewhere: a vectorised
/// engine, an HSM, another machine.
///
/// A server's key only decrypts and a client's key only signs; the other method may return
/// [`KeyError`].
///
/// The methods block. For a slow key, let the handshakes pause instead:
/// [`ServerConfigBuilder::offload_decryption`](crate::ServerConfigBuilder::offload_decryption) and
/// [`ClientConfigBuilder::offload_signing`](crate::ClientConfigBuilder::offload_signing).
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use premaster::error::KeyError;
/// use premaster::private_key::{KeyId, KeyRng, PrivateKey, RsaKey};
/// use premaster::protocol::SignatureScheme;
///
/// /// Counts the operations of another key.
/// struct Counted {
///     key: RsaKey,
///     operations: AtomicU64,
/// }
///
/// impl PrivateKey for Counted {
///     fn key_id(&self) -> KeyId {
///         self.key.key_id()
///     }
///
///     fn decrypt(&self, c: &[u8], m: &mut [u8], rng: &mut KeyRng<'_>) -> Result<(), KeyError> {
///         self.operations.fetch_add(1, Ordering::Relaxed);
///         self.key.decrypt(c, m, rng)
///     }
///
///     fn sign(
///         &self,
///         scheme: SignatureScheme,
///         message: &[u8],
///         rng: &mut KeyRng<'_>,
///     ) -> Result<Vec<u8>, KeyError> {
///         self.operations.fetch_add(1, Ordering::Relaxed);
///         self.key.sign(scheme, message, rng)
///     }
/// }
/// ```
pub trait PrivateKey: Send + Sync {
    /// Returns the key's identifier: the [`KeyId::of_spki`] of its public key, which equals the
    /// [`CertifiedKey::key_id`](crate::CertifiedKey::key_id) of its certificate. It is called for
    /// each job and should be fast.
    fn key_id(&self) -> KeyId;

    /// Applies the raw RSA private operation, `c^d mod n`, to one or more ciphertexts
    /// ([RFC 8017 section 5.1.2](https://www.rfc-editor.org/rfc/rfc8017#section-5.1.2)).
    ///
    /// `ciphertexts` is a concatenation of big-endian integers below the modulus, each as long as
    /// the modulus. The results go into `integers`, in the same order, form and length, with
    /// leading zeros. `integers` is zero on entry; leave a result zero if it cannot be computed, since
    /// zero is never validly padded.
    ///
    /// **Do not remove or check the padding.** A key that does reveals, by its result or its
    /// timing, whether the padding was correct: the padding oracle that RSA key transport must
    /// avoid ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)).
    /// The time must not depend on the results either, so the operation must be blinded or
    /// constant-time.
    ///
    /// `rng` draws from the configuration's random number generator.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key could not be used at all; `integers` is then ignored. The error must
    /// not depend on a ciphertext. Peers cannot see it: their handshakes continue and fail at
    /// Finished. So report failures of the key by other means.
    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError>;

    /// Returns the [`RsaKey`](crate::RsaKey) whose `decrypt` is this key's own; `None` for any other
    /// key, which is what the provided method returns.
    ///
    /// [`DecryptBatch::decrypt`](crate::private_key::DecryptBatch::decrypt) runs the ciphertexts of
    /// several such keys through one engine, and does not call their `decrypt`. A key that contains
    /// an `RsaKey` and only adds something, such as a counter, returns it only if it can go without
    /// that call.
    fn as_rsa_key(&self) -> Option<&RsaKey> {
        None
    }

    /// Signs `message` with the hash and the padding of `scheme`
    /// ([RFC 8017 section 8](https://www.rfc-editor.org/rfc/rfc8017#section-8)). The signature is
    /// as long as the modulus.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key could not be used, or not with this scheme.
    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError>;
}

impl<K: PrivateKey + ?Sized> PrivateKey for Arc<K> {
    fn key_id(&self) -> KeyId {
        (**self).key_id()
    }

    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError> {
        (**self).decrypt(ciphertexts, integers, rng)
    }

    fn as_rsa_key(&self) -> Option<&RsaKey> {
        (**self).as_rsa_key()
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        (**self).sign(scheme, message, rng)
    }
}

/// Shows only the key's identifier.
impl fmt::Debug for dyn PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.key_id())
    }
}

/// The result of the raw RSA operation, as long as the modulus, its padding included.
///
/// Wiped when dropped. It prints as `[redacted]`, so that nothing reveals whether it is well
/// formed.
pub(crate) struct RawDecryption(pub(crate) Zeroizing<Vec<u8>>);

impl RawDecryption {
    /// Wraps the result of a key, without a check.
    pub(crate) fn returned(integer: Vec<u8>) -> Self {
        Self(Zeroizing::new(integer))
    }

    /// The result of a key that failed: empty, which no modulus is, so that the handshake continues
    /// with the fallback.
    pub(crate) fn failed() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// Decrypts one ciphertext with a key.
    pub(crate) fn by(key: &dyn PrivateKey, ciphertext: &[u8], rng: &mut KeyRng<'_>) -> Self {
        let mut integer = Zeroizing::new(vec![0; ciphertext.len()]);
        match key.decrypt(ciphertext, &mut integer, rng) {
            Ok(()) => Self(integer),
            Err(KeyError) => Self::failed(),
        }
    }
}

impl fmt::Debug for RawDecryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_result_does_not_print() {
        for raw in [vec![], vec![7; 3]] {
            let result = RawDecryption::returned(raw);
            assert_eq!(format!("{result:?}"), "[redacted]");
        }
    }
}
