//! Finds ids that several rows of a trace have.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::trace::problem::Problems;
use crate::trace::table::Table;

/// The ids of rows by their hashes, which take less room than the ids.
#[derive(Default)]
pub(super) struct Ids(Vec<(u64, u32)>);

impl Ids {
    /// Adds the id of a row.
    pub(super) fn add(&mut self, id: &str, row: u32) {
        let mut hasher = FxHasher::default();
        id.hash(&mut hasher);
        self.0.push((hasher.finish(), row));
    }

    /// Notes a problem for each id, in the column at `place`, that a row above has.
    pub(super) fn check(mut self, sheet: &Table<'_>, place: usize, problems: &mut Problems) {
        self.0.sort_unstable();
        let mut cursor = sheet.cursor();
        for alike in self.0.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
            let mut lines: BTreeMap<String, u64> = BTreeMap::new();
            for (_, row) in alike {
                let cell = cursor.row(*row as usize).cell(place);
                let Ok(id) = cell.text() else { continue };
                if let Some(first) = lines.get(id) {
                    let message = format!("is already the id in line {first}; give every job its own");
                    problems.push(cell.problem(message));
                } else {
                    lines.insert(id.to_owned(), cell.line());
                }
            }
        }
    }
}
