use super::*;

/// Seconds that are easy to add: 1 + 2·m to compute, 3 + 0.5·(r − 2) over nodes, 2 + 0.25·(r − 2)
/// inside one.
fn model(gamma: f64) -> StepModel {
    StepModel { alpha_c: 1.0, beta_c: 2.0, alpha_n: 3.0, beta_n: 0.5, alpha_r: 2.0, beta_r: 0.25, gamma }
}

fn limits(initial: u32, largest: u32, local: (u32, u32)) -> BatchLimits {
    BatchLimits { initial, largest, local, gpus: 256, pinned: None }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-7 * b.abs(), "{a} is not {b}");
}

fn choose_batch(
    limits: &BatchLimits,
    gpus: u32,
    noise: f64,
    step: impl Fn(u32) -> (f64, f64),
) -> Option<BatchChoice> {
    Candidates::new(limits, gpus, step).best(noise)
}

#[test]
fn a_step_is_computing_and_exchanging_that_overlap() {
    let one = model(1.0);
    close(one.accumulate(4.0), 9.0);
    close(one.network(1, 1), 1e-8);
    // Two GPUs need no further one.
    close(one.network(1, 2), 2.0);
    close(one.network(1, 6), 3.0);
    close(one.network(2, 2), 3.0);
    close(one.network(4, 8), 6.0);
    // Nothing overlaps at 1: 9 + 3.
    close(one.step(1, 6, 4.0), 12.0);
    // √(4² + 3²), with (1 + 2·1.5) s of computing.
    close(model(2.0).step(1, 6, 1.5), 5.0);
    // 9³ + 6³ = 945 is its cube.
    close(libm::pow(model(3.0).step(4, 8, 4.0), 3.0), 945.0);
    // At 10 it is close to the longer one: 9·(1 + (1/3)^10)^0.1 = 9·(1 + 1.6935e-6).
    close(model(10.0).step(1, 6, 4.0), 9.000_015_24);
}

#[test]
fn gain_is_full_under_noise_and_nothing_without() {
    // (3 + 1) ÷ (3/2 + 1) at twice the initial batch.
    assert_eq!(gain(3.0, 8, 16), 1.6);
    // (3 + 1) ÷ (3·2 + 1) at half of it.
    assert_eq!(gain(3.0, 8, 4), 4.0 / 7.0);
    assert_eq!(gain(3.0, 8, 8), 1.0);
    assert_eq!(gain(0.0, 8, 64), 1.0);
    assert_eq!(gain(f64::INFINITY, 8, 64), 8.0);
}

#[test]
fn batches_split_evenly_with_the_fewest_accumulation_steps() {
    let bert = limits(12, 384, (4, 12));
    let split = |gpus, batch| split(&bert, gpus, batch).map(|s| (s.atomic, s.accumulation));
    assert_eq!(split(4, 48), Some((12, 0)));
    // 24 a GPU are two of 12.
    assert_eq!(split(2, 48), Some((12, 1)));
    // One GPU: the initial batch as it is, more in two parts at least.
    assert_eq!(split(1, 12), Some((12, 0)));
    assert_eq!(split(1, 14), Some((7, 1)));
    // 13 is prime, so two parts of 7 are next: 14.
    assert_eq!(split(1, 13), Some((7, 1)));
    // 70 a GPU need six parts, but only seven are even.
    assert_eq!(split(5, 350), Some((10, 6)));
    // 49 on 4 are 12.25 a GPU: two parts of 7.
    assert_eq!(split(4, 49), Some((7, 1)));
    // 3 a GPU are too few, and so is nothing.
    assert_eq!(split(4, 12), None);
    assert_eq!(split(4, 0), None);
    assert_eq!(split(0, 12), None);
}

#[test]
fn a_pinned_batch_stays_on_one_gpu() {
    let ncf = BatchLimits { pinned: Some(32768), ..limits(256, 32768, (32, 32768)) };
    let halves = BatchSplit { atomic: 16384, accumulation: 1 };
    assert_eq!(split(&ncf, 1, 32768), Some(halves));
    assert_eq!(split(&ncf, 2, 32768), None);
    assert_eq!(split(&ncf, 1, 256), None);
    assert_eq!(first_batch(&ncf, 1).map(|c| (c.batch, c.split)), Some((32768, halves)));
    // M0·gain ÷ seconds: 256·(1 + 1) ÷ (1/128 + 1) ÷ (2·0.5).
    let choice = choose_batch(&ncf, 1, 1.0, |_| (0.5, 0.5)).unwrap();
    assert_eq!((choice.batch, choice.split), (32768, halves));
    close(choice.goodput, 512.0 / (1.0 + 1.0 / 128.0));
}

#[test]
fn a_first_batch_is_as_small_as_may_be() {
    let first = |limits: &BatchLimits, gpus| first_batch(limits, gpus).map(|choice| choice.batch);
    let imagenet = limits(200, 12800, (20, 200));
    assert_eq!(first(&imagenet, 1), Some(200));
    // 200 ÷ 3 is 66.7, so 67 a GPU.
    assert_eq!(first(&imagenet, 3), Some(201));
    assert_eq!(first(&imagenet, 16), Some(320));
    assert_eq!(first(&limits(8, 32, (4, 8)), 16), None);
}

#[test]
fn without_noise_the_smallest_batch_wins_and_under_noise_the_largest() {
    let cifar = limits(128, 4096, (32, 1024));
    // A step takes 1 s whatever its size: without noise more examples are worth nothing, and the
    // first of equals wins.
    let still = choose_batch(&cifar, 4, 0.0, |_| (1.0, 1.0)).unwrap();
    assert_eq!((still.batch, still.goodput), (128, 128.0));
    // Under infinite noise every example counts.
    let noisy = choose_batch(&cifar, 4, f64::INFINITY, |_| (1.0, 1.0)).unwrap();
    assert_eq!((noisy.batch, noisy.goodput), (4096, 4096.0));
    assert_eq!(noisy.split, BatchSplit { atomic: 1024, accumulation: 0 });
    // 32 GPUs cannot go below 32 examples each.
    assert_eq!(choose_batch(&cifar, 32, 0.0, |_| (1.0, 1.0)).unwrap().batch, 1024);
    assert_eq!(choose_batch(&cifar, 129, 0.0, |_| (1.0, 1.0)), None);
}

/// Batches of 2 to 4 on one GPU whose parts are of at most 2: the grid rounds to 2, then, in two
/// parts, to 4. With ρ = 2 the gain of 4 over 2 is 3 ÷ 2 = 1.5; it takes two parts of 0.6 s against
/// one of 1 s.
#[test]
fn the_best_of_two_by_hand() {
    let two = limits(2, 4, (1, 2));
    let choice = choose_batch(&two, 1, 2.0, |atomic| {
        assert_eq!(atomic, 2);
        (0.6, 0.6)
    });
    // 2·1.5 ÷ 1.2 = 2.5 against 2 ÷ 0.6 = 3.33.
    assert_eq!(choice.unwrap().batch, 2);
    let choice = choose_batch(&two, 1, 2.0, |_| (0.2, 0.6)).unwrap();
    // 2·1.5 ÷ 0.8 = 3.75.
    assert_eq!(choice.batch, 4);
    close(choice.goodput, 3.75);
}

/// The largest candidate on 5 GPUs, 384, is 76.8 a GPU: seven parts of 11 are 385, one too many,
/// and seven of 10 remain.
#[test]
fn a_choice_beyond_the_largest_batch_is_cut_down() {
    let bert = limits(12, 384, (4, 12));
    let choice = choose_batch(&bert, 5, f64::INFINITY, |_| (0.0, 1.0)).unwrap();
    assert_eq!(choice.batch, 350);
    assert_eq!(choice.split, BatchSplit { atomic: 10, accumulation: 6 });
    close(choice.goodput, 385.0);
}

/// Batches of 8 to 60 in micro-batches of 8 alone, on 4 GPUs: 57 and 60 examples are 64 in two
/// parts each, and 7 in each are too few. Twice 8 on 3 GPUs are 48.
#[test]
fn a_choice_that_cutting_down_makes_impossible_is_passed_over() {
    let rigid = limits(8, 60, (8, 8));
    let batch = |gpus| choose_batch(&rigid, gpus, f64::INFINITY, |_| (0.0, 1.0)).map(|choice| choice.batch);
    assert_eq!([3, 4, 7, 8].map(batch), [Some(48), Some(32), Some(56), None]);
}

#[test]
fn no_job_is_split_over_more_gpus_than_are_known() {
    let few = BatchLimits { gpus: 4, ..limits(8, 64, (2, 8)) };
    assert_eq!((split(&few, 4, 32).is_some(), split(&few, 5, 40)), (true, None));
    assert_eq!(choose_batch(&few, 5, 1.0, |_| (1.0, 1.0)), None);
    assert_eq!(first_batch(&few, 5), None);
}

/// Every choice is split the way it was chosen, or better: the batch alone says how it is worked
/// off.
#[test]
fn a_choice_names_its_split() {
    for (initial, largest, local) in
        [(12, 384, (4, 12)), (128, 4096, (32, 1024)), (8, 512, (4, 8)), (20, 640, (10, 80))]
    {
        let limits = limits(initial, largest, local);
        for gpus in 1..=64 {
            for noise in [0.0, 0.3, 2.0, 17.0, 180.0, 3000.0] {
                let times = |atomic: u32| (0.3 + 0.02 * f64::from(atomic), 0.5 + 0.02 * f64::from(atomic));
                let Some(choice) = choose_batch(&limits, gpus, noise, times) else {
                    assert!(gpus * local.0 > largest);
                    continue;
                };
                assert_eq!(choice.split.batch(gpus), choice.batch);
                assert!(choice.batch <= largest && choice.batch >= initial.min(gpus * local.0));
            }
        }
    }
}
