//! Discrete-event simulation of deadline-aware, elastic GPU-cluster scheduling.

pub mod job;
pub mod profile;
pub mod units;
pub mod workload;
