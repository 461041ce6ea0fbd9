//! The question for a session that a client offers.

use super::{Answer, AnswerKind, PauseId};
use crate::resumption::{SessionStore, StoredSession};
use core::fmt;
use pki_types::UnixTime;
use std::sync::Arc;

/// A job to look up the session that a client offers by its ID, in a store that is not in this
/// process.
///
/// It comes with
/// [`offload_session_lookup`](crate::ServerConfigBuilder::offload_session_lookup), and only for what
/// may be a session of this server: an ID of 32 bytes, from a client that offers no ticket which the
/// server would open instead. Whoever can connect can ask for any ID.
#[derive(Clone)]
pub struct FindSession {
    pub(crate) id: PauseId,
    pub(crate) session_id: [u8; 32],
    pub(crate) now: UnixTime,
    pub(crate) store: Arc<dyn SessionStore>,
}

impl FindSession {
    /// Returns the session ID, which is the key that [`SessionStore::put`] was called with.
    #[must_use]
    pub fn session_id(&self) -> &[u8; 32] {
        &self.session_id
    }

    /// Returns the present time, by the configuration's time provider.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// Looks the session up in the configuration's own store, which may block.
    #[must_use]
    pub fn look_up(self) -> Answer {
        let found = self.store.get(&self.session_id, self.now);
        self.answer(found)
    }

    /// Creates the answer from what a store has under the ID. With `None`, for a session that is
    /// missing or a store that failed, the handshake goes on in full.
    #[must_use]
    pub fn answer(self, session: Option<StoredSession>) -> Answer {
        Answer(AnswerKind::Session {
            id: self.id,
            session,
        })
    }
}

impl fmt::Debug for FindSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FindSession")
            .field("id", &self.id)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}
