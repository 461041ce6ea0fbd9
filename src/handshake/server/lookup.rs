//! The lookup of the session that a client offers, and the decision to resume it.

use super::extensions::{Accepted, ClientOffer, OfferedName};
use crate::config::{ExtendedMasterSecret, ServerConfig};
use crate::error::PeerError;
use crate::handshake::hello::agree_encrypt_then_mac;
use crate::handshake::session_info::{NotResumed, Resumption};
use crate::message::hello::ClientHello;
use crate::pending::{FindSession, PauseId};
use crate::resumption::{
    SealedBy, Session, SessionInUse, SessionStore, StoredSession, Tickets, TrustContext,
};
use pki_types::ServerName;
use std::sync::Arc;

/// A session that the client offers and the server has found.
pub(super) struct Found {
    pub(super) session: Session,
    pub(super) by: FoundBy,
}

pub(super) enum FoundBy {
    SessionId(SessionInUse),
    Ticket(SealedBy),
}

impl FoundBy {
    pub(super) fn resumption(&self) -> Resumption {
        match self {
            Self::SessionId(_) => Resumption::SessionId,
            Self::Ticket(_) => Resumption::Ticket,
        }
    }
}

/// Whether the store was asked for the session of the client's session ID.
pub(super) enum Lookup {
    Due,
    /// The caller was, and has found this.
    Done(Option<StoredSession>),
}

/// What the client offers to resume.
enum Offered<'a> {
    Nothing,
    /// Nothing that is this server's.
    Unknown,
    Ticket(&'a Tickets, &'a [u8]),
    SessionId(&'a Arc<dyn SessionStore>, &'a [u8; 32]),
}

impl<'a> Offered<'a> {
    fn of(
        config: &'a ServerConfig,
        hello: &'a ClientHello<'_>,
        offer: &'a ClientOffer<'_>,
    ) -> Self {
        let session_id = hello.session_id.as_bytes();
        // "If a ticket is presented by the client, the server MUST NOT attempt to use the Session ID
        // in the ClientHello for stateful session resumption."
        match (&config.tickets, offer.session_ticket) {
            (Some(tickets), Some(ticket @ [_, ..])) => return Self::Ticket(tickets, ticket),
            _ if session_id.is_empty() => return Self::Nothing,
            _ => {}
        }
        // This server's IDs have 32 bytes; it looks up no others.
        match (&config.common.session_store, session_id.try_into()) {
            (Some(store), Ok(session_id)) => Self::SessionId(store, session_id),
            _ => Self::Unknown,
        }
    }
}

/// The question for the session that the client offers, if the caller is to be asked.
pub(super) fn job(
    config: &ServerConfig,
    hello: &ClientHello<'_>,
    offer: &ClientOffer<'_>,
) -> Option<FindSession> {
    match Offered::of(config, hello, offer) {
        Offered::SessionId(store, session_id) if config.offload_session_lookup => {
            Some(FindSession {
                id: PauseId::next(),
                session_id: *session_id,
                now: config.common.now(),
                store: Arc::clone(store),
            })
        }
        _ => None,
    }
}

/// The session that the client offers, if it may be resumed.
pub(super) fn find_session(
    config: &ServerConfig,
    hello: &ClientHello<'_>,
    offer: &ClientOffer<'_>,
    accepted: &Accepted,
    trust: TrustContext,
    lookup: Lookup,
) -> Result<Found, NotResumed> {
    let now = config.common.now();
    let found = match Offered::of(config, hello, offer) {
        Offered::Nothing => return Err(NotResumed::NothingOffered),
        Offered::Unknown => return Err(NotResumed::Unknown),
        Offered::Ticket(tickets, ticket) => {
            let opened = tickets.open(ticket, now).ok_or(NotResumed::Unknown)?;
            Session::decode(&opened.plaintext).map(|session| Found {
                session,
                by: FoundBy::Ticket(opened.by),
            })
        }
        Offered::SessionId(store, session_id) => {
            let stored = match lookup {
                Lookup::Due => store.get(session_id, now),
                Lookup::Done(stored) => stored,
            };
            let stored = stored.ok_or(NotResumed::Unknown)?;
            Session::decode(stored.as_bytes()).map(|session| Found {
                session,
                by: FoundBy::SessionId(SessionInUse::new(store, session_id)),
            })
        }
    };
    let found = found.ok_or(NotResumed::Unknown)?;
    let session = &found.session;

    if !session.validity.includes(now) {
        return Err(NotResumed::Expired);
    }
    if session.trust != trust {
        return Err(NotResumed::Trust);
    }
    // "A server that implements this extension MUST NOT accept the request to resume the session if
    // the server_name extension contains a different name."
    // ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3))
    let same_name = match &offer.server_name {
        OfferedName::None => session.server_name.is_none(),
        OfferedName::Usable(name) => session.server_name == Some(ServerName::DnsName(name.clone())),
        OfferedName::Unusable => false,
    };
    if !same_name {
        return Err(NotResumed::ServerName);
    }
    let suite = session.suite.id;
    let policy = config.common.encrypt_then_mac;
    if agree_encrypt_then_mac(policy, session.suite, offer.encrypt_then_mac).is_err() {
        return Err(NotResumed::Suite);
    }
    if config.common.suite(suite).is_none() || !hello.cipher_suites.contains(&suite) {
        return Err(NotResumed::Suite);
    }
    if session.max_fragment_length != accepted.limits.max_fragment_length() {
        return Err(NotResumed::MaxFragmentLength);
    }
    Ok(found)
}

/// Applies the rules of [RFC 7627 section 5.3](https://www.rfc-editor.org/rfc/rfc7627#section-5.3).
/// If the session may not be resumed with this ClientHello, the result is a full handshake.
pub(super) fn check_extended_master_secret(
    found: Found,
    offer: &ClientOffer<'_>,
    config: &ServerConfig,
) -> Result<Result<Found, NotResumed>, PeerError> {
    let common = &config.common;
    let allowed = match (
        found.session.extended_master_secret,
        offer.extended_master_secret,
    ) {
        // "the server MUST abort the abbreviated handshake", and the session is removed, too.
        (true, false) => {
            if let FoundBy::SessionId(in_use) = found.by {
                in_use.forget();
            }
            return Err(PeerError::ExtendedMasterSecretChanged);
        }
        // Like a server without RFC 7627: none of its sessions uses the extension.
        (_, _) if common.extended_master_secret == ExtendedMasterSecret::Off => {
            !found.session.extended_master_secret
        }
        (true, true) => true,
        // "the server MUST NOT perform the abbreviated handshake. Instead, it SHOULD continue with
        // a full handshake".
        (false, true) => false,
        // "If neither the original session nor the new ClientHello uses the extension, the server
        // SHOULD abort the handshake"; a full handshake is as good.
        (false, false) => common.resume_without_extended_master_secret,
    };
    Ok(if allowed {
        Ok(found)
    } else {
        Err(NotResumed::ExtendedMasterSecret)
    })
}
