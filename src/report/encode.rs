//! Values as bytes: JSON, CSV, and the digests of them.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
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

/// Returns the SHA-256 digest in base64, as a Content-Security-Policy names it.
pub(super) fn sha256_base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of no bytes, as `openssl dgst -sha256 -binary </dev/null | base64` prints it.
    #[test]
    fn a_digest_is_written_in_base64() {
        assert_eq!(sha256_base64(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
