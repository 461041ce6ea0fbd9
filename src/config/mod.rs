//! What a client or a server is set up with, checked once and shared by its connections.

mod certified_key;
mod client;
mod profile;
mod server;
mod server_certificates;

pub use certified_key::CertifiedKey;
pub(crate) use client::ServerVerification;
pub use client::{ClientConfig, ClientConfigBuilder};
pub(crate) use server::SelectedCertificate;
pub use server::{ClientAuth, ClientAuthorities, ServerConfig, ServerConfigBuilder};
pub use server_certificates::{CertificateSet, CertificatesByName, ResolveCertificate};

use crate::crypto::rng::{RandomSource, SharedRng};
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, SignatureScheme};
use crate::error::ConfigError;
use crate::resumption::{MemoryStore, SessionStore};
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// The signature algorithms with which a client proves its key, in order of preference. Never SHA-1.
pub(crate) static SIGNATURE_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Those, and the ones that only authorities sign with.
pub(crate) fn chain_signature_schemes() -> impl Iterator<Item = SignatureScheme> {
    let of_authorities: &[SignatureScheme] = match cfg!(feature = "ecdsa") {
        true => &[SignatureScheme::ECDSA_SHA256, SignatureScheme::ECDSA_SHA384],
        false => &[],
    };
    SIGNATURE_SCHEMES.iter().chain(of_authorities).copied()
}

/// The longest list of application protocols, each name with its length byte.
const MAX_PROTOCOL_LIST: usize = 1 << 12;

/// The record size limits that can be asked for: "Endpoints MUST NOT send a "record_size_limit"
/// extension with a value smaller than 64"
/// ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
const RECORD_SIZE_LIMITS: core::ops::RangeInclusive<u16> = 64..=1 << 14;

/// "An upper limit of 24 hours is suggested for session ID lifetimes"
/// ([RFC 5246 appendix F.1.4](https://www.rfc-editor.org/rfc/rfc5246#appendix-F.1.4)).
const MAX_SESSION_LIFETIME: u32 = 24 * 60 * 60;

/// Receives the secrets of each connection, for debugging with a packet analyser.
///
/// **Whoever has the log can read the connections.** Nothing is logged unless a configuration asks
/// for it.
pub trait KeyLog: Send + Sync {
    /// Takes one line of the NSS key log format (`SSLKEYLOGFILE`), without its newline:
    /// `CLIENT_RANDOM`, the client random and the master secret, in hexadecimal.
    fn log(&self, line: &str);
}

/// Whether a peer is accepted that does not know secure renegotiation
/// ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
///
/// This crate never renegotiates, but such a server may: an attacker who talked to it first can
/// then have the client's handshake taken for a renegotiation, and its data for a continuation of
/// the attacker's. [Section 4.1](https://www.rfc-editor.org/rfc/rfc5746#section-4.1) tells a client
/// that wants to be safe to give up. A server that never renegotiates is in no such danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureRenegotiation {
    /// Such a peer is refused with handshake_failure. A client's default.
    Required,
    /// Such a peer is accepted;
    /// [`SessionInfo::secure_renegotiation`](crate::SessionInfo::secure_renegotiation) tells. A
    /// server's default.
    Optional,
}

/// Whether the extended master secret is used
/// ([RFC 7627](https://www.rfc-editor.org/rfc/rfc7627)), which binds the keys to both certificates.
///
/// Without it, somebody in the middle who holds a certificate of his own can make two connections
/// with the same keys; whatever relies on the keys of a connection being its own, as channel
/// bindings and exported keys do, is then not safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendedMasterSecret {
    /// It is neither offered nor accepted, as if RFC 7627 were not known, and its rules for
    /// resumption are not kept either: for peers that stumble over the extension.
    Off,
    /// It is used with every peer that knows it. The default.
    #[default]
    Optional,
    /// A peer that does not know it is refused with handshake_failure.
    Required,
}

/// Whose order of suites or application protocols decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The first of the server's list that the client offers. The default.
    #[default]
    Server,
    /// The first of the client's list that the server accepts.
    Client,
}

impl Preference {
    /// The first entry of one side's list that stands in the other's, as `matches` judges.
    pub(crate) fn choose<'a, Own, Offered>(
        self,
        own: &'a [Own],
        offered: &[Offered],
        matches: impl Fn(&Own, &Offered) -> bool,
    ) -> Option<&'a Own> {
        match self {
            Self::Server => own
                .iter()
                .find(|own| offered.iter().any(|offered| matches(own, offered))),
            Self::Client => offered
                .iter()
                .find_map(|offered| own.iter().find(|own| matches(own, offered))),
        }
    }
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

/// The settings that both roles share.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) suites: Box<[&'static Suite]>,
    pub(crate) extended_master_secret: ExtendedMasterSecret,
    pub(crate) secure_renegotiation: SecureRenegotiation,
    pub(crate) alpn_protocols: Box<[Box<[u8]>]>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) session_store: Option<Arc<dyn SessionStore>>,
    /// In seconds.
    pub(crate) session_lifetime: u32,
    pub(crate) resume_without_extended_master_secret: bool,
    pub(crate) environment: Environment,
}

impl Common {
    pub(crate) fn random(&self) -> &dyn RandomSource {
        self.environment.random.as_ref()
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.environment.time)()
    }

    /// The implemented suite of this number, if it is among the configured ones.
    pub(crate) fn suite(&self, id: CipherSuite) -> Option<&'static Suite> {
        self.suites.iter().find(|suite| suite.id == id).copied()
    }
}

/// The settings that both roles share, while they are being made.
struct CommonBuilder {
    suites: Option<Vec<CipherSuite>>,
    extended_master_secret: ExtendedMasterSecret,
    secure_renegotiation: SecureRenegotiation,
    alpn_protocols: Vec<Box<[u8]>>,
    record_size_limit: Option<u16>,
    session_store: Option<Arc<dyn SessionStore>>,
    session_lifetime: Duration,
    resume_without_extended_master_secret: bool,
    random: Option<Arc<dyn RandomSource>>,
    time: Option<Arc<dyn Fn() -> UnixTime + Send + Sync>>,
    key_log: Option<Arc<dyn KeyLog>>,
}

impl CommonBuilder {
    fn new(
        secure_renegotiation: SecureRenegotiation,
        sessions: usize,
        session_lifetime: Duration,
    ) -> Self {
        Self {
            suites: None,
            extended_master_secret: ExtendedMasterSecret::default(),
            secure_renegotiation,
            alpn_protocols: Vec::new(),
            record_size_limit: None,
            session_store: Some(Arc::new(MemoryStore::new(sessions))),
            session_lifetime,
            resume_without_extended_master_secret: false,
            random: default_random(),
            time: None,
            key_log: None,
        }
    }

    fn build(self) -> Result<Common, ConfigError> {
        check_protocols(&self.alpn_protocols)?;
        if let Some(limit) = self.record_size_limit
            && !RECORD_SIZE_LIMITS.contains(&limit)
        {
            return Err(ConfigError::BadRecordSizeLimit(limit));
        }
        let session_lifetime = u32::try_from(self.session_lifetime.as_secs())
            .ok()
            .filter(|seconds| (1..=MAX_SESSION_LIFETIME).contains(seconds))
            .ok_or(ConfigError::BadSessionLifetime)?;
        let environment = Environment {
            random: self.random.ok_or(ConfigError::NoRandom)?,
            time: self.time.unwrap_or_else(|| Arc::new(UnixTime::now)),
            key_log: self.key_log,
        };
        Ok(Common {
            suites: implemented(self.suites)?,
            extended_master_secret: self.extended_master_secret,
            secure_renegotiation: self.secure_renegotiation,
            alpn_protocols: self.alpn_protocols.into(),
            record_size_limit: self.record_size_limit,
            session_store: self.session_store,
            session_lifetime,
            resume_without_extended_master_secret: self.resume_without_extended_master_secret,
            environment,
        })
    }
}

/// The suites of these numbers, or those that are offered unless others are named.
fn implemented(ids: Option<Vec<CipherSuite>>) -> Result<Box<[&'static Suite]>, ConfigError> {
    let Some(ids) = ids else {
        return Ok(Suite::default_offer().collect());
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
    Ok(suites.into())
}

/// "Empty strings MUST NOT be included and byte strings MUST NOT be truncated"
/// ([RFC 7301 section 3.1](https://www.rfc-editor.org/rfc/rfc7301#section-3.1)).
fn check_protocols(names: &[Box<[u8]>]) -> Result<(), ConfigError> {
    let mut length = 0;
    for (index, name) in names.iter().enumerate() {
        length += 1 + name.len();
        let listed = names.iter().take(index).any(|before| before == name);
        if listed || name.is_empty() || u8::try_from(name.len()).is_err() {
            return Err(ConfigError::BadProtocolName);
        }
    }
    match length {
        0..=MAX_PROTOCOL_LIST => Ok(()),
        _ => Err(ConfigError::BadProtocolName),
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

/// A caller's generator as every connection draws from it.
fn shared_random(rng: impl TryCryptoRng + Send + 'static) -> Arc<dyn RandomSource> {
    Arc::new(SharedRng::new(rng))
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

        /// Whether the extended master secret is used. By default it is where the peer knows it.
        #[must_use]
        pub fn extended_master_secret(mut self, policy: ExtendedMasterSecret) -> Self {
            self.common.extended_master_secret = policy;
            self
        }

        /// Whether the peer has to know secure renegotiation. By default a client wants it of its
        /// server, and a server does without.
        #[must_use]
        pub fn secure_renegotiation(mut self, policy: SecureRenegotiation) -> Self {
            self.common.secure_renegotiation = policy;
            self
        }

        /// The application protocols, the preferred one first, by their registered names
        /// ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)). By default there are none, and
        /// the extension is not used.
        #[must_use]
        pub fn alpn_protocols(mut self, names: &[&[u8]]) -> Self {
            self.common.alpn_protocols = names.iter().map(|name| Box::from(*name)).collect();
            self
        }

        /// Where sessions are kept to be resumed, in place of the configuration's own
        /// [`MemoryStore`](crate::MemoryStore); with `None`, nowhere.
        ///
        /// A store may be shared by configurations and servers. A session is resumed only under the
        /// trust that it was made under: the same roots and policy for the peer's certificate, and
        /// the same certificate of this side. A renewed certificate ends the sessions before it.
        #[must_use]
        pub fn session_store(mut self, store: Option<Arc<dyn SessionStore>>) -> Self {
            self.common.session_store = store;
            self
        }

        /// How long a session may be resumed after its full handshake: a second to a day, and
        /// never longer than its certificates are valid. By default two hours on a server, and
        /// what the server says but at most a day on a client.
        #[must_use]
        pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
            self.common.session_lifetime = lifetime;
            self
        }

        /// Lets sessions be resumed that were made without the extended master secret, which
        /// [RFC 7627 section 5.3](https://www.rfc-editor.org/rfc/rfc7627#section-5.3) advises
        /// against: for peers that are too old for it and too slow for full handshakes. With
        /// [`ExtendedMasterSecret::Off`] they are resumed without this setting.
        #[must_use]
        pub fn resume_without_extended_master_secret(mut self) -> Self {
            self.common.resume_without_extended_master_secret = true;
            self
        }

        /// The source of randomness, in place of the operating system's: a generator of
        /// [`rand_core`](crate::rand_core)'s traits. It is shared by all connections, one at a time.
        #[must_use]
        pub fn random(mut self, rng: impl TryCryptoRng + Send + 'static) -> Self {
            self.common.random = Some(shared_random(rng));
            self
        }

        /// What time it is when a certificate is verified or a session's age is checked, in place
        /// of the operating system's clock.
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
use common_builder_methods;
