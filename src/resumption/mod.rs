//! What is kept of a session, so that the next connection can do without the RSA operation
//! ([RFC 5246 section 7.3](https://www.rfc-editor.org/rfc/rfc5246#section-7.3), figure 2).
//!
//! A server keeps its sessions in a [`SessionStore`] and finds them by session ID, or seals them
//! into tickets that the clients keep ([RFC 5077](https://www.rfc-editor.org/rfc/rfc5077)). A
//! client keeps them in a store. Both are about bytes here: when to resume is the state machines'
//! business.

mod session;
mod store;
mod tickets;

pub(crate) use session::{Handle, Session, TrustContext, Validity};
pub use store::{MemoryStore, SessionStore, StoredSession};
pub(crate) use tickets::SealedBy;
pub use tickets::{TicketKey, TicketKeySet, Tickets};

use core::fmt;
use std::sync::Arc;

/// Where a connection's session is kept, so that it can be forgotten when the connection fails.
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
