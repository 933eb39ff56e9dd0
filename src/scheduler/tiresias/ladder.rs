//! How attained service ranks jobs: a ladder of steps, each with a rank.

use crate::job::JobSpec;
use crate::scheduler::{OptionsError, View};
use crate::units::MIN_INTERVAL;

use super::gittins::Gittins;

/// A range of attained service in which a job's rank does not change. All bounds are
/// GPU-microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where the range begins.
    pub(super) from: u64,
    /// Where the next one begins; `None` for the last.
    pub(super) to: Option<u64>,
    /// The smallest is served first.
    pub(super) rank: u64,
}

/// How attained service ranks jobs.
#[derive(Clone, Debug)]
pub(super) enum Ladder {
    /// One queue for each step; the thresholds between them in GPU-microseconds, ascending.
    Queues(Vec<u64>),
    /// Steps as wide as `quantum`, ranked by the Gittins index at their beginning, up to the
    /// GPU-time of the largest job.
    Gittins {
        /// GPU-microseconds.
        quantum: u64,
        /// Read from the whole trace at the first plan; `None` before that.
        index: Option<Gittins>,
    },
}

impl Ladder {
    /// Returns queues between thresholds in GPU-microseconds.
    ///
    /// # Errors
    ///
    /// If the thresholds do not ascend from above zero.
    pub(super) fn queues(thresholds: Vec<u64>) -> Result<Ladder, OptionsError> {
        if thresholds.first() == Some(&0) || !thresholds.is_sorted_by(|a, b| a < b) {
            let why = "`thresholds` must ascend from above 0 GPU-s, such as [3250, 7200]";
            return Err(OptionsError(why.to_owned()));
        }
        Ok(Ladder::Queues(thresholds))
    }

    /// Returns steps of `quantum` GPU-microseconds.
    ///
    /// # Errors
    ///
    /// If `quantum` is less than a millisecond of one GPU.
    pub(super) fn gittins(quantum: u64) -> Result<Ladder, OptionsError> {
        if quantum < MIN_INTERVAL.as_micros() {
            let why = format!("`quantum` must be at least {MIN_INTERVAL} GPU-s, such as 3250");
            return Err(OptionsError(why));
        }
        Ok(Ladder::Gittins { quantum, index: None })
    }

    /// Asks the oracle for what the ladder needs, at the first plan.
    pub(super) fn consult(&mut self, view: &View<'_>) {
        if let Ladder::Gittins { index: index @ None, .. } = self {
            // Before the first plan no job has done anything, so these are the speeds at the start
            // of each job. A job too large for the cluster may have no speed; it never runs.
            let gpu_seconds = |job: &JobSpec| {
                let rate = view.rate(job.id, job.requested)?.get();
                Some(job.iterations.get() / rate * f64::from(job.requested.get()))
            };
            *index = Some(Gittins::new(view.oracle().jobs().iter().filter_map(gpu_seconds).collect()));
        }
    }

    /// Returns the step at `attained` GPU-microseconds.
    ///
    /// # Panics
    ///
    /// If a ladder by Gittins index was not consulted before.
    pub(super) fn step(&self, attained: u64) -> Step {
        match self {
            Ladder::Queues(thresholds) => {
                let queue = thresholds.partition_point(|threshold| *threshold <= attained);
                let from = if queue == 0 { 0 } else { thresholds[queue - 1] };
                Step { from, to: thresholds.get(queue).copied(), rank: queue as u64 }
            }
            Ladder::Gittins { quantum, index } => {
                let index = index.as_ref().expect("the ladder is consulted before it is asked");
                // No job is expected to attain more than the largest one: from there on nothing
                // changes.
                let last = ((index.largest() * 1e6) as u64).div_ceil(*quantum) * quantum;
                let from = (attained / quantum * quantum).min(last);
                let value = index.index(from as f64 / 1e6);
                // Floats that are not negative are in the order of their bits.
                Step { from, to: (from < last).then_some(from + quantum), rank: u64::MAX - value.to_bits() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_begin_at_their_thresholds() {
        let ladder = Ladder::queues(vec![10_000_000, 20_000_000]).unwrap();
        let step = |from: u64, to: Option<u64>, rank| Step { from, to, rank };
        assert_eq!(ladder.step(9_999_999), step(0, Some(10_000_000), 0));
        assert_eq!(ladder.step(10_000_000), step(10_000_000, Some(20_000_000), 1));
        assert_eq!(ladder.step(99_000_000), step(20_000_000, None, 2));
        for wrong in [&[10, 10][..], &[10, 9], &[0], &[0, 10]] {
            assert!(Ladder::queues(wrong.to_vec()).is_err(), "{wrong:?}");
        }
    }

    /// Sizes 2 and 10 GPU-s, steps of 4: the index is 1/4 at 0 (one of two jobs ends for 2 × 2),
    /// 1/6 at 4, 1/2 at 8, and 0 from 12 on.
    #[test]
    fn indices_are_those_of_the_steps_beginning() {
        let index = Some(Gittins::new(vec![2.0, 10.0]));
        let ladder = Ladder::Gittins { quantum: 4_000_000, index };
        let steps = [0, 3_999_999, 4_000_000, 8_000_000, 12_000_000, 99_000_000].map(|a| ladder.step(a));
        let index = |step: &Step| f64::from_bits(u64::MAX - step.rank);
        assert_eq!(steps.each_ref().map(index), [0.25, 0.25, 1.0 / 6.0, 0.5, 0.0, 0.0]);
        assert_eq!(steps.map(|step| step.from / 1_000_000), [0, 0, 4, 8, 12, 12]);
        assert_eq!((steps[3].to, steps[4].to), (Some(12_000_000), None));
        assert!(Ladder::gittins(0).is_err());
    }
}
