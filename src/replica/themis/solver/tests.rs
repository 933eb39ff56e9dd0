//! Shares beside those of ECOS 2.0.10 on the same cone programs.

use super::*;

/// GPUs, elapsed, left, speed, alone.
type ClaimRow = (f64, f64, f64, f64, f64);

/// Divides `gpus` among these claims.
fn shares(rows: &[ClaimRow], gpus: f64) -> Vec<f64> {
    let claim =
        |&(gpus, elapsed, left, speed, alone): &ClaimRow| FairnessClaim { gpus, elapsed, left, speed, alone };
    let claims: Vec<FairnessClaim> = rows.iter().map(claim).collect();
    let mut solver = Solver::default();
    // The second division reuses the memory of the first.
    solver.divide(&claims[1..], gpus);
    solver.divide(&claims, gpus);
    solver.shares().collect()
}

fn assert_near(rows: &[ClaimRow], gpus: f64, expected: &[f64], apart: f64) {
    let ours = shares(rows, gpus);
    assert_eq!(ours.len(), expected.len());
    for (ours, theirs) in ours.iter().zip(expected) {
        assert!((ours - theirs).abs() < apart, "{ours} for {theirs}");
    }
}

/// The second job is the bottleneck with all that it can use; 0.07 and 0.21 would do for the
/// others.
#[test]
fn shares_that_are_not_unique_are_those_of_ecos() {
    let rows = [
        (4.0, 120.0, 5491.1, 11.44, 8694.4),
        (1.0, 0.0, 3152.0, 1.3137, 3152.0),
        (4.0, 0.0, 2785.0, 4.642, 3713.3),
    ];
    assert_near(&rows, 8.0, &[0.50277, 1.0, 0.62553], 5e-4);
}

/// Seven jobs ask together for one GPU more than the cluster has.
#[test]
fn an_overloaded_round_is_that_of_ecos() {
    let rows = [
        (16.0, 92011.0, 634307.5, 13.693, 2959204.7),
        (8.0, 182628.0, 7108447.7, 9.816, 10110011.1),
        (16.0, 91760.0, 147975.5, 12.883, 3335790.0),
        (8.0, 95471.0, 1719.4, 16.534, 314942.1),
        (8.0, 169214.0, 3038227.3, 19.33, 4012187.0),
        (1.0, 89301.0, 249063.0, 7.309, 831431.0),
        (8.0, 104102.0, 36193.0, 16.534, 416610.5),
    ];
    assert_near(&rows, 64.0, &[0.73927, 0.71937, 0.73466, 1.0, 0.61773, 0.58221, 0.60509], 2e-3);
}

/// Where the capacity binds, the optimum is unique: all jobs have the same fairness, and all GPUs
/// are given away.
#[test]
fn shares_that_are_unique_are_the_optimum() {
    let rows = [
        (8.0, 100.0, 8000.0, 8.0, 16000.0),
        (8.0, 50.0, 4000.0, 10.0, 9000.0),
        (4.0, 10.0, 9000.0, 5.0, 9000.0),
    ];
    assert_near(&rows, 8.0, &[0.30586, 0.21676, 0.95475], 1e-4);
    let given: f64 = rows.iter().zip(shares(&rows, 8.0)).map(|(row, share)| row.0 * share).sum();
    assert!((given - 8.0).abs() < 1e-3, "{given}");
}

#[test]
fn one_job_has_all_it_can_use() {
    assert_near(&[(8.0, 100.0, 8000.0, 8.0, 8000.0)], 8.0, &[1.0], 1e-3);
}
