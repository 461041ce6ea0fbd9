//! What the handshake needs of a peer's own certificate: its RSA key and the key's usage.

use crate::crypto::rsa::{PublicKey, PublicKeyError};
use crate::error::CertificateError;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::prelude::FromDer;

/// What the key of a certificate is used for in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// A server's key decrypts the pre-master secret.
    KeyEncipherment,
    /// A client's key signs CertificateVerify.
    DigitalSignature,
}

fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) | Err(_) => Err(CertificateError::Malformed),
    }
}

/// The certificate's RSA key.
///
/// "RSA public key; the certificate MUST allow the key to be used for encryption"
/// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)): a key whose
/// identifier restricts it to PSS signatures is refused like one that is not RSA.
pub(crate) fn public_key(certificate: &[u8]) -> Result<PublicKey, CertificateError> {
    let parsed = parse(certificate)?;
    let info = parsed.public_key();
    if info.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION {
        return Err(CertificateError::NotRsa);
    }
    PublicKey::from_pkcs1_der(&info.subject_public_key.data).map_err(|error| match error {
        PublicKeyError::Malformed => CertificateError::Malformed,
        PublicKeyError::Size { bits } => CertificateError::KeySize { bits },
    })
}

/// Whether keyUsage, where it is present, allows the usage.
///
/// "the keyEncipherment bit MUST be set if the key usage extension is present"
/// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)), and
/// digitalSignature of a client's ([section 7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)).
pub(crate) fn require_key_usage(certificate: &[u8], usage: Usage) -> Result<(), CertificateError> {
    let parsed = parse(certificate)?;
    let Some(extension) = parsed
        .key_usage()
        .map_err(|_| CertificateError::Malformed)?
    else {
        return Ok(());
    };
    let (allowed, wanted) = match usage {
        Usage::KeyEncipherment => (extension.value.key_encipherment(), "keyEncipherment"),
        Usage::DigitalSignature => (extension.value.digital_signature(), "digitalSignature"),
    };
    match allowed {
        true => Ok(()),
        false => Err(CertificateError::KeyUsage { wanted }),
    }
}
