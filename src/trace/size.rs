//! Sizes in bytes, as users write them.

use std::fmt;
use std::str::FromStr;

/// The units, the largest first.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// The most bytes that are read of a file whose user says nothing: far more than any trace has,
    /// and fewer than would exhaust the memory.
    pub const USUAL: ByteSize = ByteSize(4 << 30);
    /// The most that a user may allow: the rows of no larger file can be counted.
    pub const LIMIT: ByteSize = ByteSize(16 << 30);
}

impl Default for ByteSize {
    fn default() -> ByteSize {
        ByteSize::USUAL
    }
}

impl FromStr for ByteSize {
    type Err = String;

    /// Reads a whole number of bytes, or of one of the units from kB to GiB.
    fn from_str(text: &str) -> Result<ByteSize, String> {
        let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (&text[..unit], text[unit..].trim());
        let factor = if unit.is_empty() { Some(1) } else { factor(unit) };
        let bytes = factor.and_then(|factor| number.parse::<u64>().ok()?.checked_mul(factor));
        let size = bytes.filter(|bytes| *bytes > 0).map(ByteSize).filter(|size| *size <= ByteSize::LIMIT);
        let right = "give a whole number of bytes, or one such as 500MB, from 1 to 16GiB";
        size.ok_or_else(|| format!("not a size in bytes; {right}"))
    }
}

fn factor(unit: &str) -> Option<u64> {
    let found = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    Some(found.1)
}

impl fmt::Display for ByteSize {
    /// Writes the size in the largest unit in which it is whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.iter().find(|(_, factor)| self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [("1", 1), ("500MB", 500_000_000), ("4GiB", 4 << 30), ("2 kb", 2000)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "0", "-1", "1.5GB", "4 pigs", "99999999999999999999", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        let shown = [1, 1024, 1500, 4 << 30].map(|bytes| ByteSize(bytes).to_string());
        assert_eq!(shown, ["1B", "1KiB", "1500B", "4GiB"]);
    }
}
