//! The linear systems of an iteration: two unknowns per job, and two that join the jobs.

use super::cone::Scaling;
use super::job::{JobBlock, JobSolution, JointSolution, JointSums, REGULAR, SixRows, largest, last};
use super::program::Solver;

/// A solution is refined until it leaves less than this of the right side.
const EXACT: f64 = 1e-14;

/// The most refinements.
const REFINEMENTS: u32 = 3;

/// The joint part of a solution and its product with the objective and the right sides.
pub(super) type Solution = (JointSolution, f64);

impl Solver {
    /// Factors the system for the scaling of the point, and solves it for the program's own right
    /// side and for the predictor, which goes straight to the optimum; `None` if the point has left
    /// the cone.
    pub(super) fn predict(&mut self) -> Option<(Solution, Solution)> {
        self.joint = [REGULAR, 0.0, self.s / self.z];
        let refines = self.refines;
        let mut sums = [JointSums::default(); 2];
        for job in &mut self.jobs {
            job.scaling = Scaling::new(last(&job.s), last(&job.z))?;
            job.over_s = std::array::from_fn(|i| 1.0 / job.s[i]);
            job.over_z = std::array::from_fn(|i| 1.0 / job.z[i]);
            job.linear = std::array::from_fn(|i| job.z[i] * job.over_s[i]);
            job.factor(&mut self.joint);
            let [a, b, c] = job.scaling.point;
            job.loses = [job.s[0], job.s[1], job.s[2], a, b, c];
            if !refines {
                job.right = job.predicted();
                job.first = job.gather([0.0; 2], &job.rows.right, &mut sums[0]);
                job.more = job.gather(job.right.0, &job.right.1, &mut sums[1]);
            }
        }
        let right = (self.column, self.s - self.residual);
        if refines {
            let fixed = self.solve(-self.cost, self.gpus, |job| ([0.0; 2], job.rows.right));
            self.jobs.iter_mut().for_each(|job| job.fixed = job.free);
            return Some((fixed, self.solve(right.0, right.1, |job| job.predicted())));
        }
        let fixed = self.join(sums[0].t - self.cost, self.gpus - sums[0].z);
        let free = self.join(sums[1].t + right.0, right.1 - sums[1].z);
        let mut products = [self.own_product(fixed), self.own_product(free)];
        for job in &mut self.jobs {
            job.fixed = job.spread(job.first, fixed, &job.rows.right);
            job.free = job.spread(job.more, free, &job.right.1);
            products[0] += job.product(&job.fixed);
            products[1] += job.product(&job.free);
        }
        Some(((fixed, products[0]), (free, products[1])))
    }

    /// Solves the system for a right side: the column of `t`, the row of the capacity, and the part
    /// of each job. The jobs' parts of the solution are in `free`. What rounding leaves over is
    /// solved for again.
    pub(super) fn solve(
        &mut self,
        t: f64,
        z: f64,
        right: impl Fn(&mut JobBlock) -> ([f64; 2], SixRows),
    ) -> Solution {
        let mut sums = JointSums::default();
        let mut most = t.abs().max(z.abs());
        for job in &mut self.jobs {
            job.right = right(job);
            job.more = job.gather(job.right.0, &job.right.1, &mut sums);
        }
        let mut joint = self.join(t + sums.t, z - sums.z);
        if !self.refines {
            let mut product = self.own_product(joint);
            for job in &mut self.jobs {
                job.free = job.spread(job.more, joint, &job.right.1);
                product += job.product(&job.free);
            }
            return (joint, product);
        }
        for job in &mut self.jobs {
            job.free = JobSolution::default();
            job.over = job.right.1;
            most = largest(&job.right, most);
        }
        let enough = EXACT * (1.0 + most);
        let mut left = JointSums { t, z };
        joint = JointSolution::default();
        for _ in 0..REFINEMENTS {
            let step = self.join(left.t + sums.t, left.z - sums.z);
            joint.t += step.t;
            joint.z += step.z;
            sums = JointSums::default();
            left = JointSums { t: t - REGULAR * joint.t, z: z + self.s / self.z * joint.z };
            most = 0.0_f64;
            for job in &mut self.jobs {
                let more = job.spread(job.more, step, &job.over);
                job.free.x += more.x;
                job.free.v += more.v;
                (0..6).for_each(|i| job.free.z[i] += more.z[i]);
                let over = job.left_over(joint, &mut left);
                most = largest(&over, most);
                job.over = over.1;
                job.more = job.gather(over.0, &over.1, &mut sums);
            }
            if most.max(left.t.abs()).max(left.z.abs()) < enough {
                break;
            }
        }
        let product = self.jobs.iter().map(|job| job.product(&job.free)).sum::<f64>();
        (joint, self.own_product(joint) + product)
    }

    /// Returns the joint part for these right sides.
    fn join(&self, t: f64, z: f64) -> JointSolution {
        let [tt, tz, zz] = self.joint;
        let det = tt * zz + tz * tz;
        JointSolution { t: (t * zz + tz * z) / det, z: (tz * t - tt * z) / det }
    }

    /// Returns the joint part of the product of a solution with the objective and the right side.
    fn own_product(&self, joint: JointSolution) -> f64 {
        self.cost * joint.t + self.gpus * joint.z
    }
}
