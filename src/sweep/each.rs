//! Running the points of a grid, on many threads.

use std::num::NonZeroUsize;

use rayon::prelude::*;

use crate::experiment::{CaseError, Done};
use crate::record::Observer;
use crate::report::OutputError;

use super::{Checked, Point, Shard};

/// Why a sweep does not come to its end. What was done before has been handed on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A point does not come to anything.
    #[error("point {number}: {why}")]
    Point {
        /// Which.
        number: usize,
        /// Why.
        why: CaseError,
    },
    /// A file that is no point's cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The threads cannot be had.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl Checked {
    /// Runs every point, and gives back what `then` makes of them in the order of the grid.
    ///
    /// `watch` makes an observer for each point; `then` gets it back with the results, on the
    /// point's thread and as soon as the point is done, so that what it does not keep takes no
    /// room. `threads` is how many points run at a time: as many as there are cores, unless it says
    /// otherwise. Nothing is written.
    ///
    /// # Errors
    ///
    /// The error of the first point, in the order of the grid, that failed. The others are run all
    /// the same.
    pub fn each<W: Observer, T: Send>(
        &self,
        threads: Option<NonZeroUsize>,
        watch: impl Fn(&Point) -> W + Sync,
        then: impl Fn(&Point, Done, W) -> Result<T, CaseError> + Sync,
    ) -> Result<Vec<T>, SweepError> {
        self.each_of(Shard::ALL, threads, watch, then)
    }

    /// The same for a part of the grid.
    ///
    /// # Errors
    ///
    /// As [`Checked::each`].
    pub fn each_of<W: Observer, T: Send>(
        &self,
        shard: Shard,
        threads: Option<NonZeroUsize>,
        watch: impl Fn(&Point) -> W + Sync,
        then: impl Fn(&Point, Done, W) -> Result<T, CaseError> + Sync,
    ) -> Result<Vec<T>, SweepError> {
        let points: Vec<&Point> = self.points.iter().filter(|point| shard.has(point.number)).collect();
        let run = |point: &Point| {
            let mut watcher = watch(point);
            let done = point.case()?.simulate(&mut watcher)?.finish(None)?;
            then(point, done, watcher)
        };
        in_parallel(&points, threads, run)
    }
}

/// What `run` makes of each point; all of them are run, whatever comes of the first.
pub(super) fn in_parallel<T: Send>(
    points: &[&Point],
    threads: Option<NonZeroUsize>,
    run: impl Fn(&Point) -> Result<T, CaseError> + Sync,
) -> Result<Vec<T>, SweepError> {
    let one = |point: &&Point| run(point).map_err(|why| SweepError::Point { number: point.number, why });
    let all = || points.par_iter().map(one).collect::<Vec<_>>();
    let all = match threads {
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build()?.install(all),
        None => all(),
    };
    all.into_iter().collect()
}
