//! `run.json`: what it takes to make a run again.

use serde::Serialize;

/// How a run directory came about. Holds no wall-clock value: the same run gives the same bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The words after the program's name that run this again, options that have their default left
    /// out. Where the results go, and how they are shown, is no part of it.
    pub command: Vec<String>,
    /// The version of this program.
    pub version: &'static str,
    /// Where every random number comes from.
    pub seeds: Seeds,
    /// Every file that was read.
    pub inputs: Vec<Input>,
}

/// The seeds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seeds {
    /// `--seed`: the policy's.
    pub seed: u64,
    /// `--trace-seed`: the trace's.
    pub trace_seed: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// What for: `trace`, `profiles` or `cluster`.
    pub what: &'static str,
    /// Its path, as its user named it. What is part of the program is pinned by the version.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}
