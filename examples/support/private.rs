//! Files that hold secrets, and what leads to them: for their owner alone.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

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
    check_mode(metadata, 0o600)
}

/// Refuses what is no directory, and a directory that is open to others.
pub fn check_is_private_directory(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_dir() {
        return Err(io::Error::other("not a directory"));
    }
    check_mode(metadata, 0o700)
}

/// Refuses what is open to others; `wanted` is the mode to say it with.
#[cfg_attr(not(unix), expect(unused_variables))]
fn check_mode(metadata: &Metadata, wanted: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let cause =
                format!("open to others than its owner (mode {mode:04o}, not {wanted:04o})");
            return Err(io::Error::other(cause));
        }
    }
    Ok(())
}

/// A directory for its owner alone. It is removed with all that is in it when this is dropped.
pub struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    /// Makes the directory, which must not exist.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // What cannot be removed stays for the owner alone.
        let _ = fs::remove_dir_all(&self.0);
    }
}
