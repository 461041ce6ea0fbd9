//! The line of the key log.

use crate::config::Environment;
use crate::keys::{MASTER_SECRET, MasterSecret, Randoms};
use core::fmt::Write;
use zeroize::Zeroizing;

/// Writes the connection's line to the key log, if there is one.
pub(super) fn log(environment: &Environment, randoms: &Randoms, master_secret: &MasterSecret) {
    let Some(key_log) = &environment.key_log else {
        return;
    };
    // Allocated once: a string that grows leaves a copy of the secret behind.
    let mut line = Zeroizing::new(String::with_capacity(2 * (32 + MASTER_SECRET) + 16));
    line.push_str("CLIENT_RANDOM ");
    for byte in randoms.client {
        // Writing to a string does not fail.
        let _ = write!(line, "{byte:02x}");
    }
    line.push(' ');
    for byte in master_secret.as_bytes() {
        let _ = write!(line, "{byte:02x}");
    }
    key_log.log(&line);
}
