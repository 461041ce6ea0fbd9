//! Files that hold secrets: for their owner alone.

use std::fs::{Metadata, OpenOptions};
use std::io;

/// Lets a file that is created be read and written by its owner alone.
pub fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Refuses what is no file, and a file that is open to others.
pub fn check_is_private(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let cause = format!("open to others than its owner (mode {mode:04o}, not 0600)");
            return Err(io::Error::other(cause));
        }
    }
    Ok(())
}
