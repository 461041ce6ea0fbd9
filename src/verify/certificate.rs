//! A parsed certificate: its names, its key, and its permitted uses.

use super::der::is_integer;
use super::name::{Text, text_of};
use super::oid::encode_oid;
use crate::crypto::hash::sha256;
use crate::crypto::key_id::KeyId;
use crate::crypto::rsa::{PublicKey, PublicKeyError, peer_key_bits};
use crate::enums::SignatureScheme;
use crate::error::{CertificateFault, CertificateId, Excerpt};
use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use pki_types::{ServerName, UnixTime};
use x509_parser::asn1_rs::Class;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage, SubjectAlternativeName};
use x509_parser::nom::Parser;
use x509_parser::oid_registry::{
    OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512, OID_PKCS1_RSAENCRYPTION,
    OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME, Oid,
};
use x509_parser::prelude::{FromDer, X509Error};
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::time::ASN1Time;

/// A use of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// A server's key decrypts the pre-master secret.
    KeyEncipherment,
    /// A client's key signs CertificateVerify; an OCSP responder's key signs responses.
    DigitalSignature,
    /// A CA's key signs certificates.
    KeyCertSign,
    /// A CA's key signs CRLs.
    CrlSign,
}

/// A parsed certificate of the peer, for applications that need its names, its key or an extension.
///
/// The texts are under the peer's control, except as far as the CA that issued the certificate
/// checked them.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// # use premaster::{CertifiedKey, ClientConfig, Connection, RootStore, ServerConfig};
/// # use std::sync::Arc;
/// # let server = ServerConfig::builder(Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?)).build()?;
/// # let client = ClientConfig::builder(RootStore::from_pem(chain_pem)?).build()?;
/// # let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
/// # let mut connection = Connection::client(Arc::new(client), "localhost".try_into()?, &mut to_server)?;
/// # let mut server = Connection::server(Arc::new(server));
/// # while connection.session().is_none() {
/// #     let consumed = server.receive(&mut to_server, &mut to_client)?.consumed;
/// #     to_server.drain(..consumed);
/// #     let consumed = connection.receive(&mut to_client, &mut to_server)?.consumed;
/// #     to_client.drain(..consumed);
/// # }
///
/// let session = connection.session().ok_or("the handshake is not complete")?;
/// let certificate = session.peer_certificate().ok_or("no certificate")?;
/// assert_eq!(certificate.subject(), "CN=localhost");
/// assert_eq!(certificate.dns_names(), ["localhost"]);
/// assert!(certificate.not_after() > premaster::pki_types::UnixTime::now());
/// // authorityInfoAccess, which this crate does not read.
/// assert!(certificate.extension("1.3.6.1.5.5.7.1.1").is_none());
/// # Ok(())
/// # }
/// ```
pub struct PeerCertificate<'a>(X509Certificate<'a>);

impl<'a> PeerCertificate<'a> {
    pub(crate) fn parse(certificate: &'a [u8]) -> Result<Self, CertificateFault> {
        // The extensions that are needed are parsed when they are needed.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        match parser.parse(certificate) {
            // A CRL that lists 1 must not miss a certificate that calls itself 01.
            Ok(([], parsed)) if is_integer(parsed.raw_serial()) => Ok(Self(parsed)),
            Ok(_) | Err(_) => Err(CertificateFault::Malformed),
        }
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &'a [u8] {
        self.0.as_raw()
    }

    /// Returns the subject's distinguished name as readable text, such as `C=DE, O=Werk, CN=plc-7`.
    /// Characters that could make it look like another name are escaped by a backslash. Do not base
    /// decisions on it; use [`common_name`](Self::common_name), the names or an
    /// [`extension`](Self::extension).
    #[must_use]
    pub fn subject(&self) -> String {
        Text(self.0.subject()).to_string()
    }

    /// Returns the subject's common name, if there is exactly one and it is text of any type:
    /// UTF8String, PrintableString, IA5String, T61String (read as Latin-1), BMPString or
    /// UniversalString.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        let mut names = self.common_names();
        match (names.next(), names.next()) {
            (Some(name), None) => name,
            _ => None,
        }
    }

    /// The last of the subject's common names, which is the most specific one; `None` if it is not
    /// text.
    pub(super) fn last_common_name(&self) -> Option<String> {
        self.common_names().last().flatten()
    }

    /// The subject's common names in the order of their encoding; `None` for one that is not text.
    fn common_names(&self) -> impl Iterator<Item = Option<String>> {
        self.0.subject().iter_common_name().map(|name| {
            let value = name.attr_value();
            value.class().assert_eq(Class::Universal).ok()?;
            text_of(u8::try_from(value.tag().0).ok()?, value.data)
        })
    }

    /// Returns the issuer's distinguished name as readable text, like [`subject`](Self::subject).
    #[must_use]
    pub fn issuer(&self) -> String {
        Text(self.0.issuer()).to_string()
    }

    /// The tbsCertificate in DER, over which the signature is made.
    pub(super) fn signed(&self) -> &[u8] {
        self.0.tbs_certificate.as_ref()
    }

    /// The issuer's distinguished name in DER.
    pub(crate) fn issuer_der(&self) -> &'a [u8] {
        self.0.tbs_certificate.issuer.as_raw()
    }

    /// The subject's distinguished name in DER.
    pub(crate) fn subject_der(&self) -> &'a [u8] {
        self.0.tbs_certificate.subject.as_raw()
    }

    /// The SubjectPublicKeyInfo in DER.
    pub(super) fn public_key_info(&self) -> &'a [u8] {
        self.0.tbs_certificate.subject_pki.raw
    }

    /// The TLS number of the signature's algorithm, if it has one.
    pub(crate) fn signature_scheme(&self) -> Option<SignatureScheme> {
        let algorithm = &self.0.signature_algorithm;
        if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) =
            SignatureAlgorithm::try_from(algorithm)
        {
            let hash = parameters.hash_algorithm_oid();
            let schemes = [
                (OID_NIST_HASH_SHA256, SignatureScheme::RSA_PSS_RSAE_SHA256),
                (OID_NIST_HASH_SHA384, SignatureScheme::RSA_PSS_RSAE_SHA384),
                (OID_NIST_HASH_SHA512, SignatureScheme::RSA_PSS_RSAE_SHA512),
            ];
            return scheme_of(&schemes, hash);
        }
        let schemes = [
            (OID_PKCS1_SHA1WITHRSA, SignatureScheme::RSA_PKCS1_SHA1),
            (OID_PKCS1_SHA256WITHRSA, SignatureScheme::RSA_PKCS1_SHA256),
            (OID_PKCS1_SHA384WITHRSA, SignatureScheme::RSA_PKCS1_SHA384),
            (OID_PKCS1_SHA512WITHRSA, SignatureScheme::RSA_PKCS1_SHA512),
            (OID_SIG_ECDSA_WITH_SHA256, SignatureScheme::ECDSA_SHA256),
            (OID_SIG_ECDSA_WITH_SHA384, SignatureScheme::ECDSA_SHA384),
        ];
        scheme_of(&schemes, &algorithm.algorithm)
    }

    /// Returns the serial number, in big-endian two's complement.
    #[must_use]
    pub fn serial(&self) -> &'a [u8] {
        self.0.raw_serial()
    }

    /// Returns the start of the validity period.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        unix_time(&self.0.validity().not_before)
    }

    /// Returns the end of the validity period.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        unix_time(&self.0.validity().not_after)
    }

    /// Returns the DNS names in subjectAltName. The list is empty if the extension is missing or
    /// cannot be parsed.
    #[must_use]
    pub fn dns_names(&self) -> Vec<&'a str> {
        let dns_name = |name| match name {
            GeneralName::DNSName(name) => Some(name),
            _ => None,
        };
        self.alternative_names().filter_map(dns_name).collect()
    }

    /// Returns the IP addresses in subjectAltName. The list is empty if the extension is missing or
    /// cannot be parsed.
    #[must_use]
    pub fn ip_addresses(&self) -> Vec<IpAddr> {
        let address = |name| match name {
            GeneralName::IPAddress(bytes) => ip_address(bytes),
            _ => None,
        };
        self.alternative_names().filter_map(address).collect()
    }

    /// Returns the SPKI fingerprint of its key, or `None` for a key that this crate does not
    /// support.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.public_key(true).ok()?.key_id()
    }

    /// Returns the value of the extension with this object identifier, such as
    /// `1.3.6.1.4.1.311.21.7`: the DER inside its extnValue. Returns `None` unless the extension
    /// occurs exactly once.
    #[must_use]
    pub fn extension(&self, oid: &str) -> Option<&'a [u8]> {
        let oid = encode_oid(oid)?;
        let extensions = self.0.extensions().iter();
        let mut of_oid = extensions.filter(|extension| extension.oid.as_bytes() == oid);
        match (of_oid.next(), of_oid.next()) {
            (Some(extension), None) => Some(extension.value),
            _ => None,
        }
    }

    /// The certificate's identification in errors, with the bytes that were received.
    pub(super) fn id(&self, position: usize, received: &[u8]) -> CertificateId {
        let key_sha256 = match self.key_id() {
            Some(key) => *key.as_bytes(),
            None => sha256(self.0.public_key().raw),
        };
        let subject = Excerpt::new(Text(self.0.subject()));
        CertificateId::new(
            position,
            subject,
            self.serial(),
            sha256(received),
            key_sha256,
        )
    }

    pub(super) fn parsed(&self) -> &X509Certificate<'a> {
        &self.0
    }

    /// The certificate's RSA key, of 2048 to 8192 bits, or from 1024 bits if short keys are
    /// accepted.
    ///
    /// "RSA public key; the certificate MUST allow the key to be used for encryption"
    /// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)): a key
    /// whose identifier restricts it to PSS signatures is refused like one that is not RSA.
    pub(crate) fn public_key(&self, short: bool) -> Result<PublicKey, CertificateFault> {
        self.read_public_key(short, PublicKey::from_pkcs1_der)
    }

    /// The RSA key of a pinned certificate, as [`public_key`](Self::public_key), but with an
    /// exponent of up to 64 bits.
    pub(super) fn pinned_public_key(&self, short: bool) -> Result<PublicKey, CertificateFault> {
        self.read_public_key(short, PublicKey::from_pinned_pkcs1_der)
    }

    fn read_public_key(
        &self,
        short: bool,
        read: impl Fn(&[u8], &RangeInclusive<usize>) -> Result<PublicKey, PublicKeyError>,
    ) -> Result<PublicKey, CertificateFault> {
        let info = self.0.public_key();
        if info.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION {
            return Err(CertificateFault::NotRsa {
                algorithm: Excerpt::new(&info.algorithm.algorithm),
            });
        }
        let accepted = peer_key_bits(short);
        let key = read(&info.subject_public_key.data, accepted);
        key.map_err(|error| match error {
            PublicKeyError::Malformed => CertificateFault::Malformed,
            PublicKeyError::Size { bits } => CertificateFault::KeySize { bits },
        })
    }

    /// The names in subjectAltName; `None` without that extension.
    pub(super) fn names(&self) -> Result<Option<Vec<GeneralName<'a>>>, CertificateFault> {
        let oid = OID_X509_EXT_SUBJECT_ALT_NAME;
        let names = self.read_extension::<SubjectAlternativeName<'a>>(&oid)?;
        Ok(names.map(|names| names.general_names))
    }

    /// The value of subjectAltName in DER; `None` without that extension.
    pub(super) fn alternative_names_der(&self) -> Result<Option<&'a [u8]>, CertificateFault> {
        let extension = self.0.get_extension_unique(&OID_X509_EXT_SUBJECT_ALT_NAME);
        let extension = extension.map_err(|_| CertificateFault::Malformed)?;
        Ok(extension.map(|extension| extension.value))
    }

    /// The names in subjectAltName; nothing if the extension is missing or cannot be parsed.
    fn alternative_names(&self) -> impl Iterator<Item = GeneralName<'a>> + use<'a> {
        self.names().ok().flatten().into_iter().flatten()
    }

    /// Returns true if the certificate has exactly one common name, and it equals the server name,
    /// ignoring ASCII case.
    pub(super) fn has_common_name(&self, server_name: &ServerName<'_>) -> bool {
        let wanted = server_name.to_str();
        // Certificates omit the dot that ends an absolute name.
        let wanted = match wanted.strip_suffix('.') {
            Some(relative) => relative,
            None => &wanted,
        };
        self.common_name().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
    }

    /// Refuses a certificate whose keyUsage does not allow the usage; a certificate without the
    /// extension allows it.
    ///
    /// "the keyEncipherment bit MUST be set if the key usage extension is present"
    /// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)); a client
    /// needs digitalSignature
    /// ([section 7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)); for a CA: "If a key
    /// usage extension is present, verify that the keyCertSign bit is set"
    /// ([RFC 5280 section 6.1.4](https://www.rfc-editor.org/rfc/rfc5280#section-6.1.4)).
    pub(super) fn require_key_usage(&self, usage: Usage) -> Result<(), CertificateFault> {
        let key_usage = self.read_extension::<KeyUsage>(&OID_X509_EXT_KEY_USAGE)?;
        let Some(key_usage) = key_usage else {
            return Ok(());
        };
        let (allowed, wanted) = match usage {
            Usage::KeyEncipherment => (key_usage.key_encipherment(), "keyEncipherment"),
            Usage::DigitalSignature => (key_usage.digital_signature(), "digitalSignature"),
            Usage::KeyCertSign => (key_usage.key_cert_sign(), "keyCertSign"),
            Usage::CrlSign => (key_usage.crl_sign(), "cRLSign"),
        };
        if !allowed {
            return Err(CertificateFault::KeyUsage {
                wanted,
                found: match key_usage.to_string() {
                    nothing if nothing.is_empty() => Excerpt::new("nothing"),
                    uses => Excerpt::new(uses),
                },
            });
        }
        Ok(())
    }

    /// The purposes in extendedKeyUsage; `None` without that extension.
    pub(super) fn purposes(&self) -> Result<Option<ExtendedKeyUsage<'a>>, CertificateFault> {
        self.read_extension(&OID_X509_EXT_EXTENDED_KEY_USAGE)
    }

    /// Returns true if the certificate has no extensions, like all certificates before version 3.
    pub(super) fn has_no_extensions(&self) -> bool {
        self.0.extensions().is_empty()
    }

    /// Returns true if the certificate restricts the names in the certificates below it.
    pub(super) fn has_name_constraints(&self) -> bool {
        let mut extensions = self.0.extensions().iter();
        extensions.any(|extension| extension.oid == OID_X509_EXT_NAME_CONSTRAINTS)
    }

    /// Parses an extension, if the certificate has it.
    pub(super) fn read_extension<E: FromDer<'a, X509Error>>(
        &self,
        oid: &Oid<'_>,
    ) -> Result<Option<E>, CertificateFault> {
        let extension = self.0.get_extension_unique(oid);
        let extension = extension.map_err(|_| CertificateFault::Malformed)?;
        let parse = |value| match E::from_der(value) {
            Ok(([], parsed)) => Ok(parsed),
            Ok(_) | Err(_) => Err(CertificateFault::Malformed),
        };
        extension.map(|extension| parse(extension.value)).transpose()
    }
}

impl fmt::Debug for PeerCertificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate")
            .field("subject", &Excerpt::new(Text(self.0.subject())))
            .field("issuer", &Excerpt::new(Text(self.0.issuer())))
            .finish_non_exhaustive()
    }
}

fn scheme_of(
    schemes: &[(Oid<'static>, SignatureScheme)],
    oid: &Oid<'_>,
) -> Option<SignatureScheme> {
    let (_, scheme) = schemes.iter().find(|(its, _)| its == oid)?;
    Some(*scheme)
}

/// A time, or 1970 for an earlier one.
pub(super) fn unix_time(time: &ASN1Time) -> UnixTime {
    let seconds = time.timestamp().max(0).unsigned_abs();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub(super) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}
