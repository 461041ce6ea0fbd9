//! The search for a path from a peer's certificate to a root, by `rustls-webpki`.

use super::chain::{Candidate, Chain, Link};
use super::constraints::Comparisons;
use super::form::Form;
use super::path_rules::check_path;
use super::purpose::{PurposeCheck, Role};
use super::revocation::{Crls, Issuer};
use super::roots::{Root, RootStore};
use super::search_error::{SearchError, carried};
use super::signatures::{SignatureRules, as_dyn};
use crate::crypto::rsa::PublicKey;
use crate::error::{CertificateError, CertificateFault};
use core::cell::{OnceCell, RefCell};
use core::time::Duration;
use pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, VerifiedPath};

/// The longest path that `rustls-webpki` finds, counting the leaf and the intermediates.
pub(super) const MAX_PATH: usize = 7;

/// A path from the peer's certificate to a root.
#[derive(Debug)]
pub(super) struct IssuerPath<'c> {
    leaf: &'c Link<'c>,
    /// The CAs between the leaf and the root, beginning with the issuer of the leaf.
    intermediates: Vec<&'c Link<'c>>,
    /// The root; `None` for a pinned certificate, which needs none.
    root: Option<Root<'c>>,
    /// The earliest nextUpdate of the CRLs that cover its certificates.
    lists_expire: Option<UnixTime>,
}

impl<'c> IssuerPath<'c> {
    /// The path of a certificate that is trusted by itself.
    pub(super) fn pinned(leaf: &'c Link<'c>) -> Self {
        Self {
            leaf,
            intermediates: Vec::new(),
            root: None,
            lists_expire: None,
        }
    }

    /// The certificates of the path from the leaf, without the root.
    pub(super) fn links(&self) -> impl Iterator<Item = &'c Link<'c>> {
        [self.leaf].into_iter().chain(self.intermediates.iter().copied())
    }

    #[cfg(feature = "ocsp")]
    pub(super) fn leaf(&self) -> &'c Link<'c> {
        self.leaf
    }

    /// The CAs between the leaf and the root, beginning with the issuer of the leaf.
    #[cfg(feature = "ocsp")]
    pub(super) fn intermediates(&self) -> &[&'c Link<'c>] {
        &self.intermediates
    }

    #[cfg(feature = "ocsp")]
    pub(super) fn root(&self) -> Option<Root<'c>> {
        self.root
    }

    /// The time at which the first of its certificates expires, in seconds since 1970.
    pub(super) fn expires(&self) -> u64 {
        let end = |link: &Link<'_>| link.certificate().not_after().as_secs();
        let intermediates = self.intermediates.iter();
        intermediates.fold(end(self.leaf), |first, link| first.min(end(link)))
    }

    /// The earliest nextUpdate of the CRLs that cover its certificates, in seconds since 1970. CRLs
    /// for a pinned certificate cannot be verified and set no time.
    pub(super) fn lists_expire(&self) -> Option<u64> {
        self.lists_expire.map(|end| end.as_secs())
    }

    /// Returns true if a CA of the path, or its root, restricts the names in the certificates below
    /// it.
    pub(super) fn has_name_constraints(&self) -> bool {
        let mut intermediates = self.intermediates.iter();
        self.root.is_some_and(|root| root.has_name_constraints())
            || intermediates.any(|link| link.certificate().has_name_constraints())
    }
}

/// The parameters of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'c> {
    pub(super) chain: &'c Chain<'c>,
    pub(super) roots: &'c RootStore,
    pub(super) revocation: Option<&'c Crls>,
    pub(super) role: Role,
    pub(super) now: UnixTime,
}

impl<'c> Search<'c> {
    /// Finds a path that is valid now, over all received certificates.
    pub(super) fn now(
        &self,
        leaf: &Form<'_>,
        rules: &SignatureRules<'_>,
    ) -> Result<IssuerPath<'c>, SearchError> {
        self.at(self.now, leaf, rules)
    }

    /// Finds a path whose certificates are all valid at one time within `tolerance` of now. Returns
    /// that time, too.
    pub(super) fn near(
        &self,
        tolerance: Duration,
        leaf: &Form<'_>,
        rules: &SignatureRules<'_>,
    ) -> Result<(UnixTime, IssuerPath<'c>), SearchError> {
        let error = match self.now(leaf, rules) {
            Ok(path) => return Ok((self.now, path)),
            Err(error) => error,
        };
        if !error.is_of_time() {
            return Err(error);
        }
        for time in self.times_near(tolerance) {
            match self.at(time, leaf, rules) {
                Ok(path) => return Ok((time, path)),
                Err(other) if other.is_of_time() => {}
                Err(other) => return Err(other),
            }
        }
        Err(error)
    }

    /// Finds the same path at this time, over its own certificates alone, so that the rules record
    /// only what it relies on.
    pub(super) fn again(
        &self,
        path: &IssuerPath<'c>,
        time: UnixTime,
        leaf: &Form<'_>,
        rules: &SignatureRules<'_>,
    ) -> Result<IssuerPath<'c>, SearchError> {
        let intermediates = path.intermediates.iter();
        let alone: Vec<_> = intermediates.map(|link| Candidate::of(link)).collect();
        self.find(time, leaf, &alone, rules)
    }

    /// Refuses a leaf that `rustls-webpki` cannot parse, such as one with an unsupported critical
    /// extension. Certificates before version 3 have no extensions and pass.
    pub(super) fn require_readable_leaf(&self) -> Result<(), SearchError> {
        let leaf = self.chain.leaf();
        let read = EndEntityCert::try_from(leaf.form().der()).map_err(SearchError::from);
        match read {
            Err(SearchError::Version) if leaf.certificate().has_no_extensions() => Ok(()),
            read => read.map(|_| ()),
        }
    }

    /// The times within the tolerance at which the validity of a certificate of the chain begins or
    /// ends, the nearest first. If the whole chain is valid at some time, it is valid at one of
    /// these.
    fn times_near(&self, tolerance: Duration) -> Vec<UnixTime> {
        let bounds = self.chain.links().flat_map(|link| {
            let certificate = link.certificate();
            let ended = Some(certificate.not_after()).filter(|end| *end < self.now);
            let begins = Some(certificate.not_before()).filter(|begin| *begin > self.now);
            [ended, begins].into_iter().flatten()
        });
        let distance = |time: &UnixTime| time.as_secs().abs_diff(self.now.as_secs());
        let mut times: Vec<_> =
            bounds.filter(|time| distance(time) <= tolerance.as_secs()).collect();
        times.sort_unstable_by_key(|time| (distance(time), *time));
        times.dedup();
        times
    }

    fn at(
        &self,
        time: UnixTime,
        leaf: &Form<'_>,
        rules: &SignatureRules<'_>,
    ) -> Result<IssuerPath<'c>, SearchError> {
        let candidates: Vec<_> = self.chain.candidates().collect();
        self.find(time, leaf, &candidates, rules)
    }

    /// Finds a path that is valid at this time, from the leaf in this form over these candidates.
    fn find(
        &self,
        time: UnixTime,
        leaf: &Form<'_>,
        candidates: &[Candidate<'c>],
        rules: &SignatureRules<'_>,
    ) -> Result<IssuerPath<'c>, SearchError> {
        let algorithms = rules.algorithms();
        let shown: Vec<_> =
            candidates.iter().map(|candidate| CertificateDer::from(candidate.shown)).collect();
        let (anchors, anchored): (Vec<_>, Vec<_>) = self.anchors().unzip();
        let comparisons = Comparisons::new();
        let status = RefCell::new(Status::default());
        let refused = OnceCell::new();
        let root = |anchor: &TrustAnchor<'_>| {
            let own = anchors.iter().position(|own| core::ptr::eq(own, anchor));
            // Only a configured root ends a path.
            own.and_then(|index| anchored.get(index)).copied().ok_or(SearchError::UnknownIssuer)
        };
        let check = |path: &VerifiedPath<'_>| {
            let authorities: Vec<_> =
                intermediates(path, candidates).collect::<Result<_, _>>().map_err(carried)?;
            let root = root(path.anchor()).map_err(carried)?;
            let checked = check_path(self.chain.leaf(), &authorities, root, &comparisons);
            checked.inspect_err(|error| drop(refused.set(error.clone()))).map_err(carried)?;
            self.check_revocation(&authorities, root, rules, &mut status.borrow_mut())
        };
        let own = EndEntityCert::try_from(leaf.der())?;
        let found = own.verify_for_usage(
            &as_dyn(&algorithms),
            &anchors,
            &shown,
            time,
            PurposeCheck::new(self.role, rules),
            None,
            Some(&check),
        );
        let path = match found {
            Ok(path) => path,
            Err(_) if rules.is_exhausted() => return Err(SearchError::TooMuchWork),
            Err(webpki::Error::UnknownRevocationStatus) => {
                let refused = status.into_inner().refused;
                return Err(refused.map_or(SearchError::Malformed, SearchError::Refused));
            }
            // A path with right signatures was refused, and a CA of an equal name is beside it.
            Err(webpki::Error::InvalidSignatureForPublicKey) => {
                return Err(refused.into_inner().map_or(SearchError::BadSignature, |error| error));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(IssuerPath {
            leaf: self.chain.leaf(),
            intermediates: intermediates(&path, candidates).collect::<Result<_, _>>()?,
            root: Some(root(path.anchor())?),
            lists_expire: status.into_inner().lists_expire,
        })
    }

    /// Checks the certificates of a path against the CRLs, as of now and not of the time at which the
    /// path is valid: a waiver for an expired certificate does not extend to its issuer's CRL.
    fn check_revocation(
        &self,
        authorities: &[&'c Link<'c>],
        root: Root<'c>,
        rules: &SignatureRules<'_>,
        status: &mut Status,
    ) -> Result<(), webpki::Error> {
        let Some(lists) = self.revocation else {
            return Ok(());
        };
        status.lists_expire = None;
        let mut issuer = Issuer::Root(root);
        let above = authorities.iter().copied();
        let links: Vec<_> = [self.chain.leaf()].into_iter().chain(above).collect();
        // From the root, so that what an issuer says counts once it is good itself.
        for (position, link) in links.iter().enumerate().rev() {
            let certificate = link.certificate();
            if lists.checks_position(position) {
                let judged = lists.judge(certificate, position > 0, issuer, rules, self.now);
                match judged {
                    Ok(next_update) => {
                        let ends = [status.lists_expire, next_update];
                        status.lists_expire = ends.into_iter().flatten().min();
                    }
                    Err(CertificateFault::TooMuchWork) => {
                        return Err(webpki::Error::MaximumSignatureChecksExceeded);
                    }
                    Err(fault) => {
                        status.refused.get_or_insert_with(|| link.blame(fault));
                        return Err(webpki::Error::UnknownRevocationStatus);
                    }
                }
            }
            issuer = Issuer::Authority(certificate);
        }
        Ok(())
    }

    /// The RSA keys of these roots, each with its encoding.
    pub(super) fn root_keys(&self) -> impl Iterator<Item = (&'c [u8], &'c PublicKey)> + use<'c> {
        self.anchors().filter_map(|(_, root)| root.public_key())
    }

    /// The roots that have the name of an issuer in the chain, each as it is shown.
    fn anchors(&self) -> impl Iterator<Item = (TrustAnchor<'c>, Root<'c>)> + use<'c> {
        let Self { chain, roots, .. } = *self;
        let mut issuers: Vec<&Link<'c>> = Vec::new();
        for link in chain.links() {
            if !issuers.iter().any(|other| other.shown_issuer() == link.shown_issuer()) {
                issuers.push(link);
            }
        }
        issuers.into_iter().flat_map(move |link| {
            let named = roots.named(link.issuer_canonical());
            named.filter_map(|root| Some((root.shown_as(link.shown_issuer())?, root)))
        })
    }
}

/// What the CRLs say about the paths of a search.
#[derive(Default)]
struct Status {
    /// The reason for which the first path was refused.
    refused: Option<CertificateError>,
    /// The earliest nextUpdate of the CRLs for the path that was checked last.
    lists_expire: Option<UnixTime>,
}

/// The candidates that are the CAs of a path.
///
/// `rustls-webpki` returns the slices that it was given, so a candidate is recognised by its
/// address and length, even if others hold the same bytes. (A caller may have put one slice in a
/// chain twice; then either position is right.)
fn intermediates<'p, 'c: 'p>(
    path: &'p VerifiedPath<'p>,
    candidates: &'p [Candidate<'c>],
) -> impl Iterator<Item = Result<&'c Link<'c>, SearchError>> + 'p {
    path.intermediate_certificates().map(move |intermediate| {
        let der = intermediate.der();
        candidates
            .iter()
            .find(|candidate| core::ptr::eq(candidate.shown, &*der))
            .and_then(|candidate| candidate.link)
            // Without a link, the certificate could not be parsed.
            .ok_or(SearchError::Malformed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{
        DAY, Key, NOW, Spec, at, authority, ca, key_usage, lists, roots, search, server,
        server_by_authority, unknown_critical,
    };
    use x509_cert::ext::pkix::KeyUsages;

    /// The positions of the certificates on the path that is found in this chain.
    fn positions(received: &[CertificateDer<'_>]) -> Result<Vec<usize>, SearchError> {
        let (chain, roots) = (Chain::read(received).unwrap(), roots());
        let search = search(&chain, &roots);
        let path = search.now(chain.leaf().form(), &SignatureRules::default())?;
        Ok(path.links().map(|link| link.id().position()).collect())
    }

    #[test]
    fn a_path_is_found_whatever_else_came() {
        let (leaf, authority) = (server_by_authority().build(), authority().build());
        let other = server().build();
        let garbage = CertificateDer::from(vec![0x30]);
        assert_eq!(positions(core::slice::from_ref(&other)), Ok(vec![0]));
        assert_eq!(
            positions(&[leaf.clone(), authority.clone()]),
            Ok(vec![0, 1])
        );
        let all = [
            leaf.clone(),
            garbage.clone(),
            other,
            leaf.clone(),
            authority,
        ];
        assert_eq!(positions(&all), Ok(vec![0, 4]));
        assert_eq!(
            positions(core::slice::from_ref(&leaf)),
            Err(SearchError::UnknownIssuer)
        );
        positions(&[leaf, garbage]).unwrap_err();
    }

    #[test]
    fn equal_certificates_are_not_mixed_up() {
        let (leaf, authority) = (server_by_authority().build(), authority().build());
        let twice = [leaf.clone(), authority.clone(), authority.clone()];
        assert_eq!(positions(&twice), Ok(vec![0, 1]));
        // Even where one slice stands in two places.
        let shared = CertificateDer::from(&*authority);
        let twice = [leaf, shared.clone(), shared];
        assert_eq!(positions(&twice), Ok(vec![0, 1]));
    }

    #[test]
    fn an_authority_has_to_be_allowed_to_sign_certificates() {
        let unable = Spec {
            extensions: vec![ca(), key_usage(KeyUsages::DigitalSignature)],
            ..authority()
        };
        let leaf = server_by_authority().build();
        let chain = [leaf.clone(), unable.build()];
        assert_eq!(positions(&chain), Err(SearchError::NotACa));
        let chain = [leaf, unable.build(), authority().build()];
        assert_eq!(positions(&chain), Ok(vec![0, 2]));
    }

    #[test]
    fn a_path_knows_when_it_ends() {
        let early = Spec {
            not_after: NOW + DAY / 2,
            ..authority()
        };
        let received = [server_by_authority().build(), early.build()];
        let (chain, roots, lists) = (Chain::read(&received).unwrap(), roots(), lists(&[]));
        let search = Search {
            revocation: Some(&lists),
            ..search(&chain, &roots)
        };
        // There is a CRL of the root, but none of the authority.
        let found = search.now(chain.leaf().form(), &SignatureRules::default());
        let unknown = chain.leaf().blame(CertificateFault::RevocationUnknown);
        assert_eq!(found.unwrap_err(), SearchError::Refused(unknown));
        let lists = lists.clone().allow_unknown_status();
        let search = Search {
            revocation: Some(&lists),
            ..search
        };
        let path = search.now(chain.leaf().form(), &SignatureRules::default());
        let path = path.unwrap();
        assert_eq!(path.expires(), NOW + DAY / 2);
        assert_eq!(path.lists_expire(), Some(NOW + DAY));
        assert!(!path.has_name_constraints());
        // A CRL that cannot be verified sets no time.
        let pinned = IssuerPath::pinned(chain.leaf());
        assert_eq!(pinned.expires(), NOW + DAY);
        assert_eq!(pinned.lists_expire(), None);
        let own_only = lists.clone().end_entity_only();
        let search = Search {
            revocation: Some(&own_only),
            ..search
        };
        let path = search.now(chain.leaf().form(), &SignatureRules::default());
        assert_eq!(path.unwrap().lists_expire(), None);
    }

    #[test]
    fn the_nearest_time_at_which_all_are_valid_is_found() {
        let expired = Spec {
            not_before: NOW - 9 * DAY,
            not_after: NOW - 2 * DAY,
            ..server_by_authority()
        };
        let until = Spec {
            not_before: NOW - 9 * DAY,
            not_after: NOW - 3 * DAY,
            ..authority()
        };
        let received = [expired.build(), until.build()];
        let (chain, roots) = (Chain::read(&received).unwrap(), roots());
        let search = search(&chain, &roots);
        let near = |days: u64| {
            let tolerance = Duration::from_secs(days * DAY);
            search.near(tolerance, chain.leaf().form(), &SignatureRules::default())
        };
        let (time, path) = near(3).unwrap();
        assert_eq!(time, at(NOW - 3 * DAY));
        assert_eq!(path.links().count(), 2);
        let not_after = at(NOW - 2 * DAY);
        assert_eq!(near(2).unwrap_err(), SearchError::Expired { not_after });
    }

    #[test]
    fn extensions_of_a_leaf_have_to_be_known() {
        let unknown = Spec {
            extensions: vec![unknown_critical()],
            ..server()
        };
        for (spec, result) in [
            (server(), Ok(())),
            (server().version_1(), Ok(())),
            (
                Spec {
                    version_1: true,
                    ..server()
                },
                Err(SearchError::Version),
            ),
            (unknown, Err(SearchError::CriticalExtension)),
        ] {
            let received = [spec.build()];
            let (chain, roots) = (Chain::read(&received).unwrap(), roots());
            assert_eq!(search(&chain, &roots).require_readable_leaf(), result);
        }
    }

    #[test]
    fn a_signature_has_to_be_that_of_the_issuer() {
        let forged = Spec {
            issuer_key: Key::Server,
            ..server()
        };
        assert_eq!(positions(&[forged.build()]), Err(SearchError::BadSignature));
    }
}
