//! What a trace asks of a cluster.

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
    /// All jobs.
    pub jobs: usize,
    /// Jobs with a deadline.
    pub slo_jobs: usize,
    /// Jobs without one.
    pub best_effort_jobs: usize,
    /// The first submission, in seconds on the trace's clock.
    pub first_submit: SimTime,
    /// From the first submission to the last, in seconds.
    pub span: SimDuration,
    /// GPUs of the cluster that all below is about.
    pub cluster_gpus: Gpus,
    /// What the jobs ask for: stated duration × requested GPUs, or where there is no duration, the
    /// time of their iterations on these GPUs.
    pub requested: Load,
    /// What their work takes at the least, each at the number of GPUs where it needs the fewest
    /// GPU-hours.
    pub least: Load,
    /// SLO jobs that would be late even alone on the empty cluster, start pause included.
    pub infeasible_alone: usize,
    /// Jobs that ask for more GPUs than the cluster has.
    pub larger_than_cluster: usize,
    /// Jobs that ask for a number of GPUs at which they were not measured.
    pub unmeasured: usize,
    /// From submission to deadline ÷ duration, over the SLO jobs that state a duration; `None`
    /// where there is none.
    pub tightness: Option<Tightness>,
    /// How many jobs ask for how many GPUs.
    pub requested_gpus: BTreeMap<Gpus, usize>,
    /// How many jobs there are of each kind, by model and batch size.
    pub models: Vec<ModelCount>,
}

/// An amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Load {
    /// GPU-hours of all jobs that they are known of.
    pub gpu_hours: f64,
    /// These ÷ (span × GPUs of the cluster): above 1, work arrives faster than the cluster can do
    /// it. `None` where the span is zero.
    pub offered_load: Option<f64>,
}

/// How tight deadlines are, as multiples of the duration; quantiles by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tightness {
    /// The tightest.
    pub min: f64,
    /// A tenth are no looser.
    pub p10: f64,
    /// Half are no looser.
    pub p50: f64,
    /// Nine tenths are no looser.
    pub p90: f64,
    /// The loosest.
    pub max: f64,
}

/// How many jobs are of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCount {
    /// The model.
    pub model: String,
    /// Global batch size.
    pub batch_size: u32,
    /// Jobs that train it.
    pub jobs: usize,
    /// Their work in GPU-hours, each at the number of GPUs where it needs the fewest.
    pub least_gpu_hours: f64,
}

/// Seconds in an hour.
const HOUR: f64 = 3600.0;

/// Describes `workload` on a cluster of `cluster` GPUs, where a job that starts on some GPUs stands
/// still for `start_pause` of them first. Jobs whose curve `table` lacks count as infeasible, and
/// as no work.
pub fn describe(
    workload: &Workload,
    table: &ThroughputTable,
    cluster: Gpus,
    start_restart: impl Fn(Gpus) -> SimDuration,
) -> Description {
    let (mut requested, mut least) = (GpuTime::ZERO, GpuTime::ZERO);
    let (mut infeasible_alone, mut unmeasured) = (0, 0);
    let mut requested_gpus = BTreeMap::new();
    let mut models: BTreeMap<(&str, u32), (usize, GpuTime)> = BTreeMap::new();
    let mut shares = Vec::new();
    for job in workload.jobs() {
        let curve = table.curve(&job.model, job.batch_size);
        let rate = curve.and_then(|curve| curve.rate(job.requested));
        unmeasured += usize::from(rate.is_none());
        let stated = job.duration.or_else(|| rate.map(|rate| job.iterations.time_at(rate)));
        requested += stated.map_or(GpuTime::ZERO, |time| job.requested * time);
        let fewest = curve.map_or(GpuTime::ZERO, |curve| least_work(job, curve));
        least += fewest;
        let kind = models.entry((&job.model, job.batch_size)).or_default();
        *kind = (kind.0 + 1, kind.1 + fewest);
        *requested_gpus.entry(job.requested).or_default() += 1;
        if let Some(deadline) = job.deadline {
            let alone = curve.and_then(|curve| alone(job, curve, cluster, &start_restart));
            infeasible_alone += usize::from(alone.is_none_or(|time| job.submit + time > deadline));
            let duration = job.duration.filter(|time| *time > SimDuration::ZERO);
            shares.extend(duration.map(|time| deadline.since(job.submit).as_secs_f64() / time.as_secs_f64()));
        }
    }
    let first_submit = workload.arrivals().first().map_or(SimTime::ZERO, |id| workload.job(*id).submit);
    let last_submit = workload.arrivals().last().map_or(SimTime::ZERO, |id| workload.job(*id).submit);
    let span = last_submit.since(first_submit);
    let offered = (cluster * span).as_secs_f64();
    let load = |work: GpuTime| Load {
        gpu_hours: work.as_secs_f64() / HOUR,
        offered_load: (offered > 0.0).then(|| work.as_secs_f64() / offered),
    };
    let slo_jobs = workload.jobs().iter().filter(|job| job.deadline.is_some()).count();
    Description {
        jobs: workload.len(),
        slo_jobs,
        best_effort_jobs: workload.len() - slo_jobs,
        first_submit,
        span,
        cluster_gpus: cluster,
        requested: load(requested),
        least: load(least),
        infeasible_alone,
        larger_than_cluster: workload.jobs().iter().filter(|job| job.requested > cluster).count(),
        unmeasured,
        tightness: quantiles(shares),
        requested_gpus,
        models: models
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

/// The fewest GPU-seconds that do the work of `job`.
fn least_work(job: &JobSpec, curve: &Curve) -> GpuTime {
    let work = curve.measured().iter().map(|(gpus, rate)| *gpus * job.iterations.time_at(*rate));
    work.min().unwrap_or_default()
}

/// The least time from start to end on at most `cluster` GPUs; `None` where the job fits no such
/// cluster.
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
    let at = |tenths: usize| shares[(shares.len() * tenths).div_ceil(10).max(1) - 1];
    Some(Tightness { min, p10: at(1), p50: at(5), p90: at(9), max })
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
        GPU-hours at the least   4.0, 100 % of the cluster
        late even alone          2 SLO jobs
        larger than the cluster  2 jobs
        size not measured        1 jobs
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
