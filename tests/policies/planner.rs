//! Admission, checked against the independent filling of `tests/common/filling.rs`: whatever
//! constant-level filling in deadline order could promise is promised.

use crate::common::base_scenario;
use crate::filling;
use crate::filling::{Filled, Free, Job, Size};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::{ChangeCost, OverheadPreset};
use elasticflow_sim::placement;
use elasticflow_sim::profile::{Curve, ThroughputTable};
use elasticflow_sim::sim::{Scenario, simulate};
use elasticflow_sim::units::{Gpus, Iterations, Rate, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SECOND: u64 = 1_000_000;

/// Jobs that are all submitted at time 0 to an empty cluster.
#[derive(Clone, Debug)]
struct Instance {
    gpus: u32,
    restart: u64,
    /// `None`: a best-effort job, which takes nothing from any other.
    jobs: Vec<(Job, Option<u64>)>,
}

fn instance(rng: &mut ChaCha8Rng) -> Instance {
    let gpus = rng.random_range(1..=24);
    let restart = rng.random_range(0..=1) * rng.random_range(0..20 * SECOND);
    let jobs = (0..rng.random_range(2..=9)).map(|_| {
        let (mut size, mut rate) = (0, 0);
        let sizes: Vec<_> = (0..rng.random_range(1..=5))
            .map(|_| {
                size += rng.random_range(1..=4);
                rate += rng.random_range(1..=4);
                Size { gpus: size, rate, restart }
            })
            .filter(|size| size.gpus <= gpus)
            .collect();
        let due = (rng.random_range(0..6) > 0).then(|| rng.random_range(1..150 * SECOND));
        let work = rng.random_range(1..300) * SECOND + rng.random_range(0..SECOND);
        (Job { sizes, work, held: (0, 0), due: due.unwrap_or_default() }, due)
    });
    // A job that fits no cluster of this size is declined before any plan.
    let jobs = jobs.filter(|(job, _)| !job.sizes.is_empty()).collect();
    Instance { gpus, restart, jobs }
}

/// The instance as a scenario that is cut off after its first plan.
fn scenario(instance: &Instance, name: &str) -> Scenario {
    let mut table = ThroughputTable::new("test");
    let specs = instance.jobs.iter().enumerate().map(|(row, (job, due))| {
        let model = format!("m{row}");
        let points = job.sizes.iter().map(|size| (Gpus::new(size.gpus), Rate::new(size.rate as f64)));
        table.insert(&model, 1, Curve::new(points.collect()).unwrap());
        JobSpec {
            id: JobId(row as u32),
            name: row.to_string(),
            model,
            batch_size: 1,
            iterations: Iterations::new(job.work as f64 / 1e6),
            submit: SimTime::ZERO,
            deadline: due.map(SimTime::from_micros),
            soft: Vec::new(),
            requested: Gpus::ONE,
            duration: None,
        }
    });
    let workload = Workload::new(specs.collect()).unwrap();
    let restart = SimDuration::from_micros(instance.restart);
    let restart = OverheadPreset::from(ChangeCost::Fixed(restart));
    let cluster = Shape::uniform(1, Gpus::new(instance.gpus)).unwrap();
    Scenario {
        overhead: restart.for_cluster(cluster.gpus()).into(),
        placer: placement::entry("first-fit").unwrap(),
        until: Some(SimTime::ZERO),
        ..base_scenario(workload, &table, cluster, name)
    }
}

/// What is left of `free` beside `spans`.
fn without(free: &Free, spans: &[(u64, u64, u32)]) -> Free {
    let mut times: Vec<u64> = free.iter().map(|step| step.0).collect();
    times.extend(spans.iter().flat_map(|(from, to, _)| [*from, *to]));
    times.sort_unstable();
    times.dedup();
    let at = |time: u64| {
        let there = free.iter().take_while(|step| step.0 <= time).last().unwrap().1;
        let taken: u32 = spans.iter().filter(|s| s.0 <= time && time < s.1).map(|s| s.2).sum();
        there - taken
    };
    times.into_iter().map(|time| (time, at(time))).collect()
}

/// Whether all of `jobs` are in time when they are filled in deadline order, and then the end of
/// `guest`; `None` where that is a matter of rounding.
fn promise(instance: &Instance, jobs: &[usize], guest: usize, filling: Filling) -> Option<Option<u64>> {
    let mut order = jobs.to_vec();
    order.sort_by_key(|row| (instance.jobs[*row].0.due, *row));
    let mut free: Free = vec![(0, instance.gpus)];
    let mut promised = None;
    for row in order {
        match filling(&free, &instance.jobs[row].0) {
            Filled::Unclear => return None,
            Filled::Late => return Some(None),
            Filled::InTime { end, spans } => {
                free = without(&free, &spans);
                promised = promised.or((row == guest).then_some(end));
            }
        }
    }
    Some(promised)
}

/// How a policy fills one job.
type Filling = fn(&Free, &Job) -> Filled;

fn at_least_share(free: &Free, job: &Job) -> Filled {
    filling::fill_least(free, job).1
}

fn at_the_largest(free: &Free, job: &Job) -> Filled {
    filling::fill(free, job, job.sizes.len() - 1)
}

#[derive(Debug, Default)]
struct Count {
    promised: u32,
    declined: u32,
    beyond: u32,
    unclear: u32,
}

/// Judges each job beside those that the simulation had admitted before it.
fn judge(scheduler: &str, filling: Filling, instances: u32, seed: u64) -> Count {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    for number in 0..instances {
        let instance = instance(&mut rng);
        let outcome = simulate(&scenario(&instance, scheduler), &mut ()).unwrap();
        let (mut admitted, mut beyond) = (Vec::new(), false);
        for (row, (_, due)) in instance.jobs.iter().enumerate() {
            let ours = &outcome.jobs[row];
            if due.is_none() {
                assert_eq!(ours.admitted, 1, "{number}: best effort");
                continue;
            }
            let with: Vec<usize> = admitted.iter().copied().chain([row]).collect();
            let theirs = promise(&instance, &with, row, filling);
            match theirs {
                None => count.unclear += 1,
                Some(None) if ours.admitted == 1 => {
                    beyond = true;
                    count.beyond += 1;
                }
                Some(None) => count.declined += 1,
                Some(Some(end)) => {
                    assert_eq!(
                        ours.admitted, 1,
                        "{number}: {scheduler} refuses {row}: {} {instance:?}",
                        ours.reason
                    );
                    // A job that was promised more than filling could leaves another set behind: no
                    // worse, but other ends.
                    if !beyond {
                        let promised = ours.planned_end_time.unwrap().as_micros();
                        let off = promised.abs_diff(end);
                        assert!(off <= 20, "{number}: {row} by {promised}, not {end}: {instance:?}");
                    }
                    count.promised += 1;
                }
            }
            if ours.admitted == 1 {
                admitted.push(row);
            }
        }
    }
    count
}

#[test]
fn elasticflow_promises_all_that_constant_level_filling_could() {
    let count = judge("elasticflow", at_least_share, 100_000, 7);
    assert!(count.promised > 40_000 && count.declined > 20_000 && count.unclear < 50, "{count:?}");
}

#[test]
fn edf_admission_promises_all_that_filling_at_the_largest_size_could() {
    let count = judge("edf-admission", at_the_largest, 100_000, 8);
    assert!(count.promised > 40_000 && count.declined > 20_000 && count.unclear < 50, "{count:?}");
}
