//! CSV tables, as traces and profiles have them: bytes in, rows with their lines out.
//!
//! The bytes are held once, by the caller; a table adds the place and the line of each row, and a
//! row is split into values when it is asked for.

use crate::trace::cell::Cell;
use crate::trace::foreign;
use crate::trace::problem::{Problem, Problems, counted};
use crate::trace::record::{Record, Splitter};

/// How many bytes show whether this is text.
const HEAD: usize = 1 << 16;

/// The header and the rows of a table, whose values are not yet read.
pub(crate) struct Table<'b> {
    bytes: &'b [u8],
    line: u64,
    header: Vec<String>,
    /// Whether a column is to be ignored, by its place in the header.
    ignored: Vec<bool>,
    rows: Vec<Place>,
}

/// Where a row begins.
#[derive(Clone, Copy)]
struct Place {
    byte: u64,
    line: u64,
}

impl<'b> Table<'b> {
    /// Splits `bytes` into rows as long as the header. Notes a problem for every row of another
    /// length. Returns `None`, with a problem noted, if there is no header to read the rows by.
    pub(crate) fn parse(bytes: &'b [u8], problems: &mut Problems) -> Option<Table<'b>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Some(what) = foreign::binary(&bytes[..bytes.len().min(HEAD)]).or_else(|| foreign::text(bytes))
        {
            problems.push(Problem::file(what));
            return None;
        }
        let mut scan = Scan::new(bytes);
        let Some(Place { line, .. }) = scan.next(problems) else {
            if problems.is_empty() {
                problems.push(Problem::file("is empty; the first line names the columns"));
            }
            return None;
        };
        let names = scan.record.fields();
        let header: Vec<String> = names.map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        if let [only] = header.as_slice()
            && let Some(other) = [';', '\t', '|'].into_iter().find(|c| only.contains(*c))
        {
            let message = format!("separates its columns by {other:?}; separate them by commas");
            problems.push(Problem::line(line, message));
            return None;
        }
        let ignored = vec![false; header.len()];
        let rows = scan.rows(header.len(), problems);
        Some(Table { bytes, line, header, ignored, rows })
    }

    /// Returns the column names, trimmed.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the names of the columns that are not to be ignored.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.header.iter().zip(&self.ignored);
        named.filter(|(_, ignored)| !**ignored).map(|(name, _)| name.as_str())
    }

    /// Ignores the columns of these names. Notes a problem for each name that no column has.
    pub(crate) fn ignore(&mut self, names: &[String], problems: &mut Problems) {
        for name in names {
            if !self.header.contains(name) {
                let message = "is no column; leave it out of `--ignore-columns`";
                problems.push(self.problem(message).value(name));
            }
            let places = self.header.iter().zip(&mut self.ignored);
            places.filter(|(column, _)| *column == name).for_each(|(_, ignored)| *ignored = true);
        }
    }

    /// Creates a problem with the header.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::line(self.line, message)
    }

    /// Returns the number of rows of the right length.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the place of the column that has one of these names, if there is one.
    ///
    /// # Errors
    ///
    /// If several columns have one of these names: which one is meant must not be guessed.
    pub(crate) fn column(&self, names: &[&str]) -> Result<Option<usize>, Problem> {
        let mut found =
            (0..self.header.len()).filter(|i| !self.ignored[*i] && names.contains(&self.header[*i].as_str()));
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

    /// Returns a reader of the rows, one at a time.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { table: self, splitter: Splitter::default(), record: Record::default() }
    }
}

/// Splits the rows of a table, one at a time.
pub(crate) struct Cursor<'t> {
    table: &'t Table<'t>,
    splitter: Splitter,
    record: Record,
}

impl Cursor<'_> {
    /// Returns a row by its place in the file, from 0.
    pub(crate) fn row(&mut self, row: usize) -> TableRow<'_> {
        let Place { byte, line } = self.table.rows[row];
        let rest = &self.table.bytes[byte as usize..];
        // It was split before, when the table was made, and can be split again.
        let split = self.splitter.split(rest, &mut self.record);
        debug_assert!(split.is_ok(), "line {line}");
        TableRow { header: &self.table.header, line, record: &self.record }
    }
}

/// A way through the records of a text.
///
/// The lines are counted here, since the count of the CSV reader is one short after an empty line
/// or a CR LF.
struct Scan<'b> {
    bytes: &'b [u8],
    /// Up to here the text is read.
    at: usize,
    /// `line` is the line of the byte at `counted`, up to which the line ends are counted.
    counted: usize,
    line: u64,
    splitter: Splitter,
    /// The record that was read last.
    record: Record,
}

impl<'b> Scan<'b> {
    fn new(bytes: &'b [u8]) -> Scan<'b> {
        let (splitter, record) = (Splitter::default(), Record::default());
        Scan { bytes, at: 0, counted: 0, line: 1, splitter, record }
    }

    /// Reads a record. Returns `None` at the end of the text, and, with a problem noted, at a
    /// record that cannot be split: nothing after it can be told.
    fn next(&mut self, problems: &mut Problems) -> Option<Place> {
        let rest = &self.bytes[self.at..];
        let start = self.at + rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.line += line_ends(&self.bytes[self.counted..start]);
        (self.at, self.counted) = (start, start);
        if start == self.bytes.len() {
            return None;
        }
        match self.splitter.split(&self.bytes[start..], &mut self.record) {
            Ok(length) => {
                self.at = start + length;
                Some(Place { byte: start as u64, line: self.line })
            }
            Err(fault) => {
                self.at = self.bytes.len();
                problems.push(Problem::line(self.line, fault.message()));
                None
            }
        }
    }

    /// Reads the rest of the text: the places of all rows of `columns` values.
    fn rows(mut self, columns: usize, problems: &mut Problems) -> Vec<Place> {
        let mut rows = Vec::new();
        while let Some(place) = self.next(problems) {
            let has = self.record.len();
            if has == columns {
                rows.push(place);
                continue;
            }
            let mut message =
                format!("has {}; the header names {columns} columns", counted(has, "value", "values"));
            if self.at == self.bytes.len() && has < columns && !self.bytes.ends_with(b"\n") {
                message.push_str(", and the file ends in this line: was it cut off?");
            }
            problems.push(Problem::line(place.line, message));
        }
        rows
    }
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
    line: u64,
    record: &'a Record,
}

impl<'a> TableRow<'a> {
    /// Returns the line on which the row begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the value in a column, by its place in the header.
    pub(crate) fn cell(&self, column: usize) -> Cell<'a> {
        Cell { line: self.line, column: &self.header[column], bytes: self.record.field(column) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<u64>, Vec<String>) {
        let mut problems = Problems::default();
        let table = Table::parse(text.as_bytes(), &mut problems);
        let lines = table.map_or(Vec::new(), |table| table.rows.iter().map(|row| row.line).collect());
        let errors = problems.or("t", ()).err();
        let texts = errors.iter().flat_map(|errors| errors.problems()).map(ToString::to_string);
        (lines, texts.collect())
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
        assert_eq!(problem("a,\"b\n1,2\n"), format!("line 1: {open}"));
        assert_eq!(problem("a,b\n1,\"2\"\n"), "");
        assert_eq!(problem("a,b\n1,\"2\""), "");
    }
}
