//! What a run is made of, read from files: measured profiles, applications and clusters.

pub mod applications;
pub mod cluster;
pub mod profiles;
