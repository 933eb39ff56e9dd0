//! Axes: the places of values, and the ticks.

use crate::svg::number;

/// An axis that maps values from `low` to `high` to places from `from` to `to`, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// The value at `from`.
    pub(crate) low: f64,
    /// The value at `to`.
    pub(crate) high: f64,
    /// The place of `low`, in points.
    pub(crate) from: f64,
    /// The place of `high`, in points; smaller than `from` on an axis that points upwards.
    pub(crate) to: f64,
}

impl Scale {
    /// Returns the place of a value; beyond the ends, the place of the end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { ((value - self.low) / span).clamp(0.0, 1.0) } else { 0.0 };
        self.from + share * (self.to - self.from)
    }

    /// Returns round values from one end to the other, in at most `most` steps.
    pub(crate) fn ticks(&self, most: usize) -> Vec<f64> {
        let step = step(self.high - self.low, most);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// Returns the smallest of 1, 2, 2.5 and 5 times a power of ten that covers `span` in at most
/// `most` steps; 1 if there is no span.
pub(crate) fn step(span: f64, most: usize) -> f64 {
    if span.is_nan() || span <= 0.0 || most == 0 {
        return 1.0;
    }
    let least = span / most as f64;
    let magnitude = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    let fits = factors.iter().find(|factor| **factor * magnitude >= least * (1.0 - 1e-9));
    fits.expect("ten times the magnitude covers every step") * magnitude
}

/// Returns the least round value that is not below `value`, at which an axis may end.
pub(crate) fn ceiling(value: f64, steps: usize) -> f64 {
    let step = step(value, steps);
    (value / step - 1e-9).ceil().max(1.0) * step
}

/// Returns the labels of ticks, all with as many decimals as the one that needs most, at most two.
pub(crate) fn labels(ticks: &[f64]) -> Vec<String> {
    let decimals = |tick: &f64| number(*tick).split_once('.').map_or(0, |(_, part)| part.len());
    let most = ticks.iter().map(decimals).max().unwrap_or(0);
    ticks.iter().map(|tick| format!("{tick:.most$}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_places() {
        let scale = Scale { low: 0.0, high: 2.0, from: 100.0, to: 20.0 };
        assert_eq!([0.0, 0.5, 2.0, 3.0, -1.0].map(|value| scale.at(value)), [100.0, 80.0, 20.0, 20.0, 100.0]);
        let nothing = Scale { high: 0.0, ..scale };
        assert_eq!(nothing.at(1.0), 100.0);
    }

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high, most| Scale { low, high, from: 0.0, to: 1.0 }.ticks(most);
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(0.0, 128.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(3.0, 17.0, 4), [5.0, 10.0, 15.0]);
        assert_eq!(ticks(0.0, 1000.0, 4), [0.0, 250.0, 500.0, 750.0, 1000.0]);
    }

    #[test]
    fn steps_are_no_more_than_asked_for() {
        // 128 ÷ 4 = 32: 10 × 5 is the first that is not less.
        assert_eq!(step(128.0, 4), 50.0);
        assert_eq!(step(0.9, 3), 0.5);
        assert_eq!(step(0.0, 3), 1.0);
        assert_eq!(ceiling(1.43, 4), 1.5);
        assert_eq!(ceiling(128.0, 4), 150.0);
        assert_eq!(ceiling(0.0, 4), 1.0);
    }

    #[test]
    fn labels_have_equal_decimals() {
        assert_eq!(labels(&[0.0, 0.25, 0.5]), ["0.00", "0.25", "0.50"]);
        assert_eq!(labels(&[0.0, 20.0]), ["0", "20"]);
    }
}
