//! Throughput tables in TOML: a `[[curve]]` for each model and batch size.
//!
//! The file is walked by hand and not through serde, which stops at the first thing that it does
//! not like.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Measurement;
use crate::trace::cell::rate;
use crate::trace::problem::{Problem, Problems};
use crate::units::{Gpus, Rate};

/// The table's name, if it has one, and every measurement that could be read; the rest is among the
/// problems.
pub(super) fn measurements(text: &str, problems: &mut Problems) -> (Option<String>, Vec<Measurement>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let walk = Walk { text };
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        problems.push(Problem::line(walk.line(at), format!("is not TOML: {}", error.message())));
    }
    if !errors.is_empty() {
        return (None, Vec::new());
    }
    let (mut name, mut rows, mut lines) = (None, Vec::new(), BTreeMap::new());
    for (key, value) in document.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("name", _) => name = problems.keep(walk.text(key, value)),
            ("gpu" | "source", _) => {
                problems.keep(walk.text(key, value));
            }
            ("curve", DeValue::Array(curves)) => {
                for curve in curves {
                    walk.curve(curve, &mut lines, &mut rows, problems);
                }
            }
            ("curve", _) => {
                problems.push(walk.problem(key, "is not a list; begin every curve with [[curve]]"))
            }
            _ => problems.push(walk.problem(key, "is not a key; the keys are name, gpu, source and curve")),
        }
    }
    (name, rows)
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

struct Walk<'a> {
    text: &'a str,
}

impl Walk<'_> {
    fn line(&self, at: usize) -> u64 {
        1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count() as u64
    }

    fn problem(&self, key: &Key<'_>, message: impl Into<String>) -> Problem {
        Problem::line(self.line(key.span().start), message).field(key.get_ref())
    }

    fn about(&self, key: &Key<'_>, value: &Value<'_>, message: impl Into<String>) -> Problem {
        self.problem(key, message).value(self.text.get(value.span()).unwrap_or_default().trim())
    }

    fn text(&self, key: &Key<'_>, value: &Value<'_>) -> Result<String, Problem> {
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Some(_) => Err(self.problem(key, "is empty; give a text")),
            None => Err(self.about(key, value, "is not a text; put it in quotes")),
        }
    }

    fn whole(&self, key: &Key<'_>, value: &Value<'_>) -> Result<u32, Problem> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        number.filter(|n| *n > 0).ok_or_else(|| {
            self.about(key, value, "is no batch size; give a whole number of samples from 1 to 4294967295")
        })
    }

    fn rate(&self, key: &Key<'_>, value: &Value<'_>) -> Result<Rate, Problem> {
        let text = match value.get_ref() {
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            // Not a number in decimals, and so no speed.
            _ => "text".to_owned(),
        };
        rate(&text).map(Rate::new).map_err(|message| self.about(key, value, message))
    }

    fn curve(
        &self,
        curve: &Value<'_>,
        lines: &mut BTreeMap<(String, u32), u64>,
        rows: &mut Vec<Measurement>,
        problems: &mut Problems,
    ) {
        let line = self.line(curve.span().start);
        let Some(table) = curve.get_ref().as_table() else {
            return problems.push(Problem::line(line, "holds no curve; begin every curve with [[curve]]"));
        };
        let (mut model, mut batch_size, mut speeds) = (None, None, None);
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("model", _) => model = Some(problems.keep(self.text(key, value))),
                ("batch_size", _) => batch_size = Some(problems.keep(self.whole(key, value))),
                ("iterations_per_second", DeValue::Table(table)) => {
                    speeds = Some(self.speeds(table, problems))
                }
                ("iterations_per_second", _) => {
                    let right = "is no table; give { GPUs = speed, … }";
                    problems.push(self.about(key, value, right));
                    speeds = Some(Vec::new());
                }
                _ => problems.push(self.problem(
                    key,
                    "is not a key of a curve; the keys are model, batch_size and iterations_per_second",
                )),
            }
        }
        for (key, missing) in [
            ("model", model.is_none()),
            ("batch_size", batch_size.is_none()),
            ("iterations_per_second", speeds.is_none()),
        ] {
            if missing {
                problems.push(Problem::line(line, format!("begins a curve without `{key}`; add it")));
            }
        }
        let (Some(Some(model)), Some(Some(batch_size))) = (model, batch_size) else { return };
        if let Some(first) = lines.insert((model.clone(), batch_size), line) {
            let message = format!(
                "begins a curve of `{model}` at batch size {batch_size}, as line {first} does; keep one"
            );
            return problems.push(Problem::line(line, message));
        }
        let row = |(line, gpus, rate)| Measurement { line, model: model.clone(), batch_size, gpus, rate };
        rows.extend(speeds.unwrap_or_default().into_iter().map(row));
    }

    fn speeds(&self, table: &DeTable<'_>, problems: &mut Problems) -> Vec<(u64, Gpus, Rate)> {
        let named = |problem: Problem| {
            let field = problem.field.as_deref().map(|gpus| format!("iterations_per_second.{gpus}"));
            Problem { field, ..problem }
        };
        let mut speeds = Vec::new();
        for (key, value) in table {
            let gpus = key.get_ref().parse().ok().filter(|gpus| (1..=1_000_000).contains(gpus));
            if gpus.is_none() {
                let message = "is no number of GPUs; give a whole number from 1 to 1000000";
                problems.push(named(self.problem(key, message)));
            }
            let rate = problems.keep(self.rate(key, value).map_err(named));
            if let (Some(gpus), Some(rate)) = (gpus, rate) {
                speeds.push((self.line(key.span().start), Gpus::new(gpus), rate));
            }
        }
        speeds
    }
}
