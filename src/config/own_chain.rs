//! The order of this side's own chain.

use crate::crypto::key_id::KeyId;
use crate::enums::SignatureScheme;
use crate::error::ConfigError;
use crate::message::MAX_SENT_BODY;
use crate::pem::has_section;
use crate::verify::{PeerCertificate, canonical_name};
use pki_types::CertificateDer;

/// A certificate of this side's chain.
pub(super) struct Link {
    pub(super) certificate: CertificateDer<'static>,
    /// The subject's name, in the form in which names are compared.
    subject: Box<[u8]>,
    pub(super) issued: Issued,
}

/// The issuer of a certificate, and the algorithm of its signature.
pub(super) struct Issued {
    /// The issuer's name, in the form in which names are compared.
    pub(super) by: Box<[u8]>,
    pub(super) by_itself: bool,
    /// The algorithm of the signature, if TLS has a number for it.
    pub(super) with: Option<SignatureScheme>,
}

/// Parses a chain.
pub(super) fn read(chain: Vec<CertificateDer<'static>>) -> Result<Vec<Link>, ConfigError> {
    if chain.is_empty() {
        return Err(ConfigError::NoCertificate);
    }
    let length: usize = chain.iter().map(|certificate| 3 + certificate.len()).sum();
    if 3 + length > MAX_SENT_BODY {
        return Err(ConfigError::ChainTooLong);
    }
    chain.into_iter().map(Link::read).collect()
}

/// Puts the certificate with this key first, and each one's issuer behind it.
pub(super) fn put_key_first(mut chain: Vec<Link>, key: KeyId) -> Result<Vec<Link>, ConfigError> {
    let leaf = chain.iter().position(|link| link.key_id() == Some(key));
    let leaf = leaf.ok_or(ConfigError::KeyMismatch)?;
    chain.get_mut(..=leaf).into_iter().for_each(|front| front.rotate_right(1));
    Ok(put_in_order(chain))
}

/// Puts the leaf first, if it can be told: if the first certificate issued another one, and a single
/// one issued none. Then puts each one's issuer behind it.
pub(super) fn put_leaf_first(mut chain: Vec<Link>) -> Vec<Link> {
    let has_issued = |issuer: &Link| {
        chain.iter().any(|link| !link.issued.by_itself && link.issued.by == issuer.subject)
    };
    let mut leaves = chain.iter().enumerate().filter(|(_, link)| !has_issued(link));
    if let (Some((leaf, _)), None) = (leaves.next(), leaves.next()) {
        chain.get_mut(..=leaf).into_iter().for_each(|front| front.rotate_right(1));
    }
    put_in_order(chain)
}

/// Puts the issuer of each certificate behind it, from the first one on. What belongs nowhere
/// remains at the end.
///
/// "Each following certificate MUST directly certify the one preceding it"
/// ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2)).
fn put_in_order(mut rest: Vec<Link>) -> Vec<Link> {
    let mut ordered = Vec::with_capacity(rest.len());
    let mut next = (!rest.is_empty()).then_some(0);
    while let Some(position) = next {
        let link = rest.remove(position);
        let is_issuer = |other: &Link| !link.issued.by_itself && other.subject == link.issued.by;
        next = rest.iter().position(is_issuer);
        ordered.push(link);
    }
    ordered.extend(rest);
    ordered
}

impl Link {
    fn read(certificate: CertificateDer<'static>) -> Result<Self, ConfigError> {
        let Ok(parsed) = PeerCertificate::parse(&certificate) else {
            return Err(if has_section(&certificate) {
                ConfigError::PemInsteadOfDer
            } else {
                ConfigError::BadCertificate
            });
        };
        let subject = comparable_name(parsed.subject_der());
        let by = comparable_name(parsed.issuer_der());
        Ok(Self {
            issued: Issued {
                by_itself: by == subject,
                by,
                with: parsed.signature_scheme(),
            },
            subject,
            certificate,
        })
    }

    fn key_id(&self) -> Option<KeyId> {
        PeerCertificate::parse(&self.certificate).ok()?.key_id()
    }
}

/// A name in the form in which names are compared; what is not a name is equal to itself only.
pub(crate) fn comparable_name(der: &[u8]) -> Box<[u8]> {
    canonical_name(der).unwrap_or_else(|| der.into())
}
