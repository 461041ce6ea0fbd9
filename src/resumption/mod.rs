//! Stored sessions, with which a later connection avoids the RSA operation
//! ([RFC 5246 section 7.3](https://www.rfc-editor.org/rfc/rfc5246#section-7.3), figure 2).
//!
//! A server stores its sessions in a [`SessionStore`], where it finds them by session ID, or seals
//! them into tickets that the clients store ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)). A
//! client stores its sessions in a [`SessionStore`]. This room handles only bytes and keys; the
//! state machines decide when to resume.

mod session;
mod store;
mod tickets;

pub(crate) use session::{Handle, Session, TrustContext, Validity};
pub use store::{MemoryStore, SessionStore, StoredSession};
pub(crate) use tickets::SealedBy;
pub use tickets::{TicketKey, TicketKeySet, Tickets};

use core::fmt;
use std::sync::Arc;

/// The place where a connection's session is stored, so that the session can be removed when the
/// connection fails.
pub(crate) struct SessionInUse {
    store: Arc<dyn SessionStore>,
    key: Box<[u8]>,
}

impl SessionInUse {
    pub(crate) fn new(store: &Arc<dyn SessionStore>, key: &[u8]) -> Self {
        Self {
            store: store.clone(),
            key: key.into(),
        }
    }

    pub(crate) fn forget(self) {
        self.store.remove(&self.key);
    }
}

impl fmt::Debug for SessionInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionInUse")
    }
}

impl fmt::Debug for dyn SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionStore")
    }
}
