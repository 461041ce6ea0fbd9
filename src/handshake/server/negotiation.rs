//! The data that the server's full handshake carries from the hellos to its keys.

use crate::config::{SelectedCertificate, ServerConfig};
use crate::enums::{ProtocolVersion, SignatureScheme};
use crate::handshake::agreed::Agreed;
use crate::keys::Transcript;
use pki_types::DnsName;
use std::sync::Arc;

/// What the hellos agreed, and the handshake's messages so far.
#[derive(Debug)]
pub(super) struct Negotiation {
    pub(super) config: Arc<ServerConfig>,
    /// The version that the client offered, not the agreed one: the pre-master secret repeats it.
    pub(super) client_version: ProtocolVersion,
    pub(super) server_name: Option<DnsName<'static>>,
    pub(super) names_signature_algorithms: bool,
    pub(super) selected: SelectedCertificate,
    pub(super) agreed: Agreed,
    pub(super) transcript: Transcript,
}

impl Negotiation {
    /// The algorithms with which the client may sign. For a client without signature_algorithms,
    /// and if configured, the server is to "behave as if client had sent the value {sha1,rsa}".
    pub(super) fn client_signature_algorithms(&self) -> impl Iterator<Item = SignatureScheme> {
        let configured = &self.config.client_certificate_request.signature_algorithms;
        let sha1 = SignatureScheme::RSA_PKCS1_SHA1;
        let implied = !self.names_signature_algorithms
            && self.config.sha1_for_clients_without_signature_algorithms
            && !configured.contains(&sha1);
        configured.iter().copied().chain(implied.then_some(sha1))
    }
}
