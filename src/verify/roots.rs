//! The root certificates, parsed when they are configured.

use super::certificate::{PeerCertificate, Usage};
use super::constraints::{NameConstraints, Split, split};
use super::der::{BIT_STRING, Reader, only_element, sequence};
use super::name::CanonicalName;
use crate::crypto::hash::{fingerprint, sha256};
use crate::crypto::rsa::{PublicKey, peer_key_bits};
use crate::error::ConfigError;
use crate::pem::has_section;
use pki_types::{CertificateDer, TrustAnchor};
use std::collections::BTreeMap;
use std::sync::Arc;
use webpki::anchor_from_trusted_cert;

/// The root certificates to which a peer's chain must lead.
///
/// **Anyone who holds a root's private key can impersonate any peer.** Only a root's name, key and
/// name constraints are used, and for CRLs whether its key usage allows them; its validity, any other
/// key usage and its purposes are ignored.
///
/// A peer may present a root itself as its own certificate, such as the self-signed one that
/// `openssl req -x509` makes. Its name, validity, key and purpose are then checked like those of any
/// other certificate. This gives the holder of its key no more than before: it could issue itself a
/// certificate for that name anyway. It is limited to roots that were added as certificates and have
/// no name constraints. To trust the self-signed certificate of one device as that device and as
/// nothing else, use [`pin_certificate`](crate::CertificatePolicy::pin_certificate).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// use premaster::certificate::certificates_from_bytes;
/// use premaster::RootStore;
///
/// let mut roots = RootStore::from_pem(chain_pem)?;
/// // Or one by one, from a file in PEM, DER or PKCS #7:
/// for certificate in certificates_from_bytes(chain_pem)? {
///     roots.add(&certificate)?;
/// }
/// assert!(!roots.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RootStore {
    /// The roots as `rustls-webpki` takes them.
    anchors: Vec<TrustAnchor<'static>>,
    /// The other parts of each root, in the same order.
    encodings: Vec<Encodings>,
    /// The positions of the roots by their names.
    by_name: BTreeMap<Box<[u8]>, Vec<usize>>,
    /// The SHA-256 of each certificate that may also be a peer's own.
    certificates: Vec<[u8; 32]>,
}

/// The parts of a root as complete DER elements; its trust anchor holds only their contents.
#[derive(Clone, Debug)]
struct Encodings {
    subject: Box<[u8]>,
    /// Its name constraints, if this crate checks a part of them.
    constraints: Option<Split>,
    public_key_info: Box<[u8]>,
    /// Its key, if it is an RSA key of an accepted length.
    public_key: Option<Arc<PublicKey>>,
    /// False if a keyUsage does not allow the root to sign CRLs.
    may_sign_crls: bool,
}

impl Encodings {
    fn of(anchor: &TrustAnchor<'_>, may_sign_crls: bool) -> Self {
        Self {
            subject: sequence(&[&anchor.subject]).into(),
            constraints: anchor.name_constraints.as_deref().and_then(split),
            public_key_info: sequence(&[&anchor.subject_public_key_info]).into(),
            public_key: subject_public_key(anchor)
                .and_then(|key| PublicKey::from_pkcs1_der(key, peer_key_bits(true)).ok())
                .map(Arc::new),
            may_sign_crls,
        }
    }
}

/// One root of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'s> {
    pub(super) anchor: &'s TrustAnchor<'static>,
    encodings: &'s Encodings,
}

impl<'s> Root<'s> {
    /// Returns true if the root restricts the names in the certificates below it.
    pub(super) fn has_name_constraints(&self) -> bool {
        self.anchor.name_constraints.is_some()
    }

    /// Its name constraints on directory names and mailboxes, which `rustls-webpki` is not shown.
    pub(super) fn own_constraints(&self) -> Option<&'s NameConstraints> {
        self.encodings.constraints.as_ref().map(|split| &split.own)
    }

    /// The root as `rustls-webpki` is shown it below a certificate that shows its issuer by these
    /// bytes. `None` if they are not an element in DER.
    pub(super) fn shown_as(&self, issuer: &'s [u8]) -> Option<TrustAnchor<'s>> {
        let constraints = match &self.encodings.constraints {
            Some(split) => Some(&*split.others).filter(|others| !others.is_empty()),
            None => self.anchor.name_constraints.as_deref(),
        };
        Some(TrustAnchor {
            subject: only_element(issuer)?.content.into(),
            subject_public_key_info: (&*self.anchor.subject_public_key_info).into(),
            name_constraints: constraints.map(Into::into),
        })
    }

    /// Its distinguished name in DER.
    #[cfg(any(feature = "ocsp", test, fuzzing))]
    pub(super) fn subject_der(&self) -> &'s [u8] {
        &self.encodings.subject
    }

    /// Its SubjectPublicKeyInfo in DER.
    pub(super) fn public_key_info(&self) -> &'s [u8] {
        &self.encodings.public_key_info
    }

    /// Its RSA key, parsed when the root was configured, with its encoding: the content of the
    /// subjectPublicKey.
    pub(super) fn public_key(&self) -> Option<(&'s [u8], &'s PublicKey)> {
        Some((
            subject_public_key(self.anchor)?,
            self.encodings.public_key.as_deref()?,
        ))
    }

    /// Returns true unless the root has a keyUsage that does not allow it to sign CRLs.
    pub(super) fn may_sign_crls(&self) -> bool {
        self.encodings.may_sign_crls
    }
}

impl RootStore {
    /// Creates an empty store, to which no chain leads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns Mozilla's roots, as of the release of the `webpki-roots` crate in use.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub fn mozilla() -> Self {
        let mut store = Self::new();
        for anchor in webpki_roots::TLS_SERVER_ROOTS {
            store.push(anchor.clone(), true);
        }
        store
    }

    /// Returns the operating system's roots, or those named by the environment variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`. Certificates that cannot be parsed are skipped.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRoots`] if no certificate can be read.
    #[cfg(feature = "rustls-native-certs")]
    pub fn platform() -> Result<Self, ConfigError> {
        let mut store = Self::new();
        for certificate in rustls_native_certs::load_native_certs().certs {
            let _left_out = store.add(&certificate);
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
    /// [`ConfigError::BadCertificate`] if it cannot be parsed, [`ConfigError::PemInsteadOfDer`] if
    /// it is PEM text.
    pub fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), ConfigError> {
        let anchor = anchor_from_trusted_cert(certificate).map_err(|_| {
            if has_section(certificate) {
                ConfigError::PemInsteadOfDer
            } else {
                ConfigError::BadCertificate
            }
        })?;
        // A root with name constraints could not issue every certificate for itself.
        if anchor.name_constraints.is_none() {
            self.certificates.push(sha256(certificate));
        }
        let may_sign_crls = PeerCertificate::parse(certificate)
            .is_ok_and(|root| root.require_key_usage(Usage::CrlSign).is_ok());
        self.push(anchor.to_owned(), may_sign_crls);
        Ok(())
    }

    pub(super) fn push(&mut self, anchor: TrustAnchor<'static>, may_sign_crls: bool) {
        let encodings = Encodings::of(&anchor, may_sign_crls);
        let name = CanonicalName::of(&encodings.subject).der().into();
        self.by_name.entry(name).or_default().push(self.anchors.len());
        self.encodings.push(encodings);
        self.anchors.push(anchor);
    }

    /// Returns true if the store is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// The roots as `rustls-webpki` takes them.
    #[cfg(any(test, fuzzing))]
    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The roots with this name, in its canonical form.
    pub(super) fn named(&self, canonical: &[u8]) -> impl Iterator<Item = Root<'_>> {
        let positions = self.by_name.get(canonical).into_iter().flatten();
        positions.filter_map(|position| {
            Some(Root {
                anchor: self.anchors.get(*position)?,
                encodings: self.encodings.get(*position)?,
            })
        })
    }

    /// Returns true if these are the bytes of a root's certificate, and the root has no name
    /// constraints.
    pub(super) fn has_certificate(&self, certificate: &[u8]) -> bool {
        !self.certificates.is_empty() && self.certificates.contains(&sha256(certificate))
    }

    /// Returns true if a root has this distinguished name, in its canonical form.
    pub(super) fn has(&self, canonical: &[u8]) -> bool {
        self.by_name.contains_key(canonical)
    }

    /// The distinguished names of the roots, in DER.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.encodings.iter().map(|encodings| &*encodings.subject)
    }

    /// A hash of the roots: equal for two stores if, and only if, they hold the same roots, in any
    /// order.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let of_sorted = |mut hashes: Vec<[u8; 32]>| {
            hashes.sort_unstable();
            hashes.dedup();
            fingerprint(hashes.iter().map(|hash| &hash[..]))
        };
        let roots = core::iter::zip(&self.anchors, &self.encodings);
        let anchors = roots.map(|(root, own)| root_fingerprint(root, own)).collect();
        let certificates = self.certificates.clone();
        fingerprint([&of_sorted(anchors)[..], &of_sorted(certificates)])
    }
}

/// The content of the subjectPublicKey of a trust anchor.
fn subject_public_key<'s>(anchor: &'s TrustAnchor<'_>) -> Option<&'s [u8]> {
    let key = Reader::new(&anchor.subject_public_key_info).nth(1)?.ok()?;
    key.content.strip_prefix(&[0]).filter(|_| key.tag == BIT_STRING)
}

/// A hash of a root's name, key and name constraints, and of whether it may sign CRLs.
fn root_fingerprint(anchor: &TrustAnchor<'_>, encodings: &Encodings) -> [u8; 32] {
    let constraints = anchor.name_constraints.as_deref();
    fingerprint([
        &*anchor.subject,
        &*anchor.subject_public_key_info,
        constraints.map_or(&[], |constraints| constraints),
        &[u8::from(encodings.may_sign_crls)],
    ])
}
