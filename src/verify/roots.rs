//! The roots that a side trusts, read when they are configured.

use super::der::sequence;
use crate::crypto::hash::fingerprint;
use crate::error::ConfigError;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, TrustAnchor};
use webpki::anchor_from_trusted_cert;

/// The certificates of the authorities (CAs) that a peer's chain must lead to.
///
/// **Whoever has the key of a root can be anybody**, whatever else its certificate says: of a root, its
/// name, its key and its name constraints count, and neither its dates nor its key usage. For a
/// device's own self-signed certificate there is
/// [`pin_certificate`](crate::CertificatePolicy::pin_certificate).
#[derive(Clone, Debug, Default)]
pub struct RootStore {
    /// As `rustls-webpki` takes them.
    anchors: Vec<TrustAnchor<'static>>,
    /// What else is to be known of each, in the same order.
    encodings: Vec<Encodings>,
}

/// The parts of a root in whole DER, of which its trust anchor has only the contents.
#[derive(Clone, Debug)]
struct Encodings {
    subject: Box<[u8]>,
    #[cfg(feature = "ocsp")]
    public_key_info: Box<[u8]>,
}

impl Encodings {
    fn of(anchor: &TrustAnchor<'_>) -> Self {
        Self {
            subject: sequence(&[&anchor.subject]).into(),
            #[cfg(feature = "ocsp")]
            public_key_info: sequence(&[&anchor.subject_public_key_info]).into(),
        }
    }
}

/// One root of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'s> {
    pub(super) anchor: &'s TrustAnchor<'static>,
    #[cfg(feature = "ocsp")]
    encodings: &'s Encodings,
}

impl<'s> Root<'s> {
    /// Whether it restricts the names in the certificates below it.
    pub(super) fn has_name_constraints(&self) -> bool {
        self.anchor.name_constraints.is_some()
    }

    /// Its distinguished name in DER.
    #[cfg(feature = "ocsp")]
    pub(super) fn subject_der(&self) -> &'s [u8] {
        &self.encodings.subject
    }

    /// Its SubjectPublicKeyInfo in DER.
    #[cfg(feature = "ocsp")]
    pub(super) fn public_key_info(&self) -> &'s [u8] {
        &self.encodings.public_key_info
    }
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
        let mut store = Self::new();
        for anchor in webpki_roots::TLS_SERVER_ROOTS {
            store.push(anchor.clone());
        }
        store
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
        self.push(anchor.to_owned());
        Ok(())
    }

    pub(super) fn push(&mut self, anchor: TrustAnchor<'static>) {
        self.encodings.push(Encodings::of(&anchor));
        self.anchors.push(anchor);
    }

    /// Whether the store has no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    fn or_none(self) -> Result<Self, ConfigError> {
        if self.is_empty() {
            return Err(ConfigError::NoRoots);
        }
        Ok(self)
    }

    /// The roots as `rustls-webpki` takes them.
    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The root whose trust anchor this is: the very one of [`anchors`](Self::anchors), not an equal
    /// one.
    pub(super) fn find(&self, anchor: &TrustAnchor<'_>) -> Option<Root<'_>> {
        let mut roots = core::iter::zip(&self.anchors, &self.encodings);
        let (anchor, _encodings) = roots.find(|(own, _)| core::ptr::eq(*own, anchor))?;
        Some(Root {
            anchor,
            #[cfg(feature = "ocsp")]
            encodings: _encodings,
        })
    }

    /// Whether a root has this distinguished name, in DER.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.names().any(|subject| subject == name)
    }

    /// The distinguished names of the roots, in DER.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.encodings.iter().map(|encodings| &*encodings.subject)
    }

    /// A value that two stores share if, and only if, they have the same roots in whatever order.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut anchors: Vec<_> = self.anchors.iter().map(anchor_fingerprint).collect();
        anchors.sort_unstable();
        anchors.dedup();
        fingerprint(anchors.iter().map(|anchor| &anchor[..]))
    }
}

/// Of a root's name, key and name constraints.
fn anchor_fingerprint(anchor: &TrustAnchor<'_>) -> [u8; 32] {
    let constraints = anchor.name_constraints.as_deref();
    fingerprint([
        &*anchor.subject,
        &*anchor.subject_public_key_info,
        constraints.map_or(&[], |constraints| constraints),
    ])
}
