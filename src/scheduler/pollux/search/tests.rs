use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::super::speedup::{Batches, Goodputs, Knowledge};
use super::*;
use crate::goodput::{BatchLimits, StepModel};

/// The applications of Pollux's evaluation: seven fitted parameters, batch sizes (initial, largest, least and most of a GPU),
/// and the gradient noise at the initial batch size at the beginning of training.
const APPLICATIONS: [(&str, [f64; 7], [u32; 4], f64); 6] = [
    (
        "cifar10",
        [0.017689, 0.00069856, 0.12894, 0.002618, 0.031471, 0.0054302, 2.3397],
        [128, 4096, 32, 1024],
        0.6638,
    ),
    (
        "imagenet",
        [0.064121, 0.0044982, 0.32753, 0.0062169, 0.062074, 0.018417, 2.6781],
        [200, 12800, 20, 200],
        4.824,
    ),
    ("bert", [0.17543, 0.058613, 1.4228, 0.0086017, 0.25153, 0.044357, 1.9604], [12, 384, 4, 12], 41.73),
    (
        "deepspeech2",
        [0.3105, 0.023557, 0.53202, 0.0098155, 0.00121, 0.12157, 1.543],
        [20, 640, 10, 80],
        0.4294,
    ),
    (
        "ncf",
        [0.0070854, 5.7184e-07, 0.014706, 0.00054815, 0.0031457, 0.0011436, 1.0],
        [256, 32768, 32, 32768],
        281.2,
    ),
    ("yolov3", [0.2483, 0.014853, 0.68725, 0.0096711, 0.033782, 0.072488, 1.0], [8, 512, 4, 8], 0.08209),
];
const TRACE: [usize; 40] = [
    0, 4, 5, 4, 4, 3, 1, 4, 3, 0, 3, 5, 3, 1, 1, 5, 5, 1, 3, 4, 5, 1, 1, 5, 4, 2, 0, 1, 4, 2, 5, 1, 3, 0, 5,
    0, 0, 0, 0, 4,
];

fn explore(count: usize, noise: impl Fn(usize) -> f64, most: u32, pen: f64, ncf: u32, seed: u64) -> f64 {
    let mut goodputs: Vec<Goodputs> = TRACE[..count]
        .iter()
        .map(|app| {
            let (
                _,
                [alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma],
                [initial, largest, low, high],
                _,
            ) = APPLICATIONS[*app];
            let model = StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma };
            let limits = BatchLimits { initial, largest, local: (low, high), pinned: None };
            Goodputs::new(Knowledge { model, noise: noise(*app) }, Batches::Within(limits))
        })
        .collect();
    let fair = 64u32.div_ceil(count as u32);
    let rows = goodputs
        .iter_mut()
        .zip(&TRACE[..count])
        .map(|(job, app)| {
            let [_, largest, low, _] = APPLICATIONS[*app].2;
            let cap = if *app == 4 { ncf } else { most.min(largest / low).min(64) };
            let base = job.at(false, fair);
            Row {
                current: vec![0; 16],
                cap,
                counts: None,
                after_change: pen,
                speedup: Box::new(move |spread, gpus| job.at(spread, gpus) / base),
            }
        })
        .collect();
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let found = search(
        rows,
        &[4; 16],
        &[vec![0; 16 * count]],
        Interference::OfAllLater,
        Effort { population: 100, generations: 100 },
        &mut draw,
    );
    found.fitness
}

#[test]
fn x() {
    let late = [250.8, 74.6, 124.1, 1547.0, 6753.0, 1001.0];
    let mid = [38.05, 62.9, 80.0, 1056.0, 5566.0, 77.3];
    for (name, noise) in
        [("begin", [0.6638, 4.824, 41.73, 0.4294, 281.2, 0.08209]), ("mid", mid), ("late", late)]
    {
        for most in [1, 2, 4, 8, 64] {
            for pen in [1.0, 0.9] {
                for ncf in [1, 64] {
                    let line: Vec<String> = [8, 20, 40]
                        .iter()
                        .map(|count| {
                            let mut all: Vec<f64> = (0..5)
                                .map(|seed| explore(*count, |app| noise[app], most, pen, ncf, seed))
                                .collect();
                            all.sort_by(f64::total_cmp);
                            format!("{:.4} {:.4} {:.4}", all[0], all[2], all[4])
                        })
                        .collect();
                    println!("{name} {most} {pen} ncf {ncf}: {}", line.join(" | "));
                }
            }
        }
    }
}
