//! What is wrong with an output.

use std::io;
use std::path::Path;

/// An output path that cannot be used, or an output that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct OutputError {
    /// The file or directory.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
    /// Whether there is no more room for it.
    pub full: bool,
}

impl OutputError {
    pub(crate) fn new(path: &Path, what: impl Into<String>) -> OutputError {
        OutputError { path: path.display().to_string(), what: what.into(), full: false }
    }

    /// Creates an error from one of the system's, `doing` being what cannot be done: `be written`.
    /// The system's error is named by its kind, since its own text may name a temporary file, which
    /// means nothing to the user.
    pub(crate) fn io(path: &Path, doing: &str, why: &io::Error) -> OutputError {
        let full = matches!(why.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let error = match why.kind() {
            io::ErrorKind::Other => OutputError::new(path, format!("cannot {doing}: {why}")),
            kind => OutputError::new(path, format!("cannot {doing}: {kind}")),
        };
        OutputError { full, ..error }
    }

    /// Returns an error of a writer with this one as its text: its user knows no path.
    pub(crate) fn to_io(&self, kind: io::ErrorKind) -> io::Error {
        io::Error::new(kind, self.clone())
    }
}
