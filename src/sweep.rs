//! Many runs: a grid of settings, checked whole, run on all cores.
//!
//! A [`Grid`] is read from TOML, whose keys are the options of `run`: a list of values is an axis,
//! and the grid is the product of its axes. [`Grid::check`] reads every file once and checks every
//! point, so that nothing that could be known from the start comes to light after an hour.
//! [`CheckedGrid::each`] runs the points in parallel and gives back what they come to in the order
//! of the grid, whichever ends first. [`CheckedGrid::directory`] keeps them in a directory, from
//! which a sweep that was killed goes on; [`merge`] makes one of the directories of [`Shard`]s.
//!
//! ```
//! use elasticflow_sim::sweep::Grid;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//!     trace = "light-100.csv"
//!     scheduler = ["elasticflow", "edf"]
//!     cluster = ["2x8", "16x8"]
//! "#;
//! // Paths in the text start at the folder that is named here.
//! let checked = Grid::parse("example", text, "traces".as_ref())?.check()?;
//! let met = checked.each(None, |_| (), |point, result, ()| {
//!     Ok((point.value("cluster").to_owned(), result.summary().metrics.met))
//! })?;
//! let clusters: Vec<_> = met.iter().map(|(cluster, _)| cluster.as_str()).collect();
//! assert_eq!(clusters, ["2x8", "16x8", "2x8", "16x8"]);
//! assert!(met[0].1 < met[1].1);
//! # Ok(())
//! # }
//! ```

mod check;
mod directory;
mod grid;
mod keys;
mod merge;
mod parallel;
mod point_key;
mod problem;
mod product;
mod shard;
mod stored;
mod table;

pub use check::{CheckedGrid, Point, results};
pub use directory::SweepDirectory;
pub use grid::Grid;
pub use merge::merge;
pub use parallel::SweepError;
pub use point_key::PointKey;
pub use problem::GridErrors;
pub use shard::Shard;
pub(crate) use stored::{MANIFEST, POINTS, RESULTS};

#[cfg(test)]
mod tests;
