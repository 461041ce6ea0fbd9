//! What the handshake needs of a peer's own certificate: its RSA key and the key's usage.

use crate::crypto::rsa::{PublicKey, PublicKeyError};
use crate::error::CertificateError;
use pki_types::{CertificateDer, ServerName};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::extensions::{GeneralName, KeyUsage, SubjectAlternativeName};
use x509_parser::nom::Parser;
use x509_parser::oid_registry::{
    OID_PKCS1_RSAENCRYPTION, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME, Oid,
};
use x509_parser::prelude::{FromDer, X509Error};

/// What the key of a certificate is used for in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// A server's key decrypts the pre-master secret.
    KeyEncipherment,
    /// A client's key signs CertificateVerify.
    DigitalSignature,
}

/// A peer's own certificate, parsed once.
pub(crate) struct Leaf<'a>(X509Certificate<'a>);

impl<'a> Leaf<'a> {
    /// Takes the first certificate of a chain.
    pub(crate) fn of(chain: &'a [CertificateDer<'_>]) -> Result<Self, CertificateError> {
        let certificate = chain.first().ok_or(CertificateError::Malformed)?;
        // The few extensions that matter here are looked into when they do.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        match parser.parse(certificate) {
            Ok(([], parsed)) => Ok(Self(parsed)),
            Ok(_) | Err(_) => Err(CertificateError::Malformed),
        }
    }

    /// The certificate's RSA key.
    ///
    /// "RSA public key; the certificate MUST allow the key to be used for encryption"
    /// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)): a key
    /// whose identifier restricts it to PSS signatures is refused like one that is not RSA.
    pub(crate) fn public_key(&self) -> Result<PublicKey, CertificateError> {
        let info = self.0.public_key();
        if info.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION {
            return Err(CertificateError::NotRsa);
        }
        PublicKey::from_pkcs1_der(&info.subject_public_key.data).map_err(|error| match error {
            PublicKeyError::Malformed => CertificateError::Malformed,
            PublicKeyError::Size { bits } => CertificateError::KeySize { bits },
        })
    }

    /// The DNS names in its subjectAltName.
    pub(crate) fn dns_names(&self) -> Result<Vec<&'a str>, CertificateError> {
        let names = self.extension::<SubjectAlternativeName<'a>>(&OID_X509_EXT_SUBJECT_ALT_NAME)?;
        let names = names.map(|names| names.general_names).unwrap_or_default();
        let dns_name = |name| match name {
            GeneralName::DNSName(name) => Some(name),
            _ => None,
        };
        Ok(names.into_iter().filter_map(dns_name).collect())
    }

    /// When the certificate expires, in seconds since 1970.
    pub(crate) fn expires(&self) -> u64 {
        u64::try_from(self.0.validity().not_after.timestamp()).unwrap_or(0)
    }

    /// Refuses a certificate whose subject has not exactly one common name, or another than this.
    pub(crate) fn require_common_name(
        &self,
        server_name: &ServerName<'_>,
    ) -> Result<(), CertificateError> {
        let mut names = self.0.subject().iter_common_name();
        let name = match (names.next(), names.next()) {
            (Some(name), None) => name.as_str().map_err(|_| CertificateError::Malformed)?,
            _ => return Err(CertificateError::CommonNameMismatch),
        };
        let wanted = server_name.to_str();
        // The dot that ends an absolute name is no part of it in a certificate.
        let wanted = wanted.strip_suffix('.').unwrap_or(&wanted);
        match name.eq_ignore_ascii_case(wanted) {
            true => Ok(()),
            false => Err(CertificateError::CommonNameMismatch),
        }
    }

    /// Refuses a certificate whose keyUsage, where it is present, does not allow the usage.
    ///
    /// "the keyEncipherment bit MUST be set if the key usage extension is present"
    /// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)), and
    /// digitalSignature of a client's
    /// ([section 7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)).
    pub(crate) fn require_key_usage(&self, usage: Usage) -> Result<(), CertificateError> {
        let Some(key_usage) = self.extension::<KeyUsage>(&OID_X509_EXT_KEY_USAGE)? else {
            return Ok(());
        };
        let (allowed, wanted) = match usage {
            Usage::KeyEncipherment => (key_usage.key_encipherment(), "keyEncipherment"),
            Usage::DigitalSignature => (key_usage.digital_signature(), "digitalSignature"),
        };
        match allowed {
            true => Ok(()),
            false => Err(CertificateError::KeyUsage { wanted }),
        }
    }

    /// An extension, if the certificate has it.
    fn extension<E: FromDer<'a, X509Error>>(
        &self,
        oid: &Oid<'_>,
    ) -> Result<Option<E>, CertificateError> {
        let extension = self.0.get_extension_unique(oid);
        let extension = extension.map_err(|_| CertificateError::Malformed)?;
        let parse = |value| match E::from_der(value) {
            Ok(([], parsed)) => Ok(parsed),
            Ok(_) | Err(_) => Err(CertificateError::Malformed),
        };
        extension
            .map(|extension| parse(extension.value))
            .transpose()
    }
}
