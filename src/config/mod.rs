//! What a client or a server is set up with, checked once and shared by its connections.

mod certified_key;
mod client;
mod client_auth;
mod common;
mod profile;
mod server;
mod server_certificates;

pub use certified_key::CertifiedKey;
pub(crate) use client::ServerVerification;
pub use client::{ClientConfig, ClientConfigBuilder};
pub use client_auth::{ClientAuth, ClientAuthorities};
pub(crate) use common::{Common, Environment};
pub(crate) use server::SelectedCertificate;
pub use server::{ServerConfig, ServerConfigBuilder};
pub use server_certificates::{CertificateSet, CertificatesByName, ResolveCertificate};

use crate::enums::SignatureScheme;

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
    let of_authorities: &[SignatureScheme] = if cfg!(feature = "ecdsa") {
        &[SignatureScheme::ECDSA_SHA256, SignatureScheme::ECDSA_SHA384]
    } else {
        &[]
    };
    SIGNATURE_SCHEMES.iter().chain(of_authorities).copied()
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
            Self::Server => {
                own.iter().find(|own| offered.iter().any(|offered| matches(own, offered)))
            }
            Self::Client => {
                offered.iter().find_map(|offered| own.iter().find(|own| matches(own, offered)))
            }
        }
    }
}
