//! Traces: the jobs of a cluster, read, checked, drawn, converted and described.
//!
//! [`read()`] takes any of [`FORMATS`], told apart by their headers, and returns either a [`Trace`]
//! that can be simulated or *every* problem of the file with its line, column and value
//! ([`InputErrors`]). [`generate()`] draws a trace from a seed, [`write()`] writes the one format
//! that this program writes, [`describe()`] computes what a trace asks of a cluster.

pub(crate) mod cell;
mod columns;
mod convert;
mod deadline;
mod describe;
mod draw;
mod due;
mod durations;
pub(crate) mod file;
mod foreign;
mod format;
mod generate;
mod ids;
mod near;
mod options;
pub(crate) mod plain;
pub(crate) mod problem;
mod read;
mod record;
mod row;
mod size;
mod soft;
pub(crate) mod table;
mod unit;
mod work;

pub use convert::{head, write};
pub use deadline::{DeadlineRule, DeadlineRuleError};
pub use describe::{Description, Load, ModelCount, Tightness, describe};
pub use format::{Column, FORMATS, Format};
pub use generate::{GenerateError, GenerateOptions, generate};
pub use options::ReadOptions;
pub use problem::{InputErrors, Problem, printable};
pub use read::{Checked, Trace, check, parse, read};
pub use size::ByteSize;
pub use unit::TimeUnit;

#[cfg(test)]
mod tests;
