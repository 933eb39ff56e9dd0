//! How noisy an application's gradients are over the course of training.
//!
//! Only the ratio ρ of the gradients' variance at the initial batch size to their square matters
//! (Pollux, section 3.1); ρ times the initial batch size is the noise scale.

/// The noise of gradients by batch size and epoch. Batch sizes ascend, and there is at least one.
#[derive(Clone, Debug, PartialEq)]
pub enum Noise {
    /// A fit: the logarithm of ρ, linear in the logarithm of the batch size and in the fraction of
    /// training done, constant beyond the ends.
    Fitted {
        /// Fractions of the training at which there are values, ascending; the middle of an epoch
        /// stands for all of it.
        at: Vec<f64>,
        /// ln ρ at each of these, by batch size.
        batches: Vec<(u32, Vec<f64>)>,
    },
    /// Square and variance as they were measured in each epoch, by batch size. Between two batch
    /// sizes both are linear, each by itself; beyond the ends they are those of the end.
    Measured(Vec<(u32, Vec<GradientStatistics>)>),
}

/// What was measured of an epoch's gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientStatistics {
    /// The squared norm of the mean gradient.
    pub square: f64,
    /// The variance of the gradients at the initial batch size.
    pub variance: f64,
}

impl Noise {
    /// Makes a fit of values of ρ, not of its logarithm.
    pub fn fitted(at: Vec<f64>, batches: impl IntoIterator<Item = (u32, Vec<f64>)>) -> Noise {
        let logarithms =
            |(batch, values): (u32, Vec<f64>)| (batch, values.into_iter().map(libm::log).collect());
        Noise::Fitted { at, batches: batches.into_iter().map(logarithms).collect() }
    }

    /// Returns ρ in one of `epochs` epochs, counted from 0, at a global batch size; infinite where
    /// the measured square is 0.
    pub fn at(&self, epoch: usize, epochs: usize, batch: u32) -> f64 {
        match self {
            Noise::Fitted { at, batches } => {
                let fraction = (epoch as f64 + 0.5) / epochs as f64;
                let along = Interpolation::new(at, |at| *at, fraction);
                let across = Interpolation::new(batches, |(size, _)| logarithm(*size), logarithm(batch));
                let value = |index: usize| along.mix(|at| batches[index].1[at]);
                libm::exp(across.mix(value))
            }
            Noise::Measured(batches) => {
                let across = Interpolation::new(batches, |(size, _)| f64::from(*size), f64::from(batch));
                let last = |rows: &Vec<GradientStatistics>| epoch.min(rows.len() - 1);
                let row = |index: usize| batches[index].1[last(&batches[index].1)];
                let variance = across.mix(|index| row(index).variance);
                let square = across.mix(|index| row(index).square);
                if square > 0.0 { variance / square } else { f64::INFINITY }
            }
        }
    }
}

fn logarithm(batch: u32) -> f64 {
    libm::log(f64::from(batch))
}

/// A place between two entries of an ascending list.
pub(super) struct Interpolation {
    /// The index of the lower entry.
    pub(super) index: usize,
    /// How far it is from that to the next entry, from 0 to 1.
    pub(super) share: f64,
}

impl Interpolation {
    /// Returns where `x` lies in a list; at the first or last entry if it lies beyond it.
    ///
    /// # Panics
    ///
    /// If the list is empty.
    pub(super) fn new<T>(list: &[T], key: impl Fn(&T) -> f64, x: f64) -> Interpolation {
        assert!(!list.is_empty(), "nothing lies between the entries of an empty list");
        let next = list.partition_point(|entry| key(entry) <= x);
        if next == 0 {
            return Interpolation { index: 0, share: 0.0 };
        }
        if next == list.len() {
            return Interpolation { index: next - 1, share: 0.0 };
        }
        let (low, high) = (key(&list[next - 1]), key(&list[next]));
        Interpolation { index: next - 1, share: (x - low) / (high - low) }
    }

    /// Returns the value there, linear between the values at the entries.
    pub(super) fn mix(&self, value: impl Fn(usize) -> f64) -> f64 {
        let low = value(self.index);
        if self.share == 0.0 { low } else { low + self.share * (value(self.index + 1) - low) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_is_linear_in_logarithms() {
        let fit = Noise::fitted(vec![0.25, 0.75], [(10, vec![1.0, 16.0]), (1000, vec![4.0, 4.0])]);
        // One epoch: the middle, 0.5. At 10: √(1·16) = 4, as at 1000. Two epochs: the middles are
        // the knots.
        for batch in [1, 10, 50, 1000, 9999] {
            assert!((fit.at(0, 1, batch) - 4.0).abs() < 1e-12);
        }
        // 100 is halfway from 10 to 1000: √(1·4) = 2 in the first half, √(16·4) = 8 in the second.
        assert!((fit.at(0, 2, 100) - 2.0).abs() < 1e-12);
        assert!((fit.at(1, 2, 100) - 8.0).abs() < 1e-12);
        // The first of ten epochs, 0.05, is before the first knot.
        assert!((fit.at(0, 10, 10) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_was_measured_is_linear_in_square_and_variance() {
        let statistics = |square, variance| GradientStatistics { square, variance };
        let seen = Noise::Measured(vec![
            (10, vec![statistics(1.0, 2.0), statistics(0.0, 5.0)]),
            (30, vec![statistics(3.0, 12.0), statistics(2.0, 1.0)]),
        ]);
        // Halfway: variance (2 + 12) / 2 = 7, square (1 + 3) / 2 = 2.
        assert_eq!(seen.at(0, 2, 20), 3.5);
        assert_eq!((seen.at(0, 2, 5), seen.at(0, 2, 99)), (2.0, 4.0));
        assert_eq!((seen.at(1, 2, 10), seen.at(1, 2, 20)), (f64::INFINITY, 3.0));
    }
}
