//! Fits the seven parameters of [`StepModel`] to the steps that were observed of a job (Pollux,
//! section 4.1).
//!
//! The fit minimises the error of the logarithms, RMSE(ln T_acc) + RMSE(ln T_step). It prefers
//! computing and exchanging that do not overlap, by 10⁻³·(γ − 1)², and exchanges that do not slow
//! down with more GPUs, by 10⁻²·((β_n/α_n)² + (β_r/α_r)²). A parameter that no observation tells
//! anything about is pinned to its best possible value, so that a scheduler tries such GPUs.
//!
//! The method is a damped Gauss-Newton method inside bounds. The root r of a mean m of squares is
//! never above m/2r₀ + r₀/2, where r₀ is the root at the present parameters; the two are equal
//! there. Each step minimises that parabola instead of the root, which also works where all
//! residuals are zero and the root has a kink. Derivatives are exact, nothing is random, and the
//! starts depend only on the observations.

mod least_squares;

use crate::goodput::{NO_TIME, StepModel};
use least_squares::{Parabola, SquareSum, Triangle, Vector, solve_system};

/// The step that was observed of a job on one placement at one micro-batch size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ObservedStep {
    pub(super) nodes: u32,
    pub(super) gpus: u32,
    /// The examples of a micro-batch on one GPU.
    pub(super) atomic: f64,
    /// The seconds of a micro-batch that exchanges nothing; `None` where they are not known apart.
    pub(super) accumulate: Option<f64>,
    /// The seconds of the last micro-batch, in which gradients are exchanged.
    pub(super) step: f64,
}

/// The places of the parameters in a vector. Each β follows its α.
const ALPHA_C: usize = 0;
const BETA_C: usize = 1;
const ALPHA_N: usize = 2;
const BETA_N: usize = 3;
const ALPHA_R: usize = 4;
const BETA_R: usize = 5;
const GAMMA: usize = 6;

/// The smallest value of an α or a β, in seconds.
const LEAST: f64 = NO_TIME;
/// The smallest and the largest γ.
const GAMMA_BOUNDS: (f64, f64) = (1.0, 10.0);
const OVERLAP_WEIGHT: f64 = 1e-3;
const SCALING_WEIGHT: f64 = 1e-2;

/// The values of γ that searches start from.
const OVERLAPS: [f64; 3] = [1.001, 1.5, 3.0];

/// A search ends after this number of steps.
const STEPS: usize = 200;
/// A search ends when three steps in a row change the objective by less than this.
const SMALL: f64 = 1e-9;
/// The damping of the first step.
const FIRST_DAMPING: f64 = 1e-3;
const LEAST_DAMPING: f64 = 1e-9;
/// A search ends beyond this damping: no step improves it.
const MOST_DAMPING: f64 = 1e9;

/// Until an exchange between nodes is observed, it is assumed to be at least this many times as
/// slow as one inside a node.
const BEYOND_A_NODE: f64 = 1.1;

/// Returns the parameters that explain the observed steps best. There is at least one step.
pub(super) fn fit(steps: &[ObservedStep]) -> StepModel {
    let problem = FitProblem::new(steps);
    problem.model(problem.solve())
}

/// What to fit, and which parameters are fixed.
struct FitProblem {
    points: Vec<Point>,
    /// The number of points whose accumulation steps are known.
    accumulated: f64,
    /// The values of the parameters that are fixed.
    pinned: [Option<f64>; 7],
    /// Whether an exchange between nodes was observed.
    sees_nodes: bool,
}

/// An observed step, as the objective uses it.
struct Point {
    atomic: f64,
    exchange: Exchange,
    /// The logarithm of seconds.
    accumulate: Option<f64>,
    /// The logarithm of seconds.
    step: f64,
}

/// Between which GPUs gradients are exchanged, with their number beyond two.
#[derive(Clone, Copy)]
enum Exchange {
    Nothing,
    BetweenNodes(f64),
    InNode(f64),
}

/// The time to compute a micro-batch at some parameters: seconds, and their logarithm.
#[derive(Clone, Copy)]
struct ComputeTime {
    seconds: f64,
    log: f64,
}

impl Point {
    fn new(step: &ObservedStep) -> Point {
        let log = |seconds: f64| libm::log(seconds.max(NO_TIME));
        let further = (f64::from(step.gpus) - 2.0).max(NO_TIME);
        let exchange = match (step.nodes, step.gpus) {
            (2.., _) => Exchange::BetweenNodes(further),
            (_, 2..) => Exchange::InNode(further),
            _ => Exchange::Nothing,
        };
        Point { atomic: step.atomic, exchange, accumulate: step.accumulate.map(log), step: log(step.step) }
    }

    /// Returns the seconds of computing; those of the whole step where they are not known apart.
    fn compute_seconds(&self) -> f64 {
        libm::exp(self.accumulate.unwrap_or(self.step))
    }

    /// Returns the seconds of exchanging, if computing and exchanging overlap by `gamma`: at least
    /// a hundredth of the step.
    fn exchange_seconds(&self, gamma: f64) -> f64 {
        let (step, compute) = (libm::exp(self.step), self.compute_seconds());
        let beyond = 1.0 - libm::pow((compute / step).min(1.0), gamma);
        step * libm::pow(beyond, 1.0 / gamma).max(0.01)
    }

    /// Returns ln T_step less its observed value, and the derivatives of that.
    fn step_residual(&self, parameters: &Vector, compute: ComputeTime) -> (f64, Vector) {
        let gamma = parameters[GAMMA];
        let alpha = match self.exchange {
            Exchange::Nothing => None,
            Exchange::BetweenNodes(further) => Some((ALPHA_N, further)),
            Exchange::InNode(further) => Some((ALPHA_R, further)),
        };
        let network = match alpha {
            None => NO_TIME,
            Some((alpha, further)) => parameters[alpha] + parameters[alpha + 1] * further,
        };
        let log_network = libm::log(network);
        // Both powers are divided by the larger one, so that neither overflows.
        let (shorter, longer) = (compute.log.min(log_network), compute.log.max(log_network));
        let ratio = libm::exp(gamma * (shorter - longer));
        let rest = libm::log1p(ratio);
        let (longer_part, shorter_part) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
        let (compute_part, network_part) = if compute.log >= log_network {
            (longer_part, shorter_part)
        } else {
            (shorter_part, longer_part)
        };
        let mut slope = [0.0; 7];
        slope[ALPHA_C] = compute_part / compute.seconds;
        slope[BETA_C] = compute_part / compute.seconds * self.atomic;
        if let Some((alpha, further)) = alpha {
            slope[alpha] = network_part / network;
            slope[alpha + 1] = network_part / network * further;
        }
        slope[GAMMA] = (shorter_part * (shorter - longer) - rest / gamma) / gamma;
        (longer + rest / gamma - self.step, slope)
    }
}

impl FitProblem {
    fn new(steps: &[ObservedStep]) -> FitProblem {
        assert!(!steps.is_empty(), "a job is fitted once a step of it was observed");
        let accumulations: Vec<f64> = steps.iter().filter_map(|step| step.accumulate).collect();
        let accumulated = accumulations.len() as f64;
        let sees_nodes = steps.iter().any(|step| step.nodes > 1);
        let sees_pairs = steps.iter().any(|step| step.nodes == 1 && step.gpus > 1);
        let sees_more = steps.iter().any(|step| step.gpus > 2);
        let mut pinned = [None; 7];
        if steps.iter().all(|step| step.atomic == steps[0].atomic) && accumulated > 0.0 {
            // One size does not tell α_c from β_c: half of the mean time counts as fixed.
            pinned[ALPHA_C] = Some((accumulations.iter().sum::<f64>() / accumulated / 2.0).max(LEAST));
        }
        for (parameter, is_observed) in [
            (ALPHA_N, sees_nodes),
            (BETA_N, sees_nodes && sees_more),
            (ALPHA_R, sees_pairs),
            (BETA_R, sees_pairs && sees_more),
        ] {
            pinned[parameter] = (!is_observed).then_some(LEAST);
        }
        FitProblem { points: steps.iter().map(Point::new).collect(), accumulated, pinned, sees_nodes }
    }

    /// Returns where to start at an overlap of `gamma`: half of computing is the same for every
    /// size, and exchanging takes what the step takes beyond computing.
    fn start(&self, gamma: f64) -> Vector {
        let compute = mean(self.points.iter().map(Point::compute_seconds)) / 2.0;
        let size = mean(self.points.iter().map(|point| point.atomic));
        let mean_exchange = |is_wanted: fn(Exchange) -> bool| {
            let points = self.points.iter().filter(|point| is_wanted(point.exchange));
            mean(points.map(|point| point.exchange_seconds(gamma)))
        };
        let nodes = mean_exchange(|exchange| matches!(exchange, Exchange::BetweenNodes(_)));
        let node = mean_exchange(|exchange| matches!(exchange, Exchange::InNode(_)));
        [compute, compute / size, nodes, nodes / 10.0, node, node / 10.0, gamma]
    }

    /// Returns the smallest and the largest value of a parameter.
    fn bounds(&self, parameter: usize) -> (f64, f64) {
        match self.pinned[parameter] {
            Some(value) => (value, value),
            None if parameter == GAMMA => GAMMA_BOUNDS,
            None => (LEAST, f64::INFINITY),
        }
    }

    /// Returns the parameters moved inside their bounds.
    fn bounded(&self, mut parameters: Vector) -> Vector {
        for (parameter, value) in parameters.iter_mut().enumerate() {
            let (low, high) = self.bounds(parameter);
            *value = value.clamp(low, high);
        }
        parameters
    }

    /// Returns the best parameters that the searches from all of [`OVERLAPS`] end at, the first of
    /// equals: an objective can have one minimum at little overlap and another at much.
    fn solve(&self) -> Vector {
        let found = OVERLAPS.map(|gamma| {
            let found = self.minimise(self.start(gamma));
            (self.evaluate(&found).objective, found)
        });
        let [first, others @ ..] = found;
        others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best }).1
    }

    /// Returns a local minimum near `start`.
    fn minimise(&self, start: Vector) -> Vector {
        let mut parameters = self.bounded(start);
        let mut parabola = self.evaluate(&parameters);
        let mut damping = FIRST_DAMPING;
        let mut small = 0;
        for _ in 0..STEPS {
            let next = self.bounded(self.step(&parameters, &parabola, damping));
            let found = self.evaluate(&next);
            let gained = parabola.objective - found.objective;
            small = if gained.abs() < SMALL { small + 1 } else { 0 };
            if gained > 0.0 {
                (parameters, parabola) = (next, found);
                damping = (damping / 8.0).max(LEAST_DAMPING);
            } else {
                damping *= 4.0;
            }
            if small == 3 || damping > MOST_DAMPING {
                break;
            }
        }
        parameters
    }

    /// Returns the minimum of the damped parabola, perhaps out of bounds. A parameter stays if it
    /// is pinned, or at a bound that it would cross.
    fn step(&self, parameters: &Vector, parabola: &Parabola, damping: f64) -> Vector {
        let Parabola { gradient, curvature, .. } = parabola;
        let free: Vec<usize> = (0..7)
            .filter(|i| {
                let (low, high) = self.bounds(*i);
                let (value, slope) = (parameters[*i], gradient[*i]);
                low < high && !(value <= low && slope >= 0.0) && !(value >= high && slope <= 0.0)
            })
            .collect();
        let mut matrix: Triangle = [[0.0; 7]; 7];
        let mut right = [0.0; 7];
        for (row, i) in free.iter().enumerate() {
            for (column, j) in free[..=row].iter().enumerate() {
                matrix[row][column] = curvature[*i][*j];
            }
            matrix[row][row] += damping * curvature[*i][*i] + f64::MIN_POSITIVE;
            right[row] = -gradient[*i];
        }
        let mut next = *parameters;
        match solve_system(&mut matrix, &mut right, free.len()) {
            Some(()) => free.iter().zip(right).for_each(|(i, step)| next[*i] += step),
            // The parabola is too flat: each parameter goes down its own slope.
            None => free.iter().for_each(|i| {
                next[*i] -= gradient[*i] / ((1.0 + damping) * curvature[*i][*i] + f64::MIN_POSITIVE);
            }),
        }
        next
    }

    /// Returns the objective at some parameters, with its parabola.
    fn evaluate(&self, parameters: &Vector) -> Parabola {
        let (mut accumulating, mut stepping) = (SquareSum::default(), SquareSum::default());
        for point in &self.points {
            let seconds = parameters[ALPHA_C] + parameters[BETA_C] * point.atomic;
            let compute = ComputeTime { seconds, log: libm::log(seconds) };
            if let Some(observed) = point.accumulate {
                let mut slope = [0.0; 7];
                (slope[ALPHA_C], slope[BETA_C]) = (1.0 / seconds, point.atomic / seconds);
                accumulating.add(compute.log - observed, &slope);
            }
            let (residual, slope) = point.step_residual(parameters, compute);
            stepping.add(residual, &slope);
        }
        let mut parabola = Parabola::new();
        parabola.add_root(&accumulating, self.accumulated);
        parabola.add_root(&stepping, self.points.len() as f64);
        let mut slope = [0.0; 7];
        slope[GAMMA] = 1.0;
        parabola.add_square(OVERLAP_WEIGHT, parameters[GAMMA] - 1.0, &slope);
        for alpha in [ALPHA_N, ALPHA_R] {
            let ratio = parameters[alpha + 1] / parameters[alpha];
            let mut slope = [0.0; 7];
            (slope[alpha], slope[alpha + 1]) = (-ratio / parameters[alpha], 1.0 / parameters[alpha]);
            parabola.add_square(SCALING_WEIGHT, ratio, &slope);
        }
        parabola
    }

    /// Returns the model of some parameters. Until an exchange between nodes is observed, it is at
    /// least [`BEYOND_A_NODE`] times as slow as one inside a node.
    fn model(&self, parameters: Vector) -> StepModel {
        let [alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma] = parameters;
        let (alpha_n, beta_n) = if self.sees_nodes {
            (alpha_n, beta_n)
        } else {
            (alpha_n.max(BEYOND_A_NODE * alpha_r), beta_n.max(BEYOND_A_NODE * beta_r))
        };
        StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma }
    }
}

/// Returns the mean of some values; 0.1 if there are none. That is a stand-in: exchanges of which
/// there are none have pinned parameters, which start at their pins.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.1 } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests;
