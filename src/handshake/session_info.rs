//! The information about a completed handshake.

use crate::config::CertifiedKey;
use crate::enums::CipherSuite;
use crate::error::{CertificateWithheld, Excerpt, Told};
use crate::keys::Randoms;
use crate::verify::PeerCertificate;
use crate::waiver::Waivers;
use core::fmt;
use pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// The negotiated parameters of a connection, and the identity of its peer.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// # use premaster::{CertifiedKey, ClientConfig, Connection, RootStore, ServerConfig};
/// # use std::sync::Arc;
/// # let server = ServerConfig::builder(Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?)).build()?;
/// # let client = ClientConfig::builder(RootStore::from_pem(chain_pem)?).build()?;
/// # let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
/// # let mut connection = Connection::client(Arc::new(client), "localhost".try_into()?, &mut to_server)?;
/// # let mut server = Connection::server(Arc::new(server));
/// # while connection.session().is_none() {
/// #     let consumed = server.receive(&mut to_server, &mut to_client)?.consumed;
/// #     to_server.drain(..consumed);
/// #     let consumed = connection.receive(&mut to_client, &mut to_server)?.consumed;
/// #     to_client.drain(..consumed);
/// # }
///
/// if let Some(session) = connection.session() {
///     println!("{}, resumed: {}", session.cipher_suite(), session.resumption().is_resumed());
///     println!("accepted in spite of: {}", session.waivers());
///     assert_eq!(session.peer_certificates().len(), 1);
/// }
/// # assert!(connection.session().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionInfo {
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) server_name: Option<ServerName<'static>>,
    pub(crate) peer_certificates: Box<[CertificateDer<'static>]>,
    pub(crate) waivers: Waivers,
    pub(crate) verified_by_caller: bool,
    pub(crate) ocsp_response: Option<Box<[u8]>>,
    pub(crate) requested_certificate: Option<Box<RequestedCertificate>>,
    pub(crate) resumption: Resumption,
    pub(crate) randoms: Randoms,
    pub(crate) extended_master_secret: bool,
    pub(crate) encrypt_then_mac: bool,
    pub(crate) secure_renegotiation: bool,
    pub(crate) renegotiations: u8,
    pub(crate) alpn_protocol: Option<Box<[u8]>>,
    pub(crate) max_plaintext_sent: usize,
    pub(crate) max_plaintext_received: usize,
}

impl SessionInfo {
    /// Returns the cipher suite.
    #[must_use]
    pub fn cipher_suite(&self) -> CipherSuite {
        self.cipher_suite
    }

    /// Returns the server name: on a client the name for which the connection was made, on a server
    /// the name in the client's server_name, if it sent a DNS name.
    #[must_use]
    pub fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// Returns the verified chain: the leaf, then the CA certificates up to the root, without the
    /// root. It is empty if a client presented no certificate. Other certificates that the peer
    /// sent are left out. If the caller accepted the chain without verification, it is the chain as
    /// received.
    ///
    /// For a resumed session ([`resumption`](Self::resumption)) it is the chain of the full
    /// handshake, in which the peer proved that it has the private key.
    #[must_use]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.peer_certificates
    }

    /// Parses and returns the peer's leaf certificate, or `None` if there is none or it cannot be
    /// parsed.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<PeerCertificate<'_>> {
        PeerCertificate::parse(self.peer_certificates.first()?).ok()
    }

    /// Returns the waivers of the [`CertificatePolicy`](crate::CertificatePolicy) that were needed
    /// to accept the peer's certificate; a resumed session includes those of its full handshake.
    /// The set is empty if the [caller](Self::verified_by_caller) accepted the chain without
    /// verification.
    #[must_use]
    pub fn waivers(&self) -> Waivers {
        self.waivers
    }

    /// Returns true if the caller accepted the server's chain with
    /// [`Verified::dangerous_without_verification`](crate::certificate::Verified::dangerous_without_verification):
    /// no policy stands behind the identity of the peer. For a resumed session it tells how the
    /// chain was accepted this time.
    #[must_use]
    pub fn verified_by_caller(&self) -> bool {
        self.verified_by_caller
    }

    /// Returns the server's stapled OCSP response, in DER; `None` in a resumed session. It was
    /// verified only if the policy requires one.
    #[must_use]
    pub fn ocsp_response(&self) -> Option<&[u8]> {
        self.ocsp_response.as_deref()
    }

    /// Returns, on a client, what the server asked of the client's certificates, and the answer.
    /// Returns `None` if it did not ask, in a resumed session, and on a server.
    #[must_use]
    pub fn requested_certificate(&self) -> Option<&RequestedCertificate> {
        self.requested_certificate.as_deref()
    }

    /// Returns how the session was resumed, or why it was not.
    #[must_use]
    pub fn resumption(&self) -> Resumption {
        self.resumption
    }

    /// Returns the random of this connection's ClientHello
    /// ([RFC 5246 section 7.4.1.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.2)). It is
    /// public, and identifies the connection, for example in a key log or in
    /// [EAP-TLS](crate#eap-tls). A resumed session has new randoms.
    #[must_use]
    pub fn client_random(&self) -> &[u8; 32] {
        &self.randoms.client
    }

    /// Returns the random of this connection's ServerHello.
    #[must_use]
    pub fn server_random(&self) -> &[u8; 32] {
        &self.randoms.server
    }

    /// Returns true if the extended master secret is used, which binds the keys to the whole
    /// handshake ([RFC 7627](https://www.rfc-editor.org/rfc/rfc7627)).
    #[must_use]
    pub fn extended_master_secret(&self) -> bool {
        self.extended_master_secret
    }

    /// Returns true if the records of a CBC suite are encrypted first and authenticated then
    /// ([RFC 7366](https://www.rfc-editor.org/rfc/rfc7366)). It is false for other suites, which do
    /// both at once. A resumed session agrees on it anew.
    #[must_use]
    pub fn encrypt_then_mac(&self) -> bool {
        self.encrypt_then_mac
    }

    /// Returns true if the peer supports secure renegotiation
    /// ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
    #[must_use]
    pub fn secure_renegotiation(&self) -> bool {
        self.secure_renegotiation
    }

    /// Returns how many handshakes this connection had before this one: 0 unless a client
    /// [accepts renegotiation](crate::ClientConfigBuilder::accept_renegotiation) and the server asked
    /// for it.
    #[must_use]
    pub fn renegotiations(&self) -> u8 {
        self.renegotiations
    }

    /// Returns the negotiated application protocol (ALPN), if any
    /// ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)).
    #[must_use]
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.alpn_protocol.as_deref()
    }

    /// Returns the maximum number of plaintext bytes in a record that this side sends.
    #[must_use]
    pub fn max_plaintext_sent(&self) -> usize {
        self.max_plaintext_sent
    }

    /// Returns the maximum number of plaintext bytes in a record that this side accepts.
    #[must_use]
    pub fn max_plaintext_received(&self) -> usize {
        self.max_plaintext_received
    }
}

/// A server's request for a client certificate
/// ([RFC 5246 section 7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4)), and the
/// client's answer.
#[derive(Clone, Debug)]
pub struct RequestedCertificate {
    pub(super) authorities: Box<[Excerpt]>,
    pub(super) total_authorities: usize,
    pub(super) configured: Box<[Excerpt]>,
    pub(super) total_configured: usize,
    pub(super) answer: CertificateAnswer,
}

impl RequestedCertificate {
    /// Returns the names of the CAs that the server lists, as text: the first eight, each cut to 96
    /// bytes. An empty list stands for any CA.
    #[must_use]
    pub fn authorities(&self) -> &[Excerpt] {
        &self.authorities
    }

    /// Returns the number of CAs that the server lists.
    #[must_use]
    pub fn total_authorities(&self) -> usize {
        self.total_authorities
    }

    /// Returns the subjects of the client's certificates, as text: the first eight, each cut to 96
    /// bytes.
    #[must_use]
    pub fn configured(&self) -> &[Excerpt] {
        &self.configured
    }

    /// Returns the number of the client's certificates.
    #[must_use]
    pub fn total_configured(&self) -> usize {
        self.total_configured
    }

    /// Returns which certificate was sent, or why none was.
    #[must_use]
    pub fn answer(&self) -> &CertificateAnswer {
        &self.answer
    }

    /// The answer as an error shows it, for a server that ends the handshake after it.
    pub(super) fn told(&self) -> Told {
        match &self.answer {
            CertificateAnswer::Sent(sent) | CertificateAnswer::SentRegardless(sent) => {
                Told::Certificate {
                    subject: sent.subject().clone(),
                    certificates: sent.chain().len(),
                    requested: false,
                }
            }
            CertificateAnswer::Withheld(reason) => Told::NoCertificate {
                reason: *reason,
                authorities: if self.authorities.is_empty() {
                    Excerpt::new("any")
                } else {
                    Excerpt::list(&self.authorities)
                },
                configured: Excerpt::list(&self.configured),
            },
        }
    }
}

/// A client's answer to a request for its certificate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CertificateAnswer {
    /// This certificate was sent. One of the CAs that the server lists issued it, or the server
    /// lists none.
    Sent(Arc<CertifiedKey>),
    /// This certificate was sent, although no CA that the server lists issued it
    /// ([`ClientConfigBuilder::ignore_requested_authorities`](crate::ClientConfigBuilder::ignore_requested_authorities)).
    SentRegardless(Arc<CertifiedKey>),
    /// No certificate was sent, for this reason.
    Withheld(CertificateWithheld),
}

/// How a connection obtained its keys: by a full handshake, or by resuming a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// A full handshake; the value tells why no session was resumed.
    Full(NotResumed),
    /// An earlier session was resumed by its session ID
    /// ([RFC 5246 section 7.3](https://www.rfc-editor.org/rfc/rfc5246#section-7.3)).
    SessionId,
    /// An earlier session was resumed by a ticket
    /// ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)).
    Ticket,
}

impl Resumption {
    /// Returns true if a session was resumed.
    #[must_use]
    pub fn is_resumed(self) -> bool {
        match self {
            Self::Full(_) => false,
            Self::SessionId | Self::Ticket => true,
        }
    }
}

/// Why a session was not resumed.
///
/// A client tells why it offered no session, or that the server declined. A server tells why it
/// declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotResumed {
    /// The client offered no session: it has none for this server that its configuration allows, or
    /// no store.
    NothingOffered,
    /// The server declined the offered session. The protocol does not tell why.
    Declined,
    /// The session is not found, or the ticket or stored session cannot be read.
    Unknown,
    /// The session or one of its certificates has expired.
    Expired,
    /// Its cipher suite is no longer enabled on both sides.
    Suite,
    /// It was made for another server name.
    ServerName,
    /// It was made with other roots, another policy, another kind of verification, or another
    /// certificate of this side.
    Trust,
    /// The session and the new handshake differ in the extended master secret, or neither uses it
    /// and the configuration does not allow that.
    ExtendedMasterSecret,
    /// It was made with another maximum fragment length.
    MaxFragmentLength,
}

impl fmt::Display for NotResumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingOffered => "no session offered",
            Self::Declined => "declined by the server",
            Self::Unknown => "session not found",
            Self::Expired => "expired",
            Self::Suite => "cipher suite no longer enabled",
            Self::ServerName => "different server name",
            Self::Trust => "different roots, policy or certificate",
            Self::ExtendedMasterSecret => "extended master secret differs or is missing",
            Self::MaxFragmentLength => "different maximum fragment length",
        })
    }
}
