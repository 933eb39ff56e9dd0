//! Applications: models whose global batch size may change while they train (Pollux, OSDI 2021).
//!
//! An [`Application`] knows three things: how long a training step takes on how many GPUs and nodes
//! at which micro-batch ([`Steps`]), how noisy its gradients are over the course of training
//! ([`Noise`]), and how much training there is, counted in iterations at its initial batch size.
//! Together they make its goodput. [`GoodputSpeeds`] gives the jobs of a workload their speeds by
//! it; [`InterpolatedSpeeds`] stands in for models of which only a throughput table is known.

mod goodput;
mod interpolated;
mod noise;
mod steps;

use std::collections::BTreeMap;

use crate::goodput::{gain, split};
use crate::profile::{BatchLimits, Curve, Measurement, ThroughputTable};
use crate::units::{Gpus, Rate};

pub use goodput::GoodputSpeeds;
pub use interpolated::InterpolatedSpeeds;
pub use noise::{GradientStatistics, Noise};
pub use steps::{StepMeasurement, StepTable, StepTime, Steps};

/// The largest number of GPUs on which the speed of a fitted application is known: what was
/// measured for Pollux's evaluation.
pub(crate) const MOST: u32 = 64;
/// The GPUs of a node in throughput tables made of applications, as where these were measured.
pub(crate) const PER_NODE: u32 = 4;

/// A model whose batch size may change while it trains.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// The name of its model in traces.
    pub name: String,
    /// The batch sizes that it may be given.
    pub limits: BatchLimits,
    /// The times of a training step.
    pub steps: Steps,
    /// The noise of its gradients, by batch size and epoch.
    pub noise: Noise,
    /// The progress at the end of each epoch, in iterations at the initial batch size: ascending,
    /// at least one.
    pub progress: Vec<f64>,
    /// The iterations of a whole training, by batch size, where that was tried.
    pub tried: BTreeMap<u32, f64>,
}

/// How fast an application trains on one configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingPace {
    /// Iterations per second, at the batch size of the configuration.
    pub iterations: f64,
    /// The iterations per second at the initial batch size that make as much progress.
    pub progress: f64,
    /// What is measured on a job meanwhile.
    pub measured: Measurement,
}

impl Application {
    /// Returns the whole training, in iterations at the initial batch size.
    pub fn total(&self) -> f64 {
        *self.progress.last().expect("an application has at least one epoch")
    }

    /// Returns how fast the application trains in an epoch, counted from 0, on `gpus` GPUs of
    /// `nodes` nodes at a global batch size; `None` where that batch cannot be divided among the
    /// GPUs, or no step was measured on so many.
    pub fn pace(&self, epoch: usize, nodes: u32, gpus: u32, batch: u32) -> Option<TrainingPace> {
        let split = split(&self.limits, gpus, batch)?;
        // What the GPUs really work off, where the batch does not divide evenly.
        let batch = split.batch(gpus);
        let time = self.steps.times(nodes, gpus, split.atomic)?;
        let seconds = time.step + f64::from(split.accumulation) * time.accumulate;
        let noise = self.noise.at(epoch, self.progress.len(), batch);
        let measured = Measurement { accumulate: time.accumulate, step: time.step, noise };
        let progress = gain(noise, self.limits.initial, batch) / seconds;
        let known = seconds > 0.0 && progress.is_finite() && progress > 0.0;
        known.then_some(TrainingPace { iterations: 1.0 / seconds, progress, measured })
    }

    /// Returns the seconds of an iteration on `gpus` GPUs, packed on nodes of four, of a job that
    /// keeps its batch size and measures no noise; `None` where that batch cannot be divided among
    /// the GPUs, or no step was measured on so many.
    pub fn iteration(&self, gpus: u32, batch: u32) -> Option<f64> {
        let limits = BatchLimits { initial: batch, pinned: None, ..self.limits };
        let split = split(&limits, gpus, batch)?;
        let time = self.steps.times(gpus.div_ceil(PER_NODE), gpus, split.atomic)?;
        let seconds = time.step + f64::from(split.accumulation) * time.accumulate;
        (seconds > 0.0 && seconds.is_finite()).then_some(seconds)
    }

    /// Returns why a job cannot be submitted with a global batch size, with the sizes that it can
    /// be submitted with; `None` where it can.
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

    /// Returns the iterations of a whole training at one global batch size: as measured, or else as
    /// [`Application::iterations_by_noise`].
    pub fn iterations(&self, batch: u32) -> f64 {
        self.tried.get(&batch).copied().unwrap_or_else(|| self.iterations_by_noise(batch))
    }

    /// Returns the iterations of a whole training at one global batch size, worked out from the
    /// noise of gradients: the sum over epochs of their progress ÷ what an iteration gains.
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

/// A collection of applications by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Applications {
    name: String,
    all: BTreeMap<String, Application>,
}

impl Applications {
    /// Makes a collection called `name`; of two applications with one name it has the later.
    pub fn new(name: impl Into<String>, all: impl IntoIterator<Item = Application>) -> Applications {
        let all = all.into_iter().map(|application| (application.name.clone(), application)).collect();
        Applications { name: name.into(), all }
    }

    /// Returns the collection's name: that of a built-in one, or the folder that it was read from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the application called `name`.
    pub fn get(&self, name: &str) -> Option<&Application> {
        self.all.get(name)
    }

    /// Returns every application, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = &Application> {
        self.all.values()
    }

    /// Returns the throughput of every application at the batch sizes that were tried, on 1, 2, 4,
    /// … GPUs, packed on nodes of four: for schedulers that leave batch sizes alone.
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

    /// Returns a message that there is no application `name`, with the names there are.
    pub fn missing(&self, name: &str) -> String {
        let known: Vec<&str> = self.all.keys().map(String::as_str).collect();
        format!("`{name}` is not an application of `{}`, which has {}", self.name, known.join(", "))
    }
}

#[cfg(test)]
mod tests;
