//! One scenario in which every scheduler does something else, worked out by hand for each.

use std::collections::BTreeSet;

use crate::common::{job, run, scenario};
use elasticflow_sim::record::jobs::JobRow;
use elasticflow_sim::scheduler::{self, PolicyOptions};
use elasticflow_sim::sim::Scenario;

/// One node of 8 GPUs, changes are free, every job asks for all 8 and is `g` times as fast on `g`
/// GPUs as on one. On 8 GPUs job 0 needs 1000 s, due at 2200, job 1 500 s, due at 2100; job 2
/// comes at 200, needs 750 s and is due at 1200. That is 2250 s in all, so the three cannot all be
/// in time.
///
/// The ends:
///
/// - `elasticflow`: minimum shares are 4 GPUs for job 0 and 2 for job 1 (2000 s each), and what is
///   left doubles job 1's; job 2 is declined. Job 1 is done at 4000 / 4, job 0 with its other half
///   after 500 s on 8 GPUs.
/// - `elasticflow-no-admission`: the same until 200, when job 1 has 400 s on 8 GPUs left, job 0
///   900. Job 2 needs all 8 to be in time, until 950. Then job 1 needs 4, until 1750, and job 0
///   gets the other 4 and at last all: 500 s for what is left.
/// - `edf`: job 1 until 200, job 2 until 950, job 1 until 1250, job 0.
/// - `edf-admission`: job 1, job 0; job 2 is declined.
/// - `fifo`: job 0, job 1, job 2.
/// - `srtf`: job 1 (300 s left when job 2 comes), job 2, job 0.
/// - `gandiva`: turns of 60 s. At 200 job 0 has had 120 s and job 1 80, so the new ring is job 2,
///   1, 0, a turn of each in 180 s. Job 1 has 420 s left, and is done at the end of its seventh
///   turn, at 200 + 6 · 180 + 120 = 1400. Job 2 has had 420 s, job 0 480; job 2 is first, and its
///   other 330 s are done in its sixth turn, at 1400 + 5 · 120 + 30. Job 0 has all from there on.
/// - `tiresias`: 3250 GPU-s are 406.25 s on 8, 7200 are 900. Job 0 to 406.25, job 1 to 812.5, job 2
///   to 1218.75, then in the second queue job 0 to 1712.5, job 1 its other 93.75 s, job 2 its other
///   343.75; job 0 its last 100 in the third.
/// - `chronus`, with leases of 600 s: job 0 needs two of the three before its deadline and is
///   packed into the last ones, job 1 one, the first. Job 2 would need two, and has one. Job 1 is
///   done at 500; from there on job 2 is late, so what is left of the lease goes to job 0, which
///   has the next two and is done at 1500.
/// - `themis`: leases of 600 s, at first job 0's, by its place in the trace. With elapsed `a`, left
///   `b`, and `c` alone, shares are b / (c t - a) for the `t` at which they add up to 1. At 600
///   jobs 1 and 2 have had no lease; (600, 500, 1500) is 0.48 and (400, 750, 2250) is 0.36 at t =
///   1.1, so job 1 has the second and is done at 1100; job 2, which has still had none, has the
///   rest of it. At 1200 both have had one: job 0 (1200, 400, 2400) has 0.23, job 2 (1000, 650,
///   1500) 0.77. At 1800 job 0 (1800, 400, 2400) has 0.44 for one lease, job 2 (1600, 50, 1500)
///   0.56 for two; job 0 is done at 2200, and job 2 has its last 50 s.
/// - `pollux` draws, so that this is one of several runs, and plans every minute. Jobs 0 and 1 have
///   the one GPU that they may have at first, 2 from 120 on and 4 from 180 on. At 240 job 0 gives 2
///   back, of which job 2 has one, and from 300 on both. Job 1 has 3760 GPU-s left at 180 and is
///   done at 1120. From 1140 on the others have 4 each: job 2 has 4260 GPU-s left, until 2205; job
///   0, with 1400 left at 2220, has all 8 to itself. Deadlines play no part.
const ENDS: &[(&str, [&str; 3])] = &[
    ("elasticflow", ["1500 met", "1000 met", "declined"]),
    ("elasticflow-no-admission", ["2250 late", "1750 met", "950 met"]),
    ("edf", ["2250 late", "1250 met", "950 met"]),
    ("edf-admission", ["1500 met", "500 met", "declined"]),
    ("fifo", ["1000 met", "1500 met", "2250 late"]),
    ("srtf", ["2250 late", "500 met", "1250 late"]),
    ("gandiva", ["2250 late", "1400 met", "2030 late"]),
    ("tiresias", ["2250 late", "1806.25 met", "2150 late"]),
    ("themis", ["2200 met", "1100 met", "2250 late"]),
    ("chronus", ["1500 met", "500 met", "2250 late"]),
    ("pollux", ["2395 late", "1120 met", "2205 late"]),
];

fn ends(scheduler: &str) -> Vec<String> {
    let jobs = [
        job("linear", 0.0, 8000.0).due(2200.0).on(8),
        job("linear", 0.0, 4000.0).due(2100.0).on(8),
        job("linear", 200.0, 6000.0).due(1200.0).on(8),
    ];
    let describe = |row: &JobRow| {
        let state = format!("{:?}", row.state).to_lowercase();
        row.end_time.map_or(state.clone(), |end| format!("{end} {state}"))
    };
    let options: &[&str] = if scheduler == "chronus" { &["lease=600"] } else { &[] };
    let options = PolicyOptions::parse(options.iter().copied()).expect("options");
    run(&Scenario { options, ..scenario(scheduler, 1, 8, &jobs) }).jobs.iter().map(describe).collect()
}

#[test]
fn every_scheduler_differs_from_every_other() {
    let listed: Vec<&str> = scheduler::entries().iter().map(|entry| entry.name).collect();
    let worked_out: Vec<&str> = ENDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(worked_out, listed, "work out the ends under the new scheduler");
    for (name, expected) in ENDS {
        assert_eq!(ends(name), *expected, "{name}");
    }
    let different: BTreeSet<_> = ENDS.iter().map(|(_, ends)| ends).collect();
    assert_eq!(different.len(), ENDS.len());
}
