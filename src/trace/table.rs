//! CSV tables as traces and profiles have them: bytes in, rows with their lines out.

use crate::trace::cell::Cell;
use crate::trace::problem::{Problem, Problems};

/// A table's header and rows, not yet understood.
pub(crate) struct Table {
    line: u64,
    header: Vec<String>,
    rows: Vec<Record>,
}

struct Record {
    line: u64,
    fields: csv::ByteRecord,
}

impl Table {
    /// Splits `bytes` into rows of equal length. `None` where there is no header to read the rows
    /// by.
    pub(crate) fn parse(bytes: &[u8], problems: &mut Problems) -> Option<Table> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            problems.push(Problem::file("is UTF-16 text; save it as UTF-8"));
            return None;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut records = records(bytes, problems);
        if records.is_empty() {
            problems.push(Problem::file("is empty; the first line names the columns"));
            return None;
        }
        let (line, header) = {
            let first = records.remove(0);
            (first.line, first.fields)
        };
        let header: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        if let [only] = header.as_slice()
            && let Some(other) = [';', '\t', '|'].into_iter().find(|c| only.contains(*c))
        {
            let message = format!("separates its columns by {other:?}; separate them by commas");
            problems.push(Problem::line(line, message));
            return None;
        }
        let last = records.last().map(|row| row.line);
        records.retain(|row| {
            let (has, needs) = (row.fields.len(), header.len());
            if has != needs {
                let mut message = format!("has {has} values; the header names {needs} columns");
                if Some(row.line) == last && has < needs && !bytes.ends_with(b"\n") {
                    message.push_str(", and the file ends in this line: was it cut off?");
                }
                problems.push(Problem::line(row.line, message));
            }
            has == needs
        });
        Some(Table { line, header, rows: records })
    }

    /// The column names, trimmed.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// A problem with the header.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::line(self.line, message)
    }

    /// Whether there is no row of the right length.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where a column is that may be spelled in several ways.
    ///
    /// # Errors
    ///
    /// If more than one column answers to these names: which one is meant is not for us to guess.
    pub(crate) fn column(&self, names: &[&str]) -> Result<Option<usize>, Problem> {
        let mut found = (0..self.header.len()).filter(|i| names.contains(&self.header[*i].as_str()));
        let first = found.next();
        match (first, found.next()) {
            (Some(a), Some(b)) if self.header[a] == self.header[b] => {
                Err(self.problem("is the name of two columns; keep one").value(&self.header[a]))
            }
            (Some(a), Some(b)) => {
                let message = format!("and `{}` are two names of one column; keep one", self.header[b]);
                Err(self.problem(message).value(&self.header[a]))
            }
            _ => Ok(first),
        }
    }

    /// Every row, as something to take cells from.
    pub(crate) fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|row| TableRow { header: &self.header, row })
    }
}

/// Every record with the line on which it begins.
///
/// The lines are counted here: the reader's own count is one short after an empty line or a CR LF.
fn records(bytes: &[u8], problems: &mut Problems) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let (mut rows, mut line, mut counted) = (Vec::new(), 1, 0);
    for record in reader.byte_records() {
        let fields = match record {
            Ok(fields) => fields,
            Err(error) => {
                problems.push(Problem::file(format!("is not CSV: {error}")));
                break;
            }
        };
        let mut start = fields.position().map_or(counted, |at| at.byte() as usize);
        start += bytes[start..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        line += line_ends(&bytes[counted..start]);
        counted = start;
        rows.push(Record { line, fields });
    }
    // A quoted value that never ends swallows the rest of the file without a word, and would do so
    // with one more row.
    let tail = [&bytes[counted..], b"\nx\n"].concat();
    let mut again = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(tail.as_slice());
    if !rows.is_empty() && again.byte_records().count() < 2 {
        rows.pop();
        problems.push(Problem::line(line, "has a quoted value that never ends; close it with `\"`"));
    }
    rows
}

/// How many lines end in `bytes`, be it by LF, CR LF or CR.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends = |(i, b): (usize, &u8)| *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(|at| ends(*at)).count() as u64
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct TableRow<'a> {
    header: &'a [String],
    row: &'a Record,
}

impl<'a> TableRow<'a> {
    /// The line on which the row begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.row.line
    }

    /// The value in a column.
    pub(crate) fn cell(&self, column: usize) -> Cell<'a> {
        Cell {
            line: self.row.line,
            column: &self.header[column],
            bytes: self.row.fields.get(column).unwrap_or(b""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<u64>, Vec<String>) {
        let mut problems = Problems::default();
        let table = Table::parse(text.as_bytes(), &mut problems);
        let lines = table.map_or(Vec::new(), |table| table.rows().map(|row| row.line()).collect());
        (lines, problems.0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn rows_know_their_lines() {
        assert_eq!(lines("a,b\n1,2\n\n3,4\n").0, [2, 4]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n3,4").0, [2, 4]);
        assert_eq!(lines("\u{feff}a,b\n\"1\n1\",2\n3,4\n").0, [2, 4]);
        assert_eq!(lines("\n\na,b\n1,2\n").0, [4]);
    }

    #[test]
    fn a_broken_table_says_where() {
        let problem = |text| lines(text).1.join(" | ");
        assert_eq!(problem(""), "is empty; the first line names the columns");
        assert_eq!(problem("\n\n"), "is empty; the first line names the columns");
        assert_eq!(problem("a;b\n1;2\n"), "line 1: separates its columns by ';'; separate them by commas");
        assert_eq!(
            problem("a,b\n1\n1,2,3\n"),
            "line 2: has 1 values; the header names 2 columns | line 3: has 3 values; the header names 2 columns"
        );
        assert_eq!(
            problem("a,b\n1,2\n1"),
            "line 3: has 1 values; the header names 2 columns, and the file ends in this line: was it cut off?"
        );
        let open = "has a quoted value that never ends; close it with `\"`";
        assert_eq!(problem("a,b\n1,\"2\n3,4\n"), format!("line 2: {open}"));
        assert_eq!(
            problem("a,\"b\n1,2\n"),
            format!("line 1: {open} | is empty; the first line names the columns")
        );
        assert_eq!(problem("a,b\n1,\"2\"\n"), "");
        assert_eq!(problem("a,b\n1,\"2\""), "");
    }
}
