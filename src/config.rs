//! Reads what a run needs besides a trace from files: measured profiles, applications and clusters.

pub mod applications;
pub mod cluster;
pub mod profiles;
