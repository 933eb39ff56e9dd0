//! How fast a job trains on how many GPUs.
//!
//! A [`SpeedModel`] answers for any job; [`Profiled`] is the one that reads a measured
//! [`ThroughputTable`]. Rates do not depend on which nodes a job holds: the measurements are of
//! consolidated placements, as the paper's are.

use std::collections::BTreeMap;

use crate::job::{JobId, JobSpec};
use crate::units::{Gpus, Iterations, Rate};
use crate::workload::Workload;

/// What a job runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Configuration {
    /// Over how many nodes its GPUs are spread.
    pub nodes: u32,
    /// How many GPUs.
    pub gpus: Gpus,
    /// Global batch size.
    pub batch: u32,
}

/// Which batch sizes a job may be given, where a scheduler may choose (Pollux, section 2.2).
/// Samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// The global batch size that its progress is counted in, and the smallest one.
    pub initial: u32,
    /// The largest global batch size.
    pub largest: u32,
    /// The least and the most that one GPU takes at a time.
    pub local: (u32, u32),
    /// The most GPUs that its speed is known on.
    pub gpus: u32,
    /// The only global batch size, for a job that must keep its own; it runs on at most one GPU.
    pub pinned: Option<u32>,
}

/// What can be measured on a job while it runs on one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Seconds for one micro-batch whose gradients are only accumulated.
    pub accumulate: f64,
    /// Seconds for the last micro-batch of an iteration, gradients exchanged.
    pub step: f64,
    /// Variance of the gradient ÷ its squared norm, at the initial batch size (Pollux, section 3.1:
    /// the noise scale ÷ that size).
    pub noise: f64,
}

/// How fast jobs are. Never asked for a job that is not in the workload it was made for.
pub trait SpeedModel: Send + Sync {
    /// The GPU counts worth giving to `job`, ascending, each faster than every smaller one. Never
    /// empty.
    fn sizes(&self, job: &JobSpec) -> &[Gpus];

    /// The speed of `job` when it has done `at` iterations and runs on `setting`; `None` where that
    /// is not known.
    fn rate(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Rate>;

    /// The next point, strictly after `at`, where the speed changes by itself.
    fn until(&self, job: &JobSpec, at: Iterations) -> Option<Iterations> {
        let _ = (job, at);
        None
    }

    /// The batch sizes that a scheduler may choose from; `None` for a job that keeps its own.
    fn batch_limits(&self, job: &JobSpec) -> Option<&BatchLimits> {
        let _ = job;
        None
    }

    /// What is measured on `job` when it has done `at` iterations and runs on `setting`, besides
    /// its speed.
    fn measure(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Measurement> {
        let _ = (job, at, setting);
        None
    }
}

/// The measured speeds of one model at one global batch size.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    measured: Vec<(Gpus, Rate)>,
    sizes: Vec<Gpus>,
}

impl Curve {
    /// From (GPUs, rate) pairs, ascending by GPUs, with positive finite rates. `None` for anything
    /// else.
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

    /// Every measured (GPUs, rate) pair, ascending by GPUs.
    pub fn measured(&self) -> &[(Gpus, Rate)] {
        &self.measured
    }

    /// The counts that gain: each is faster than every smaller one.
    pub fn sizes(&self) -> &[Gpus] {
        &self.sizes
    }

    /// The rate at a measured count.
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
    /// A table called `name` without curves.
    pub fn new(name: impl Into<String>) -> ThroughputTable {
        ThroughputTable { name: name.into(), curves: BTreeMap::new() }
    }

    /// What the table is called: a GPU type, or the file it was read from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a curve; gives back one that was there for the same model and batch size.
    pub fn insert(&mut self, model: &str, batch_size: u32, curve: Curve) -> Option<Curve> {
        self.curves.entry(model.to_owned()).or_default().insert(batch_size, curve)
    }

    /// The curve of a model at a global batch size.
    pub fn curve(&self, model: &str, batch_size: u32) -> Option<&Curve> {
        self.curves.get(model)?.get(&batch_size)
    }

    /// Every (model, batch size, curve), ascending.
    pub fn curves(&self) -> impl Iterator<Item = (&str, u32, &Curve)> {
        self.curves.iter().flat_map(|(model, sizes)| {
            sizes.iter().map(move |(batch, curve)| (model.as_str(), *batch, curve))
        })
    }

    /// The model names, ascending.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.curves.keys().map(String::as_str)
    }

    /// The batch sizes measured for a model, ascending; empty for a model that is not there.
    pub fn batch_sizes(&self, model: &str) -> impl Iterator<Item = u32> {
        self.curves.get(model).into_iter().flat_map(|sizes| sizes.keys().copied())
    }

    /// Why the table has no curve for `model` and `batch_size`, in words that say what it has
    /// instead.
    pub fn missing(&self, model: &str, batch_size: u32) -> String {
        let list = |items: Vec<String>| items.join(", ");
        if self.curves.contains_key(model) {
            let sizes = list(self.batch_sizes(model).map(|b| b.to_string()).collect());
            format!(
                "batch size {batch_size} of `{model}` is not in profiles `{}`, which have {sizes}",
                self.name
            )
        } else {
            let models = list(self.models().map(str::to_owned).collect());
            format!("model `{model}` is not in profiles `{}`, which have {models}", self.name)
        }
    }
}

/// A job whose model or batch size is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job `{job}`: {what}")]
pub struct MissingCurve {
    /// The trace's own id.
    pub job: String,
    /// What is missing and what there is.
    pub what: String,
}

/// The speeds of a workload's jobs by a [`ThroughputTable`], each job's curve looked up once.
#[derive(Clone, Debug)]
pub struct Profiled {
    curves: Vec<Curve>,
    by_job: Vec<u32>,
}

impl Profiled {
    /// Looks up the curve of every job.
    ///
    /// # Errors
    ///
    /// If the table has no curve for a job.
    pub fn new(table: &ThroughputTable, workload: &Workload) -> Result<Profiled, MissingCurve> {
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
        Ok(Profiled { by_job: by_job.collect::<Result<_, _>>()?, curves })
    }

    fn curve(&self, id: JobId) -> &Curve {
        &self.curves[self.by_job[id.index()] as usize]
    }
}

impl SpeedModel for Profiled {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        self.curve(job.id).sizes()
    }

    fn rate(&self, job: &JobSpec, _at: Iterations, setting: &Configuration) -> Option<Rate> {
        // Each batch size has a curve of its own, and the job's is that of its own batch size.
        (setting.batch == job.batch_size).then(|| self.curve(job.id).rate(setting.gpus))?
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
