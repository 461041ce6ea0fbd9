//! A client's settings.

use super::common::{Common, CommonBuilder, common_builder_methods, shared_random};
use super::{
    CertifiedKey, ExtendedMasterSecret, KeyLog, SecureRenegotiation, chain_signature_schemes,
};
use crate::crypto::hash::fingerprint;
use crate::enums::{CipherSuite, MaxFragmentLength, SignatureScheme};
use crate::error::ConfigError;
use crate::resumption::{SessionStore, TrustContext};
use crate::verify::CertificatePolicy;
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// For how many servers a client keeps a session, unless it has another store.
const SESSIONS: usize = 64;

/// The most that a server can ask for.
const SESSION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Who verifies the server's certificate.
#[derive(Debug)]
pub(crate) enum ServerVerification {
    Policy(CertificatePolicy),
    /// The caller, at a [`Pending::VerifyCertificate`](crate::Pending::VerifyCertificate).
    Caller,
}

/// How a client behaves. Shared by its connections, never changed.
#[derive(Debug)]
pub struct ClientConfig {
    pub(crate) common: Common,
    pub(crate) verification: ServerVerification,
    pub(crate) require_common_name: bool,
    /// The first that fits is shown.
    pub(crate) certificates: Box<[Arc<CertifiedKey>]>,
    pub(crate) sign_with_sha1: bool,
    /// With which the server's chain may be signed.
    pub(crate) signature_algorithms: Box<[SignatureScheme]>,
    pub(crate) offload_signing: bool,
    pub(crate) session_tickets: bool,
    pub(crate) max_fragment_length: Option<MaxFragmentLength>,
    pub(crate) request_ocsp_response: bool,
    pub(crate) fallback_scsv: bool,
    pub(crate) grease: bool,
    /// Whom the client trusts and who it is.
    pub(crate) trust: TrustContext,
}

impl ClientConfig {
    /// Starts a configuration that believes the servers that `policy` accepts; a
    /// [`RootStore`](crate::RootStore) alone stands for the default policy with these roots.
    #[must_use]
    pub fn builder(policy: impl Into<CertificatePolicy>) -> ClientConfigBuilder {
        ClientConfigBuilder::new(ServerVerification::Policy(policy.into()))
    }

    /// Starts a configuration with which every handshake pauses at
    /// [`Pending::VerifyCertificate`](crate::Pending::VerifyCertificate) until the caller has
    /// decided.
    #[must_use]
    pub fn builder_with_caller_verification() -> ClientConfigBuilder {
        ClientConfigBuilder::new(ServerVerification::Caller)
    }
}

/// Makes a [`ClientConfig`].
pub struct ClientConfigBuilder {
    common: CommonBuilder,
    verification: ServerVerification,
    require_common_name: bool,
    certificates: Vec<Arc<CertifiedKey>>,
    sign_with_sha1: bool,
    offload_signing: bool,
    session_tickets: bool,
    max_fragment_length: Option<MaxFragmentLength>,
    request_ocsp_response: bool,
    fallback_scsv: bool,
    grease: bool,
}

impl ClientConfigBuilder {
    fn new(verification: ServerVerification) -> Self {
        Self {
            common: CommonBuilder::new(SecureRenegotiation::Required, SESSIONS, SESSION_LIFETIME),
            verification,
            require_common_name: false,
            certificates: Vec::new(),
            sign_with_sha1: false,
            offload_signing: false,
            session_tickets: true,
            max_fragment_length: None,
            request_ocsp_response: false,
            fallback_scsv: false,
            grease: false,
        }
    }

    common_builder_methods!();

    /// Wants the common name of the certificate's subject to be the name that the connection is
    /// made for, beside the check of its subjectAltName. Where the caller verifies, this is the
    /// caller's business too.
    #[must_use]
    pub fn require_common_name(mut self) -> Self {
        self.require_common_name = true;
        self
    }

    /// A certificate to show to a server that asks for one. Of several, the first is shown that fits
    /// what the server says of itself: its types, its algorithms, and the authorities that it knows,
    /// one of which has to have issued a certificate of the chain. Those go before the others whose
    /// chains are signed with the server's algorithms. With none that fits, the client
    /// answers that it has no certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: Arc<CertifiedKey>) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Proves its certificate's key with SHA-1 to a server that takes nothing better of what this
    /// crate can. **SHA-1 is broken**; without this such a server is told that there is no
    /// certificate.
    #[must_use]
    pub fn sign_with_sha1(mut self) -> Self {
        self.sign_with_sha1 = true;
        self
    }

    /// Makes every handshake in which the client shows its certificate pause at
    /// [`Pending::SignCertificateVerify`](crate::Pending::SignCertificateVerify), so that the
    /// private-key operation can run on another thread or on another machine. The configuration
    /// needs no key then: [`CertifiedKey::without_key`](crate::CertifiedKey::without_key).
    #[must_use]
    pub fn offload_signing(mut self) -> Self {
        self.offload_signing = true;
        self
    }

    /// Whether the client takes session tickets
    /// ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)). By default it does, as long as it has
    /// a store to keep them in. A ticket goes into the next ClientHello, however long the server
    /// made it; without tickets the hello stays short, for servers that stumble over long ones.
    #[must_use]
    pub fn session_tickets(mut self, take: bool) -> Self {
        self.session_tickets = take;
        self
    }

    /// Asks the server for records of at most this length, and keeps to it, if the server agrees
    /// ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)). By default it does
    /// not ask.
    #[must_use]
    pub fn max_fragment_length(mut self, length: MaxFragmentLength) -> Self {
        self.max_fragment_length = Some(length);
        self
    }

    /// The longest plaintext that the server may put into a protected record, 64 to 16384 bytes
    /// ([RFC 8449](https://www.rfc-editor.org/rfc/rfc8449)); a server that knows it wins over
    /// [`max_fragment_length`](Self::max_fragment_length). By default the extension is not sent:
    /// old servers have never seen it.
    #[must_use]
    pub fn record_size_limit(mut self, limit: u16) -> Self {
        self.common.record_size_limit = Some(limit);
        self
    }

    /// Asks the server for an OCSP response about its certificate
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)), for the caller to
    /// look into: [`SessionInfo::ocsp_response`](crate::SessionInfo::ocsp_response) has it as it
    /// came, and a server need not send one. With a
    /// [policy that requires one](CertificatePolicy::require_ocsp_response) it is asked for without
    /// this, and verified.
    #[must_use]
    pub fn request_ocsp_response(mut self) -> Self {
        self.request_ocsp_response = true;
        self
    }

    /// Says that the connection is made because one with a newer version, by another library,
    /// failed. The server is told ([RFC 7507](https://www.rfc-editor.org/rfc/rfc7507)) and refuses
    /// if it knows that version; and so does this side if the ServerHello shows that it does
    /// ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3)), for then
    /// somebody else made the first connection fail.
    #[must_use]
    pub fn fallback_scsv(mut self) -> Self {
        self.fallback_scsv = true;
        self
    }

    /// Puts reserved values that nobody knows into the ClientHello
    /// ([RFC 8701](https://www.rfc-editor.org/rfc/rfc8701)), so that servers that stumble over what
    /// they do not know are found early.
    #[must_use]
    pub fn grease(mut self) -> Self {
        self.grease = true;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the setting: neither a root nor a pin, a certificate whose key is
    /// elsewhere while signing is not offloaded, a list of suites or application protocols, a length,
    /// a limit or a lifetime that cannot be used, or no source of randomness.
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
            sign_with_sha1: self.sign_with_sha1,
            signature_algorithms,
            offload_signing: self.offload_signing,
            session_tickets: self.session_tickets,
            max_fragment_length: self.max_fragment_length,
            request_ocsp_response: self.request_ocsp_response || requires_ocsp,
            fallback_scsv: self.fallback_scsv,
            grease: self.grease,
        })
    }

    fn trust(&self) -> TrustContext {
        let policy = self.verification.policy().map(CertificatePolicy::fingerprint);
        let own = self.certificates.iter().map(|own| &own.fingerprint[..]);
        TrustContext::of(&[
            b"client",
            policy.as_ref().map_or(b"caller", |policy| &policy[..]),
            &[u8::from(self.require_common_name)],
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
    fn a_policy_accepts_somebody_and_a_caller_may_decide() {
        let nobody = ClientConfig::builder(RootStore::new()).build();
        assert_eq!(nobody.unwrap_err(), ConfigError::NoRoots);
        let policy = pinned(1);
        assert!(ClientConfig::builder(policy).build_unless_without_random());
        assert!(ClientConfig::builder_with_caller_verification().build_unless_without_random());
    }

    impl ClientConfigBuilder {
        /// Whether nothing is wrong but that the operating system's randomness is not built in.
        fn build_unless_without_random(self) -> bool {
            matches!(self.build(), Ok(_) | Err(ConfigError::NoRandom))
        }
    }

    #[test]
    fn a_key_that_is_elsewhere_signs_elsewhere() {
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
    fn trust_is_whom_the_client_believes_and_who_it_is() {
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
        // What changes no trust changes nothing.
        let same = ClientConfig::builder(pinned(1)).grease().offload_signing().trust();
        assert_eq!(same, trusts[1]);
    }
}
