//! How fast a job trains on how many GPUs.
//!
//! A [`SpeedModel`] knows the speeds of the jobs of one workload; [`ProfiledSpeeds`] takes them
//! from a measured [`ThroughputTable`]. The rates of such a table do not depend on which nodes a
//! job holds: the measurements are of consolidated placements, as those of the ElasticFlow paper
//! are.

use std::collections::BTreeMap;

use crate::job::{JobId, JobSpec};
use crate::units::{Gpus, Iterations, Rate};
use crate::workload::Workload;

/// What a job runs on: nodes, GPUs and batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Configuration {
    /// The number of nodes over which the GPUs are spread.
    pub nodes: u32,
    /// The number of GPUs.
    pub gpus: Gpus,
    /// The global batch size, in samples per iteration.
    pub batch: u32,
}

/// The batch sizes that a job may be given where a scheduler may choose (Pollux, section 2.2), in
/// samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The smallest global batch size; progress is counted in iterations at it.
    pub initial: u32,
    /// The largest global batch size.
    pub largest: u32,
    /// The smallest and the largest micro-batch of one GPU.
    pub local: (u32, u32),
    /// The largest number of GPUs on which the speed is known.
    pub gpus: u32,
    /// The only global batch size, for a job that must keep its own; such a job runs on one GPU.
    pub pinned: Option<u32>,
}

/// What can be measured on a job while it runs on one configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The seconds of a micro-batch whose gradients are only accumulated.
    pub accumulate: f64,
    /// The seconds of the last micro-batch of an iteration, in which gradients are exchanged.
    pub step: f64,
    /// The variance of the gradient at the initial batch size ÷ its squared norm (Pollux,
    /// section 3.1: the noise scale ÷ that size).
    pub noise: f64,
}

/// The speeds of the jobs of one workload: the truth of a run, or what its scheduler believes.
///
/// A model is made for a workload, and is asked for no other jobs. It is a pure function: the same
/// arguments always bring the same result. A run asks for a rate with every change of GPUs, and a
/// policy many times in one plan, so a call should cost no more than a look-up.
pub trait SpeedModel: Send + Sync {
    /// Returns the numbers of GPUs worth giving to `job`: ascending, each faster than every smaller
    /// one. At least one; its speed on each of them, at its own batch size, is known.
    fn sizes(&self, job: &JobSpec) -> &[Gpus];

    /// Returns the speed of `job`, in iterations per second, when it has done `at` of its
    /// iterations and runs on `configuration`; `None` where no speed is known.
    ///
    /// A rate is positive, and constant from `at` to [`SpeedModel::until`]. It may differ with
    /// nodes and progress, but whether it is known depends on GPUs and batch size alone: a plan is
    /// checked on the fewest nodes that its GPUs fit, and the simulation panics if there is no
    /// speed on the nodes that a job is then given, or later in its training.
    fn rate(&self, job: &JobSpec, at: Iterations, configuration: &Configuration) -> Option<Rate>;

    /// Returns the next point at which the speed changes by itself, strictly after `at` iterations;
    /// `None` if it stays until the job completes.
    fn until(&self, job: &JobSpec, at: Iterations) -> Option<Iterations> {
        let _ = (job, at);
        None
    }

    /// Returns the batch sizes that a scheduler may choose from; `None` for a job that keeps its
    /// own.
    fn batch_limits(&self, job: &JobSpec) -> Option<&BatchLimits> {
        let _ = job;
        None
    }

    /// Returns what is measured on `job`, besides its speed, when it has done `at` iterations and
    /// runs on `configuration`; `None` where nothing is.
    fn measure(&self, job: &JobSpec, at: Iterations, configuration: &Configuration) -> Option<Measurement> {
        let _ = (job, at, configuration);
        None
    }
}

/// The measured speeds of one model at one global batch size, on one or more numbers of GPUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    measured: Vec<(Gpus, Rate)>,
    sizes: Vec<Gpus>,
}

impl Curve {
    /// Makes a curve of at least one (GPUs, rate) pair, ascending by GPUs, with positive finite
    /// rates; `None` for anything else.
    pub fn new(measured: Vec<(Gpus, Rate)>) -> Option<Curve> {
        let ascending = measured.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let positive =
            measured.iter().all(|(gpus, rate)| !gpus.is_zero() && rate.get() > 0.0 && rate.get().is_finite());
        if measured.is_empty() || !ascending || !positive {
            return None;
        }
        let mut fastest = Rate::ZERO;
        let mut sizes = Vec::new();
        for (gpus, rate) in &measured {
            if *rate > fastest {
                fastest = *rate;
                sizes.push(*gpus);
            }
        }
        Some(Curve { measured, sizes })
    }

    /// Returns every measured (GPUs, rate) pair, ascending by GPUs.
    pub fn measured(&self) -> &[(Gpus, Rate)] {
        &self.measured
    }

    /// Returns the numbers of GPUs that gain, ascending: each is faster than every smaller one.
    pub fn sizes(&self) -> &[Gpus] {
        &self.sizes
    }

    /// Returns the rate on a measured number of GPUs; `None` on any other.
    pub fn rate(&self, gpus: Gpus) -> Option<Rate> {
        self.measured.iter().find(|(count, _)| *count == gpus).map(|(_, rate)| *rate)
    }
}

/// Measured speeds: one [`Curve`] for each model and global batch size.
#[derive(Clone, Debug, PartialEq)]
pub struct ThroughputTable {
    name: String,
    curves: BTreeMap<String, BTreeMap<u32, Curve>>,
}

impl ThroughputTable {
    /// Makes a table called `name` without curves.
    pub fn new(name: impl Into<String>) -> ThroughputTable {
        ThroughputTable { name: name.into(), curves: BTreeMap::new() }
    }

    /// Returns the table's name: a GPU type, or the file that it was read from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a curve, and returns the one that it replaces: that of the same model and batch size.
    pub fn insert(&mut self, model: &str, batch_size: u32, curve: Curve) -> Option<Curve> {
        self.curves.entry(model.to_owned()).or_default().insert(batch_size, curve)
    }

    /// Returns the curve of a model at a global batch size.
    pub fn curve(&self, model: &str, batch_size: u32) -> Option<&Curve> {
        self.curves.get(model)?.get(&batch_size)
    }

    /// Returns every (model, batch size, curve), ascending.
    pub fn curves(&self) -> impl Iterator<Item = (&str, u32, &Curve)> {
        self.curves.iter().flat_map(|(model, sizes)| {
            sizes.iter().map(move |(batch, curve)| (model.as_str(), *batch, curve))
        })
    }

    /// Returns the names of the models, ascending.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.curves.keys().map(String::as_str)
    }

    /// Returns the batch sizes measured for a model, ascending; none for a model that is not there.
    pub fn batch_sizes(&self, model: &str) -> impl Iterator<Item = u32> {
        self.curves.get(model).into_iter().flat_map(|sizes| sizes.keys().copied())
    }

    /// Returns a message that the table has no curve for `model` and `batch_size`, with what it has
    /// instead.
    pub fn missing(&self, model: &str, batch_size: u32) -> String {
        if self.curves.contains_key(model) {
            let sizes: Vec<String> = self.batch_sizes(model).map(|batch| batch.to_string()).collect();
            let sizes = sizes.join(", ");
            format!(
                "batch size {batch_size} of `{model}` is not in profiles `{}`, which have {sizes}",
                self.name
            )
        } else {
            let models = self.models().collect::<Vec<_>>().join(", ");
            format!("model `{model}` is not in profiles `{}`, which have {models}", self.name)
        }
    }
}

/// A job whose model or batch size is not in the profiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job `{job}`: {what}")]
pub struct MissingCurve {
    /// The trace's own id of the job.
    pub job: String,
    /// What is missing, and what there is instead.
    pub what: String,
}

/// The speeds of a workload's jobs by a [`ThroughputTable`]. The curve of each job is looked up
/// once, when the model is made. A job keeps its own batch size.
#[derive(Clone, Debug)]
pub struct ProfiledSpeeds {
    curves: Vec<Curve>,
    by_job: Vec<u32>,
}

impl ProfiledSpeeds {
    /// Looks up the curve of every job of a workload.
    ///
    /// # Errors
    ///
    /// If the table has no curve for a job.
    pub fn new(table: &ThroughputTable, workload: &Workload) -> Result<ProfiledSpeeds, MissingCurve> {
        let mut index = BTreeMap::new();
        let mut curves = Vec::new();
        for (model, batch, curve) in table.curves() {
            index.insert((model, batch), curves.len() as u32);
            curves.push(curve.clone());
        }
        let by_job = workload.jobs().iter().map(|job| {
            index.get(&(job.model.as_str(), job.batch_size)).copied().ok_or_else(|| MissingCurve {
                job: job.name.clone(),
                what: table.missing(&job.model, job.batch_size),
            })
        });
        Ok(ProfiledSpeeds { by_job: by_job.collect::<Result<_, _>>()?, curves })
    }

    fn curve(&self, id: JobId) -> &Curve {
        &self.curves[self.by_job[id.index()] as usize]
    }
}

impl SpeedModel for ProfiledSpeeds {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        self.curve(job.id).sizes()
    }

    fn rate(&self, job: &JobSpec, _at: Iterations, configuration: &Configuration) -> Option<Rate> {
        // Each batch size has a curve of its own, and the job's is that of its own batch size.
        (configuration.batch == job.batch_size).then(|| self.curve(job.id).rate(configuration.gpus))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(pairs: &[(u32, f64)]) -> Option<Curve> {
        Curve::new(pairs.iter().map(|(g, r)| (Gpus::new(*g), Rate::new(*r))).collect())
    }

    #[test]
    fn sizes_leave_out_what_does_not_gain_and_rates_stay() {
        // BERT at batch 64 peaks at 8 GPUs; 4 GPUs here are no faster than 2.
        let bert = curve(&[(1, 6.0), (2, 8.6), (4, 8.6), (8, 11.06), (16, 10.99)]).unwrap();
        assert_eq!(bert.sizes(), [1, 2, 8].map(Gpus::new));
        assert_eq!(bert.rate(Gpus::new(16)), Some(Rate::new(10.99)));
        assert_eq!(bert.rate(Gpus::new(3)), None);
    }

    #[test]
    fn a_curve_refuses_disorder_and_standstill() {
        assert_eq!(curve(&[]), None);
        assert_eq!(curve(&[(2, 1.0), (1, 2.0)]), None);
        assert_eq!(curve(&[(1, 1.0), (1, 2.0)]), None);
        assert_eq!(curve(&[(1, 0.0)]), None);
        assert_eq!(curve(&[(1, f64::NAN)]), None);
        assert_eq!(curve(&[(0, 1.0)]), None);
    }

    #[test]
    fn a_missing_curve_says_what_there_is() {
        let mut table = ThroughputTable::new("a100");
        table.insert("bert", 64, curve(&[(1, 6.0)]).unwrap());
        assert_eq!(
            table.missing("bert", 32),
            "batch size 32 of `bert` is not in profiles `a100`, which have 64"
        );
        assert_eq!(table.missing("bart", 32), "model `bart` is not in profiles `a100`, which have bert");
    }
}
