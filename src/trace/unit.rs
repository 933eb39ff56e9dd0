//! The unit of the times in a trace.

use std::fmt;
use std::str::FromStr;

use crate::trace::cell::Cell;
use crate::trace::problem::Problem;
use crate::units::{SimDuration, SimTime};

/// The unit of every time in a trace. It is never guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUnit {
    /// As in this program's own traces.
    #[default]
    Seconds,
    /// As in the traces published with Chronus.
    Minutes,
    /// As in some logs of clusters.
    Milliseconds,
}

impl TimeUnit {
    /// Every unit.
    pub(super) const ALL: [TimeUnit; 3] = [TimeUnit::Seconds, TimeUnit::Minutes, TimeUnit::Milliseconds];

    /// Returns how many seconds one is, as a fraction.
    fn fraction(self) -> (u64, u64) {
        match self {
            TimeUnit::Seconds => (1, 1),
            TimeUnit::Minutes => (60, 1),
            TimeUnit::Milliseconds => (1, 1000),
        }
    }

    /// Returns how many seconds one is.
    pub(super) fn seconds(self) -> f64 {
        let (times, parts) = self.fraction();
        times as f64 / parts as f64
    }

    /// Reads an instant on the trace's clock.
    pub(super) fn time(self, cell: Cell<'_>) -> Result<SimTime, Problem> {
        let right = self.right();
        let (times, parts) = self.fraction();
        let micros = match parts {
            1 => cell.time::<SimTime>(&right)?.as_micros() * times,
            _ => cell.time_in_parts(parts, &right)?,
        };
        let time = SimTime::from_micros(micros);
        if time > SimTime::LIMIT {
            Err(cell.problem(format!("is too large; give {right}")))
        } else {
            Ok(time)
        }
    }

    /// Says in words what a time may be.
    pub(super) fn right(self) -> String {
        let (times, parts) = self.fraction();
        let most = SimTime::LIMIT.as_micros() / SimTime::from_secs(times).as_micros() * parts;
        format!("{self} from 0 to {most}")
    }

    /// Reads a duration.
    pub(super) fn duration(self, cell: Cell<'_>) -> Result<SimDuration, Problem> {
        Ok(self.time(cell)?.since(SimTime::ZERO))
    }
}

impl FromStr for TimeUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<TimeUnit, String> {
        match text {
            "seconds" => Ok(TimeUnit::Seconds),
            "minutes" => Ok(TimeUnit::Minutes),
            "milliseconds" => Ok(TimeUnit::Milliseconds),
            _ => Err(format!("`{text}` is not a unit of time; give seconds, minutes or milliseconds")),
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Minutes => "minutes",
            TimeUnit::Milliseconds => "milliseconds",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_exactly() {
        let time = |unit: TimeUnit, text: &str| {
            let cell = Cell { line: 2, column: "t", bytes: text.as_bytes() };
            unit.time(cell).map(SimTime::as_micros).map_err(|problem| problem.message)
        };
        assert_eq!(time(TimeUnit::Minutes, "1.5"), Ok(90_000_000));
        assert_eq!(time(TimeUnit::Milliseconds, "1500.25"), Ok(1_500_250));
        assert_eq!(time(TimeUnit::Milliseconds, "1600000000123"), Ok(1_600_000_000_123_000));
        assert_eq!(time(TimeUnit::Milliseconds, "10000000000000"), Ok(SimTime::LIMIT.as_micros()));
        let right = "give milliseconds from 0 to 10000000000000";
        assert_eq!(time(TimeUnit::Milliseconds, "10000000000001"), Err(format!("is too large; {right}")));
        assert_eq!(time(TimeUnit::Milliseconds, "-1"), Err(format!("is negative; {right}")));
        assert_eq!(time(TimeUnit::Milliseconds, ""), Err(format!("is empty; {right}")));
        for unit in TimeUnit::ALL {
            assert_eq!(unit.to_string().parse(), Ok(unit));
        }
    }
}
