//! What a client's handshake carries from the hellos to its keys.

use crate::config::ClientConfig;
use crate::handshake::agreed::Agreed;
use crate::keys::Transcript;
use crate::message::hello::SessionId;
use pki_types::ServerName;
use std::sync::Arc;

/// What the hellos settled, and the handshake's messages so far.
#[derive(Debug)]
pub(super) struct Negotiation {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
    pub(super) store_key: Box<[u8]>,
    /// The server's, by which it will know the session.
    pub(super) session_id: SessionId,
    pub(super) agreed: Agreed,
    /// CertificateStatus may come.
    pub(super) certificate_status: bool,
    /// NewSessionTicket will come.
    pub(super) new_session_ticket: bool,
    pub(super) transcript: Transcript,
}
