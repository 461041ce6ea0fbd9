//! The selection of a server's certificate.

use super::CertifiedKey;
use crate::error::ConfigError;
use crate::verify::PeerCertificate;
use core::fmt;
use pki_types::DnsName;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Selects the certificate that a server presents to a client.
///
/// [`CertificatesByName`] implements it; implement it yourself for certificates that are stored
/// elsewhere. It is called during a handshake and must not block.
pub trait ResolveCertificate: Send + Sync {
    /// Returns the certificate for a client that sent this server name. `server_name` is `None` if
    /// the client sent no name, an IP address, or a name that is not valid in DNS
    /// ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    ///
    /// If it returns `None`, the handshake fails with unrecognized_name. It is called once for each
    /// connection.
    fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>>;

    /// Returns the certificates from which it selects now, for
    /// [`ServerConfigBuilder::warnings`](crate::ServerConfigBuilder::warnings). By default it
    /// returns none.
    fn certificates(&self) -> Vec<Arc<CertifiedKey>> {
        Vec::new()
    }
}

/// Selects a certificate by the server name that the client sends (SNI), with a default
/// certificate.
///
/// An exact match is preferred, then an entry with `*` as the first label. The set can be
/// [replaced](Self::replace) while servers use it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// use premaster::certificate::{CertificateSet, CertificatesByName};
/// use premaster::{CertifiedKey, ServerConfig};
/// use std::sync::Arc;
///
/// let default = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
/// let set = CertificateSet::new(default.clone()).name("*.plant.example", &default)?;
/// let certificates = Arc::new(CertificatesByName::new(set));
/// let config = ServerConfig::builder_with_resolver(certificates.clone()).build()?;
/// // From the next handshake on:
/// certificates.replace(CertificateSet::new(default).refuse_unknown_names());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CertificatesByName(RwLock<Arc<CertificateSet>>);

impl CertificatesByName {
    /// Creates a resolver with this set.
    #[must_use]
    pub fn new(set: CertificateSet) -> Self {
        Self(RwLock::new(Arc::new(set)))
    }

    /// Replaces the set, from the next handshake on.
    pub fn replace(&self, set: CertificateSet) {
        // The set is replaced as a whole, so a poisoned lock does no harm.
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

    /// Returns the default certificate, then the others in the order of their names.
    fn certificates(&self) -> Vec<Arc<CertifiedKey>> {
        let set = self.set();
        let mut certificates = vec![set.default.clone()];
        for other in set.by_name.values() {
            if !certificates.iter().any(|own| Arc::ptr_eq(own, other)) {
                certificates.push(other.clone());
            }
        }
        certificates
    }
}

/// The certificates of a [`CertificatesByName`], by server name.
#[derive(Clone)]
pub struct CertificateSet {
    /// The keys are names in lower case; `*` as the first label matches any label.
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
    refuse_unknown_names: bool,
}

impl CertificateSet {
    /// Creates a set with the certificate for clients that send no server name or an unknown one.
    #[must_use]
    pub fn new(default: Arc<CertifiedKey>) -> Self {
        Self {
            by_name: BTreeMap::new(),
            default,
            refuse_unknown_names: false,
        }
    }

    /// Adds a certificate for this server name. `*.example.org` matches every name with one label
    /// before `.example.org`. A second entry for a name replaces the first.
    ///
    /// The name is not compared with the certificate.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadServerName`] if it is neither a DNS name nor `*.` followed by one.
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

    /// Adds a certificate for each DNS name in its subjectAltName.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadServerName`] if the certificate has no DNS name, or an invalid one.
    pub fn certificate(self, certificate: &Arc<CertifiedKey>) -> Result<Self, ConfigError> {
        let own = certificate.chain().first();
        let own = own.and_then(|own| PeerCertificate::parse(own).ok());
        let names = own.ok_or(ConfigError::BadCertificate)?.dns_names();
        if names.is_empty() {
            return Err(ConfigError::BadServerName);
        }
        names.into_iter().try_fold(self, |set, name| set.name(name, certificate))
    }

    /// Refuses clients whose server name is not in the set, with unrecognized_name. By default they
    /// receive the default certificate. Clients that send no valid DNS name always receive it.
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
