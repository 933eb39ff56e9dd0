//! Forcing files onto the disk, so that no power cut leaves a name without its bytes.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Forces a directory onto the disk, with everything in it.
///
/// # Errors
///
/// If a file cannot be opened or written.
pub(super) fn sync_tree(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() { sync_tree(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_names(root);
    Ok(())
}

/// Forces the names in a directory onto the disk, where the system can do that.
pub(super) fn sync_names(directory: &Path) {
    if cfg!(unix) {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}
