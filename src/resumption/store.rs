//! The storage of sessions between connections.

use core::fmt;
use core::num::NonZeroUsize;
use lru::LruCache;
use pki_types::UnixTime;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::{ZeroizeOnDrop, optimization_barrier};

/// A serialized session: everything needed to resume it, **including the master secret in clear**.
///
/// The bytes are versioned, and only this crate can read them. Bytes from another version and
/// damaged bytes count as no session. Clones share the bytes, which are wiped when the last clone
/// is dropped and print as `[redacted]`.
#[derive(Clone)]
pub struct StoredSession {
    bytes: Arc<Bytes>,
    expires: UnixTime,
}

/// The bytes of a session, most of which are certificates. They are wiped when dropped, all at
/// once: `Zeroizing` would do so byte by byte.
struct Bytes(Vec<u8>);

impl Bytes {
    /// Overwrites the whole capacity.
    fn wipe(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        optimization_barrier(self.0.as_slice());
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl ZeroizeOnDrop for Bytes {}

impl StoredSession {
    /// Recreates a session from the bytes and the expiry time that a store has saved.
    #[must_use]
    pub fn new(bytes: Vec<u8>, expires: UnixTime) -> Self {
        // The capacity stays as it is: shrinking could leave a copy in freed memory.
        Self {
            bytes: Arc::new(Bytes(bytes)),
            expires,
        }
    }

    /// Returns the bytes, to be saved unchanged.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes.0
    }

    /// Returns the time from which the session is no longer resumed.
    #[must_use]
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    fn has_expired(&self, now: UnixTime) -> bool {
        now >= self.expires
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("bytes", &format_args!("[redacted]"))
            .field("expires", &self.expires)
            .finish()
    }
}

/// A store for sessions: in this process ([`MemoryStore`]), or shared by several servers.
///
/// Keys are public. On a server the key is a session ID of 32 bytes that the server generated;
/// [`get`](Self::get) is also called with any 32 bytes that a client sends. On a client the key is
/// made from the server's name and, if given, its address. Values hold the master secret in clear:
/// **anyone who reads the store can decrypt the connections**, and anyone who writes to it can
/// impersonate a peer.
///
/// Handshakes call the store and block on it, many at the same time, so a slow store makes
/// handshakes slow. A store may fail and may drop any session at any time: a missing session only
/// costs a full handshake. The methods therefore report no errors. `now` is the time of the
/// configuration's time provider.
pub trait SessionStore: Send + Sync {
    /// Stores a session under `key`, replacing any earlier one, until it expires or is evicted.
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime);

    /// Returns the session under `key` without removing it, or `None` if it is missing or expired
    /// or the store fails.
    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession>;

    /// Removes the session under `key`, if there is one. It is called when a session's connection
    /// fails, and on a client when the server declines the session or disconnects.
    ///
    /// "Servers and clients MUST forget any session-identifiers, keys, and secrets associated with
    /// a failed connection."
    /// ([RFC 5246 section 7.2.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.2))
    fn remove(&self, key: &[u8]);
}

/// The number of shards in a large store, each with its own lock.
const SHARDS: usize = 16;

/// The minimum capacity of a shard; a smaller store has only one shard.
const SMALLEST_SHARD: usize = 64;

/// The number of expired sessions that a new one removes: two, so that they go faster than new ones
/// come.
const EXPIRED_PER_PUT: usize = 2;

/// A session store in memory with a fixed capacity. It evicts the least recently used session.
///
/// A store for 1024 sessions or more is divided into 16 shards with a lock each. A keyed hash,
/// which outsiders cannot predict, assigns keys to shards. A shard evicts its own least recently
/// used session, and may do so slightly before the whole store is full.
///
/// Expired sessions are removed on lookup, and when new sessions arrive and they are the least
/// recently used. Removed sessions are wiped.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let chain_pem = include_bytes!("../../tests/data/leaf-2048.pem");
/// # let key_pem = include_bytes!("../../tests/data/rsa-2048.key");
/// use premaster::{CertifiedKey, MemoryStore, ServerConfig};
/// use std::sync::Arc;
///
/// // Several configurations share it.
/// let store = Arc::new(MemoryStore::new(20_000));
/// let certified = Arc::new(CertifiedKey::from_pem(chain_pem, key_pem)?);
/// let config = ServerConfig::builder(certified).session_store(Some(store.clone())).build()?;
/// assert!(store.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    /// Chooses the shard. It differs from the shards' own hashers; otherwise all the keys of a
    /// shard would agree in bits that its table sorts them by.
    hasher: RandomState,
}

type Shard = LruCache<Box<[u8]>, StoredSession, RandomState>;

impl MemoryStore {
    /// Creates a store for at most `capacity` sessions. With 0 it stores nothing, and nothing is
    /// resumed.
    ///
    /// Memory is allocated as sessions arrive: about 280 bytes each plus the peer's certificates,
    /// at most 16 KiB.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let count = if capacity < SHARDS * SMALLEST_SHARD {
            1
        } else {
            SHARDS
        };
        let share = |index| capacity / count + usize::from(index < capacity % count);
        Self {
            shards: (0..count)
                .filter_map(|index| NonZeroUsize::new(share(index)))
                .map(empty_shard)
                .collect(),
            hasher: RandomState::new(),
        }
    }

    /// Returns the number of sessions, including expired ones that are not yet removed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Returns true if the store holds no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shard of a key; `None` if the capacity is 0.
    fn shard(&self, key: &[u8]) -> Option<MutexGuard<'_, Shard>> {
        let [byte, ..] = self.hasher.hash_one(key).to_le_bytes();
        let index = usize::from(byte).checked_rem(self.shards.len())?;
        self.shards.get(index).map(lock)
    }
}

/// An empty shard. Its table grows with its contents; `LruCache::with_hasher` would allocate the
/// memory for all of `capacity` at once.
fn empty_shard(capacity: NonZeroUsize) -> Mutex<Shard> {
    let mut shard = LruCache::unbounded_with_hasher(RandomState::new());
    shard.resize(capacity);
    Mutex::new(shard)
}

/// A panic behind the lock loses a session at worst.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the least recently used sessions that have expired.
fn drop_expired(shard: &mut Shard, now: UnixTime) {
    for _ in 0..EXPIRED_PER_PUT {
        match shard.peek_lru() {
            Some((_, session)) if session.has_expired(now) => shard.pop_lru(),
            _ => return,
        };
    }
}

impl SessionStore for MemoryStore {
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime) {
        let Some(mut shard) = self.shard(key) else {
            return;
        };
        drop_expired(&mut shard, now);
        if session.has_expired(now) {
            shard.pop(key);
        } else {
            shard.put(key.into(), session);
        }
    }

    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
        let mut shard = self.shard(key)?;
        let session = shard.get(key)?;
        if session.has_expired(now) {
            shard.pop(key);
            return None;
        }
        Some(session.clone())
    }

    fn remove(&self, key: &[u8]) {
        if let Some(mut shard) = self.shard(key) {
            shard.pop(key);
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("sessions", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn session(byte: u8, expires: u64) -> StoredSession {
        StoredSession::new(vec![byte; 110], at(expires))
    }

    /// The first byte of the session under a key.
    fn found(store: &MemoryStore, key: &[u8], now: u64) -> Option<u8> {
        store.get(key, at(now)).map(|session| session.as_bytes()[0])
    }

    fn total_capacity(store: &MemoryStore) -> usize {
        let capacity = |shard| lock(shard).cap().get();
        store.shards.iter().map(capacity).sum()
    }

    #[test]
    fn a_session_is_exactly_its_bytes_and_is_wiped() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[1, 2, 3]);
        let session = StoredSession::new(bytes, at(9));
        assert_eq!(session.as_bytes(), [1, 2, 3]);
        assert_eq!(session.expires(), at(9));

        let mut bytes = Arc::into_inner(session.bytes).unwrap();
        wiped_on_drop(&bytes);
        let (capacity, address) = (bytes.0.capacity(), bytes.0.as_ptr());
        bytes.wipe();
        assert_eq!(bytes.0, vec![0; capacity]);
        assert_eq!(bytes.0.as_ptr(), address);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let store = MemoryStore::new(4);
        store.put(b"key", session(171, 9), at(0));
        assert_eq!(format!("{store:?}"), "MemoryStore { sessions: 1, .. }");
        let printed = format!("{:?}", session(171, 9));
        assert!(printed.contains("[redacted]"), "{printed}");
        assert!(!printed.contains("171"), "{printed}");
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let store = MemoryStore::new(2);
        store.put(b"a", session(1, 9), at(0));
        store.put(b"b", session(2, 9), at(0));
        assert_eq!(found(&store, b"a", 0), Some(1));
        store.put(b"c", session(3, 9), at(0));
        assert_eq!(found(&store, b"b", 0), None);
        assert_eq!(found(&store, b"a", 0), Some(1));
        assert_eq!(found(&store, b"c", 0), Some(3));
    }

    #[test]
    fn the_capacity_is_split_exactly_and_never_exceeded() {
        for capacity in [0, 1, 3, 1023, 1024, 1039] {
            let store = MemoryStore::new(capacity);
            assert_eq!(total_capacity(&store), capacity);
            for key in 0..2 * capacity {
                store.put(&key.to_le_bytes(), session(0, 9), at(0));
                assert!(store.len() <= capacity);
            }
            // Twice as many keys as room, spread at random, leave no part short of sessions.
            assert!(store.len() >= capacity / 2, "{} of {capacity}", store.len());
            assert_eq!(store.is_empty(), capacity == 0);
        }
        assert_eq!(MemoryStore::new(1023).shards.len(), 1);
        assert_eq!(MemoryStore::new(1024).shards.len(), SHARDS);
    }

    #[test]
    fn no_capacity_is_too_large_to_begin_with() {
        let store = MemoryStore::new(usize::MAX);
        store.put(b"a", session(1, 9), at(0));
        assert_eq!(found(&store, b"a", 0), Some(1));
    }

    #[test]
    fn keys_spread_over_all_shards() {
        let store = MemoryStore::new(SHARDS * SMALLEST_SHARD);
        for key in 0..640_u32 {
            store.put(&key.to_le_bytes(), session(0, 9), at(0));
        }
        assert!(store.shards.iter().all(|shard| !lock(shard).is_empty()));
    }

    #[test]
    fn a_session_is_replaced_under_its_key() {
        let store = MemoryStore::new(2);
        store.put(b"a", session(1, 9), at(0));
        store.put(b"a", session(2, 9), at(0));
        assert_eq!((found(&store, b"a", 0), store.len()), (Some(2), 1));
        // One that has expired already replaces too.
        store.put(b"a", session(3, 5), at(5));
        assert_eq!((found(&store, b"a", 0), store.len()), (None, 0));
    }

    #[test]
    fn a_session_is_removed() {
        let store = MemoryStore::new(2);
        store.put(b"a", session(1, 9), at(0));
        store.put(b"b", session(2, 9), at(0));
        store.remove(b"a");
        store.remove(b"never there");
        assert_eq!((found(&store, b"a", 0), store.len()), (None, 1));
        assert_eq!(found(&store, b"b", 0), Some(2));
    }

    #[test]
    fn an_expired_session_is_never_given_out_and_dropped_when_met() {
        let store = MemoryStore::new(2);
        store.put(b"a", session(1, 9), at(0));
        assert_eq!(found(&store, b"a", 8), Some(1));
        assert_eq!(found(&store, b"a", 9), None);
        assert!(store.is_empty());
    }

    #[test]
    fn sessions_that_come_drive_expired_ones_out() {
        let store = MemoryStore::new(8);
        for key in 0..5 {
            store.put(&[key], session(key, 9), at(0));
        }
        store.put(b"a", session(1, 99), at(9));
        assert_eq!(store.len(), 4);
        store.put(b"b", session(2, 99), at(9));
        assert_eq!(store.len(), 3);
        store.put(b"c", session(3, 99), at(9));
        assert_eq!(store.len(), 3);
        for (key, byte) in [(b"a", 1), (b"b", 2), (b"c", 3)] {
            assert_eq!(found(&store, key, 9), Some(byte));
        }
    }

    #[test]
    fn threads_share_a_store() {
        const CAPACITY: usize = 1024;
        let store = MemoryStore::new(CAPACITY);
        let hammer = |first: u32| {
            for key in first..first + 4096 {
                let (key, byte) = (key.to_le_bytes(), key.to_le_bytes()[0]);
                store.put(&key, session(byte, 9), at(0));
                // What is found is what was put, whatever the other thread evicts.
                assert!(found(&store, &key, 0).is_none_or(|found| found == byte));
                if byte % 4 == 0 {
                    store.remove(&key);
                }
                assert!(store.len() <= CAPACITY);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| hammer(0));
            scope.spawn(|| hammer(2048));
        });
        assert!(store.len() > CAPACITY / 2);
    }

    #[test]
    fn a_poisoned_lock_is_used_all_the_same() {
        let store = MemoryStore::new(1);
        store.put(b"a", session(1, 9), at(0));
        let poisoned = std::panic::catch_unwind(|| {
            let _guard = store.shards[0].lock().unwrap();
            panic!("behind the lock");
        });
        assert!(poisoned.is_err() && store.shards[0].is_poisoned());
        assert_eq!(found(&store, b"a", 0), Some(1));
    }
}
