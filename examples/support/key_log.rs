//! The key log as a file, for Wireshark and similar tools.

use super::private::for_owner_alone;
use premaster::KeyLog;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Appends to a file; connections of many threads take turns.
pub struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    /// Opens the file, or creates it with mode 0600: anyone who reads it can decrypt the
    /// connections.
    pub fn append(path: &Path) -> io::Result<Arc<Self>> {
        let mut options = OpenOptions::new();
        let file = for_owner_alone(options.append(true).create(true)).open(path)?;
        Ok(Arc::new(Self(Mutex::new(file))))
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, line: &str) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The connection does not depend on its log.
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            eprintln!("key log: {error}");
        }
    }
}
