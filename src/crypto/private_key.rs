//! The private key as the handshake sees it, wherever it is.

use super::hash::sha256;
use super::rng::Drawing;
use crate::enums::SignatureScheme;
use crate::error::{KeyError, LocalError};
use core::fmt;
use rand_core::TryCryptoRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An RSA private key: in this process, as an [`RsaKey`](crate::RsaKey) is, or behind whatever
/// implements this trait, such as a vectorised engine, an HSM or another machine.
///
/// A server's key only decrypts and a client's only signs; the method that is not needed may answer
/// [`KeyError`].
///
/// The methods block. For a key that takes long to answer, have the connections pause instead:
/// [`ServerConfigBuilder::offload_decryption`](crate::ServerConfigBuilder::offload_decryption) and
/// [`ClientConfigBuilder::offload_signing`](crate::ClientConfigBuilder::offload_signing).
pub trait PrivateKey: Send + Sync {
    /// Which key it is: the [`KeyId::of_spki`] of its public half, or the
    /// [`CertifiedKey::key_id`](crate::CertifiedKey::key_id) of its certificate. Asked for at every
    /// job, so it should be at hand.
    fn key_id(&self) -> KeyId;

    /// Decrypts one ciphertext or several with the bare RSA operation, `c^d mod n`
    /// ([RFC 8017 section 5.1.2](https://www.rfc-editor.org/rfc/rfc8017#section-5.1.2)).
    ///
    /// `ciphertexts` are big-endian integers below the modulus, each as long as the modulus, one
    /// behind the other. The results go into `integers`, as long and in the same order and form,
    /// with all their leading zeros. It is all zeros before; what cannot be computed stays zero,
    /// which is no encryption of anything.
    ///
    /// **The padding must stay on:** a key that looks at it says by what it returns, or by when,
    /// whether it was good, which is the oracle that RSA key transport must not have
    /// ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)). For
    /// the same reason the time must not depend on the results, so the operation has to be blinded
    /// or constant in time.
    ///
    /// `rng` draws from the configuration's source of randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key could not be used at all; `integers` is of no use then. It says nothing
    /// about any ciphertext, and the peers see nothing of it: their handshakes go on and fail at
    /// Finished. Whoever runs the key learns of it from the key.
    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError>;

    /// Signs `message`, hashing it and padding the hash as `scheme` says
    /// ([RFC 8017 section 8](https://www.rfc-editor.org/rfc/rfc8017#section-8)); the signature is as
    /// long as the modulus.
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

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        (**self).sign(scheme, message, rng)
    }
}

/// Only who it is.
impl fmt::Debug for dyn PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.key_id())
    }
}

/// The randomness that a [`PrivateKey`] is given; [`key_rng`] makes it of any other.
pub type KeyRng<'a> = dyn TryCryptoRng<Error = LocalError> + 'a;

/// A generator as a [`PrivateKey`] takes it, for those who call one themselves.
pub fn key_rng(mut rng: impl TryCryptoRng) -> impl TryCryptoRng<Error = LocalError> {
    Drawing(move |out: &mut [u8]| {
        rng.try_fill_bytes(out).map_err(|_| LocalError::RandomUnavailable)
    })
}

/// Who a key is: the SHA-256 of its SubjectPublicKeyInfo in DER, as in
/// [RFC 7469 section 2.4](https://www.rfc-editor.org/rfc/rfc7469#section-2.4), encoded as
/// [RFC 3279 section 2.3.1](https://www.rfc-editor.org/rfc/rfc3279#section-2.3.1) says, however a
/// certificate has it. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_spki(der: &[u8]) -> Self {
        Self(sha256(der))
    }

    /// One that was stored or sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In hexadecimal.
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

/// What the bare RSA operation returned: as many bytes as the modulus has, padding and all.
///
/// Wiped when dropped; prints as `[redacted]`, since whether it is good must not be seen.
pub(crate) struct RawDecryption(pub(crate) Zeroizing<Vec<u8>>);

impl RawDecryption {
    /// What a key returned, whatever it is.
    pub(crate) fn returned(integer: Vec<u8>) -> Self {
        Self(Zeroizing::new(integer))
    }

    /// That of a key which failed: of no length that a modulus has, so that the handshake goes on
    /// with the fallback.
    pub(crate) fn failed() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// Has a key decrypt one ciphertext.
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
