//! Files and directories that appear whole, under their own names, or not at all.
//!
//! [`StagedDirectory`] and [`StagedFile`] are in the making until they are published; what is not
//! published is removed. [`discard_unfinished`] does that for a program that ends without
//! unwinding, and [`remove_leftovers`] for one that was killed. Each holds the lock of its name, so
//! that no two processes write to it. [`OutputGuard`] says which names may be written to at all.
//! What a directory holds is not known here: see [`RunDirectory`](super::RunDirectory) and
//! [`sweep`](crate::sweep).

mod directory;
mod error;
mod file;
mod guard;
mod lock;
mod sync;
mod unfinished;

pub use directory::{StagedDirectory, remove_leftovers, stage};
pub(crate) use directory::{is_temporary, lock_directory, names};
pub use error::OutputError;
pub use file::{StagedFile, write_file};
pub use guard::OutputGuard;
#[cfg(test)]
pub(super) use unfinished::Undo;
pub use unfinished::discard_unfinished;
