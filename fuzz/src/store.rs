//! A session store that can be inspected and copied.

use premaster::SessionStore;
use premaster::pki_types::UnixTime;
use premaster::session::StoredSession;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Sessions by their keys.
#[derive(Default)]
pub(crate) struct Store(Mutex<BTreeMap<Vec<u8>, StoredSession>>);

impl Store {
    /// Another store with the same sessions.
    pub(crate) fn copy(&self) -> Arc<Self> {
        Arc::new(Self(Mutex::new(self.0.lock().unwrap().clone())))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    /// The bytes of the sessions.
    pub(crate) fn sessions(&self) -> Vec<Vec<u8>> {
        let sessions = self.0.lock().unwrap();
        sessions.values().map(|s| s.as_bytes().to_vec()).collect()
    }
}

impl SessionStore for Store {
    fn put(&self, key: &[u8], session: StoredSession, _: UnixTime) {
        self.0.lock().unwrap().insert(key.to_vec(), session);
    }

    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
        let session = self.0.lock().unwrap().get(key).cloned();
        session.filter(|session| now < session.expires())
    }

    fn remove(&self, key: &[u8]) {
        self.0.lock().unwrap().remove(key);
    }
}
