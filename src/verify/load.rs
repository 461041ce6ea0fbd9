//! Roots and CRLs from the contents of files.

use super::{Crls, RootStore};
use crate::error::{ConfigError, FileItem};
use crate::pem::Contents;
use pki_types::CertificateDer;

/// Reads the certificates in the contents of a file, in PEM, DER or a PKCS #7 bundle, for
/// [`CertifiedKey::with_key`](crate::CertifiedKey::with_key) and
/// [`CertifiedKey::without_key`](crate::CertifiedKey::without_key). The certificates are not parsed.
///
/// PEM text may have a byte order mark, any line ends, spaces and tabs at the ends of lines, and
/// other text and sections around the certificates. The labels `CERTIFICATE`, `X509 CERTIFICATE`,
/// OpenSSL's `TRUSTED CERTIFICATE`, `PKCS7` and `CMS` are supported.
///
/// # Errors
///
/// [`ConfigError::BadPem`], [`ConfigError::NoCertificateFound`], and [`ConfigError::BadItem`] for a
/// PKCS #7 bundle that cannot be parsed.
pub fn certificates_from_bytes(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    Contents::read(file)?.certificates()
}

impl RootStore {
    /// Reads all certificates from a PEM text. Other items in it, such as keys, are ignored.
    ///
    /// OpenSSL's `TRUSTED CERTIFICATE` is read if its settings trust it for TLS servers or clients,
    /// and reject it for neither.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`] if the text cannot be parsed, [`ConfigError::BadItem`] if one of the
    /// certificates cannot, [`ConfigError::NoCertificateFound`] if it contains none, or
    /// [`ConfigError::NotTrusted`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read_pem(pem)?)
    }

    /// Reads all certificates from the contents of a file, in PEM, DER or a PKCS #7 bundle.
    ///
    /// # Errors
    ///
    /// The errors of [`RootStore::from_pem`].
    pub fn from_bytes(file: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read(file)?)
    }

    fn from_contents(contents: Contents) -> Result<Self, ConfigError> {
        let mut store = Self::new();
        for (certificate, position) in contents.roots()?.iter().zip(1..) {
            store.add(certificate).map_err(|_| ConfigError::BadItem {
                position,
                item: FileItem::Certificate,
            })?;
        }
        Ok(store)
    }
}

impl Crls {
    /// Reads all CRLs from a PEM text.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`] if the text cannot be parsed, [`ConfigError::NoCrls`] if it contains
    /// no CRL, and the error of [`Crls::add`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read_pem(pem)?)
    }

    /// Reads all CRLs from the contents of a file, in PEM, DER or a PKCS #7 bundle.
    ///
    /// # Errors
    ///
    /// The errors of [`Crls::from_pem`].
    pub fn from_bytes(file: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read(file)?)
    }

    fn from_contents(contents: Contents) -> Result<Self, ConfigError> {
        let mut lists = Self::new();
        contents.crls()?.iter().try_for_each(|list| lists.add(list))?;
        Ok(lists)
    }
}
