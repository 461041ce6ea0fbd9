//! The end of the client's handshake: the server's last flight, and the storage of the session
//! ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077),
//! [RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).

use super::State;
use crate::config::ClientConfig;
use crate::error::{Error, LocalError};
use crate::handshake::action::{Action, Actions};
use crate::handshake::finish::{self, ExpectChangeCipherSpec, Finish, KeysReady, RoleResult};
use crate::handshake::incoming::Incoming;
use crate::handshake::renegotiation::{MAX_RENEGOTIATIONS, Previous, Renewal};
use crate::handshake::session_info::{NotResumed, RequestedCertificate, Resumption};
use crate::message::hello::SessionId;
use crate::message::ticket::NewSessionTicket;
use crate::resumption::{Handle, Session, SessionInUse};
use std::sync::Arc;

/// The keys are derived; the server's last flight is due.
#[derive(Debug)]
pub(super) struct ServerFlight {
    /// True if the server announced a NewSessionTicket.
    pub(super) new_session_ticket: bool,
    pub(super) keys: KeysReady,
    pub(super) completion: Completion,
}

impl ServerFlight {
    pub(super) fn next_state(self) -> State {
        if self.new_session_ticket {
            State::NewSessionTicket(Box::new(ExpectNewSessionTicket(self)))
        } else {
            self.expect_change_cipher_spec()
        }
    }

    fn expect_change_cipher_spec(self) -> State {
        State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
            keys: self.keys,
            completion: self.completion,
        }))
    }
}

/// The server announced a ticket.
#[derive(Debug)]
pub(crate) struct ExpectNewSessionTicket(ServerFlight);

impl ExpectNewSessionTicket {
    pub(super) fn completion(&self) -> &Completion {
        &self.0.completion
    }

    pub(super) fn handle(self, incoming: Incoming<'_>) -> Result<State, Error> {
        // "This message MUST be sent if the server included a SessionTicket extension in the
        // ServerHello."
        let (message, ticket) = incoming.expect::<NewSessionTicket<'_>>()?;
        let mut flight = self.0;
        flight.keys.finish.transcript.add(message.bytes);
        // "If the server determines that it does not want to include a ticket after it has included
        // the SessionTicket extension in the ServerHello, then it sends a zero-length ticket".
        flight.completion.ticket = (!ticket.ticket.is_empty()).then(|| Ticket {
            lifetime_hint: ticket.ticket_lifetime_hint,
            ticket: ticket.ticket.into(),
        });
        Ok(flight.expect_change_cipher_spec())
    }
}

/// What the client needs at the end of the handshake, to store its session for the next connection.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(super) config: Arc<ClientConfig>,
    pub(super) store_key: Box<[u8]>,
    pub(super) session_id: SessionId,
    /// The handshake that this one renegotiates.
    pub(super) previous: Option<Box<Previous>>,
    pub(super) ocsp_response: Option<Box<[u8]>>,
    /// True if the caller accepted the server's chain without verification.
    pub(super) verified_by_caller: bool,
    pub(super) requested_certificate: Option<Box<RequestedCertificate>>,
    pub(super) ticket: Option<Ticket>,
}

/// A ticket that the server sent in this handshake.
#[derive(Debug)]
pub(super) struct Ticket {
    /// In seconds; 0 if the server does not tell.
    lifetime_hint: u32,
    ticket: Box<[u8]>,
}

impl finish::Completion for Completion {
    fn make_resumable(
        mut self,
        finish: &mut Finish,
        actions: &mut Actions,
    ) -> Result<RoleResult, LocalError> {
        let ocsp_response = self.ocsp_response.take();
        let verified_by_caller = self.verified_by_caller;
        let renegotiations = self.previous.as_ref().map_or(0, |previous| previous.count);
        let renewal = self.renewal(renegotiations, finish)?;
        let requested_certificate = self.requested_certificate.take();
        self.store_session(&mut finish.session, finish.agreed.resumption, actions);
        Ok(RoleResult {
            ocsp_response,
            verified_by_caller,
            requested_certificate,
            own_certificate: None,
            renegotiations,
            renewal,
        })
    }
}

impl Completion {
    /// What another handshake on this connection would need, if there may be one.
    fn renewal(&self, count: u8, finish: &Finish) -> Result<Option<Renewal>, LocalError> {
        let permission = match self.config.renegotiation {
            Some(permission)
                if finish.agreed.secure_renegotiation && count < MAX_RENEGOTIATIONS =>
            {
                permission
            }
            Some(_) | None => return Ok(None),
        };
        let server_name = finish.session.server_name.clone();
        Ok(Some(Renewal {
            config: self.config.clone(),
            permission,
            server_name: server_name.ok_or(LocalError::Internal("a server has no name"))?,
            store_key: self.store_key.clone(),
            certificate_requested: self.requested_certificate.is_some()
                || self.previous.as_ref().is_some_and(|previous| previous.certificate_requested),
            count,
        }))
    }

    /// Stores the session, if the server gave a ticket or a session ID for it. Removes a session
    /// that the server declined without replacing it.
    fn store_session(self, session: &mut Session, resumption: Resumption, actions: &mut Actions) {
        let common = &self.config.common;
        let Some(store) = &common.session_store else {
            return;
        };
        let now = common.now();
        let handle = match self.ticket {
            Some(ticket) => {
                session.validity.shorten(now, ticket.lifetime_hint);
                Some(Handle::Ticket(ticket.ticket))
            }
            None if resumption.is_resumed() || self.session_id.is_empty() => None,
            None => Some(Handle::Id(self.session_id.as_bytes().into())),
        };
        let stored = handle.and_then(|handle| session.encode_with_handle(&handle));
        match stored {
            // Another connection of the session may have failed, and so removed it.
            Some(_) if resumption.is_resumed() && store.get(&self.store_key, now).is_none() => {}
            Some(stored) => {
                store.put(&self.store_key, stored, now);
                let session = SessionInUse::new(store, &self.store_key);
                actions.push(Action::UseSession(session));
            }
            None if resumption == Resumption::Full(NotResumed::Declined) => {
                store.remove(&self.store_key);
            }
            None => {}
        }
    }
}
