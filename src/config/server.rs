//! A server's settings.

use super::client_auth::{ClientAuth, ClientAuthorities, ClientCertificateRequest};
use super::common::{Common, CommonBuilder, common_builder_methods, shared_random};
use super::{
    CertifiedKey, ExtendedMasterSecret, KeyLog, Preference, ResolveCertificate,
    SecureRenegotiation, chain_signature_schemes,
};
use crate::crypto::hash::fingerprint;
use crate::enums::{CipherSuite, SignatureScheme};
use crate::error::{ConfigError, Error, Incompatible, LocalError};
use crate::resumption::{SessionStore, Tickets, TrustContext};
use crate::verify::CertificatePolicy;
use core::fmt;
use core::time::Duration;
use pki_types::{DnsName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// How many sessions a server keeps, unless it has another store.
const SESSIONS: usize = 4096;

/// How long they can be resumed.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// What a server shows.
enum Certificates {
    One(Arc<CertifiedKey>),
    Resolved(Arc<dyn ResolveCertificate>),
}

/// The certificate that a connection shows.
#[derive(Clone, Debug)]
pub(crate) struct SelectedCertificate {
    pub(crate) certificate: Arc<CertifiedKey>,
    /// Whom the server believes and who it is.
    pub(crate) trust: TrustContext,
}

/// A server's certificates when they have been checked.
enum Identity {
    Fixed(SelectedCertificate),
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
    pub(crate) client_certificate_request: ClientCertificateRequest,
    pub(crate) sha1_for_clients_without_signature_algorithms: bool,
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
    /// as [`CertificatesByName`](crate::certificate::CertificatesByName).
    #[must_use]
    pub fn builder_with_resolver(resolver: Arc<dyn ResolveCertificate>) -> ServerConfigBuilder {
        ServerConfigBuilder::new(Certificates::Resolved(resolver))
    }

    /// What to show to a client that asks for this name.
    pub(crate) fn select_certificate(
        &self,
        server_name: Option<&DnsName<'_>>,
    ) -> Result<SelectedCertificate, Error> {
        match &self.identity {
            Identity::Fixed(selected) => Ok(selected.clone()),
            Identity::Resolved(resolver) => {
                let certificate =
                    resolver.resolve(server_name).ok_or(Incompatible::UnknownServerName)?;
                if certificate.key().is_none() && !self.offload_decryption {
                    return Err(LocalError::NoPrivateKey.into());
                }
                Ok(SelectedCertificate::new(certificate, &self.believed))
            }
        }
    }
}

impl SelectedCertificate {
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
    client_authorities: ClientAuthorities,
    client_signature_algorithms: Box<[SignatureScheme]>,
    sha1_for_clients_without_signature_algorithms: bool,
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
            client_authorities: ClientAuthorities::default(),
            client_signature_algorithms: chain_signature_schemes().collect(),
            sha1_for_clients_without_signature_algorithms: false,
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

    /// Which authorities the server names when it asks for a certificate. By default those of the
    /// policy's roots.
    #[must_use]
    pub fn client_authorities(mut self, authorities: ClientAuthorities) -> Self {
        self.client_authorities = authorities;
        self
    }

    /// The algorithms with which a client may prove its certificate's key, and with which its chain
    /// may be signed, the preferred one first. By default RSA with SHA-256, SHA-384 and SHA-512, PSS
    /// before PKCS#1 v1.5; and, for chains alone, ECDSA.
    /// [`RSA_PKCS1_SHA1`](SignatureScheme::RSA_PKCS1_SHA1) may be listed for old clients; **it is
    /// broken**. A chain has to be one that the policy accepts, whatever stands here.
    #[must_use]
    pub fn client_signature_algorithms(mut self, algorithms: &[SignatureScheme]) -> Self {
        self.client_signature_algorithms = algorithms.into();
        self
    }

    /// Lets clients that do not say which algorithms they know prove their certificate's key with
    /// SHA-1, which is what they are to be taken to know
    /// ([RFC 5246 section 7.4.1.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.4.1)).
    /// **SHA-1 is broken**: for clients that are too old for anything else.
    #[must_use]
    pub fn sha1_for_clients_without_signature_algorithms(mut self) -> Self {
        self.sha1_for_clients_without_signature_algorithms = true;
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
    /// A [`ConfigError`] that names the setting: client certificates are asked for and the policy has
    /// neither a root nor a pin, or requires an OCSP response of them; the key is elsewhere and
    /// decryption is not offloaded; a list of suites, signature algorithms, authorities or application
    /// protocols, a limit or a lifetime that cannot be used; or no source of randomness.
    pub fn build(self) -> Result<ServerConfig, ConfigError> {
        let client_certificate_request = ClientCertificateRequest::new(
            &self.client_auth,
            &self.client_authorities,
            &self.client_signature_algorithms,
        )?;
        let believed = self.believed();
        let identity = match self.certificates {
            Certificates::One(certificate) => {
                if certificate.key().is_none() && !self.offload_decryption {
                    return Err(ConfigError::NoPrivateKey);
                }
                Identity::Fixed(SelectedCertificate::new(certificate, &believed))
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
            client_certificate_request,
            sha1_for_clients_without_signature_algorithms: self
                .sha1_for_clients_without_signature_algorithms,
            tickets: self.tickets,
            renew_tickets: self.renew_tickets,
            offload_decryption: self.offload_decryption,
        })
    }
}

impl ServerConfigBuilder {
    /// The fingerprint of which clients are believed, and on which proof.
    fn believed(&self) -> [u8; 32] {
        let policy = self.client_auth.policy().map(CertificatePolicy::fingerprint);
        let mode: &[u8] = match &self.client_auth {
            ClientAuth::None => b"none",
            ClientAuth::Request(_) => b"request",
            ClientAuth::Require(_) => b"require",
        };
        let mut algorithms: Vec<_> =
            self.client_signature_algorithms.iter().map(|scheme| scheme.0.to_be_bytes()).collect();
        algorithms.sort_unstable();
        fingerprint([
            mode,
            policy.as_ref().map_or(&[], |policy| &policy[..]),
            algorithms.as_flattened(),
            &[u8::from(self.sha1_for_clients_without_signature_algorithms)],
        ])
    }
}

impl fmt::Debug for ServerConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfigBuilder").finish_non_exhaustive()
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

    fn elsewhere() -> Arc<CertifiedKey> {
        let chain = certified().chain().to_vec();
        Arc::new(CertifiedKey::without_key(chain).unwrap())
    }

    fn builder() -> ServerConfigBuilder {
        ServerConfig::builder(Arc::new(certified()))
    }

    fn pinned(byte: u8) -> CertificatePolicy {
        CertificatePolicy::new(RootStore::new()).pin_certificate([byte; 32])
    }

    /// Has one certificate, whose key is elsewhere, for those who ask for a name.
    #[derive(Debug)]
    struct ForNames;

    impl ResolveCertificate for ForNames {
        fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>> {
            server_name.map(|_| elsewhere())
        }
    }

    #[test]
    fn a_key_that_is_elsewhere_decrypts_elsewhere() {
        let refused = ServerConfig::builder(elsewhere()).build();
        assert_eq!(refused.unwrap_err(), ConfigError::NoPrivateKey);
        let offloaded = ServerConfig::builder(elsewhere()).offload_decryption();
        assert!(matches!(
            offloaded.build(),
            Ok(_) | Err(ConfigError::NoRandom)
        ));
    }

    /// One that is chosen for a client is judged when it is chosen.
    #[cfg(feature = "getrandom")]
    #[test]
    fn a_certificate_that_is_chosen_has_to_serve() {
        let name = "a.example".try_into().unwrap();
        let builder = || ServerConfig::builder_with_resolver(Arc::new(ForNames));
        let config = builder().build().unwrap();
        let unknown = config.select_certificate(None).unwrap_err();
        assert_eq!(unknown, Incompatible::UnknownServerName.into());
        let no_key = config.select_certificate(Some(&name)).unwrap_err();
        assert_eq!(no_key, LocalError::NoPrivateKey.into());
        let config = builder().offload_decryption().build().unwrap();
        assert!(config.select_certificate(Some(&name)).is_ok());
    }

    /// A session that was made under one of these is resumed under none of the others.
    #[test]
    fn whom_a_server_believes_is_the_policy_and_the_proof() {
        use SignatureScheme as Scheme;
        let request = || builder().client_auth(ClientAuth::Request(pinned(1)));
        let (one, other) = (Scheme::RSA_PKCS1_SHA256, Scheme::RSA_PSS_RSAE_SHA256);
        let builders = [
            builder(),
            request(),
            builder().client_auth(ClientAuth::Request(pinned(2))),
            builder().client_auth(ClientAuth::Require(pinned(1))),
            request().client_signature_algorithms(&[one]),
            request().client_signature_algorithms(&[one, other]),
            request().sha1_for_clients_without_signature_algorithms(),
        ];
        let believed = builders.map(|builder| builder.believed());
        for (index, one) in believed.iter().enumerate() {
            assert!(!believed[index + 1..].contains(one), "{index}");
        }
        // Which of its algorithms a server likes best does not matter.
        let order = request().client_signature_algorithms(&[other, one]);
        assert_eq!(order.believed(), believed[5]);
    }
}
