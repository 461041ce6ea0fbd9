//! The way from a peer's certificate to a root, found by `rustls-webpki`.

use super::algorithms::{Rewritten, Terms, as_dyn};
use super::certificate::{PeerCertificate, Usage};
use super::diagnosis::explain;
use super::revocation::RevocationLists;
use super::roots::RootStore;
use super::version1::as_version_3;
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use core::cell::Cell;
use core::time::Duration;
use pki_types::{CertificateDer, UnixTime};
use webpki::{
    EndEntityCert, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter,
    VerifiedPath,
};

/// The longest path that `rustls-webpki` finds, from the peer's own certificate to the one that a
/// root issued.
pub(super) const MAX_PATH: usize = 7;

/// Which side the certificate is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

impl Role {
    /// What its key is used for.
    pub(super) fn usage(self) -> Usage {
        match self {
            Self::Server => Usage::KeyEncipherment,
            Self::Client => Usage::DigitalSignature,
        }
    }

    /// The purpose that extendedKeyUsage, where it is present, has to allow: id-kp-serverAuth or
    /// id-kp-clientAuth.
    fn purpose(self) -> KeyPurposeId<'static> {
        KeyPurposeId::new(match self {
            Self::Server => b"\x2b\x06\x01\x05\x05\x07\x03\x01",
            Self::Client => b"\x2b\x06\x01\x05\x05\x07\x03\x02",
        })
    }

    /// Refuses a certificate whose extendedKeyUsage, where it is present, does not allow the role:
    /// "the certificate MUST only be used for one of the purposes indicated"
    /// ([RFC 5280 section 4.2.1.12](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12)).
    pub(super) fn require_purpose(
        self,
        certificate: &PeerCertificate<'_>,
    ) -> Result<(), CertificateFault> {
        let Some(purposes) = certificate.purposes()? else {
            return Ok(());
        };
        let (allowed, wanted) = match self {
            Self::Server => (purposes.server_auth, "serverAuth"),
            Self::Client => (purposes.client_auth, "clientAuth"),
        };
        let known = [
            (purposes.any, "anyExtendedKeyUsage"),
            (purposes.server_auth, "serverAuth"),
            (purposes.client_auth, "clientAuth"),
            (purposes.code_signing, "codeSigning"),
            (purposes.email_protection, "emailProtection"),
            (purposes.time_stamping, "timeStamping"),
            (purposes.ocsp_signing, "OCSPSigning"),
        ];
        let named = known.iter().filter(|(has, _)| *has);
        let named = named.map(|(_, name)| (*name).to_owned());
        let others = purposes.other.iter().map(ToString::to_string);
        match allowed {
            true => Ok(()),
            false => Err(CertificateFault::ExtendedKeyUsage {
                wanted,
                found: Excerpt::list(named.chain(others)),
            }),
        }
    }
}

/// The purpose that each certificate of a path is asked for, which is when it is put there.
struct Bounded<'a> {
    purpose: KeyPurposeId<'static>,
    terms: &'a Terms,
}

impl ExtendedKeyUsageValidator for Bounded<'_> {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        if !self.terms.step() {
            return Err(webpki::Error::MaximumPathBuildCallsExceeded);
        }
        let mut restricted = false;
        for purpose in purposes {
            restricted = true;
            if purpose? == self.purpose {
                return Ok(());
            }
        }
        // Which certificate it is, and what it allows, is found out once and not at each step.
        match restricted {
            true => Err(webpki::Error::EmptyEkuExtension),
            false => Ok(()),
        }
    }
}

/// What leads from a peer's certificate to whom one believes.
#[derive(Debug)]
pub(super) struct Path {
    /// Where its certificates stand in the chain as it came, the peer's own first.
    pub(super) positions: Vec<usize>,
    /// Which root it leads to; a pinned certificate needs none.
    #[cfg_attr(not(feature = "ocsp"), allow(dead_code, reason = "OCSP asks for it"))]
    pub(super) root: Option<usize>,
    /// When the first certificate above the peer's own expires, in seconds since 1970.
    pub(super) expires: u64,
    /// When the first revocation list that was asked is out of date, in seconds since 1970.
    pub(super) lists_expire: u64,
    /// Whether an authority of it may give certain names only.
    pub(super) constrained: bool,
    /// What was waived to find it.
    pub(super) waivers: Waivers,
}

impl Path {
    /// Counts in how long the lists of the last certificate's issuer are good, if it is asked for.
    fn ask(&mut self, lists: &RevocationLists, last: &PeerCertificate<'_>) {
        if lists.asks_for(self.positions.len() - 1) {
            self.lists_expire = self.lists_expire.min(lists.expire(last));
        }
    }
}

/// A search for a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    pub(super) chain: &'a [CertificateDer<'a>],
    pub(super) roots: &'a RootStore,
    pub(super) revocation: Option<&'a RevocationLists>,
    pub(super) role: Role,
    pub(super) now: UnixTime,
}

impl Search<'_> {
    /// Finds a path with which nothing is wrong.
    pub(super) fn strictly(&self) -> Result<Path, CertificateError> {
        let terms = Terms::default();
        let own = self.chain.first().ok_or(CertificateFault::Malformed)?;
        self.find(own, &terms, self.now)
            .map_err(|error| explain(error, self, &terms))
    }

    /// Refuses a certificate with an extension that would have to be known, or one that says what it
    /// must not. Those before version 3 have none.
    pub(super) fn check_extensions(&self) -> Result<(), CertificateError> {
        let own = self.chain.first().ok_or(CertificateFault::Malformed)?;
        match EndEntityCert::try_from(own) {
            Ok(_) => Ok(()),
            Err(webpki::Error::UnsupportedCertVersion)
                if PeerCertificate::parse(own)?
                    .parsed()
                    .extensions()
                    .is_empty() =>
            {
                Ok(())
            }
            Err(error) => Err(explain(error, self, &Terms::default())),
        }
    }

    /// Finds a path that is good enough where these checks are waived.
    pub(super) fn waiving(
        &self,
        waived: Waivers,
        tolerance: Duration,
    ) -> Result<Path, CertificateError> {
        let own = self.chain.first().ok_or(CertificateFault::Malformed)?;
        let rewritten = match waived.contains(Waiver::Version1) {
            true => as_version_3(&PeerCertificate::parse(own)?),
            false => None,
        };
        let (own, rewritten): (_, Option<Rewritten>) = match rewritten {
            Some((shown, rewritten)) => (shown, Some(rewritten)),
            None => (own.clone(), None),
        };
        let version_1 = rewritten.as_ref().map(|_| Waiver::Version1);
        let mut terms = Terms::new(waived, rewritten);
        let (time, mut path) = self
            .find_near(&own, &terms, tolerance)
            .map_err(|error| explain(error, self, &terms))?;
        let outside_validity = (time != self.now).then_some(Waiver::OutsideValidity);
        if outside_validity.is_some() {
            self.require_fresh_lists(&path)?;
        }
        // Once more without what is no part of the path, so that only what the path relies on counts.
        let positions = path.positions.iter();
        let chain: Vec<_> = positions
            .filter_map(|at| self.chain.get(*at).cloned())
            .collect();
        let alone = Search {
            chain: &chain,
            ..*self
        };
        terms.forget();
        let found_again = alone.find(&own, &terms, time);
        found_again.map_err(|error| explain(error, self, &terms))?;
        let waivers = terms.relied_on().chain(version_1).chain(outside_validity);
        path.waivers = waivers.collect();
        Ok(path)
    }

    /// Finds a path at a time that is not farther from now than the tolerance: the whole chain has to
    /// be valid at that time. Gives back the time, too.
    fn find_near(
        &self,
        own: &CertificateDer<'_>,
        terms: &Terms,
        tolerance: Duration,
    ) -> Result<(UnixTime, Path), webpki::Error> {
        let error = match self.find(own, terms, self.now) {
            Ok(path) => return Ok((self.now, path)),
            Err(error) => error,
        };
        let of_time = |error: &webpki::Error| {
            matches!(
                error,
                webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }
            )
        };
        if !of_time(&error) {
            return Err(error);
        }
        for time in self.times_near(tolerance) {
            match self.find(own, terms, time) {
                Ok(path) => return Ok((time, path)),
                Err(other) if of_time(&other) => {}
                Err(other) => return Err(other),
            }
        }
        Err(error)
    }

    /// The times within the tolerance at which a certificate of the chain ends or begins to be valid,
    /// the nearest first: if the whole chain is valid at any, it is at one of these.
    fn times_near(&self, tolerance: Duration) -> Vec<UnixTime> {
        let parsed = self.chain.iter();
        let parsed = parsed.filter_map(|der| PeerCertificate::parse(der).ok());
        let bounds = parsed.flat_map(|certificate| {
            let ended = Some(certificate.not_after()).filter(|end| *end < self.now);
            let begins = Some(certificate.not_before()).filter(|begin| *begin > self.now);
            [ended, begins].into_iter().flatten()
        });
        let distance = |time: &UnixTime| time.as_secs().abs_diff(self.now.as_secs());
        let mut times: Vec<_> = bounds
            .filter(|time| distance(time) <= tolerance.as_secs())
            .collect();
        times.sort_unstable_by_key(|time| (distance(time), *time));
        times.dedup();
        times
    }

    /// Finds a path that is valid at this time, from the peer's own certificate in this form.
    fn find(
        &self,
        own: &CertificateDer<'_>,
        terms: &Terms,
        time: UnixTime,
    ) -> Result<Path, webpki::Error> {
        let algorithms = terms.algorithms();
        let lists = self.revocation.map(RevocationLists::borrow);
        let lists = lists.unwrap_or_default();
        // At another time than now the lists are not asked whether they are good now.
        let expiration = match time == self.now {
            true => ExpirationPolicy::Enforce,
            false => ExpirationPolicy::Ignore,
        };
        let revocation = self.revocation;
        let revocation = revocation.map(|policy| policy.options(&lists, expiration));
        let revocation = revocation.transpose()?.flatten();
        let intermediates = self.chain.get(1..).unwrap_or_default();
        let certificate = EndEntityCert::try_from(own)?;
        let purpose = Bounded {
            purpose: self.role.purpose(),
            terms,
        };
        let described = Cell::new(None);
        certificate.verify_for_usage(
            &as_dyn(&algorithms),
            &self.roots.anchors,
            intermediates,
            time,
            purpose,
            revocation,
            Some(&|path| {
                described.set(Some(self.describe(path)?));
                Ok(())
            }),
        )?;
        described.into_inner().ok_or(webpki::Error::BadDer)
    }

    /// Reads what is to be known of a path. Refuses one with an authority whose key may not sign
    /// certificates, which `rustls-webpki` leaves to others.
    fn describe(&self, path: &VerifiedPath<'_>) -> Result<Path, webpki::Error> {
        let unread = || webpki::Error::BadDer;
        let anchor = path.anchor();
        let mut roots = self.roots.anchors.iter();
        let root = roots.position(|root| core::ptr::eq(root, anchor));
        let mut described = Path {
            positions: vec![0],
            root: Some(root.ok_or_else(unread)?),
            expires: u64::MAX,
            lists_expire: u64::MAX,
            constrained: anchor.name_constraints.is_some(),
            waivers: Waivers::default(),
        };
        if let Some(lists) = self.revocation {
            let own = PeerCertificate::first_of(self.chain).map_err(|_| unread())?;
            described.ask(lists, &own);
        }
        for intermediate in path.intermediate_certificates() {
            let der = intermediate.der();
            let mut chain = self.chain.iter();
            let position = chain.position(|certificate| *certificate == der);
            let authority = PeerCertificate::parse(&der).map_err(|_| unread())?;
            let may_issue = authority.require_key_usage(Usage::KeyCertSign);
            may_issue.map_err(|_| webpki::Error::EndEntityUsedAsCa)?;
            described.positions.push(position.ok_or_else(unread)?);
            if let Some(lists) = self.revocation {
                described.ask(lists, &authority);
            }
            described.expires = described.expires.min(authority.not_after().as_secs());
            described.constrained |= authority.has_name_constraints();
        }
        Ok(described)
    }

    /// Who issued the peer's own certificate.
    #[cfg(feature = "ocsp")]
    pub(super) fn issuer(&self, path: &Path) -> Option<pki_types::TrustAnchor<'_>> {
        match path.positions.get(1) {
            Some(position) => webpki::anchor_from_trusted_cert(self.chain.get(*position)?).ok(),
            None => self.roots.anchors.get(path.root?).cloned(),
        }
    }

    /// Asks the lists as of now. A certificate that is excused for being out of date does not excuse
    /// its issuer's list.
    fn require_fresh_lists(&self, path: &Path) -> Result<(), CertificateError> {
        let Some(lists) = self.revocation else {
            return Ok(());
        };
        for (index, position) in path.positions.iter().enumerate() {
            if !lists.asks_for(index) {
                continue;
            }
            let certificate = self.chain.get(*position);
            let certificate = PeerCertificate::parse(certificate.map_or(&[], AsRef::as_ref))?;
            let fresh = lists.require_fresh(&certificate, self.now);
            fresh.map_err(|fault| CertificateError::new(fault, Some(certificate.id(*position))))?;
        }
        Ok(())
    }
}
