//! Rules on the numbers of `summary.json` and `jobs.csv` that need the speeds of jobs, or all of
//! their deadlines.

use crate::job::JobSpec;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::units::{Gpus, SimDuration};

use super::evidence::{Checked, Evidence};
use super::ledger::Ledger;
use super::summary::{cluster, differs};
use super::truth::Truth;
use super::work::{check_speeds, pauses, rate, rate_on, single_rate, specs};

const HOUR: f64 = 3600.0;

/// What a run's jobs weigh, in GPU-seconds.
#[derive(Default)]
struct Weights {
    /// Held by jobs that were met or completed, without restart overhead.
    held: f64,
    /// What these take at the size at which each takes the fewest.
    useful: f64,
    /// What SLO jobs that count take as requested, and the part of those that were met; `None`
    /// where that is not known of one of them.
    requested: Option<[f64; 2]>,
    /// Speedup over one GPU × time with GPUs, of all jobs.
    speedup: f64,
}

/// The GPU-hours and the efficiency of `summary.json` follow from what jobs held and their speeds.
pub(super) fn gpu_hours(run: &Evidence<'_>) -> Checked {
    let (stored, ledger, truth) = (run.stored, run.ledger()?, run.truth()?);
    ledger.check_turns()?;
    check_speeds(truth)?;
    let cluster = cluster(stored)?;
    let specs = specs(truth);
    let mut weights = Weights { requested: Some([0.0; 2]), ..Weights::default() };
    for job in &stored.jobs {
        let Some(spec) = specs.get(job.job_id.as_str()) else {
            return Err(format!("job `{}` is not in the trace", job.job_id));
        };
        weights.add(job, spec, ledger, truth, cluster.gpus());
    }
    let m = &stored.summary.metrics;
    let by_weight = weights.requested.filter(|[all, _]| *all > 0.0).map(|[all, met]| met / all);
    let span = m.makespan.map(|span| span * f64::from(cluster.gpus().get())).filter(|span| *span > 0.0);
    let faults = [
        differs("held_gpu_hours", Some(m.held_gpu_hours), Some(weights.held / HOUR)),
        differs("useful_gpu_hours", Some(m.useful_gpu_hours), Some(weights.useful / HOUR)),
        differs("dsr_gpu_hours", m.dsr_gpu_hours, by_weight),
        differs("cluster_efficiency", m.cluster_efficiency, span.map(|span| weights.speedup / span)),
    ];
    Ok(faults.into_iter().flatten().collect())
}

impl Weights {
    fn add(&mut self, job: &JobRow, spec: &JobSpec, ledger: &Ledger<'_>, truth: &Truth, cluster: Gpus) {
        let is_done = matches!(job.state, JobOutcome::Met | JobOutcome::Completed);
        let single = single_rate(spec, truth);
        for (holding, restart) in pauses(ledger.of(&job.job_id), spec, truth) {
            let (held, paused) = holding.times(restart);
            self.speedup += rate(holding, spec, truth) / single * held.as_secs_f64();
            if is_done {
                self.held += f64::from(holding.nodes.gpus().get()) * (held - paused).as_secs_f64();
            }
        }
        if is_done {
            let fitting = truth.speeds.sizes(spec).iter().filter(|gpus| **gpus <= cluster);
            let cost = |gpus: &Gpus| Some(f64::from(gpus.get()) * time_on(spec, truth, *gpus)?.as_secs_f64());
            self.useful += fitting.filter_map(cost).fold(f64::INFINITY, f64::min);
        }
        if job.deadline_met.is_some() {
            let time = time_on(spec, truth, spec.requested).or(spec.duration);
            let weight = time.map(|time| f64::from(spec.requested.get()) * time.as_secs_f64());
            let is_met = f64::from(u8::from(job.state == JobOutcome::Met));
            self.requested =
                self.requested.zip(weight).map(|([all, met], weight)| [all + weight, met + is_met * weight]);
        }
    }
}

/// `feasible_alone` says whether the deadline could be met on the empty cluster.
pub(super) fn feasible(run: &Evidence<'_>) -> Checked {
    let (stored, truth) = (run.stored, run.truth()?);
    check_speeds(truth)?;
    let cluster = cluster(stored)?;
    let specs = specs(truth);
    let fault = |job: &JobRow| {
        let spec = specs.get(job.job_id.as_str())?;
        let fitting = || truth.speeds.sizes(spec).iter().filter(|gpus| **gpus <= cluster.gpus());
        let found = spec.deadline.map(|deadline| {
            let meets = |gpus: &Gpus| {
                let restart = truth.overhead.restart(spec, None, &cluster.packed(*gpus));
                time_on(spec, truth, *gpus).is_some_and(|time| spec.submit + restart + time <= deadline)
            };
            u8::from(fitting().any(meets))
        });
        let (id, stated) = (&job.job_id, job.feasible_alone);
        (stated != found)
            .then(|| format!("job `{id}`: feasible_alone is {stated:?}, but by its speeds it is {found:?}"))
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}

/// What was promised and earned is that of the rows and the deadlines.
pub(super) fn deadlines(run: &Evidence<'_>) -> Checked {
    let (stored, truth) = (run.stored, run.truth()?);
    if stored.summary.artifact_accepted.is_some() {
        return Err("the artifact counts promises by itself".to_owned());
    }
    let (specs, m) = (specs(truth), &stored.summary.metrics);
    let is_slo = |job: &&JobRow| job.class != "best_effort";
    let slo = || stored.jobs.iter().filter(is_slo);
    let counted: Vec<&JobRow> = slo().filter(|job| job.deadline_met.is_some()).collect();
    let promises_all = slo().all(|job| job.admitted == 0 || job.planned_end_time.is_some());
    let kept = counted
        .iter()
        .filter(|job| job.planned_end_time.zip(job.deadline).is_some_and(|(end, due)| end <= due));
    let planned = (promises_all && !counted.is_empty()).then(|| kept.count() as f64 / counted.len() as f64);
    // By job with soft deadlines: the part of its first value that it earned.
    let earned = |job: &JobRow| {
        let soft = &specs.get(job.job_id.as_str())?.soft;
        let full = soft.first()?.value;
        let in_time = soft.iter().find(|soft| job.end_time.is_some_and(|end| end <= soft.by));
        Some(in_time.map_or(0.0, |soft| soft.value) / full)
    };
    let shares: Vec<f64> = counted.iter().filter_map(|job| earned(job)).collect();
    let late = |job: &&JobRow| {
        job.state == JobOutcome::Late && job.admitted == 1 && earned(job).is_none_or(|share| share == 0.0)
    };
    let late = slo().filter(late).count() as u64;
    let mean = (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64);
    let mut faults: Vec<String> =
        [differs("planned_dsr", m.planned_dsr, planned), differs("soft_value", m.soft_value, mean)]
            .into_iter()
            .flatten()
            .collect();
    if m.admitted_late != late {
        faults.push(format!("admitted_late is {}, but jobs.csv has {late}", m.admitted_late));
    }
    Ok(faults)
}

/// Returns how long the work of a job takes on so many GPUs; `None` where it has no speed there.
fn time_on(spec: &JobSpec, truth: &Truth, gpus: Gpus) -> Option<SimDuration> {
    rate_on(spec, truth, gpus).map(|rate| spec.iterations.time_at(rate))
}
