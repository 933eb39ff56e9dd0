//! Compares the durations that a trace states with the time that its iterations take: where they
//! are far apart, one of them is most likely in another unit.

use crate::job::JobSpec;
use crate::profile::Curve;
use crate::trace::problem::counted;
use crate::trace::unit::TimeUnit;
use crate::units::SimDuration;

/// A median beyond this, or below its inverse, is worth a note.
const ODD: f64 = 3.0;
/// A median beyond this, or below its inverse, is an error.
const WRONG: f64 = 100.0;
/// A unit is suggested if it brings the median to within this factor of 1.
const NEAR: f64 = 5.0;

/// Duration ÷ (iterations ÷ speed at the GPUs asked for), of each job that states both.
#[derive(Default)]
pub(super) struct Durations(Vec<f64>);

/// What the durations of a trace come to.
#[derive(Debug, PartialEq)]
pub(super) enum Finding {
    /// They are about what the iterations take, or nothing can be said.
    Usual,
    /// They are unusual; what the user may want to know.
    Odd(String),
    /// They are hardly in the unit in which they were read; what is wrong.
    Wrong(String),
}

impl Durations {
    /// Adds a job, which has the speeds of `curve`.
    pub(super) fn add(&mut self, job: &JobSpec, curve: Option<&Curve>) {
        let duration = job.duration.filter(|time| *time > SimDuration::ZERO);
        let rate = curve.and_then(|curve| curve.rate(job.requested));
        if let (Some(duration), Some(rate)) = (duration, rate)
            && job.iterations.get() > 0.0
        {
            self.0.push(duration.as_secs_f64() / (job.iterations.get() / rate.get()));
        }
    }

    /// Returns what the durations come to, which were read in `unit`.
    pub(super) fn finding(mut self, unit: TimeUnit) -> Finding {
        self.0.sort_unstable_by(f64::total_cmp);
        let (Some(least), Some(most)) = (self.0.first(), self.0.last()) else { return Finding::Usual };
        let median = self.0[(self.0.len() - 1) / 2];
        if is_within(median, ODD) {
            return Finding::Usual;
        }
        let hint = match likely(median, unit) {
            Some(unit) => format!("are the times in {unit}? Say so by `--time-unit {unit}`"),
            None if is_within(median, WRONG) => "are they of other GPUs than the speeds?".to_owned(),
            None => "correct the durations, the iterations or the speeds".to_owned(),
        };
        let text = format!(
            "durations are {} times what the iterations take at the GPUs asked for (the median of {}; from {} to {}); {hint}",
            short(median),
            counted(self.0.len(), "job", "jobs"),
            short(*least),
            short(*most),
        );
        if is_within(median, WRONG) { Finding::Odd(text) } else { Finding::Wrong(text) }
    }
}

/// Returns whether a ratio is at most `factor`, and at least its inverse.
fn is_within(ratio: f64, factor: f64) -> bool {
    (1.0 / factor..=factor).contains(&ratio)
}

/// Returns the unit in which the median would be nearest to 1, if it would be near.
fn likely(median: f64, unit: TimeUnit) -> Option<TimeUnit> {
    let others = TimeUnit::ALL.into_iter().filter(|other| *other != unit);
    let at = |other: TimeUnit| median * other.seconds() / unit.seconds();
    let distance = |other: &TimeUnit| at(*other).ln().abs();
    let best = others.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    is_within(at(best), NEAR).then_some(best)
}

/// Writes a ratio with three digits that count.
fn short(ratio: f64) -> String {
    match ratio {
        _ if ratio >= 100.0 => format!("{ratio:.0}"),
        _ if ratio >= 1.0 => format!("{ratio:.1}"),
        _ if ratio >= 0.001 => format!("{ratio:.4}"),
        _ => format!("{ratio:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(ratios: &[f64], unit: TimeUnit) -> Finding {
        Durations(ratios.to_vec()).finding(unit)
    }

    #[test]
    fn only_the_median_counts() {
        assert_eq!(finding(&[], TimeUnit::Seconds), Finding::Usual);
        assert_eq!(finding(&[0.001, 1.1, 5000.0], TimeUnit::Seconds), Finding::Usual);
        assert_eq!(finding(&[3.0, 3.0], TimeUnit::Seconds), Finding::Usual);
        assert_eq!(
            finding(&[0.5, 4.0, 9.0], TimeUnit::Seconds),
            Finding::Odd(
                "durations are 4.0 times what the iterations take at the GPUs asked for (the median of 3 jobs; from 0.5000 \
                 to 9.0); are they of other GPUs than the speeds?"
                    .into()
            )
        );
    }

    #[test]
    fn the_likely_unit_is_named() {
        let text = |median, unit| match finding(&[median], unit) {
            Finding::Wrong(text) => format!("wrong: {}", text.split("; ").last().unwrap()),
            Finding::Odd(text) => format!("odd: {}", text.split("; ").last().unwrap()),
            Finding::Usual => "usual".to_owned(),
        };
        let say = |unit| format!("are the times in {unit}? Say so by `--time-unit {unit}`");
        assert_eq!(text(1100.0, TimeUnit::Seconds), format!("wrong: {}", say("milliseconds")));
        assert_eq!(text(0.9 / 60.0, TimeUnit::Seconds), format!("odd: {}", say("minutes")));
        assert_eq!(text(0.001, TimeUnit::Milliseconds), format!("wrong: {}", say("seconds")));
        let none = "correct the durations, the iterations or the speeds";
        assert_eq!(text(1e6, TimeUnit::Seconds), format!("wrong: {none}"));
    }
}
