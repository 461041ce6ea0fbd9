//! What a file holds from which a certificate, a CRL or a key was to be read.

use core::fmt;

/// Declares the kinds of items as a table: the documentation, the name, and the text.
macro_rules! items {
    ($($(#[doc = $doc:literal])* $item:ident = $words:literal;)+) => {
        /// A kind of item in a file, in DER or as a section of PEM text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum FileItem {
            $($(#[doc = $doc])* $item,)+
        }

        impl FileItem {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];
        }

        impl fmt::Display for FileItem {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$item => $words,)+
                })
            }
        }
    };
}

items! {
    /// An X.509 certificate.
    Certificate = "a certificate";
    /// A request to a CA for a certificate (PKCS #10).
    CertificateRequest = "a certificate request";
    /// A certificate revocation list.
    Crl = "a CRL";
    /// A private key that is not encrypted, in PKCS #8, PKCS #1 or SEC 1.
    PrivateKey = "a private key";
    /// A private key that is encrypted with a password.
    EncryptedPrivateKey = "an encrypted private key";
    /// A private key in OpenSSH's own format, which `ssh-keygen` writes.
    OpenSshKey = "a private key in OpenSSH's format (ssh-keygen -p -m PKCS8 converts it)";
    /// A public key.
    PublicKey = "a public key";
    /// Parameters of a key, such as the name of a curve.
    Parameters = "key parameters";
    /// A bundle of certificates and CRLs (PKCS #7, also called CMS).
    Pkcs7 = "a PKCS #7 bundle";
    /// A bundle of certificates and keys, encrypted with a password (PKCS #12, PFX).
    Pkcs12 = "a PKCS #12 file (openssl pkcs12 -in FILE -nodes -out NEW converts it)";
    /// A section of PEM text, or DER, of an unknown kind.
    Other = "data of an unknown kind";
    /// Text without a PEM section.
    PlainText = "text without a PEM section";
    /// Text in UTF-16, as Windows PowerShell writes it.
    Utf16 = "text in UTF-16 (save it as ASCII or UTF-8)";
    /// Data that is neither PEM text nor DER.
    Binary = "data that is neither PEM text nor DER";
}

/// The kinds of items in a file, as errors show them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FileContents {
    kinds: u16,
    der: bool,
}

impl FileContents {
    /// Returns true if the file has an item of this kind.
    #[must_use]
    pub fn contains(self, item: FileItem) -> bool {
        FileItem::ALL
            .iter()
            .zip(0..)
            .any(|(kind, bit)| *kind == item && self.kinds >> bit & 1 == 1)
    }

    /// Returns an iterator over the kinds.
    pub fn iter(self) -> impl Iterator<Item = FileItem> {
        FileItem::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }

    pub(crate) fn insert(&mut self, item: FileItem) {
        let mut kinds = FileItem::ALL.iter().zip(0..);
        if let Some((_, bit)) = kinds.find(|(kind, _)| **kind == item) {
            self.kinds |= 1 << bit;
        }
    }

    /// Notes that the file is DER, where PEM text is required.
    pub(crate) fn in_der(self) -> Self {
        Self { der: true, ..self }
    }
}

impl FromIterator<FileItem> for FileContents {
    fn from_iter<I: IntoIterator<Item = FileItem>>(items: I) -> Self {
        let mut contents = Self::default();
        items.into_iter().for_each(|item| contents.insert(item));
        contents
    }
}

impl fmt::Display for FileContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kinds == 0 {
            return f.write_str("nothing");
        }
        for (index, item) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{item}")?;
        }
        if self.der {
            f.write_str(" in DER, which from_bytes reads")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FileContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Why PEM text cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemFault {
    /// A line begins with `-----BEGIN`, but holds more or less than a label and dashes.
    Begin,
    /// The section has no END line.
    NoEnd,
    /// The END line has another label than the BEGIN line.
    End,
    /// The section's content is not base64.
    Base64,
}

impl fmt::Display for PemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin => "the BEGIN line is not \"-----BEGIN LABEL-----\"",
            Self::NoEnd => "the section that begins there has no END line",
            Self::End => "the END line has another label than the BEGIN line",
            Self::Base64 => "the section that begins there is not base64",
        })
    }
}

/// The algorithm of a key that cannot be used for RSA key transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// A key on an elliptic curve, such as P-256.
    Ec,
    /// An Ed25519 or Ed448 key.
    EdDsa,
    /// A DSA key.
    Dsa,
    /// An RSA key whose identifier restricts it to PSS signatures (RSASSA-PSS).
    RsaPss,
    /// A key of another algorithm.
    Other,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ec => "an EC key",
            Self::EdDsa => "an Ed25519 or Ed448 key",
            Self::Dsa => "a DSA key",
            Self::RsaPss => "an RSA key restricted to PSS signatures (RSASSA-PSS)",
            Self::Other => "a key of another algorithm",
        })
    }
}

/// How a private key is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyEncryption {
    /// PKCS #8: `BEGIN ENCRYPTED PRIVATE KEY`.
    Pkcs8,
    /// OpenSSL's own format from before PKCS #8: `Proc-Type: 4,ENCRYPTED`.
    Traditional,
}

impl fmt::Display for KeyEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 => {
                "RsaKey::from_encrypted reads it with its password (crate feature encrypted-keys), \
                 openssl pkcs8 -in FILE -out NEW decrypts it"
            }
            Self::Traditional => {
                "its format (Proc-Type: 4,ENCRYPTED) is not supported, \
                 openssl pkcs8 -topk8 -in FILE -out NEW converts it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_what_was_put_in_and_nothing_else() {
        let mut contents = FileContents::default();
        assert_eq!(contents.to_string(), "nothing");
        for (index, item) in FileItem::ALL.iter().enumerate() {
            assert!(!contents.contains(*item));
            contents.insert(*item);
            assert_eq!(contents.iter().count(), index + 1);
        }
        assert!(contents.iter().eq(FileItem::ALL.iter().copied()));
        let two = FileContents::from_iter([FileItem::PublicKey, FileItem::CertificateRequest]);
        assert_eq!(two.to_string(), "a certificate request and a public key");
        let der = FileContents::from_iter([FileItem::Crl]).in_der();
        assert_eq!(der.to_string(), "a CRL in DER, which from_bytes reads");
    }
}
