//! Which certificate a server shows.

use super::CertifiedKey;
use crate::error::ConfigError;
use crate::verify::PeerCertificate;
use core::fmt;
use pki_types::DnsName;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Chooses the certificate that a server shows to a client.
///
/// [`CertificatesByName`] is one; implement the trait for certificates that are kept elsewhere. It is
/// asked in the middle of a handshake, so it must not wait.
pub trait ResolveCertificate: Send + Sync {
    /// The certificate for a client that asks for this name, or for none: the name is optional in
    /// TLS, and an address or what DNS does not allow as a name counts as none
    /// ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    ///
    /// With `None` the handshake fails with unrecognized_name. A connection keeps the certificate
    /// that it began with.
    fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>>;
}

/// Certificates by the names that clients ask for, and one for all others.
///
/// A name is looked for as it is, then with its first label replaced by `*`. The set can be
/// [replaced](Self::replace) while servers use it.
#[derive(Debug)]
pub struct CertificatesByName(RwLock<Arc<CertificateSet>>);

impl CertificatesByName {
    /// Serves this set.
    #[must_use]
    pub fn new(set: CertificateSet) -> Self {
        Self(RwLock::new(Arc::new(set)))
    }

    /// Serves another set from the next handshake on.
    pub fn replace(&self, set: CertificateSet) {
        // The set is replaced as a whole, whatever panicked elsewhere.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
    }

    fn set(&self) -> Arc<CertificateSet> {
        let set = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&set)
    }
}

impl ResolveCertificate for CertificatesByName {
    fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>> {
        let set = self.set();
        match server_name {
            None => Some(set.default.clone()),
            Some(name) => set.find(name.as_ref()).cloned(),
        }
    }
}

/// What [`CertificatesByName`] serves.
#[derive(Clone)]
pub struct CertificateSet {
    /// By names in lower case, of which those that begin with `*.` stand for one label more.
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
    refuse_unknown_names: bool,
}

impl CertificateSet {
    /// A set with only this certificate, for clients that ask for no name or for an unknown one.
    #[must_use]
    pub fn new(default: Arc<CertifiedKey>) -> Self {
        Self {
            by_name: BTreeMap::new(),
            default,
            refuse_unknown_names: false,
        }
    }

    /// Shows the certificate to clients that ask for this name. `*.example.org` stands for every
    /// name with one label before `.example.org`. A name that is there already is given anew.
    ///
    /// Whether the certificate is valid for the name is the client's business.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadServerName`] for what is neither a DNS name nor `*.` before one.
    pub fn name(
        mut self,
        name: &str,
        certificate: &Arc<CertifiedKey>,
    ) -> Result<Self, ConfigError> {
        let fixed = name.strip_prefix("*.").unwrap_or(name);
        if fixed.ends_with('.') || DnsName::try_from(fixed).is_err() {
            return Err(ConfigError::BadServerName);
        }
        self.by_name.insert(name.to_ascii_lowercase(), certificate.clone());
        Ok(self)
    }

    /// Shows the certificate to clients that ask for one of the DNS names in its subjectAltName.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadServerName`] if there is none that can be read, or one that is no name.
    pub fn certificate(self, certificate: &Arc<CertifiedKey>) -> Result<Self, ConfigError> {
        let own = certificate.chain().first();
        let own = own.and_then(|own| PeerCertificate::parse(own).ok());
        let names = own.ok_or(ConfigError::BadCertificate)?.dns_names();
        if names.is_empty() {
            return Err(ConfigError::BadServerName);
        }
        names.into_iter().try_fold(self, |set, name| set.name(name, certificate))
    }

    /// Refuses clients that ask for a name which is not in the set, with unrecognized_name. Without
    /// this they are shown the default certificate, as those are that ask for none, or for what is no
    /// name of DNS.
    #[must_use]
    pub fn refuse_unknown_names(mut self) -> Self {
        self.refuse_unknown_names = true;
        self
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let parent = name.split_once('.').map(|(_, parent)| parent);
        let wildcard = || self.by_name.get(&format!("*.{}", parent?));
        let default = || (!self.refuse_unknown_names).then_some(&self.default);
        self.by_name.get(&name).or_else(wildcard).or_else(default)
    }
}

impl fmt::Debug for CertificateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateSet")
            .field("names", &self.by_name.keys())
            .field("refuse_unknown_names", &self.refuse_unknown_names)
            .finish()
    }
}
