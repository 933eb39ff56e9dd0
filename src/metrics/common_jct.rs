//! Mean completion times over the same jobs: a scheduler that declines or leaves the long ones has
//! a shorter mean over the jobs that it completed.

use crate::units::SimDuration;

use super::Spread;

/// The mean completion times of several runs of the same jobs, over those that all of them
/// completed.
#[derive(Clone, Debug, PartialEq)]
pub struct CommonJct {
    /// How many jobs all runs completed.
    pub jobs: u64,
    /// Whether the runs completed the same jobs, so that their mean JCTs are these.
    pub is_all: bool,
    /// The mean completion time over these jobs in seconds, by run; `None` of no jobs.
    pub means: Vec<Option<f64>>,
}

impl CommonJct {
    /// Compares runs, each given by the completion times of its jobs, which are the same jobs in
    /// the same order; `None` stands for a job that did not complete.
    pub fn of(runs: &[Vec<Option<SimDuration>>]) -> CommonJct {
        let jobs = runs.first().map_or(0, Vec::len);
        assert!(runs.iter().all(|run| run.len() == jobs), "the runs are of the same jobs");
        let completed = |job: usize| runs.iter().filter(move |run| run[job].is_some()).count();
        let common: Vec<usize> = (0..jobs).filter(|job| completed(*job) == runs.len()).collect();
        let mean = |run: &Vec<Option<SimDuration>>| {
            Spread::of(common.iter().filter_map(|job| run[*job])).map(|spread| spread.mean)
        };
        CommonJct {
            jobs: common.len() as u64,
            is_all: (0..jobs).all(|job| [0, runs.len()].contains(&completed(job))),
            means: runs.iter().map(mean).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first run completes jobs 1 and 3 and the second one 1, 2 and 3; neither completes job 4.
    #[test]
    fn means_are_over_the_jobs_that_all_runs_completed() {
        let run = |seconds: [u64; 4]| -> Vec<Option<SimDuration>> {
            seconds.map(|time| (time > 0).then(|| SimDuration::from_secs(time))).to_vec()
        };
        let both = CommonJct::of(&[run([10, 0, 30, 0]), run([20, 100, 60, 0])]);
        assert_eq!(both, CommonJct { jobs: 2, is_all: false, means: vec![Some(20.0), Some(40.0)] });
        let same = CommonJct::of(&[run([10, 0, 30, 0]), run([20, 0, 60, 0])]);
        assert_eq!((same.jobs, same.is_all), (2, true));
        let none = CommonJct::of(&[run([10, 0, 0, 0]), run([0, 20, 0, 0])]);
        assert_eq!((none.jobs, none.means), (0, vec![None, None]));
    }
}
