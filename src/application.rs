//! Applications: models whose global batch size may change while they train (Pollux, OSDI 2021).
//!
//! An [`Application`] knows three things: how long a training step takes on how many GPUs and nodes
//! at which micro-batch ([`Steps`]), how noisy its gradients are over the course of training
//! ([`Noise`]), and how much training there is, counted in iterations at its initial batch size.
//! Together they are its goodput. [`Goodput`] answers with it for the jobs of a workload;
//! [`Interpolated`] stands in for models of which only a throughput table is known.

mod goodput;
mod interpolated;
mod noise;
mod steps;

use std::collections::BTreeMap;

use crate::goodput::{gain, split};
use crate::profile::{BatchLimits, Curve, Measurement, ThroughputTable};
use crate::units::{Gpus, Rate};

pub use goodput::Goodput;
pub use interpolated::Interpolated;
pub use noise::{Noise, Statistics};
pub use steps::{StepRow, StepTable, StepTime, Steps};

/// The most GPUs that a fitted application is known on: what was measured for Pollux's evaluation.
pub(crate) const MOST: u32 = 64;
/// How many GPUs a node is taken to have there: as many as where the applications were measured.
pub(crate) const PER_NODE: u32 = 4;

/// A model whose batch size may change while it trains.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// What traces call it.
    pub name: String,
    /// Which batch sizes it may be given.
    pub limits: BatchLimits,
    /// Seconds of a training step.
    pub steps: Steps,
    /// Noise of gradients, by batch size and epoch.
    pub noise: Noise,
    /// Progress at the end of each epoch, in iterations at the initial batch size; ascending, never
    /// empty.
    pub progress: Vec<f64>,
    /// Iterations that a training at one batch size took from beginning to end, where that was
    /// tried.
    pub tried: BTreeMap<u32, f64>,
}

/// What an application does at one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Iterations at the setting's batch size, each second.
    pub iterations: f64,
    /// Iterations at the initial batch size that they are worth, each second.
    pub progress: f64,
    /// What is measured meanwhile.
    pub measured: Measurement,
}

impl Application {
    /// The whole training, in iterations at the initial batch size.
    pub fn total(&self) -> f64 {
        self.progress.last().copied().unwrap_or_default()
    }

    /// How fast the application trains in an epoch, counted from 0, at a global batch size; `None`
    /// where that batch cannot be divided among the GPUs, or was not measured on so many.
    pub fn pace(&self, epoch: usize, nodes: u32, gpus: u32, batch: u32) -> Option<Pace> {
        let split = split(&self.limits, gpus, batch)?;
        // What the GPUs really work off, where the batch does not divide evenly.
        let batch = split.batch(gpus);
        let time = self.steps.times(nodes, gpus, split.atomic)?;
        let seconds = time.step + f64::from(split.accumulation) * time.accumulate;
        let noise = self.noise.at(epoch, self.progress.len(), batch);
        let measured = Measurement { accumulate: time.accumulate, step: time.step, noise };
        let progress = gain(noise, self.limits.initial, batch) / seconds;
        let known = seconds > 0.0 && progress.is_finite() && progress > 0.0;
        known.then_some(Pace { iterations: 1.0 / seconds, progress, measured })
    }

    /// Seconds of an iteration on `gpus` GPUs, packed on nodes of four, where nobody chooses the
    /// batch size or measures noise; `None` where that batch cannot be divided among the GPUs, or
    /// was not measured on so many.
    pub fn iteration(&self, gpus: u32, batch: u32) -> Option<f64> {
        let limits = BatchLimits { initial: batch, pinned: None, ..self.limits };
        let split = split(&limits, gpus, batch)?;
        let time = self.steps.times(gpus.div_ceil(PER_NODE), gpus, split.atomic)?;
        let seconds = time.step + f64::from(split.accumulation) * time.accumulate;
        (seconds > 0.0 && seconds.is_finite()).then_some(seconds)
    }

    /// Why a job cannot be submitted with a global batch size, in words that say which it can;
    /// `None` where it can.
    pub fn refuses(&self, batch: u32) -> Option<String> {
        let limits = &self.limits;
        let range = match limits.pinned {
            Some(pinned) => pinned..=pinned,
            None => limits.initial..=limits.largest,
        };
        if range.contains(&batch) && split(limits, 1, batch).is_some() {
            return None;
        }
        let right = match limits.pinned {
            Some(pinned) => pinned.to_string(),
            None => format!("one from {} to {}", limits.initial, limits.largest),
        };
        Some(format!("`{}` is not trained at batch size {batch}; give {right}", self.name))
    }

    /// Iterations from beginning to end at one global batch size: as measured, or else as the noise
    /// of its gradients has it.
    pub fn iterations(&self, batch: u32) -> f64 {
        self.tried.get(&batch).copied().unwrap_or_else(|| self.iterations_by_noise(batch))
    }

    /// Iterations from beginning to end at one global batch size, worked out from the noise of
    /// gradients: of each epoch, its progress ÷ what an iteration gains.
    pub fn iterations_by_noise(&self, batch: u32) -> f64 {
        let mut before = 0.0;
        let mut sum = 0.0;
        for (epoch, progress) in self.progress.iter().enumerate() {
            let noise = self.noise.at(epoch, self.progress.len(), batch);
            sum += (progress - before) / gain(noise, self.limits.initial, batch);
            before = *progress;
        }
        sum
    }
}

/// Several applications, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Applications {
    name: String,
    all: BTreeMap<String, Application>,
}

impl Applications {
    /// A collection called `name` of `all`; of two with one name, the later.
    pub fn new(name: impl Into<String>, all: impl IntoIterator<Item = Application>) -> Applications {
        let all = all.into_iter().map(|one| (one.name.clone(), one)).collect();
        Applications { name: name.into(), all }
    }

    /// What the collection is called: built in, or the folder that it was read from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The application called `name`.
    pub fn get(&self, name: &str) -> Option<&Application> {
        self.all.get(name)
    }

    /// Every application, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = &Application> {
        self.all.values()
    }

    /// The throughput of every application at the batch sizes that were tried, on 1, 2, 4, … GPUs,
    /// packed on nodes of four: for schedulers that leave batch sizes alone.
    pub fn throughput(&self) -> ThroughputTable {
        let mut table = ThroughputTable::new(self.name.clone());
        for application in self.iter() {
            for batch in application.tried.keys() {
                let counts = (0..=MOST.ilog2()).map(|power| 1 << power);
                let rates = counts.filter_map(|gpus: u32| {
                    Some((Gpus::new(gpus), Rate::new(1.0 / application.iteration(gpus, *batch)?)))
                });
                if let Some(curve) = Curve::new(rates.collect()) {
                    table.insert(&application.name, *batch, curve);
                }
            }
        }
        table
    }

    /// That there is no application `name`, in words that say which there are.
    pub fn missing(&self, name: &str) -> String {
        let known: Vec<&str> = self.all.keys().map(String::as_str).collect();
        format!("`{name}` is no application of `{}`, which has {}", self.name, known.join(", "))
    }
}

#[cfg(test)]
mod tests;
