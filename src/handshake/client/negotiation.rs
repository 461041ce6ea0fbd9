//! The data that the client's full handshake carries from the hellos to its keys.

use crate::config::ClientConfig;
use crate::handshake::agreed::Agreed;
use crate::handshake::renegotiation::Previous;
use crate::keys::Transcript;
use crate::message::hello::SessionId;
use pki_types::ServerName;
use std::sync::Arc;

/// What the hellos agreed, and the handshake's messages so far.
#[derive(Debug)]
pub(super) struct Negotiation {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
    pub(super) store_key: Box<[u8]>,
    /// The server's session ID.
    pub(super) session_id: SessionId,
    pub(super) agreed: Agreed,
    /// The handshake that this one renegotiates.
    pub(super) previous: Option<Box<Previous>>,
    /// The server may send CertificateStatus.
    pub(super) certificate_status: bool,
    /// The server will send NewSessionTicket.
    pub(super) new_session_ticket: bool,
    pub(super) transcript: Transcript,
}
