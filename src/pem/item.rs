//! The recognition of an item by its content, or else by its label.

use super::der::{
    BIT_STRING, CONTEXT_0, Element, Elements, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER,
    OCTET_STRING, SEQUENCE, UTC_TIME,
};
use super::text::Section;
use crate::error::{ConfigError, FileItem, KeyAlgorithm};
use zeroize::Zeroizing;

/// The object identifiers that are recognized, without tag and length.
const PKCS7_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const PKCS7_SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
const ED25519: &[u8] = b"\x2b\x65\x70";
const ED448: &[u8] = b"\x2b\x65\x71";
const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
const CLIENT_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";
const ANY_PURPOSE: &[u8] = b"\x55\x1d\x25\x00";

/// How an item is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Certificate,
    CertificateRequest,
    Crl,
    Pkcs1,
    Pkcs8,
    Sec1,
    Dsa,
    EncryptedPkcs8,
    EncryptedTraditional,
    OpenSsh,
    PublicKey,
    Parameters,
    Pkcs7,
    Pkcs12,
    Other,
}

/// One item of a file.
pub(super) struct Item {
    pub(super) encoding: Encoding,
    /// Perhaps a secret.
    pub(super) der: Zeroizing<Vec<u8>>,
    /// What follows the certificate in a `TRUSTED CERTIFICATE`.
    pub(super) trust: Option<Box<[u8]>>,
}

impl Item {
    pub(super) fn new(encoding: Encoding, der: Vec<u8>) -> Self {
        Self {
            encoding,
            der: Zeroizing::new(der),
            trust: None,
        }
    }

    /// The one item of a file in DER.
    pub(super) fn of_der(bytes: &[u8]) -> Option<Self> {
        let mut elements = Elements(bytes);
        let first = elements.next()?;
        // Some editors end a file with a newline.
        if !elements.0.trim_ascii().is_empty() {
            return None;
        }
        let encoding = recognize(first)?;
        Some(Self::new(encoding, first.whole.to_vec()))
    }

    /// The item of a PEM section.
    pub(super) fn of_section(section: Section<'_>) -> Result<Self, ConfigError> {
        let labelled = by_label(section.label);
        if section.is_encrypted {
            return Ok(Self::new(Encoding::EncryptedTraditional, Vec::new()));
        }
        // A section of another program's need not be base64.
        if labelled == Encoding::Other {
            return Ok(Self::new(labelled, Vec::new()));
        }
        let mut der = section.decode()?;
        let mut elements = Elements(&der);
        let first = elements.next();
        let recognized = first.and_then(recognize);
        let is_trusted = section.label == b"TRUSTED CERTIFICATE";
        let trust = match first {
            Some(first) if is_trusted && recognized == Some(Encoding::Certificate) => {
                let trust = elements.0.into();
                let length = first.whole.len();
                der.truncate(length);
                Some(trust)
            }
            _ => None,
        };
        Ok(Self {
            encoding: recognized.unwrap_or(labelled),
            der,
            trust,
        })
    }

    pub(super) fn kind(&self) -> FileItem {
        match self.encoding {
            Encoding::Certificate => FileItem::Certificate,
            Encoding::CertificateRequest => FileItem::CertificateRequest,
            Encoding::Crl => FileItem::Crl,
            Encoding::Pkcs1 | Encoding::Pkcs8 | Encoding::Sec1 | Encoding::Dsa => {
                FileItem::PrivateKey
            }
            Encoding::EncryptedPkcs8 | Encoding::EncryptedTraditional => {
                FileItem::EncryptedPrivateKey
            }
            Encoding::OpenSsh => FileItem::OpenSshKey,
            Encoding::PublicKey => FileItem::PublicKey,
            Encoding::Parameters => FileItem::Parameters,
            Encoding::Pkcs7 => FileItem::Pkcs7,
            Encoding::Pkcs12 => FileItem::Pkcs12,
            Encoding::Other => FileItem::Other,
        }
    }
}

/// The labels of [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468), and those that OpenSSL reads
/// and writes besides.
fn by_label(label: &[u8]) -> Encoding {
    match label {
        b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" => Encoding::Certificate,
        b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => Encoding::CertificateRequest,
        b"X509 CRL" | b"CRL" => Encoding::Crl,
        b"PRIVATE KEY" | b"ANY PRIVATE KEY" => Encoding::Pkcs8,
        b"RSA PRIVATE KEY" => Encoding::Pkcs1,
        b"EC PRIVATE KEY" => Encoding::Sec1,
        b"DSA PRIVATE KEY" => Encoding::Dsa,
        b"ENCRYPTED PRIVATE KEY" => Encoding::EncryptedPkcs8,
        b"OPENSSH PRIVATE KEY" => Encoding::OpenSsh,
        b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Encoding::PublicKey,
        b"EC PARAMETERS" | b"DH PARAMETERS" | b"X9.42 DH PARAMETERS" | b"DSA PARAMETERS" => {
            Encoding::Parameters
        }
        b"PKCS7" | b"PKCS #7 SIGNED DATA" | b"CMS" => Encoding::Pkcs7,
        _ => Encoding::Other,
    }
}

/// What an element is, by the elements in it.
fn recognize(outer: Element<'_>) -> Option<Encoding> {
    if outer.tag != SEQUENCE {
        return None;
    }
    let mut inside = Elements(outer.contents);
    let (first, second) = (inside.next()?, inside.next());
    let third = inside.next();
    let tags = (first.tag, second.map(|it| it.tag), third.map(|it| it.tag));
    match tags {
        (SEQUENCE, Some(SEQUENCE), Some(BIT_STRING)) => recognize_signed(first),
        (SEQUENCE, Some(BIT_STRING), None) => Some(Encoding::PublicKey),
        (SEQUENCE, Some(OCTET_STRING), None) => Some(Encoding::EncryptedPkcs8),
        // PrivateKeyInfo: the version is 0, or 1 with the public key.
        (INTEGER, Some(SEQUENCE), Some(OCTET_STRING)) => Some(Encoding::Pkcs8),
        (INTEGER, Some(SEQUENCE), None | Some(SEQUENCE)) => {
            let kind = Elements(second?.contents).next_of(OBJECT_IDENTIFIER)?;
            let is_pkcs12 = [PKCS7_DATA, PKCS7_SIGNED_DATA].contains(&kind.contents);
            is_pkcs12.then_some(Encoding::Pkcs12)
        }
        (INTEGER, Some(OCTET_STRING), _) => Some(Encoding::Sec1),
        (INTEGER, Some(INTEGER), None) => Some(Encoding::PublicKey),
        (INTEGER, Some(INTEGER), Some(INTEGER)) => {
            // RSAPrivateKey has nine integers, DSAPrivateKey six.
            match 3 + inside.filter(|element| element.tag == INTEGER).count() {
                9 => Some(Encoding::Pkcs1),
                6 => Some(Encoding::Dsa),
                _ => None,
            }
        }
        (OBJECT_IDENTIFIER, Some(CONTEXT_0), None) if first.contents == PKCS7_SIGNED_DATA => {
            Some(Encoding::Pkcs7)
        }
        _ => None,
    }
}

/// A certificate, a request or a CRL, by the part that is signed.
fn recognize_signed(signed: Element<'_>) -> Option<Encoding> {
    let mut fields = Elements(signed.contents);
    if fields.next_of(CONTEXT_0).is_some() {
        return Some(Encoding::Certificate);
    }
    let has_number = fields.next_of(INTEGER).is_some();
    fields.next_of(SEQUENCE)?;
    fields.next_of(SEQUENCE)?;
    match (has_number, fields.next()?.tag) {
        (_, UTC_TIME | GENERALIZED_TIME) => Some(Encoding::Crl),
        (true, SEQUENCE) => Some(Encoding::Certificate),
        (true, CONTEXT_0) => Some(Encoding::CertificateRequest),
        _ => None,
    }
}

/// The algorithm of a PKCS #8 key, unless it is RSA or cannot be found.
pub(super) fn pkcs8_algorithm(pkcs8: &[u8]) -> Option<KeyAlgorithm> {
    let mut fields = Elements(Elements(pkcs8).next_of(SEQUENCE)?.contents);
    fields.next_of(INTEGER)?;
    foreign_algorithm(fields.next_of(SEQUENCE)?)
}

/// The algorithm of a certificate's key, unless it is RSA or cannot be found.
pub(super) fn certificate_algorithm(certificate: &[u8]) -> Option<KeyAlgorithm> {
    let mut parts = Elements(Elements(certificate).next_of(SEQUENCE)?.contents);
    let mut fields = Elements(parts.next_of(SEQUENCE)?.contents);
    let _version = fields.next_of(CONTEXT_0);
    fields.next_of(INTEGER)?;
    // The signature's algorithm, the issuer, the validity and the subject.
    for _ in 0..4 {
        fields.next_of(SEQUENCE)?;
    }
    let key = fields.next_of(SEQUENCE)?;
    foreign_algorithm(Elements(key.contents).next_of(SEQUENCE)?)
}

fn foreign_algorithm(identifier: Element<'_>) -> Option<KeyAlgorithm> {
    let mut algorithm = Elements(identifier.contents);
    Some(match algorithm.next_of(OBJECT_IDENTIFIER)?.contents {
        RSA_ENCRYPTION => return None,
        RSASSA_PSS => KeyAlgorithm::RsaPss,
        EC_PUBLIC_KEY => KeyAlgorithm::Ec,
        DSA => KeyAlgorithm::Dsa,
        ED25519 | ED448 => KeyAlgorithm::EdDsa,
        _ => KeyAlgorithm::Other,
    })
}

/// Returns true if OpenSSL's trust settings trust a certificate for TLS.
///
/// ```text
/// SEQUENCE {
///   trust   SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
///   reject  [0] SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
///   alias, keyid, other .. }
/// ```
///
/// Without a list of trusted purposes, all are trusted. Of servers and clients, one in the list is
/// enough; a rejected one is too much. Settings that cannot be parsed trust nothing.
pub(super) fn is_trusted_for_tls(settings: &[u8]) -> bool {
    const TLS: [&[u8]; 3] = [SERVER_AUTH, CLIENT_AUTH, ANY_PURPOSE];
    if settings.is_empty() {
        return true;
    }
    let mut elements = Elements(settings);
    let Some(settings) = elements.next_of(SEQUENCE).filter(|_| elements.0.is_empty()) else {
        return false;
    };
    let mut fields = Elements(settings.contents);
    let names_tls =
        |list: Element<'_>| Elements(list.contents).any(|oid| TLS.contains(&oid.contents));
    let is_trusted = fields.next_of(SEQUENCE).is_none_or(names_tls);
    let is_rejected = fields.next_of(CONTEXT_0).is_some_and(names_tls);
    is_trusted && !is_rejected
}
