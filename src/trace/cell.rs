//! One value of a table, and readers for what it may hold.

use std::ops::{RangeFrom, RangeInclusive};
use std::str::FromStr;

use crate::trace::problem::Problem;
use crate::units::{SimDuration, SimTime, TimeError};

/// One value of a row, and its place. Each reader returns a problem that names the place, the
/// value, and what would be right.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub(super) line: u64,
    pub(super) column: &'a str,
    pub(super) bytes: &'a [u8],
}

impl<'a> Cell<'a> {
    /// Creates a problem with this value.
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        let problem = Problem::line(self.line, message).field(self.column);
        if self.bytes.is_empty() { problem } else { problem.value(String::from_utf8_lossy(self.bytes)) }
    }

    /// Returns the line of its row, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the value as the file has it.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns whether the value is empty or white space.
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// Splits the value at a separator into values of the same place.
    pub(crate) fn parts(&self, separator: char) -> impl Iterator<Item = Cell<'a>> {
        let (line, column) = (self.line, self.column);
        self.bytes.split(move |byte| char::from(*byte) == separator).map(move |bytes| Cell {
            line,
            column,
            bytes,
        })
    }

    /// Reads a text that is not blank, white space around it included.
    pub(crate) fn text(&self) -> Result<&'a str, Problem> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|_| self.problem("is not UTF-8 text; save the file as UTF-8"))?;
        if text.trim().is_empty() { Err(self.problem("is empty; give a name")) } else { Ok(text) }
    }

    /// Reads a whole number of `things` within `range`, which may be written `64.0` or `1e6`.
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

    /// Reads a time as a decimal number, exact to a millionth; `right` says what would be right.
    pub(super) fn time<T: FromStr<Err = TimeError>>(&self, right: &str) -> Result<T, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        text.trim().parse().map_err(|error| {
            let what = match error {
                _ if self.is_blank() => "is empty",
                TimeError::NotANumber => "is not a number",
                TimeError::Negative => "is negative",
                TimeError::TooLarge => "is too large",
            };
            self.problem(format!("{what}; give {right}"))
        })
    }

    /// Reads a time in parts of a second, of which `parts` make one, and returns it in
    /// microseconds; `right` says what would be right.
    pub(super) fn time_in_parts(&self, parts: u64, right: &str) -> Result<u64, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        let text = text.trim();
        // As many digits again as `parts` has zeros: whole parts are exact, and so are the first
        // decimals of them.
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Ok(whole) = whole.parse::<u64>()
            && are_digits(decimals)
        {
            let seconds =
                format!("{}.{:0width$}{decimals}", whole / parts, whole % parts, width = digits(parts));
            return Cell { bytes: seconds.as_bytes(), ..*self }
                .time::<SimTime>(right)
                .map(SimTime::as_micros)
                .map_err(|problem| problem.value(text));
        }
        let parsed = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        match parsed.and_then(|number| SimDuration::from_secs_f64(number / parts as f64)) {
            Some(time) => Ok(time.as_micros()),
            // What is wrong is what would be wrong with it as seconds.
            None if parsed.is_some() => Err(self.problem(format!("is too large; give {right}"))),
            None => self.time::<SimTime>(right).map(SimTime::as_micros),
        }
    }

    /// Reads a speed in iterations per second, above 0.
    pub(crate) fn rate(&self) -> Result<f64, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        rate(text.trim()).map_err(|message| self.problem(message))
    }

    /// Reads a finite number of `things`, from `range.start` on.
    pub(crate) fn real(&self, things: &str, range: RangeFrom<f64>) -> Result<f64, Problem> {
        let text = String::from_utf8_lossy(self.bytes);
        let what = match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && range.contains(&number) => return Ok(number),
            Ok(number) if !number.is_finite() => "is not a finite number",
            Ok(0.0) => "is too small",
            Ok(_) => "is negative",
            Err(_) if self.is_blank() => "is empty",
            Err(_) => "is not a number",
        };
        let least = if range.start > 0.0 { "above 0" } else { "from 0 on" };
        Err(self.problem(format!("{what}; give {things} {least}")))
    }

    /// Reads 0 or 1.
    pub(crate) fn flag(&self) -> Result<bool, Problem> {
        match self.bytes.trim_ascii() {
            b"0" => Ok(false),
            b"1" => Ok(true),
            b"" => Err(self.problem("is empty; give 0 or 1")),
            _ => Err(self.problem("is not a flag; give 0 or 1")),
        }
    }
}

/// Returns the number of zeros of a power of ten.
fn digits(power: u64) -> usize {
    power.ilog10() as usize
}

/// Reads a speed in iterations per second, above 0.
///
/// # Errors
///
/// What is wrong with the text, and what would be right.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let what = match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => return Ok(rate),
        Ok(0.0) => "is not a speed",
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
