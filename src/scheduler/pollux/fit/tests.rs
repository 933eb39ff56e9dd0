use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// The fitted parameters of the applications of Pollux's evaluation, with the smallest and the
/// largest micro-batch of one GPU.
const MODELS: [(StepModel, (u32, u32)); 6] = [
    (model([0.017689, 0.00069856, 0.12894, 0.002618, 0.031471, 0.0054302, 2.3397]), (32, 1024)),
    (model([0.064121, 0.0044982, 0.32753, 0.0062169, 0.062074, 0.018417, 2.6781]), (20, 200)),
    (model([0.17543, 0.058613, 1.4228, 0.0086017, 0.25153, 0.044357, 1.9604]), (4, 12)),
    (model([0.3105, 0.023557, 0.53202, 0.0098155, 0.00121, 0.12157, 1.543]), (10, 80)),
    (model([0.0070854, 5.7184e-07, 0.014706, 0.00054815, 0.0031457, 0.0011436, 1.0]), (32, 32768)),
    (model([0.2483, 0.014853, 0.68725, 0.0096711, 0.033782, 0.072488, 1.0]), (4, 8)),
];

const fn model([alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma]: Vector) -> StepModel {
    StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma }
}

/// The nodes and GPUs of each placement.
const PLACEMENTS: [(u32, u32); 12] =
    [(1, 1), (1, 2), (1, 4), (2, 4), (2, 6), (2, 8), (3, 9), (1, 3), (4, 16), (8, 24), (16, 64), (2, 2)];

/// Observes a model on the first `placements` of [`PLACEMENTS`], at two micro-batch sizes each.
/// Each time is wrong by up to `error` times itself.
fn observe(
    model: &StepModel,
    sizes: (u32, u32),
    placements: usize,
    error: f64,
    draw: &mut ChaCha8Rng,
) -> Vec<ObservedStep> {
    let mut steps = Vec::new();
    for (nodes, gpus) in &PLACEMENTS[..placements] {
        for part in [0.3, 0.9] {
            let atomic = (f64::from(sizes.0) + part * f64::from(sizes.1 - sizes.0)).round();
            let mut draw_factor = || 1.0 + error * draw.random_range(-1.0..1.0);
            let accumulate = Some(model.accumulate(atomic) * draw_factor());
            steps.push(ObservedStep {
                nodes: *nodes,
                gpus: *gpus,
                atomic,
                accumulate,
                step: model.step(*nodes, *gpus, atomic) * draw_factor(),
            });
        }
    }
    steps
}

/// Compares with central differences at 20 random parameters of each application.
#[test]
fn the_gradient_is_that_of_the_objective() {
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    for (model, sizes) in MODELS {
        let problem = FitProblem::new(&observe(&model, sizes, 12, 0.1, &mut draw));
        for _ in 0..20 {
            let start = problem.start(1.001);
            let mut parameters = start;
            parameters.iter_mut().for_each(|value| *value *= draw.random_range(0.3..3.0));
            parameters[GAMMA] = draw.random_range(1.01..9.0);
            let gradient = problem.evaluate(&parameters).gradient;
            for index in 0..7 {
                let by = parameters[index] * 1e-5;
                let move_by = |by: f64| {
                    let mut parameters = parameters;
                    parameters[index] += by;
                    problem.evaluate(&parameters).objective
                };
                let slope = (move_by(by) - move_by(-by)) / (2.0 * by);
                assert!(
                    (slope - gradient[index]).abs() * parameters[index] < 1e-6,
                    "{index}: {slope} is not {}",
                    gradient[index]
                );
            }
        }
    }
}

/// If every placement is observed and no time is wrong, only the preferences move the fit: 10⁻³ and
/// 10⁻² times small numbers.
#[test]
fn exact_times_are_explained() {
    let mut draw = ChaCha8Rng::seed_from_u64(2);
    for (model, sizes) in MODELS {
        let steps = observe(&model, sizes, 12, 0.0, &mut draw);
        let fitted = fit(&steps);
        for observed in &steps {
            let step = fitted.step(observed.nodes, observed.gpus, observed.atomic);
            assert!((step / observed.step - 1.0).abs() < 0.03, "{step} is not {}: {fitted:?}", observed.step);
        }
    }
}

/// Compares each fit with 30 searches that start far apart, for each application and from one
/// observed placement to all of them.
#[test]
fn no_other_start_ends_lower() {
    let mut draw = ChaCha8Rng::seed_from_u64(3);
    let (mut fits, mut higher) = (0, 0);
    for (model, sizes) in MODELS {
        for placements in 1..=PLACEMENTS.len() {
            let problem = FitProblem::new(&observe(&model, sizes, placements, 0.15, &mut draw));
            let start = problem.start(1.001);
            let found = problem.evaluate(&problem.solve()).objective;
            let mut best = found;
            for _ in 0..30 {
                let mut other = start;
                other.iter_mut().for_each(|value| *value *= libm::pow(10.0, draw.random_range(-2.0..1.0)));
                other[GAMMA] = draw.random_range(1.0..6.0);
                best = best.min(problem.evaluate(&problem.minimise(other)).objective);
            }
            fits += 1;
            higher += u32::from(found > best + 1e-6);
            assert!(found <= 1.01 * best, "{found} is more than 1.01 times {best}");
        }
    }
    // Rarely, there is another minimum where an exchange inside a node takes no time.
    assert!(higher <= 1, "{higher} of {fits} fits end above another search");
}

/// Returns the step of a micro-batch of `atomic` examples on one GPU.
fn step_on_one_gpu(atomic: f64, seconds: f64) -> ObservedStep {
    ObservedStep { nodes: 1, gpus: 1, atomic, accumulate: Some(seconds), step: seconds }
}

#[test]
fn what_was_not_observed_is_assumed_perfect() {
    // One size: half of the 2 s counts as fixed, and exchanges cost nothing.
    let fitted = fit(&[step_on_one_gpu(10.0, 2.0)]);
    assert_eq!(
        (fitted.alpha_c, fitted.alpha_n, fitted.beta_n, fitted.alpha_r, fitted.beta_r),
        (1.0, 1.1 * 1e-8, 1.1 * 1e-8, 1e-8, 1e-8)
    );
    assert!((fitted.beta_c - 0.1).abs() < 1e-6, "{fitted:?}");
    assert!((fitted.step(4, 16, 10.0) - 2.0).abs() < 1e-5);
    // Two sizes: 1 + 0.1·m.
    let fitted = fit(&[step_on_one_gpu(10.0, 2.0), step_on_one_gpu(30.0, 4.0)]);
    assert!((fitted.alpha_c - 1.0).abs() < 1e-5 && (fitted.beta_c - 0.1).abs() < 1e-6, "{fitted:?}");
    // An exchange between two GPUs of a node takes 1 s; one between nodes is assumed to take a
    // tenth more.
    let two = ObservedStep { gpus: 2, step: 3.0, ..step_on_one_gpu(10.0, 2.0) };
    let fitted = fit(&[step_on_one_gpu(10.0, 2.0), step_on_one_gpu(30.0, 4.0), two]);
    assert!((fitted.step(1, 2, 10.0) - 3.0).abs() < 1e-3, "{fitted:?}");
    assert_eq!(fitted.alpha_n, 1.1 * fitted.alpha_r);
    assert_eq!(fitted.beta_r, 1e-8);
}

/// A throughput table gives the times of steps alone. Here an example takes 2 s on one GPU.
#[test]
fn steps_alone_are_enough() {
    let steps = [(1, 1, 8.0, 16.0), (1, 2, 4.0, 8.5), (1, 4, 2.0, 4.7)]
        .map(|(nodes, gpus, atomic, step)| ObservedStep { nodes, gpus, atomic, accumulate: None, step });
    let fitted = fit(&steps);
    for observed in &steps {
        let step = fitted.step(1, observed.gpus, observed.atomic);
        assert!((step / observed.step - 1.0).abs() < 0.01, "{fitted:?}");
    }
}
