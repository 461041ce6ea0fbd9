//! A client's settings.

use super::common::{Common, CommonBuilder, common_builder_methods, shared_random};
use super::{
    CertifiedKey, EncryptThenMac, ExtendedMasterSecret, KeyLog, Renegotiation, SecureRenegotiation,
    chain_signature_schemes,
};
use crate::crypto::hash::fingerprint;
use crate::enums::{CipherSuite, MaxFragmentLength, SignatureScheme};
use crate::error::{CertificateWarning, ConfigError};
use crate::resumption::{SessionStore, TrustContext};
use crate::verify::CertificatePolicy;
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// The number of servers for which the client's own store keeps a session.
const SESSIONS: usize = 64;

/// The longest lifetime, which a server's announcement can only shorten.
const SESSION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Who verifies the server's certificate.
#[derive(Debug)]
pub(crate) enum ServerVerification {
    Policy(CertificatePolicy),
    /// The caller, at a [`Pending::VerifyCertificate`](crate::Pending::VerifyCertificate).
    Caller,
}

/// The configuration of a client. It is immutable and shared by the client's connections.
#[derive(Debug)]
pub struct ClientConfig {
    pub(crate) common: Common,
    pub(crate) verification: ServerVerification,
    pub(crate) require_common_name: bool,
    /// In order of preference; see [`ClientConfigBuilder::certificate`].
    pub(crate) certificates: Box<[Arc<CertifiedKey>]>,
    pub(crate) ignore_requested_authorities: bool,
    pub(crate) sign_with_sha1: bool,
    /// The signature algorithms that are accepted in the server's chain.
    pub(crate) signature_algorithms: Box<[SignatureScheme]>,
    pub(crate) offload_signing: bool,
    pub(crate) session_tickets: bool,
    pub(crate) max_fragment_length: Option<MaxFragmentLength>,
    pub(crate) request_ocsp_response: bool,
    pub(crate) fallback_scsv: bool,
    pub(crate) renegotiation: Option<Renegotiation>,
    pub(crate) grease: bool,
    /// Identifies the rules for accepting servers, and the client's certificates.
    pub(crate) trust: TrustContext,
}

impl ClientConfig {
    /// Creates a builder for a client that accepts the servers that `policy` accepts. A
    /// [`RootStore`](crate::RootStore) stands for the default policy with these roots.
    #[must_use]
    pub fn builder(policy: impl Into<CertificatePolicy>) -> ClientConfigBuilder {
        ClientConfigBuilder::new(ServerVerification::Policy(policy.into()))
    }

    /// Creates a builder for a client whose caller verifies the server: every handshake pauses at
    /// [`Pending::VerifyCertificate`](crate::Pending::VerifyCertificate) for the caller's answer.
    #[must_use]
    pub fn builder_with_caller_verification() -> ClientConfigBuilder {
        ClientConfigBuilder::new(ServerVerification::Caller)
    }
}

/// Builds a [`ClientConfig`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// use premaster::{CipherSuite, ClientConfig, RootStore};
///
/// let config = ClientConfig::builder(RootStore::from_pem(chain_pem)?)
///     .suites(&[CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256])
///     .alpn_protocols(&[b"http/1.1"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub struct ClientConfigBuilder {
    common: CommonBuilder,
    verification: ServerVerification,
    require_common_name: bool,
    certificates: Vec<Arc<CertifiedKey>>,
    ignore_requested_authorities: bool,
    sign_with_sha1: bool,
    offload_signing: bool,
    session_tickets: bool,
    max_fragment_length: Option<MaxFragmentLength>,
    request_ocsp_response: bool,
    fallback_scsv: bool,
    renegotiation: Option<Renegotiation>,
    grease: bool,
}

impl ClientConfigBuilder {
    fn new(verification: ServerVerification) -> Self {
        Self {
            common: CommonBuilder::new(SecureRenegotiation::Required, SESSIONS, SESSION_LIFETIME),
            verification,
            require_common_name: false,
            certificates: Vec::new(),
            ignore_requested_authorities: false,
            sign_with_sha1: false,
            offload_signing: false,
            session_tickets: true,
            max_fragment_length: None,
            request_ocsp_response: false,
            fallback_scsv: false,
            renegotiation: None,
            grease: false,
        }
    }

    common_builder_methods!();

    /// Requires the common name in the certificate's subject to equal the server name, in addition
    /// to the check of subjectAltName. By default the common name is ignored.
    ///
    /// **This has no effect with caller verification**
    /// ([`builder_with_caller_verification`](ClientConfig::builder_with_caller_verification)): the
    /// caller must compare the name.
    #[must_use]
    pub fn require_common_name(mut self) -> Self {
        self.require_common_name = true;
        self
    }

    /// Adds a certificate that the client can present when a server requests one; call it once for
    /// each certificate. By default the client has none.
    ///
    /// A certificate matches if the server accepts RSA certificates, lists a signature algorithm
    /// that the client can sign with, and either lists no CA names or lists the issuer of a
    /// certificate in the chain; names are compared as in
    /// [RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1). Among the matching certificates, the client prefers the first one
    /// whose whole chain is signed with algorithms that the server lists; if there is no such
    /// chain, it presents the first match. If nothing matches, it sends a Certificate message
    /// without certificates, and
    /// [`SessionInfo::requested_certificate`](crate::SessionInfo::requested_certificate) or
    /// the error, with [`Told::NoCertificate`](crate::error::Told::NoCertificate), tells why.
    #[must_use]
    pub fn certificate(mut self, certificate: Arc<CertifiedKey>) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Presents a certificate even if none is from a CA that the server lists, as browsers and
    /// OpenSSL do: some servers list their own name, or CAs that have nothing to do with their
    /// clients. A certificate that matches is still preferred, then one whose chain is signed with
    /// algorithms that the server lists, then the first one.
    ///
    /// The client then shows its certificate, and so its name, to any server that asks and that it
    /// accepts. By default it shows it only to a server that lists its CA, or no CA.
    #[must_use]
    pub fn ignore_requested_authorities(mut self) -> Self {
        self.ignore_requested_authorities = true;
        self
    }

    /// Allows CertificateVerify to be signed with SHA-1 if the server lists no better algorithm
    /// that this crate supports. **SHA-1 is broken.** By default such a server receives a
    /// Certificate message without certificates.
    #[must_use]
    pub fn sign_with_sha1(mut self) -> Self {
        self.sign_with_sha1 = true;
        self
    }

    /// Makes each handshake in which the client presents its certificate pause at
    /// [`Pending::SignCertificateVerify`](crate::Pending::SignCertificateVerify), so that the
    /// private-key operation can run on another thread or machine. The certificates then need no
    /// key: see [`CertifiedKey::without_key`](crate::CertifiedKey::without_key).
    #[must_use]
    pub fn offload_signing(mut self) -> Self {
        self.offload_signing = true;
        self
    }

    /// Sets whether the client accepts session tickets
    /// ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)). By default it does if it has a session
    /// store. A ticket makes the next ClientHello longer, by whatever length the server chose; turn
    /// tickets off for servers that fail on a long ClientHello.
    #[must_use]
    pub fn session_tickets(mut self, take: bool) -> Self {
        self.session_tickets = take;
        self
    }

    /// Requests that both sides send at most this much plaintext in each record
    /// (max_fragment_length,
    /// [RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)). It applies if the
    /// server agrees. By default the extension is not sent.
    #[must_use]
    pub fn max_fragment_length(mut self, length: MaxFragmentLength) -> Self {
        self.max_fragment_length = Some(length);
        self
    }

    /// Limits the plaintext of each protected record that the server sends, to 64 to 16384 bytes
    /// (record_size_limit, [RFC 8449](https://www.rfc-editor.org/rfc/rfc8449)). For a server that
    /// supports it, it replaces [`max_fragment_length`](Self::max_fragment_length). By default the
    /// extension is not sent: old servers do not support it.
    #[must_use]
    pub fn record_size_limit(mut self, limit: u16) -> Self {
        self.common.record_size_limit = Some(limit);
        self
    }

    /// Requests a stapled OCSP response from the server
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)). The server may
    /// send none. The response is not verified; the caller finds it in
    /// [`SessionInfo::ocsp_response`](crate::SessionInfo::ocsp_response).
    ///
    /// A [policy that requires a response](CertificatePolicy::require_ocsp_response) requests it
    /// without this setting, and verifies it.
    #[must_use]
    pub fn request_ocsp_response(mut self) -> Self {
        self.request_ocsp_response = true;
        self
    }

    /// Declares that this connection is a fallback: a connection with a newer TLS version, made by
    /// another library, failed before it.
    ///
    /// The ClientHello, unless it offers a session, then carries TLS_FALLBACK_SCSV
    /// ([RFC 7507](https://www.rfc-editor.org/rfc/rfc7507)), and a server that supports the newer
    /// version refuses it. The client also fails if the ServerHello carries TLS 1.3's downgrade
    /// signal ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3)): an
    /// attacker must then have broken the first connection.
    #[must_use]
    pub fn fallback_scsv(mut self) -> Self {
        self.fallback_scsv = true;
        self
    }

    /// Lets a server start another handshake on the connection, by a HelloRequest, as IIS and Apache
    /// do to ask for the client's certificate once they know what the client requests. By default a
    /// request is refused with the warning no_renegotiation.
    ///
    /// The client renegotiates only if both sides support secure renegotiation
    /// ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)), and at most 32 times on a connection. The
    /// configuration holds for each handshake, and the extended master secret is not given up.
    ///
    /// While it lasts, received data (at most 4 MiB) is reported as before, and
    /// [`send`](crate::Connection::send) is refused with
    /// [`HandshakeIncomplete`](crate::error::Misuse::HandshakeIncomplete), because servers fail on
    /// data between handshake messages. It ends with another
    /// [`Event::HandshakeComplete`](crate::Event::HandshakeComplete), and
    /// [`Connection::session`](crate::Connection::session) then tells what the new handshake agreed.
    /// A failure ends the connection.
    #[must_use]
    pub fn accept_renegotiation(mut self, server: Renegotiation) -> Self {
        self.renegotiation = Some(server);
        self
    }

    /// Adds reserved values (GREASE, [RFC 8701](https://www.rfc-editor.org/rfc/rfc8701)) to the
    /// ClientHello, which reveals servers that fail on unknown values. By default none are sent.
    #[must_use]
    pub fn grease(mut self) -> Self {
        self.grease = true;
        self
    }

    /// Returns what servers probably refuse about the client's certificates at the present time, by
    /// the [time provider](Self::time_provider): dates, keyUsage, extendedKeyUsage, SHA-1, and the
    /// order of the chain. Without a time provider the dates are not looked at. No warning keeps the
    /// configuration from being built.
    #[must_use]
    pub fn warnings(&self) -> Vec<CertificateWarning> {
        let now = self.common.now();
        self.certificates.iter().flat_map(|own| own.warnings_as_client(now)).collect()
    }

    /// Checks the settings and builds the configuration.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the setting: the policy has neither a root nor a pin; a
    /// certificate has no key and signing is not offloaded; a list of suites or application
    /// protocols, a length, a limit or a lifetime is invalid; or there is no random number generator
    /// or no clock.
    pub fn build(self) -> Result<ClientConfig, ConfigError> {
        let policy = self.verification.policy();
        if policy.is_some_and(CertificatePolicy::is_empty) {
            return Err(ConfigError::NoRoots);
        }
        let sha1 = policy
            .is_some_and(CertificatePolicy::accepts_sha1)
            .then_some(SignatureScheme::RSA_PKCS1_SHA1);
        let signature_algorithms = chain_signature_schemes().chain(sha1).collect();
        let requires_ocsp = policy.is_some_and(CertificatePolicy::requires_ocsp_response);
        if let Some(length) = self.max_fragment_length
            && length.bytes().is_none()
        {
            return Err(ConfigError::BadMaxFragmentLength(length));
        }
        let mut certificates = self.certificates.iter();
        if !self.offload_signing && certificates.any(|own| own.key().is_none()) {
            return Err(ConfigError::NoPrivateKey);
        }
        Ok(ClientConfig {
            trust: self.trust(),
            common: self.common.build()?,
            verification: self.verification,
            require_common_name: self.require_common_name,
            certificates: self.certificates.into(),
            ignore_requested_authorities: self.ignore_requested_authorities,
            sign_with_sha1: self.sign_with_sha1,
            signature_algorithms,
            offload_signing: self.offload_signing,
            session_tickets: self.session_tickets,
            max_fragment_length: self.max_fragment_length,
            request_ocsp_response: self.request_ocsp_response || requires_ocsp,
            fallback_scsv: self.fallback_scsv,
            renegotiation: self.renegotiation,
            grease: self.grease,
        })
    }

    fn trust(&self) -> TrustContext {
        let policy = self.verification.policy().map(CertificatePolicy::fingerprint);
        let own = self.certificates.iter().map(|own| &own.fingerprint[..]);
        // A session that was made without a certificate is not resumed once one would be sent.
        let flags =
            u8::from(self.require_common_name) | u8::from(self.ignore_requested_authorities) << 1;
        TrustContext::of(&[
            b"client",
            policy.as_ref().map_or(b"caller", |policy| &policy[..]),
            &[flags],
            &fingerprint(own),
        ])
    }
}

impl ServerVerification {
    fn policy(&self) -> Option<&CertificatePolicy> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::Caller => None,
        }
    }
}

impl fmt::Debug for ClientConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfigBuilder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::RootStore;

    fn certified() -> CertifiedKey {
        let chain = include_bytes!("../../tests/data/leaf-2048.pem");
        let key = include_bytes!("../../tests/data/rsa-2048.key");
        CertifiedKey::from_pem(chain, key).unwrap()
    }

    fn pinned(byte: u8) -> CertificatePolicy {
        CertificatePolicy::new(RootStore::new()).pin_certificate([byte; 32])
    }

    #[test]
    fn a_policy_has_a_root_or_a_pin_and_a_caller_may_decide() {
        let nobody = ClientConfig::builder(RootStore::new()).build();
        assert_eq!(nobody.unwrap_err(), ConfigError::NoRoots);
        let policy = pinned(1);
        assert!(ClientConfig::builder(policy).build_unless_without_random());
        assert!(ClientConfig::builder_with_caller_verification().build_unless_without_random());
    }

    impl ClientConfigBuilder {
        /// Returns true if it builds, or would with a random number generator.
        fn build_unless_without_random(self) -> bool {
            matches!(self.build(), Ok(_) | Err(ConfigError::NoRandom))
        }
    }

    #[test]
    fn a_certificate_without_a_key_requires_offloaded_signing() {
        let chain = certified().chain().to_vec();
        let elsewhere = Arc::new(CertifiedKey::without_key(chain).unwrap());
        let builder = || {
            ClientConfig::builder(pinned(1))
                .certificate(Arc::new(certified()))
                .certificate(elsewhere.clone())
        };
        assert_eq!(builder().build().unwrap_err(), ConfigError::NoPrivateKey);
        assert!(builder().offload_signing().build_unless_without_random());
    }

    #[test]
    fn fragment_lengths_are_those_of_the_rfc() {
        let builder = |length| ClientConfig::builder(pinned(1)).max_fragment_length(length);
        assert!(builder(MaxFragmentLength::L1024).build_unless_without_random());
        let unknown = MaxFragmentLength(5);
        let error = ConfigError::BadMaxFragmentLength(unknown);
        assert_eq!(builder(unknown).build().unwrap_err(), error);
    }

    /// A session that was made under one of these is resumed under none of the others.
    #[test]
    fn trust_is_the_policy_and_the_certificates_of_the_client() {
        let builders = [
            ClientConfig::builder_with_caller_verification(),
            ClientConfig::builder(pinned(1)),
            ClientConfig::builder(pinned(2)),
            ClientConfig::builder(pinned(1)).require_common_name(),
            ClientConfig::builder(pinned(1)).certificate(Arc::new(certified())),
        ];
        let trusts = builders.map(|builder| builder.trust());
        for (index, trust) in trusts.iter().enumerate() {
            assert!(!trusts[index + 1..].contains(trust), "{index}");
        }
        // Other settings do not matter.
        let same = ClientConfig::builder(pinned(1)).grease().offload_signing().trust();
        assert_eq!(same, trusts[1]);
    }
}
