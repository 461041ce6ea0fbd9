//! What a client or a server is set up with, checked once and shared by its connections.

use crate::crypto::rng::{RandomSource, SharedRng};
use crate::crypto::rsa::PrivateKey;
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, SignatureScheme};
use crate::error::{CertificateError, ConfigError};
use crate::message::MAX_HANDSHAKE_BODY;
use crate::message::certificate::encode_certificate;
use crate::verify::{Leaf, RootStore};
use core::fmt;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The signature algorithms that are offered and accepted, in order of preference. Never SHA-1.
pub(crate) static SIGNATURE_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// A certificate chain and the RSA private key of its first certificate.
pub struct CertifiedKey {
    chain: Box<[CertificateDer<'static>]>,
    key: PrivateKey,
    /// The Certificate message, built once for all handshakes.
    pub(crate) certificate_message: Box<[u8]>,
}

impl CertifiedKey {
    /// Takes a chain, the holder's own certificate first, and its PKCS#8 or PKCS#1 key.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that says what does not parse, that the key is not RSA or of the wrong
    /// length, that it belongs to another certificate, or that the chain is too long to be sent.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self, ConfigError> {
        if chain.is_empty() {
            return Err(ConfigError::NoCertificate);
        }
        let public_key = Leaf::of(&chain)
            .and_then(|leaf| leaf.public_key())
            .map_err(|error| match error {
                CertificateError::NotRsa => ConfigError::NotRsa,
                CertificateError::KeySize { bits } => ConfigError::KeySize { bits },
                _ => ConfigError::BadCertificate,
            })?;
        let key = PrivateKey::from_der(key)?;
        if key.public_key() != public_key {
            return Err(ConfigError::KeyMismatch);
        }
        let length: usize = chain.iter().map(|certificate| 3 + certificate.len()).sum();
        if 3 + length > MAX_HANDSHAKE_BODY {
            return Err(ConfigError::ChainTooLong);
        }
        Ok(Self {
            certificate_message: encode_certificate(&chain).into(),
            chain: chain.into(),
            key,
        })
    }

    /// Reads the chain from one PEM text and the key from another, which may be the same.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`], [`ConfigError::NoKey`], and those of [`CertifiedKey::from_der`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ConfigError::BadPem)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pki_types::pem::Error::NoItemsFound => ConfigError::NoKey,
            _ => ConfigError::BadPem,
        })?;
        let key = Zeroizing::new(key);
        Self::from_der(chain, &key)
    }

    /// The chain, the holder's own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertifiedKey")
            .field("certificates", &self.chain.len())
            .field("key", &self.key)
            .finish()
    }
}

/// Receives the secrets of each connection, for debugging with a packet analyser.
///
/// **Whoever has the log can read the connections.** Nothing is logged unless a configuration asks
/// for it.
pub trait KeyLog: Send + Sync {
    /// Takes one line of the NSS key log format (`SSLKEYLOGFILE`), without its newline:
    /// `CLIENT_RANDOM`, the client random and the master secret, in hexadecimal.
    fn log(&self, line: &str);
}

/// Whether a client accepts a server that does not know secure renegotiation
/// ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
///
/// This crate never renegotiates, but such a server may: an attacker who talked to it first can
/// then have the client's handshake taken for a renegotiation, and its data for a continuation of
/// the attacker's. [Section 4.1](https://www.rfc-editor.org/rfc/rfc5746#section-4.1) tells a client
/// that wants to be safe to give up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecureRenegotiation {
    /// Such a server is refused with handshake_failure. The default.
    #[default]
    Required,
    /// Such a server is accepted;
    /// [`SessionInfo::secure_renegotiation`](crate::SessionInfo::secure_renegotiation) tells.
    Optional,
}

/// Whose order of suites decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuitePreference {
    /// The first suite of the server's list that the client offers. The default.
    #[default]
    Server,
    /// The first suite of the client's list that the server accepts.
    Client,
}

/// Whether a server asks for a client certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// It does not. The default.
    #[default]
    None,
    /// It asks, and goes on without if the client has none. A certificate that comes must verify
    /// against the roots.
    Request(RootStore),
    /// It asks, and drops a client that has none.
    Require(RootStore),
}

/// Who verifies the server's certificate.
#[derive(Debug)]
pub(crate) enum ServerVerification {
    Roots(RootStore),
    /// The caller, at a [`Pending::VerifyCertificate`](crate::Pending::VerifyCertificate).
    Caller,
}

/// What every connection needs from the outside: randomness, time and the key log.
#[derive(Clone)]
pub(crate) struct Environment {
    pub(crate) random: Arc<dyn RandomSource>,
    pub(crate) time: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    pub(crate) key_log: Option<Arc<dyn KeyLog>>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("key_log", &self.key_log.is_some())
            .finish_non_exhaustive()
    }
}

/// The settings that both roles share, while they are being made.
struct CommonBuilder {
    suites: Option<Vec<CipherSuite>>,
    random: Option<Arc<dyn RandomSource>>,
    time: Option<Arc<dyn Fn() -> UnixTime + Send + Sync>>,
    key_log: Option<Arc<dyn KeyLog>>,
}

impl CommonBuilder {
    fn new() -> Self {
        Self {
            suites: None,
            random: default_random(),
            time: None,
            key_log: None,
        }
    }

    fn build(self) -> Result<(Box<[&'static Suite]>, Environment), ConfigError> {
        let environment = Environment {
            random: self.random.ok_or(ConfigError::NoRandom)?,
            time: self.time.unwrap_or_else(|| Arc::new(UnixTime::now)),
            key_log: self.key_log,
        };
        let Some(ids) = self.suites else {
            return Ok((Suite::all().collect(), environment));
        };
        let mut suites: Vec<&'static Suite> = Vec::new();
        for id in ids {
            if suites.iter().any(|suite| suite.id == id) {
                return Err(ConfigError::DuplicateSuite(id));
            }
            suites.push(Suite::of(id).ok_or(ConfigError::UnsupportedSuite(id))?);
        }
        if suites.is_empty() {
            return Err(ConfigError::NoSuites);
        }
        Ok((suites.into(), environment))
    }
}

#[cfg(feature = "getrandom")]
fn default_random() -> Option<Arc<dyn RandomSource>> {
    Some(Arc::new(crate::crypto::rng::SystemRandom))
}

#[cfg(not(feature = "getrandom"))]
fn default_random() -> Option<Arc<dyn RandomSource>> {
    None
}

/// The methods that both builders have.
macro_rules! common_builder_methods {
    () => {
        /// The cipher suites, the preferred one first. By default every suite that is implemented:
        /// AES-256 before AES-128.
        #[must_use]
        pub fn suites(mut self, suites: &[CipherSuite]) -> Self {
            self.common.suites = Some(suites.to_vec());
            self
        }

        /// The source of randomness, in place of the operating system's: a generator of
        /// [`rand_core`](crate::rand_core)'s traits. It is shared by all connections, one at a time.
        #[must_use]
        pub fn random(mut self, rng: impl TryCryptoRng + Send + 'static) -> Self {
            self.common.random = Some(Arc::new(SharedRng::new(rng)));
            self
        }

        /// What time it is when a certificate is verified, in place of the operating system's
        /// clock.
        #[must_use]
        pub fn time(mut self, now: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
            self.common.time = Some(Arc::new(now));
            self
        }

        /// Logs the secrets of each connection. **Whoever has the log can read them.**
        #[must_use]
        pub fn key_log(mut self, key_log: Arc<dyn KeyLog>) -> Self {
            self.common.key_log = Some(key_log);
            self
        }
    };
}

/// How a client behaves. Shared by its connections, never changed.
#[derive(Debug)]
pub struct ClientConfig {
    pub(crate) suites: Box<[&'static Suite]>,
    pub(crate) verification: ServerVerification,
    pub(crate) certificate: Option<Arc<CertifiedKey>>,
    pub(crate) secure_renegotiation: SecureRenegotiation,
    pub(crate) environment: Environment,
}

impl ClientConfig {
    /// Starts a configuration that trusts the servers whose chain leads to `roots`.
    #[must_use]
    pub fn builder(roots: RootStore) -> ClientConfigBuilder {
        ClientConfigBuilder::new(ServerVerification::Roots(roots))
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
    verification: ServerVerification,
    certificate: Option<Arc<CertifiedKey>>,
    secure_renegotiation: SecureRenegotiation,
    common: CommonBuilder,
}

impl ClientConfigBuilder {
    fn new(verification: ServerVerification) -> Self {
        Self {
            verification,
            certificate: None,
            secure_renegotiation: SecureRenegotiation::default(),
            common: CommonBuilder::new(),
        }
    }

    common_builder_methods!();

    /// The certificate to show to a server that asks for one. Without it, or where the server's
    /// algorithms do not fit, the client answers that it has none.
    #[must_use]
    pub fn certificate(mut self, certificate: Arc<CertifiedKey>) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Whether the server has to know secure renegotiation. By default it has to.
    #[must_use]
    pub fn secure_renegotiation(mut self, policy: SecureRenegotiation) -> Self {
        self.secure_renegotiation = policy;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRoots`] for an empty store, [`ConfigError::NoRandom`] without a source of
    /// randomness, and [`ConfigError::NoSuites`], [`ConfigError::UnsupportedSuite`] or
    /// [`ConfigError::DuplicateSuite`] for a list of suites that cannot be used.
    pub fn build(self) -> Result<ClientConfig, ConfigError> {
        if matches!(&self.verification, ServerVerification::Roots(roots) if roots.is_empty()) {
            return Err(ConfigError::NoRoots);
        }
        let (suites, environment) = self.common.build()?;
        Ok(ClientConfig {
            suites,
            verification: self.verification,
            certificate: self.certificate,
            secure_renegotiation: self.secure_renegotiation,
            environment,
        })
    }
}

impl fmt::Debug for ClientConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfigBuilder")
            .finish_non_exhaustive()
    }
}

/// How a server behaves. Shared by its connections, never changed.
#[derive(Debug)]
pub struct ServerConfig {
    pub(crate) suites: Box<[&'static Suite]>,
    pub(crate) suite_preference: SuitePreference,
    pub(crate) certificate: Arc<CertifiedKey>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) offload_decryption: bool,
    pub(crate) environment: Environment,
}

impl ServerConfig {
    /// Starts the configuration of a server that shows `certificate`.
    ///
    /// The key should be used for nothing else: whoever gets it later reads every connection that
    /// was ever recorded.
    #[must_use]
    pub fn builder(certificate: Arc<CertifiedKey>) -> ServerConfigBuilder {
        ServerConfigBuilder {
            certificate,
            suite_preference: SuitePreference::default(),
            client_auth: ClientAuth::default(),
            offload_decryption: false,
            common: CommonBuilder::new(),
        }
    }
}

/// Makes a [`ServerConfig`].
pub struct ServerConfigBuilder {
    certificate: Arc<CertifiedKey>,
    suite_preference: SuitePreference,
    client_auth: ClientAuth,
    offload_decryption: bool,
    common: CommonBuilder,
}

impl ServerConfigBuilder {
    common_builder_methods!();

    /// Whose order of suites decides. By default the server's.
    #[must_use]
    pub fn suite_preference(mut self, preference: SuitePreference) -> Self {
        self.suite_preference = preference;
        self
    }

    /// Whether clients are asked for a certificate. By default they are not.
    #[must_use]
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Makes every full handshake pause at
    /// [`Pending::DecryptPreMasterSecret`](crate::Pending::DecryptPreMasterSecret), so that the
    /// private-key operation can run on another thread, or together with those of others. The
    /// configuration holds the key all the same.
    #[must_use]
    pub fn offload_decryption(mut self) -> Self {
        self.offload_decryption = true;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRoots`] where client certificates are asked for and the store to verify
    /// them with is empty; [`ConfigError::NoRandom`], [`ConfigError::NoSuites`],
    /// [`ConfigError::UnsupportedSuite`] and [`ConfigError::DuplicateSuite`] as for a client.
    pub fn build(self) -> Result<ServerConfig, ConfigError> {
        if let ClientAuth::Request(roots) | ClientAuth::Require(roots) = &self.client_auth
            && roots.is_empty()
        {
            return Err(ConfigError::NoRoots);
        }
        let (suites, environment) = self.common.build()?;
        Ok(ServerConfig {
            suites,
            suite_preference: self.suite_preference,
            certificate: self.certificate,
            client_auth: self.client_auth,
            offload_decryption: self.offload_decryption,
            environment,
        })
    }
}

impl fmt::Debug for ServerConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfigBuilder")
            .finish_non_exhaustive()
    }
}
