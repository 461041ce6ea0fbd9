//! A server's settings.

use super::{
    CertifiedKey, Common, CommonBuilder, ExtendedMasterSecret, KeyLog, Preference,
    ResolveCertificate, SecureRenegotiation, common_builder_methods, shared_random,
};
use crate::crypto::hash::fingerprint;
use crate::enums::CipherSuite;
use crate::error::{ConfigError, Error, Incompatible, LocalError};
use crate::resumption::{SessionStore, Tickets, TrustContext};
use crate::verify::RootStore;
use core::fmt;
use core::time::Duration;
use pki_types::{DnsName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// How many sessions a server keeps, unless it has another store.
const SESSIONS: usize = 4096;

/// How long they can be resumed.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

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

/// What a server shows.
enum Certificates {
    One(Arc<CertifiedKey>),
    Resolved(Arc<dyn ResolveCertificate>),
}

/// The certificate that a connection shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) certificate: Arc<CertifiedKey>,
    /// Whom the server believes and who it is.
    pub(crate) trust: TrustContext,
}

/// A server's certificates when they have been checked.
enum Identity {
    Fixed(Shown),
    Resolved(Arc<dyn ResolveCertificate>),
}

/// How a server behaves. Shared by its connections, never changed.
pub struct ServerConfig {
    pub(crate) common: Common,
    pub(crate) suite_preference: Preference,
    pub(crate) alpn_preference: Preference,
    identity: Identity,
    /// The fingerprint of whom the server believes.
    believed: [u8; 32],
    pub(crate) client_auth: ClientAuth,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) renew_tickets: bool,
    pub(crate) offload_decryption: bool,
}

impl ServerConfig {
    /// Starts the configuration of a server that shows `certificate`.
    ///
    /// The key should be used for nothing else: whoever gets it later reads every connection that
    /// was ever recorded.
    #[must_use]
    pub fn builder(certificate: Arc<CertifiedKey>) -> ServerConfigBuilder {
        ServerConfigBuilder::new(Certificates::One(certificate))
    }

    /// Starts the configuration of a server that shows what `resolver` chooses for each client, such
    /// as [`CertificatesByName`](crate::CertificatesByName).
    #[must_use]
    pub fn builder_with_resolver(resolver: Arc<dyn ResolveCertificate>) -> ServerConfigBuilder {
        ServerConfigBuilder::new(Certificates::Resolved(resolver))
    }

    /// What to show to a client that asks for this name.
    pub(crate) fn shown(&self, server_name: Option<&DnsName<'_>>) -> Result<Shown, Error> {
        match &self.identity {
            Identity::Fixed(shown) => Ok(shown.clone()),
            Identity::Resolved(resolver) => {
                let certificate = resolver.resolve(server_name);
                let certificate = certificate.ok_or(Incompatible::UnknownServerName)?;
                if certificate.key().is_none() && !self.offload_decryption {
                    return Err(LocalError::NoPrivateKey.into());
                }
                Ok(Shown::new(certificate, &self.believed))
            }
        }
    }
}

impl Shown {
    fn new(certificate: Arc<CertifiedKey>, believed: &[u8; 32]) -> Self {
        Self {
            trust: TrustContext::of(&[b"server", believed, &certificate.fingerprint]),
            certificate,
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").finish_non_exhaustive()
    }
}

/// Makes a [`ServerConfig`].
pub struct ServerConfigBuilder {
    common: CommonBuilder,
    certificates: Certificates,
    suite_preference: Preference,
    alpn_preference: Preference,
    client_auth: ClientAuth,
    tickets: Option<Arc<Tickets>>,
    renew_tickets: bool,
    offload_decryption: bool,
}

impl ServerConfigBuilder {
    fn new(certificates: Certificates) -> Self {
        Self {
            common: CommonBuilder::new(SecureRenegotiation::Optional, SESSIONS, SESSION_LIFETIME),
            certificates,
            suite_preference: Preference::default(),
            alpn_preference: Preference::default(),
            client_auth: ClientAuth::default(),
            tickets: None,
            renew_tickets: false,
            offload_decryption: false,
        }
    }

    common_builder_methods!();

    /// Whose order of suites decides. By default the server's.
    #[must_use]
    pub fn suite_preference(mut self, preference: Preference) -> Self {
        self.suite_preference = preference;
        self
    }

    /// Whose order of application protocols decides. By default the server's.
    #[must_use]
    pub fn alpn_preference(mut self, preference: Preference) -> Self {
        self.alpn_preference = preference;
        self
    }

    /// Whether clients are asked for a certificate. By default they are not.
    #[must_use]
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Gives sessions to the clients that can keep them, as tickets that only the holders of these
    /// keys can read ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)); the others get a session
    /// ID. By default there are no tickets: unlike a session in a store, one in a ticket cannot be
    /// taken back when its connection fails.
    #[must_use]
    pub fn tickets(mut self, tickets: Option<Arc<Tickets>>) -> Self {
        self.tickets = tickets;
        self
    }

    /// Gives a client that resumes by a ticket another one each time. Without this it gets one
    /// when its own was sealed with a key that is about to go.
    #[must_use]
    pub fn renew_tickets(mut self) -> Self {
        self.renew_tickets = true;
        self
    }

    /// The longest plaintext that a client may put into a protected record, 64 to 16384 bytes, if
    /// the client knows the extension ([RFC 8449](https://www.rfc-editor.org/rfc/rfc8449)). By
    /// default 16384. A client's own limits are kept in any case.
    #[must_use]
    pub fn record_size_limit(mut self, limit: u16) -> Self {
        self.common.record_size_limit = Some(limit);
        self
    }

    /// Makes every full handshake pause at
    /// [`Pending::DecryptPreMasterSecret`](crate::Pending::DecryptPreMasterSecret), so that the
    /// private-key operation can run on another thread, on another machine, or together with those
    /// of others. The configuration needs no key then:
    /// [`CertifiedKey::without_key`](crate::CertifiedKey::without_key).
    #[must_use]
    pub fn offload_decryption(mut self) -> Self {
        self.offload_decryption = true;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the setting: client certificates are asked for and the store to
    /// verify them with is empty, the key is elsewhere and decryption is not offloaded, a list of
    /// suites or application protocols, a limit or a lifetime that cannot be used, or no source of
    /// randomness.
    pub fn build(self) -> Result<ServerConfig, ConfigError> {
        if let ClientAuth::Request(roots) | ClientAuth::Require(roots) = &self.client_auth
            && roots.is_empty()
        {
            return Err(ConfigError::NoRoots);
        }
        let believed = believed(&self.client_auth);
        let identity = match self.certificates {
            Certificates::One(certificate) => {
                if certificate.key().is_none() && !self.offload_decryption {
                    return Err(ConfigError::KeyElsewhere);
                }
                Identity::Fixed(Shown::new(certificate, &believed))
            }
            Certificates::Resolved(resolver) => Identity::Resolved(resolver),
        };
        Ok(ServerConfig {
            identity,
            believed,
            common: self.common.build()?,
            suite_preference: self.suite_preference,
            alpn_preference: self.alpn_preference,
            client_auth: self.client_auth,
            tickets: self.tickets,
            renew_tickets: self.renew_tickets,
            offload_decryption: self.offload_decryption,
        })
    }
}

/// The fingerprint of a policy for client certificates.
fn believed(client_auth: &ClientAuth) -> [u8; 32] {
    let (mode, roots) = match client_auth {
        ClientAuth::None => (&b"none"[..], RootStore::new().fingerprint()),
        ClientAuth::Request(roots) => (&b"request"[..], roots.fingerprint()),
        ClientAuth::Require(roots) => (&b"require"[..], roots.fingerprint()),
    };
    fingerprint([mode, &roots])
}

impl fmt::Debug for ServerConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfigBuilder")
            .finish_non_exhaustive()
    }
}
