//! The end of the server's handshake: its keys, the client's last messages, and the storage of the
//! session ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077),
//! [RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).

use super::State;
use super::negotiation::Negotiation;
use crate::config::{CertifiedKey, ServerConfig};
use crate::error::{Error, LocalError};
use crate::handshake::action::{Action, Actions};
use crate::handshake::finish::{self, ExpectChangeCipherSpec, Finish, KeysReady, RoleResult};
use crate::keys::{MasterSecret, Side};
use crate::message::HandshakeBody;
use crate::message::hello::SessionId;
use crate::message::ticket::NewSessionTicket;
use crate::resumption::{Session, SessionInUse};
use crate::verify::VerifiedPeer;
use pki_types::ServerName;
use std::sync::Arc;

/// ClientKeyExchange is received, and the master secret is derived.
#[derive(Debug)]
pub(super) struct KeyExchanged {
    pub(super) negotiation: Negotiation,
    pub(super) handle: NewHandle,
    pub(super) master_secret: MasterSecret,
}

impl KeyExchanged {
    /// Derives the keys and awaits the client's ChangeCipherSpec.
    pub(super) fn expect_change_cipher_spec(
        self,
        client: Option<VerifiedPeer>,
    ) -> Result<State, Error> {
        let Negotiation {
            config,
            server_name,
            selected,
            agreed,
            transcript,
            ..
        } = self.negotiation;
        let session = agreed.new_session(
            &config.common,
            self.master_secret,
            server_name.map(ServerName::DnsName),
            selected.trust,
            client,
        );
        let random = config.common.random();
        Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
            keys: KeysReady::finish_second(Side::Server, agreed, transcript, session, random)?,
            completion: Completion {
                config,
                handle: self.handle,
                certificate: selected.certificate,
            },
        })))
    }
}

/// What the server needs at the end of the handshake, to let the client resume the session.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(super) config: Arc<ServerConfig>,
    pub(super) handle: NewHandle,
    pub(super) certificate: Arc<CertifiedKey>,
}

/// The means by which the client will be able to resume the session.
#[derive(Clone, Copy, Debug)]
pub(super) enum NewHandle {
    None,
    SessionId(SessionId),
    Ticket,
}

impl finish::Completion for Completion {
    /// Lets the client resume the session: sends a ticket, or stores the session under its ID.
    fn make_resumable(
        self,
        finish: &mut Finish,
        actions: &mut Actions,
    ) -> Result<RoleResult, LocalError> {
        let session = &finish.session;
        match (self.handle, &self.config.common.session_store) {
            (NewHandle::Ticket, _) => {
                let message = new_session_ticket(&self.config, session)?;
                actions.send(message, &mut finish.transcript);
            }
            (NewHandle::SessionId(id), Some(store)) => {
                if let Some(stored) = session.encode() {
                    store.put(id.as_bytes(), stored, self.config.common.now());
                    actions.push(Action::UseSession(SessionInUse::new(store, id.as_bytes())));
                }
            }
            (NewHandle::SessionId(_), None) | (NewHandle::None, _) => {}
        }
        Ok(RoleResult {
            ocsp_response: None,
            verified_by_caller: false,
            requested_certificate: None,
            own_certificate: Some(self.certificate),
            renegotiations: 0,
            renewal: None,
        })
    }
}

/// The NewSessionTicket with the sealed session. "If the server determines that it does not want to
/// include a ticket after it has included the SessionTicket extension in the ServerHello, then it
/// sends a zero-length ticket": this applies to a session that is too long to be stored.
pub(super) fn new_session_ticket(
    config: &ServerConfig,
    session: &Session,
) -> Result<Vec<u8>, LocalError> {
    let now = config.common.now();
    let lifetime = session.validity.remaining(now);
    let ticket = match (&config.tickets, session.encode()) {
        // A lifetime of 0 would mean "unspecified".
        (Some(tickets), Some(stored)) if lifetime > 0 => {
            tickets.seal(stored.as_bytes(), now, config.common.random())?
        }
        _ => Vec::new(),
    };
    let message = NewSessionTicket {
        ticket_lifetime_hint: lifetime,
        ticket: &ticket,
    };
    message.encode()
}
