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

/// Returns the SHA-256 digest in base64, as a Content-Security-Policy names it.
pub(super) fn sha256_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in Sha256::digest(bytes).chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) as usize % 64;
            text.push(if digit <= group.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
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
