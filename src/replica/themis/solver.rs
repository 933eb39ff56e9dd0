//! The fair division, by the interior-point method whose last point the artifact takes.
//!
//! The artifact hands `min max_i (elapsed_i + left_i / (speed_i x_i)) / alone_i`, `0 <= x <= 1`,
//! `sum gpus_i x_i <= N` to cvxpy, which makes a cone program of it, and ECOS solves that. With `t`
//! for the worst fairness and `v_i >= 1 / (speed_i x_i)`:
//!
//! ```text
//! min t   with  left_i v_i - alone_i t <= -elapsed_i   (divided by alone_i)
//!         and   0 <= x_i <= 1,   sum gpus_i x_i <= N
//!         and   (speed_i x_i + v_i, speed_i x_i - v_i, 2) in the second-order cone
//! ```
//!
//! Where a job with `x = 1` is the bottleneck, the other shares are not unique, and the point at
//! which the method stops decides the order of the jobs. So this is the published method, written
//! anew: A. Domahidi, E. Chu, S. Boyd, "ECOS: An SOCP solver for embedded systems", ECC 2013, and
//! L. Vandenberghe, "The CVXOPT linear and quadratic cone program solvers", 2010: a homogeneous
//! self-dual embedding, Nesterov and Todd's scaling, Mehrotra's predictor and corrector, rows and
//! columns balanced beforehand.
//!
//! Two things beside the method decide where it stops; comparing iterates showed them. First, the
//! ECOS paper perturbs its linear systems by [`REGULAR`]. On the diagonal of the variables the
//! perturbation stays, and slows moves of the variables that change nothing else. Second, rounding:
//! near the optimum the remainder of such moves is divided by [`REGULAR`], so that ECOS's moves are
//! noise. A stop at [`TOLERANCE`], long before ECOS stops, is nearer to ECOS's end than an exact
//! method that goes on.
//!
//! Only two unknowns of a linear system join jobs: `t` and the multiplier of the capacity. The
//! others are two per job. So an iteration takes time linear in the number of jobs, and allocates
//! nothing once there were as many jobs.

mod cone;
mod job;
mod program;
mod system;

use cone::{Scaling, UNIT, depth};
use job::{JobBlock, JointSolution, REGULAR, SixRows, last, lesser};

pub(super) use job::FairnessClaim;
pub(super) use program::Solver;

/// The residuals and the relative gap at which the method stops.
const TOLERANCE: f64 = 5e-5;

/// The part of the step to the boundary that is taken.
const STEP_FRACTION: f64 = 0.99;

/// The longest step to the boundary.
const LONGEST_STEP: f64 = 0.999;

/// The shortest step with which the method goes on.
const SHORTEST_STEP: f64 = 1e-6;

/// The most iterations.
const ITERATIONS: u32 = 100;

/// The least centring.
const LEAST_CENTRING: f64 = 1e-4;

/// The mean complementarity below which solutions are refined. Above it they are exact enough.
const REFINED_BELOW: f64 = 1e-5;

/// The distance of an iterate from the optimum.
struct IterateState {
    /// The mean complementarity.
    mu: f64,
    /// The residual of the embedding's last row.
    residual: f64,
    /// The largest residual or gap, each divided by its tolerance.
    worst: f64,
}

impl Solver {
    /// Divides this many GPUs among the claims. [`Solver::shares`] then returns the best iterate.
    pub(super) fn divide(&mut self, claims: &[FairnessClaim], gpus: f64) {
        self.build(claims, gpus);
        self.start();
        let mut best = f64::INFINITY;
        for _ in 0..ITERATIONS {
            let place = self.measure();
            if place.worst < best {
                best = place.worst;
                let tau = self.tau;
                self.jobs.iter_mut().for_each(|job| job.share = job.x / (tau * job.rows.unit));
            }
            if place.worst < 1.0 || !self.advance(&place) {
                break;
            }
        }
    }

    /// Sets the point to start from: the least squares of the primal's slacks and of the dual's
    /// multipliers, pushed into the cone.
    fn start(&mut self) {
        for job in &mut self.jobs {
            (job.linear, job.scaling) = ([1.0; 3], Scaling::default());
        }
        (self.s, self.z, self.refines) = (1.0, 1.0, false);
        self.joint = [REGULAR, 0.0, 1.0];
        self.jobs.iter_mut().for_each(|job| job.factor(&mut self.joint));
        let (primal, _) = self.solve(0.0, self.gpus, |job| ([0.0; 2], job.rows.right));
        (self.t, self.s) = (primal.t, -primal.z);
        for job in &mut self.jobs {
            (job.x, job.v, job.s) = (job.free.x, job.free.v, job.free.z.map(|z| -z));
        }
        let (dual, _) = self.solve(-self.cost, 0.0, |_| ([0.0; 2], [0.0; 6]));
        self.z = dual.z;
        self.jobs.iter_mut().for_each(|job| job.z = job.free.z);
        let (s, z) = (self.push_into_cone(self.s, |job| &job.s), self.push_into_cone(self.z, |job| &job.z));
        self.s += s;
        self.z += z;
        for job in &mut self.jobs {
            for i in 0..5 {
                let unit = if i < 3 { 1.0 } else { UNIT };
                job.s[i] += unit * s;
                job.z[i] += unit * z;
            }
        }
        (self.tau, self.kappa) = (1.0, 1.0);
    }

    /// Returns how far slacks or multipliers have to be moved along the cone's unit to be inside
    /// it; 0 if they are. `own` is that of the capacity.
    fn push_into_cone(&self, own: f64, rows: fn(&JobBlock) -> &SixRows) -> f64 {
        let depths = self.jobs.iter().map(|job| {
            let six = rows(job);
            six[0].min(six[1]).min(six[2]).min(depth(last(six)))
        });
        let least = depths.fold(own, f64::min);
        if least > 0.0 { 0.0 } else { 1.0 - least }
    }

    /// Computes the residuals of the iterate, and returns its distance from the optimum.
    fn measure(&mut self) -> IterateState {
        let (t, tau) = (self.t, self.tau);
        let mut capacity = 0.0;
        let (mut column, mut right, mut gap) = (0.0, self.gpus * self.z, self.s * self.z);
        let (mut columns, mut rows) = (0.0, 0.0);
        let (mut xs, mut ss, mut zs, mut rights) =
            (t * t, self.s * self.s, self.z * self.z, self.gpus * self.gpus);
        for job in &mut self.jobs {
            let values = job.rows.values(t, job.x, job.v);
            let [of_t, of_x, of_v] = job.rows.columns(&job.z);
            column -= of_t;
            job.columns = [-of_x - job.rows.gpus * self.z, -of_v];
            capacity += job.rows.gpus * job.x;
            columns += job.columns[0] * job.columns[0] + job.columns[1] * job.columns[1];
            xs += job.x * job.x + job.v * job.v;
            for (i, value) in values.into_iter().enumerate() {
                let (s, z, h) = (job.s[i], job.z[i], job.rows.right[i]);
                job.residual[i] = s + value - h * tau;
                rows += job.residual[i] * job.residual[i];
                gap += s * z;
                right += h * z;
                ss += s * s;
                zs += z * z;
                rights += h * h;
            }
        }
        self.column = column - self.cost * tau;
        self.residual = self.s + capacity - self.gpus * tau;
        columns += self.column * self.column;
        rows += self.residual * self.residual;
        let cost = self.cost * t;
        let (primal, dual) = (cost / tau, -right / tau);
        let relative = if primal < 0.0 {
            -gap / primal
        } else if dual > 0.0 {
            gap / dual
        } else {
            f64::INFINITY
        };
        let primal = rows.sqrt() / (rights.sqrt().max(1.0) + xs.sqrt() + ss.sqrt()) / tau;
        let dual = columns.sqrt() / (self.cost.max(1.0) + zs.sqrt()) / tau;
        IterateState {
            mu: (gap + self.kappa * tau) / (4 * self.jobs.len() + 2) as f64,
            residual: self.kappa + cost + right,
            worst: primal.max(dual).max(gap.min(relative)) / TOLERANCE,
        }
    }

    /// Takes a step; returns whether the method can go on.
    fn advance(&mut self, place: &IterateState) -> bool {
        self.refines = place.mu < REFINED_BELOW;
        let Some((fixed, (free, product))) = self.predict() else { return false };
        let (tau, kappa, column, residual, s) = (self.tau, self.kappa, self.column, self.residual, self.s);
        self.fixed = fixed.0;
        let curve = kappa / tau - fixed.1;

        // The predictor.
        let step = (place.residual - kappa + product) / curve;
        let dk = -kappa - kappa / tau * step;
        let (ds, dz, long) = self.direct(free, step, dk, s);
        let centre = (1.0 - long).powi(3).clamp(LEAST_CENTRING, 1.0);

        // The corrector, centred.
        let (keep, target) = (1.0 - centre, centre * place.mu);
        let loses = s + (ds * dz - target) / self.z;
        let (free, product) = self.solve(keep * column, loses - keep * residual, |job| {
            job.loses = job.corrected(target);
            let [a, b, c] = job.scaling.apply(last(&job.loses));
            let loses = [job.loses[0], job.loses[1], job.loses[2], a, b, c];
            let columns = job.columns.map(|column| keep * column);
            (columns, std::array::from_fn(|i| loses[i] - keep * job.residual[i]))
        });
        let excess = kappa * tau + dk * step - target;
        let step = (keep * place.residual - excess / tau + product) / curve;
        let dk = -(excess + kappa * step) / tau;
        let (ds, dz, long) = self.direct(free, step, dk, loses);
        let long = STEP_FRACTION * long;
        if !(long.is_finite() && step.is_finite()) {
            return false;
        }
        self.t += long * (free.t + step * self.fixed.t);
        self.s += long * ds;
        self.z += long * dz;
        self.tau += long * step;
        self.kappa += long * dk;
        for job in &mut self.jobs {
            job.x += long * (job.free.x + step * job.fixed.x);
            job.v += long * (job.free.v + step * job.fixed.v);
            let ds = job.scaling.apply(last(&job.ds));
            for (i, ds) in ds.into_iter().enumerate() {
                job.s[i] += long * job.ds[i];
                job.s[i + 3] += long * ds;
            }
            for i in 0..6 {
                job.z[i] += long * (job.free.z[i] + step * job.fixed.z[i]);
            }
        }
        long > SHORTEST_STEP
    }

    /// Makes the steps of `s` and `z` out of the last two solutions; returns those of the capacity,
    /// and how much of the step stays in the cone.
    fn direct(&mut self, free: JointSolution, tau: f64, kappa: f64, own: f64) -> (f64, f64, f64) {
        let dz = free.z + tau * self.fixed.z;
        let ds = -own - self.s / self.z * dz;
        let mut least = (ds / self.s).min(dz / self.z).min(tau / self.tau).min(kappa / self.kappa);
        for job in &mut self.jobs {
            least = lesser(job.direct(tau), least);
        }
        let long = if least < 0.0 { (-1.0 / least).min(LONGEST_STEP) } else { LONGEST_STEP };
        (ds, dz, long)
    }
}

#[cfg(test)]
mod tests;
