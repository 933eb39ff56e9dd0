//! Throughput tables in TOML: a `[[curve]]` for each model and batch size.
//!
//! The file is walked by hand and not through serde, which stops at the first thing that it does
//! not like.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::measurement::MeasuredRow;
use crate::trace::cell::rate;
use crate::trace::plain::in_plain_words;
use crate::trace::problem::{Problem, Problems};
use crate::units::{Gpus, Rate};

/// Reads the table's name, if it has one, and every measurement, in the order of the file. What
/// cannot be read is noted as a problem.
pub(super) fn measurements(text: &str, problems: &mut Problems) -> (Option<String>, Vec<MeasuredRow>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { text, lines: BTreeMap::new(), rows: Vec::new(), problems };
    for error in &errors {
        let line = walk.line(error.span().map_or(0, |span| span.start));
        walk.problems.push(Problem::line(line, format!("is not TOML: {}", in_plain_words(error.message()))));
    }
    if !errors.is_empty() {
        return (None, Vec::new());
    }
    let mut name = None;
    for (key, value) in document.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("name", _) => name = walk.text(key, value),
            ("gpu" | "source", _) => {
                walk.text(key, value);
            }
            ("curve", DeValue::Array(curves)) => curves.iter().for_each(|curve| walk.curve(curve)),
            ("curve", _) => walk.note(key, "is not a list; begin every curve with [[curve]]"),
            _ => walk.note(key, "is not a key; the keys are name, gpu, source and curve"),
        }
    }
    (name, walk.rows)
}

type Key<'a> = Spanned<Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// The values of one `[[curve]]`. The outer `None` means that a key is missing, the inner that its
/// value is wrong.
#[derive(Default)]
struct CurveKeys {
    model: Option<Option<String>>,
    batch_size: Option<Option<u32>>,
    speeds: Option<Vec<(u64, Gpus, Rate)>>,
}

/// A walk through a document, with what was found on the way.
struct Walk<'a> {
    text: &'a str,
    /// The line of the curve of each model and batch size.
    lines: BTreeMap<(String, u32), u64>,
    rows: Vec<MeasuredRow>,
    problems: &'a mut Problems,
}

impl Walk<'_> {
    /// Returns the line of a byte, from 1.
    fn line(&self, place: usize) -> u64 {
        1 + self.text.bytes().take(place).filter(|b| *b == b'\n').count() as u64
    }

    fn problem(&self, key: &Key<'_>, message: impl Into<String>) -> Problem {
        Problem::line(self.line(key.span().start), message).field(key.get_ref())
    }

    fn problem_with(&self, key: &Key<'_>, value: &Value<'_>, message: impl Into<String>) -> Problem {
        let written = self.text.get(value.span()).expect("the parser's spans lie in the text");
        self.problem(key, message).value(written.trim())
    }

    fn note(&mut self, key: &Key<'_>, message: &str) {
        let problem = self.problem(key, message);
        self.problems.push(problem);
    }

    fn text(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<String> {
        let text = match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Some(_) => Err(self.problem(key, "is empty; give a text")),
            None => Err(self.problem_with(key, value, "is not a text; put it in quotes")),
        };
        self.problems.keep(text)
    }

    fn batch_size(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<u32> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        let right = "is not a batch size; give a whole number of samples from 1 to 4294967295";
        let number = number.filter(|n| *n > 0).ok_or_else(|| self.problem_with(key, value, right));
        self.problems.keep(number)
    }

    fn rate(&self, key: &Key<'_>, value: &Value<'_>) -> Result<Rate, Problem> {
        let text = match value.get_ref() {
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            // Not a decimal number: refused as any other text.
            _ => "text",
        };
        rate(text).map(Rate::new).map_err(|message| self.problem_with(key, value, message))
    }

    /// Reads one `[[curve]]`: its measurements, or problems.
    fn curve(&mut self, curve: &Value<'_>) {
        let line = self.line(curve.span().start);
        let Some(table) = curve.get_ref().as_table() else {
            let message = "is not a curve; begin every curve with [[curve]]";
            return self.problems.push(Problem::line(line, message));
        };
        let keys = self.curve_keys(line, table);
        let (Some(Some(model)), Some(Some(batch_size))) = (keys.model, keys.batch_size) else { return };
        if let Some(first) = self.lines.insert((model.clone(), batch_size), line) {
            let message = format!(
                "begins a curve of `{model}` at batch size {batch_size}, as line {first} does; keep one"
            );
            return self.problems.push(Problem::line(line, message));
        }
        // A curve without speeds was noted as a problem.
        let speeds = keys.speeds.unwrap_or_default().into_iter();
        self.rows.extend(speeds.map(|(line, gpus, rate)| MeasuredRow {
            line,
            model: model.clone(),
            batch_size,
            gpus,
            rate,
        }));
    }

    /// Reads the keys of the curve that begins in `line`, and notes those that are missing.
    fn curve_keys(&mut self, line: u64, table: &DeTable<'_>) -> CurveKeys {
        let mut keys = CurveKeys::default();
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("model", _) => keys.model = Some(self.text(key, value)),
                ("batch_size", _) => keys.batch_size = Some(self.batch_size(key, value)),
                ("iterations_per_second", DeValue::Table(table)) => keys.speeds = Some(self.speeds(table)),
                ("iterations_per_second", _) => {
                    let right = "is not a table; give { GPUs = speed, … }";
                    let problem = self.problem_with(key, value, right);
                    self.problems.push(problem);
                    keys.speeds = Some(Vec::new());
                }
                _ => self.note(
                    key,
                    "is not a key of a curve; the keys are model, batch_size and iterations_per_second",
                ),
            }
        }
        for (key, is_missing) in [
            ("model", keys.model.is_none()),
            ("batch_size", keys.batch_size.is_none()),
            ("iterations_per_second", keys.speeds.is_none()),
        ] {
            if is_missing {
                self.problems.push(Problem::line(line, format!("begins a curve without `{key}`; add it")));
            }
        }
        keys
    }

    /// Reads the speeds of a curve, each with its line and number of GPUs.
    fn speeds(&mut self, table: &DeTable<'_>) -> Vec<(u64, Gpus, Rate)> {
        let in_table = |problem: Problem| {
            let field = problem.field.as_deref().map(|gpus| format!("iterations_per_second.{gpus}"));
            Problem { field, ..problem }
        };
        let mut speeds = Vec::new();
        for (key, value) in table {
            let gpus = key.get_ref().parse().ok().filter(|gpus| (1..=1_000_000).contains(gpus));
            if gpus.is_none() {
                let message = "is not a number of GPUs; give a whole number from 1 to 1000000";
                let problem = in_table(self.problem(key, message));
                self.problems.push(problem);
            }
            let rate = self.rate(key, value).map_err(in_table);
            if let (Some(gpus), Some(rate)) = (gpus, self.problems.keep(rate)) {
                speeds.push((self.line(key.span().start), Gpus::new(gpus), rate));
            }
        }
        speeds
    }
}
