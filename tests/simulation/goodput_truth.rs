//! The applications against the measurements they come from: how far the fits, and the tables that
//! average over placements, are from every published row. docs/goodput.md has the same figures.

use crate::data;
use std::path::{Path, PathBuf};

use elasticflow_sim::application::{
    Application, Applications, Noise, StepMeasurement, StepTable, StepTime, Steps,
};
use elasticflow_sim::config::applications::{builtin, read};
use elasticflow_sim::config::profiles;
use elasticflow_sim::goodput::gain;

/// The folder of published measurements, if it is there.
fn traces() -> Option<PathBuf> {
    data::data().map(|data| data.join("pollux/traces"))
}

/// One published measurement of a step.
struct PublishedStep {
    nodes: u32,
    gpus: u32,
    atomic: u32,
    accumulate: f64,
    step: f64,
}

fn cells(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every published measurement of an application, in the order of the files.
fn rows(folder: &Path, application: &str) -> Vec<PublishedStep> {
    let number = |text: &str| text.parse::<f64>().unwrap();
    let placements = cells(&folder.join(application).join("placements.csv")).into_iter().map(|row| {
        let gpus: u32 = row[0].chars().map(|digit| digit.to_digit(10).unwrap()).sum();
        (row[0].len() as u32, gpus, number(&row[1]), number(&row[2]), number(&row[3]))
    });
    let scalability = cells(&folder.join(application).join("scalability.csv")).into_iter().map(|row| {
        (row[0].parse().unwrap(), row[1].parse().unwrap(), number(&row[2]), number(&row[3]), number(&row[4]))
    });
    let row = |(nodes, gpus, atomic, step, sync): (u32, u32, f64, f64, f64)| PublishedStep {
        nodes,
        gpus,
        atomic: atomic as u32,
        accumulate: step - sync,
        step,
    };
    placements.chain(scalability).map(row).collect()
}

/// The quantile of some errors, between the two nearest.
fn quantile(errors: &mut [f64], share: f64) -> f64 {
    errors.sort_by(f64::total_cmp);
    let place = share * (errors.len() - 1) as f64;
    let (low, high) = (errors[place.floor() as usize], errors[place.ceil() as usize]);
    low + place.fract() * (high - low)
}

/// Median, ninth decile and maximum of the relative errors of `found`.
fn errors(pairs: impl Iterator<Item = (f64, f64)>) -> [f64; 3] {
    let mut errors: Vec<f64> = pairs.map(|(found, right)| ((found - right) / right).abs()).collect();
    [0.5, 0.9, 1.0].map(|share| quantile(&mut errors, share))
}

/// Errors of steps and of accumulation steps over every row.
fn step_errors(steps: &Steps, rows: &[PublishedStep]) -> ([f64; 3], [f64; 3]) {
    let times = |row: &PublishedStep| steps.times(row.nodes, row.gpus, row.atomic).unwrap();
    (
        errors(rows.iter().map(|row| (times(row).step, row.step))),
        errors(rows.iter().map(|row| (times(row).accumulate, row.accumulate))),
    )
}

fn application<'a>(all: &'a Applications, name: &str) -> &'a Application {
    all.get(name).unwrap()
}

/// Returns whether what was found is what the documents say, to the last digit that they have.
fn matches(found: [f64; 3], stated: [f64; 3]) -> bool {
    found.iter().zip(stated).all(|(found, stated)| (found - stated).abs() <= 0.0005 + 1e-9)
}

/// Median, ninth decile and maximum of the error of a step by the fits, the same by the table of
/// means, and the median of the error of an accumulation step by the fits.
const STEPS: [(&str, [f64; 3], [f64; 3], f64); 6] = [
    ("cifar10", [0.067, 0.160, 0.471], [0.012, 0.092, 0.353], 0.042),
    ("imagenet", [0.054, 0.181, 0.478], [0.010, 0.083, 0.219], 0.023),
    ("bert", [0.044, 0.169, 0.383], [0.010, 0.048, 0.178], 0.017),
    ("deepspeech2", [0.069, 0.176, 0.336], [0.009, 0.045, 0.113], 0.089),
    ("ncf", [0.073, 0.216, 0.460], [0.022, 0.107, 0.306], 0.046),
    ("yolov3", [0.069, 0.198, 0.472], [0.0095, 0.059, 0.143], 0.209),
];

#[test]
fn steps_are_as_far_from_the_measurements_as_stated() {
    let Some(traces) = traces() else { return };
    let (fitted, measured) = (builtin("t4").unwrap(), read(&traces).unwrap().applications);
    for (name, by_fit, by_table, accumulate) in STEPS {
        let (fitted, measured) = (application(&fitted, name), application(&measured, name));
        // yolov3 was measured at larger micro-batches than it is allowed.
        let mut rows = rows(&traces, name);
        rows.retain(|row| row.atomic <= fitted.limits.local.1);
        let (step, micro) = step_errors(&fitted.steps, &rows);
        assert!(matches(step, by_fit), "{name}: {step:.4?}");
        assert!((micro[0] - accumulate).abs() < 0.0005 + 1e-9, "{name}: {micro:.4?}");
        let (step, _) = step_errors(&measured.steps, &rows);
        assert!(matches(step, by_table), "{name}: {step:.4?}");
    }
}

/// What is made up for numbers of nodes and GPUs that were not measured, judged by those that were:
/// each pair of them from 6 to 12 nodes left out, and each of these numbers of nodes as a whole.
/// Median and ninth decile of the error of a step.
#[test]
fn what_was_not_measured_is_as_far_off_as_stated() {
    let Some(traces) = traces() else { return };
    let (mut pair, mut nodes) = (Vec::new(), Vec::new());
    for (name, ..) in STEPS {
        let rows = rows(&traces, name);
        let without = |out: &dyn Fn(&PublishedStep) -> bool| {
            let kept = rows.iter().filter(|row| !out(row)).map(|row| StepMeasurement {
                nodes: row.nodes,
                gpus: row.gpus,
                atomic: row.atomic,
                time: StepTime { accumulate: row.accumulate, step: row.step },
            });
            Steps::Table(StepTable::new(kept).unwrap())
        };
        for row in rows.iter().filter(|row| (5..16).contains(&row.nodes)) {
            let error = |steps: &Steps| {
                let found = steps.times(row.nodes, row.gpus, row.atomic).unwrap().step;
                ((found - row.step) / row.step).abs()
            };
            pair.push(error(&without(&|other| (other.nodes, other.gpus) == (row.nodes, row.gpus))));
            nodes.push(error(&without(&|other| other.nodes == row.nodes)));
        }
    }
    let found = [&mut pair, &mut nodes]
        .map(|errors| [quantile(errors, 0.5), quantile(errors, 0.9), errors.len() as f64]);
    assert!(
        matches(found[0], [0.049, 0.160, 1208.0]) && matches(found[1], [0.054, 0.160, 1208.0]),
        "{found:.4?}"
    );
}

/// How many times as many iterations the noise by the fits takes from beginning to end as that by
/// the measurements, at each batch size that was tried, ascending; and median and ninth decile of
/// the error of the gain, at the initial batch size left out, where it is 1.
const ITERATIONS: [(&str, &[f64], [f64; 2]); 6] = [
    ("cifar10", &[1.0, 0.9998, 1.0089, 0.9889, 0.9987, 0.9996], [0.004, 0.024]),
    ("imagenet", &[1.0, 1.0013, 1.0002, 1.0002, 0.9959, 0.9748, 1.0254], [0.003, 0.021]),
    ("bert", &[1.0, 1.002, 1.0011, 0.9964, 1.005, 0.9979], [0.002, 0.006]),
    ("deepspeech2", &[1.0, 1.001, 0.998, 1.0013, 1.0043, 1.003], [0.003, 0.018]),
    ("ncf", &[1.0, 1.0004, 0.9985, 1.0013, 1.0017, 0.9892, 1.0032, 1.0196], [0.002, 0.016]),
    ("yolov3", &[1.0, 0.9997, 0.9991, 1.0001, 0.9981, 0.9937, 0.9977], [0.009, 0.074]),
];

#[test]
fn trainings_take_as_many_iterations_as_stated() {
    let Some(traces) = traces() else { return };
    let (fitted, measured) = (builtin("t4").unwrap(), read(&traces).unwrap().applications);
    for (name, ratios, gains) in ITERATIONS {
        let (fitted, measured) = (application(&fitted, name), application(&measured, name));
        let Noise::Measured(batches) = &measured.noise else { panic!("{name} was not measured") };
        assert_eq!(batches.len(), ratios.len());
        for ((batch, _), ratio) in batches.iter().zip(ratios) {
            let found = fitted.iterations_by_noise(*batch) / measured.iterations_by_noise(*batch);
            assert!((found - ratio).abs() < 0.004, "{name} at {batch}: {found}");
        }
        let epochs = measured.progress.len();
        let gain = |application: &Application, batch, epoch| {
            let noise = application.noise.at(epoch, epochs, batch);
            gain(noise, application.limits.initial, batch)
        };
        let larger = batches.iter().map(|(batch, _)| *batch).skip(1);
        let all = larger.flat_map(|batch| (0..epochs).map(move |epoch| (batch, epoch)));
        let [median, decile, _] =
            errors(all.map(|(batch, epoch)| (gain(fitted, batch, epoch), gain(measured, batch, epoch))));
        assert!(
            (median - gains[0]).abs() < 0.002 && (decile - gains[1]).abs() < 0.004,
            "{name}: {median} {decile}"
        );
        // What was published of the same training is entered with the fits.
        assert_eq!((measured.limits, &measured.tried), (fitted.limits, &fitted.tried));
        assert_eq!(measured.progress.len(), fitted.progress.len());
        assert!((measured.total() - fitted.total()).abs() < 0.1, "{name}: {}", measured.total());
        let even = fitted.progress.iter().zip(&measured.progress).map(|(even, found)| (even - found).abs());
        let worst = even.fold(0.0, f64::max) / measured.total();
        assert!(worst < 0.002, "{name}: {worst}");
    }
}

/// The built-in throughput table for T4 was made of the same measurements. The one that is made of
/// a folder is equal but for yolov3 on one to four GPUs, which there had micro-batches of 16, twice
/// what it is allowed.
#[test]
fn the_table_made_of_the_measurements_is_the_published_one() {
    let Some(traces) = traces() else { return };
    let (table, found) = (profiles::builtin("t4").unwrap(), read(&traces).unwrap().applications.throughput());
    let (mut equal, mut other) = (0, Vec::new());
    for (model, batch, curve) in table.curves() {
        for (gpus, rate) in curve.measured() {
            let found = found.curve(model, batch).and_then(|curve| curve.rate(*gpus)).unwrap();
            let error = (found.get() - rate.get()).abs() / rate.get();
            if error < 1e-12 { equal += 1 } else { other.push((model, gpus.get(), (1000.0 * error).round())) }
        }
    }
    assert_eq!((equal, other), (57, vec![("yolov3", 1, 119.0), ("yolov3", 2, 93.0), ("yolov3", 4, 139.0)]));
}
