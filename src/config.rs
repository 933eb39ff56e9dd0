//! What a run is made of, read from files: measured profiles and clusters.

pub mod cluster;
pub mod profiles;
