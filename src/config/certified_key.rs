//! A certificate chain and its private key.

use super::own_chain::{self, Issued, Link};
use crate::crypto::hash::fingerprint;
use crate::crypto::key_id::KeyId;
use crate::crypto::private_key::{PrivateKey, RawDecryption};
use crate::crypto::rng::{RandomSource, drawing};
use crate::crypto::rsa::{PublicKey, RsaKey};
use crate::enums::SignatureScheme;
use crate::error::{
    CertificateFault, CertificateWarning, ConfigError, Excerpt, KeyError, LocalError,
};
use crate::message::certificate::{CertificateStatus, encode_certificate};
use crate::message::{HandshakeBody, MAX_SENT_BODY};
use crate::pem::{Contents, certificate_algorithm};
use crate::verify::{NameText, PeerCertificate, client_warnings, server_warnings};
use core::fmt;
use pki_types::{CertificateDer, DnsName, PrivateKeyDer, UnixTime};
use std::sync::{Arc, PoisonError, RwLock};

/// A certificate chain, the leaf first, and the leaf's RSA private key.
///
/// The key may be outside this process, or may be left out if the operations with it are offloaded.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// use premaster::CertifiedKey;
///
/// let certified = CertifiedKey::from_pem(chain_pem, key_pem)?;
/// assert_eq!(certified.chain().len(), 1);
/// // The key is somewhere else, and the handshakes pause for it.
/// let certified = CertifiedKey::without_key(certified.chain().to_vec())?;
/// assert!(certified.key().is_none());
/// # Ok(())
/// # }
/// ```
pub struct CertifiedKey {
    chain: Box<[CertificateDer<'static>]>,
    pub(crate) public_key: PublicKey,
    key_id: KeyId,
    /// The leaf's subject, as errors show it.
    subject: Excerpt,
    /// The DNS names that the leaf is for.
    dns_names: Box<[Box<str>]>,
    /// The fingerprint of the leaf.
    pub(crate) fingerprint: [u8; 32],
    key: Option<Arc<dyn PrivateKey>>,
    issued: Box<[Issued]>,
    /// The Certificate message, built once for all handshakes.
    pub(crate) certificate_message: Box<[u8]>,
    /// The CertificateStatus message with the OCSP response.
    certificate_status: RwLock<Option<Arc<[u8]>>>,
}

impl CertifiedKey {
    /// Combines a chain with the leaf's PKCS #8 or PKCS #1 key, as [`with_key`](Self::with_key)
    /// does.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if the chain or the key does not parse, the key is not RSA or has an
    /// unsupported length, the key does not belong to the leaf, or the chain is too long to be
    /// sent.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self, ConfigError> {
        Self::with_key(chain, Arc::new(RsaKey::from_der(key)?))
    }

    /// Reads the chain from one PEM text and the key from another; both may be the same text. See
    /// [`with_key`](Self::with_key) for the order of the chain.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`], [`ConfigError::NoCertificateFound`], [`ConfigError::NoKey`],
    /// [`ConfigError::EncryptedKey`], and the errors of [`CertifiedKey::from_der`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = Contents::read_pem(chain)?.certificates()?;
        Self::with_key(chain, Arc::new(RsaKey::from_pem(key)?))
    }

    /// Reads the chain from the contents of one file and the key from another, each in PEM or DER,
    /// the chain also from a PKCS #7 bundle. Both may be the same file.
    ///
    /// For a key that is encrypted, use [`with_key`](Self::with_key) with
    /// [`certificates_from_bytes`](crate::certificate::certificates_from_bytes) and
    /// `RsaKey::from_encrypted`.
    ///
    /// # Errors
    ///
    /// The errors of [`CertifiedKey::from_pem`].
    pub fn from_bytes(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = Contents::read(chain)?.certificates()?;
        Self::with_key(chain, Arc::new(RsaKey::from_bytes(key)?))
    }

    /// Combines a chain with any implementation of [`PrivateKey`].
    ///
    /// The chain is put in order if it is not: the leaf, which is the certificate with the key's
    /// [`PrivateKey::key_id`], then each one's issuer, then what belongs to neither.
    ///
    /// # Errors
    ///
    /// The errors of [`CertifiedKey::from_der`]; [`ConfigError::KeyMismatch`] if no certificate has
    /// the key.
    pub fn with_key(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn PrivateKey>,
    ) -> Result<Self, ConfigError> {
        let chain = own_chain::read(chain)?;
        let unusable = own_key(&chain).err();
        let chain = own_chain::put_key_first(chain, key.key_id());
        // A first certificate that could never be used tells more than a mismatch.
        let chain = chain.map_err(|mismatch| unusable.unwrap_or(mismatch))?;
        Self::of_chain(chain, Some(key))
    }

    /// Takes a chain without its key, the leaf first; a chain in another order is put in order if
    /// the leaf can be told. The configuration must offload the operations of the key,
    /// with
    /// [`ServerConfigBuilder::offload_decryption`](crate::ServerConfigBuilder::offload_decryption)
    /// or [`ClientConfigBuilder::offload_signing`](crate::ClientConfigBuilder::offload_signing).
    ///
    /// # Errors
    ///
    /// The errors of [`CertifiedKey::from_der`] that concern the chain.
    pub fn without_key(chain: Vec<CertificateDer<'static>>) -> Result<Self, ConfigError> {
        let chain = own_chain::read(chain)?;
        Self::of_chain(own_chain::put_leaf_first(chain), None)
    }

    /// Takes a chain that is in order.
    fn of_chain(chain: Vec<Link>, key: Option<Arc<dyn PrivateKey>>) -> Result<Self, ConfigError> {
        let public_key = own_key(&chain)?;
        let key_id = public_key.key_id().ok_or(ConfigError::BadCertificate)?;
        let (chain, issued): (Vec<_>, Vec<_>) =
            chain.into_iter().map(|link| (link.certificate, link.issued)).unzip();
        let leaf = chain.first().ok_or(ConfigError::NoCertificate)?;
        let message = encode_certificate(&chain).map_err(|_| ConfigError::ChainTooLong)?;
        let parsed = PeerCertificate::parse(leaf).map_err(|_| ConfigError::BadCertificate)?;
        Ok(Self {
            subject: Excerpt::new(NameText(parsed.subject_der())),
            dns_names: dns_names(&parsed),
            fingerprint: fingerprint([leaf.as_ref()]),
            certificate_message: message.into(),
            issued: issued.into(),
            chain: chain.into(),
            public_key,
            key_id,
            key,
            certificate_status: RwLock::default(),
        })
    }

    /// Sets the OCSP response, in DER, that the server staples from the next handshake on for
    /// clients that request one
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)). `None` removes it.
    /// The response is not checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadOcspResponse`] if the response is empty or too long for a handshake
    /// message.
    pub fn staple(&self, ocsp_response: Option<&[u8]>) -> Result<(), ConfigError> {
        let status = ocsp_response.map(encode_certificate_status).transpose()?;
        // The message is replaced as a whole, so a poisoned lock does no harm.
        let stapled = self.certificate_status.write();
        *stapled.unwrap_or_else(PoisonError::into_inner) = status;
        Ok(())
    }

    /// The CertificateStatus message, if there is an OCSP response.
    pub(crate) fn certificate_status(&self) -> Option<Arc<[u8]>> {
        let stapled = self.certificate_status.read();
        stapled.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the chain, the leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Returns the leaf's subject as text, cut to 96 bytes.
    #[must_use]
    pub fn subject(&self) -> &Excerpt {
        &self.subject
    }

    /// Returns the identifier of the leaf's key: its SPKI fingerprint.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the private key, or `None` after [`without_key`](Self::without_key).
    #[must_use]
    pub fn key(&self) -> Option<&Arc<dyn PrivateKey>> {
        self.key.as_ref()
    }

    /// Returns what clients probably refuse about this chain if a server presents it at this time:
    /// dates, keyUsage, extendedKeyUsage, missing names, SHA-1, and the order of the chain.
    #[must_use]
    pub fn warnings_for_server(&self, now: UnixTime) -> Vec<CertificateWarning> {
        self.warnings_as_server(Some(now))
    }

    /// Returns what servers probably refuse about this chain if a client presents it at this time.
    #[must_use]
    pub fn warnings_for_client(&self, now: UnixTime) -> Vec<CertificateWarning> {
        self.warnings_as_client(Some(now))
    }

    /// As [`warnings_for_server`](Self::warnings_for_server); without a time, nothing of the dates.
    pub(super) fn warnings_as_server(&self, now: Option<UnixTime>) -> Vec<CertificateWarning> {
        server_warnings(&self.chain, now)
    }

    /// As [`warnings_for_client`](Self::warnings_for_client); without a time, nothing of the dates.
    pub(super) fn warnings_as_client(&self, now: Option<UnixTime>) -> Vec<CertificateWarning> {
        client_warnings(&self.chain, now)
    }

    /// Returns true if the leaf is for this server name, also by a name with `*` as its first label.
    pub(crate) fn has_name(&self, name: &DnsName<'_>) -> bool {
        let name: &str = name.as_ref();
        let parent = name.split_once('.').map(|(_, parent)| parent);
        self.dns_names.iter().any(|own| match (own.strip_prefix("*."), parent) {
            (Some(own_parent), Some(parent)) => own_parent.eq_ignore_ascii_case(parent),
            _ => own.eq_ignore_ascii_case(name),
        })
    }

    /// Returns true if one of these CAs issued a certificate of the chain, or if the list is empty.
    /// The names are [comparable](super::comparable_name) and sorted.
    pub(crate) fn is_issued_by(&self, authorities: &[Box<[u8]>]) -> bool {
        let mut issued = self.issued.iter();
        authorities.is_empty() || issued.any(|issued| authorities.binary_search(&issued.by).is_ok())
    }

    /// Returns true if each certificate of the chain is signed with one of these algorithms.
    /// Self-issued certificates are exempt: a root is trusted for other reasons than its signature.
    pub(crate) fn is_signed_with(&self, algorithms: &[SignatureScheme]) -> bool {
        let mut issued = self.issued.iter().filter(|issued| !issued.by_itself);
        issued.all(|issued| issued.with.is_some_and(|scheme| algorithms.contains(&scheme)))
    }

    /// Decrypts a number that [`PublicKey::admit`] admitted, with the key. Never fails visibly to
    /// the peer: the only error is a missing key, whatever the number.
    pub(crate) fn decrypt(
        &self,
        ciphertext: &[u8],
        random: &dyn RandomSource,
    ) -> Result<RawDecryption, LocalError> {
        let key = self.key.as_ref().ok_or(LocalError::NoPrivateKey)?;
        Ok(RawDecryption::by(key, ciphertext, &mut drawing(random)))
    }

    /// Signs with the key.
    pub(crate) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let key = self.key.as_ref().ok_or(LocalError::NoPrivateKey)?;
        key.sign(scheme, message, &mut drawing(random)).map_err(|KeyError| LocalError::Signing)
    }
}

fn encode_certificate_status(ocsp_response: &[u8]) -> Result<Arc<[u8]>, ConfigError> {
    if !(1..=MAX_SENT_BODY - 4).contains(&ocsp_response.len()) {
        return Err(ConfigError::BadOcspResponse);
    }
    let message = CertificateStatus { ocsp_response }.encode();
    Ok(message.map_err(|_| ConfigError::BadOcspResponse)?.into())
}

/// The names in the subjectAltName; without any, the common name.
fn dns_names(leaf: &PeerCertificate<'_>) -> Box<[Box<str>]> {
    let names = leaf.dns_names();
    if names.is_empty() {
        leaf.common_name().map(Box::from).into_iter().collect()
    } else {
        names.into_iter().map(Box::from).collect()
    }
}

/// The public key of the first certificate.
fn own_key(chain: &[Link]) -> Result<PublicKey, ConfigError> {
    let leaf = &chain.first().ok_or(ConfigError::NoCertificate)?.certificate;
    let key = PeerCertificate::parse(leaf).and_then(|own| own.public_key(false));
    key.map_err(|fault| match fault {
        CertificateFault::NotRsa { .. } => ConfigError::NotRsa {
            algorithm: certificate_algorithm(leaf),
        },
        CertificateFault::KeySize { bits } => ConfigError::KeySize { bits },
        _ => ConfigError::BadCertificate,
    })
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertifiedKey")
            .field("certificates", &self.chain.len())
            .field("key_id", &self.key_id)
            .field("has_key", &self.key.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::comparable_name;

    /// A self-issued certificate of `CN=localhost`.
    fn certified() -> CertifiedKey {
        let chain = include_bytes!("../../tests/data/leaf-2048.pem");
        let key = include_bytes!("../../tests/data/rsa-2048.key");
        CertifiedKey::from_pem(chain, key).unwrap()
    }

    #[test]
    fn an_empty_list_of_cas_stands_for_any() {
        let localhost = b"\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x13\x09LOCALHOST";
        let is_issued_by = |names: &[&[u8]]| {
            let names: Vec<_> = names.iter().map(|name| comparable_name(name)).collect();
            certified().is_issued_by(&names)
        };
        assert!(is_issued_by(&[]));
        assert!(is_issued_by(&[b"\x30\0", localhost]));
        assert!(!is_issued_by(&[b"\x30\0"]));
        assert!(!is_issued_by(&[&localhost[..localhost.len() - 1]]));
    }

    #[test]
    fn each_certificate_but_a_root_is_signed_with_a_listed_algorithm() {
        use SignatureScheme as Scheme;
        let issued = |by_itself, with| Issued {
            by: Box::default(),
            by_itself,
            with,
        };
        let (listed, other) = (Scheme::RSA_PKCS1_SHA256, Scheme::RSA_PKCS1_SHA384);
        let mut certified = certified();
        for (with, accepted) in [(Some(listed), true), (Some(other), false), (None, false)] {
            certified.issued = [issued(false, Some(listed)), issued(false, with)].into();
            assert_eq!(certified.is_signed_with(&[listed]), accepted, "{with:?}");
            certified.issued = [issued(false, Some(listed)), issued(true, with)].into();
            assert!(certified.is_signed_with(&[listed]), "{with:?}");
        }
    }

    #[test]
    fn an_operation_without_a_key_is_an_error_of_its_own() {
        struct Ones;
        impl RandomSource for Ones {
            fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
                out.fill(1);
                Ok(())
            }
        }
        let chain = certified().chain().to_vec();
        let certified = CertifiedKey::without_key(chain).unwrap();
        assert!(certified.key().is_none());
        let decrypted = certified.decrypt(&[0; 256], &Ones).map(|_| ());
        assert_eq!(decrypted, Err(LocalError::NoPrivateKey));
        let signed = certified.sign(SignatureScheme::RSA_PKCS1_SHA256, b"", &Ones);
        assert_eq!(signed, Err(LocalError::NoPrivateKey));
    }

    #[test]
    fn a_stapled_response_is_replaced_and_removed() {
        let certified = certified();
        assert!(certified.certificate_status().is_none());
        certified.staple(Some(b"one")).unwrap();
        assert_eq!(
            certified.staple(Some(b"")),
            Err(ConfigError::BadOcspResponse)
        );
        assert!(certified.certificate_status().unwrap().ends_with(b"one"));
        certified.staple(Some(b"two")).unwrap();
        assert!(certified.certificate_status().unwrap().ends_with(b"two"));
        certified.staple(None).unwrap();
        assert!(certified.certificate_status().is_none());
    }
}
