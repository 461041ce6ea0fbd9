//! The settings by which a peer's certificate is verified.

use super::chain::{Chain, MAX_CHAIN, MAX_LONG_CHAIN};
use super::judgement::{Stapled, VerifiedPeer, judge_client, judge_server};
use super::presented::Presented;
use super::revocation::Crls;
use super::roots::RootStore;
use super::settings::{Pin, Settings};
use crate::crypto::hash::fingerprint;
use crate::crypto::key_id::KeyId;
use crate::error::CertificateError;
use crate::waiver::Waiver;
use core::time::Duration;
use pki_types::{CertificateDer, ServerName, UnixTime};

/// The rules by which a client or server accepts its peer's certificate.
///
/// By default a peer is accepted if:
///
/// - its chain leads to one of the roots. The certificates may come in any order and with unrelated
///   ones among them. At most ten may come, of which at most seven are on the path: the leaf and six
///   CAs. The leaf may also be a root itself, byte for byte; see [`RootStore`];
/// - every signature on the path is RSA (PKCS#1 v1.5 or PSS) with SHA-256, SHA-384 or SHA-512, or,
///   with the feature `ecdsa`, ECDSA on P-256 or P-384 with SHA-256 or SHA-384;
/// - every certificate below the root is valid at the current time and has X.509 version 3, and all
///   its critical extensions are known;
/// - every CA below the root has basicConstraints that make it a CA, room in its pathLenConstraint,
///   and keyCertSign if it has a keyUsage, and its name constraints allow the names below it;
/// - every extendedKeyUsage on the path has serverAuth for a server, clientAuth for a client;
/// - every RSA key has 2048 to 8192 bits, and the leaf's key is RSA;
/// - the keyUsage of the leaf, if it has one, has keyEncipherment for a server, digitalSignature for
///   a client;
/// - a server's subjectAltName has the server name or the IP address. A dNSName may begin with `*.`,
///   which stands for one label. The common name does not count;
/// - the [CRLs](Self::crls) do not list it, if there are any, and the stapled OCSP response is good,
///   if [one is required](Self::require_ocsp_response).
///
/// Old devices often have certificates that do not satisfy these rules. Each `accept_` and `pin_`
/// method below waives one check and no other, and
/// [`SessionInfo::waivers`](crate::SessionInfo::waivers) returns the waivers that a connection
/// needed: none if the chain passes without. No method turns verification off. The error of a
/// refused certificate names what would accept it, the mildest first:
///
/// | The device has | Setting |
/// |---|---|
/// | a self-signed certificate, or one from a CA that nobody has | the certificate or its CA as a root, or [`pin_certificate`](Self::pin_certificate) |
/// | a certificate that is renewed with the same key | [`pin_public_key`](Self::pin_public_key) |
/// | a certificate that is not proper DER | [`pin_certificate`](Self::pin_certificate) |
/// | its name in the common name only | [`accept_common_name`](Self::accept_common_name) |
/// | another name or none | [`accept_any_name`](Self::accept_any_name), with a pin or a root of its own |
/// | an X.509 version 1 certificate | [`accept_version_1`](Self::accept_version_1) |
/// | SHA-1 signatures | [`accept_sha1_signatures`](Self::accept_sha1_signatures) |
/// | a 1024-bit key, or such a CA | [`accept_short_rsa_keys`](Self::accept_short_rsa_keys) |
/// | an expired certificate, or no clock | [`accept_outside_validity`](Self::accept_outside_validity) |
/// | a server's keyUsage without keyEncipherment | [`accept_missing_key_encipherment`](Self::accept_missing_key_encipherment) |
/// | an extendedKeyUsage for something else | [`accept_other_extended_key_usage`](Self::accept_other_extended_key_usage) |
/// | more than ten certificates to send | [`accept_long_chain`](Self::accept_long_chain) |
/// | a certificate that no CRL covers | [`Crls::allow_unknown_status`] |
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
    /// Creates the default policy with these roots.
    #[must_use]
    pub fn new(roots: RootStore) -> Self {
        Self {
            settings: Settings::new(roots),
        }
    }

    /// Checks the chain against these CRLs, which replace any set before.
    #[must_use]
    pub fn crls(mut self, lists: Crls) -> Self {
        self.settings.revocation = Some(lists);
        self
    }

    /// Requires a stapled OCSP response with status "good" for the server's certificate
    /// ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)). The response must be about this
    /// certificate, be signed by its issuer or by a responder that the issuer authorized, and be
    /// current. The client requests it
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).
    ///
    /// A certificate that only its pin makes acceptable fails this check, because its issuer is not
    /// known. A policy for client certificates cannot require a response.
    #[cfg(feature = "ocsp")]
    #[must_use]
    pub fn require_ocsp_response(mut self) -> Self {
        self.settings.requires_ocsp_response = true;
        self
    }

    /// Accepts the certificate with this fingerprint, the SHA-256 of its DER, whatever its chain:
    /// it may be self-signed, have X.509 version 1, or be a CA certificate. Its name, validity,
    /// extensions, key and purpose are still checked. May be called several times.
    ///
    /// It need not be encoded in DER either, as long as these can be read: lengths and INTEGERs may
    /// have needless bytes, the RSA modulus may lack the zero byte in front of a high bit, a BOOLEAN
    /// may be true as `01`, the validity may begin before 1970, and the RSA exponent of such a
    /// certificate may have 64 bits. If other parsers refuse it,
    /// [`SessionInfo::peer_certificate`](crate::SessionInfo::peer_certificate) returns `None`.
    ///
    /// If CRLs are configured, the certificate is refused if one of its issuer's lists it.
    /// Otherwise its revocation status is unknown, because the CRL's signature cannot be verified.
    #[must_use]
    pub fn pin_certificate(mut self, sha256: [u8; 32]) -> Self {
        self.settings.pins.push(Pin::Certificate(sha256));
        self
    }

    /// Accepts every certificate with this public key, as
    /// [`pin_certificate`](Self::pin_certificate) accepts one. The peer may renew its certificate.
    /// May be called several times.
    #[must_use]
    pub fn pin_public_key(mut self, key: KeyId) -> Self {
        self.settings.pins.push(Pin::PublicKey(key));
        self
    }

    /// Accepts a server certificate by its common name where its subjectAltName has no dNSName
    /// ([RFC 6125 section 6.4.4](https://www.rfc-editor.org/rfc/rfc6125#section-6.4.4)): it may be
    /// missing, or have e-mail addresses, URIs or IP addresses only. Of several common names the
    /// last one counts, which is the most specific. It may be text of any type, T61String and
    /// BMPString among them, and have a wildcard like a dNSName.
    ///
    /// An IP address is compared as text, if the subjectAltName has no iPAddress either. This goes
    /// beyond the RFCs: [RFC 2818 section 3.1](https://www.rfc-editor.org/rfc/rfc2818#section-3.1)
    /// accepts an IP address in an iPAddress alone.
    ///
    /// It does not apply if a CA of the chain has name constraints, which do not cover common names.
    #[must_use]
    pub fn accept_common_name(self) -> Self {
        self.waive(Waiver::CommonName)
    }

    /// Accepts a server certificate with any name. **Anyone with a certificate from one of the
    /// roots can then impersonate the server.** Use it only with roots that issue certificates to
    /// this server alone.
    #[must_use]
    pub fn accept_any_name(self) -> Self {
        self.waive(Waiver::AnyName)
    }

    /// Accepts a leaf certificate of X.509 version 1. It has no extensions: its purpose is
    /// unrestricted, and a server's only name is the common name, which
    /// [`accept_common_name`](Self::accept_common_name) accepts. CA certificates must still have
    /// version 3, or be roots.
    #[must_use]
    pub fn accept_version_1(self) -> Self {
        self.waive(Waiver::Version1)
    }

    /// Accepts RSA signatures with SHA-1 in the chain and in CRLs, and in the OCSP response of such
    /// a chain. **SHA-1 collisions are practical**: an attacker who can obtain a certificate from a
    /// CA that still signs with SHA-1 may obtain one for another name.
    #[must_use]
    pub fn accept_sha1_signatures(self) -> Self {
        self.waive(Waiver::Sha1Signature)
    }

    /// Accepts RSA keys from 1024 bits, of the peer and of its CAs. **Such keys can be factored**,
    /// with great effort.
    #[must_use]
    pub fn accept_short_rsa_keys(self) -> Self {
        self.waive(Waiver::ShortRsaKey)
    }

    /// Accepts a chain that has expired or is not valid yet, if the whole chain is valid at some
    /// time within `tolerance` of now. CRLs and OCSP responses must still be current. Use it for
    /// devices whose certificates are not renewed, and where clocks are wrong.
    #[must_use]
    pub fn accept_outside_validity(mut self, tolerance: Duration) -> Self {
        self.settings.tolerance = tolerance;
        self.waive(Waiver::OutsideValidity)
    }

    /// Accepts a server certificate whose keyUsage lacks keyEncipherment.
    #[must_use]
    pub fn accept_missing_key_encipherment(self) -> Self {
        self.waive(Waiver::MissingKeyEncipherment)
    }

    /// Accepts a peer's certificate whatever its extendedKeyUsage allows: only clientAuth on a
    /// server, anyExtendedKeyUsage, or the server-gated cryptography of old CAs. Baseboard
    /// management controllers and OPC UA devices have such certificates. The extendedKeyUsage of CA
    /// certificates is still checked.
    ///
    /// **A certificate that a CA issued for another purpose is then accepted as a server's or a
    /// client's**: a client's certificate lets its holder act as the server of its name.
    #[must_use]
    pub fn accept_other_extended_key_usage(self) -> Self {
        self.waive(Waiver::ExtendedKeyUsage)
    }

    /// Accepts up to `max_certificates` certificates from the peer instead of ten, for devices that
    /// send all the certificates they have. A number above 100 counts as 100, and one below ten as
    /// ten; the whole Certificate message has at most 64 KiB. The path to a root still has at most
    /// seven certificates below the root.
    #[must_use]
    pub fn accept_long_chain(mut self, max_certificates: u8) -> Self {
        self.settings.max_certificates = max_certificates.clamp(MAX_CHAIN, MAX_LONG_CHAIN);
        self.waive(Waiver::LongChain)
    }

    fn waive(mut self, waiver: Waiver) -> Self {
        self.settings.waived.insert(waiver);
        self
    }

    /// Returns true if the policy has neither roots nor pins, and so can accept no peer.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.roots.is_empty() && self.settings.pins.is_empty()
    }

    /// The distinct distinguished names of the roots, in DER. Empty if there are pins: any CA may
    /// have issued a pinned certificate.
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

    /// The maximum number of certificates that a peer may send.
    pub(crate) fn max_certificates(&self) -> u8 {
        self.settings.max_certificates
    }

    /// Admits a peer's certificates, to be parsed.
    pub(crate) fn admit<'r>(
        &self,
        received: &'r [CertificateDer<'r>],
    ) -> Result<Presented<'r>, CertificateError> {
        Presented::to_policy(received, &self.settings)
    }

    /// Verifies a server's chain and its stapled OCSP response at `now`.
    pub(crate) fn verify_server(
        &self,
        chain: &Chain<'_>,
        server_name: &ServerName<'_>,
        stapled: Stapled<'_>,
        now: UnixTime,
    ) -> Result<VerifiedPeer, CertificateError> {
        judge_server(&self.settings, chain, server_name, stapled, now)
    }

    /// Verifies a client's chain at `now`.
    pub(crate) fn verify_client(
        &self,
        chain: &Chain<'_>,
        now: UnixTime,
    ) -> Result<VerifiedPeer, CertificateError> {
        judge_client(&self.settings, chain, now)
    }

    /// A hash of all settings: equal for two policies if, and only if, their settings are equal.
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
            &[self.settings.max_certificates],
        ])
    }
}

/// Creates the default policy with these roots.
impl From<RootStore> for CertificatePolicy {
    fn from(roots: RootStore) -> Self {
        Self::new(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{Key, ROOT, lists, name, public_key_info, root, roots};

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
            policy().accept_other_extended_key_usage(),
            policy().accept_long_chain(10),
            policy().accept_long_chain(11),
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
        twice.add(&root().build()).unwrap();
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
