//! Certificate revocation lists (CRLs)
//! ([RFC 5280 section 5](https://www.rfc-editor.org/rfc/rfc5280#section-5)).

use super::certificate::{PeerCertificate, unix_time};
use super::der::sequence;
use crate::crypto::hash::fingerprint;
use crate::error::{CertificateFault, ConfigError};
use crate::pem::has_section;
use core::fmt;
use pki_types::UnixTime;
use std::sync::Arc;
use webpki::{
    CertRevocationList, ExpirationPolicy, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// A set of CRLs (certificate revocation lists) against which a peer's chain is checked.
///
/// Each certificate below the root must be covered by a current CRL of its issuer, signed by that
/// issuer, and must not be listed in it. [`end_entity_only`](Self::end_entity_only) and
/// [`allow_unknown_status`](Self::allow_unknown_status) relax this.
#[derive(Clone, Default)]
pub struct Crls {
    lists: Vec<List>,
    end_entity_only: bool,
    allow_unknown_status: bool,
}

#[derive(Clone)]
struct List {
    list: Arc<CertRevocationList<'static>>,
    /// The issuer's name in DER.
    issuer: Box<[u8]>,
    this_update: UnixTime,
    next_update: UnixTime,
    /// The tbsCertList in DER.
    signed: Box<[u8]>,
    fingerprint: [u8; 32],
}

impl Crls {
    /// Creates an empty set, with which the status of every certificate is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a CRL in DER. If several have the same issuer and scope, the latest one is used.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadCrl`] if it cannot be parsed, or does not follow the profile of RFC 5280:
    /// version 2, with nextUpdate, neither a delta nor an indirect CRL.
    pub fn add(&mut self, der: &[u8]) -> Result<(), ConfigError> {
        let bad = if has_section(der) {
            ConfigError::PemInsteadOfDer
        } else {
            ConfigError::BadCrl
        };
        let list = OwnedCertRevocationList::from_der(der).map_err(|_| bad)?;
        let (_, parsed) = CertificateRevocationList::from_der(der).map_err(|_| bad)?;
        let next_update = parsed.next_update().ok_or(bad)?;
        let list = CertRevocationList::from(list);
        self.lists.push(List {
            issuer: sequence(&[list.issuer()]).into(),
            list: Arc::new(list),
            this_update: unix_time(&parsed.last_update()),
            next_update: unix_time(&next_update),
            signed: parsed.tbs_cert_list.as_ref().into(),
            fingerprint: fingerprint([der]),
        });
        // `rustls-webpki` uses the first CRL that covers a certificate.
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

    /// The CRLs as `rustls-webpki` takes them.
    pub(super) fn borrow(&self) -> Vec<&CertRevocationList<'_>> {
        self.lists.iter().map(|list| &*list.list).collect()
    }

    /// The options with which `rustls-webpki` checks the borrowed CRLs; `None` if there are none.
    pub(super) fn options<'l>(
        &self,
        borrowed: &'l [&'l CertRevocationList<'l>],
        expiration: ExpirationPolicy,
    ) -> Option<RevocationOptions<'l>> {
        let depth = if self.end_entity_only {
            RevocationCheckDepth::EndEntity
        } else {
            RevocationCheckDepth::Chain
        };
        let unknown = if self.allow_unknown_status {
            UnknownStatusPolicy::Allow
        } else {
            UnknownStatusPolicy::Deny
        };
        let options = RevocationOptionsBuilder::new(borrowed).ok()?;
        Some(
            options
                .with_depth(depth)
                .with_status_policy(unknown)
                .with_expiration_policy(expiration)
                .build(),
        )
    }

    /// Returns true if a certificate is accepted that no CRL covers.
    pub(super) fn allows_unknown_status(&self) -> bool {
        self.allow_unknown_status
    }

    /// Returns true if the certificate at this position of a path is checked against the CRLs.
    pub(super) fn checks_position(&self, position: usize) -> bool {
        position == 0 || !self.end_entity_only
    }

    /// Checks a certificate whose issuer's key is not known, so that no CRL of the issuer can be
    /// verified. It is revoked if a CRL lists it; otherwise its status is unknown.
    pub(super) fn judge_without_issuer(
        &self,
        certificate: &PeerCertificate<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        self.require_fresh(certificate, now)?;
        match (self.revokes(certificate), self.allow_unknown_status) {
            (true, _) => Err(CertificateFault::Revoked),
            (false, true) => Ok(()),
            (false, false) => Err(CertificateFault::RevocationUnknown),
        }
    }

    /// Refuses a certificate if a CRL of its issuer has expired at `now`, or if a CRL is required
    /// and there is none.
    pub(super) fn require_fresh(
        &self,
        certificate: &PeerCertificate<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        if !self.covers(certificate) && !self.allow_unknown_status {
            return Err(CertificateFault::RevocationUnknown);
        }
        let mut lists = self.lists_of_issuer(certificate);
        match lists.find(|list| list.next_update <= now) {
            None => Ok(()),
            Some(List { next_update, .. }) => Err(CertificateFault::CrlExpired {
                next_update: *next_update,
                now,
            }),
        }
    }

    /// Returns true if a CRL of the certificate's issuer lists its serial number.
    pub(super) fn revokes(&self, certificate: &PeerCertificate<'_>) -> bool {
        let mut lists = self.lists_of_issuer(certificate);
        // An entry that cannot be parsed counts as revocation.
        lists.any(|list| !matches!(list.list.find_serial(certificate.serial()), Ok(None)))
    }

    /// The earliest nextUpdate of the CRLs of the certificate's issuer, in seconds since 1970.
    pub(super) fn expire(&self, certificate: &PeerCertificate<'_>) -> Option<u64> {
        let lists = self.lists_of_issuer(certificate);
        lists.map(|list| list.next_update.as_secs()).min()
    }

    /// Returns true if there is a CRL of the certificate's issuer.
    pub(super) fn covers(&self, certificate: &PeerCertificate<'_>) -> bool {
        self.lists_of_issuer(certificate).next().is_some()
    }

    /// Returns true if there is a CRL about all certificates of the certificate's issuer.
    pub(super) fn covers_all(&self, certificate: &PeerCertificate<'_>) -> bool {
        self.lists_of_issuer(certificate)
            .any(|list| list.list.issuing_distribution_point().is_none())
    }

    /// Returns true if this is the tbsCertList of one of the CRLs.
    pub(super) fn contain_signed(&self, signed: &[u8]) -> bool {
        self.lists.iter().any(|list| *list.signed == *signed)
    }

    /// Returns true if this is the tbsCertList of a CRL of the certificate's issuer.
    pub(super) fn has_list_of_issuer(
        &self,
        certificate: &PeerCertificate<'_>,
        signed: &[u8],
    ) -> bool {
        self.lists_of_issuer(certificate).any(|list| *list.signed == *signed)
    }

    fn lists_of_issuer(&self, certificate: &PeerCertificate<'_>) -> impl Iterator<Item = &List> {
        let issuer = certificate.issuer_der();
        self.lists.iter().filter(move |list| *list.issuer == *issuer)
    }

    /// A hash that is equal for two sets with the same CRLs in the same order and the same
    /// settings.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let flags = [self.end_entity_only, self.allow_unknown_status].map(u8::from);
        let lists = self.lists.iter().map(|list| &list.fingerprint[..]);
        fingerprint([&flags[..]].into_iter().chain(lists))
    }
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
    use crate::verify::testing::{DAY, NOW, at, lists, server, server_by_authority};

    #[test]
    fn a_crl_covers_only_its_issuers_certificates() {
        let (own, other) = (server().build(), server_by_authority().build());
        let own = PeerCertificate::parse(&own).unwrap();
        let other = PeerCertificate::parse(&other).unwrap();
        let crls = lists(&[42]);
        assert!(crls.covers(&own) && crls.covers_all(&own) && crls.revokes(&own));
        assert!(!crls.covers(&other) && !crls.covers_all(&other) && !crls.revokes(&other));
        assert_eq!(crls.expire(&own), Some(NOW + DAY));
        assert_eq!(crls.expire(&other), None);
        assert!(!lists(&[41, 43]).revokes(&own));
    }

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
