//! What a file is instead of what was wanted, by how it begins.

/// The beginnings of files that are commonly given for a table, and what to do with each.
const MAGIC: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook (.xlsx); save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls); save the sheet as CSV"),
    (b"\xfd7zXZ\0", "is compressed with xz; unpack it by `xz -d`, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it by `zstd -d`, or compress it with gzip"),
    (b"BZh", "is compressed with bzip2; unpack it by `bzip2 -d`, or compress it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it"),
    (b"PAR1", "is a Parquet file; convert it to CSV"),
    (b"SQLite format 3\0", "is an SQLite database; export the table as CSV"),
];

/// Says what binary bytes are, and what to do; `None` if they may be text.
pub(super) fn binary(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some("is UTF-16 text; save it as UTF-8");
    }
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    let zero = || bytes.contains(&0).then_some("is not text: it has bytes of value 0; give a text file");
    known.map(|(_, what)| *what).or_else(zero)
}

/// Says what a text is if it is no table, and what would be one; `None` if it may be a table.
pub(super) fn text(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    match text.first()? {
        b';' => Some(
            "begins with `;`, as logs in the Standard Workload Format (SWF) do, which are not read; convert it to CSV, \
             whose first line names the columns (`list formats` shows them)",
        ),
        b'{' => Some(JSON),
        b'[' if matches!(text[1..].trim_ascii_start().first(), Some(b'{' | b'[' | b'"' | b']')) => Some(JSON),
        b'<' => Some("is HTML or XML, not CSV; was a page saved in place of the file?"),
        _ => None,
    }
}

const JSON: &str = "is JSON, not CSV; give a table whose first line names the columns";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_what_it_is() {
        assert!(binary(b"PK\x03\x04...").unwrap().contains(".xlsx"));
        assert!(binary(b"\xfd7zXZ\0...").unwrap().contains("xz"));
        assert!(binary(&[0; 100]).unwrap().starts_with("is not text"));
        assert_eq!(binary(b"job_id,submit_time\n"), None);
        assert!(text(b"; Version: 2.2\n").unwrap().contains("SWF"));
        assert_eq!(text(b" [{\"a\": 1}]"), Some(JSON));
        assert_eq!(text(b"job_id\n"), None);
    }
}
