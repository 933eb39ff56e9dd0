//! Deadlines for traces that have none.

use std::fmt;
use std::str::FromStr;

use crate::trace::draw::Draws;
use crate::units::{MICROS, SimDuration, SimTime};

/// How a job without a deadline gets one: a share of its duration after its submission, rounded
/// down to whole seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeadlineRule {
    /// `uniform:LO,HI`: a share drawn for each job, in the order of the file. The traces published
    /// with ElasticFlow were made with 0.5 and 1.5.
    Uniform {
        /// The least share of the duration.
        lo: f64,
        /// The share that every drawn share is below, unless it is equal to `lo`.
        hi: f64,
    },
    /// `factor:X`: the same share for every job.
    Factor(f64),
    /// `none`: no deadline; every job is best effort.
    None,
}

/// A text that is not a [`DeadlineRule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a deadline rule; give uniform:LO,HI with 0 <= LO <= HI, factor:X with X above 0 (both times the duration), \
     or none"
)]
pub struct DeadlineRuleError(String);

/// The largest share that a rule may give; more is a typing error.
const SHARE_LIMIT: f64 = 1e6;

impl FromStr for DeadlineRule {
    type Err = DeadlineRuleError;

    fn from_str(text: &str) -> Result<DeadlineRule, DeadlineRuleError> {
        let share =
            |text: &str| text.trim().parse::<f64>().ok().filter(|share| (0.0..=SHARE_LIMIT).contains(share));
        let rule = match text.split_once(':') {
            None if text == "none" => Some(DeadlineRule::None),
            Some(("factor", x)) => share(x).filter(|x| *x > 0.0).map(DeadlineRule::Factor),
            Some(("uniform", range)) => range.split_once(',').and_then(|(lo, hi)| {
                let (lo, hi) = (share(lo)?, share(hi)?);
                (lo <= hi && hi > 0.0).then_some(DeadlineRule::Uniform { lo, hi })
            }),
            _ => None,
        };
        rule.ok_or_else(|| DeadlineRuleError(text.to_owned()))
    }
}

impl fmt::Display for DeadlineRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeadlineRule::Uniform { lo, hi } => write!(f, "uniform:{lo},{hi}"),
            DeadlineRule::Factor(x) => write!(f, "factor:{x}"),
            DeadlineRule::None => f.write_str("none"),
        }
    }
}

impl DeadlineRule {
    /// Returns the deadline of a job, or `None` if the rule gives none. Draws exactly one number,
    /// whatever the rule, so that rules can be compared.
    pub(super) fn deadline(
        self,
        submit: SimTime,
        duration: SimDuration,
        draws: &mut Draws,
    ) -> Option<SimTime> {
        let unit = draws.unit();
        match self {
            DeadlineRule::Uniform { lo, hi } => Some(due(submit, duration, lo + (hi - lo) * unit)),
            DeadlineRule::Factor(share) => Some(due(submit, duration, share)),
            DeadlineRule::None => None,
        }
    }
}

/// Returns the instant that is `share` times `duration` after `submit`, that time rounded down to
/// whole seconds.
pub(super) fn due(submit: SimTime, duration: SimDuration, share: f64) -> SimTime {
    // The largest share of the longest duration, 10¹⁶ s, saturates in microseconds and is refused
    // as beyond the clock.
    let seconds = (duration.as_secs_f64() * share) as u64;
    submit + SimDuration::from_micros(seconds.saturating_mul(MICROS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_written() {
        for text in ["uniform:0.5,1.5", "uniform:1,1", "factor:1.2", "none"] {
            assert_eq!(text.parse::<DeadlineRule>().map(|rule| rule.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "uniform",
            "uniform:1",
            "uniform:2,1",
            "uniform:-1,1",
            "factor:0",
            "factor:nan",
            "none:1",
            "x:1",
        ] {
            let error = text.parse::<DeadlineRule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a deadline rule; give ")), "{error}");
        }
    }

    #[test]
    fn deadlines_are_whole_seconds_after_the_submission() {
        // 1.5 × 101 s = 151.5 s, cut to 151 s.
        assert_eq!(due(SimTime::from_micros(500_000), SimDuration::from_secs(101), 1.5).to_string(), "151.5");
        assert_eq!(due(SimTime::LIMIT, SimDuration::from_secs(10_000_000_000), 1e6), SimTime::NEVER);
    }
}
