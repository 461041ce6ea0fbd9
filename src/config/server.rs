//! A server's settings.

use super::client_auth::{ClientAuth, ClientAuthorities, ClientCertificateRequest};
use super::common::{Common, CommonBuilder, common_builder_methods, shared_random};
use super::{
    CertifiedKey, EncryptThenMac, ExtendedMasterSecret, KeyLog, Preference, ResolveCertificate,
    SIGNATURE_SCHEMES, SecureRenegotiation,
};
use crate::crypto::hash::fingerprint;
use crate::enums::{CipherSuite, SignatureScheme};
use crate::error::{CertificateWarning, ConfigError, Error, Incompatible, LocalError};
use crate::resumption::{SessionStore, Tickets, TrustContext};
use crate::verify::CertificatePolicy;
use core::fmt;
use core::time::Duration;
use pki_types::{DnsName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// The number of sessions in the server's own store.
const SESSIONS: usize = 4096;

/// The default lifetime of a session.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// The source of a server's certificate.
enum Certificates {
    One(Arc<CertifiedKey>),
    Resolved(Arc<dyn ResolveCertificate>),
}

/// The certificate that a server presents on a connection.
#[derive(Clone, Debug)]
pub(crate) struct SelectedCertificate {
    pub(crate) certificate: Arc<CertifiedKey>,
    /// Identifies the rules for accepting clients, and the server's certificate.
    pub(crate) trust: TrustContext,
}

/// The source of a server's certificate, checked.
enum Identity {
    Fixed(SelectedCertificate),
    Resolved(Arc<dyn ResolveCertificate>),
}

/// The configuration of a server. It is immutable and shared by the server's connections.
pub struct ServerConfig {
    pub(crate) common: Common,
    pub(crate) suite_preference: Preference,
    pub(crate) alpn_preference: Preference,
    identity: Identity,
    /// A hash of the rules for accepting clients: the mode, the policy, and the signature
    /// algorithms.
    client_rules: [u8; 32],
    pub(crate) client_auth: ClientAuth,
    pub(crate) client_certificate_request: ClientCertificateRequest,
    pub(crate) sha1_for_clients_without_signature_algorithms: bool,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) renew_tickets: bool,
    pub(crate) offload_decryption: bool,
    pub(crate) offload_session_lookup: bool,
}

impl ServerConfig {
    /// Creates a builder for a server that presents `certificate`.
    ///
    /// Use its key for nothing else: anyone who obtains it later can decrypt every connection that
    /// was ever recorded.
    #[must_use]
    pub fn builder(certificate: Arc<CertifiedKey>) -> ServerConfigBuilder {
        ServerConfigBuilder::new(Certificates::One(certificate))
    }

    /// Creates a builder for a server whose certificate `resolver` selects for each client, for
    /// example a [`CertificatesByName`](crate::certificate::CertificatesByName).
    #[must_use]
    pub fn builder_with_resolver(resolver: Arc<dyn ResolveCertificate>) -> ServerConfigBuilder {
        ServerConfigBuilder::new(Certificates::Resolved(resolver))
    }

    /// Selects the certificate for a client that sent this server name.
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
                Ok(SelectedCertificate::new(certificate, &self.client_rules))
            }
        }
    }
}

impl SelectedCertificate {
    fn new(certificate: Arc<CertifiedKey>, client_rules: &[u8; 32]) -> Self {
        Self {
            trust: TrustContext::of(&[b"server", client_rules, &certificate.fingerprint]),
            certificate,
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").finish_non_exhaustive()
    }
}

/// Builds a [`ServerConfig`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// use core::time::Duration;
/// use premaster::{CertifiedKey, ServerConfig, Tickets};
/// use std::sync::Arc;
///
/// let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
/// let hour = Duration::from_secs(60 * 60);
/// let config = ServerConfig::builder(certified)
///     .tickets(Some(Arc::new(Tickets::rotating(12 * hour))))
///     .session_lifetime(hour)
///     .build()?;
/// # Ok(())
/// # }
/// ```
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
    offload_session_lookup: bool,
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
            client_signature_algorithms: SIGNATURE_SCHEMES.into(),
            sha1_for_clients_without_signature_algorithms: false,
            tickets: None,
            renew_tickets: false,
            offload_decryption: false,
            offload_session_lookup: false,
        }
    }

    common_builder_methods!();

    /// Sets which side's order decides the cipher suite. The default is [`Preference::Server`].
    #[must_use]
    pub fn suite_preference(mut self, preference: Preference) -> Self {
        self.suite_preference = preference;
        self
    }

    /// Sets which side's order decides the application protocol. The default is
    /// [`Preference::Server`].
    #[must_use]
    pub fn alpn_preference(mut self, preference: Preference) -> Self {
        self.alpn_preference = preference;
        self
    }

    /// Sets whether the server requests a certificate from clients. The default is
    /// [`ClientAuth::None`].
    #[must_use]
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Sets the CA names that the server lists when it requests a certificate. The default is
    /// [`ClientAuthorities::FromRoots`].
    #[must_use]
    pub fn client_authorities(mut self, authorities: ClientAuthorities) -> Self {
        self.client_authorities = authorities;
        self
    }

    /// Sets the signature algorithms that the server lists when it requests a certificate, in order
    /// of preference. They apply to CertificateVerify and to the signatures in the client's chain.
    ///
    /// The default is RSA with SHA-256, SHA-384 and SHA-512, PSS before PKCS#1 v1.5: what goes with
    /// the certificate type that the server requests, rsa_sign. At least one algorithm must be for
    /// RSA. ECDSA may be listed for chains with an ECDSA authority, whose clients RFC 5246 otherwise
    /// keeps from presenting them; but a client that has an ECDSA certificate, too, may then choose
    /// that, and fails. [`RSA_PKCS1_SHA1`](SignatureScheme::RSA_PKCS1_SHA1) may be listed for
    /// old clients; **SHA-1 is broken**. The list does not loosen the policy, which must accept the
    /// chain in any case.
    #[must_use]
    pub fn client_signature_algorithms(mut self, algorithms: &[SignatureScheme]) -> Self {
        self.client_signature_algorithms = algorithms.into();
        self
    }

    /// Accepts CertificateVerify with SHA-1 from clients that send no signature_algorithms
    /// extension; SHA-1 is the default that
    /// [RFC 5246 section 7.4.1.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.4.1)
    /// defines for them. **SHA-1 is broken**: use it only for clients that are too old for anything
    /// else.
    #[must_use]
    pub fn sha1_for_clients_without_signature_algorithms(mut self) -> Self {
        self.sha1_for_clients_without_signature_algorithms = true;
        self
    }

    /// Issues session tickets, sealed with these keys, to clients that support them
    /// ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)); other clients receive a session ID. By
    /// default no tickets are issued: unlike a stored session, a ticket cannot be revoked when its
    /// connection fails.
    #[must_use]
    pub fn tickets(mut self, tickets: Option<Arc<Tickets>>) -> Self {
        self.tickets = tickets;
        self
    }

    /// Issues a new ticket each time a client resumes with one that the current key sealed. Without
    /// this, only a ticket from an earlier key is replaced.
    #[must_use]
    pub fn renew_tickets(mut self) -> Self {
        self.renew_tickets = true;
        self
    }

    /// Limits the plaintext of each protected record that a client sends, to 64 to 16384 bytes. It
    /// is announced to clients that support the extension
    /// ([RFC 8449](https://www.rfc-editor.org/rfc/rfc8449)). The default is 16384. The server
    /// always keeps to the client's own limits.
    #[must_use]
    pub fn record_size_limit(mut self, limit: u16) -> Self {
        self.common.record_size_limit = Some(limit);
        self
    }

    /// Makes each full handshake pause at
    /// [`Pending::DecryptPreMasterSecret`](crate::Pending::DecryptPreMasterSecret), so that the
    /// private-key operation can run on another thread, on another machine, or in a batch with
    /// others. The certificate then needs no key: see
    /// [`CertifiedKey::without_key`](crate::CertifiedKey::without_key).
    #[must_use]
    pub fn offload_decryption(mut self) -> Self {
        self.offload_decryption = true;
        self
    }

    /// Makes the handshake of a client that offers a session ID pause at
    /// [`Pending::FindSession`](crate::Pending::FindSession), so that no thread blocks on a
    /// [`session_store`](Self::session_store) on the network. The store is needed all the same: its
    /// `put` and `remove` are called, and should only begin what they do. The feature `tokio` has such a
    /// store, `AsyncSessions`.
    #[must_use]
    pub fn offload_session_lookup(mut self) -> Self {
        self.offload_session_lookup = true;
        self
    }

    /// Returns what clients probably refuse about the server's certificates at the present time, by
    /// the [time provider](Self::time_provider): dates, keyUsage, extendedKeyUsage, missing names,
    /// SHA-1, and the order of the chain. Without a time provider the dates are not looked at. No
    /// warning keeps the configuration from being built.
    ///
    /// Of a resolver, the certificates are those that its
    /// [`certificates`](ResolveCertificate::certificates) returns.
    #[must_use]
    pub fn warnings(&self) -> Vec<CertificateWarning> {
        let now = self.common.now();
        let certificates = match &self.certificates {
            Certificates::One(certificate) => vec![certificate.clone()],
            Certificates::Resolved(resolver) => resolver.certificates(),
        };
        certificates.iter().flat_map(|own| own.warnings_as_server(now)).collect()
    }

    /// Checks the settings and builds the configuration.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the setting: client certificates are requested but the policy
    /// has neither a root nor a pin, or requires an OCSP response; the certificate has no key and
    /// decryption is not offloaded; a list of suites, signature algorithms, CA names or application
    /// protocols, a limit or a lifetime is invalid; or there is no random number generator or no clock.
    pub fn build(self) -> Result<ServerConfig, ConfigError> {
        let client_certificate_request = ClientCertificateRequest::new(
            &self.client_auth,
            &self.client_authorities,
            &self.client_signature_algorithms,
        )?;
        let client_rules = self.client_rules();
        let identity = match self.certificates {
            Certificates::One(certificate) => {
                if certificate.key().is_none() && !self.offload_decryption {
                    return Err(ConfigError::NoPrivateKey);
                }
                Identity::Fixed(SelectedCertificate::new(certificate, &client_rules))
            }
            Certificates::Resolved(resolver) => Identity::Resolved(resolver),
        };
        Ok(ServerConfig {
            identity,
            client_rules,
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
            offload_session_lookup: self.offload_session_lookup,
        })
    }
}

impl ServerConfigBuilder {
    /// Hashes the rules for accepting clients, on which the resumption of a session depends.
    fn client_rules(&self) -> [u8; 32] {
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

    /// Has a certificate without its key, for every client that sends a name.
    #[derive(Debug)]
    struct ForNames;

    impl ResolveCertificate for ForNames {
        fn resolve(&self, server_name: Option<&DnsName<'_>>) -> Option<Arc<CertifiedKey>> {
            server_name.map(|_| elsewhere())
        }
    }

    #[test]
    fn a_certificate_without_a_key_requires_offloaded_decryption() {
        let refused = ServerConfig::builder(elsewhere()).build();
        assert_eq!(refused.unwrap_err(), ConfigError::NoPrivateKey);
        let offloaded = ServerConfig::builder(elsewhere()).offload_decryption();
        assert!(matches!(
            offloaded.build(),
            Ok(_) | Err(ConfigError::NoRandom)
        ));
    }

    /// The certificate that a resolver returns is checked at the handshake.
    #[cfg(feature = "getrandom")]
    #[test]
    fn a_certificate_that_is_selected_must_be_usable() {
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
    fn rules_for_clients_are_the_policy_and_the_algorithms() {
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
        let client_rules = builders.map(|builder| builder.client_rules());
        for (index, one) in client_rules.iter().enumerate() {
            assert!(!client_rules[index + 1..].contains(one), "{index}");
        }
        // The order of the algorithms does not matter.
        let order = request().client_signature_algorithms(&[other, one]);
        assert_eq!(order.client_rules(), client_rules[5]);
    }
}
