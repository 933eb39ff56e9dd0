//! Values as bytes: JSON, CSV, and the digests of them.

use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::record::jobs::{self, JobRow};

/// Writes a value as JSON for a file or the terminal: indented, with a line end.
pub fn to_json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("our own structs have text keys");
    text.push('\n');
    text
}

/// Returns the bytes of `jobs.csv` and their digest, as [`sha256`].
///
/// # Errors
///
/// If a row cannot be written as CSV.
pub fn jobs_csv(rows: &[JobRow]) -> io::Result<(Vec<u8>, String)> {
    let mut bytes = Vec::new();
    jobs::write(rows, &mut bytes)?;
    let digest = sha256(&bytes);
    Ok((bytes, digest))
}

/// Returns the SHA-256 digest in hexadecimal, as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
