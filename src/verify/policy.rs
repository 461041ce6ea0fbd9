//! What makes a certificate believed, and what may be missing.

use super::certificate::{PeerCertificate, ip_address};
use super::path::{Path, Role, Search};
use super::revocation::RevocationLists;
use super::roots::RootStore;
#[cfg(feature = "ocsp")]
use super::{algorithms::Terms, ocsp};
use crate::crypto::hash::fingerprint;
use crate::crypto::private_key::KeyId;
use crate::crypto::rsa::PublicKey;
#[cfg(feature = "ocsp")]
use crate::error::OcspFault;
use crate::error::{CertificateError, CertificateFault, Excerpt};
use crate::waiver::{Waiver, Waivers};
use core::time::Duration;
use pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;
use x509_parser::extensions::GeneralName;

/// Whom a client or a server believes that a certificate is the peer's.
///
/// By default the peer's chain, in whatever order it comes and with whatever else, has to lead to one
/// of the roots: signed with RSA (PKCS#1 v1.5 or PSS) over SHA-256, SHA-384 or SHA-512, or, with the
/// feature `ecdsa`, with ECDSA on P-256 or P-384 over SHA-256 or SHA-384; with every certificate below
/// the root valid at the time, of X.509 version 3, for the purpose and within the constraints of those
/// above it; with RSA keys of 2048 to 8192 bits; and with at most six authorities between, of at most
/// ten certificates that come. A server's certificate has the name or address in its subjectAltName, and
/// its RSA key may encrypt; a client's may sign.
///
/// Devices that this crate is made for often have worse. Each `accept_` and `pin_` method below does
/// without one check and no other, and
/// [`SessionInfo::waivers`](crate::SessionInfo::waivers) tells which ones a connection made use of:
/// a chain that passes without is never accepted with. None turns verification off.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let root_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// use premaster::{CertificatePolicy, ClientConfig, RootStore};
///
/// let policy = CertificatePolicy::new(RootStore::from_pem(root_pem)?)
///     .accept_common_name()
///     .accept_sha1_signatures();
/// let config = ClientConfig::builder(policy).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CertificatePolicy {
    roots: RootStore,
    revocation: Option<RevocationLists>,
    requires_ocsp_response: bool,
    pins: Vec<Pin>,
    /// Without the pins.
    waived: Waivers,
    tolerance: Duration,
}

/// Something that is known of a peer beforehand.
#[derive(Clone, Copy, Debug)]
enum Pin {
    /// The SHA-256 of its certificate.
    Certificate([u8; 32]),
    PublicKey(KeyId),
}

impl Pin {
    fn waiver(&self) -> Waiver {
        match self {
            Self::Certificate(_) => Waiver::PinnedCertificate,
            Self::PublicKey(_) => Waiver::PinnedPublicKey,
        }
    }
}

impl CertificatePolicy {
    /// The default policy with these roots.
    #[must_use]
    pub fn new(roots: RootStore) -> Self {
        Self {
            roots,
            revocation: None,
            requires_ocsp_response: false,
            pins: Vec::new(),
            waived: Waivers::default(),
            tolerance: Duration::ZERO,
        }
    }

    /// Refuses certificates that these lists revoke. They stand in the place of any before.
    #[must_use]
    pub fn revocation_lists(mut self, lists: RevocationLists) -> Self {
        self.revocation = Some(lists);
        self
    }

    /// Wants an OCSP response with the server's certificate that says that it is good: about this
    /// certificate, signed by its issuer or by whom the issuer made its responder, not out of date
    /// ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)). The client asks for one
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)). Of a pinned
    /// certificate there is no issuer who could have signed it. A client's certificate comes without.
    #[cfg(feature = "ocsp")]
    #[must_use]
    pub fn require_ocsp_response(mut self) -> Self {
        self.requires_ocsp_response = true;
        self
    }

    /// Accepts the certificate with this SHA-256 (of its DER) whatever its chain is: self-signed, of
    /// version 1, a CA's. Its name, its validity, its extensions, its key and what it may be used for
    /// are checked all the same. It counts as unknown to the revocation lists, unless one has it. May
    /// be called several times.
    #[must_use]
    pub fn pin_certificate(mut self, sha256: [u8; 32]) -> Self {
        self.pins.push(Pin::Certificate(sha256));
        self
    }

    /// Accepts every certificate with this key, as [`pin_certificate`](Self::pin_certificate) accepts
    /// one: the peer may renew it.
    #[must_use]
    pub fn pin_public_key(mut self, key: KeyId) -> Self {
        self.pins.push(Pin::PublicKey(key));
        self
    }

    /// Accepts a server's certificate without subjectAltName if its subject's one common name is the
    /// name, or the address as text. Not where an authority above it may give certain names only: that
    /// is not said of common names.
    #[must_use]
    pub fn accept_common_name(self) -> Self {
        self.waive(Waiver::CommonName)
    }

    /// Accepts a server's certificate for any name. **Whoever has a certificate from one of the roots
    /// can then be the server**: for roots that give certificates to that server alone.
    #[must_use]
    pub fn accept_any_name(self) -> Self {
        self.waive(Waiver::AnyName)
    }

    /// Accepts a peer's own certificate of X.509 version 1. It has no extensions, so no name but the
    /// common one and no purpose; authorities still have to be of version 3, or roots.
    #[must_use]
    pub fn accept_version_1(self) -> Self {
        self.waive(Waiver::Version1)
    }

    /// Accepts RSA signatures over SHA-1 in a chain, and of its authorities' revocation lists and
    /// OCSP responses. **Collisions of SHA-1 can be made**: whoever
    /// gets a certificate from an authority that still uses it may get one for another name.
    #[must_use]
    pub fn accept_sha1_signatures(self) -> Self {
        self.waive(Waiver::Sha1Signature)
    }

    /// Accepts RSA keys from 1024 bits, of the peer and of its authorities. **They can be factored** with
    /// great effort.
    #[must_use]
    pub fn accept_short_rsa_keys(self) -> Self {
        self.waive(Waiver::ShortRsaKey)
    }

    /// Accepts a chain that has expired, or is not valid yet, if at some time not farther from now
    /// than this the whole of it was valid or will be: for devices that nobody renews, and for clocks
    /// that are wrong.
    #[must_use]
    pub fn accept_outside_validity(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self.waive(Waiver::OutsideValidity)
    }

    /// Accepts a server's certificate whose keyUsage does not allow to encrypt with its key.
    #[must_use]
    pub fn accept_missing_key_encipherment(self) -> Self {
        self.waive(Waiver::MissingKeyEncipherment)
    }

    fn waive(mut self, waiver: Waiver) -> Self {
        self.waived.insert(waiver);
        self
    }

    /// Whether nobody can be accepted.
    pub(crate) fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.pins.is_empty()
    }

    /// The distinguished names of the roots, in DER, each once. None where there are pins: who issued
    /// what they stand for does not matter.
    pub(crate) fn root_names(&self) -> Vec<Vec<u8>> {
        let mut names = match self.pins.is_empty() {
            true => self.roots.names(),
            false => Vec::new(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn requires_ocsp_response(&self) -> bool {
        self.requires_ocsp_response
    }

    pub(crate) fn accepts_sha1(&self) -> bool {
        self.waived.contains(Waiver::Sha1Signature)
    }

    /// The same for two policies that accept the same, and no others.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let revocation = self.revocation.as_ref().map(RevocationLists::fingerprint);
        let mut pins: Vec<_> = self.pins.iter().map(pin_fingerprint).collect();
        pins.sort_unstable();
        pins.dedup();
        let pins = fingerprint(pins.iter().map(|pin| &pin[..]));
        fingerprint([
            &self.roots.fingerprint()[..],
            revocation.as_ref().map_or(&[], |lists| &lists[..]),
            &[u8::from(self.requires_ocsp_response)],
            &pins,
            &self.waived.to_bits().to_be_bytes(),
            &self.tolerance.as_secs().to_be_bytes(),
        ])
    }
}

/// The default policy.
impl From<RootStore> for CertificatePolicy {
    fn from(roots: RootStore) -> Self {
        Self::new(roots)
    }
}

fn pin_fingerprint(pin: &Pin) -> [u8; 32] {
    match pin {
        Pin::Certificate(hash) => fingerprint([&b"certificate"[..], hash]),
        Pin::PublicKey(key) => fingerprint([&b"key"[..], key.as_bytes()]),
    }
}

/// A peer's key that somebody vouches for.
#[derive(Debug)]
pub(crate) struct Vouched {
    pub(crate) key: PublicKey,
    /// Until when, in seconds since 1970: when the first certificate on the way to the root expires, or
    /// what says that none of them is revoked.
    pub(crate) expires: u64,
    /// What was waived for it.
    pub(crate) waivers: Waivers,
    /// Whether an OCSP response says that the certificate is good.
    pub(crate) ocsp_verified: bool,
    /// Where the certificates that lead to the root stand in the chain as it came, the peer's own
    /// first; not known where a caller vouches.
    positions: Option<Vec<usize>>,
}

impl Vouched {
    fn with_ocsp_response_until(self, next_update: UnixTime) -> Self {
        Self {
            expires: self.expires.min(next_update.as_secs()),
            ocsp_verified: true,
            ..self
        }
    }

    /// The verified chain out of the one that came: without what is no part of it, in its order.
    pub(crate) fn verified(
        &self,
        chain: Box<[CertificateDer<'static>]>,
    ) -> Box<[CertificateDer<'static>]> {
        match &self.positions {
            Some(positions) if !positions.iter().copied().eq(0..chain.len()) => {
                let certificates = positions.iter().filter_map(|at| chain.get(*at).cloned());
                certificates.collect()
            }
            Some(_) | None => chain,
        }
    }
}

/// A chain to be judged.
struct Peer<'a> {
    policy: &'a CertificatePolicy,
    search: Search<'a>,
    own: PeerCertificate<'a>,
}

impl CertificatePolicy {
    /// Judges a server's chain, and its OCSP response where one can be had, at `now`.
    pub(crate) fn verify_server(
        &self,
        chain: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        stapled: Stapled<'_>,
        now: UnixTime,
    ) -> Result<Vouched, CertificateError> {
        let peer = Peer::of(self, chain, Role::Server, now)?;
        let path = peer.path()?;
        let named = peer.check_name(&path, server_name);
        let mut waivers = path.waivers;
        waivers.extend(peer.blame(named)?);
        let ocsp = peer.check_ocsp(&path, stapled)?;
        let vouched = peer.vouch(path, waivers)?;
        Ok(match ocsp {
            Some(next_update) => vouched.with_ocsp_response_until(next_update),
            None => vouched,
        })
    }

    /// Judges a client's chain at `now`.
    pub(crate) fn verify_client(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Vouched, CertificateError> {
        let peer = Peer::of(self, chain, Role::Client, now)?;
        let path = peer.path()?;
        let waivers = path.waivers;
        peer.vouch(path, waivers)
    }
}

/// The OCSP response to a server's certificate.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "ocsp"), allow(dead_code, reason = "OCSP asks for it"))]
pub(crate) enum Stapled<'a> {
    /// Of a full handshake, if it came.
    Response(Option<&'a [u8]>),
    /// It does not come again in a session that is resumed; it may have been verified before.
    Resumed { verified: bool },
}

impl<'a> Peer<'a> {
    fn of(
        policy: &'a CertificatePolicy,
        chain: &'a [CertificateDer<'_>],
        role: Role,
        now: UnixTime,
    ) -> Result<Self, CertificateError> {
        Ok(Self {
            policy,
            search: Search {
                chain,
                roots: &policy.roots,
                revocation: policy.revocation.as_ref(),
                role,
                now,
            },
            own: PeerCertificate::first_of(chain)?,
        })
    }

    /// Leads the certificate to whom the policy believes: with nothing waived; else by a pin; else
    /// with what is waived of chains.
    fn path(&self) -> Result<Path, CertificateError> {
        let mut refused = match self.search.strictly() {
            Ok(path) => return Ok(path),
            Err(error) => error,
        };
        if let Some(pin) = self.matching_pin() {
            match self.pinned(pin) {
                Ok(path) => return Ok(path),
                Err(error) => refused = error,
            }
        }
        let of_chains = [
            Waiver::Version1,
            Waiver::Sha1Signature,
            Waiver::ShortRsaKey,
            Waiver::OutsideValidity,
        ];
        let waived = of_chains.iter().any(|w| self.policy.waived.contains(*w));
        match waived && *refused.fault() != CertificateFault::TooMuchWork {
            true => self
                .search
                .waiving(self.policy.waived, self.policy.tolerance),
            false => Err(refused),
        }
    }

    fn matching_pin(&self) -> Option<&'a Pin> {
        if self.policy.pins.is_empty() {
            return None;
        }
        let certificate: [u8; 32] = Sha256::digest(self.own.der()).into();
        let key = self.own.key_id();
        self.policy.pins.iter().find(|pin| match pin {
            Pin::Certificate(pinned) => *pinned == certificate,
            Pin::PublicKey(pinned) => key == Some(*pinned),
        })
    }

    /// What is left to check of a certificate that needs no chain.
    fn pinned(&self, pin: &Pin) -> Result<Path, CertificateError> {
        self.search.check_extensions()?;
        let outside_validity = self.blame(self.check_validity())?;
        self.blame(self.search.role.require_purpose(&self.own))?;
        if let Some(lists) = self.search.revocation {
            self.blame(lists.judge_without_issuer(&self.own, self.search.now))?;
        }
        Ok(Path {
            positions: vec![0],
            root: None,
            expires: u64::MAX,
            lists_expire: u64::MAX,
            constrained: false,
            waivers: outside_validity.into_iter().chain([pin.waiver()]).collect(),
        })
    }

    /// Refuses a certificate that is not valid at the time, or near it where that is waived.
    fn check_validity(&self) -> Result<Option<Waiver>, CertificateFault> {
        let now = self.search.now;
        let (not_before, not_after) = (self.own.not_before(), self.own.not_after());
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
        let waived = self.policy.waived.contains(Waiver::OutsideValidity);
        match waived && distance <= self.policy.tolerance.as_secs() {
            true => Ok(Some(Waiver::OutsideValidity)),
            false => Err(fault),
        }
    }

    /// Refuses a certificate without the name, unless that is waived.
    fn check_name(
        &self,
        path: &Path,
        server_name: &ServerName<'_>,
    ) -> Result<Option<Waiver>, CertificateFault> {
        let names = self.own.names()?;
        let by_common_name =
            names.is_none() && !path.constrained && self.own.has_common_name(server_name);
        if names.is_some() && self.has_alternative_name(server_name) {
            return Ok(None);
        }
        let waived = self.policy.waived;
        if by_common_name && waived.contains(Waiver::CommonName) {
            return Ok(Some(Waiver::CommonName));
        }
        if waived.contains(Waiver::AnyName) {
            return Ok(Some(Waiver::AnyName));
        }
        Err(CertificateFault::NameMismatch {
            wanted: Excerpt::new(server_name.to_str()),
            found: match names {
                Some(names) => Excerpt::list(names.iter().map(|name| self.name(name))),
                None => Excerpt::new(format_args!(
                    "no subjectAltName, but {}",
                    self.own.subject()
                )),
            },
            by_common_name,
        })
    }

    /// `rustls-webpki` compares names. It reads only certificates of version 3, and no others have any.
    fn has_alternative_name(&self, server_name: &ServerName<'_>) -> bool {
        let own = self.search.chain.first();
        let read = own.map(EndEntityCert::try_from).and_then(Result::ok);
        read.is_some_and(|own| own.verify_is_valid_for_subject_name(server_name).is_ok())
    }

    fn name(&self, name: &GeneralName<'_>) -> String {
        match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => match ip_address(bytes) {
                Some(address) => address.to_string(),
                None => name.to_string(),
            },
            other => other.to_string(),
        }
    }

    /// Asks for a good OCSP response where the policy does. Gives back until when it is good.
    #[cfg(feature = "ocsp")]
    fn check_ocsp(
        &self,
        path: &Path,
        stapled: Stapled<'_>,
    ) -> Result<Option<UnixTime>, CertificateError> {
        let response = match stapled {
            _ if !self.policy.requires_ocsp_response => return Ok(None),
            Stapled::Resumed { verified: true } => return Ok(None),
            Stapled::Resumed { verified: false } => None,
            Stapled::Response(response) => response,
        };
        let judge = || {
            let response = response.ok_or(OcspFault::Missing)?;
            let subject = ocsp::Subject {
                certificate: &self.own,
                issuer: &self.search.issuer(path).ok_or(OcspFault::Responder)?,
                now: self.search.now,
            };
            subject.is_good_by(response, &Terms::new(path.waivers, None))
        };
        self.blame(judge()).map(Some)
    }

    #[cfg(not(feature = "ocsp"))]
    fn check_ocsp(
        &self,
        _path: &Path,
        _stapled: Stapled<'_>,
    ) -> Result<Option<UnixTime>, CertificateError> {
        Ok(None)
    }

    /// Gives out the certificate's key, if it may be used as the role uses it.
    fn vouch(&self, path: Path, mut waivers: Waivers) -> Result<Vouched, CertificateError> {
        let usable = self.blame(usable_key(&self.own, self.search.role, self.policy.waived))?;
        waivers.extend(usable.waivers.iter());
        let expires = path.expires.min(usable.expires);
        // It excuses certificates, not what says that they are not revoked.
        let tolerance = match waivers.contains(Waiver::OutsideValidity) {
            true => self.policy.tolerance.as_secs(),
            false => 0,
        };
        Ok(Vouched {
            key: usable.key,
            expires: expires.saturating_add(tolerance).min(path.lists_expire),
            waivers,
            ocsp_verified: false,
            positions: Some(path.positions),
        })
    }

    /// Says that a fault is one of the peer's own certificate.
    fn blame<T>(&self, checked: Result<T, CertificateFault>) -> Result<T, CertificateError> {
        checked.map_err(|fault| CertificateError::new(fault, Some(self.own.id(0))))
    }
}

/// The key of a server that a caller vouches for, if it may be used to encrypt.
pub(crate) fn server_key(chain: &[CertificateDer<'_>]) -> Result<Vouched, CertificateError> {
    let own = PeerCertificate::first_of(chain)?;
    let usable = usable_key(&own, Role::Server, Waivers::default());
    usable.map_err(|fault| CertificateError::new(fault, Some(own.id(0))))
}

/// A certificate's key, if it may be used as the role uses it.
fn usable_key(
    own: &PeerCertificate<'_>,
    role: Role,
    waived: Waivers,
) -> Result<Vouched, CertificateFault> {
    let mut waivers = Waivers::default();
    match own.require_key_usage(role.usage()) {
        Err(CertificateFault::KeyUsage { .. })
            if role == Role::Server && waived.contains(Waiver::MissingKeyEncipherment) =>
        {
            waivers.insert(Waiver::MissingKeyEncipherment);
        }
        usage => usage?,
    }
    let key = own.public_key(waived.contains(Waiver::ShortRsaKey))?;
    if key.is_short() {
        waivers.insert(Waiver::ShortRsaKey);
    }
    Ok(Vouched {
        key,
        expires: own.not_after().as_secs(),
        waivers,
        ocsp_verified: false,
        positions: None,
    })
}

/// Refuses a server whose subject's common name is not the name that was asked for.
pub(crate) fn require_common_name(
    chain: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
) -> Result<(), CertificateError> {
    let own = PeerCertificate::first_of(chain)?;
    if own.has_common_name(server_name) {
        return Ok(());
    }
    let fault = CertificateFault::CommonNameMismatch {
        wanted: Excerpt::new(server_name.to_str()),
        found: Excerpt::new(own.subject()),
    };
    Err(CertificateError::new(fault, Some(own.id(0))))
}
