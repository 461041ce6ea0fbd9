//! Certificate revocation lists (CRLs)
//! ([RFC 5280 section 5](https://www.rfc-editor.org/rfc/rfc5280#section-5)).

mod list;
mod scope;

use super::certificate::{PeerCertificate, Usage};
use super::name::canonical_name;
use super::roots::Root;
use super::signatures::{Reason, SignatureRules, SignerKey};
use crate::crypto::hash::fingerprint;
use crate::error::{CertificateFault, ConfigError};
use crate::pem::has_section;
use core::fmt;
use list::List;
use pki_types::UnixTime;
use std::sync::Arc;

/// A set of CRLs (certificate revocation lists) against which a peer's chain is checked.
///
/// Each certificate below the root must be covered by a current CRL of its issuer, signed by that
/// issuer, and must not be listed in it. [`end_entity_only`](Self::end_entity_only) and
/// [`allow_unknown_status`](Self::allow_unknown_status) relax this.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../../tests/data/leaf-2048.pem");
/// use premaster::certificate::Crls;
/// use premaster::{CertificatePolicy, RootStore};
///
/// let crls = Crls::new().end_entity_only().allow_unknown_status();
/// let policy = CertificatePolicy::new(RootStore::from_pem(chain_pem)?).crls(crls);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Crls {
    lists: Vec<Arc<List>>,
    end_entity_only: bool,
    allow_unknown_status: bool,
}

/// The issuer of a certificate on a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Issuer<'i> {
    Authority(&'i PeerCertificate<'i>),
    Root(Root<'i>),
}

impl Issuer<'_> {
    /// The SubjectPublicKeyInfo in DER.
    fn key_info(&self) -> &[u8] {
        match self {
            Self::Authority(certificate) => certificate.public_key_info(),
            Self::Root(root) => root.public_key_info(),
        }
    }

    /// "If a key usage extension is present in the CRL issuer's certificate, verify that the cRLSign
    /// bit is set"
    /// ([RFC 5280 section 6.3.3](https://www.rfc-editor.org/rfc/rfc5280#section-6.3.3), f).
    fn may_sign_crls(&self) -> bool {
        match self {
            Self::Authority(certificate) => certificate.require_key_usage(Usage::CrlSign).is_ok(),
            Self::Root(root) => root.may_sign_crls(),
        }
    }
}

impl Crls {
    /// Creates an empty set, with which the status of every certificate is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a CRL in DER. If several have the same issuer and scope, the latest one with a right
    /// signature is used.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadCrl`] if it cannot be parsed, or is of a kind that is not supported: it
    /// must have version 1 or 2 and a nextUpdate, must be neither a delta nor an indirect CRL, and
    /// must have no critical extension that is unknown.
    pub fn add(&mut self, der: &[u8]) -> Result<(), ConfigError> {
        let bad = if has_section(der) {
            ConfigError::PemInsteadOfDer
        } else {
            ConfigError::BadCrl
        };
        self.lists.push(Arc::new(List::parse(der).ok_or(bad)?));
        self.lists.sort_by_key(|list| core::cmp::Reverse(list.this_update));
        Ok(())
    }

    /// Checks only the leaf, not the CA certificates above it.
    #[must_use]
    pub fn end_entity_only(mut self) -> Self {
        self.end_entity_only = true;
        self
    }

    /// Accepts a certificate that no CRL covers.
    #[must_use]
    pub fn allow_unknown_status(mut self) -> Self {
        self.allow_unknown_status = true;
        self
    }

    /// Returns true if the certificate at this position of a path is checked against the CRLs.
    pub(super) fn checks_position(&self, position: usize) -> bool {
        position == 0 || !self.end_entity_only
    }

    /// Checks a certificate on a path against the latest CRL of its issuer that is about it. Returns
    /// the CRL's nextUpdate, or `None` if no CRL covers the certificate and none is required.
    pub(super) fn judge(
        &self,
        certificate: &PeerCertificate<'_>,
        is_ca: bool,
        issuer: Issuer<'_>,
        rules: &SignatureRules<'_>,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, CertificateFault> {
        let lists = self.lists_of_issuer(certificate);
        let mut lists = lists.filter(|list| list.covers(certificate, is_ca)).peekable();
        if lists.peek().is_none() {
            return if self.allow_unknown_status {
                Ok(None)
            } else {
                Err(CertificateFault::RevocationUnknown)
            };
        }
        if !issuer.may_sign_crls() {
            return Err(CertificateFault::CrlIssuer);
        }
        let list = latest(lists, issuer, rules)?;
        require_fresh(list, now)?;
        if list.revokes(certificate.serial()) {
            return Err(CertificateFault::Revoked);
        }
        Ok(Some(list.next_update))
    }

    /// Checks a certificate whose issuer's key is not known, so that no CRL of the issuer can be
    /// verified. It is revoked if a CRL lists it; otherwise its status is unknown.
    pub(super) fn judge_without_issuer(
        &self,
        certificate: &PeerCertificate<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        if !self.allow_unknown_status && self.lists_of_issuer(certificate).next().is_none() {
            return Err(CertificateFault::RevocationUnknown);
        }
        self.lists_of_issuer(certificate).try_for_each(|list| require_fresh(list, now))?;
        if self.lists_of_issuer(certificate).any(|list| list.revokes(certificate.serial())) {
            return Err(CertificateFault::Revoked);
        }
        if self.allow_unknown_status {
            Ok(())
        } else {
            Err(CertificateFault::RevocationUnknown)
        }
    }

    /// The CRLs of the certificate's issuer, the latest first.
    fn lists_of_issuer(&self, certificate: &PeerCertificate<'_>) -> impl Iterator<Item = &List> {
        let issuer = if self.lists.is_empty() {
            None
        } else {
            canonical_name(certificate.issuer_der())
        };
        let lists = self.lists.iter().map(|list| &**list);
        lists.filter(move |list| issuer.as_ref() == Some(&list.issuer))
    }

    /// A hash that is equal for two sets with the same CRLs in the same order and the same
    /// settings.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let flags = [self.end_entity_only, self.allow_unknown_status].map(u8::from);
        let lists = self.lists.iter().map(|list| &list.fingerprint[..]);
        fingerprint([&flags[..]].into_iter().chain(lists))
    }
}

/// The first of these CRLs with a right signature of the issuer: two CAs may have one name, and a CA
/// a new key.
fn latest<'l>(
    lists: impl Iterator<Item = &'l List>,
    issuer: Issuer<'_>,
    rules: &SignatureRules<'_>,
) -> Result<&'l List, CertificateFault> {
    let key = SignerKey::read(issuer.key_info()).ok_or(CertificateFault::CrlInvalid)?;
    for list in lists {
        match rules.verify(&list.signature, key, Some(&list.signers)) {
            Ok(()) => return Ok(list),
            Err(Reason::TooMuchWork) => return Err(CertificateFault::TooMuchWork),
            Err(Reason::Wrong | Reason::Unsupported | Reason::KeySize { .. }) => {}
        }
    }
    Err(CertificateFault::CrlInvalid)
}

fn require_fresh(list: &List, now: UnixTime) -> Result<(), CertificateFault> {
    let next_update = list.next_update;
    if next_update <= now {
        return Err(CertificateFault::CrlExpired { next_update, now });
    }
    Ok(())
}

impl fmt::Debug for Crls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crls")
            .field("lists", &self.lists.len())
            .field("end_entity_only", &self.end_entity_only)
            .field("allow_unknown_status", &self.allow_unknown_status)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{DAY, NOW, at, lists, server};

    #[test]
    fn without_its_issuer_a_certificate_is_revoked_or_unknown() {
        let certificate = server().build();
        let certificate = PeerCertificate::parse(&certificate).unwrap();
        let judge = |crls: &Crls, now: u64| crls.judge_without_issuer(&certificate, at(now));
        let unknown = Err(CertificateFault::RevocationUnknown);
        for (crls, strict, lenient) in [
            (Crls::new(), unknown.clone(), Ok(())),
            (lists(&[]), unknown, Ok(())),
            (
                lists(&[42]),
                Err(CertificateFault::Revoked),
                Err(CertificateFault::Revoked),
            ),
        ] {
            assert_eq!(judge(&crls, NOW), strict);
            assert_eq!(judge(&crls.allow_unknown_status(), NOW), lenient);
        }
        let end = at(NOW + DAY);
        let expired = CertificateFault::CrlExpired {
            next_update: end,
            now: end,
        };
        let crls = lists(&[]).allow_unknown_status();
        assert_eq!(judge(&crls, NOW + DAY), Err(expired));
    }

    #[test]
    fn only_the_leaf_is_checked_if_so_configured() {
        let all = lists(&[]);
        assert!((0..3).all(|position| all.checks_position(position)));
        let leaf_only = all.clone().end_entity_only();
        assert!(leaf_only.checks_position(0) && !leaf_only.checks_position(1));
        let prints = [&all, &leaf_only, &all.clone().allow_unknown_status()].map(Crls::fingerprint);
        assert!(prints[0] != prints[1] && prints[0] != prints[2] && prints[1] != prints[2]);
        assert_eq!(prints[0], lists(&[]).fingerprint());
    }
}
