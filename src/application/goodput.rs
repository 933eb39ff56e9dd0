//! The speeds of a workload's jobs by what their applications do.

use std::collections::BTreeMap;

use crate::job::JobSpec;
use crate::profile::{BatchLimits, Configuration, Measurement, MissingCurve, SpeedModel};
use crate::units::{Gpus, Iterations, Rate};
use crate::workload::Workload;

use super::{Application, Applications, PER_NODE, Pace};

/// Goodput as the truth of a run.
///
/// A job has done as large a part of its application's training as of its iterations, at whatever
/// batch size it does them: its rate is that of its progress, scaled so that the whole training is
/// the job's number of iterations. The rate changes by itself at the end of each epoch, with the
/// noise of gradients.
#[derive(Clone, Debug)]
pub struct Goodput {
    kinds: Vec<Kind>,
    by_job: Vec<u32>,
}

/// Jobs of one application that were submitted with one batch size.
#[derive(Clone, Debug)]
struct Kind {
    application: Application,
    sizes: Vec<Gpus>,
}

impl Goodput {
    /// Looks up the application of every job.
    ///
    /// # Errors
    ///
    /// If a job's model is no application, or its batch size is not one that the application can be
    /// given.
    pub fn new(applications: &Applications, workload: &Workload) -> Result<Goodput, MissingCurve> {
        let mut index: BTreeMap<(&str, u32), u32> = BTreeMap::new();
        let mut kinds = Vec::new();
        let mut by_job = Vec::new();
        for job in workload.jobs() {
            let key = (job.model.as_str(), job.batch_size);
            if let Some(kind) = index.get(&key) {
                by_job.push(*kind);
                continue;
            }
            let known = applications.get(&job.model).ok_or_else(|| applications.missing(&job.model));
            let kind = known.and_then(|application| {
                Ok(Kind { sizes: sizes(application, job.batch_size)?, application: application.clone() })
            });
            kinds.push(kind.map_err(|what| MissingCurve { job: job.name.clone(), what })?);
            index.insert(key, kinds.len() as u32 - 1);
            by_job.push(kinds.len() as u32 - 1);
        }
        Ok(Goodput { kinds, by_job })
    }

    fn kind(&self, job: &JobSpec) -> &Kind {
        &self.kinds[self.by_job[job.id.index()] as usize]
    }

    fn pace(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Pace> {
        let application = &self.kind(job).application;
        application.pace(epoch(application, job, at), setting.nodes, setting.gpus.get(), setting.batch)
    }
}

/// The iterations of a job after which its epoch ends.
fn end_of(application: &Application, job: &JobSpec, epoch: usize) -> f64 {
    application.progress[epoch] / application.total() * job.iterations.get()
}

/// The epoch that a job is in; after the last, the last.
fn epoch(application: &Application, job: &JobSpec, at: Iterations) -> usize {
    let last = application.progress.len() - 1;
    let share = at.get() / job.iterations.get() * application.total();
    // To within a rounding; the exact comparison is the one with `until`.
    let near = application.progress.partition_point(|end| *end <= share);
    let from = near.saturating_sub(1);
    let over = (from..last).take_while(|epoch| end_of(application, job, *epoch) <= at.get()).count();
    (from + over).min(last)
}

/// The GPU counts that gain at one batch size, packed on nodes of four; or why there is none.
fn sizes(application: &Application, batch: u32) -> Result<Vec<Gpus>, String> {
    if let Some(why) = application.refuses(batch) {
        return Err(why);
    }
    let mut fastest = 0.0;
    let mut sizes = Vec::new();
    for gpus in 1..=application.limits.gpus {
        let pace = application.pace(0, gpus.div_ceil(PER_NODE), gpus, batch);
        if let Some(pace) = pace.filter(|pace| pace.progress > fastest) {
            fastest = pace.progress;
            sizes.push(Gpus::new(gpus));
        }
    }
    if sizes.is_empty() {
        return Err(format!(
            "`{}` has no speed at batch size {batch}; correct its step times",
            application.name
        ));
    }
    Ok(sizes)
}

impl SpeedModel for Goodput {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        &self.kind(job).sizes
    }

    fn rate(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Rate> {
        let total = self.kind(job).application.total();
        self.pace(job, at, setting).map(|pace| Rate::new(pace.progress * (job.iterations.get() / total)))
    }

    fn until(&self, job: &JobSpec, at: Iterations) -> Option<Iterations> {
        let application = &self.kind(job).application;
        let epoch = epoch(application, job, at);
        let last = epoch + 1 == application.progress.len();
        (!last).then(|| Iterations::new(end_of(application, job, epoch)))
    }

    fn batch_limits(&self, job: &JobSpec) -> Option<&BatchLimits> {
        Some(&self.kind(job).application.limits)
    }

    fn measure(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Measurement> {
        self.pace(job, at, setting).map(|pace| pace.measured)
    }
}
