//! Where sessions are kept between connections.

use core::fmt;
use core::num::NonZeroUsize;
use lru::LruCache;
use pki_types::UnixTime;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::{ZeroizeOnDrop, optimization_barrier};

/// A session as bytes: everything needed to resume it, **the master secret included, in clear**.
///
/// The bytes are versioned, and only this crate reads them: bytes that it did not write, that
/// another version wrote or that are damaged are as good as no session. Clones share them; they are
/// wiped when the last one is dropped, and print as `[redacted]`.
#[derive(Clone)]
pub struct StoredSession {
    bytes: Arc<Bytes>,
    expires: UnixTime,
}

/// The bytes of a session, most of which are certificates. Wiped when dropped, all at once:
/// `Zeroizing` would do so byte by byte.
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
    /// Brings a session back from where a store has written it to, with the `expires` that it had.
    #[must_use]
    pub fn new(bytes: Vec<u8>, expires: UnixTime) -> Self {
        // With whatever capacity it has: shrinking it could leave the bytes behind in freed memory.
        Self {
            bytes: Arc::new(Bytes(bytes)),
            expires,
        }
    }

    /// The session, to be written as it is.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes.0
    }

    /// From when on the session is not resumed any more.
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

/// Where sessions are kept: in this process ([`MemoryStore`]), or in a place that several servers
/// share.
///
/// The key is public. For a server it is a session ID: 32 bytes that the server made up, but
/// [`get`](Self::get) is called with whatever 32 bytes a client sends. For a client it is made of the
/// name and, where it is given, the address of the server. The value holds the master secret
/// in clear: **whoever reads the store reads the connections**, and whoever writes to it can pose as
/// a peer.
///
/// Connections call the store in the middle of their handshakes and wait for it, so a slow store
/// makes slow handshakes; many call it at once. A store may fail, and may forget any session at
/// any time: a session that is not found costs a full handshake and nothing else. So no method
/// tells of an error. `now` is the time as the configuration tells it.
pub trait SessionStore: Send + Sync {
    /// Keeps a session under `key`, in place of one that is there already, until it expires or
    /// must make room.
    fn put(&self, key: &[u8], session: StoredSession, now: UnixTime);

    /// The session under `key`, which stays. `None` if there is none, if it has expired, or if the
    /// store fails.
    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession>;

    /// Forgets the session under `key`, if there is one. Called for a session whose connection
    /// failed, and by a client for one that its server declined or hung up on.
    ///
    /// "Servers and clients MUST forget any session-identifiers, keys, and secrets associated with
    /// a failed connection."
    /// ([RFC 5246 section 7.2.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.2))
    fn remove(&self, key: &[u8]);
}

/// How many parts a large store has, each behind a lock of its own.
const SHARDS: usize = 16;

/// How many sessions a part holds at least; a store too small for that is a single part.
const SMALLEST_SHARD: usize = 64;

/// How many expired sessions a new one drives out: two, so that they go faster than sessions come.
const EXPIRED_PER_PUT: usize = 2;

/// Sessions in the memory of this process: so many and no more, the least recently used going
/// first, each until it expires.
///
/// A store for 1024 sessions or more is divided into 16 parts, so that threads seldom wait for
/// each other. A key belongs to one of them by a hash that nobody outside can foresee, and each has
/// its own order of use: a part may be full, and forget a session, a little before the whole is.
///
/// An expired session is dropped when it is asked for, and when sessions come and it has become the
/// least recently used. What is dropped is wiped.
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    /// Chooses the shard. Not the shards' own hasher, or all the keys of one would agree in bits
    /// that its table sorts them by.
    hasher: RandomState,
}

type Shard = LruCache<Box<[u8]>, StoredSession, RandomState>;

impl MemoryStore {
    /// A store for at most `capacity` sessions. With 0 it keeps none, and nothing is ever resumed
    /// from it.
    ///
    /// Memory is taken as sessions come, not in advance: about 280 bytes for each, and what the
    /// peer's certificates take, 16 KiB at most.
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

    /// How many sessions it holds, expired ones that were not yet dropped among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether it holds no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part that a key belongs to; none if the capacity is 0.
    fn shard(&self, key: &[u8]) -> Option<MutexGuard<'_, Shard>> {
        let [byte, ..] = self.hasher.hash_one(key).to_le_bytes();
        let index = usize::from(byte).checked_rem(self.shards.len())?;
        self.shards.get(index).map(lock)
    }
}

/// An empty part. Its table grows with what is in it; `LruCache::with_hasher` would take the memory
/// for all of `capacity` at once.
fn empty_shard(capacity: NonZeroUsize) -> Mutex<Shard> {
    let mut shard = LruCache::unbounded_with_hasher(RandomState::new());
    shard.resize(capacity);
    Mutex::new(shard)
}

/// The worst that a panic behind the lock leaves is a session lost.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops expired sessions that were not used for longest.
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
