//! What a run is made of, read from files: so far, measured profiles.

pub mod profiles;
