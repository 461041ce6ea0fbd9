//! Files that hold secrets, and their directories: accessible only to their owner.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Lets a file that is created be read and written by its owner alone.
pub fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Refuses anything but a regular file, and a file that is accessible to others.
pub fn check_is_private(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    check_mode(metadata, 0o600)
}

/// Refuses anything but a directory, and a directory that is accessible to others.
pub fn check_is_private_directory(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_dir() {
        return Err(io::Error::other("not a directory"));
    }
    check_mode(metadata, 0o700)
}

/// Refuses what is accessible to others; the error names the mode that is required.
#[cfg_attr(not(unix), expect(unused_variables))]
fn check_mode(metadata: &Metadata, required: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let cause = format!("accessible to others (mode {mode:04o}, required {required:04o})");
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
