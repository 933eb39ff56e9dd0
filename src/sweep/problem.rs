//! What is wrong with the text of a grid: every problem at once, each with its place.

use std::fmt;
use std::ops::Range;

/// How many problems a message prints before it only counts them.
const SHOWN: usize = 50;

/// Everything that is wrong with a grid, in the order of its lines; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridErrors {
    file: String,
    problems: Vec<String>,
}

impl fmt::Display for GridErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.problems.iter().take(SHOWN).map(|p| format!("{}: {p}", self.file)).collect();
        f.write_str(&shown.join("\n"))?;
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            rest => write!(f, "\n{}: and {rest} more problems", self.file),
        }
    }
}

impl std::error::Error for GridErrors {}

/// A text that is read, with what was found wrong with it so far.
pub(super) struct Reading<'a> {
    text: &'a str,
    problems: Vec<(usize, String)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str) -> Reading<'a> {
        Reading { text, problems: Vec::new() }
    }

    /// Returns the text at a span.
    pub(super) fn at(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default().trim()
    }

    /// Notes a problem at a byte of the text.
    pub(super) fn wrong(&mut self, at: usize, message: impl Into<String>) {
        self.problems.push((at, message.into()));
    }

    /// Returns a place as `line 3, column 9`, both from 1; columns are counted in characters.
    pub(super) fn place(&self, at: usize) -> String {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or(before).chars().count();
        format!("line {line}, column {column}")
    }

    /// Returns `value`, or everything that is wrong.
    pub(super) fn or<T>(mut self, file: &str, value: T) -> Result<T, GridErrors> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        self.problems.sort();
        let problems = self.problems.iter().map(|(at, what)| format!("{}: {what}", self.place(*at)));
        Err(GridErrors { file: file.to_owned(), problems: problems.collect() })
    }
}
