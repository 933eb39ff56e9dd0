//! Where a job stands by the service it has attained: a ladder of steps, each with a rank.

use crate::units::SimDuration;

use super::gittins::Gittins;
use super::{OptionsError, View};

/// A range of attained service, in GPU-µs, in which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where it begins.
    pub(super) from: u64,
    /// Where the next begins; `None` for the last.
    pub(super) to: Option<u64>,
    /// Who is served first: the smallest.
    pub(super) rank: u64,
}

/// How attained service ranks jobs.
#[derive(Clone, Debug)]
pub(super) enum Ladder {
    /// A queue a step; the thresholds between them, ascending.
    Queues(Vec<u64>),
    /// Steps of `quantum` ranked by the Gittins index at their beginning, up to the largest job's
    /// end.
    Gittins {
        quantum: u64,
        /// From the whole trace, which is there from the first plan on.
        index: Option<Gittins>,
    },
}

impl Ladder {
    /// Queues between thresholds in GPU-s.
    ///
    /// # Errors
    ///
    /// If they do not ascend from above zero.
    pub(super) fn queues(thresholds: &[f64]) -> Result<Ladder, OptionsError> {
        let micros: Option<Vec<u64>> = thresholds.iter().map(|seconds| gpu_micros(*seconds)).collect();
        let ascending = |limits: &Vec<u64>| limits.is_sorted_by(|a, b| a < b);
        let why = "`thresholds` ascend from above 0 GPU-s, such as [3250, 7200]";
        micros.filter(ascending).map(Ladder::Queues).ok_or_else(|| OptionsError(why.to_owned()))
    }

    /// Steps of `quantum` GPU-s.
    ///
    /// # Errors
    ///
    /// If it is not above zero.
    pub(super) fn gittins(quantum: f64) -> Result<Ladder, OptionsError> {
        let why = "`quantum` must be above 0 GPU-s, such as 3250";
        let quantum = gpu_micros(quantum).ok_or_else(|| OptionsError(why.to_owned()))?;
        Ok(Ladder::Gittins { quantum, index: None })
    }

    /// Asks the oracle for what the ladder needs, the first time.
    pub(super) fn consult(&mut self, view: &View<'_>) {
        if let Ladder::Gittins { index: index @ None, .. } = self {
            // Before the first plan nobody has done anything, so these are the speeds at the start
            // of each job.
            let gpu_time = |job: &crate::job::JobSpec| {
                let rate = view.rate(job.id, job.requested)?.get();
                Some(job.iterations.get() / rate * f64::from(job.requested.get()))
            };
            *index = Some(Gittins::new(view.oracle().jobs().iter().filter_map(gpu_time).collect()));
        }
    }

    /// The step at `attained` GPU-µs.
    pub(super) fn step(&self, attained: u64) -> Step {
        match self {
            Ladder::Queues(thresholds) => {
                let queue = thresholds.partition_point(|threshold| *threshold <= attained);
                let from = if queue == 0 { 0 } else { thresholds[queue - 1] };
                Step { from, to: thresholds.get(queue).copied(), rank: queue as u64 }
            }
            Ladder::Gittins { quantum, index } => {
                let largest = index.as_ref().map_or(0.0, Gittins::largest);
                // Nobody is expected to attain more than the largest job: from there on nothing
                // changes.
                let last = ((largest * 1e6) as u64).div_ceil(*quantum) * quantum;
                let from = (attained / quantum * quantum).min(last);
                let value = index.as_ref().map_or(0.0, |index| index.index(from as f64 / 1e6));
                // Floats that are not negative are in the order of their bits.
                Step { from, to: (from < last).then_some(from + quantum), rank: u64::MAX - value.to_bits() }
            }
        }
    }
}

/// GPU-seconds above zero as GPU-µs.
fn gpu_micros(seconds: f64) -> Option<u64> {
    SimDuration::from_secs_f64(seconds).map(SimDuration::as_micros).filter(|micros| *micros > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_begin_at_their_thresholds() {
        let ladder = Ladder::queues(&[10.0, 20.0]).unwrap();
        let step = |from: u64, to: Option<u64>, rank| Step { from, to, rank };
        assert_eq!(ladder.step(9_999_999), step(0, Some(10_000_000), 0));
        assert_eq!(ladder.step(10_000_000), step(10_000_000, Some(20_000_000), 1));
        assert_eq!(ladder.step(99_000_000), step(20_000_000, None, 2));
        for wrong in [&[10.0, 10.0][..], &[0.0], &[-1.0], &[f64::NAN]] {
            assert!(Ladder::queues(wrong).is_err(), "{wrong:?}");
        }
    }

    /// Sizes 2 and 10 GPU-s, steps of 4: index 1/4 at 0 (one of two ends for 2 × 2), 1/6 at 4, 1/2
    /// at 8, none from 12 on.
    #[test]
    fn indices_are_those_of_the_steps_beginning() {
        let index = Some(Gittins::new(vec![2.0, 10.0]));
        let ladder = Ladder::Gittins { quantum: 4_000_000, index };
        let steps = [0, 3_999_999, 4_000_000, 8_000_000, 12_000_000, 99_000_000].map(|a| ladder.step(a));
        let index = |step: &Step| f64::from_bits(u64::MAX - step.rank);
        assert_eq!(steps.each_ref().map(index), [0.25, 0.25, 1.0 / 6.0, 0.5, 0.0, 0.0]);
        assert_eq!(steps.map(|step| step.from / 1_000_000), [0, 0, 4, 8, 12, 12]);
        assert_eq!((steps[3].to, steps[4].to), (Some(12_000_000), None));
        assert!(Ladder::gittins(0.0).is_err());
    }
}
