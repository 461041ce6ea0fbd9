//! The settings by which a peer's certificate is judged.

use super::chain::Chain;
use super::judgement::{Stapled, VerifiedPeer, judge_client, judge_server};
use super::revocation::Crls;
use super::roots::RootStore;
use super::settings::{Pin, Settings};
use crate::crypto::hash::fingerprint;
use crate::crypto::private_key::KeyId;
use crate::error::CertificateError;
use crate::waiver::Waiver;
use core::time::Duration;
use pki_types::{ServerName, UnixTime};

/// The rules by which a client or a server judges its peer's certificate.
///
/// By default the peer's chain, in whatever order it comes and with whatever else, has to lead to one
/// of the roots: signed with RSA (PKCS#1 v1.5 or PSS) over SHA-256, SHA-384 or SHA-512, or, with the
/// feature `ecdsa`, with ECDSA on P-256 or P-384 over SHA-256 or SHA-384; with every certificate below
/// the root valid at the time, of X.509 version 3, for the purpose and within the constraints of those
/// above it; with RSA keys of 2048 to 8192 bits; and with at most six authorities between, of at most
/// ten certificates that come. A server's certificate has the name or address in its subjectAltName, and
/// its RSA key may encrypt; a client's may sign.
///
/// Devices that this crate is made for often have worse. Each `accept_` and `pin_` method below waives
/// one check and no other, and [`SessionInfo::waivers`](crate::SessionInfo::waivers) tells which
/// waivers a connection made use of: none where the chain passes without. No method turns
/// verification off.
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
    settings: Settings,
}

impl CertificatePolicy {
    /// The default policy with these roots.
    #[must_use]
    pub fn new(roots: RootStore) -> Self {
        Self {
            settings: Settings::new(roots),
        }
    }

    /// Refuses certificates that these lists revoke. They replace any lists set before.
    #[must_use]
    pub fn crls(mut self, lists: Crls) -> Self {
        self.settings.revocation = Some(lists);
        self
    }

    /// Requires an OCSP response by which the server's certificate is good: about this certificate,
    /// signed by its issuer or by a responder that the issuer authorized, not out of date
    /// ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)). The client asks for one
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)). A pinned certificate
    /// has no issuer that could have signed one. A client's certificate comes without.
    #[cfg(feature = "ocsp")]
    #[must_use]
    pub fn require_ocsp_response(mut self) -> Self {
        self.settings.requires_ocsp_response = true;
        self
    }

    /// Accepts the certificate with this SHA-256 (of its DER) whatever its chain is: self-signed, of
    /// version 1, that of a CA. Its name, its validity, its extensions, its key and what it may be used for
    /// are checked all the same. It counts as unknown to the revocation lists, unless one has it. May
    /// be called several times.
    #[must_use]
    pub fn pin_certificate(mut self, sha256: [u8; 32]) -> Self {
        self.settings.pins.push(Pin::Certificate(sha256));
        self
    }

    /// Accepts every certificate with this key, as [`pin_certificate`](Self::pin_certificate) accepts
    /// one: the peer may renew it.
    #[must_use]
    pub fn pin_public_key(mut self, key: KeyId) -> Self {
        self.settings.pins.push(Pin::PublicKey(key));
        self
    }

    /// Accepts a server's certificate without subjectAltName if its subject's one common name is the
    /// name, or the address as text. This does not apply where an authority above it restricts the names
    /// below: name constraints say nothing about common names.
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
        self.settings.tolerance = tolerance;
        self.waive(Waiver::OutsideValidity)
    }

    /// Accepts a server's certificate whose keyUsage does not allow to encrypt with its key.
    #[must_use]
    pub fn accept_missing_key_encipherment(self) -> Self {
        self.waive(Waiver::MissingKeyEncipherment)
    }

    fn waive(mut self, waiver: Waiver) -> Self {
        self.settings.waived.insert(waiver);
        self
    }

    /// Whether the policy can accept nobody, since it has neither roots nor pins.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.roots.is_empty() && self.settings.pins.is_empty()
    }

    /// The distinguished names of the roots, in DER, each once; empty where there are pins, since
    /// anybody may have issued what they stand for.
    pub(crate) fn root_names(&self) -> Vec<Vec<u8>> {
        if !self.settings.pins.is_empty() {
            return Vec::new();
        }
        let mut names: Vec<_> = self.settings.roots.names().map(<[u8]>::to_vec).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn requires_ocsp_response(&self) -> bool {
        self.settings.requires_ocsp_response
    }

    pub(crate) fn accepts_sha1(&self) -> bool {
        self.settings.waived.contains(Waiver::Sha1Signature)
    }

    /// Judges a server's chain, and its OCSP response where one can be had, at `now`.
    pub(crate) fn verify_server(
        &self,
        chain: &Chain<'_>,
        server_name: &ServerName<'_>,
        stapled: Stapled<'_>,
        now: UnixTime,
    ) -> Result<VerifiedPeer, CertificateError> {
        judge_server(&self.settings, chain, server_name, stapled, now)
    }

    /// Judges a client's chain at `now`.
    pub(crate) fn verify_client(
        &self,
        chain: &Chain<'_>,
        now: UnixTime,
    ) -> Result<VerifiedPeer, CertificateError> {
        judge_client(&self.settings, chain, now)
    }

    /// A value that two policies share if, and only if, they have the same settings.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let revocation = self.settings.revocation.as_ref().map(Crls::fingerprint);
        let mut pins: Vec<_> = self.settings.pins.iter().map(Pin::fingerprint).collect();
        pins.sort_unstable();
        pins.dedup();
        let pins = fingerprint(pins.iter().map(|pin| &pin[..]));
        fingerprint([
            &self.settings.roots.fingerprint()[..],
            revocation.as_ref().map_or(&[], |lists| &lists[..]),
            &[u8::from(self.settings.requires_ocsp_response)],
            &pins,
            &self.settings.waived.to_bits().to_be_bytes(),
            &self.settings.tolerance.as_secs().to_be_bytes(),
        ])
    }
}

/// The default policy.
impl From<RootStore> for CertificatePolicy {
    fn from(roots: RootStore) -> Self {
        Self::new(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{Key, ROOT, lists, name, public_key_info, roots};

    fn policy() -> CertificatePolicy {
        CertificatePolicy::new(roots())
    }

    #[test]
    fn every_setting_makes_another_policy() {
        let key = KeyId::of_spki(&public_key_info(Key::Server));
        let day = Duration::from_secs(86_400);
        let mut policies = vec![
            policy(),
            CertificatePolicy::new(RootStore::new()),
            policy().crls(lists(&[])),
            policy().crls(lists(&[1])),
            policy().crls(lists(&[]).end_entity_only()),
            policy().crls(lists(&[]).allow_unknown_status()),
            policy().pin_certificate([1; 32]),
            policy().pin_certificate([2; 32]),
            policy().pin_public_key(key),
            policy().accept_common_name(),
            policy().accept_any_name(),
            policy().accept_version_1(),
            policy().accept_sha1_signatures(),
            policy().accept_short_rsa_keys(),
            policy().accept_outside_validity(day),
            policy().accept_outside_validity(2 * day),
            policy().accept_missing_key_encipherment(),
        ];
        #[cfg(feature = "ocsp")]
        policies.push(policy().require_ocsp_response());
        for (index, one) in policies.iter().enumerate() {
            for (other_index, other) in policies.iter().enumerate() {
                let same = one.fingerprint() == other.fingerprint();
                assert_eq!(same, index == other_index, "{index} {other_index}");
            }
        }
    }

    #[test]
    fn the_order_of_pins_is_nothing_and_neither_is_one_twice() {
        let pinned = |pins: &[u8]| {
            let pins = pins.iter();
            pins.fold(policy(), |policy, pin| policy.pin_certificate([*pin; 32])).fingerprint()
        };
        assert_eq!(pinned(&[1, 2]), pinned(&[2, 1, 2]));
        assert_ne!(pinned(&[1, 2]), pinned(&[1]));
    }

    #[test]
    fn roots_are_named_once_unless_there_are_pins() {
        let mut twice = roots();
        for anchor in roots().anchors() {
            twice.push(anchor.clone());
        }
        let policy = CertificatePolicy::new(twice);
        assert_eq!(policy.root_names(), [name(ROOT)]);
        assert!(!policy.is_empty());
        let pinned = policy.pin_certificate([1; 32]);
        assert!(pinned.root_names().is_empty());

        let nobody = CertificatePolicy::new(RootStore::new());
        assert!(nobody.is_empty());
        assert!(!nobody.pin_certificate([1; 32]).is_empty());
    }
}
