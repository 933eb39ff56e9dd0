//! The speeds of a workload's jobs by the goodput of their applications.

use std::collections::BTreeMap;

use crate::job::JobSpec;
use crate::profile::{BatchLimits, Configuration, Measurement, MissingCurve, SpeedModel};
use crate::units::{Gpus, Iterations, Rate};
use crate::workload::Workload;

use super::{Application, Applications, PER_NODE, TrainingPace};

/// The speeds of a workload's jobs by the goodput of their applications.
///
/// A job has done as large a part of its application's training as of its iterations, at whatever
/// batch sizes it does them: its rate is that of its progress, scaled so that the whole training is
/// the job's number of iterations. The rate changes by itself at the end of each epoch, with the
/// noise of gradients.
#[derive(Clone, Debug)]
pub struct GoodputSpeeds {
    groups: Vec<ApplicationGroup>,
    /// The group of every job, by its row.
    by_job: Vec<u32>,
}

/// The jobs of one application that were submitted with one batch size.
#[derive(Clone, Debug)]
struct ApplicationGroup {
    application: Application,
    /// The numbers of GPUs that gain at that batch size, ascending; at least one.
    sizes: Vec<Gpus>,
}

impl GoodputSpeeds {
    /// Looks up the application of every job of a workload.
    ///
    /// # Errors
    ///
    /// If a job's model is not an application, or the application cannot be given the job's batch
    /// size.
    pub fn new(applications: &Applications, workload: &Workload) -> Result<GoodputSpeeds, MissingCurve> {
        let mut index: BTreeMap<(&str, u32), u32> = BTreeMap::new();
        let mut groups = Vec::new();
        let mut by_job = Vec::new();
        for job in workload.jobs() {
            let key = (job.model.as_str(), job.batch_size);
            if let Some(group) = index.get(&key) {
                by_job.push(*group);
                continue;
            }
            let known = applications.get(&job.model).ok_or_else(|| applications.missing(&job.model));
            let group = known.and_then(|application| {
                Ok(ApplicationGroup {
                    sizes: gaining_sizes(application, job.batch_size)?,
                    application: application.clone(),
                })
            });
            groups.push(group.map_err(|what| MissingCurve { job: job.name.clone(), what })?);
            index.insert(key, groups.len() as u32 - 1);
            by_job.push(groups.len() as u32 - 1);
        }
        Ok(GoodputSpeeds { groups, by_job })
    }

    fn group(&self, job: &JobSpec) -> &ApplicationGroup {
        &self.groups[self.by_job[job.id.index()] as usize]
    }

    fn pace(&self, job: &JobSpec, at: Iterations, configuration: &Configuration) -> Option<TrainingPace> {
        let application = &self.group(job).application;
        let Configuration { nodes, gpus, batch } = *configuration;
        application.pace(epoch_at(application, job, at), nodes, gpus.get(), batch)
    }
}

/// Returns the iterations of a job after which an epoch ends.
fn end_of(application: &Application, job: &JobSpec, epoch: usize) -> f64 {
    application.progress[epoch] / application.total() * job.iterations.get()
}

/// Returns the epoch that a job is in after `at` iterations; the last one when all are over.
fn epoch_at(application: &Application, job: &JobSpec, at: Iterations) -> usize {
    let last = application.progress.len() - 1;
    let share = at.get() / job.iterations.get() * application.total();
    // To within a rounding; the exact comparison is the one with `until`.
    let near = application.progress.partition_point(|end| *end <= share);
    let from = near.saturating_sub(1);
    let over = (from..last).take_while(|epoch| end_of(application, job, *epoch) <= at.get()).count();
    (from + over).min(last)
}

/// Returns the numbers of GPUs that gain at one batch size, packed on nodes of four; or why there
/// is none.
fn gaining_sizes(application: &Application, batch: u32) -> Result<Vec<Gpus>, String> {
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

impl SpeedModel for GoodputSpeeds {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        &self.group(job).sizes
    }

    fn rate(&self, job: &JobSpec, at: Iterations, configuration: &Configuration) -> Option<Rate> {
        let total = self.group(job).application.total();
        self.pace(job, at, configuration)
            .map(|pace| Rate::new(pace.progress * (job.iterations.get() / total)))
    }

    fn until(&self, job: &JobSpec, at: Iterations) -> Option<Iterations> {
        let application = &self.group(job).application;
        let epoch = epoch_at(application, job, at);
        let last = epoch + 1 == application.progress.len();
        (!last).then(|| Iterations::new(end_of(application, job, epoch)))
    }

    fn batch_limits(&self, job: &JobSpec) -> Option<&BatchLimits> {
        Some(&self.group(job).application.limits)
    }

    fn measure(&self, job: &JobSpec, at: Iterations, configuration: &Configuration) -> Option<Measurement> {
        self.pace(job, at, configuration).map(|pace| pace.measured)
    }
}
