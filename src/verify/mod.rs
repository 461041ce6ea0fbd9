//! Whether a peer's certificate is to be believed: the path with `rustls-webpki` over our own
//! signature algorithms, the leaf's key and its usage with `x509-parser`.

mod algorithms;
mod leaf;

pub(crate) use leaf::Leaf;

use crate::crypto::rsa::PublicKey;
use crate::error::{CertificateError, ConfigError};
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// The most certificates a peer's chain may have.
const MAX_CHAIN: usize = 10;

/// The certificates of the authorities that a peer's chain must lead to.
///
/// A self-signed certificate of the peer itself may be a root too, as long as it is not a CA's.
#[derive(Clone, Debug, Default)]
pub struct RootStore {
    anchors: Vec<TrustAnchor<'static>>,
}

impl RootStore {
    /// An empty store, which accepts nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`] if the text does not parse, [`ConfigError::BadCertificate`] if one
    /// of the certificates does not, [`ConfigError::NoRoots`] if there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        let mut store = Self::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            store.add(&certificate.map_err(|_| ConfigError::BadPem)?)?;
        }
        if store.is_empty() {
            return Err(ConfigError::NoRoots);
        }
        Ok(store)
    }

    /// Adds one certificate.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadCertificate`] if it does not parse.
    pub fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), ConfigError> {
        let anchor =
            anchor_from_trusted_cert(certificate).map_err(|_| ConfigError::BadCertificate)?;
        self.anchors.push(anchor.to_owned());
        Ok(())
    }

    /// Whether the store has no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }
}

/// Refuses a chain that nobody honest sends, before anything is made of it.
pub(crate) fn check_chain_length(chain: &[CertificateDer<'_>]) -> Result<(), CertificateError> {
    match chain.len() {
        0..=MAX_CHAIN => Ok(()),
        _ => Err(CertificateError::TooComplex),
    }
}

/// Verifies a server's chain, its name and its key's usage at `now`; gives back its key.
pub(crate) fn verify_server(
    chain: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    roots: &RootStore,
    now: UnixTime,
) -> Result<PublicKey, CertificateError> {
    let certificate = verify_path(chain, roots, now, KeyUsage::server_auth())?;
    certificate
        .verify_is_valid_for_subject_name(server_name)
        .map_err(error_of)?;
    server_key(chain)
}

/// The key of a server that somebody vouches for, if it may be used to encrypt.
pub(crate) fn server_key(chain: &[CertificateDer<'_>]) -> Result<PublicKey, CertificateError> {
    let leaf = Leaf::of(chain)?;
    leaf.require_key_usage(leaf::Usage::KeyEncipherment)?;
    leaf.public_key()
}

/// Verifies a client's chain and its key's usage at `now`; gives back its key.
pub(crate) fn verify_client(
    chain: &[CertificateDer<'_>],
    roots: &RootStore,
    now: UnixTime,
) -> Result<PublicKey, CertificateError> {
    verify_path(chain, roots, now, KeyUsage::client_auth())?;
    let leaf = Leaf::of(chain)?;
    leaf.require_key_usage(leaf::Usage::DigitalSignature)?;
    leaf.public_key()
}

/// Finds a path from the first certificate to a root and gives back the first.
fn verify_path<'a>(
    chain: &'a [CertificateDer<'a>],
    roots: &RootStore,
    now: UnixTime,
    usage: KeyUsage,
) -> Result<EndEntityCert<'a>, CertificateError> {
    let (first, intermediates) = chain.split_first().ok_or(CertificateError::Malformed)?;
    let certificate = EndEntityCert::try_from(first).map_err(error_of)?;
    certificate
        .verify_for_usage(
            algorithms::ALL,
            &roots.anchors,
            intermediates,
            now,
            usage,
            None,
            None,
        )
        .map_err(error_of)?;
    Ok(certificate)
}

fn error_of(error: webpki::Error) -> CertificateError {
    use webpki::Error;
    match error {
        Error::UnknownIssuer => CertificateError::UnknownIssuer,
        Error::CertExpired { .. } => CertificateError::Expired,
        Error::CertNotValidYet { .. } => CertificateError::NotYetValid,
        Error::CertNotValidForName(_) => CertificateError::NameMismatch,
        Error::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::UnsupportedSignature
        }
        Error::CaUsedAsEndEntity => CertificateError::CaAsLeaf,
        Error::EndEntityUsedAsCa
        | Error::NameConstraintViolation
        | Error::PathLenConstraintViolated => CertificateError::ConstraintViolated,
        Error::UnsupportedCertVersion | Error::UnsupportedCriticalExtension => {
            CertificateError::UnsupportedKind
        }
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            CertificateError::ExtendedKeyUsage
        }
        Error::MaximumNameConstraintComparisonsExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded => CertificateError::TooComplex,
        // The type is open; what is left are faults of the encoding.
        _ => CertificateError::Malformed,
    }
}
