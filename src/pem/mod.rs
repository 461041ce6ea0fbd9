//! The contents of the files that people have: certificates, CRLs and keys as PEM text, as DER, or
//! in PKCS #7 bundles. Nothing here opens a file.
//!
//! An item is what its content is. The label of a PEM section counts only if the content is not
//! recognized: Windows labels PKCS #7 bundles as `CERTIFICATE`, and other programs label PKCS #1
//! keys as `PRIVATE KEY`.
//!
//! 1. `der`: the outer elements of DER.
//! 2. `item`: the recognition of an item by its content, or by its label.
//! 3. `pkcs7`: the certificates and CRLs of a bundle.
//! 4. `text`: the sections of PEM text.

mod der;
mod item;
mod pkcs7;
mod text;

use crate::error::{ConfigError, FileContents, FileItem, KeyAlgorithm, KeyEncryption};
use item::{Encoding, Item};
use pki_types::{CertificateDer, PrivateKeyDer};
pub(crate) use text::has_section;
use zeroize::Zeroizing;

/// The items of a file.
pub(crate) struct Contents {
    items: Vec<Item>,
    found: FileContents,
}

/// A private key from a file, in DER.
pub(crate) enum FoundKey {
    Plain(Zeroizing<PrivateKeyDer<'static>>),
    /// An EncryptedPrivateKeyInfo.
    #[cfg_attr(not(feature = "encrypted-keys"), allow(dead_code))]
    Encrypted(Zeroizing<Vec<u8>>),
}

/// The algorithm of a certificate's key that is not an RSA key.
pub(crate) fn certificate_algorithm(certificate: &[u8]) -> KeyAlgorithm {
    item::certificate_algorithm(certificate).unwrap_or(KeyAlgorithm::Other)
}

/// The algorithm of a private key that is not an RSA key.
pub(crate) fn foreign_algorithm(key: &PrivateKeyDer<'_>) -> Option<KeyAlgorithm> {
    match key {
        PrivateKeyDer::Pkcs1(_) => None,
        PrivateKeyDer::Sec1(_) => Some(KeyAlgorithm::Ec),
        PrivateKeyDer::Pkcs8(key) => item::pkcs8_algorithm(key.secret_pkcs8_der()),
        _ => Some(KeyAlgorithm::Other),
    }
}

impl Contents {
    /// Reads a file in PEM or DER.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        match Item::of_der(bytes) {
            Some(item) => Self::of(vec![item], bytes),
            None => Self::read_text(bytes),
        }
    }

    /// Reads a file in PEM.
    pub(crate) fn read_pem(bytes: &[u8]) -> Result<Self, ConfigError> {
        match Item::of_der(bytes) {
            Some(item) => Ok(Self {
                found: FileContents::from_iter([item.kind()]).in_der(),
                items: Vec::new(),
            }),
            None => Self::read_text(bytes),
        }
    }

    fn read_text(bytes: &[u8]) -> Result<Self, ConfigError> {
        let items = text::sections(bytes).map(|section| Item::of_section(section?));
        Self::of(items.collect::<Result<_, _>>()?, bytes)
    }

    fn of(items: Vec<Item>, bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut found: FileContents = items.iter().map(Item::kind).collect();
        if items.is_empty() {
            text::nature(bytes).into_iter().for_each(|nature| found.insert(nature));
        }
        let mut unpacked = Vec::with_capacity(items.len());
        for item in items {
            match item.encoding {
                Encoding::Pkcs7 => unpacked.extend(pkcs7::unpack(&item.der)?),
                _ => unpacked.push(item),
            }
        }
        Ok(Self {
            items: unpacked,
            found,
        })
    }

    /// The certificates, in order, with those of bundles.
    pub(crate) fn certificates(self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let Self { items, found } = self;
        let certificates = items.into_iter().filter_map(Item::into_certificate);
        let certificates: Vec<_> = certificates.collect();
        if certificates.is_empty() {
            return Err(ConfigError::NoCertificateFound { found });
        }
        Ok(certificates)
    }

    /// The certificates, which must be fit to be roots: the settings of a `TRUSTED CERTIFICATE` are
    /// OpenSSL's for roots, and must trust it for TLS.
    pub(crate) fn roots(self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let certificates = self.items.iter().filter(|item| item.kind() == FileItem::Certificate);
        for (item, position) in certificates.zip(1..) {
            if item.trust.as_ref().is_some_and(|trust| !item::is_trusted_for_tls(trust)) {
                return Err(ConfigError::NotTrusted { position });
            }
        }
        self.certificates()
    }

    /// The CRLs, in DER, with those of bundles.
    pub(crate) fn crls(self) -> Result<Vec<Vec<u8>>, ConfigError> {
        let Self { items, found } = self;
        let crls = items.into_iter().filter(|item| item.kind() == FileItem::Crl);
        let crls: Vec<_> = crls.map(|mut item| core::mem::take(&mut *item.der)).collect();
        if crls.is_empty() {
            return Err(ConfigError::NoCrls { found });
        }
        Ok(crls)
    }

    /// The first private key.
    pub(crate) fn private_key(self) -> Result<FoundKey, ConfigError> {
        let Self { items, found } = self;
        let mut keys = items.into_iter().filter_map(Item::into_private_key);
        keys.next().unwrap_or(Err(ConfigError::NoKey { found }))
    }
}

impl Item {
    fn into_certificate(mut self) -> Option<CertificateDer<'static>> {
        let der = core::mem::take(&mut *self.der);
        (self.kind() == FileItem::Certificate).then(|| der.into())
    }

    /// The private key, if the item is one; an error if it is one that cannot be used.
    fn into_private_key(mut self) -> Option<Result<FoundKey, ConfigError>> {
        let unusable = |algorithm| Some(Err(ConfigError::NotRsa { algorithm }));
        let der = core::mem::take(&mut self.der);
        // The bytes move; nothing is copied that would stay behind.
        let plain = |mut der: Zeroizing<Vec<u8>>| core::mem::take(&mut *der);
        let key = match self.encoding {
            Encoding::Pkcs8 => PrivateKeyDer::Pkcs8(plain(der).into()),
            Encoding::Pkcs1 => PrivateKeyDer::Pkcs1(plain(der).into()),
            Encoding::Sec1 => return unusable(KeyAlgorithm::Ec),
            Encoding::Dsa => return unusable(KeyAlgorithm::Dsa),
            Encoding::EncryptedPkcs8 => return Some(Ok(FoundKey::Encrypted(der))),
            Encoding::EncryptedTraditional => {
                let encryption = KeyEncryption::Traditional;
                return Some(Err(ConfigError::EncryptedKey { encryption }));
            }
            _ => return None,
        };
        Some(Ok(FoundKey::Plain(Zeroizing::new(key))))
    }
}
