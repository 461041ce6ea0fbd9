//! The verification of a peer's chain. It searches with nothing waived, then tries the leaf alone, then
//! the waivers. After that it checks the name, the stapled OCSP response and the use of the key.

use super::chain::{Chain, Link, MAX_CHAIN};
use super::diagnosis::explain;
use super::form::Form;
#[cfg(feature = "ocsp")]
use super::ocsp;
use super::path::{IssuerPath, Search};
use super::purpose::Role;
use super::search_error::SearchError;
use super::server_name::check_name;
use super::settings::Settings;
use super::signatures::{SignatureRules, Work};
use crate::crypto::hash::sha256;
use crate::crypto::rsa::PublicKey;
#[cfg(feature = "ocsp")]
use crate::error::OcspFault;
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

/// A peer that was accepted by a policy or by the caller.
#[derive(Debug)]
pub(crate) struct VerifiedPeer {
    /// The key of its certificate.
    pub(crate) key: PublicKey,
    /// The certificates of the path, from the leaf, without the root. If the caller accepted the
    /// chain without verification, all certificates received.
    pub(crate) chain: Box<[CertificateDer<'static>]>,
    /// The time at which the first of these certificates, their CRLs or their OCSP response
    /// expires, in seconds since 1970.
    pub(crate) expires: u64,
    /// The waivers that were needed.
    pub(crate) waivers: Waivers,
    /// True if an OCSP response with status "good" was verified.
    pub(crate) ocsp_verified: bool,
    /// True if the caller accepted the chain without verification.
    pub(crate) by_caller: bool,
}

/// The OCSP response to a server's certificate.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "ocsp"), allow(dead_code, reason = "OCSP asks for it"))]
pub(crate) enum Stapled<'a> {
    /// The response in a full handshake, if the server sent one.
    Response(Option<&'a [u8]>),
    /// A resumed session, in which the server sends no response; it may have been verified before.
    Resumed { verified: bool },
}

/// Verifies a server's chain and its stapled OCSP response at `now`.
pub(super) fn judge_server(
    settings: &Settings,
    chain: &Chain<'_>,
    server_name: &ServerName<'_>,
    stapled: Stapled<'_>,
    now: UnixTime,
) -> Result<VerifiedPeer, CertificateError> {
    let judgement = Judgement::new(settings, chain, Role::Server, now);
    let mut accepted = judgement.path()?;
    let constrained = accepted.path.has_name_constraints();
    let named = check_name(chain.leaf(), constrained, server_name, settings.waived);
    accepted.waivers.extend(judgement.blame_leaf(named)?);
    let good_until = judgement.check_ocsp(&mut accepted, stapled)?;
    let peer = judgement.accept(accepted)?;
    Ok(match good_until {
        Some(next_update) => VerifiedPeer {
            expires: peer.expires.min(next_update.as_secs()),
            ocsp_verified: true,
            ..peer
        },
        None => peer,
    })
}

/// Verifies a client's chain at `now`.
pub(super) fn judge_client(
    settings: &Settings,
    chain: &Chain<'_>,
    now: UnixTime,
) -> Result<VerifiedPeer, CertificateError> {
    let judgement = Judgement::new(settings, chain, Role::Client, now);
    judgement.accept(judgement.path()?)
}

/// Accepts a server that the caller accepted without verification, if its key may be used for
/// encryption.
pub(crate) fn server_key(
    received: &[CertificateDer<'_>],
) -> Result<VerifiedPeer, CertificateError> {
    key_for_caller(received).map_err(CertificateError::without_policy)
}

fn key_for_caller(received: &[CertificateDer<'_>]) -> Result<VerifiedPeer, CertificateError> {
    let chain = Chain::read(received)?;
    let leaf = chain.leaf();
    let usable = usable_key(leaf, Role::Server, Waivers::default())?;
    Ok(VerifiedPeer {
        key: usable.key,
        chain: owned(chain.received()),
        expires: leaf.certificate().not_after().as_secs(),
        waivers: usable.waivers,
        ocsp_verified: false,
        by_caller: true,
    })
}

/// The verification of one chain under one policy.
struct Judgement<'c> {
    settings: &'c Settings,
    search: Search<'c>,
    work: Arc<Work>,
}

/// A path that the policy accepts, and the waivers that were needed.
struct AcceptedPath<'c> {
    path: IssuerPath<'c>,
    waivers: Waivers,
}

impl<'c> Judgement<'c> {
    fn new(settings: &'c Settings, chain: &'c Chain<'c>, role: Role, now: UnixTime) -> Self {
        Self {
            settings,
            work: Arc::new(Work::for_chain(chain.received().map(<[u8]>::len).sum())),
            search: Search {
                chain,
                roots: &settings.roots,
                revocation: settings.revocation.as_ref(),
                role,
                now,
            },
        }
    }

    fn leaf(&self) -> &'c Link<'c> {
        self.search.chain.leaf()
    }

    /// Finds a path that the policy accepts: first with nothing waived, then by the leaf alone if
    /// it is a root or pinned, then with the waivers that apply to chains.
    fn path(&self) -> Result<AcceptedPath<'c>, CertificateError> {
        self.any_path().map_err(|error| {
            if self.would_help_to_pin(&error) {
                error.with_pin(sha256(self.search.chain.leaf_received()))
            } else {
                self.search.chain.advise_to_mend(error)
            }
        })
    }

    /// Returns true if a pin would accept the leaf, whose chain has this fault. Nobody is advised to
    /// evade a CRL by a pin.
    fn would_help_to_pin(&self, error: &CertificateError) -> bool {
        let by_lists = matches!(
            error.fault(),
            CertificateFault::Revoked
                | CertificateFault::RevocationUnknown
                | CertificateFault::CrlExpired { .. }
                | CertificateFault::CrlInvalid
        );
        !by_lists && !self.settings.requires_ocsp_response && self.by_itself(None).is_ok()
    }

    fn any_path(&self) -> Result<AcceptedPath<'c>, CertificateError> {
        if self.leaf().is_mended() {
            return self.by_itself(Some(Waiver::PinnedCertificate));
        }
        let strictly_refused = match self.strict() {
            Ok(path) => return Ok(path),
            Err(error) => error,
        };
        // A root as the peer's own certificate: the holder of its key could issue itself another
        // one. Like a pinned certificate it needs no chain, and nothing is waived.
        let chain = self.search.chain;
        let known = if self.settings.roots.has_certificate(chain.leaf_received()) {
            Some(None)
        } else {
            self.settings.matching_pin(chain).map(|pin| Some(pin.waiver()))
        };
        let refused = match known {
            None => strictly_refused,
            Some(pin) => match self.by_itself(pin) {
                Ok(path) => return Ok(path),
                Err(error) => error,
            },
        };
        let of_chains = [
            Waiver::Version1,
            Waiver::Sha1Signature,
            Waiver::ShortRsaKey,
            Waiver::OutsideValidity,
            Waiver::ExtendedKeyUsage,
        ];
        let mut waivable = of_chains.into_iter();
        if waivable.any(|waiver| self.waives(waiver))
            && *refused.fault() != CertificateFault::TooMuchWork
        {
            return self.waiving().map_err(|error| known.map_or(error, |_| refused));
        }
        Err(refused)
    }

    /// Finds a path with nothing waived.
    fn strict(&self) -> Result<AcceptedPath<'c>, CertificateError> {
        let rules = self.rules(self.leaf().form(), Waivers::default());
        let path = self.search.now(self.leaf().form(), &rules);
        Ok(AcceptedPath {
            path: path.map_err(|error| self.explain(error, &rules))?,
            waivers: Waivers::default(),
        })
    }

    /// Makes the remaining checks of a certificate that needs no chain: a root, or a pinned one,
    /// for which the pin is a waiver.
    fn by_itself(&self, pin: Option<Waiver>) -> Result<AcceptedPath<'c>, CertificateError> {
        let certificate = self.leaf().certificate();
        self.search
            .require_readable_leaf()
            .map_err(|error| self.explain(error, &SignatureRules::default()))?;
        let outside_validity = self.blame_leaf(self.check_validity())?;
        let other_purpose = self.blame_leaf(self.check_purpose())?;
        if let Some(lists) = self.search.revocation {
            self.blame_leaf(lists.judge_without_issuer(certificate, self.search.now))?;
        }
        Ok(AcceptedPath {
            path: IssuerPath::pinned(self.leaf()),
            waivers: [pin, outside_validity, other_purpose].into_iter().flatten().collect(),
        })
    }

    /// Finds a path with the waivers that apply to chains.
    fn waiving(&self) -> Result<AcceptedPath<'c>, CertificateError> {
        let version_1_as_3 = if self.waives(Waiver::Version1) {
            Form::version_1_as_3(self.leaf().certificate())
        } else {
            None
        };
        let version_1 = version_1_as_3.as_ref().map(|_| Waiver::Version1);
        let leaf = match &version_1_as_3 {
            Some(form) => form,
            None => self.leaf().form(),
        };
        let mut rules = self.rules(leaf, self.settings.waived);
        let (time, path) = self
            .search
            .near(self.settings.tolerance, leaf, &rules)
            .map_err(|error| self.explain(error, &rules))?;
        let outside_validity = (time != self.search.now).then_some(Waiver::OutsideValidity);
        rules.forget();
        let found_again = self.search.again(&path, time, leaf, &rules);
        found_again.map_err(|error| self.explain(error, &rules))?;
        let other_purpose = self.blame_leaf(self.check_purpose())?;
        let excused = [version_1, outside_validity, other_purpose].into_iter().flatten();
        let waivers = rules.relied_on().chain(excused);
        Ok(AcceptedPath {
            path,
            waivers: waivers.collect(),
        })
    }

    /// The rules for a search from the leaf in this form.
    fn rules<'f>(&self, leaf: &'f Form<'_>, waived: Waivers) -> SignatureRules<'f>
    where
        'c: 'f,
    {
        let others = self.search.chain.links().skip(1).map(Link::form);
        let rewritten = [leaf].into_iter().chain(others).filter_map(Form::rewritten);
        SignatureRules::new(waived)
            .with_rewritten(rewritten)
            .with_parsed(self.search.root_keys())
            .sharing(&self.work)
    }

    /// Refuses a leaf that is not valid now, or, if waived, not within the tolerance.
    fn check_validity(&self) -> Result<Option<Waiver>, CertificateFault> {
        let now = self.search.now;
        let certificate = self.leaf().certificate();
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if not_before > not_after {
            return Err(CertificateFault::Malformed);
        }
        let (fault, distance) = if now < not_before {
            let distance = not_before.as_secs().abs_diff(now.as_secs());
            (CertificateFault::NotYetValid { not_before, now }, distance)
        } else if now > not_after {
            let distance = now.as_secs().abs_diff(not_after.as_secs());
            (CertificateFault::Expired { not_after, now }, distance)
        } else {
            return Ok(None);
        };
        let tolerated = distance <= self.settings.tolerance.as_secs();
        if !(tolerated && self.waives(Waiver::OutsideValidity)) {
            return Err(fault);
        }
        Ok(Some(Waiver::OutsideValidity))
    }

    /// Refuses a leaf whose extendedKeyUsage does not allow the role, unless that is waived. An
    /// extension without a purpose is malformed, which is not waived.
    fn check_purpose(&self) -> Result<Option<Waiver>, CertificateFault> {
        match self.search.role.require_purpose(self.leaf().certificate()) {
            Err(CertificateFault::ExtendedKeyUsage { found, .. })
                if self.waives(Waiver::ExtendedKeyUsage) && found.as_str() != Excerpt::NOTHING =>
            {
                Ok(Some(Waiver::ExtendedKeyUsage))
            }
            allowed => allowed.map(|()| None),
        }
    }

    /// Requires a good OCSP response if the policy does. Returns the time at which it expires.
    #[cfg(feature = "ocsp")]
    fn check_ocsp(
        &self,
        accepted: &mut AcceptedPath<'c>,
        stapled: Stapled<'_>,
    ) -> Result<Option<UnixTime>, CertificateError> {
        let response = match stapled {
            _ if !self.settings.requires_ocsp_response => return Ok(None),
            Stapled::Resumed { verified: true } => return Ok(None),
            Stapled::Resumed { verified: false } => None,
            Stapled::Response(response) => response,
        };
        let judge = |waived| {
            let response = response.ok_or(OcspFault::Missing)?;
            let subject = ocsp::Subject::new(&accepted.path, self.search.now);
            let subject = subject.ok_or(OcspFault::Responder)?;
            let rules = SignatureRules::new(waived).sharing(&self.work);
            let end = subject.is_good_by(response, &rules)?;
            Ok((end, rules.relied_on().collect::<Waivers>()))
        };
        // As for the chain, a waiver counts where the response is refused without it.
        let of_signatures = [Waiver::Sha1Signature, Waiver::ShortRsaKey];
        let judged = match judge(Waivers::default()) {
            Err(CertificateFault::Ocsp(OcspFault::BadSignature | OcspFault::Responder))
                if of_signatures.into_iter().any(|waiver| self.waives(waiver)) =>
            {
                judge(self.settings.waived)
            }
            judged => judged,
        };
        let (end, needed) = self.blame_leaf(judged)?;
        accepted.waivers.extend(needed.iter());
        Ok(Some(end))
    }

    #[cfg(not(feature = "ocsp"))]
    fn check_ocsp(
        &self,
        _accepted: &mut AcceptedPath<'c>,
        _stapled: Stapled<'_>,
    ) -> Result<Option<UnixTime>, CertificateError> {
        Ok(None)
    }

    /// Accepts the peer, if its key may be used as its role requires.
    fn accept(&self, accepted: AcceptedPath<'c>) -> Result<VerifiedPeer, CertificateError> {
        let AcceptedPath { path, mut waivers } = accepted;
        let usable = usable_key(self.leaf(), self.search.role, self.settings.waived);
        let usable = usable.map_err(|error| self.search.chain.advise_to_mend(error))?;
        waivers.extend(usable.waivers.iter());
        if self.search.chain.received_count() > usize::from(MAX_CHAIN) {
            waivers.insert(Waiver::LongChain);
        }
        // The tolerance extends the validity of certificates, but not of CRLs.
        let excused = if waivers.contains(Waiver::OutsideValidity) {
            path.expires().saturating_add(self.settings.tolerance.as_secs())
        } else {
            path.expires()
        };
        let above = path.links().skip(1).map(|link| link.certificate().der());
        let received = [self.search.chain.leaf_received()].into_iter().chain(above);
        let lists_expire = path.lists_expire();
        Ok(VerifiedPeer {
            key: usable.key,
            chain: owned(received),
            expires: lists_expire.map_or(excused, |lists_expire| excused.min(lists_expire)),
            waivers,
            ocsp_verified: false,
            by_caller: false,
        })
    }

    fn waives(&self, waiver: Waiver) -> bool {
        self.settings.waived.contains(waiver)
    }

    fn explain(&self, error: SearchError, rules: &SignatureRules<'_>) -> CertificateError {
        explain(error, &self.search, rules)
    }

    /// Attributes a fault to the leaf.
    fn blame_leaf<T>(&self, checked: Result<T, CertificateFault>) -> Result<T, CertificateError> {
        checked.map_err(|fault| self.leaf().blame(fault))
    }
}

/// A key that may be used, and the waivers that were needed.
struct UsableKey {
    key: PublicKey,
    waivers: Waivers,
}

/// Returns the leaf's key, if it may be used as the role requires.
fn usable_key(leaf: &Link<'_>, role: Role, waived: Waivers) -> Result<UsableKey, CertificateError> {
    let certificate = leaf.certificate();
    let check = || {
        let mut waivers = Waivers::default();
        match certificate.require_key_usage(role.usage()) {
            Err(CertificateFault::KeyUsage { .. })
                if role == Role::Server && waived.contains(Waiver::MissingKeyEncipherment) =>
            {
                waivers.insert(Waiver::MissingKeyEncipherment);
            }
            usage => usage?,
        }
        let short = waived.contains(Waiver::ShortRsaKey);
        let key = if leaf.is_mended() {
            certificate.pinned_public_key(short)?
        } else {
            certificate.public_key(short)?
        };
        if key.is_short() {
            waivers.insert(Waiver::ShortRsaKey);
        }
        Ok(UsableKey { key, waivers })
    };
    check().map_err(|fault| leaf.blame(fault))
}

fn owned<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Box<[CertificateDer<'static>]> {
    let owned = certificates.map(|der| CertificateDer::from(der.to_vec()));
    owned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::settings::Pin;
    use crate::verify::testing::{
        DAY, Key, NOW, Spec, at, authority, ca, key_usage, lists, roots, server,
        server_by_authority, server_name,
    };
    use core::time::Duration;
    use sha2::{Digest, Sha256};
    use x509_cert::ext::pkix::KeyUsages;

    fn settings(waived: &[Waiver]) -> Settings {
        Settings {
            waived: waived.iter().copied().collect(),
            tolerance: Duration::from_secs(2 * DAY),
            ..Settings::new(roots())
        }
    }

    fn judge(
        settings: &Settings,
        received: &[CertificateDer<'_>],
    ) -> Result<VerifiedPeer, CertificateError> {
        let chain = Chain::read(received)?;
        let stapled = Stapled::Response(None);
        judge_server(settings, &chain, &server_name(), stapled, at(NOW))
    }

    #[track_caller]
    fn waivers(settings: &Settings, spec: &Spec) -> Vec<Waiver> {
        let peer = judge(settings, &[spec.build()]).unwrap();
        peer.waivers.iter().collect()
    }

    #[track_caller]
    fn fault(settings: &Settings, spec: &Spec) -> CertificateFault {
        let error = judge(settings, &[spec.build()]).unwrap_err();
        error.fault().clone()
    }

    fn pin(spec: &Spec) -> Pin {
        Pin::Certificate(Sha256::digest(&*spec.build()).into())
    }

    #[test]
    fn only_the_path_is_kept_of_a_chain() {
        let (leaf, authority) = (server_by_authority().build(), authority().build());
        let garbage = CertificateDer::from(vec![0x30]);
        let received = [leaf.clone(), garbage, server().build(), authority.clone()];
        let peer = judge(&settings(&[]), &received).unwrap();
        assert_eq!(*peer.chain, [leaf, authority]);
        assert_eq!(peer.expires, NOW + DAY);
        assert!(peer.waivers.is_empty());
        assert!(!peer.ocsp_verified);
        // If the caller accepts the chain, all of it is stored.
        let peer = server_key(&received).unwrap();
        assert_eq!(*peer.chain, received);
    }

    #[test]
    fn nothing_is_waived_of_what_is_good() {
        let all = settings(Waiver::ALL);
        let with_pin = Settings {
            pins: vec![pin(&server())],
            ..all.clone()
        };
        assert_eq!(waivers(&all, &server()), []);
        assert_eq!(waivers(&with_pin, &server()), []);
    }

    #[test]
    fn a_pin_goes_before_a_waiver() {
        let expired = Spec {
            not_after: NOW - DAY,
            not_before: NOW - 9 * DAY,
            ..server()
        };
        let waiving = settings(&[Waiver::OutsideValidity]);
        assert_eq!(waivers(&waiving, &expired), [Waiver::OutsideValidity]);
        let pinned = Settings {
            pins: vec![pin(&expired)],
            ..waiving
        };
        let both = [Waiver::PinnedCertificate, Waiver::OutsideValidity];
        assert_eq!(waivers(&pinned, &expired), both);
        let peer = judge(&pinned, &[expired.build()]).unwrap();
        assert_eq!(peer.expires, NOW + DAY);

        let strict = Settings {
            pins: pinned.pins,
            ..settings(&[])
        };
        let not_after = at(NOW - DAY);
        let now = at(NOW);
        let ended = CertificateFault::Expired { not_after, now };
        assert_eq!(fault(&strict, &expired), ended);
    }

    #[test]
    fn a_pin_excuses_the_chain_alone() {
        let stranger = Spec {
            issuer_key: Key::Server,
            issuer: "CN=Stranger",
            ..server()
        };
        let pinned = Settings {
            pins: vec![pin(&stranger)],
            ..settings(&[])
        };
        assert_eq!(waivers(&pinned, &stranger), [Waiver::PinnedCertificate]);
        let other = judge_server(
            &pinned,
            &Chain::read(&[stranger.build()]).unwrap(),
            &"other.example".try_into().unwrap(),
            Stapled::Response(None),
            at(NOW),
        );
        let other = other.unwrap_err();
        assert!(matches!(
            other.fault(),
            CertificateFault::NameMismatch { .. }
        ));
        assert_eq!(other.certificate().map(|id| id.position()), Some(0));
        let listed = Settings {
            revocation: Some(lists(&[])),
            ..pinned
        };
        let unknown = CertificateFault::RevocationUnknown;
        assert_eq!(fault(&listed, &stranger), unknown);
    }

    /// What `openssl req -x509` makes, and a user configures as a root.
    #[test]
    fn a_root_may_be_the_leaf_itself() {
        let own = Spec {
            issuer: "CN=server.example",
            issuer_key: Key::Server,
            extensions: [vec![ca()], server().extensions].concat(),
            ..server()
        };
        let with_root = |root: &Spec, waived: &[Waiver]| {
            let mut roots = roots();
            roots.add(&root.build()).unwrap();
            Settings {
                roots,
                ..settings(waived)
            }
        };
        assert_eq!(waivers(&with_root(&own, &[]), &own), []);
        // Even if it is pinned, or would need a waiver for a chain.
        let pinned = Settings {
            pins: vec![pin(&own)],
            ..with_root(&own, Waiver::ALL)
        };
        assert_eq!(waivers(&pinned, &own), []);
        let received = [own.build()];
        let chain = Chain::read(&received).unwrap();
        let signs = Spec {
            extensions: vec![ca()],
            ..own.clone()
        };
        let client = [signs.build()];
        let client = Chain::read(&client).unwrap();
        judge_client(&with_root(&signs, &[]), &client, at(NOW)).unwrap();

        // Another certificate of the root's name and key is not the root.
        let renewed = Spec {
            serial: 43,
            ..own.clone()
        };
        assert_eq!(
            fault(&with_root(&renewed, &[]), &own),
            CertificateFault::CaAsLeaf
        );
        // Everything about the leaf is still checked.
        let other = judge_server(
            &with_root(&own, &[]),
            &chain,
            &"other.example".try_into().unwrap(),
            Stapled::Response(None),
            at(NOW),
        );
        assert!(matches!(
            other.unwrap_err().fault(),
            CertificateFault::NameMismatch { .. }
        ));
        let expired = Spec {
            not_before: NOW - 9 * DAY,
            not_after: NOW - DAY,
            ..own.clone()
        };
        let ended = CertificateFault::Expired {
            not_after: at(NOW - DAY),
            now: at(NOW),
        };
        assert_eq!(fault(&with_root(&expired, &[]), &expired), ended);
        let tolerant = with_root(&expired, &[Waiver::OutsideValidity]);
        assert_eq!(waivers(&tolerant, &expired), [Waiver::OutsideValidity]);
        let unlisted = Settings {
            revocation: Some(lists(&[])),
            ..with_root(&own, &[])
        };
        let unknown = CertificateFault::RevocationUnknown;
        assert_eq!(fault(&unlisted, &own), unknown);
    }

    #[test]
    fn version_1_is_waived_for_the_leaf_alone() {
        let leaf = server().version_1();
        let version = CertificateFault::Version { version: 1 };
        assert_eq!(fault(&settings(&[]), &leaf), version);
        let waiving = settings(&[Waiver::Version1, Waiver::CommonName]);
        let both = [Waiver::CommonName, Waiver::Version1];
        assert_eq!(waivers(&waiving, &leaf), both);
        let old = authority().version_1().build();
        judge(&waiving, &[server_by_authority().build(), old]).unwrap_err();
        let forged = Spec {
            issuer_key: Key::Server,
            ..leaf
        };
        let wrong = CertificateFault::BadSignature;
        assert_eq!(fault(&waiving, &forged), wrong);
    }

    #[test]
    fn the_key_has_to_be_usable_in_the_role() {
        let signing = Spec {
            extensions: server()
                .extensions
                .into_iter()
                .skip(1)
                .chain([key_usage(KeyUsages::DigitalSignature)])
                .collect(),
            ..server()
        };
        assert!(matches!(
            fault(&settings(&[]), &signing),
            CertificateFault::KeyUsage {
                wanted: "keyEncipherment",
                ..
            }
        ));
        let waiving = settings(&[Waiver::MissingKeyEncipherment]);
        assert_eq!(
            waivers(&waiving, &signing),
            [Waiver::MissingKeyEncipherment]
        );
        let received = [signing.build()];
        let chain = Chain::read(&received).unwrap();
        judge_client(&settings(&[]), &chain, at(NOW)).unwrap();
        server_key(&received).unwrap_err();
        let encrypting = [server().build()];
        let chain = Chain::read(&encrypting).unwrap();
        judge_client(&waiving, &chain, at(NOW)).unwrap_err();
    }

    #[test]
    fn an_authority_is_not_accepted_as_a_leaf_by_a_waiver() {
        let leaf = Spec {
            extensions: vec![ca()],
            ..server()
        };
        let all = settings(Waiver::ALL);
        assert_eq!(fault(&all, &leaf), CertificateFault::CaAsLeaf);
    }

    #[test]
    fn what_is_revoked_is_refused_and_lists_end_a_session() {
        let with_lists = |revoked: &[u8]| Settings {
            revocation: Some(lists(revoked)),
            ..settings(&[Waiver::OutsideValidity])
        };
        assert_eq!(
            fault(&with_lists(&[42]), &server()),
            CertificateFault::Revoked
        );
        let long = Spec {
            not_after: NOW + 9 * DAY,
            ..server()
        };
        let peer = judge(&with_lists(&[41]), &[long.build()]).unwrap();
        assert_eq!(peer.expires, NOW + DAY);
    }

    #[cfg(feature = "ocsp")]
    #[test]
    fn a_required_response_is_asked_for_once() {
        let demanding = Settings {
            requires_ocsp_response: true,
            ..settings(&[])
        };
        let missing = CertificateFault::Ocsp(OcspFault::Missing);
        assert_eq!(fault(&demanding, &server()), missing);
        let received = [server().build()];
        let chain = Chain::read(&received).unwrap();
        for verified in [true, false] {
            let stapled = Stapled::Resumed { verified };
            let judged = judge_server(&demanding, &chain, &server_name(), stapled, at(NOW));
            assert_eq!(judged.is_ok(), verified);
        }
    }
}
