//! A certificate chain with its key.

use crate::crypto::rsa::PrivateKey;
use crate::error::{CertificateError, ConfigError};
use crate::message::MAX_HANDSHAKE_BODY;
use crate::message::certificate::encode_certificate;
use crate::verify::Leaf;
use core::fmt;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// A certificate chain and the RSA private key of its first certificate.
pub struct CertifiedKey {
    chain: Box<[CertificateDer<'static>]>,
    key: PrivateKey,
    /// The Certificate message, built once for all handshakes.
    pub(crate) certificate_message: Box<[u8]>,
}

impl CertifiedKey {
    /// Takes a chain, the holder's own certificate first, and its PKCS#8 or PKCS#1 key.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that says what does not parse, that the key is not RSA or of the wrong
    /// length, that it belongs to another certificate, or that the chain is too long to be sent.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self, ConfigError> {
        if chain.is_empty() {
            return Err(ConfigError::NoCertificate);
        }
        let public_key = Leaf::of(&chain)
            .and_then(|leaf| leaf.public_key())
            .map_err(|error| match error {
                CertificateError::NotRsa => ConfigError::NotRsa,
                CertificateError::KeySize { bits } => ConfigError::KeySize { bits },
                _ => ConfigError::BadCertificate,
            })?;
        let key = PrivateKey::from_der(key)?;
        if key.public_key() != public_key {
            return Err(ConfigError::KeyMismatch);
        }
        let length: usize = chain.iter().map(|certificate| 3 + certificate.len()).sum();
        if 3 + length > MAX_HANDSHAKE_BODY {
            return Err(ConfigError::ChainTooLong);
        }
        Ok(Self {
            certificate_message: encode_certificate(&chain).into(),
            chain: chain.into(),
            key,
        })
    }

    /// Reads the chain from one PEM text and the key from another, which may be the same.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`], [`ConfigError::NoKey`], and those of [`CertifiedKey::from_der`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ConfigError::BadPem)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pki_types::pem::Error::NoItemsFound => ConfigError::NoKey,
            _ => ConfigError::BadPem,
        })?;
        let key = Zeroizing::new(key);
        Self::from_der(chain, &key)
    }

    /// The chain, the holder's own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertifiedKey")
            .field("certificates", &self.chain.len())
            .field("key", &self.key)
            .finish()
    }
}
