//! Certificate revocation lists (CRLs): which certificates their issuers have revoked
//! ([RFC 5280 section 5](https://www.rfc-editor.org/rfc/rfc5280#section-5)).

use super::certificate::{PeerCertificate, unix_time};
use super::der::sequence;
use crate::crypto::hash::fingerprint;
use crate::error::{CertificateFault, ConfigError};
use core::fmt;
use pki_types::pem::PemObject;
use pki_types::{CertificateRevocationListDer, UnixTime};
use std::sync::Arc;
use webpki::{
    CertRevocationList, ExpirationPolicy, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// The certificate revocation lists (CRLs) that a peer's chain is checked against.
///
/// No certificate of the chain below the root may be on a list, and for each of them there has to be a
/// list of its issuer, signed by that issuer and not out of date.
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
    /// No list, with which no status is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every list in a PEM text.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`] if the text does not parse, [`ConfigError::NoCrls`] if it
    /// has no list, and that of [`Crls::add`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        let mut lists = Self::new();
        for list in CertificateRevocationListDer::pem_slice_iter(pem) {
            lists.add(&list.map_err(|_| ConfigError::BadPem)?)?;
        }
        if lists.lists.is_empty() {
            return Err(ConfigError::NoCrls);
        }
        Ok(lists)
    }

    /// Adds one list in DER. Of several of the same issuer and scope, the latest one counts.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadCrl`] if it does not parse, or is not of the profile of RFC 5280:
    /// version 2, with a nextUpdate, no delta and no indirect list.
    pub fn add(&mut self, der: &[u8]) -> Result<(), ConfigError> {
        let bad = ConfigError::BadCrl;
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
        // `rustls-webpki` takes the first that is responsible.
        self.lists.sort_by_key(|list| core::cmp::Reverse(list.this_update));
        Ok(())
    }

    /// Asks for the peer's own certificate alone, not for those of the authorities above it.
    #[must_use]
    pub fn end_entity_only(mut self) -> Self {
        self.end_entity_only = true;
        self
    }

    /// Takes a certificate that no list is responsible for as one that is not revoked.
    #[must_use]
    pub fn allow_unknown_status(mut self) -> Self {
        self.allow_unknown_status = true;
        self
    }

    /// The lists as `rustls-webpki` takes them.
    pub(super) fn borrow(&self) -> Vec<&CertRevocationList<'_>> {
        self.lists.iter().map(|list| &*list.list).collect()
    }

    /// How `rustls-webpki` is to use the borrowed lists; `None` where there are none. It refuses
    /// those that are out of date, unless told otherwise.
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

    /// Whether a certificate may be accepted about which no list says anything.
    pub(super) fn allows_unknown_status(&self) -> bool {
        self.allow_unknown_status
    }

    /// Whether the certificate at this place of a path is held against the lists.
    pub(super) fn asks_for(&self, position: usize) -> bool {
        position == 0 || !self.end_entity_only
    }

    /// Judges a certificate whose issuer is known by name only, so that no list of the issuer can be
    /// verified: it is revoked if one says so, and of unknown status otherwise.
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

    /// Refuses a certificate whose issuer has a list that is out of date at `now`, or has none where
    /// one is required.
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

    /// Whether a list of the certificate's issuer has its serial number.
    pub(super) fn revokes(&self, certificate: &PeerCertificate<'_>) -> bool {
        let mut lists = self.lists_of_issuer(certificate);
        // What cannot be read revokes.
        lists.any(|list| !matches!(list.list.find_serial(certificate.serial()), Ok(None)))
    }

    /// When the first list of the certificate's issuer is out of date, if there is one, in seconds
    /// since 1970.
    pub(super) fn expire(&self, certificate: &PeerCertificate<'_>) -> Option<u64> {
        let lists = self.lists_of_issuer(certificate);
        lists.map(|list| list.next_update.as_secs()).min()
    }

    /// Whether there is a list of the certificate's issuer.
    pub(super) fn covers(&self, certificate: &PeerCertificate<'_>) -> bool {
        self.lists_of_issuer(certificate).next().is_some()
    }

    /// Whether the certificate's issuer has a list about all of its certificates.
    pub(super) fn covers_all(&self, certificate: &PeerCertificate<'_>) -> bool {
        self.lists_of_issuer(certificate)
            .any(|list| list.list.issuing_distribution_point().is_none())
    }

    /// Whether this is the signed part of one of the lists.
    pub(super) fn contain(&self, signed: &[u8]) -> bool {
        self.lists.iter().any(|list| *list.signed == *signed)
    }

    /// Whether this is the signed part of a list of the certificate's issuer.
    pub(super) fn covers_by(&self, certificate: &PeerCertificate<'_>, signed: &[u8]) -> bool {
        self.lists_of_issuer(certificate).any(|list| *list.signed == *signed)
    }

    fn lists_of_issuer(&self, certificate: &PeerCertificate<'_>) -> impl Iterator<Item = &List> {
        let issuer = certificate.issuer_der();
        self.lists.iter().filter(move |list| *list.issuer == *issuer)
    }

    /// A value that two sets share if they have the same lists in the same order and the same settings.
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
