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
}

impl TimeUnit {
    fn seconds(self) -> u64 {
        match self {
            TimeUnit::Seconds => 1,
            TimeUnit::Minutes => 60,
        }
    }

    /// Reads an instant on the trace's clock.
    pub(super) fn time(self, cell: Cell<'_>) -> Result<SimTime, Problem> {
        let right = self.right();
        let time = SimTime::from_micros(cell.time::<SimTime>(&right)?.as_micros() * self.seconds());
        if time > SimTime::LIMIT {
            Err(cell.problem(format!("is too large; give {right}")))
        } else {
            Ok(time)
        }
    }

    /// Says in words what a time may be.
    pub(super) fn right(self) -> String {
        let most = SimTime::LIMIT.as_micros() / SimTime::from_secs(self.seconds()).as_micros();
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
            _ => Err(format!("`{text}` is not a unit of time; give seconds or minutes")),
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Minutes => "minutes",
        })
    }
}
