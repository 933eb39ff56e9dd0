//! How fast a job is expected to be: its goodput on any number of GPUs at the best batch size there
//! (Pollux, section 3). Goodputs are worked out when they are first asked for, and kept while the
//! fit and the noise stay.

use crate::goodput::{BatchChoice, BatchLimits, Candidates, StepModel, first_batch};

/// What a job's goodput depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GoodputModel {
    /// The times of the job's steps.
    pub(super) steps: StepModel,
    /// The variance of the gradient at the initial batch size ÷ its squared norm.
    pub(super) noise: f64,
}

/// The batch sizes that a job may be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum AllowedBatches {
    /// Any batch size within limits.
    Within(BatchLimits),
    /// Only the job's own batch size, in examples. Any number of GPUs can share it, and progress is
    /// throughput.
    Own(f64),
}

/// The goodputs of a job, in examples per second: of a job within limits, examples at the initial
/// batch size that would make as much progress. They depend on nodes only by whether there are
/// several.
#[derive(Clone, Debug)]
pub(super) struct Goodputs {
    model: GoodputModel,
    batches: AllowedBatches,
    /// On one node and on several, each by number of GPUs.
    entries: [Vec<GoodputEntry>; 2],
}

/// What has been worked out for one number of GPUs.
#[derive(Clone, Debug, Default)]
struct GoodputEntry {
    /// The batch sizes to choose from, which stay when the noise changes.
    candidates: Option<Candidates>,
    goodput: Option<f64>,
}

impl Goodputs {
    /// Creates the goodputs of a job, none of which is worked out.
    pub(super) fn new(model: GoodputModel, batches: AllowedBatches) -> Goodputs {
        Goodputs { model, batches, entries: [Vec::new(), Vec::new()] }
    }

    /// Follows a new model. What was worked out is kept where it does not depend on what changed.
    pub(super) fn update(&mut self, model: GoodputModel) {
        if self.model.steps != model.steps {
            *self = Goodputs::new(model, self.batches);
        }
        self.update_noise(model.noise);
    }

    /// Follows a new noise, while the times of steps stay.
    pub(super) fn update_noise(&mut self, noise: f64) {
        if self.model.noise != noise {
            self.model.noise = noise;
            self.entries.iter_mut().flatten().for_each(|entry| entry.goodput = None);
        }
    }

    /// Returns the goodput on `gpus` GPUs, on several nodes if `spread`, else on one; 0 where the
    /// limits allow no batch size, and on no GPUs.
    pub(super) fn goodput(&mut self, spread: bool, gpus: u32) -> f64 {
        if let Some(goodput) = self.entry(spread, gpus).goodput {
            return goodput;
        }
        let goodput = match self.batches {
            AllowedBatches::Within(limits) => {
                self.best_choice(&limits, spread, gpus).map_or(0.0, |choice| choice.goodput)
            }
            AllowedBatches::Own(_) if gpus == 0 => 0.0,
            AllowedBatches::Own(examples) => {
                examples / self.model.steps.step(node_count(spread), gpus, examples / f64::from(gpus))
            }
        };
        self.entry(spread, gpus).goodput = Some(goodput);
        goodput
    }

    /// Returns the global batch size of the highest goodput, or the pinned one. `None` for a job
    /// that keeps its own, and where the limits allow no batch size.
    pub(super) fn best_batch(&mut self, spread: bool, gpus: u32) -> Option<u32> {
        let AllowedBatches::Within(limits) = self.batches else { return None };
        let choice = match limits.pinned {
            Some(_) => first_batch(&limits, gpus),
            None => self.best_choice(&limits, spread, gpus),
        };
        choice.map(|choice| choice.batch)
    }

    /// Returns the batch size of the highest goodput as if none were pinned; `None` where the
    /// limits allow none.
    fn best_choice(&mut self, limits: &BatchLimits, spread: bool, gpus: u32) -> Option<BatchChoice> {
        let GoodputModel { steps, noise } = self.model;
        let step_times = |atomic: u32| {
            let atomic = f64::from(atomic);
            (steps.accumulate(atomic), steps.step(node_count(spread), gpus, atomic))
        };
        let free = BatchLimits { pinned: None, ..*limits };
        let candidates = &mut self.entry(spread, gpus).candidates;
        candidates.get_or_insert_with(|| Candidates::new(&free, gpus, step_times)).best(noise)
    }

    fn entry(&mut self, spread: bool, gpus: u32) -> &mut GoodputEntry {
        let entries = &mut self.entries[usize::from(spread)];
        let index = gpus as usize;
        if entries.len() <= index {
            entries.resize((index + 1).next_power_of_two(), GoodputEntry::default());
        }
        &mut entries[index]
    }
}

/// Returns a number of nodes that stands for one or for several: the times of steps are the same on
/// any number of nodes above one.
fn node_count(spread: bool) -> u32 {
    1 + u32::from(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: StepModel = StepModel {
        alpha_c: 1.0,
        beta_c: 0.5,
        alpha_n: 2.0,
        beta_n: 0.5,
        alpha_r: 1.0,
        beta_r: 0.25,
        gamma: 1.0,
    };

    /// A step of 8 examples takes 1 + 0.5·8 = 5 s on one GPU; 1 + 0.5·4 + 1 = 4 s on two GPUs of
    /// one node; 1 + 0.5·2 + 2 + 0.5·2 = 5 s on four GPUs of several nodes.
    #[test]
    fn a_job_of_one_batch_size_is_as_fast_as_its_steps() {
        let mut job = Goodputs::new(GoodputModel { steps: STEPS, noise: 0.0 }, AllowedBatches::Own(8.0));
        let assert_close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        assert_close(job.goodput(false, 1), 8.0 / 5.0);
        assert_close(job.goodput(false, 2), 2.0);
        assert_close(job.goodput(true, 4), 8.0 / 5.0);
        assert_eq!((job.goodput(false, 0), job.best_batch(false, 2)), (0.0, None));
    }

    /// Batches have 8 to 16 examples, at most 8 on a GPU. On two GPUs of one node a batch of 8 is 4
    /// on each and takes 4 s. At ρ = 7 a batch of 16 gains 8 ÷ (7/2 + 1) = 16/9 and takes
    /// 1 + 0.5·8 + 1 = 6 s: a goodput of 8·16/9/6 = 64/27, against 8/4. Batches in between are
    /// worse: one of 12 gains 24/17 and takes 5 s, 8·24/17/5. Without noise a batch of 8 is best.
    #[test]
    fn more_noise_makes_larger_batches_and_another_table() {
        let limits = BatchLimits { initial: 8, largest: 16, local: (1, 8), gpus: 64, pinned: None };
        let model = GoodputModel { steps: STEPS, noise: 7.0 };
        let mut job = Goodputs::new(model, AllowedBatches::Within(limits));
        assert!((job.goodput(false, 2) - 64.0 / 27.0).abs() < 1e-6);
        assert_eq!(job.best_batch(false, 2), Some(16));
        job.update(GoodputModel { steps: STEPS, noise: 0.0 });
        assert!((job.goodput(false, 2) - 2.0).abs() < 1e-6);
        assert_eq!(job.best_batch(false, 2), Some(8));
        assert_eq!(job.goodput(false, 17), 0.0);
    }
}
