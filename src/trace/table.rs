//! CSV tables, as traces and profiles have them: bytes in, rows with their lines out.

use crate::trace::cell::Cell;
use crate::trace::problem::{Problem, Problems, counted};

/// The header and the rows of a table, whose values are not yet read.
pub(crate) struct Table {
    line: u64,
    header: Vec<String>,
    rows: Vec<Record>,
}

/// One row, and the line on which it begins.
struct Record {
    line: u64,
    fields: csv::ByteRecord,
}

impl Table {
    /// Splits `bytes` into rows as long as the header. Notes a problem for every row of another
    /// length. Returns `None`, with a problem noted, if there is no header to read the rows by.
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
        let Record { line, fields } = records.remove(0);
        let header: Vec<String> =
            fields.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
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
                let mut message =
                    format!("has {}; the header names {needs} columns", counted(has, "value", "values"));
                if Some(row.line) == last && has < needs && !bytes.ends_with(b"\n") {
                    message.push_str(", and the file ends in this line: was it cut off?");
                }
                problems.push(Problem::line(row.line, message));
            }
            has == needs
        });
        Some(Table { line, header, rows: records })
    }

    /// Returns the column names, trimmed.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Creates a problem with the header.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::line(self.line, message)
    }

    /// Returns whether there is no row of the right length.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the place of the column that has one of these names, if there is one.
    ///
    /// # Errors
    ///
    /// If several columns have one of these names: which one is meant must not be guessed.
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

    /// Returns the rows in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|row| TableRow { header: &self.header, row })
    }
}

/// Returns every record with the line on which it begins.
///
/// The lines are counted here, since the count of the CSV reader is one short after an empty line
/// or a CR LF.
fn records(bytes: &[u8], problems: &mut Problems) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    // `line` is the line of the byte at `place`, up to which the line ends are counted.
    let (mut rows, mut line, mut place) = (Vec::new(), 1, 0);
    for record in reader.byte_records() {
        let fields = match record {
            Ok(fields) => fields,
            Err(error) => {
                problems.push(Problem::file(format!("is not CSV: {error}")));
                break;
            }
        };
        let position = fields.position().expect("a record that was read has a position");
        let mut start = position.byte() as usize;
        start += bytes[start..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        line += line_ends(&bytes[place..start]);
        place = start;
        rows.push(Record { line, fields });
    }
    // A quoted value that never ends takes in the rest of the file without an error. It would also
    // take in one more row.
    let tail = [&bytes[place..], b"\nx\n"].concat();
    let mut again = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(tail.as_slice());
    if !rows.is_empty() && again.byte_records().count() < 2 {
        rows.pop();
        problems.push(Problem::line(line, "has a quoted value that never ends; close it with `\"`"));
    }
    rows
}

/// Counts the lines that end in `bytes`, by LF, CR LF or CR.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends_line =
        |(i, b): &(usize, &u8)| **b == b'\n' || (**b == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(ends_line).count() as u64
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(crate) struct TableRow<'a> {
    header: &'a [String],
    row: &'a Record,
}

impl<'a> TableRow<'a> {
    /// Returns the line on which the row begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.row.line
    }

    /// Returns the value in a column, by its place in the header.
    pub(crate) fn cell(&self, column: usize) -> Cell<'a> {
        Cell {
            line: self.row.line,
            column: &self.header[column],
            bytes: self.row.fields.get(column).expect("rows are as long as the header"),
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
            "line 2: has 1 value; the header names 2 columns | line 3: has 3 values; the header names 2 columns"
        );
        assert_eq!(
            problem("a,b\n1,2\n1"),
            "line 3: has 1 value; the header names 2 columns, and the file ends in this line: was it cut off?"
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
