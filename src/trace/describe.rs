//! Describes in numbers what a trace asks of a cluster.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::job::JobSpec;
use crate::profile::{Curve, ThroughputTable};
use crate::units::{GpuTime, Gpus, SimDuration, SimTime};
use crate::workload::Workload;

mod text;

/// A trace in numbers; see [`describe`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Jobs of the trace.
    pub jobs: usize,
    /// Jobs with a deadline.
    pub slo_jobs: usize,
    /// Jobs without a deadline.
    pub best_effort_jobs: usize,
    /// The first submission, in seconds on the trace's clock.
    pub first_submit: SimTime,
    /// From the first submission to the last, in seconds.
    pub span: SimDuration,
    /// GPUs of the cluster that the fields below refer to.
    pub cluster_gpus: Gpus,
    /// What the jobs ask for: requested GPUs × stated duration, or × the time of the iterations on
    /// these GPUs if no duration is stated.
    pub requested: Load,
    /// Requested GPUs × stated duration, over the jobs that state one.
    pub by_durations: Load,
    /// Requested GPUs × the time of the iterations on these GPUs, over the jobs that were measured
    /// there.
    pub by_speeds: Load,
    /// The least that their work takes: each job at the number of GPUs at which it needs the fewest
    /// GPU-hours.
    pub least: Load,
    /// SLO jobs that would be late even alone on the empty cluster, restart overhead of the start
    /// included.
    pub infeasible_alone: usize,
    /// Jobs that ask for more GPUs than the cluster has.
    pub larger_than_cluster: usize,
    /// Jobs that ask for a number of GPUs at which they were not measured.
    pub unmeasured: usize,
    /// Time from submission to deadline ÷ duration, over the SLO jobs that state a duration; `None`
    /// if there are none.
    pub tightness: Option<Tightness>,
    /// The number of jobs that ask for each number of GPUs.
    pub requested_gpus: BTreeMap<Gpus, usize>,
    /// The jobs of each kind, ascending by model and batch size.
    pub models: Vec<ModelCount>,
}

/// An amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Load {
    /// GPU-hours, over all jobs for which they are known.
    pub gpu_hours: f64,
    /// GPU-hours ÷ (span × GPUs of the cluster). Above 1, work arrives faster than the cluster can
    /// do it. `None` if the span is less than an hour: it would say little of so short a trace.
    pub offered_load: Option<f64>,
}

/// How tight the deadlines are, as multiples of the duration. Quantiles are by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tightness {
    /// The tightest deadline.
    pub min: f64,
    /// A tenth of the deadlines are no looser.
    pub p10: f64,
    /// Half of the deadlines are no looser.
    pub p50: f64,
    /// Nine tenths of the deadlines are no looser.
    pub p90: f64,
    /// The loosest deadline.
    pub max: f64,
}

/// The jobs of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCount {
    /// The model that they train.
    pub model: String,
    /// Global batch size, in samples.
    pub batch_size: u32,
    /// The number of jobs.
    pub jobs: usize,
    /// Their work in GPU-hours, each job at the number of GPUs at which it needs the fewest.
    pub least_gpu_hours: f64,
}

/// Seconds in an hour.
const HOUR: f64 = 3600.0;

/// Describes `workload` on a cluster of `cluster` GPUs. `start_restart` is the restart overhead of
/// a job that starts on some number of them. Jobs whose curve `table` lacks count as infeasible,
/// and as no work.
pub fn describe(
    workload: &Workload,
    table: &ThroughputTable,
    cluster: Gpus,
    start_restart: impl Fn(Gpus) -> SimDuration,
) -> Description {
    let sums = Sums::of(workload, table, cluster, start_restart);
    let submit = |job: Option<&JobSpec>| job.map_or(SimTime::ZERO, |job| job.submit);
    let first_submit = submit(workload.jobs().first());
    let span = submit(workload.jobs().last()).since(first_submit);
    let offered = (cluster * span).as_secs_f64();
    let load = |work: GpuTime| Load {
        gpu_hours: work.as_secs_f64() / HOUR,
        offered_load: (span >= SimDuration::from_secs(3600) && offered > 0.0)
            .then(|| work.as_secs_f64() / offered),
    };
    let slo_jobs = workload.jobs().iter().filter(|job| job.deadline.is_some()).count();
    Description {
        jobs: workload.len(),
        slo_jobs,
        best_effort_jobs: workload.len() - slo_jobs,
        first_submit,
        span,
        cluster_gpus: cluster,
        requested: load(sums.requested),
        by_durations: load(sums.by_durations),
        by_speeds: load(sums.by_speeds),
        least: load(sums.least),
        infeasible_alone: sums.infeasible_alone,
        larger_than_cluster: workload.jobs().iter().filter(|job| job.requested > cluster).count(),
        unmeasured: sums.unmeasured,
        tightness: quantiles(sums.shares),
        requested_gpus: sums.requested_gpus,
        models: sums
            .models
            .into_iter()
            .map(|((model, batch_size), (jobs, work))| ModelCount {
                model: model.to_owned(),
                batch_size,
                jobs,
                least_gpu_hours: work.as_secs_f64() / HOUR,
            })
            .collect(),
    }
}

/// What is summed up job by job.
#[derive(Default)]
struct Sums<'a> {
    requested: GpuTime,
    by_durations: GpuTime,
    by_speeds: GpuTime,
    least: GpuTime,
    infeasible_alone: usize,
    unmeasured: usize,
    requested_gpus: BTreeMap<Gpus, usize>,
    /// The number of jobs and their least work, by model and batch size.
    models: BTreeMap<(&'a str, u32), (usize, GpuTime)>,
    /// Time to the deadline ÷ duration.
    shares: Vec<f64>,
}

impl<'a> Sums<'a> {
    fn of(
        workload: &'a Workload,
        table: &ThroughputTable,
        cluster: Gpus,
        start_restart: impl Fn(Gpus) -> SimDuration,
    ) -> Sums<'a> {
        let mut sums = Sums::default();
        for job in workload.jobs() {
            let curve = table.curve(&job.model, job.batch_size);
            sums.add_work(job, curve);
            if let Some(deadline) = job.deadline {
                let alone = curve.and_then(|curve| alone(job, curve, cluster, &start_restart));
                sums.infeasible_alone += usize::from(alone.is_none_or(|time| job.submit + time > deadline));
                let left = deadline.since(job.submit).as_secs_f64();
                let duration = job.duration.filter(|time| *time > SimDuration::ZERO);
                sums.shares.extend(duration.map(|time| left / time.as_secs_f64()));
            }
        }
        sums
    }

    fn add_work(&mut self, job: &'a JobSpec, curve: Option<&Curve>) {
        let rate = curve.and_then(|curve| curve.rate(job.requested));
        self.unmeasured += usize::from(rate.is_none());
        let at_speed = rate.map(|rate| job.iterations.time_at(rate));
        let on_gpus = |time: Option<SimDuration>| time.map_or(GpuTime::ZERO, |time| job.requested * time);
        self.requested += on_gpus(job.duration.or(at_speed));
        self.by_durations += on_gpus(job.duration);
        self.by_speeds += on_gpus(at_speed);
        let least = curve.map_or(GpuTime::ZERO, |curve| least_work(job, curve));
        self.least += least;
        let kind = self.models.entry((&job.model, job.batch_size)).or_default();
        *kind = (kind.0 + 1, kind.1 + least);
        *self.requested_gpus.entry(job.requested).or_default() += 1;
    }
}

/// Returns the fewest GPU-seconds that do the work of `job`.
fn least_work(job: &JobSpec, curve: &Curve) -> GpuTime {
    let work = curve.measured().iter().map(|(gpus, rate)| *gpus * job.iterations.time_at(*rate));
    work.min().expect("a curve has at least one measurement")
}

/// Returns the least time from start to end on at most `cluster` GPUs; `None` if the job was
/// measured only on more.
fn alone(
    job: &JobSpec,
    curve: &Curve,
    cluster: Gpus,
    start_restart: impl Fn(Gpus) -> SimDuration,
) -> Option<SimDuration> {
    let sizes = curve.measured().iter().filter(|(gpus, _)| *gpus <= cluster);
    sizes.map(|(gpus, rate)| start_restart(*gpus) + job.iterations.time_at(*rate)).min()
}

fn quantiles(mut shares: Vec<f64>) -> Option<Tightness> {
    shares.sort_by(f64::total_cmp);
    let (min, max) = (*shares.first()?, *shares.last()?);
    let quantile = |tenths: usize| shares[(shares.len() * tenths).div_ceil(10).max(1) - 1];
    Some(Tightness { min, p10: quantile(1), p50: quantile(5), p90: quantile(9), max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;
    use crate::units::{Iterations, Rate};

    fn job(id: u32, submit: u64, deadline: Option<u64>, gpus: u32, duration: Option<u64>) -> JobSpec {
        JobSpec {
            id: JobId(id),
            name: id.to_string(),
            model: "m".into(),
            batch_size: 8,
            iterations: Iterations::new(3600.0),
            submit: SimTime::from_secs(submit),
            deadline: deadline.map(SimTime::from_secs),
            soft: Vec::new(),
            requested: Gpus::new(gpus),
            duration: duration.map(SimDuration::from_secs),
        }
    }

    #[test]
    fn a_trace_in_numbers() {
        let mut table = ThroughputTable::new("t");
        let curve = [(1, 1.0), (2, 1.5), (4, 2.0)].map(|(g, r)| (Gpus::new(g), Rate::new(r)));
        table.insert("m", 8, Curve::new(curve.to_vec()).unwrap());
        // 3600 iterations: 1 h on one GPU, 40 min on 2, 30 min on 4.
        let workload = Workload::new(vec![
            job(0, 0, Some(2409), 2, Some(2400)),
            job(1, 3600, Some(3600 + 2410), 2, None),
            job(2, 7200, None, 4, Some(1800)),
            job(3, 7200, Some(7201), 3, Some(7200)),
        ])
        .unwrap();
        let got = describe(&workload, &table, Gpus::new(2), |_| SimDuration::from_secs(10));
        assert_eq!((got.jobs, got.slo_jobs, got.best_effort_jobs), (4, 3, 1));
        // Alone on 2 GPUs a job takes 10 + 2400 s: job 0 is late by 1 s, job 1 ends at its
        // deadline, job 3 is late.
        assert_eq!(got.infeasible_alone, 2);
        assert_eq!((got.larger_than_cluster, got.unmeasured), (2, 1));
        // 2 × 40 min, twice; 4 × 30 min; 3 × 2 h. Offered: 2 h × 2 GPUs.
        assert!((got.requested.gpu_hours - (4.0 / 3.0 * 2.0 + 2.0 + 6.0)).abs() < 1e-9);
        assert!((got.least.gpu_hours - 4.0).abs() < 1e-9);
        assert_eq!(got.least.offered_load, Some(1.0));
        let tightness = got.tightness.unwrap();
        assert_eq!((tightness.min, tightness.max), (1.0 / 7200.0, 2409.0 / 2400.0));
        assert_eq!(got.requested_gpus[&Gpus::new(2)], 2);
        insta::assert_snapshot!(got.text(), @r#"
        jobs                     4 (3 SLO, 1 best effort)
        submitted                over 2.0 h, from 0 s to 7200 s
        cluster                  2 GPUs
        GPU-hours asked for      10.7, 267 % of the cluster
          by stated durations    9.3, 233 % of the cluster
          by measured speeds     4.7, 117 % of the cluster
        GPU-hours at the least   4.0, 100 % of the cluster
        late even alone          2 SLO jobs
        larger than the cluster  2 jobs
        size not measured        1 job
        deadline ÷ duration      min 0.00, p10 0.00, p50 0.00, p90 1.00, max 1.00

        GPUs asked for      jobs
                     2         2
                     3         1
                     4         1

        model  batch size    jobs   least GPU-hours
        m               8       4               4.0
        "#);
        assert!(
            serde_json::to_string(&got).unwrap().contains("\"requested_gpus\":{\"2\":2,\"3\":1,\"4\":1}")
        );
    }
}
