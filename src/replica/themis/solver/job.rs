//! A job's block of the program: its rows, its point, and its two unknowns of every linear system.

use super::cone::{ConePoint, Scaling, UNIT, product, quotient};

/// A job's claim in the division. With a share `x` of its gang, its fairness is
/// `(elapsed + left / (speed x)) / alone`; less is better.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica::themis) struct FairnessClaim {
    pub(in crate::replica::themis) gpus: f64,
    pub(in crate::replica::themis) elapsed: f64,
    pub(in crate::replica::themis) left: f64,
    pub(in crate::replica::themis) speed: f64,
    pub(in crate::replica::themis) alone: f64,
}

/// The number that is added to the diagonal of the variables.
pub(super) const REGULAR: f64 = 7e-8;

/// One number per row of a job: fairness, share from below, share from above, and the three of the
/// cone.
pub(super) type SixRows = [f64; 6];

/// Returns the rows of the cone.
pub(super) fn last(six: &SixRows) -> ConePoint {
    [six[3], six[4], six[5]]
}

/// The coefficients of a job, balanced. Those of `t`, of `x` from below and of the cone are stored
/// without their minus sign.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JobRows {
    pub(super) t: f64,
    pub(super) v: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// The coefficient in the row of the capacity.
    pub(super) gpus: f64,
    /// The coefficients of `x` and of `v` in the rows of the cone.
    pub(super) speed: f64,
    pub(super) inverse: f64,
    /// The right side.
    pub(super) right: SixRows,
    /// The number by which `x` is divided.
    pub(super) unit: f64,
}

impl JobRows {
    /// Returns the rows of a claim, before they are balanced.
    pub(super) fn of(claim: &FairnessClaim) -> JobRows {
        JobRows {
            t: 1.0,
            v: claim.left / claim.alone,
            low: 1.0,
            high: 1.0,
            gpus: claim.gpus,
            speed: claim.speed,
            inverse: 1.0,
            right: [-claim.elapsed / claim.alone, 0.0, 1.0, 0.0, 0.0, 2.0],
            unit: 1.0,
        }
    }

    /// Returns the values of the rows.
    pub(super) fn values(&self, t: f64, x: f64, v: f64) -> SixRows {
        [self.v * v - self.t * t, -self.low * x, self.high * x, -self.speed * x, -self.inverse * v, 0.0]
    }

    /// Returns the values of the columns of `t`, `x` and `v`, without the row of the capacity.
    pub(super) fn columns(&self, z: &SixRows) -> ConePoint {
        [
            -self.t * z[0],
            self.high * z[2] - self.low * z[1] - self.speed * z[3],
            self.v * z[0] - self.inverse * z[4],
        ]
    }
}

/// A job's part of a solution of the linear system: its variables and multipliers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JobSolution {
    pub(super) x: f64,
    pub(super) v: f64,
    pub(super) z: SixRows,
}

/// The joint part of a solution: `t`, and the multiplier of the capacity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JointSolution {
    pub(super) t: f64,
    pub(super) z: f64,
}

/// The sums over jobs from which the joint part follows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JointSums {
    pub(super) t: f64,
    pub(super) z: f64,
}

/// A job's block: its rows, its point, and its part of the linear systems.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JobBlock {
    pub(super) rows: JobRows,
    /// The point: variables, slacks and multipliers.
    pub(super) x: f64,
    pub(super) v: f64,
    pub(super) s: SixRows,
    pub(super) z: SixRows,
    /// The residuals of the two columns and of the rows.
    pub(super) columns: [f64; 2],
    pub(super) residual: SixRows,
    /// Of the linear rows: one over `s`, one over `z`, and the inverse of the squared scaling.
    pub(super) over_s: ConePoint,
    pub(super) over_z: ConePoint,
    pub(super) linear: ConePoint,
    pub(super) scaling: Scaling,
    /// The inverse of the job's block of the system.
    pub(super) xx: f64,
    pub(super) xv: f64,
    pub(super) vv: f64,
    /// `rows.t * rows.v` divided by the squared scaling of the fairness row.
    pub(super) couple: f64,
    /// The solution for the program's own right side, and the last solution.
    pub(super) fixed: JobSolution,
    pub(super) free: JobSolution,
    /// The variables of the last solution, or what refines them, before the joint part is known.
    pub(super) more: (f64, f64),
    /// The variables of `fixed` before the joint part is known.
    pub(super) first: (f64, f64),
    /// What the last solution leaves of the rows.
    pub(super) over: SixRows,
    /// The steps of `s` and `z`; in the rows of the cone they are scaled.
    pub(super) ds: SixRows,
    pub(super) dz: SixRows,
    /// What `s` is to lose, scaled in the same way.
    pub(super) loses: SixRows,
    /// The last right side: columns and rows.
    pub(super) right: ([f64; 2], SixRows),
    /// The share at the best point so far.
    pub(super) share: f64,
}

impl JobBlock {
    /// Factors the job's block of the system for its scaling; adds to the matrix of what joins
    /// jobs: `t` by `t`, `t` by capacity, capacity by capacity.
    pub(super) fn factor(&mut self, joint: &mut ConePoint) {
        let (rows, linear) = (self.rows, self.linear);
        let [cone_xx, cone_xv, cone_vv, cone_det] = self.scaling.gram(rows.speed, rows.inverse);
        let x = REGULAR + rows.low * rows.low * linear[1] + rows.high * rows.high * linear[2];
        let fairness = rows.v * rows.v * linear[0];
        let without = cone_det + cone_xx * REGULAR + cone_vv * x + x * REGULAR;
        let det = without + fairness * (x + cone_xx);
        self.xx = (cone_vv + REGULAR + fairness) / det;
        self.xv = -cone_xv / det;
        self.vv = (x + cone_xx) / det;
        self.couple = rows.t * rows.v * linear[0];
        joint[0] += rows.t * rows.t * linear[0] * (without / det);
        joint[1] += self.couple * self.xv * rows.gpus;
        joint[2] += rows.gpus * rows.gpus * self.xx;
    }

    /// Returns the rows divided by the squared scaling.
    pub(super) fn unscaled(&self, rows: &SixRows) -> SixRows {
        let [a, b, c] = self.scaling.invert_twice(last(rows));
        [rows[0] * self.linear[0], rows[1] * self.linear[1], rows[2] * self.linear[2], a, b, c]
    }

    /// Returns the variables for this right side while the joint part is 0; adds to the sums.
    pub(super) fn gather(&self, columns: [f64; 2], rows: &SixRows, sums: &mut JointSums) -> (f64, f64) {
        let [t, x, v] = self.rows.columns(&self.unscaled(rows));
        let (x, v) = (columns[0] + x, columns[1] + v);
        let (x, v) = (self.xx * x + self.xv * v, self.xv * x + self.vv * v);
        sums.t += t + self.couple * v;
        sums.z += self.rows.gpus * x;
        (x, v)
    }

    /// Returns the solution for a joint part.
    pub(super) fn spread(&self, (x, v): (f64, f64), joint: JointSolution, rows: &SixRows) -> JobSolution {
        let (t, z) = (self.couple * joint.t, self.rows.gpus * joint.z);
        let (x, v) = (x + self.xv * t - self.xx * z, v + self.vv * t - self.xv * z);
        let values = self.rows.values(joint.t, x, v);
        let z = self.unscaled(&std::array::from_fn(|i| values[i] - rows[i]));
        JobSolution { x, v, z }
    }

    /// Returns what the last solution leaves of the right side; subtracts from `left`.
    pub(super) fn left_over(&self, joint: JointSolution, left: &mut JointSums) -> ([f64; 2], SixRows) {
        let (free, (columns, rows)) = (&self.free, &self.right);
        let values = self.rows.values(joint.t, free.x, free.v);
        let [t, x, v] = self.rows.columns(&free.z);
        left.t -= t;
        left.z -= self.rows.gpus * free.x;
        let columns =
            [columns[0] - REGULAR * free.x - x - self.rows.gpus * joint.z, columns[1] - REGULAR * free.v - v];
        let [a, b, c] = self.scaling.apply_twice(last(&free.z));
        let linear = |i: usize| free.z[i] * self.s[i] * self.over_z[i];
        let scaled = [linear(0), linear(1), linear(2), a, b, c];
        (columns, std::array::from_fn(|i| rows[i] - values[i] + scaled[i]))
    }

    /// Returns the job's part of the product of a solution with the objective and the right side.
    pub(super) fn product(&self, JobSolution { z, .. }: &JobSolution) -> f64 {
        let right = &self.rows.right;
        right[0] * z[0] + right[2] * z[2] + right[5] * z[5]
    }

    /// Returns the right side of the predictor.
    pub(super) fn predicted(&self) -> ([f64; 2], SixRows) {
        (self.columns, std::array::from_fn(|i| self.s[i] - self.residual[i]))
    }

    /// Computes the steps of `s` and `z` for a step of `tau`; returns the most negative quotient of
    /// step and point.
    pub(super) fn direct(&mut self, tau: f64) -> f64 {
        let dz: SixRows = std::array::from_fn(|i| self.free.z[i] + tau * self.fixed.z[i]);
        let scaled = self.scaling.apply(last(&dz));
        let mut least = f64::INFINITY;
        for i in 0..3 {
            self.dz[i] = dz[i];
            self.ds[i] = -self.loses[i] - dz[i] * self.s[i] * self.over_z[i];
            self.dz[i + 3] = scaled[i];
            self.ds[i + 3] = -self.loses[i + 3] - scaled[i];
            least = lesser(least, lesser(self.ds[i] * self.over_s[i], self.dz[i] * self.over_z[i]));
        }
        let cone = lesser(self.scaling.least(last(&self.ds)), self.scaling.least(last(&self.dz)));
        lesser(least, cone)
    }

    /// Returns what `s` is to lose by the corrector: the square of the complementarity and the
    /// error of the predictor, less the centring.
    pub(super) fn corrected(&self, centre: f64) -> SixRows {
        let point = self.scaling.point;
        let square = product(point, point);
        let error = product(last(&self.ds), last(&self.dz));
        let unit = UNIT * centre;
        let excess = [square[0] + error[0] - unit, square[1] + error[1] - unit, square[2] + error[2]];
        let [a, b, c] = quotient(point, excess);
        let linear = |i: usize| self.s[i] + (self.ds[i] * self.dz[i] - centre) * self.over_z[i];
        [linear(0), linear(1), linear(2), a, b, c]
    }
}

/// Returns the lesser of two numbers; faster than `f64::min`, as neither may be NaN.
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Returns the largest absolute value of a right side, or `most` if that is larger.
pub(super) fn largest((columns, rows): &([f64; 2], SixRows), most: f64) -> f64 {
    columns.iter().chain(rows).fold(most, |most, value| most.max(value.abs()))
}
