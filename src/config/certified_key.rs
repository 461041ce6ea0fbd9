//! A certificate chain with its key.

use crate::crypto::hash::fingerprint;
use crate::crypto::private_key::{KeyId, PrivateKey, RawDecryption};
use crate::crypto::rng::{RandomSource, drawing};
use crate::crypto::rsa::{PublicKey, RsaKey};
use crate::enums::SignatureScheme;
use crate::error::{CertificateFault, ConfigError, KeyError, LocalError};
use crate::message::certificate::{CertificateStatus, encode_certificate};
use crate::message::{HandshakeBody, MAX_HANDSHAKE_BODY};
use crate::verify::PeerCertificate;
use core::fmt;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::{Arc, PoisonError, RwLock};

/// A certificate chain and the RSA private key of its first certificate, or the knowledge that the
/// key is elsewhere.
pub struct CertifiedKey {
    chain: Box<[CertificateDer<'static>]>,
    pub(crate) public_key: PublicKey,
    key_id: KeyId,
    /// Of the holder's own certificate.
    pub(crate) fingerprint: [u8; 32],
    key: Option<Arc<dyn PrivateKey>>,
    issued: Box<[Issued]>,
    /// The Certificate message, built once for all handshakes.
    pub(crate) certificate_message: Box<[u8]>,
    /// The CertificateStatus message with the OCSP response.
    certificate_status: RwLock<Option<Arc<[u8]>>>,
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
        Self::with_key(chain, Arc::new(RsaKey::from_der(key)?))
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
        Self::with_key(chain, Arc::new(RsaKey::from_pem(key)?))
    }

    /// Takes a chain and a key that may be anywhere.
    ///
    /// # Errors
    ///
    /// Those of [`CertifiedKey::from_der`]. Whether the key belongs to the certificate is judged by
    /// its [`PrivateKey::key_id`].
    pub fn with_key(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn PrivateKey>,
    ) -> Result<Self, ConfigError> {
        let without = Self::without_key(chain)?;
        if key.key_id() != without.key_id {
            return Err(ConfigError::KeyMismatch);
        }
        Ok(Self {
            key: Some(key),
            ..without
        })
    }

    /// Takes a chain whose key is only where the connections' pauses are answered: with
    /// [`ServerConfigBuilder::offload_decryption`](crate::ServerConfigBuilder::offload_decryption) or
    /// [`ClientConfigBuilder::offload_signing`](crate::ClientConfigBuilder::offload_signing).
    ///
    /// # Errors
    ///
    /// Those of [`CertifiedKey::from_der`] that concern the chain.
    pub fn without_key(chain: Vec<CertificateDer<'static>>) -> Result<Self, ConfigError> {
        let first = chain.first().ok_or(ConfigError::NoCertificate)?;
        let public_key = PeerCertificate::parse(first)
            .and_then(|own| own.public_key(false))
            .map_err(config_error)?;
        let key_id = public_key.key_id().ok_or(ConfigError::BadCertificate)?;
        let length: usize = chain.iter().map(|certificate| 3 + certificate.len()).sum();
        if 3 + length > MAX_HANDSHAKE_BODY {
            return Err(ConfigError::ChainTooLong);
        }
        let message = encode_certificate(&chain).map_err(|_| ConfigError::ChainTooLong)?;
        Ok(Self {
            fingerprint: fingerprint([first.as_ref()]),
            certificate_message: message.into(),
            issued: issued(&chain)?,
            chain: chain.into(),
            public_key,
            key_id,
            key: None,
            certificate_status: RwLock::default(),
        })
    }

    /// Staples this OCSP response about the certificate, in DER, from the next handshake on, for
    /// clients that ask for one ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8));
    /// with `None`, none. It is not looked into.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadOcspResponse`] if it is empty or longer than a message may be.
    pub fn staple(&self, ocsp_response: Option<&[u8]>) -> Result<(), ConfigError> {
        let status = ocsp_response.map(encode_certificate_status).transpose()?;
        // The message is replaced as a whole, whatever panicked elsewhere.
        let stapled = self.certificate_status.write();
        *stapled.unwrap_or_else(PoisonError::into_inner) = status;
        Ok(())
    }

    /// The CertificateStatus message, if there is an OCSP response.
    pub(crate) fn certificate_status(&self) -> Option<Arc<[u8]>> {
        let stapled = self.certificate_status.read();
        stapled.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The chain, the holder's own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Who the key is, wherever it is.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The private key, unless it is elsewhere.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<dyn PrivateKey>> {
        self.key.as_ref()
    }

    /// Whether one of these authorities, named in DER, issued a certificate of the chain; with no
    /// name, any did.
    pub(crate) fn is_issued_by(&self, authorities: &[&[u8]]) -> bool {
        let mut issued = self.issued.iter();
        authorities.is_empty() || issued.any(|issued| authorities.contains(&&*issued.by))
    }

    /// Whether each certificate of the chain is signed with one of these algorithms. One that signed
    /// itself is believed for other reasons.
    pub(crate) fn is_signed_with(&self, algorithms: &[SignatureScheme]) -> bool {
        let mut issued = self.issued.iter().filter(|issued| !issued.by_itself);
        issued.all(|issued| issued.with.is_some_and(|scheme| algorithms.contains(&scheme)))
    }

    /// Has the key decrypt a number that [`PublicKey::admit`] admitted. Never fails visibly: the error
    /// is that of a key which is not there, whatever the number.
    pub(crate) fn decrypt(
        &self,
        ciphertext: &[u8],
        random: &dyn RandomSource,
    ) -> Result<RawDecryption, LocalError> {
        let key = self.key.as_ref().ok_or(LocalError::NoPrivateKey)?;
        Ok(RawDecryption::by(key, ciphertext, &mut drawing(random)))
    }

    /// Has the key sign.
    pub(crate) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let key = self.key.as_ref().ok_or(LocalError::NoPrivateKey)?;
        key.sign(scheme, message, &mut drawing(random)).map_err(|KeyError| LocalError::Signing)
    }
}

fn encode_certificate_status(ocsp_response: &[u8]) -> Result<Arc<[u8]>, ConfigError> {
    if !(1..=MAX_HANDSHAKE_BODY - 4).contains(&ocsp_response.len()) {
        return Err(ConfigError::BadOcspResponse);
    }
    let message = CertificateStatus { ocsp_response }.encode();
    Ok(message.map_err(|_| ConfigError::BadOcspResponse)?.into())
}

/// How a certificate of the chain came to be.
struct Issued {
    /// The issuer's name in DER.
    by: Box<[u8]>,
    by_itself: bool,
    /// The algorithm of its signature, if TLS has a number for it.
    with: Option<SignatureScheme>,
}

fn issued(chain: &[CertificateDer<'_>]) -> Result<Box<[Issued]>, ConfigError> {
    let issued = |certificate| {
        let certificate = PeerCertificate::parse(certificate).map_err(config_error)?;
        Ok(Issued {
            by: certificate.issuer_der().into(),
            by_itself: certificate.issuer_der() == certificate.subject_der(),
            with: certificate.signature_scheme(),
        })
    };
    chain.iter().map(|certificate| issued(certificate)).collect()
}

/// What is wrong with one's own certificate.
fn config_error(fault: CertificateFault) -> ConfigError {
    match fault {
        CertificateFault::NotRsa { .. } => ConfigError::NotRsa,
        CertificateFault::KeySize { bits } => ConfigError::KeySize { bits },
        _ => ConfigError::BadCertificate,
    }
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertifiedKey")
            .field("certificates", &self.chain.len())
            .field("key_id", &self.key_id)
            .field("has_key", &self.key.is_some())
            .finish()
    }
}
