//! Whether a peer's certificate is to be believed: the path with `rustls-webpki` over our own
//! signature algorithms, the leaf's key and its usage with `x509-parser`.

mod algorithms;
mod end_point;
mod leaf;

pub(crate) use end_point::end_point_hash;
pub(crate) use leaf::Leaf;

use crate::crypto::hash::fingerprint;
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

    /// The same for two stores of the same authorities, in whatever order, and no others.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut anchors: Vec<_> = self.anchors.iter().map(anchor_fingerprint).collect();
        anchors.sort_unstable();
        anchors.dedup();
        fingerprint(anchors.iter().map(|anchor| &anchor[..]))
    }
}

/// Of an authority's name, key and name constraints.
fn anchor_fingerprint(anchor: &TrustAnchor<'_>) -> [u8; 32] {
    let constraints = anchor.name_constraints.as_deref();
    fingerprint([
        &*anchor.subject,
        &*anchor.subject_public_key_info,
        constraints.unwrap_or_default(),
    ])
}

/// A peer's key that somebody vouches for, and for how long, in seconds since 1970.
#[derive(Debug)]
pub(crate) struct VouchedKey {
    pub(crate) key: PublicKey,
    /// When the first certificate on the way to the root expires.
    pub(crate) expires: u64,
}

impl VouchedKey {
    /// The key, vouched for until `expires` at the latest.
    fn until(self, expires: u64) -> Self {
        Self {
            expires: self.expires.min(expires),
            ..self
        }
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
) -> Result<VouchedKey, CertificateError> {
    let path_expires = verify_path(chain, roots, now, KeyUsage::server_auth(), |certificate| {
        certificate.verify_is_valid_for_subject_name(server_name)
    })?;
    Ok(server_key(chain)?.until(path_expires))
}

/// The key of a server that somebody vouches for, if it may be used to encrypt.
pub(crate) fn server_key(chain: &[CertificateDer<'_>]) -> Result<VouchedKey, CertificateError> {
    leaf_key(chain, leaf::Usage::KeyEncipherment)
}

/// Verifies a client's chain and its key's usage at `now`; gives back its key.
pub(crate) fn verify_client(
    chain: &[CertificateDer<'_>],
    roots: &RootStore,
    now: UnixTime,
) -> Result<VouchedKey, CertificateError> {
    let path_expires = verify_path(chain, roots, now, KeyUsage::client_auth(), |_| Ok(()))?;
    Ok(leaf_key(chain, leaf::Usage::DigitalSignature)?.until(path_expires))
}

fn leaf_key(
    chain: &[CertificateDer<'_>],
    usage: leaf::Usage,
) -> Result<VouchedKey, CertificateError> {
    let leaf = Leaf::of(chain)?;
    leaf.require_key_usage(usage)?;
    Ok(VouchedKey {
        key: leaf.public_key()?,
        expires: leaf.expires(),
    })
}

/// Refuses a server whose subject's common name is not the name that was asked for.
pub(crate) fn require_common_name(
    chain: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
) -> Result<(), CertificateError> {
    Leaf::of(chain)?.require_common_name(server_name)
}

/// Finds a path from the first certificate to a root, and asks `check` about the first. Gives back
/// when the first certificate between the two expires.
fn verify_path(
    chain: &[CertificateDer<'_>],
    roots: &RootStore,
    now: UnixTime,
    usage: KeyUsage,
    check: impl FnOnce(&EndEntityCert<'_>) -> Result<(), webpki::Error>,
) -> Result<u64, CertificateError> {
    let (first, intermediates) = chain.split_first().ok_or(CertificateError::Malformed)?;
    let certificate = EndEntityCert::try_from(first).map_err(error_of)?;
    let path = certificate
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
    check(&certificate).map_err(error_of)?;
    let mut expires = u64::MAX;
    for intermediate in path.intermediate_certificates() {
        expires = expires.min(Leaf::of(&[intermediate.der()])?.expires());
    }
    Ok(expires)
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
