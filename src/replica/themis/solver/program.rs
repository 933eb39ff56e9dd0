//! The cone program of a division, and the memory of the iteration that solves it.

use super::cone::{ConePoint, UNIT};
use super::job::{FairnessClaim, JobBlock, JobRows, JointSolution};

/// How often rows and columns are balanced.
const BALANCE_ROUNDS: u32 = 3;

/// The cone program of a division, the point at which the iteration is, and its memory, which one
/// division leaves to the next.
#[derive(Clone, Debug, Default)]
pub(in crate::replica::themis) struct Solver {
    /// One block per claim, in the order of the claims.
    pub(super) jobs: Vec<JobBlock>,
    /// The row of the capacity: its right side, slack, multiplier and residual.
    pub(super) gpus: f64,
    pub(super) s: f64,
    pub(super) z: f64,
    pub(super) residual: f64,
    /// The column of `t`: its coefficient in the objective, its variable and its residual.
    pub(super) cost: f64,
    pub(super) t: f64,
    pub(super) column: f64,
    /// The two variables of the homogeneous self-dual embedding.
    pub(super) tau: f64,
    pub(super) kappa: f64,
    /// The symmetric matrix of what joins jobs: `t` by `t`, `t` by capacity, capacity by capacity.
    pub(super) joint: ConePoint,
    /// The joint part of the solution for the program's own right side.
    pub(super) fixed: JointSolution,
    /// Whether solutions of the linear systems are refined.
    pub(super) refines: bool,
}

impl Solver {
    /// Returns the shares of the last division, in the order of its claims, each from 0 to 1.
    pub(in crate::replica::themis) fn shares(&self) -> impl Iterator<Item = f64> {
        self.jobs.iter().map(|job| job.share)
    }

    /// Writes the program of a division and balances it.
    pub(super) fn build(&mut self, claims: &[FairnessClaim], gpus: f64) {
        self.jobs.clear();
        self.jobs
            .extend(claims.iter().map(|claim| JobBlock { rows: JobRows::of(claim), ..JobBlock::default() }));
        (self.gpus, self.cost) = (gpus, 1.0);
        for _ in 0..BALANCE_ROUNDS {
            self.balance();
        }
        for JobBlock { rows, .. } in &mut self.jobs {
            rows.speed *= 2.0 * UNIT;
            rows.inverse *= 2.0 * UNIT;
        }
    }

    /// Divides rows and columns by the roots of their largest numbers, and the rows of a cone by
    /// one number.
    fn balance(&mut self) {
        let all = self.largest_root(|rows| rows.gpus);
        let t = self.largest_root(|rows| rows.t);
        for JobBlock { rows, .. } in &mut self.jobs {
            let fairness = rows.t.max(rows.v).sqrt();
            let x = rows.low.max(rows.high).max(rows.gpus).max(rows.speed).sqrt();
            let v = rows.v.max(rows.inverse).sqrt();
            let cone = (2.0 * rows.speed.max(rows.inverse)).sqrt();
            let (low, high) = (rows.low.sqrt(), rows.high.sqrt());
            rows.t /= fairness * t;
            rows.v /= fairness * v;
            rows.low /= low * x;
            rows.high /= high * x;
            rows.gpus /= all * x;
            rows.speed /= cone * x;
            rows.inverse /= cone * v;
            rows.right[0] /= fairness;
            rows.right[2] /= high;
            rows.right[5] /= cone;
            rows.unit *= x;
        }
        self.gpus /= all;
        self.cost /= t;
    }

    /// Returns the root of the largest of a coefficient over all jobs.
    fn largest_root(&self, coefficient: fn(&JobRows) -> f64) -> f64 {
        self.jobs.iter().map(|job| coefficient(&job.rows)).fold(0.0, f64::max).sqrt()
    }
}
