//! Pollux.
mod fit;
