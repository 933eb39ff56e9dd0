use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::super::speedup::{AllowedBatches, GoodputModel, Goodputs};
use super::*;
use crate::goodput::{BatchLimits, StepModel};

/// The applications of Pollux's evaluation: seven fitted parameters, batch sizes (initial, largest,
/// least and most of a GPU), and a gradient noise at the initial batch size: that of mid-training
/// for bert and yolov3, that of its beginning for the others.
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
    ("bert", [0.17543, 0.058613, 1.4228, 0.0086017, 0.25153, 0.044357, 1.9604], [12, 384, 4, 12], 80.0),
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
    ("yolov3", [0.2483, 0.014853, 0.68725, 0.0096711, 0.033782, 0.072488, 1.0], [8, 512, 4, 8], 77.3),
];
/// The first jobs of figure 8a's trace, by their applications.
const TRACE: [usize; 40] = [
    0, 4, 5, 4, 4, 3, 1, 4, 3, 0, 3, 5, 3, 1, 1, 5, 5, 1, 3, 4, 5, 1, 1, 5, 4, 2, 0, 1, 4, 2, 5, 1, 3, 0, 5,
    0, 0, 0, 0, 4,
];

const EFFORT: Effort = Effort { population: 100, generations: 100 };

fn jobs(count: usize) -> Vec<Goodputs> {
    let job = |app: &usize| {
        let (_, [alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma], sizes, noise) =
            APPLICATIONS[*app];
        let model = StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma };
        let [initial, largest, low, high] = sizes;
        let limits = BatchLimits { initial, largest, local: (low, high), gpus: 64, pinned: None };
        Goodputs::new(GoodputModel { steps: model, noise }, AllowedBatches::Within(limits))
    };
    TRACE[..count].iter().map(job).collect()
}

/// The first so many jobs of figure 8a's trace on 16 nodes of 4 GPUs that are all free, known by
/// their fitted parameters, 24 minutes after their submission. The artifact does not say at which
/// age and noise its values were taken; these reproduce them for 8 jobs, and so for 20 and 40.
fn cold(count: usize, seeds: Seeds, interference: Interference, seed: u64) -> SearchResult {
    let mut jobs = jobs(count);
    let share = 64u32.div_ceil(count as u32);
    let rows = jobs.iter_mut().zip(&TRACE).map(|(job, app)| {
        let [_, largest, low, _] = APPLICATIONS[*app].2;
        let cap = if APPLICATIONS[*app].0 == "ncf" { 1 } else { (largest / low).min(64) };
        // The artifact's fair share for all, so that what searches come to can be compared.
        let base = job.goodput(false, share);
        let speedup = Box::new(move |spans, gpus| job.goodput(spans, gpus) / base);
        SearchJob { current: vec![0; 16], cap, counts: None, after_change: 1440.0 / 1470.0, speedup }
    });
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    search(rows.collect(), &[4; 16], &[vec![0; 16 * count]], seeds, interference, EFFORT, &mut draw)
}

fn median(count: usize, seeds: Seeds, interference: Interference) -> f64 {
    let mut fitness: Vec<f64> = (0..20).map(|seed| cold(count, seeds, interference, seed).fitness).collect();
    fitness.sort_by(f64::total_cmp);
    (fitness[9] + fitness[10]) / 2.0
}

/// The artifact's search came to .1990 to .2002, .1601 to .1872 and .0036 to .0049 in a few runs
/// each.
#[test]
fn the_search_is_as_good_as_the_published_one() {
    for (count, least) in [(8, 0.199), (20, 0.1601), (40, 0.0036)] {
        let found = median(count, Seeds::None, Interference::AllLater);
        assert!(found >= least, "{count} jobs: {found}");
        let seeded = median(count, Seeds::Greedy, Interference::Spread);
        // No worse, but for what twenty draws leave open.
        assert!(seeded >= 0.99 * found, "{count} jobs: {seeded} with a greedy seed, {found} without");
        println!("{count} jobs: {found:.4}, with a greedy seed {seeded:.4}");
    }
}

#[test]
fn a_search_is_its_seed() {
    let [first, again, other] = [1, 1, 2].map(|seed| cold(20, Seeds::None, Interference::Spread, seed));
    assert_eq!(first, again);
    assert_ne!(first.best, other.best);
}

/// A job whose speed is its GPUs.
fn linear(current: &[u8], cap: u32) -> SearchJob<'static> {
    SearchJob {
        current: current.to_vec(),
        cap,
        counts: None,
        after_change: 1.0,
        speedup: Box::new(|_, gpus| f64::from(gpus)),
    }
}

fn repaired(jobs: Vec<SearchJob<'_>>, nodes: &[u8], plan: &[u8], interference: Interference) -> Vec<u8> {
    let effort = Effort { population: 4, generations: 1 };
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    search(jobs, nodes, &[plan.to_vec()], Seeds::None, interference, effort, &mut draw).best
}

/// Three jobs on three nodes of 4. The first two span nodes and meet on the second. Later rows lose
/// that node too only under the cumulative rule; the third row's 1 there is not of a job that spans
/// nodes.
#[test]
fn jobs_that_span_nodes_are_kept_apart() {
    let jobs = || (0..3).map(|_| linear(&[0; 3], 12)).collect();
    #[rustfmt::skip]
    let plan = [2, 1, 0,
                0, 1, 2,
                0, 1, 0];
    #[rustfmt::skip]
    let spread = [2, 1, 0,
                  0, 0, 2,
                  0, 1, 0];
    #[rustfmt::skip]
    let all_later = [2, 1, 0,
                     0, 0, 2,
                     0, 0, 0];
    assert_eq!(repaired(jobs(), &[4; 3], &plan, Interference::Spread), spread);
    assert_eq!(repaired(jobs(), &[4; 3], &plan, Interference::AllLater), all_later);
}

/// Rows take in their order: of 4 GPUs the second gets the one that is left, the third none; on the
/// smaller node the first has only what there is. Whoever may have 2 has 2, on one node or on both.
#[test]
fn no_job_has_more_than_there_is_or_than_its_cap() {
    let jobs = vec![linear(&[0; 2], 9), linear(&[0; 2], 9), linear(&[0; 2], 9)];
    assert_eq!(repaired(jobs, &[4, 2], &[3, 0, 2, 0, 1, 0], Interference::Spread), [3, 0, 1, 0, 0, 0]);
    assert_eq!(repaired(vec![linear(&[0; 2], 9)], &[4, 2], &[0, 4], Interference::Spread), [0, 2]);
    let cut = repaired(vec![linear(&[0; 2], 2)], &[4, 4], &[2, 3], Interference::Spread);
    assert_eq!(cut.iter().sum::<u8>(), 2);
    let counts = [1, 2, 4];
    let picky = SearchJob { counts: Some(&counts), ..linear(&[0; 2], 8) };
    assert_eq!(repaired(vec![picky], &[4, 4], &[0, 3], Interference::Spread), [0, 2]);
}

/// Two jobs that are as fast as their GPUs share 8 evenly: 1/((1/(4·¼ + 10⁻³) + 1/(4·¼ + 10⁻³))/2).
/// Nothing else is left to find, and the search ends by itself.
#[test]
fn two_jobs_share_evenly() {
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let jobs = vec![linear(&[0; 2], 8), linear(&[0; 2], 8)];
    let found = search(jobs, &[4; 2], &[vec![0; 4]], Seeds::None, Interference::Spread, EFFORT, &mut draw);
    assert!((found.fitness - 1.001).abs() < 1e-9, "{}", found.fitness);
    assert_eq!(found.best.chunks(2).map(|row| row.iter().sum::<u8>()).collect::<Vec<_>>(), [4, 4]);
    let alone = vec![SearchJob { cap: 1, ..linear(&[0; 4], 1) }];
    let found = search(alone, &[4; 4], &[vec![0; 4]], Seeds::None, Interference::Spread, EFFORT, &mut draw);
    assert!(found.tried < 1000, "{} plans tried of five states", found.tried);
}

/// A change that leaves a tenth of a job's time is not worth a fourth GPU, one that costs nothing
/// is.
#[test]
fn a_change_has_to_pay() {
    for (after_change, expected) in [(0.1, 3), (1.0, 4)] {
        let mut draw = ChaCha8Rng::seed_from_u64(1);
        let job = SearchJob { after_change, ..linear(&[3], 4) };
        let found =
            search(vec![job], &[4], &[vec![3]], Seeds::Greedy, Interference::Spread, EFFORT, &mut draw);
        assert_eq!(found.best, [expected]);
    }
}

/// Four jobs hold 30 GPUs each of a node of 120. Two parents together have up to 240 there, and
/// rows that go back to those in force add to that: more than a byte holds. Every plan still fits.
#[test]
fn plans_fit_nodes_of_many_gpus() {
    let jobs = (0..4).map(|_| linear(&[30], 120)).collect();
    let effort = Effort { population: 50, generations: 30 };
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let found = search(jobs, &[120], &[vec![30; 4]], Seeds::Greedy, Interference::Spread, effort, &mut draw);
    for plan in &found.front {
        assert!(plan.iter().map(|count| u32::from(*count)).sum::<u32>() <= 120, "{plan:?}");
    }
}
