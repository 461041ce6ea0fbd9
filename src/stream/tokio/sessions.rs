//! Session stores that are asked by futures.
//!
//! ```text
//! handshake --get----------------------> the store; the handshake waits, for a limited time
//! handshake --put, remove--> a lane ---> the store, one after the other; nobody waits
//! ```
//!
//! All changes to one session are in one lane, so that they reach the store in their order.

use crate::pending::FindSession;
use crate::resumption::{SessionStore, StoredSession};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use pki_types::UnixTime;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a lookup or a change may take unless another time is set.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many changes are under way at the same time.
const LANES: usize = 16;

/// The most changes that wait in a lane. What comes then is lost: a store that is too slow costs full
/// handshakes, and no memory.
const MOST_WAITING: usize = 256;

/// A future of an [`AsyncSessionStore`].
pub type Storing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store for the sessions of servers, shared over a network. It is the asynchronous counterpart of
/// [`SessionStore`], which says what keys and values are; [`AsyncSessions`] puts it to work.
///
/// A store may fail and may drop any session at any time: a missing session only costs a full
/// handshake. The methods therefore report no errors.
pub trait AsyncSessionStore: Send + Sync + 'static {
    /// Stores a session under `key`, replacing any earlier one, until it expires or is evicted.
    fn put<'a>(&'a self, key: &'a [u8], session: StoredSession, now: UnixTime) -> Storing<'a, ()>;

    /// Returns the session under `key` without removing it, or `None` if it is missing or expired
    /// or the store fails.
    fn get<'a>(&'a self, key: &'a [u8], now: UnixTime) -> Storing<'a, Option<StoredSession>>;

    /// Removes the session under `key`, if there is one.
    fn remove<'a>(&'a self, key: &'a [u8]) -> Storing<'a, ()>;
}

/// A store on the network as the session store of a server, which never blocks the runtime.
///
/// The handshake waits for a lookup, at most for the [`patience`](Self::patience), and goes on in full
/// without an answer. It does not wait for its own session to be stored or removed: that goes on in the
/// background, and a lookup meanwhile sees the change.
///
/// It has three places: the configuration stores into it, the configuration's handshakes pause for a
/// lookup, and the acceptor answers.
///
/// ```
/// use premaster::tokio::{AsyncSessionStore, AsyncSessions, TlsAcceptor};
/// use premaster::{ConfigError, ServerConfigBuilder};
/// use std::sync::Arc;
///
/// fn acceptor(
///     server: ServerConfigBuilder,
///     store: impl AsyncSessionStore,
/// ) -> Result<TlsAcceptor, ConfigError> {
///     let sessions = AsyncSessions::new(store);
///     let config = server
///         .session_store(Some(Arc::new(sessions.clone())))
///         .offload_session_lookup()
///         .build()?;
///     Ok(TlsAcceptor::from(Arc::new(config)).sessions(sessions))
/// }
/// ```
///
/// A client's configuration cannot use it: a client looks for its session before there is a
/// connection. Clones share the store.
#[derive(Clone)]
pub struct AsyncSessions {
    store: Arc<dyn AsyncSessionStore>,
    patience: Duration,
    lanes: Arc<[Arc<Mutex<Lane>>; LANES]>,
    /// Chooses the lane of a key.
    hasher: RandomState,
}

/// The changes of some keys that have not reached the store.
#[derive(Default)]
struct Lane {
    /// If a task is at work, the first one is under way.
    changes: VecDeque<Change>,
    at_work: bool,
}

impl Lane {
    /// Adds a change. If there is no room, a session is not stored, and one that is to be removed takes
    /// the place of one that is to be stored: "Servers and clients MUST forget any
    /// session-identifiers, keys, and secrets associated with a failed connection."
    fn add(&mut self, change: Change) {
        if self.changes.len() >= MOST_WAITING {
            let under_way = usize::from(self.at_work);
            let dispensable =
                self.changes.iter().skip(under_way).rposition(|other| other.session.is_some());
            match dispensable {
                Some(index) if change.session.is_none() => {
                    self.changes.remove(under_way + index);
                }
                _ => return,
            }
        }
        self.changes.push_back(change);
    }
}

#[derive(Clone)]
struct Change {
    key: Arc<[u8]>,
    /// The session to be stored and the time, or `None` to remove it.
    session: Option<(StoredSession, UnixTime)>,
}

impl AsyncSessions {
    /// Creates the sessions of a store. An operation of the store may take half a second.
    #[must_use]
    pub fn new(store: impl AsyncSessionStore) -> Self {
        Self {
            store: Arc::new(store),
            patience: PATIENCE,
            lanes: Arc::default(),
            hasher: RandomState::new(),
        }
    }

    /// Sets how long a lookup or a change may take. It should be less than what a full handshake
    /// costs the client, and is never more than the deadline of the handshake.
    #[must_use]
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// Returns the number of changes that have not reached the store yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lock(lane).changes.len()).sum()
    }

    /// Answers a pause.
    pub(super) async fn find(&self, job: &FindSession) -> Option<StoredSession> {
        if let Some(change) = self.latest(job.session_id()) {
            return change.session.map(|(session, _)| session);
        }
        let lookup = self.store.get(job.session_id(), job.now());
        timeout(self.patience, lookup).await.ok().flatten()
    }

    /// The latest change of a session that has not reached the store yet.
    fn latest(&self, key: &[u8]) -> Option<Change> {
        let lane = lock(self.lane(key)?);
        lane.changes.iter().rev().find(|change| *change.key == *key).cloned()
    }

    /// The lane of a key. There is always one.
    fn lane(&self, key: &[u8]) -> Option<&Arc<Mutex<Lane>>> {
        let [byte, ..] = self.hasher.hash_one(key).to_le_bytes();
        self.lanes.get(usize::from(byte) % LANES)
    }

    /// Begins a change, in the background. Outside of a runtime it is lost.
    fn begin(&self, change: Change) {
        let (Some(lane), Ok(runtime)) = (self.lane(&change.key), Handle::try_current()) else {
            return;
        };
        let mut state = lock(lane);
        state.add(change);
        if state.at_work {
            return;
        }
        state.at_work = true;
        drop(state);
        runtime.spawn(Worker::new(self, lane).run());
    }
}

/// A panic behind the lock leaves the changes as they are.
fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store of a configuration. Its `get` is never called where the lookup is offloaded, and finds
/// nothing.
impl SessionStore for AsyncSessions {
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime) {
        self.begin(Change {
            key: key.into(),
            session: Some((session, now)),
        });
    }

    fn get(&self, _key: &[u8], _now: UnixTime) -> Option<StoredSession> {
        None
    }

    fn remove(&self, key: &[u8]) {
        self.begin(Change {
            key: key.into(),
            session: None,
        });
    }
}

impl fmt::Debug for AsyncSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncSessions")
            .field("patience", &self.patience)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// The task that carries out the changes of a lane.
struct Worker {
    store: Arc<dyn AsyncSessionStore>,
    patience: Duration,
    lane: Arc<Mutex<Lane>>,
    /// Whether the lane takes it for being at work.
    at_work: bool,
}

impl Worker {
    fn new(sessions: &AsyncSessions, lane: &Arc<Mutex<Lane>>) -> Self {
        Self {
            store: Arc::clone(&sessions.store),
            patience: sessions.patience,
            lane: Arc::clone(lane),
            at_work: true,
        }
    }

    /// Carries out one change after the other until there is none.
    async fn run(mut self) {
        while let Some(Change { key, session }) = self.next() {
            let change = match session {
                Some((session, now)) => self.store.put(&key, session, now),
                None => self.store.remove(&key),
            };
            // A store that takes too long has lost it.
            let _ = timeout(self.patience, change).await;
            lock(&self.lane).changes.pop_front();
        }
    }

    /// The first change, which stays in the lane until it is done.
    fn next(&mut self) -> Option<Change> {
        let mut lane = lock(&self.lane);
        let next = lane.changes.front().cloned();
        if next.is_none() {
            lane.at_work = false;
            self.at_work = false;
        }
        next
    }
}

/// If the store panicked, or the runtime ended, the next change has another task go on.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.at_work {
            lock(&self.lane).at_work = false;
        }
    }
}
