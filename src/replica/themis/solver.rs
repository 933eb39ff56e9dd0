//! The fair division, by the interior-point method whose stopping point the artifact takes.
//!
//! The artifact hands `min max_i (elapsed_i + left_i / (speed_i x_i)) / alone_i`, `0 <= x <= 1`, `sum gpus_i x_i <= N` to cvxpy,
//! which makes a cone program of it, and ECOS, which solves that. With `t` for the worst fairness, `v_i >= 1 / (speed_i x_i)`:
//!
//! ```text
//! min t   with  left_i v_i - alone_i t <= -elapsed_i   (divided by alone_i),   0 <= x_i <= 1,   sum gpus_i x_i <= N
//!         and   (speed_i x_i + v_i, speed_i x_i - v_i, 2) in the second-order cone
//! ```
//!
//! Where a job with `x = 1` is the bottleneck the other shares are not unique, and who goes first is decided by where the
//! method stops. So this is the published method, written anew: A. Domahidi, E. Chu, S. Boyd, "ECOS: An SOCP solver for embedded
//! systems", ECC 2013, and L. Vandenberghe, "The CVXOPT linear and quadratic cone program solvers", 2010. A homogeneous self-dual
//! embedding, Nesterov-Todd scaling, Mehrotra's predictor and corrector, rows and columns balanced beforehand. The paper
//! perturbs the linear systems by [`REGULAR`]; on the variables it pulls the directions that change nothing else towards
//! zero, and so decides as much as anything. ECOS's logs show it, and the same iterates, digit by digit, with it.
//!
//! Of the linear systems only what joins jobs is solved as one, two unknowns: `t` and the capacity's multiplier. The rest is
//! two unknowns a job. An iteration is linear in the jobs, and no difference of like numbers is taken.

mod cone;

use cone::{Scaling, Three, UNIT, depth, product, quotient};

/// What a job brings to the division: with a share `x` of its gang its fairness is
/// `(elapsed + left / (speed x)) / alone`, the less the better.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) gpus: f64,
    pub(super) elapsed: f64,
    pub(super) left: f64,
    pub(super) speed: f64,
    pub(super) alone: f64,
}

/// Residuals and gap at which the method stops.
const TOLERANCE: f64 = 5e-5;

/// How much of the step to the boundary is taken, and the most of it.
const BACK: f64 = 0.99;
const LONGEST: f64 = 0.999;

/// A step to the boundary below which it cannot go on, and the most iterations.
const SHORTEST: f64 = 1e-6;
const ITERATIONS: u32 = 100;

/// The least centring.
const CENTRE: f64 = 1e-4;

/// What is added to the diagonal of the variables.
const REGULAR: f64 = 7e-8;

/// Up to what a solution of the linear system leaves of a right side it is refined, and how often at most.
const EXACT: f64 = 1e-14;
const REFINEMENTS: u32 = 3;

/// The mean complementarity from which on solutions are refined: before that they are exact enough.
const NEAR: f64 = 1e-5;

/// Rounds in which rows and columns are balanced.
const BALANCE: u32 = 3;

/// A job's rows: its fairness, its share from below and from above, and the three of its cone.
type Six = [f64; 6];

fn last(six: &Six) -> Three {
    [six[3], six[4], six[5]]
}

/// The coefficients of a job, balanced. Those of `t`, `x` from below and the cone's are negative.
#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    t: f64,
    v: f64,
    low: f64,
    high: f64,
    /// In the row of the capacity.
    gpus: f64,
    /// The cone's: of `x` and of `v`.
    speed: f64,
    inverse: f64,
    right: Six,
    /// What `x` is divided by.
    unit: f64,
}

impl Rows {
    fn of(claim: &Claim) -> Rows {
        Rows {
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

    /// The rows' values.
    fn values(&self, t: f64, x: f64, v: f64) -> Six {
        [self.v * v - self.t * t, -self.low * x, self.high * x, -self.speed * x, -self.inverse * v, 0.0]
    }

    /// The columns' values, of `t`, `x` and `v`; the capacity's row apart.
    fn columns(&self, z: &Six) -> Three {
        [
            -self.t * z[0],
            self.high * z[2] - self.low * z[1] - self.speed * z[3],
            self.v * z[0] - self.inverse * z[4],
        ]
    }
}

/// A solution of the linear system, a job's part: its variables and multipliers.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    x: f64,
    v: f64,
    z: Six,
}

/// The part that is not of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Joint {
    t: f64,
    z: f64,
}

/// Sums from which the joint part is solved.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    t: f64,
    z: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Job {
    rows: Rows,
    x: f64,
    v: f64,
    s: Six,
    z: Six,
    /// Residuals: of the two columns, of the rows.
    columns: [f64; 2],
    residual: Six,
    /// Of the linear rows: one over `s` and over `z`, the squared scaling inverted.
    over_s: Three,
    over_z: Three,
    linear: Three,
    scaling: Scaling,
    /// The inverse of the system's block.
    xx: f64,
    xv: f64,
    vv: f64,
    /// `rows.t * rows.v` over the fairness row's squared scaling.
    couple: f64,
    fixed: Part,
    free: Part,
    /// What refines the last one: of its variables, what it leaves of the rows.
    more: (f64, f64),
    over: Six,
    /// What the step is, in the linear rows as it is and in the cone's scaled: of `s` and of `z`.
    ds: Six,
    dz: Six,
    /// What `s` is to lose, scaled likewise.
    loses: Six,
    /// The last right side: its columns, its rows.
    right: ([f64; 2], Six),
    share: f64,
}

impl Job {
    /// Takes a scaling into the system; adds to what joins jobs: `t` alone, `t` with the capacity, the capacity alone.
    fn factor(&mut self, joint: &mut Three) {
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

    /// The rows divided by the squared scaling.
    fn unscaled(&self, rows: &Six) -> Six {
        let [a, b, c] = self.scaling.invert_twice(last(rows));
        [rows[0] * self.linear[0], rows[1] * self.linear[1], rows[2] * self.linear[2], a, b, c]
    }

    /// The variables for this right side while nothing else moves.
    fn gather(&self, columns: [f64; 2], rows: &Six, sums: &mut Sums) -> (f64, f64) {
        let [t, x, v] = self.rows.columns(&self.unscaled(rows));
        let (x, v) = (columns[0] + x, columns[1] + v);
        let (x, v) = (self.xx * x + self.xv * v, self.xv * x + self.vv * v);
        sums.t += t + self.couple * v;
        sums.z += self.rows.gpus * x;
        (x, v)
    }

    /// The solution, where the joint part is known.
    fn spread(&self, (x, v): (f64, f64), joint: Joint, rows: &Six) -> Part {
        let (t, z) = (self.couple * joint.t, self.rows.gpus * joint.z);
        let (x, v) = (x + self.xv * t - self.xx * z, v + self.vv * t - self.xv * z);
        let values = self.rows.values(joint.t, x, v);
        let z = self.unscaled(&std::array::from_fn(|i| values[i] - rows[i]));
        Part { x, v, z }
    }

    /// What the solution leaves of the right side.
    fn left_over(&self, joint: Joint, left: &mut Sums) -> ([f64; 2], Six) {
        let (free, (columns, rows)) = (&self.free, &self.right);
        let values = self.rows.values(joint.t, free.x, free.v);
        let [t, x, v] = self.rows.columns(&free.z);
        left.t -= t;
        left.z -= self.rows.gpus * free.x;
        let columns = [
            columns[0] - REGULAR * free.x - x - self.rows.gpus * joint.z,
            columns[1] - REGULAR * free.v - v,
        ];
        let [a, b, c] = self.scaling.apply_twice(last(&free.z));
        let linear = |i: usize| free.z[i] * self.s[i] * self.over_z[i];
        let scaled = [linear(0), linear(1), linear(2), a, b, c];
        (columns, std::array::from_fn(|i| rows[i] - values[i] + scaled[i]))
    }

    /// The step of `s` and `z`, from what the step of `tau` is; gives the most negative quotient of step and point.
    fn direct(&mut self, tau: f64) -> f64 {
        let dz: Six = std::array::from_fn(|i| self.free.z[i] + tau * self.fixed.z[i]);
        let scaled = self.scaling.apply(last(&dz));
        let mut least = f64::INFINITY;
        for i in 0..3 {
            self.dz[i] = dz[i];
            self.ds[i] = -self.loses[i] - dz[i] * self.s[i] * self.over_z[i];
            self.dz[i + 3] = scaled[i];
            self.ds[i + 3] = -self.loses[i + 3] - scaled[i];
            least = least.min(self.ds[i] * self.over_s[i]).min(self.dz[i] * self.over_z[i]);
        }
        let of = |step: &Six| self.scaling.least(last(step));
        least.min(of(&self.ds)).min(of(&self.dz))
    }

    /// What the corrector's `s` is to lose: the complementarity's square and the predictor's error, less the centring.
    fn corrected(&self, centre: f64) -> Six {
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

/// The largest number of a right side, or `most`.
fn largest((columns, rows): &([f64; 2], Six), most: f64) -> f64 {
    columns.iter().chain(rows).fold(most, |most, value| most.max(value.abs()))
}

/// The iteration, with its memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Solver {
    jobs: Vec<Job>,
    /// The capacity's row: its right side, slack, multiplier, residual.
    gpus: f64,
    s: f64,
    z: f64,
    residual: f64,
    /// The objective's coefficient, the variable and the residual of its column.
    cost: f64,
    t: f64,
    column: f64,
    tau: f64,
    kappa: f64,
    /// What joins jobs.
    joint: Three,
    fixed: Joint,
    refines: bool,
}

/// Where the iteration is.
struct Place {
    mu: f64,
    /// The embedding's last residual.
    residual: f64,
    /// The worst of what is to vanish, each over its tolerance.
    worst: f64,
}

impl Solver {
    /// Divides so many GPUs among the claims.
    pub(super) fn divide(&mut self, claims: &[Claim], gpus: f64) {
        self.build(claims, gpus);
        self.start();
        let mut best = f64::INFINITY;
        for _ in 0..ITERATIONS {
            let place = self.place();
            if !place.worst.is_finite() {
                break;
            }
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

    /// The share of a claim, by its place.
    pub(super) fn shares(&self) -> impl Iterator<Item = f64> {
        self.jobs.iter().map(|job| job.share)
    }

    /// Writes the program down and balances it: rows and columns are divided by the roots of their largest numbers, the rows
    /// of a cone by one number.
    fn build(&mut self, claims: &[Claim], gpus: f64) {
        self.jobs.clear();
        self.jobs.extend(claims.iter().map(|claim| Job { rows: Rows::of(claim), ..Job::default() }));
        (self.gpus, self.cost) = (gpus, 1.0);
        for _ in 0..BALANCE {
            let most = |of: fn(&Rows) -> f64| self.jobs.iter().map(|job| of(&job.rows)).fold(0.0, f64::max).sqrt();
            let (all, t) = (most(|rows| rows.gpus), most(|rows| rows.t));
            for Job { rows, .. } in &mut self.jobs {
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
        for Job { rows, .. } in &mut self.jobs {
            rows.speed *= 2.0 * UNIT;
            rows.inverse *= 2.0 * UNIT;
        }
    }

    /// The point to start from: the least squares of the primal's slacks and of the dual's multipliers, pushed into the cone.
    fn start(&mut self) {
        for job in &mut self.jobs {
            (job.linear, job.scaling) = ([1.0; 3], Scaling::default());
        }
        (self.s, self.z, self.refines) = (1.0, 1.0, false);
        self.factor();
        let (cost, gpus) = (self.cost, self.gpus);
        let primal = self.solve(0.0, gpus, |_| ([0.0; 2], None));
        (self.t, self.s) = (primal.t, -primal.z);
        for job in &mut self.jobs {
            (job.x, job.v, job.s) = (job.free.x, job.free.v, job.free.z.map(|z| -z));
        }
        let dual = self.solve(-cost, 0.0, |_| ([0.0; 2], Some([0.0; 6])));
        self.z = dual.z;
        self.jobs.iter_mut().for_each(|job| job.z = job.free.z);
        let least = |own: f64, of: fn(&Job) -> &Six| {
            let inside = |six: &Six| six[0].min(six[1]).min(six[2]).min(depth(last(six)));
            self.jobs.iter().map(|job| inside(of(job))).fold(own, f64::min)
        };
        let push = |least: f64| if least > 0.0 { 0.0 } else { 1.0 - least };
        let (s, z) = (push(least(self.s, |job| &job.s)), push(least(self.z, |job| &job.z)));
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

    /// Residuals.
    fn place(&mut self) -> Place {
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
            for i in 0..6 {
                let (s, z, h) = (job.s[i], job.z[i], job.rows.right[i]);
                job.residual[i] = s + values[i] - h * tau;
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
        Place {
            mu: (gap + self.kappa * tau) / (4 * self.jobs.len() + 2) as f64,
            residual: self.kappa + cost + right,
            worst: primal.max(dual).max(gap.min(relative)) / TOLERANCE,
        }
    }

    /// Takes a step; gives whether it could.
    fn advance(&mut self, place: &Place) -> bool {
        for job in &mut self.jobs {
            let Some(scaling) = Scaling::new(last(&job.s), last(&job.z)) else { return false };
            job.scaling = scaling;
            job.over_s = std::array::from_fn(|i| 1.0 / job.s[i]);
            job.over_z = std::array::from_fn(|i| 1.0 / job.z[i]);
            job.linear = std::array::from_fn(|i| job.z[i] * job.over_s[i]);
        }
        self.factor();
        self.refines = place.mu < NEAR;
        let (cost, gpus, tau, kappa) = (self.cost, self.gpus, self.tau, self.kappa);
        self.fixed = self.solve(-cost, gpus, |_| ([0.0; 2], None));
        self.jobs.iter_mut().for_each(|job| job.fixed = job.free);
        let curve = kappa / tau - self.product(self.fixed, |job| &job.fixed);

        // The predictor: straight to the optimum.
        let (column, residual, s) = (self.column, self.residual, self.s);
        let free = self.solve(column, s - residual, |job| {
            let [a, b, c] = job.scaling.point;
            job.loses = [job.s[0], job.s[1], job.s[2], a, b, c];
            (job.columns, Some(std::array::from_fn(|i| job.s[i] - job.residual[i])))
        });
        let step = (place.residual - kappa + self.product(free, |job| &job.free)) / curve;
        let dk = -kappa - kappa / tau * step;
        let (ds, dz, long) = self.direct(free, step, dk, s);
        let centre = (1.0 - long).powi(3).clamp(CENTRE, 1.0);

        // The corrector, centred.
        let (keep, target) = (1.0 - centre, centre * place.mu);
        let loses = s + (ds * dz - target) / self.z;
        let free = self.solve(keep * column, loses - keep * residual, |job| {
            job.loses = job.corrected(target);
            let [a, b, c] = job.scaling.apply(last(&job.loses));
            let loses = [job.loses[0], job.loses[1], job.loses[2], a, b, c];
            let columns = job.columns.map(|column| keep * column);
            (columns, Some(std::array::from_fn(|i| loses[i] - keep * job.residual[i])))
        });
        let excess = kappa * tau + dk * step - target;
        let step = (keep * place.residual - excess / tau + self.product(free, |job| &job.free)) / curve;
        let dk = -(excess + kappa * step) / tau;
        let (ds, dz, long) = self.direct(free, step, dk, loses);
        let long = BACK * long;
        self.t += long * (free.t + step * self.fixed.t);
        self.s += long * ds;
        self.z += long * dz;
        self.tau += long * step;
        self.kappa += long * dk;
        for job in &mut self.jobs {
            job.x += long * (job.free.x + step * job.fixed.x);
            job.v += long * (job.free.v + step * job.fixed.v);
            let ds = job.scaling.apply(last(&job.ds));
            for i in 0..3 {
                job.s[i] += long * job.ds[i];
                job.s[i + 3] += long * ds[i];
            }
            for i in 0..6 {
                job.z[i] += long * (job.free.z[i] + step * job.fixed.z[i]);
            }
        }
        long > SHORTEST
    }

    fn factor(&mut self) {
        self.joint = [REGULAR, 0.0, self.s / self.z];
        let joint = &mut self.joint;
        self.jobs.iter_mut().for_each(|job| job.factor(joint));
    }

    /// Solves the system for a right side: the column of `t`, the row of the capacity, and each job's; no rows are the program's
    /// own right side. What it gives of the jobs is in `free`. What rounding leaves over is solved for again.
    fn solve(&mut self, t: f64, z: f64, right: impl Fn(&mut Job) -> ([f64; 2], Option<Six>)) -> Joint {
        let mut sums = Sums::default();
        let mut most = t.abs().max(z.abs());
        for job in &mut self.jobs {
            let (columns, rows) = right(job);
            job.right = (columns, rows.unwrap_or(job.rows.right));
            job.free = Part::default();
            job.more = job.gather(job.right.0, &job.right.1, &mut sums);
            job.over = job.right.1;
            most = largest(&job.right, most);
        }
        let enough = EXACT * (1.0 + most);
        let mut left = Sums { t, z };
        let mut joint = self.join(left.t + sums.t, left.z - sums.z);
        if !self.refines {
            for job in &mut self.jobs {
                job.free = job.spread(job.more, joint, &job.right.1);
            }
            return joint;
        }
        joint = Joint::default();
        for _ in 0..REFINEMENTS {
            let step = self.join(left.t + sums.t, left.z - sums.z);
            joint.t += step.t;
            joint.z += step.z;
            sums = Sums::default();
            left = Sums { t: t - REGULAR * joint.t, z: z + self.s / self.z * joint.z };
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
        joint
    }

    /// The joint part for these right sides.
    fn join(&self, t: f64, z: f64) -> Joint {
        let [tt, tz, zz] = self.joint;
        let det = tt * zz + tz * tz;
        Joint { t: (t * zz + tz * z) / det, z: (tz * t - tt * z) / det }
    }

    /// The product of a solution with the objective and the right sides.
    fn product(&self, joint: Joint, of: impl Fn(&Job) -> &Part) -> f64 {
        let rights = |job: &Job| {
            let (right, z) = (job.rows.right, of(job).z);
            right[0] * z[0] + right[2] * z[2] + right[5] * z[5]
        };
        self.cost * joint.t + self.gpus * joint.z + self.jobs.iter().map(rights).sum::<f64>()
    }

    /// Makes steps of solutions; gives those of the capacity and how far they can be taken.
    fn direct(&mut self, free: Joint, tau: f64, kappa: f64, own: f64) -> (f64, f64, f64) {
        let dz = free.z + tau * self.fixed.z;
        let ds = -own - self.s / self.z * dz;
        let mut least = (ds / self.s).min(dz / self.z).min(tau / self.tau).min(kappa / self.kappa);
        for job in &mut self.jobs {
            least = least.min(job.direct(tau));
        }
        let long = if least < 0.0 { (-1.0 / least).min(LONGEST) } else { LONGEST };
        (ds, dz, long)
    }
}
