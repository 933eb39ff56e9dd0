//! CSV tables as traces and profiles have them: bytes in, rows with their lines out.

use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::trace::problem::{Problem, Problems};
use crate::units::TimeError;

/// A table's header and rows, not yet understood.
pub(crate) struct Table {
    line: u64,
    header: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    line: u64,
    fields: csv::ByteRecord,
}

impl Table {
    /// Splits `bytes` into rows of equal length. `None` where there is no header to read the rows by.
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
    pub(crate) fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.rows.iter().map(|row| Cells { header: &self.header, row })
    }
}

/// Every record with the line on which it begins.
///
/// The lines are counted here: the reader's own count is one short after an empty line or a CR LF.
fn records(bytes: &[u8], problems: &mut Problems) -> Vec<Row> {
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
        rows.push(Row { line, fields });
    }
    // A quoted value that never ends swallows the rest of the file without a word, and would do so with one more row.
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
pub(crate) struct Cells<'a> {
    header: &'a [String],
    row: &'a Row,
}

impl<'a> Cells<'a> {
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

/// One value of a row, and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    line: u64,
    column: &'a str,
    bytes: &'a [u8],
}

impl<'a> Cell<'a> {
    /// A problem with this value.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        let problem = Problem::line(self.line, message).field(self.column);
        if self.bytes.is_empty() { problem } else { problem.value(String::from_utf8_lossy(self.bytes)) }
    }

    /// The line of its row.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// The text, verbatim.
    pub(crate) fn text(&self) -> Result<&'a str, Problem> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|_| self.problem("is not UTF-8 text; save the file as UTF-8"))?;
        if text.trim().is_empty() { Err(self.problem("is empty; give a name")) } else { Ok(text) }
    }

    /// A whole number of `things` within `range`, also written `64.0` or `1e6`.
    pub(crate) fn whole(&self, things: &str, range: RangeInclusive<u64>) -> Result<u64, Problem> {
        let (low, high) = (*range.start(), *range.end());
        let wrong = |what: &str| {
            Err(self.problem(format!("{what}; give a whole number of {things} from {low} to {high}")))
        };
        let text = String::from_utf8_lossy(self.bytes);
        let text = text.trim();
        if text.is_empty() {
            return wrong("is empty");
        }
        if let Ok(number) = text.parse::<u64>()
            && range.contains(&number)
        {
            return Ok(number);
        }
        match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => wrong("is not a finite number"),
            Ok(number) if number < 0.0 => wrong("is negative"),
            Ok(number) if number.fract() != 0.0 => wrong("is not whole"),
            Ok(number) if number < low as f64 => wrong("is too small"),
            Ok(number) if number > high as f64 => wrong("is too large"),
            Ok(number) => Ok(number as u64),
            Err(_) => wrong("is not a number"),
        }
    }

    /// Seconds, exact to the microsecond.
    pub(crate) fn seconds<T: FromStr<Err = TimeError>>(&self) -> Result<T, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        text.trim().parse().map_err(|error| {
            let what = match error {
                _ if self.is_blank() => "is empty",
                TimeError::NotANumber => "is not a number",
                TimeError::Negative => "is negative",
                TimeError::TooLarge => "is too large",
            };
            self.problem(format!("{what}; give seconds from 0 to 10000000000"))
        })
    }

    /// A positive rate.
    pub(crate) fn rate(&self) -> Result<f64, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        rate(text.trim()).map_err(|message| self.problem(message))
    }

    /// 0 or 1.
    pub(crate) fn flag(&self) -> Result<bool, Problem> {
        match self.bytes.trim_ascii() {
            b"0" => Ok(false),
            b"1" => Ok(true),
            b"" => Err(self.problem("is empty; give 0 or 1")),
            _ => Err(self.problem("is not a flag; give 0 or 1")),
        }
    }
}

/// A speed in iterations per second, or what is wrong with its text.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let what = match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => return Ok(rate),
        Ok(rate) if rate == 0.0 => "is no speed",
        Ok(rate) if rate < 0.0 => "is negative",
        Ok(_) => "is not a finite number",
        Err(_) if text.is_empty() => "is empty",
        Err(_) => "is not a number",
    };
    Err(format!("{what}; give iterations per second above 0, and leave out what was not measured"))
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

    #[test]
    fn whole_numbers_may_be_written_as_decimals() {
        let number = |text: &str| {
            Cell { line: 2, column: "n", bytes: text.as_bytes() }
                .whole("GPUs", 1..=100)
                .map_err(|p| p.message.split(';').next().unwrap().to_owned())
        };
        assert_eq!(number(" 64.0"), Ok(64));
        assert_eq!(number("1e2"), Ok(100));
        for (text, why) in [
            ("", "is empty"),
            ("x", "is not a number"),
            ("-1", "is negative"),
            ("2.5", "is not whole"),
            ("0", "is too small"),
            ("101", "is too large"),
            ("99999999999999999999999", "is too large"),
            ("nan", "is not a finite number"),
            ("inf", "is not a finite number"),
        ] {
            assert_eq!(number(text), Err(why.to_owned()), "{text}");
        }
    }
}
