//! Running the points of a grid, on many threads.

use std::num::NonZeroUsize;

use rayon::prelude::*;

use crate::experiment::{RunError, RunResult};
use crate::record::Observer;
use crate::report::OutputError;

use super::Shard;
use super::check::{CheckedGrid, Point, PreparedPoint};

/// Says why a sweep does not come to its end. What was done before has been handed on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A point does not come to a result.
    #[error("point {number}: {why}")]
    Point {
        /// Its place in the grid.
        number: usize,
        /// Why not.
        why: RunError,
    },
    /// A file of the sweep's own cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// No threads can be started.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl CheckedGrid {
    /// Runs every point, and returns what `then` makes of them in the order of the grid.
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
        self,
        threads: Option<NonZeroUsize>,
        watch: impl Fn(&Point) -> W + Sync,
        then: impl Fn(&Point, RunResult, W) -> Result<T, RunError> + Sync,
    ) -> Result<Vec<T>, SweepError> {
        self.each_of(Shard::ALL, threads, watch, then)
    }

    /// Does the same for a part of the grid.
    ///
    /// # Errors
    ///
    /// As [`CheckedGrid::each`].
    pub fn each_of<W: Observer, T: Send>(
        self,
        shard: Shard,
        threads: Option<NonZeroUsize>,
        watch: impl Fn(&Point) -> W + Sync,
        then: impl Fn(&Point, RunResult, W) -> Result<T, RunError> + Sync,
    ) -> Result<Vec<T>, SweepError> {
        let mut points = self.into_points();
        points.retain(|prepared| shard.has(prepared.point.number()));
        in_parallel(points, threads, |PreparedPoint { point, run }| {
            let mut watcher = watch(&point);
            let result = run.simulate(None, &mut watcher)?.finish(None)?;
            then(&point, result, watcher)
        })
    }
}

/// Returns what `run` makes of each point; all of them are run, whatever comes of the first.
pub(super) fn in_parallel<T: Send>(
    points: Vec<PreparedPoint>,
    threads: Option<NonZeroUsize>,
    run: impl Fn(PreparedPoint) -> Result<T, RunError> + Sync,
) -> Result<Vec<T>, SweepError> {
    let one = |prepared: PreparedPoint| {
        let number = prepared.point.number();
        run(prepared).map_err(|why| SweepError::Point { number, why })
    };
    let most = points.len().max(1);
    let all = || points.into_par_iter().map(one).collect::<Vec<_>>();
    let all = match threads {
        // A thread without a point would do nothing.
        Some(threads) => {
            let threads = threads.get().min(most);
            rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(all)
        }
        None => all(),
    };
    all.into_iter().collect()
}
