//! The speeds of jobs of which only the throughput at some batch sizes is known.
//!
//! A job keeps its own batch size, at which its efficiency is 1, and may have any number of GPUs.
//! Between two measured numbers its rate is linear, below the smallest it is in proportion, and
//! beyond the largest it is that of the largest. What an agent that learns step times measures
//! follows from the rate: an iteration on the smallest measured number of GPUs is all computing,
//! which divides evenly among more of them, and what an iteration takes beyond that is the exchange
//! of gradients.

use std::collections::BTreeMap;

use crate::job::JobSpec;
use crate::profile::{Configuration, Curve, Measurement, MissingCurve, SpeedModel, ThroughputTable};
use crate::units::{Gpus, Iterations, Rate};
use crate::workload::Workload;

/// The speeds of a workload's jobs by a [`ThroughputTable`], interpolated.
#[derive(Clone, Debug)]
pub struct InterpolatedSpeeds {
    groups: Vec<CurveGroup>,
    /// The group of every job, by its row.
    by_job: Vec<u32>,
}

/// The jobs of one model and batch size.
#[derive(Clone, Debug)]
struct CurveGroup {
    curve: Curve,
    batch: u32,
    /// The numbers of GPUs that gain, ascending; at least one.
    sizes: Vec<Gpus>,
}

impl InterpolatedSpeeds {
    /// Looks up the curve of every job of a workload.
    ///
    /// # Errors
    ///
    /// If the table has no curve for a job.
    pub fn new(table: &ThroughputTable, workload: &Workload) -> Result<InterpolatedSpeeds, MissingCurve> {
        let mut index: BTreeMap<(&str, u32), u32> = BTreeMap::new();
        let (mut groups, mut by_job) = (Vec::new(), Vec::new());
        for job in workload.jobs() {
            let key = (job.model.as_str(), job.batch_size);
            if let Some(group) = index.get(&key) {
                by_job.push(*group);
                continue;
            }
            let curve = table.curve(&job.model, job.batch_size).ok_or_else(|| MissingCurve {
                job: job.name.clone(),
                what: table.missing(&job.model, job.batch_size),
            })?;
            groups.push(CurveGroup::new(curve.clone(), job.batch_size));
            index.insert(key, groups.len() as u32 - 1);
            by_job.push(groups.len() as u32 - 1);
        }
        Ok(InterpolatedSpeeds { groups, by_job })
    }

    fn group(&self, job: &JobSpec) -> &CurveGroup {
        &self.groups[self.by_job[job.id.index()] as usize]
    }
}

impl CurveGroup {
    fn new(curve: Curve, batch: u32) -> CurveGroup {
        let (largest, _) = curve.measured().last().expect("a curve has at least one point");
        let largest = largest.get();
        let mut group = CurveGroup { curve, batch, sizes: Vec::new() };
        let mut fastest = 0.0;
        for gpus in 1..=largest.min(batch) {
            if let Some(rate) = group.rate(gpus).filter(|rate| *rate > fastest) {
                fastest = rate;
                group.sizes.push(Gpus::new(gpus));
            }
        }
        group
    }

    /// Returns the iterations per second on any number of GPUs for which there is an example each;
    /// `None` on others.
    fn rate(&self, gpus: u32) -> Option<f64> {
        if gpus == 0 || gpus > self.batch {
            return None;
        }
        let measured = self.curve.measured();
        let next = measured.partition_point(|(count, _)| count.get() < gpus);
        let (count, rate) =
            measured.get(next).or(measured.last()).map(|(count, rate)| (count.get(), rate.get()))?;
        let wide = f64::from(gpus);
        Some(match next.checked_sub(1).map(|before| measured[before]) {
            _ if gpus >= count => rate,
            None => rate * wide / f64::from(count),
            Some((below, slower)) => {
                let share = f64::from(gpus - below.get()) / f64::from(count - below.get());
                slower.get() + share * (rate - slower.get())
            }
        })
    }

    fn measure(&self, gpus: u32) -> Option<Measurement> {
        let step = 1.0 / self.rate(gpus)?;
        let (fewest, alone) = self.curve.measured().first()?;
        let computing = f64::from(fewest.get()) / alone.get() / f64::from(gpus);
        Some(Measurement { accumulate: computing.min(step), step, noise: 0.0 })
    }
}

impl SpeedModel for InterpolatedSpeeds {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        &self.group(job).sizes
    }

    fn rate(&self, job: &JobSpec, _at: Iterations, configuration: &Configuration) -> Option<Rate> {
        let keeps_batch = configuration.batch == job.batch_size;
        keeps_batch.then(|| self.group(job).rate(configuration.gpus.get()).map(Rate::new))?
    }

    fn measure(&self, job: &JobSpec, _at: Iterations, configuration: &Configuration) -> Option<Measurement> {
        self.group(job).measure(configuration.gpus.get())
    }
}
