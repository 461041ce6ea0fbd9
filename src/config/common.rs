//! The settings that both roles share, and the checks of these settings.

use super::{EncryptThenMac, ExtendedMasterSecret, KeyLog, SecureRenegotiation};
use crate::crypto::rng::{RandomSource, SharedRng};
use crate::crypto::suite::Suite;
use crate::enums::CipherSuite;
use crate::error::ConfigError;
use crate::message::HandshakeBody;
use crate::message::hello::ClientHello;
use crate::resumption::{MemoryStore, SessionStore};
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// The most bytes that the list of application protocols takes, each name with its length byte.
const MAX_PROTOCOL_LIST: usize = 1 << 12;

/// The record size limits that this side can announce: "Endpoints MUST NOT send a
/// "record_size_limit" extension with a value smaller than 64"
/// ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)).
const RECORD_SIZE_LIMITS: core::ops::RangeInclusive<u16> = 64..=1 << 14;

/// "An upper limit of 24 hours is suggested for session ID lifetimes"
/// ([RFC 5246 appendix F.1.4](https://www.rfc-editor.org/rfc/rfc5246#appendix-F.1.4)).
const MAX_SESSION_LIFETIME: u32 = 24 * 60 * 60;

/// What every connection needs from outside: randomness, the time and the key log.
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

/// The settings that both roles share, checked.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) suites: Box<[&'static Suite]>,
    pub(crate) extended_master_secret: ExtendedMasterSecret,
    pub(crate) encrypt_then_mac: EncryptThenMac,
    pub(crate) secure_renegotiation: SecureRenegotiation,
    pub(crate) alpn_protocols: Box<[Box<[u8]>]>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) session_store: Option<Arc<dyn SessionStore>>,
    /// In seconds.
    pub(crate) session_lifetime: u32,
    pub(crate) resume_without_extended_master_secret: bool,
    pub(crate) close_with_peer: bool,
    /// In bytes.
    pub(crate) max_handshake_message: usize,
    pub(crate) environment: Environment,
}

impl Common {
    pub(crate) fn random(&self) -> &dyn RandomSource {
        self.environment.random.as_ref()
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.environment.time)()
    }

    /// Returns true if a client offers encrypt-then-MAC: with a CBC suite, unless it is off.
    pub(crate) fn offers_encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac != EncryptThenMac::Off
            && self.suites.iter().any(|suite| suite.is_cbc())
    }

    /// Returns the suite with this number, if it is configured.
    pub(crate) fn suite(&self, id: CipherSuite) -> Option<&'static Suite> {
        self.suites.iter().find(|suite| suite.id == id).copied()
    }
}

/// The settings that both roles share, before they are checked.
pub(super) struct CommonBuilder {
    pub(super) suites: Option<Vec<CipherSuite>>,
    pub(super) extended_master_secret: ExtendedMasterSecret,
    pub(super) encrypt_then_mac: EncryptThenMac,
    pub(super) secure_renegotiation: SecureRenegotiation,
    pub(super) alpn_protocols: Vec<Box<[u8]>>,
    pub(super) record_size_limit: Option<u16>,
    pub(super) session_store: Option<Arc<dyn SessionStore>>,
    pub(super) session_lifetime: Duration,
    pub(super) resume_without_extended_master_secret: bool,
    pub(super) close_with_peer: bool,
    pub(super) max_handshake_message: usize,
    pub(super) random: Option<Arc<dyn RandomSource>>,
    pub(super) time: Option<Arc<dyn Fn() -> UnixTime + Send + Sync>>,
    pub(super) key_log: Option<Arc<dyn KeyLog>>,
}

impl CommonBuilder {
    pub(super) fn new(
        secure_renegotiation: SecureRenegotiation,
        sessions: usize,
        session_lifetime: Duration,
    ) -> Self {
        Self {
            suites: None,
            extended_master_secret: ExtendedMasterSecret::default(),
            encrypt_then_mac: EncryptThenMac::default(),
            secure_renegotiation,
            alpn_protocols: Vec::new(),
            record_size_limit: None,
            session_store: Some(Arc::new(MemoryStore::new(sessions))),
            session_lifetime,
            resume_without_extended_master_secret: false,
            close_with_peer: false,
            max_handshake_message: ClientHello::LONGEST,
            random: default_random(),
            time: default_time(),
            key_log: None,
        }
    }

    /// The present time; `None` without a time provider.
    pub(super) fn now(&self) -> Option<UnixTime> {
        self.time.as_ref().map(|time| time())
    }

    pub(super) fn build(self) -> Result<Common, ConfigError> {
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
            time: self.time.ok_or(ConfigError::NoTime)?,
            key_log: self.key_log,
        };
        Ok(Common {
            suites: implemented(self.suites)?,
            extended_master_secret: self.extended_master_secret,
            encrypt_then_mac: self.encrypt_then_mac,
            secure_renegotiation: self.secure_renegotiation,
            alpn_protocols: self.alpn_protocols.into(),
            record_size_limit: self.record_size_limit,
            session_store: self.session_store,
            session_lifetime,
            resume_without_extended_master_secret: self.resume_without_extended_master_secret,
            close_with_peer: self.close_with_peer,
            max_handshake_message: self.max_handshake_message,
            environment,
        })
    }
}

/// Looks up the suites with these numbers; the default is [`Suite::default_offer`].
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
    if length > MAX_PROTOCOL_LIST {
        return Err(ConfigError::BadProtocolName);
    }
    Ok(())
}

#[cfg(feature = "getrandom")]
fn default_random() -> Option<Arc<dyn RandomSource>> {
    Some(Arc::new(crate::crypto::rng::SystemRandom))
}

#[cfg(not(feature = "getrandom"))]
fn default_random() -> Option<Arc<dyn RandomSource>> {
    None
}

/// The operating system's clock.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn default_time() -> Option<Arc<dyn Fn() -> UnixTime + Send + Sync>> {
    Some(Arc::new(UnixTime::now))
}

/// In `wasm32-unknown-unknown`, nothing is known of the system around.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn default_time() -> Option<Arc<dyn Fn() -> UnixTime + Send + Sync>> {
    None
}

/// Wraps the caller's generator so that all connections can draw from it.
pub(super) fn shared_random(rng: impl TryCryptoRng + Send + 'static) -> Arc<dyn RandomSource> {
    Arc::new(SharedRng::new(rng))
}

/// The methods of both builders.
macro_rules! common_builder_methods {
    () => {
        /// Sets the cipher suites that this side offers or accepts, in order of preference. The
        /// default is AES-256-GCM, then AES-128-GCM.
        ///
        /// The CBC and CCM suites are used only if they are named here, or by a preset
        /// ([`legacy_cbc`](Self::legacy_cbc)). The CCM suites are as safe as AES-GCM, and those with
        /// tags of eight bytes nearly so; CBC is for peers that support nothing better.
        #[must_use]
        pub fn suites(mut self, suites: &[CipherSuite]) -> Self {
            self.common.suites = Some(suites.to_vec());
            self
        }

        /// Sets how the extended master secret is used. The default is
        /// [`ExtendedMasterSecret::Optional`].
        #[must_use]
        pub fn extended_master_secret(mut self, policy: ExtendedMasterSecret) -> Self {
            self.common.extended_master_secret = policy;
            self
        }

        /// Sets how encrypt-then-MAC is used with the CBC suites. The default is
        /// [`EncryptThenMac::Optional`].
        #[must_use]
        pub fn encrypt_then_mac(mut self, policy: EncryptThenMac) -> Self {
            self.common.encrypt_then_mac = policy;
            self
        }

        /// Sets whether the peer must support secure renegotiation. The default is
        /// [`Required`](SecureRenegotiation::Required) on a client and
        /// [`Optional`](SecureRenegotiation::Optional) on a server.
        #[must_use]
        pub fn secure_renegotiation(mut self, policy: SecureRenegotiation) -> Self {
            self.common.secure_renegotiation = policy;
            self
        }

        /// Sets the application protocols (ALPN), in order of preference, by their registered names
        /// ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)). By default the list is empty: a
        /// client does not send the extension, and a server ignores it. A server with a list
        /// refuses a client that offers only other protocols, with no_application_protocol.
        #[must_use]
        pub fn alpn_protocols(mut self, names: &[&[u8]]) -> Self {
            self.common.alpn_protocols = names.iter().map(|name| Box::from(*name)).collect();
            self
        }

        /// Sets the store for sessions, in place of the configuration's own
        /// [`MemoryStore`](crate::MemoryStore). With `None`, no session is stored.
        ///
        /// Several configurations and servers may share one store. A session is resumed only if the
        /// roots, the policy for the peer's certificate and this side's own certificate are the
        /// same as when it was made. So renewing a certificate ends the sessions made with the old
        /// one.
        #[must_use]
        pub fn session_store(mut self, store: Option<Arc<dyn SessionStore>>) -> Self {
            self.common.session_store = store;
            self
        }

        /// Sets how long after its full handshake a session may be resumed: one second to one day,
        /// in whole seconds. A session never outlives its certificates. The default is two hours on
        /// a server and one day on a client. A server announces the time with each ticket, and a
        /// client keeps to it if it is shorter than its own.
        #[must_use]
        pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
            self.common.session_lifetime = lifetime;
            self
        }

        /// Allows the resumption of sessions that were made without the extended master secret, for
        /// peers that do not support it and are slow at full handshakes.
        /// [RFC 7627 section 5.3](https://www.rfc-editor.org/rfc/rfc7627#section-5.3) advises
        /// against it. Without this setting a server gives such clients no session ID and no ticket.
        /// With [`ExtendedMasterSecret::Off`] such sessions are resumed without this
        /// setting.
        #[must_use]
        pub fn resume_without_extended_master_secret(mut self) -> Self {
            self.common.resume_without_extended_master_secret = true;
            self
        }

        /// Sets the longest body of a handshake message that this side accepts, in bytes. The
        /// default is 131396, the longest ClientHello that RFC 5246 allows. A message is in any case
        /// no longer than its own definition allows; only certificate chains and OCSP responses can
        /// be longer than the default, up to 2^24-1 bytes.
        ///
        /// A message is collected as its bytes arrive; its header alone takes no memory.
        #[must_use]
        pub fn max_handshake_message(mut self, bytes: usize) -> Self {
            self.common.max_handshake_message = bytes;
            self
        }

        /// Answers the peer's close_notify at once with this side's own, after which nothing can be
        /// sent: "The other party MUST respond with a close_notify alert of its own and close down
        /// the connection immediately, discarding any pending writes"
        /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)).
        ///
        /// By default each direction closes on its own, as in
        /// [RFC 8446 section 6.1](https://www.rfc-editor.org/rfc/rfc8446#section-6.1), whose reason
        /// is that the older rule could truncate data: after the peer's close_notify this side can
        /// finish its answer, and its close_notify goes out with
        /// [`Connection::close`](crate::Connection::close).
        #[must_use]
        pub fn close_with_peer(mut self) -> Self {
            self.common.close_with_peer = true;
            self
        }

        /// Sets the random number generator, in place of the operating system's. It implements
        /// [`rand_core`](crate::rand_core)'s traits. All connections share it, behind a lock. Without
        /// the crate feature `getrandom` it is required.
        #[must_use]
        pub fn rng(mut self, rng: impl TryCryptoRng + Send + 'static) -> Self {
            self.common.random = Some(shared_random(rng));
            self
        }

        /// Sets the time provider, in place of the operating system's clock. It is called when a
        /// certificate is verified and when the age of a session or of a ticket key is checked. On
        /// `wasm32-unknown-unknown`, which has no clock, it is required.
        #[must_use]
        pub fn time_provider(mut self, now: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
            self.common.time = Some(Arc::new(now));
            self
        }

        /// Logs the secrets of each connection. **Anyone who has the log can decrypt the
        /// connections.** By default nothing is logged.
        #[must_use]
        pub fn key_log(mut self, key_log: Arc<dyn KeyLog>) -> Self {
            self.common.key_log = Some(key_log);
            self
        }
    };
}
pub(super) use common_builder_methods;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::LocalError;

    const AES_128: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

    struct Zeros;

    impl RandomSource for Zeros {
        fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
            out.fill(0);
            Ok(())
        }
    }

    fn builder() -> CommonBuilder {
        let lifetime = Duration::from_secs(60);
        let mut builder = CommonBuilder::new(SecureRenegotiation::Required, 4, lifetime);
        builder.random = Some(Arc::new(Zeros));
        builder
    }

    /// The error of the settings after `change`, if they are refused.
    fn refused(change: impl FnOnce(&mut CommonBuilder)) -> Option<ConfigError> {
        let mut builder = builder();
        change(&mut builder);
        builder.build().err()
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let common = builder().build().unwrap();
        assert!(!common.suites.is_empty());
        assert_eq!(
            common.extended_master_secret,
            ExtendedMasterSecret::Optional
        );
        assert_eq!(common.encrypt_then_mac, EncryptThenMac::Optional);
        assert!(!common.offers_encrypt_then_mac());
        assert_eq!(common.secure_renegotiation, SecureRenegotiation::Required);
        assert!(common.alpn_protocols.is_empty());
        assert_eq!(common.record_size_limit, None);
        assert!(common.session_store.is_some());
        assert_eq!(common.session_lifetime, 60);
        assert!(!common.resume_without_extended_master_secret);
        assert!(common.environment.key_log.is_none());
    }

    #[test]
    fn suites_are_found_by_their_number_among_those_that_are_set() {
        let mut builder = builder();
        builder.suites = Some(vec![AES_128]);
        let common = builder.build().unwrap();
        assert_eq!(common.suites.len(), 1);
        assert_eq!(common.suite(AES_128).unwrap().id, AES_128);
        let other = CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384;
        assert!(common.suite(other).is_none());
    }

    #[test]
    fn lists_of_suites_are_implemented_and_have_none_twice() {
        let suites = |ids: &[CipherSuite]| refused(|builder| builder.suites = Some(ids.to_vec()));
        assert_eq!(suites(&[AES_128]), None);
        assert_eq!(suites(&[]), Some(ConfigError::NoSuites));
        let twice = suites(&[AES_128, AES_128]);
        assert_eq!(twice, Some(ConfigError::DuplicateSuite(AES_128)));
        let unknown = CipherSuite(0xfefe);
        let error = ConfigError::UnsupportedSuite(unknown);
        assert_eq!(suites(&[AES_128, unknown]), Some(error));
    }

    #[test]
    fn names_of_protocols_have_their_length_and_the_list_has_its_own() {
        let protocols = |names: &[&[u8]]| {
            refused(|builder| {
                builder.alpn_protocols = names.iter().map(|name| Box::from(*name)).collect();
            })
        };
        let bad = Some(ConfigError::BadProtocolName);
        assert_eq!(protocols(&[b"a", b"b"]), None);
        assert_eq!(protocols(&[b"a", b""]), bad);
        assert_eq!(protocols(&[b"a", b"b", b"a"]), bad);
        assert_eq!(protocols(&[&[0; 255]]), None);
        assert_eq!(protocols(&[&[0; 256]]), bad);
        // Sixteen times 256 bytes, each name with its length, are the most.
        let names: Vec<_> = (0..17).map(|byte| [byte; 255]).collect();
        let names: Vec<&[u8]> = names.iter().map(|name| &name[..]).collect();
        assert_eq!(protocols(&names[..16]), None);
        assert_eq!(protocols(&names), bad);
        assert_eq!(protocols(&[&names[..16], &[b"b"]].concat()), bad);
    }

    #[test]
    fn numbers_are_within_their_limits() {
        for (limit, good) in [(63, false), (64, true), (16_384, true), (16_385, false)] {
            let error = (!good).then_some(ConfigError::BadRecordSizeLimit(limit));
            assert_eq!(
                refused(|builder| builder.record_size_limit = Some(limit)),
                error
            );
        }
        let day = 24 * 60 * 60;
        for (seconds, good) in [
            (0, false),
            (1, true),
            (day, true),
            (day + 1, false),
            (u64::MAX, false),
        ] {
            let error = (!good).then_some(ConfigError::BadSessionLifetime);
            let lifetime = Duration::from_secs(seconds);
            assert_eq!(
                refused(|builder| builder.session_lifetime = lifetime),
                error
            );
        }
    }

    #[test]
    fn randomness_comes_from_somewhere() {
        let error = refused(|builder| builder.random = None);
        assert_eq!(error, Some(ConfigError::NoRandom));
    }

    #[test]
    fn time_comes_from_somewhere() {
        let now = UnixTime::now();
        assert!(builder().now().is_some_and(|told| told >= now));
        let error = refused(|builder| builder.time = None);
        assert_eq!(error, Some(ConfigError::NoTime));
    }

    #[test]
    fn time_is_what_the_caller_says() {
        let mut builder = builder();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(7));
        builder.time = Some(Arc::new(move || now));
        assert_eq!(builder.build().unwrap().now(), now);
    }
}
