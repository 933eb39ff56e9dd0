//! Locks of targets: one process at a time writes to a name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::OutputError;

/// How the name of a lock ends.
pub(super) const LOCK: &str = ".lock";

/// The lock of a file or directory in the making: a hidden file beside the target, which is
/// removed when the lock is given back. A process that is killed leaves the file, but not the
/// lock; the next one that writes to the target takes it over.
#[derive(Debug)]
pub(super) struct TargetLock {
    path: PathBuf,
    /// `None` on a system without locks.
    file: Option<File>,
}

impl TargetLock {
    /// Takes the lock of `target`, whose parent exists.
    ///
    /// # Errors
    ///
    /// If another writer holds it, or the file cannot be created.
    pub(super) fn take(target: &Path) -> Result<TargetLock, OutputError> {
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = target.with_file_name(format!(".{name}{LOCK}"));
        match lock(&path) {
            Ok(file) => Ok(TargetLock { path, file }),
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                let what = "is being written to by another run; wait for that to end, or give another name";
                Err(OutputError::new(target, what))
            }
            Err(why) => Err(OutputError::io(target, "be written", &why)),
        }
    }

    /// Returns the path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        // Removed while it is held: no other writer can have the lock of this file.
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Locks a file, which is created. One that was removed in the meantime locks nothing, so that it
/// is tried again.
#[cfg(unix)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    use std::os::unix::fs::MetadataExt;
    loop {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(_) => {
                let _ = fs::remove_file(path);
                return Ok(None);
            }
        }
        let locked = file.metadata()?;
        if fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino())) {
            return Ok(Some(file));
        }
    }
}

#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
