//! The key of a point: equal keys, equal results.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::{Manifest, sha256, to_json};

/// A digest of the sources of this program: a policy may change while the version stays the same.
pub(super) const BUILD: &str = env!("ELASTICFLOW_SIM_SOURCES");

/// How many digits of a key name the directory of its point.
const DIGITS: usize = 16;

/// SHA-256, in hexadecimal, of all that decides what a run comes to: every setting, the bytes of
/// every file, the sources of the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointKey(String);

impl PointKey {
    /// Returns the key of a run by this program.
    pub(super) fn new(manifest: &Manifest) -> PointKey {
        PointKey::stored(BUILD, &to_json(manifest))
    }

    /// Returns the key of a run by some build of the program, from the text of its `run.json`. That
    /// has every setting that is not the default, and which defaults there are follows from the
    /// build.
    pub(super) fn stored(build: &str, run_json: &str) -> PointKey {
        PointKey(sha256(format!("{build}\n{run_json}").as_bytes()))
    }

    /// Returns the name of the directory of its point.
    pub(super) fn directory(&self) -> &str {
        self.0.get(..DIGITS).unwrap_or(&self.0)
    }
}

impl fmt::Display for PointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
