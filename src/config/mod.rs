//! The configurations of clients and servers, which are checked once and shared by connections.

mod certified_key;
mod client;
mod client_auth;
mod common;
mod own_chain;
mod profile;
mod server;
mod server_certificates;
mod server_name;

pub use certified_key::CertifiedKey;
pub(crate) use client::ServerVerification;
pub use client::{ClientConfig, ClientConfigBuilder};
pub use client_auth::{ClientAuth, ClientAuthorities};
pub(crate) use common::{Common, Environment};
pub(crate) use own_chain::comparable_name;
pub(crate) use server::SelectedCertificate;
pub use server::{ServerConfig, ServerConfigBuilder};
pub use server_certificates::{CertificateSet, CertificatesByName, ResolveCertificate};
pub use server_name::server_name;

use crate::enums::SignatureScheme;

/// The signature algorithms for CertificateVerify, in order of preference. SHA-1 is not among them.
pub(crate) static SIGNATURE_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// The signature algorithms for the certificates of a chain: [`SIGNATURE_SCHEMES`], and ECDSA for
/// CAs.
pub(crate) fn chain_signature_schemes() -> impl Iterator<Item = SignatureScheme> {
    let for_cas: &[SignatureScheme] = if cfg!(feature = "ecdsa") {
        &[SignatureScheme::ECDSA_SHA256, SignatureScheme::ECDSA_SHA384]
    } else {
        &[]
    };
    SIGNATURE_SCHEMES.iter().chain(for_cas).copied()
}

/// Receives the secrets of each connection, for debugging with a packet analyser.
///
/// **Anyone who has the log can decrypt the connections.** Nothing is logged unless a configuration
/// sets a key log.
///
/// ```
/// use premaster::KeyLog;
/// use std::sync::Mutex;
///
/// /// The lines, for a test that decrypts what it captured.
/// struct Lines(Mutex<Vec<String>>);
///
/// impl KeyLog for Lines {
///     fn log(&self, line: &str) {
///         if let Ok(mut lines) = self.0.lock() {
///             lines.push(line.to_owned());
///         }
///     }
/// }
/// ```
pub trait KeyLog: Send + Sync {
    /// Receives one line in the NSS key log format (`SSLKEYLOGFILE`), without its newline:
    /// `CLIENT_RANDOM`, the client random and the master secret, in hexadecimal.
    fn log(&self, line: &str);
}

/// How a peer without secure renegotiation is treated
/// ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).
///
/// A server without RFC 5746 may renegotiate, although this crate never does with it. An attacker who connected to
/// that server first can then make it take the client's handshake for a renegotiation, and the
/// client's data for a continuation of the attacker's.
/// [Section 4.1](https://www.rfc-editor.org/rfc/rfc5746#section-4.1) therefore advises a cautious
/// client to abort. A server that never renegotiates is not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureRenegotiation {
    /// The peer is refused with handshake_failure. The default of a client.
    Required,
    /// The peer is accepted;
    /// [`SessionInfo::secure_renegotiation`](crate::SessionInfo::secure_renegotiation) tells
    /// whether it supports secure renegotiation. The default of a server.
    Optional,
}

/// Which certificate a server may show when a client renegotiates with it; see
/// [`accept_renegotiation`](crate::ClientConfigBuilder::accept_renegotiation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Renegotiation {
    /// The leaf certificate of the handshake before, byte for byte.
    SameCertificate,
    /// Any certificate that the policy accepts for the server's name. For servers behind one address
    /// that have several certificates; it takes the protection against an attacker who holds another
    /// certificate that the policy accepts.
    SameName,
}

/// How the extended master secret is used ([RFC 7627](https://www.rfc-editor.org/rfc/rfc7627)),
/// which binds the keys to the whole handshake, both certificates included.
///
/// Without it, an attacker in the middle with a valid certificate can set up two connections with
/// the same keys. Channel bindings and exported keys are then not unique to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendedMasterSecret {
    /// The extension is neither offered nor accepted, and RFC 7627's rules for resumption do not
    /// apply. For peers that fail on the extension.
    Off,
    /// It is used with every peer that supports it. The default.
    #[default]
    Optional,
    /// A peer that does not support it is refused with handshake_failure.
    Required,
}

/// How encrypt-then-MAC is used ([RFC 7366](https://www.rfc-editor.org/rfc/rfc7366)), which lets a
/// receiver verify a record of a CBC suite before it decrypts it.
///
/// It applies to the CBC suites only, which are off unless [configured](ClientConfigBuilder::suites).
/// Without it, this crate opens their records in constant time; whether the peer does cannot be
/// seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncryptThenMac {
    /// The extension is neither offered nor accepted. For peers that fail on the extension.
    Off,
    /// It is used with every peer that supports it. The default.
    #[default]
    Optional,
    /// A peer that does not support it is refused with handshake_failure if a CBC suite would be
    /// used. A server chooses another suite, if there is one.
    Required,
}

/// Which side's order of preference decides the cipher suite or the application protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The first entry of the server's list that the client offers. The default.
    #[default]
    Server,
    /// The first entry of the client's list that the server accepts.
    Client,
}

impl Preference {
    /// Returns the preferred entry of `own` that `matches` one of the client's `offered`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_side_decides_among_common_entries() {
        let choose = |preference: Preference, own: &[u8], offered: &[u8]| {
            preference.choose(own, offered, |own, offered| own == offered).copied()
        };
        for (preference, chosen) in [(Preference::Server, 2), (Preference::Client, 3)] {
            assert_eq!(choose(preference, &[1, 2, 3], &[4, 3, 2]), Some(chosen));
            assert_eq!(choose(preference, &[1, 2], &[3, 4]), None);
            assert_eq!(choose(preference, &[], &[3]), None);
            assert_eq!(choose(preference, &[3], &[]), None);
        }
        assert_eq!(Preference::default(), Preference::Server);
    }

    #[test]
    fn chains_may_be_signed_as_certificate_verify_or_with_ecdsa() {
        let schemes: Vec<_> = chain_signature_schemes().collect();
        let (own, for_cas) = schemes.split_at(SIGNATURE_SCHEMES.len());
        assert_eq!(own, SIGNATURE_SCHEMES);
        assert_eq!(for_cas.is_empty(), !cfg!(feature = "ecdsa"));
        assert!(!schemes.contains(&SignatureScheme::RSA_PKCS1_SHA1));
    }
}
