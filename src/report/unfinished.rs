//! Everything in the making, for a program that ends without unwinding: it was interrupted, or it
//! panics and aborts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::directory::Undo;

/// By their names as yet. Whoever makes one or gives it its name holds the lock while doing so.
static ALL: Mutex<BTreeMap<PathBuf, Undo>> = Mutex::new(BTreeMap::new());

pub(super) fn lock() -> MutexGuard<'static, BTreeMap<PathBuf, Undo>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A note of something in the making, as long as it lives. It is not to be dropped by whoever holds
/// the lock.
#[derive(Debug)]
pub(super) struct Noted(PathBuf);

impl Noted {
    pub(super) fn new(all: &mut BTreeMap<PathBuf, Undo>, path: &Path, undo: Undo) -> Noted {
        all.insert(path.to_owned(), undo);
        Noted(path.to_owned())
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

/// Takes everything in the making away. From here on none is begun and none gets its name: whoever
/// tries to, waits for the end of the program, which is up to the caller.
pub fn give_up() {
    let all = lock();
    all.values().for_each(Undo::run);
    std::mem::forget(all);
}
