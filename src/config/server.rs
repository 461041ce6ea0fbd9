//! A server's settings.

use super::{
    CertifiedKey, Common, CommonBuilder, ExtendedMasterSecret, KeyLog, Preference,
    SecureRenegotiation, common_builder_methods, shared_random,
};
use crate::enums::CipherSuite;
use crate::error::ConfigError;
use crate::message::certificate::CertificateStatus;
use crate::message::{HandshakeBody, MAX_HANDSHAKE_BODY};
use crate::resumption::{SessionStore, Tickets, TrustContext};
use crate::verify::RootStore;
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
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

/// How a server behaves. Shared by its connections, never changed.
#[derive(Debug)]
pub struct ServerConfig {
    pub(crate) common: Common,
    pub(crate) suite_preference: Preference,
    pub(crate) alpn_preference: Preference,
    pub(crate) certificate: Arc<CertifiedKey>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) renew_tickets: bool,
    /// The CertificateStatus message with the response, built once for all handshakes.
    pub(crate) certificate_status: Option<Box<[u8]>>,
    pub(crate) offload_decryption: bool,
    /// Whom the server trusts and who it is.
    pub(crate) trust: TrustContext,
}

impl ServerConfig {
    /// Starts the configuration of a server that shows `certificate`.
    ///
    /// The key should be used for nothing else: whoever gets it later reads every connection that
    /// was ever recorded.
    #[must_use]
    pub fn builder(certificate: Arc<CertifiedKey>) -> ServerConfigBuilder {
        ServerConfigBuilder {
            common: CommonBuilder::new(SecureRenegotiation::Optional, SESSIONS, SESSION_LIFETIME),
            certificate,
            suite_preference: Preference::default(),
            alpn_preference: Preference::default(),
            client_auth: ClientAuth::default(),
            tickets: None,
            renew_tickets: false,
            ocsp_response: None,
            offload_decryption: false,
        }
    }
}

/// Makes a [`ServerConfig`].
pub struct ServerConfigBuilder {
    common: CommonBuilder,
    certificate: Arc<CertifiedKey>,
    suite_preference: Preference,
    alpn_preference: Preference,
    client_auth: ClientAuth,
    tickets: Option<Arc<Tickets>>,
    renew_tickets: bool,
    ocsp_response: Option<Vec<u8>>,
    offload_decryption: bool,
}

impl ServerConfigBuilder {
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

    /// The OCSP response about the certificate, in DER, for clients that ask for one
    /// ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).
    #[must_use]
    pub fn ocsp_response(mut self, der: Vec<u8>) -> Self {
        self.ocsp_response = Some(der);
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
    /// verify them with is empty, the key is elsewhere and decryption is not offloaded, a list of suites or application protocols, a limit, a lifetime or
    /// an OCSP response that cannot be used, or no source of randomness.
    pub fn build(self) -> Result<ServerConfig, ConfigError> {
        if let ClientAuth::Request(roots) | ClientAuth::Require(roots) = &self.client_auth
            && roots.is_empty()
        {
            return Err(ConfigError::NoRoots);
        }
        if self.certificate.key().is_none() && !self.offload_decryption {
            return Err(ConfigError::KeyElsewhere);
        }
        Ok(ServerConfig {
            trust: self.trust(),
            common: self.common.build()?,
            suite_preference: self.suite_preference,
            alpn_preference: self.alpn_preference,
            certificate: self.certificate,
            client_auth: self.client_auth,
            tickets: self.tickets,
            renew_tickets: self.renew_tickets,
            certificate_status: self.ocsp_response.map(certificate_status).transpose()?,
            offload_decryption: self.offload_decryption,
        })
    }

    fn trust(&self) -> TrustContext {
        let (mode, roots) = match &self.client_auth {
            ClientAuth::None => (&b"none"[..], RootStore::new().fingerprint()),
            ClientAuth::Request(roots) => (&b"request"[..], roots.fingerprint()),
            ClientAuth::Require(roots) => (&b"require"[..], roots.fingerprint()),
        };
        let own = self.certificate.chain().first();
        let own = own.map(AsRef::as_ref).unwrap_or_default();
        TrustContext::of(&[b"server", mode, &roots, own])
    }
}

fn certificate_status(ocsp_response: Vec<u8>) -> Result<Box<[u8]>, ConfigError> {
    if !(1..=MAX_HANDSHAKE_BODY - 4).contains(&ocsp_response.len()) {
        return Err(ConfigError::BadOcspResponse);
    }
    let status = CertificateStatus {
        ocsp_response: &ocsp_response,
    };
    Ok(status.encode().into())
}

impl fmt::Debug for ServerConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfigBuilder")
            .finish_non_exhaustive()
    }
}
