//! What is wrong with an input file: every problem at once, each with its place.

use std::fmt;

/// How many problems are kept; the others are only counted.
const KEPT: usize = 50;
/// How many characters of a bad value a message shows.
const VALUE_SHOWN: usize = 40;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// The column of a table, or the key of a TOML file, as the file spells it.
    pub field: Option<String>,
    /// The value as the file has it.
    pub value: Option<String>,
    /// What is wrong, then what would be right; continues a sentence that begins with the value.
    pub message: String,
}

impl Problem {
    /// Creates a problem of the file as a whole.
    pub(crate) fn file(message: impl Into<String>) -> Problem {
        Problem { line: None, field: None, value: None, message: message.into() }
    }

    /// Creates a problem of one line.
    pub(crate) fn line(line: u64, message: impl Into<String>) -> Problem {
        Problem { line: Some(line), ..Problem::file(message) }
    }

    /// Places the problem in a column or under a key.
    pub(crate) fn field(self, field: &str) -> Problem {
        Problem { field: Some(field.to_owned()), ..self }
    }

    /// Says which value the problem is about.
    pub(crate) fn value(self, value: impl Into<String>) -> Problem {
        Problem { value: Some(value.into()), ..self }
    }
}

impl fmt::Display for Problem {
    /// Writes place, value and message, without the file: `line 3, num_gpu: ``0`` is …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.field) {
            (Some(line), Some(field)) => write!(f, "line {line}, {}: ", shown(field))?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            (None, Some(field)) => write!(f, "{}: ", shown(field))?,
            (None, None) => {}
        }
        if let Some(value) = &self.value {
            write!(f, "`{}` ", shown(value))?;
        }
        f.write_str(&self.message)
    }
}

/// Makes text from a file safe for a terminal: escapes the control characters.
pub fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Joins items by commas.
pub(crate) fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}

/// Returns a number with its noun: `1 value`, `2 values`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Makes text from a file safe for a terminal, as [`printable`], and cuts it after 40 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out = printable(&text.chars().take(VALUE_SHOWN).collect::<String>());
    if text.chars().nth(VALUE_SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// Everything that is wrong with a file, in the order of its lines; at least one problem. Of many
/// problems the first 50 are kept, and the others are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors {
    file: String,
    problems: Problems,
}

impl InputErrors {
    /// Collects the problems of `file`: those of the whole come first, then line by line, those of
    /// one line in the order given.
    pub(crate) fn new(file: &str, problems: impl Into<Problems>) -> InputErrors {
        let mut problems = problems.into();
        assert!(!problems.is_empty(), "{file} was refused without a problem");
        problems.trim();
        InputErrors { file: file.to_owned(), problems }
    }

    /// Returns the name of the file, as the user gave it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the first problems, in the order of lines; at least one and at most 50.
    pub fn problems(&self) -> &[Problem] {
        &self.problems.kept
    }

    /// Returns how many problems there are.
    pub fn count(&self) -> usize {
        self.problems.count
    }
}

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> =
            self.problems().iter().map(|problem| format!("{}: {problem}", self.file)).collect();
        f.write_str(&lines.join("\n"))?;
        match self.count() - lines.len() {
            0 => Ok(()),
            rest => write!(f, "\n{}: and {}", self.file, counted(rest, "more problem", "more problems")),
        }
    }
}

impl std::error::Error for InputErrors {}

/// The problems found so far, so that one run reports them all: those of the first lines are kept,
/// and all are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    count: usize,
}

impl From<Vec<Problem>> for Problems {
    fn from(kept: Vec<Problem>) -> Problems {
        Problems { count: kept.len(), kept }
    }
}

impl Problems {
    /// Notes a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.count += 1;
        self.kept.push(problem);
        if self.kept.len() >= 2 * KEPT {
            self.trim();
        }
    }

    /// Notes all of `others`.
    pub(crate) fn append(&mut self, others: Problems) {
        self.count += others.count;
        self.kept.extend(others.kept);
        self.trim();
    }

    /// Forgets all but the problems of the first lines.
    fn trim(&mut self) {
        self.kept.sort_by_key(|problem| problem.line);
        self.kept.truncate(KEPT);
    }

    /// Returns whether there is no problem.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the value, or notes the problem and returns `None`.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Returns `value` if there is no problem.
    ///
    /// # Errors
    ///
    /// All problems of `file`, if there are any.
    pub(crate) fn or<T>(self, file: &str, value: T) -> Result<T, InputErrors> {
        if self.is_empty() { Ok(value) } else { Err(InputErrors::new(file, self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_place_and_a_list_of_them_stops_at_fifty() {
        let problem = |line| Problem::line(line, "is bad; give a good one").field("num_gpu").value("\u{1b}x");
        assert_eq!(problem(3).to_string(), "line 3, num_gpu: `\\u{1b}x` is bad; give a good one");
        let mut problems = Problems::default();
        (1..=520).rev().for_each(|line| problems.push(problem(line)));
        let errors = InputErrors::new("t.csv", problems);
        let text = errors.to_string();
        assert!(text.starts_with("t.csv: line 1, num_gpu: "), "{text}");
        assert!(text.ends_with("t.csv: and 470 more problems"), "{text}");
        assert_eq!(text.lines().count(), 51);
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }
}
