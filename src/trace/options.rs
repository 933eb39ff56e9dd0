//! What reading a trace may need besides the file.

use crate::application::Applications;
use crate::trace::deadline::DeadlineRule;
use crate::trace::unit::TimeUnit;

/// What reading a trace may need besides the file. The default reads a trace that states everything
/// itself, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// Makes deadlines for a trace that has none. A rule for a trace that has deadlines is an
    /// error.
    pub deadline: Option<DeadlineRule>,
    /// The seed of everything that is drawn: deadlines, and the work that a raw trace leaves out.
    pub trace_seed: u64,
    /// The unit of every time in the trace; seconds if `None`.
    pub time_unit: Option<TimeUnit>,
    /// The applications that a trace of Pollux's may name.
    pub applications: Option<&'a Applications>,
    /// The names of columns that are left out of account.
    pub ignore_columns: &'a [String],
    /// Whether durations that are far from the time that the iterations take are no error.
    pub odd_durations: bool,
}
