//! Whom a side believes to begin with.

use crate::crypto::hash::fingerprint;
use crate::error::ConfigError;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, TrustAnchor};
use rsa::pkcs1::der::{Encode, Header, Tag};
use webpki::anchor_from_trusted_cert;

/// The certificates of the authorities that a peer's chain must lead to.
///
/// **Whoever has the key of a root can be anybody**, whatever else its certificate says: of a root, its
/// name, its key and its name constraints count, and neither its dates nor what it may be used for. For
/// a device's own self-signed certificate there is
/// [`pin_certificate`](crate::CertificatePolicy::pin_certificate).
#[derive(Clone, Debug, Default)]
pub struct RootStore {
    pub(super) anchors: Vec<TrustAnchor<'static>>,
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
        store.or_none()
    }

    /// Mozilla's roots, as they were when this crate's `webpki-roots` was released.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub fn mozilla() -> Self {
        Self {
            anchors: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        }
    }

    /// The roots of the operating system, or those that the environment variables `SSL_CERT_FILE`
    /// and `SSL_CERT_DIR` name. Certificates that cannot be read are left out.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRoots`] if none can be read.
    #[cfg(feature = "rustls-native-certs")]
    pub fn platform() -> Result<Self, ConfigError> {
        let mut store = Self::new();
        for certificate in rustls_native_certs::load_native_certs().certs {
            let _left_out = store.add(&certificate);
        }
        store.or_none()
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

    fn or_none(self) -> Result<Self, ConfigError> {
        match self.is_empty() {
            true => Err(ConfigError::NoRoots),
            false => Ok(self),
        }
    }

    /// Whether a root has this name, in DER.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.anchors
            .iter()
            .any(|anchor| sequence(&anchor.subject) == name)
    }

    /// The distinguished names of the authorities, in DER.
    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        let name = |anchor: &TrustAnchor<'_>| sequence(&anchor.subject);
        self.anchors.iter().map(name).collect()
    }

    /// The same for two stores of the same authorities, in whatever order, and no others.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
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

/// A SEQUENCE with this content, which is how trust anchors lack it.
pub(super) fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let header = Header::new(Tag::Sequence, length.into());
    let mut der = header.to_der().unwrap_or_default();
    der.extend_from_slice(content);
    der
}
