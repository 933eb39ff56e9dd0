//! Discrete-event simulation of deadline-aware, elastic GPU-cluster scheduling.

pub mod cli;
pub mod cluster;
pub mod config;
pub mod job;
pub mod metrics;
pub mod overhead;
pub mod placement;
pub mod profile;
pub mod progress;
pub mod record;
pub mod report;
pub mod scheduler;
pub mod sim;
pub mod state;
pub mod trace;
pub mod units;
pub mod workload;
