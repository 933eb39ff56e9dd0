//! What a job's step takes by what was seen of it: the seven parameters of [`StepModel`], fitted
//! (Pollux, section 4.1).
//!
//! Minimised is the error of the logarithms, RMSE(ln T_acc) + RMSE(ln T_step), with a preference
//! for computing and exchanging that do not overlap, 10⁻³·(γ − 1)², and for exchanges that do not
//! slow down with more GPUs, 10⁻²·((β_n/α_n)² + (β_r/α_r)²). What was not seen at all is pinned to
//! the best that could be, so that a scheduler goes and looks.
//!
//! The search is a damped Gauss-Newton method inside bounds. A root of a mean of squares is never
//! above the squares over twice its value here, and half that value: each step minimises that
//! parabola, which is exact where everything can be explained and the root has a kink. Exact
//! derivatives, no randomness, the same start every time.

use crate::goodput::{NO_TIME, StepModel};

/// What was seen of a job on one placement at one micro-batch size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) nodes: u32,
    pub(super) gpus: u32,
    /// Examples of a micro-batch on one GPU.
    pub(super) atomic: f64,
    /// Seconds of an accumulation step, where that can be told from the last step.
    pub(super) accumulate: Option<f64>,
    /// Seconds of the last step.
    pub(super) step: f64,
}

/// αc, βc, αn, βn, αr, βr, γ.
type Vector = [f64; 7];
/// A symmetric matrix, of which what is right of the diagonal is not looked at.
type Triangle = [Vector; 7];

const LEAST: f64 = NO_TIME;
const GAMMA: (f64, f64) = (1.0, 10.0);
const OVERLAP_WEIGHT: f64 = 1e-3;
const SCALING_WEIGHT: f64 = 1e-2;

/// How much slower than inside a node an exchange over nodes is thought to be before one was seen.
const BEYOND_A_NODE: f64 = 1.1;

/// The parameters that explain best what was seen.
pub(super) fn fit(seen: &[Seen]) -> StepModel {
    let problem = Problem::new(seen);
    problem.finish(problem.solve())
}

/// What to fit, and what not to.
struct Problem {
    points: Vec<Point>,
    /// How many of them say something of accumulation steps.
    accumulated: f64,
    /// Where a parameter must stay.
    pinned: [Option<f64>; 7],
    sees_nodes: bool,
}

struct Point {
    atomic: f64,
    exchange: Exchange,
    /// Logarithms of seconds.
    accumulate: Option<f64>,
    step: f64,
}

/// Over what a point's GPUs exchange gradients, and how many there are beyond two.
#[derive(Clone, Copy)]
enum Exchange {
    Nothing,
    Nodes(f64),
    Node(f64),
}

/// The objective, its gradient, and the curvature of the squares in it.
struct Value {
    objective: f64,
    gradient: Vector,
    curvature: Triangle,
}

impl Problem {
    fn new(seen: &[Seen]) -> Problem {
        let log = |seconds: f64| libm::log(seconds.max(NO_TIME));
        let points: Vec<Point> = seen
            .iter()
            .map(|seen| {
                let further = (f64::from(seen.gpus) - 2.0).max(NO_TIME);
                let exchange = match (seen.nodes, seen.gpus) {
                    (2.., _) => Exchange::Nodes(further),
                    (_, 2..) => Exchange::Node(further),
                    _ => Exchange::Nothing,
                };
                let (accumulate, step) = (seen.accumulate.map(log), log(seen.step));
                Point { atomic: seen.atomic, exchange, accumulate, step }
            })
            .collect();
        let accumulations: Vec<f64> = seen.iter().filter_map(|seen| seen.accumulate).collect();
        let accumulated = accumulations.len() as f64;
        let sees_nodes = seen.iter().any(|seen| seen.nodes > 1);
        let sees_pairs = seen.iter().any(|seen| seen.nodes == 1 && seen.gpus > 1);
        let sees_more = seen.iter().any(|seen| seen.gpus > 2);
        let mut pinned = [None; 7];
        if seen.iter().all(|other| other.atomic == seen[0].atomic) && accumulated > 0.0 {
            pinned[0] = Some((accumulations.iter().sum::<f64>() / accumulated / 2.0).max(LEAST));
        }
        for (at, known) in
            [(2, sees_nodes), (3, sees_nodes && sees_more), (4, sees_pairs), (5, sees_pairs && sees_more)]
        {
            pinned[at] = (!known).then_some(LEAST);
        }
        Problem { points, accumulated, pinned, sees_nodes }
    }

    /// Half of computing is the same for every size, and what a step takes longer than that at this
    /// overlap is the exchange.
    fn start(&self, gamma: f64) -> Vector {
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
            if count == 0 { 0.1 } else { sum / f64::from(count) }
        };
        let computing = |point: &Point| libm::exp(point.accumulate.unwrap_or(point.step));
        let compute = mean(&mut self.points.iter().map(computing)) / 2.0;
        let size = mean(&mut self.points.iter().map(|point| point.atomic));
        let exchange = |over: fn(Exchange) -> bool| {
            let points = self.points.iter().filter(|point| over(point.exchange));
            mean(&mut points.map(|point| {
                let (step, compute) = (libm::exp(point.step), computing(point));
                let beyond = 1.0 - libm::pow((compute / step).min(1.0), gamma);
                step * libm::pow(beyond, 1.0 / gamma).max(0.01)
            }))
        };
        let nodes = exchange(|exchange| matches!(exchange, Exchange::Nodes(_)));
        let node = exchange(|exchange| matches!(exchange, Exchange::Node(_)));
        [compute, compute / size, nodes, nodes / 10.0, node, node / 10.0, gamma]
    }

    fn bounds(&self, at: usize) -> (f64, f64) {
        match self.pinned[at] {
            Some(value) => (value, value),
            None if at == 6 => GAMMA,
            None => (LEAST, f64::INFINITY),
        }
    }

    fn within(&self, mut at: Vector) -> Vector {
        for (index, value) in at.iter_mut().enumerate() {
            let (low, high) = self.bounds(index);
            *value = value.clamp(low, high);
        }
        at
    }

    /// No overlap and much of it are valleys of their own: the lowest of what several starts come
    /// to.
    fn solve(&self) -> Vector {
        let found = OVERLAPS.map(|gamma| {
            let found = self.minimise(self.start(gamma));
            (self.value(&found).objective, found)
        });
        let [first, others @ ..] = found;
        others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best }).1
    }

    fn minimise(&self, start: Vector) -> Vector {
        let mut at = self.within(start);
        let mut value = self.value(&at);
        let mut damping = 1e-3;
        let mut small = 0;
        for _ in 0..STEPS {
            let next = self.within(self.step(&at, &value, damping));
            let found = self.value(&next);
            let gained = value.objective - found.objective;
            small = if gained.abs() < SMALL { small + 1 } else { 0 };
            if gained > 0.0 {
                (at, value) = (next, found);
                damping = (damping / 8.0).max(1e-9);
            } else {
                damping *= 4.0;
            }
            if small == 3 || damping > 1e9 {
                break;
            }
        }
        at
    }

    /// Where the curvature sends it; a parameter at its bound that would go beyond it stays.
    fn step(&self, at: &Vector, value: &Value, damping: f64) -> Vector {
        let free: Vec<usize> = (0..7)
            .filter(|index| {
                let (low, high) = self.bounds(*index);
                let slope = value.gradient[*index];
                low < high && !(at[*index] <= low && slope >= 0.0) && !(at[*index] >= high && slope <= 0.0)
            })
            .collect();
        let mut matrix = [[0.0; 7]; 7];
        let mut right = [0.0; 7];
        for (row, i) in free.iter().enumerate() {
            for (column, j) in free[..=row].iter().enumerate() {
                matrix[row][column] = value.curvature[*i][*j];
            }
            matrix[row][row] += damping * value.curvature[*i][*i] + f64::MIN_POSITIVE;
            right[row] = -value.gradient[*i];
        }
        let mut next = *at;
        match solve(&mut matrix, &mut right, free.len()) {
            Some(()) => free.iter().zip(right).for_each(|(i, step)| next[*i] += step),
            // Too flat: down the slope, each parameter by its own scale.
            None => free.iter().for_each(|i| {
                next[*i] -=
                    value.gradient[*i] / ((1.0 + damping) * value.curvature[*i][*i] + f64::MIN_POSITIVE);
            }),
        }
        next
    }

    fn value(&self, at: &Vector) -> Value {
        let gamma = at[6];
        let mut value = Value { objective: 0.0, gradient: [0.0; 7], curvature: [[0.0; 7]; 7] };
        let (mut accumulating, mut stepping) = (Squares::default(), Squares::default());
        for point in &self.points {
            let compute = at[0] + at[1] * point.atomic;
            let (network, first, further) = match point.exchange {
                Exchange::Nothing => (NO_TIME, 0, 0.0),
                Exchange::Nodes(further) => (at[2] + at[3] * further, 2, further),
                Exchange::Node(further) => (at[4] + at[5] * further, 4, further),
            };
            let (log_compute, log_network) = (libm::log(compute), libm::log(network));
            if let Some(seen) = point.accumulate {
                let mut slope = [0.0; 7];
                (slope[0], slope[1]) = (1.0 / compute, point.atomic / compute);
                accumulating.add(log_compute - seen, &slope);
            }
            // Both powers over the larger one.
            let longer = log_compute.max(log_network);
            let ratio = libm::exp(gamma * (log_compute.min(log_network) - longer));
            let rest = libm::log1p(ratio);
            let (of_longer, of_shorter) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
            let (of_compute, of_network) =
                if log_compute >= log_network { (of_longer, of_shorter) } else { (of_shorter, of_longer) };
            let mut slope = [0.0; 7];
            (slope[0], slope[1]) = (of_compute / compute, of_compute / compute * point.atomic);
            if first > 0 {
                (slope[first], slope[first + 1]) = (of_network / network, of_network / network * further);
            }
            slope[6] = (of_shorter * (log_compute.min(log_network) - longer) - rest / gamma) / gamma;
            stepping.add(longer + rest / gamma - point.step, &slope);
        }
        accumulating.root(self.accumulated, &mut value);
        stepping.root(self.points.len() as f64, &mut value);
        value.add_square(OVERLAP_WEIGHT, gamma - 1.0, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        for alpha in [2, 4] {
            let ratio = at[alpha + 1] / at[alpha];
            let mut slope = [0.0; 7];
            (slope[alpha], slope[alpha + 1]) = (-ratio / at[alpha], 1.0 / at[alpha]);
            value.add_square(SCALING_WEIGHT, ratio, &slope);
        }
        value
    }

    fn finish(&self, found: Vector) -> StepModel {
        let [alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma] = found;
        let (alpha_n, beta_n) = if self.sees_nodes {
            (alpha_n, beta_n)
        } else {
            (alpha_n.max(BEYOND_A_NODE * alpha_r), beta_n.max(BEYOND_A_NODE * beta_r))
        };
        StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma }
    }
}

/// At most so many steps, and so small a gain three times in a row is the end.
const STEPS: usize = 200;
const SMALL: f64 = 1e-9;

/// The γ that searches start from.
const OVERLAPS: [f64; 3] = [1.001, 1.5, 3.0];

impl Value {
    /// Adds weight·residual².
    fn add_square(&mut self, weight: f64, residual: f64, slope: &Vector) {
        self.objective += weight * residual * residual;
        for i in (0..7).filter(|i| slope[*i] != 0.0) {
            self.gradient[i] += 2.0 * weight * residual * slope[i];
            for j in 0..=i {
                self.curvature[i][j] += 2.0 * weight * slope[i] * slope[j];
            }
        }
    }
}

/// A sum of squared residuals with what is needed of their slopes.
#[derive(Default)]
struct Squares {
    sum: f64,
    /// Σ residual·slope
    pull: Vector,
    /// Σ slope·slopeᵀ
    products: Triangle,
}

impl Squares {
    fn add(&mut self, residual: f64, slope: &Vector) {
        self.sum += residual * residual;
        for i in (0..7).filter(|i| slope[*i] != 0.0) {
            self.pull[i] += residual * slope[i];
            for j in 0..=i {
                self.products[i][j] += slope[i] * slope[j];
            }
        }
    }

    /// Adds the root of the mean of `count` squares to a value.
    fn root(&self, count: f64, value: &mut Value) {
        if count == 0.0 {
            return;
        }
        let root = (self.sum / count).sqrt();
        value.objective += root;
        // Close to zero, where the root has a kink, it counts as round.
        let scale = 1.0 / (count * root.max(1e-9));
        for i in 0..7 {
            value.gradient[i] += self.pull[i] * scale;
            for j in 0..=i {
                value.curvature[i][j] += self.products[i][j] * scale;
            }
        }
    }
}

/// Solves a symmetric system in place by Cholesky's method; `None` where the matrix is not positive
/// definite.
fn solve(matrix: &mut Triangle, right: &mut Vector, size: usize) -> Option<()> {
    for i in 0..size {
        for j in 0..=i {
            let sum = matrix[i][j] - (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum::<f64>();
            if i == j {
                if sum <= 1e-14 * matrix[i][i].abs() || !sum.is_finite() {
                    return None;
                }
                matrix[i][i] = sum.sqrt();
            } else {
                matrix[i][j] = sum / matrix[j][j];
            }
        }
        right[i] = (right[i] - (0..i).map(|k| matrix[i][k] * right[k]).sum::<f64>()) / matrix[i][i];
    }
    for i in (0..size).rev() {
        right[i] = (right[i] - (i + 1..size).map(|k| matrix[k][i] * right[k]).sum::<f64>()) / matrix[i][i];
    }
    Some(())
}

#[cfg(test)]
mod tests;
