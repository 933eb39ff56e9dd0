//! Discrete-event simulation of deadline-aware, elastic GPU-cluster scheduling.

pub mod config;
pub mod job;
pub mod profile;
pub mod trace;
pub mod units;
pub mod workload;
