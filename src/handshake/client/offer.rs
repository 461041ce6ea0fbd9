//! The session that a client offers to resume.

use crate::config::{ClientConfig, ExtendedMasterSecret};
use crate::crypto::hash::{HashAlgorithm, Hasher};
use crate::handshake::session_info::{NotResumed, Resumption};
use crate::message::hello::SessionId;
use crate::resumption::{Handle, Session};
use core::net::SocketAddr;
use pki_types::ServerName;

/// The key under which a client's session is stored: the server's name, and its address if given.
pub(super) fn store_key(server_name: &ServerName<'_>, address: Option<SocketAddr>) -> Box<[u8]> {
    let mut key = server_name.to_str().to_ascii_lowercase();
    if let Some(address) = address {
        key.push(' ');
        key.push_str(&address.to_string());
    }
    key.into_bytes().into()
}

/// A session that the client offers to resume.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) session: Session,
    /// The session ID in the ClientHello: the session's own, or one that is derived from the
    /// ticket.
    pub(super) session_id: SessionId,
    handle: Handle,
}

impl Offer {
    pub(super) fn ticket(&self) -> Option<&[u8]> {
        match &self.handle {
            Handle::Id(_) => None,
            Handle::Ticket(ticket) => Some(ticket),
        }
    }

    pub(super) fn resumption(&self) -> Resumption {
        match self.handle {
            Handle::Id(_) => Resumption::SessionId,
            Handle::Ticket(_) => Resumption::Ticket,
        }
    }
}

/// The session's ID, or for a ticket one that is derived from it: "If the server accepts the ticket
/// and the Session ID is not empty, then it MUST respond with the same Session ID present in the
/// ClientHello. This allows the client to easily differentiate when the server is resuming a
/// session from when it is falling back to a full handshake."
/// ([RFC 5077 section 3.4](https://www.rfc-editor.org/rfc/rfc5077#section-3.4))
///
/// The hash of the ticket serves as well as random bytes: no server gives a session this ID. `None`
/// if the stored ID is longer than an ID may be.
fn session_id(handle: &Handle) -> Option<SessionId> {
    match handle {
        Handle::Id(id) => SessionId::from_slice(id),
        Handle::Ticket(ticket) => {
            let mut hasher = Hasher::new(HashAlgorithm::Sha256);
            hasher.update(ticket);
            SessionId::from_slice(hasher.finish().as_bytes())
        }
    }
}

/// The session that is stored for the server, if it may be resumed.
pub(super) fn find_session(
    config: &ClientConfig,
    server_name: &ServerName<'_>,
    store_key: &[u8],
) -> Result<Offer, NotResumed> {
    let common = &config.common;
    let store = common.session_store.as_ref();
    let store = store.ok_or(NotResumed::NothingOffered)?;
    let now = common.now();
    let stored = store.get(store_key, now).ok_or(NotResumed::NothingOffered)?;
    let (session, handle) =
        Session::decode_with_handle(stored.as_bytes()).ok_or(NotResumed::Unknown)?;

    if session.server_name.as_ref() != Some(server_name) {
        return Err(NotResumed::ServerName);
    }
    if session.trust != config.trust {
        return Err(NotResumed::Trust);
    }
    if !session.validity.includes(now) {
        return Err(NotResumed::Expired);
    }
    if common.suite(session.suite.id).is_none() {
        return Err(NotResumed::Suite);
    }
    // "The client SHOULD NOT offer an abbreviated handshake to resume a session that does not use
    // an extended master secret." For one that does: "When offering an abbreviated handshake,
    // the client MUST send the "extended_master_secret" extension in its ClientHello."
    let offered = match (
        session.extended_master_secret,
        common.extended_master_secret,
    ) {
        (used, ExtendedMasterSecret::Off) => !used,
        (true, ExtendedMasterSecret::Optional | ExtendedMasterSecret::Required) => true,
        (false, ExtendedMasterSecret::Optional) => common.resume_without_extended_master_secret,
        (false, ExtendedMasterSecret::Required) => false,
    };
    if !offered {
        return Err(NotResumed::ExtendedMasterSecret);
    }
    let length = session.max_fragment_length;
    if length.is_some() && length != config.max_fragment_length {
        return Err(NotResumed::MaxFragmentLength);
    }
    match handle {
        Handle::Ticket(_) if !config.session_tickets => Err(NotResumed::NothingOffered),
        Handle::Id(_) | Handle::Ticket(_) => Ok(Offer {
            session_id: session_id(&handle).ok_or(NotResumed::Unknown)?,
            session,
            handle,
        }),
    }
}
