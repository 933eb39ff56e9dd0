//! The files of a run, and what people and scripts read of it.
//!
//! - Files: `staging` makes them appear whole or not at all; [`RunDirectory`] is the directory of
//!   a run while the run goes on; [`Stored`] reads one back. Nothing but this module and
//!   [`sweep`](crate::sweep) writes files.
//! - What is in them: [`Summary`] is `summary.json`, [`Manifest`] is `run.json`, [`CSV_COLUMNS`]
//!   are the keys of a summary as the columns of a table.
//! - For people: [`table`] shows summaries, [`Story`] tells of one job, [`Difference`] compares two
//!   runs, [`page`] shows runs in a browser.
//!
//! The rows that are written while a run goes on come from the observers in
//! [`record`](crate::record), which write to any writer and know no files.

mod bound;
mod columns;
mod difference;
mod encode;
mod manifest;
pub mod page;
mod run_directory;
mod staging;
mod stored;
mod story;
mod summary;
mod sums;
pub mod table;

pub use bound::{BoundRow, bound_csv};
pub use columns::{CSV_COLUMNS, cells, is_number, write_csv};
pub use difference::{Difference, same_jobs, write_differences};
pub use encode::{jobs_csv, sha256, to_json};
pub use manifest::{InputFile, Manifest, Seeds, Setting};
pub use run_directory::RunDirectory;
pub use staging::{
    OutputError, OutputGuard, StagedDirectory, StagedFile, discard_unfinished, remove_leftovers, stage,
    write_file,
};
pub(crate) use staging::{is_temporary, lock_directory, names};
pub use stored::{Stored, StoredError, StoredInput};
pub use story::Story;
pub use summary::{ClusterSummary, Summary};
pub use sums::{BOUND, FILES, damage};

#[cfg(test)]
mod tests;
