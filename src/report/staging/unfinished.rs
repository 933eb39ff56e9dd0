//! The registry of everything in the making, for a program that ends without unwinding: it was
//! interrupted, or it panics and aborts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How to remove each thing in the making, by its temporary name. The lock is held while something
/// is created or gets its final name.
static UNFINISHED: Mutex<BTreeMap<PathBuf, Undo>> = Mutex::new(BTreeMap::new());

/// Locks the registry. It is whole even after a panic in another thread: each change of it is a
/// single call.
pub(super) fn lock() -> MutexGuard<'static, BTreeMap<PathBuf, Undo>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What it takes to remove a directory or a file in the making.
#[derive(Clone, Debug)]
pub(in crate::report) struct Undo {
    temporary: PathBuf,
    /// The lock of the target.
    lock: Option<PathBuf>,
    /// The directories that were created above it, the deepest first.
    created: Vec<PathBuf>,
}

impl Undo {
    /// Removes `temporary` and the file of a lock, and of the directories in `created` those that
    /// are empty.
    pub(super) fn new(temporary: &Path, lock: Option<&Path>, created: &[PathBuf]) -> Undo {
        Undo { temporary: temporary.to_owned(), lock: lock.map(Path::to_owned), created: created.to_vec() }
    }

    /// Removes everything, as far as possible. What got its final name in the meantime stays.
    pub(in crate::report) fn run(&self) {
        let temporary = &self.temporary;
        let try_to_remove = |_: &u32| {
            let _ =
                if temporary.is_dir() { fs::remove_dir_all(temporary) } else { fs::remove_file(temporary) };
            !temporary.exists()
        };
        // Other threads may still be writing there: once may not be enough.
        let _ = (0..100).find(try_to_remove);
        if let Some(lock) = &self.lock {
            let _ = fs::remove_file(lock);
        }
        remove_empty(&self.created);
    }
}

/// Removes the directories that are empty; another run may have put something into them.
pub(super) fn remove_empty(created: &[PathBuf]) {
    for directory in created {
        let _ = fs::remove_dir(directory);
    }
}

/// An entry of the registry, removed from it on drop. It must not be dropped while the lock is
/// held by the same thread.
#[derive(Debug)]
pub(super) struct RegistryEntry(PathBuf);

impl RegistryEntry {
    /// Registers `undo` under the temporary name `path`, in the locked registry.
    pub(super) fn new(all: &mut BTreeMap<PathBuf, Undo>, path: &Path, undo: Undo) -> RegistryEntry {
        all.insert(path.to_owned(), undo);
        RegistryEntry(path.to_owned())
    }
}

impl Drop for RegistryEntry {
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

/// Removes everything in the making. From here on nothing new is begun and nothing gets its final
/// name: a thread that tries to waits for the end of the program, which is up to the caller.
pub fn discard_unfinished() {
    let all = lock();
    all.values().for_each(Undo::run);
    std::mem::forget(all);
}
