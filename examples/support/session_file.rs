//! A client's session in a file, for the next run to resume.

use super::private::{check_is_private, for_owner_alone};
use premaster::SessionStore;
use premaster::pki_types::UnixTime;
use premaster::session::StoredSession;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A store with room for one session, for a client with one connection at a time.
///
/// **The file holds the master secret in clear:** anyone who reads it can decrypt the connections,
/// and anyone who writes to it can impersonate the server. A file that is accessible to others, or
/// that is not a session file, is refused at the start. Later failures are reported on standard
/// error, and cost a full handshake.
pub struct SessionFile(PathBuf);

impl SessionFile {
    /// A store in this file, which need not exist and may be empty.
    pub fn open(path: &Path) -> io::Result<Arc<Self>> {
        let store = Self(path.to_owned());
        store.read()?;
        Ok(Arc::new(store))
    }

    /// What is in the file; `None` if there is nothing, or no file.
    fn read(&self) -> io::Result<Option<Entry>> {
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        check_is_private(&file.metadata()?)?;
        // Room for more than is read: a buffer that grows leaves the secret behind where it was.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_LENGTH));
        file.take(MAX_LENGTH as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let entry = Entry::decode(&bytes);
        entry.map(Some).ok_or_else(|| io::Error::other("not a session file"))
    }

    /// Puts the entry into the file atomically: a reader finds all of it or nothing.
    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut temporary = self.0.clone().into_os_string();
        temporary.push(format!(".{}", process::id()));
        let mut options = OpenOptions::new();
        let result = for_owner_alone(options.write(true).create_new(true))
            .open(&temporary)
            .and_then(|mut file| file.write_all(&entry.encode()))
            .and_then(|()| fs::rename(&temporary, &self.0));
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    /// The entry of this key. A file that cannot be read counts as empty.
    fn find(&self, key: &[u8]) -> Option<Entry> {
        let entry = self.read().unwrap_or_else(|error| {
            self.warn(&error);
            None
        });
        entry.filter(|entry| entry.key == key)
    }

    fn warn(&self, error: &io::Error) {
        eprintln!("{}: {error}", self.0.display());
    }
}

impl SessionStore for SessionFile {
    fn put(&self, key: &[u8], session: StoredSession, _now: UnixTime) {
        let key = key.to_vec();
        if let Err(error) = self.write(&Entry { key, session }) {
            self.warn(&error);
        }
    }

    fn get(&self, key: &[u8], now: UnixTime) -> Option<StoredSession> {
        let session = self.find(key)?.session;
        (now < session.expires()).then_some(session)
    }

    fn remove(&self, key: &[u8]) {
        if self.find(key).is_some()
            && let Err(error) = fs::remove_file(&self.0)
        {
            self.warn(&error);
        }
    }
}

/// What the file begins with.
const MAGIC: &[u8] = b"premaster session\n";

/// More than any session of the library needs.
const MAX_LENGTH: usize = 1 << 15;

/// A session and what it is found by. In the file: [`MAGIC`], the end of the session's life in
/// seconds since 1970 and the length of the key, 8 bytes each, the key, the session.
struct Entry {
    key: Vec<u8>,
    session: StoredSession,
}

impl Entry {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let expires = self.session.expires().as_secs().to_be_bytes();
        let key_length = (self.key.len() as u64).to_be_bytes();
        let session = self.session.as_bytes();
        Zeroizing::new([MAGIC, &expires, &key_length, &self.key, session].concat())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(MAGIC)?;
        let (expires, bytes) = bytes.split_first_chunk()?;
        let (key_length, bytes) = bytes.split_first_chunk()?;
        let key_length = usize::try_from(u64::from_be_bytes(*key_length)).ok()?;
        let (key, session) = bytes.split_at_checked(key_length)?;
        let expires = Duration::from_secs(u64::from_be_bytes(*expires));
        Some(Self {
            key: key.to_vec(),
            session: StoredSession::new(session.to_vec(), UnixTime::since_unix_epoch(expires)),
        })
    }
}
