//! `--assert 'dsr>=0.9'`: what must hold of a summary.

use std::str::FromStr;

use crate::report::{CSV_COLUMNS, Summary, is_number};

use crate::experiment::did_you_mean;

/// A comparison of a number of the summary that must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assertion {
    text: String,
    key: String,
    comparison: Comparison,
    bound: f64,
}

type Comparison = (&'static str, fn(f64, f64) -> bool);

/// The longer ones first, so that `>=` is not read as `>`.
const COMPARISONS: [Comparison; 7] = [
    (">=", |a, b| a >= b),
    ("<=", |a, b| a <= b),
    ("==", |a, b| a == b),
    ("!=", |a, b| a != b),
    (">", |a, b| a > b),
    ("<", |a, b| a < b),
    ("=", |a, b| a == b),
];

impl FromStr for Assertion {
    type Err = String;

    fn from_str(text: &str) -> Result<Assertion, String> {
        let parts = text.find(['<', '>', '=', '!']).and_then(|at| {
            let (key, rest) = text.split_at(at);
            let comparison = COMPARISONS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
            Some((key.trim(), comparison, rest[comparison.0.len()..].trim()))
        });
        let Some((key, comparison, bound)) = parts else {
            return Err("not KEY OP NUMBER, such as dsr>=0.9; OP is one of >= <= > < == !=".to_owned());
        };
        if !is_number(key) {
            let numbers = CSV_COLUMNS.into_iter().filter(|key| is_number(key));
            return Err(
                match (CSV_COLUMNS.contains(&key), numbers.clone().any(|k| k.starts_with(&format!("{key}."))))
                {
                    (true, _) => format!("`{key}` is text; only numbers can be compared"),
                    (_, true) => format!("`{key}` has parts; give one, such as {key}.mean"),
                    _ => format!(
                        "`{key}` is not a key of summary.json; keys are {}{}",
                        numbers.clone().collect::<Vec<_>>().join(", "),
                        did_you_mean(key, numbers)
                    ),
                },
            );
        }
        match bound.parse::<f64>() {
            Ok(bound) if bound.is_finite() => {
                Ok(Assertion { text: text.to_owned(), key: key.to_owned(), comparison, bound })
            }
            _ => Err(format!("`{bound}` is not a number; give one, such as {key}{}0.9", comparison.0)),
        }
    }
}

impl Assertion {
    /// Returns why it does not hold, or `None` if it does. It does not hold of a missing value.
    fn failure(&self, summary: &Summary) -> Option<String> {
        let (sign, holds) = self.comparison;
        let found = summary.number(&self.key);
        if found.is_some_and(|value| holds(value, self.bound)) {
            return None;
        }
        let found = found.map_or("no value (null)".to_owned(), |value| value.to_string());
        Some(format!(
            "{} under {}: expected {} {sign} {}, found {found}",
            self.text, summary.scheduler, self.key, self.bound
        ))
    }
}

/// Returns a line for each assertion and run where it does not hold; `None` if all hold.
pub(super) fn failures(assertions: &[Assertion], summaries: &[Summary]) -> Option<String> {
    let failures: Vec<String> =
        assertions.iter().flat_map(|a| summaries.iter().filter_map(|summary| a.failure(summary))).collect();
    (!failures.is_empty()).then(|| failures.join("\nassertion failed: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_key_operator_number() {
        let parse = |text: &str| text.parse::<Assertion>().map(|a| (a.key, a.comparison.0, a.bound));
        assert_eq!(parse("dsr>=0.9"), Ok(("dsr".into(), ">=", 0.9)));
        assert_eq!(parse(" jct.p90 < 1e4 "), Ok(("jct.p90".into(), "<", 1e4)));
        assert_eq!(parse("late=0"), Ok(("late".into(), "=", 0.0)));
        for (text, why) in [
            ("dsr", "not KEY OP NUMBER"),
            ("dsr~1", "not KEY OP NUMBER"),
            ("dsr!1", "not KEY OP NUMBER"),
            ("dsr>=", "`` is not a number; give one, such as dsr>=0.9"),
            ("dsr>=90%", "`90%` is not a number; give one, such as dsr>=0.9"),
            ("dsr>=nan", "`nan` is not a number; give one, such as dsr>=0.9"),
            ("jct>1", "`jct` has parts; give one, such as jct.mean"),
            ("placer==1", "`placer` is text; only numbers can be compared"),
            ("drs>1", "`drs` is not a key of summary.json; keys are "),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.starts_with(why), "{text}: {found}");
        }
    }
}
