//! What a complete handshake tells its caller.

use crate::enums::CipherSuite;
use crate::verify::PeerCertificate;
use crate::waiver::Waivers;
use core::fmt;
use pki_types::{CertificateDer, ServerName};

/// What was agreed with whom.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) server_name: Option<ServerName<'static>>,
    pub(crate) peer_certificates: Box<[CertificateDer<'static>]>,
    pub(crate) waivers: Waivers,
    pub(crate) ocsp_response: Option<Box<[u8]>>,
    pub(crate) resumption: Resumption,
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: bool,
    pub(crate) alpn_protocol: Option<Box<[u8]>>,
    pub(crate) max_plaintext_sent: usize,
    pub(crate) max_plaintext_received: usize,
}

impl SessionInfo {
    /// The cipher suite of both directions.
    #[must_use]
    pub fn cipher_suite(&self) -> CipherSuite {
        self.cipher_suite
    }

    /// On a client, the name that the connection was made for; on a server, the one that the client
    /// asked for, if any.
    #[must_use]
    pub fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// The peer's own certificate, then those that lead to the root, which is not among them; empty
    /// for a client without one. What the peer sent besides is left out. Where the caller vouched for
    /// the peer on its own authority, it is the chain as it came.
    ///
    /// In a resumed session it is that of the full handshake, in which the peer proved that it
    /// holds the key; [`resumption`](Self::resumption) tells.
    #[must_use]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.peer_certificates
    }

    /// The peer's own certificate, read; `None` for a client without one, and for one that cannot be
    /// read.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<PeerCertificate<'_>> {
        PeerCertificate::parse(self.peer_certificates.first()?).ok()
    }

    /// Which checks of the peer's certificate had to be waived, of those that the
    /// [`CertificatePolicy`](crate::CertificatePolicy) waives; in a resumed session, those of its full
    /// handshake. Where the caller vouched for the peer on its own authority, nothing was checked and so
    /// nothing waived.
    #[must_use]
    pub fn waivers(&self) -> Waivers {
        self.waivers
    }

    /// The OCSP response that the server sent about its certificate, in DER; none in a resumed
    /// session. It is verified where the policy requires one, and not otherwise.
    #[must_use]
    pub fn ocsp_response(&self) -> Option<&[u8]> {
        self.ocsp_response.as_deref()
    }

    /// Whether an earlier session was resumed, and how, or why not.
    #[must_use]
    pub fn resumption(&self) -> Resumption {
        self.resumption
    }

    /// Whether the keys are bound to the whole handshake by the extended master secret
    /// ([RFC 7627](https://www.rfc-editor.org/rfc/rfc7627)).
    #[must_use]
    pub fn extended_master_secret(&self) -> bool {
        self.extended_master_secret
    }

    /// Whether the peer knows secure renegotiation ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
    /// This side never renegotiates.
    #[must_use]
    pub fn secure_renegotiation(&self) -> bool {
        self.secure_renegotiation
    }

    /// The application protocol that was agreed, if one was
    /// ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)).
    #[must_use]
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.alpn_protocol.as_deref()
    }

    /// The most bytes of application data that go into one record that this side sends.
    #[must_use]
    pub fn max_plaintext_sent(&self) -> usize {
        self.max_plaintext_sent
    }

    /// The most bytes of application data in one record that this side accepts.
    #[must_use]
    pub fn max_plaintext_received(&self) -> usize {
        self.max_plaintext_received
    }
}

/// How a handshake came to its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// A full handshake, since nothing was resumed.
    Full(NotResumed),
    /// An earlier session was resumed by its session ID
    /// ([RFC 5246 section 7.3](https://www.rfc-editor.org/rfc/rfc5246#section-7.3)).
    SessionId,
    /// An earlier session was resumed by a ticket
    /// ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)).
    Ticket,
}

impl Resumption {
    /// Whether an earlier session was resumed.
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
/// On a client, why it offered none, or that the server declined; on a server, why it declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotResumed {
    /// The client had no session for this server that its configuration lets it use, or keeps none.
    NothingOffered,
    /// The server declined what the client offered; it does not say why.
    Declined,
    /// The server does not have the session, or the ticket or stored session is none that can be
    /// read.
    Unknown,
    /// The session, or a certificate that it stands for, has expired.
    Expired,
    /// Its suite is no longer among those of both sides.
    Suite,
    /// It was made for another server name.
    ServerName,
    /// It was made under another trust: other roots or another verifier, another policy for client
    /// certificates or common names, or another certificate of this side.
    Trust,
    /// It was made with the extended master secret and would be resumed without, or the other way
    /// round, or without on both sides, which is not allowed unless configured.
    ExtendedMasterSecret,
    /// It was made with another maximum fragment length.
    MaxFragmentLength,
}

impl fmt::Display for NotResumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingOffered => "nothing to resume",
            Self::Declined => "declined by the server",
            Self::Unknown => "unknown session",
            Self::Expired => "expired",
            Self::Suite => "suite not allowed",
            Self::ServerName => "other server name",
            Self::Trust => "other trust",
            Self::ExtendedMasterSecret => "extended master secret differs or is missing",
            Self::MaxFragmentLength => "other maximum fragment length",
        })
    }
}
