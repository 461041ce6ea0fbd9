//! What a client keeps of a handshake for another one on the same connection
//! ([RFC 5746](https://www.rfc-editor.org/rfc/rfc5746)).

use crate::config::{ClientConfig, Renegotiation};
use crate::crypto::hash::fingerprint;
use crate::crypto::suite::Suite;
use crate::error::PeerError;
use crate::keys::VerifyData;
use crate::resumption::Session;
use pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// How often a client renegotiates on one connection. A further request is refused with a warning.
pub(super) const MAX_RENEGOTIATIONS: u8 = 32;

/// The most application data that a server may send between its request and its ChangeCipherSpec:
/// what was under way when it asked, and no more.
pub(super) const MAX_DATA_BEFORE_KEYS: usize = 4 << 20;

/// What a client's handshake needs to be followed by another one. It exists only where the
/// configuration permits renegotiation.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) config: Arc<ClientConfig>,
    pub(super) permission: Renegotiation,
    pub(super) server_name: ServerName<'static>,
    pub(super) store_key: Box<[u8]>,
    /// True if the server has asked for a certificate on this connection.
    pub(super) certificate_requested: bool,
    /// The handshakes on this connection before this one.
    pub(super) count: u8,
}

/// A completed handshake that another one may follow, once the server asks for it.
#[derive(Debug)]
pub(super) struct Renegotiable {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
    pub(super) store_key: Box<[u8]>,
    pub(super) previous: Previous,
}

/// What the handshake before this one, on the same connection, binds this one to.
#[derive(Debug)]
pub(super) struct Previous {
    permission: Renegotiation,
    client: VerifyData,
    server: VerifyData,
    extended_master_secret: bool,
    encrypt_then_mac: bool,
    leaf: [u8; 32],
    /// True if the server has asked for a certificate on this connection.
    pub(super) certificate_requested: bool,
    /// The handshakes on this connection so far.
    pub(super) count: u8,
}

impl Renewal {
    /// Completes it with what the handshake made.
    pub(super) fn after(
        self,
        client: VerifyData,
        server: VerifyData,
        session: &Session,
        encrypt_then_mac: bool,
    ) -> Renegotiable {
        Renegotiable {
            config: self.config,
            server_name: self.server_name,
            store_key: self.store_key,
            previous: Previous {
                permission: self.permission,
                client,
                server,
                extended_master_secret: session.extended_master_secret,
                encrypt_then_mac,
                certificate_requested: self.certificate_requested,
                leaf: fingerprint_of_leaf(&session.peer_certificates),
                count: self.count.saturating_add(1),
            },
        }
    }
}

impl Previous {
    /// The renegotiated_connection of the ClientHello: "The client MUST include the
    /// "renegotiation_info" extension in the ClientHello, containing the saved client_verify_data"
    /// ([section 3.5](https://www.rfc-editor.org/rfc/rfc5746#section-3.5)).
    pub(super) fn client_verify_data(&self) -> &[u8] {
        &self.client.0
    }

    /// "The client MUST then verify that the first half of the "renegotiated_connection" field is
    /// equal to the saved client_verify_data value, and the second half is equal to the saved
    /// server_verify_data value. If they are not, the client MUST abort the handshake." It MUST do
    /// so as well where the extension is missing.
    pub(super) fn check_renegotiation_info(&self, info: Option<&[u8]>) -> Result<(), PeerError> {
        if info == Some(&[self.client.0, self.server.0].concat()) {
            Ok(())
        } else {
            Err(PeerError::RenegotiationInfoWrong)
        }
    }

    /// The extended master secret binds the handshakes to each other; once used it is not given up.
    pub(super) fn check_extended_master_secret(&self, agreed: bool) -> Result<(), PeerError> {
        if self.extended_master_secret && !agreed {
            return Err(PeerError::ExtendedMasterSecretLost);
        }
        Ok(())
    }

    /// A renegotiation must not step down from encrypt-then-MAC to MAC-then-encrypt
    /// ([RFC 7366 section 3.1](https://www.rfc-editor.org/rfc/rfc7366#section-3.1)).
    pub(super) fn check_encrypt_then_mac(
        &self,
        suite: &Suite,
        agreed: bool,
    ) -> Result<(), PeerError> {
        if self.encrypt_then_mac && suite.is_cbc() && !agreed {
            return Err(PeerError::EncryptThenMacLost);
        }
        Ok(())
    }

    /// Refuses another leaf than the one of the handshake before, unless that is permitted: its
    /// holder may have stepped in between (the "triple handshake" attack).
    pub(super) fn check_leaf(&self, chain: &[CertificateDer<'_>]) -> Result<(), PeerError> {
        match self.permission {
            Renegotiation::SameCertificate if self.leaf != fingerprint_of_leaf(chain) => {
                Err(PeerError::CertificateChanged)
            }
            Renegotiation::SameCertificate | Renegotiation::SameName => Ok(()),
        }
    }
}

fn fingerprint_of_leaf(chain: &[CertificateDer<'_>]) -> [u8; 32] {
    fingerprint(chain.first().map(|leaf| &**leaf))
}
