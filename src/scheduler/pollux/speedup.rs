//! How fast a job would be, by what is known of it: goodputs at the best batch size, filled in as
//! they are asked for and kept as long as the fit and the noise stay.

use crate::goodput::{BatchChoice, BatchLimits, Candidates, StepModel, first_batch};

/// What a job's goodput depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Knowledge {
    /// How long its steps take.
    pub(super) model: StepModel,
    /// Variance of its gradients over their square.
    pub(super) noise: f64,
}

/// Which batch sizes a job may be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Batches {
    /// Any within limits.
    Within(BatchLimits),
    /// Its own alone, of so many examples, which any GPUs share: progress is throughput.
    Own(f64),
}

/// A job's goodputs. They depend on the nodes only by whether there are several.
#[derive(Clone, Debug)]
pub(super) struct Goodputs {
    knowledge: Knowledge,
    batches: Batches,
    /// By one node or several and by GPUs.
    known: [Vec<Known>; 2],
}

/// What was worked out of some GPUs.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The batch sizes there, which stay while the noise changes.
    candidates: Option<Candidates>,
    goodput: Option<f64>,
}

impl Goodputs {
    pub(super) fn new(knowledge: Knowledge, batches: Batches) -> Goodputs {
        Goodputs { knowledge, batches, known: [Vec::new(), Vec::new()] }
    }

    /// Keeps to what is known now; what was filled in stays where that is what it was.
    pub(super) fn update(&mut self, knowledge: Knowledge) {
        if self.knowledge.model != knowledge.model {
            *self = Goodputs::new(knowledge, self.batches);
        }
        self.update_noise(knowledge.noise);
    }

    /// As [`Goodputs::update`], of the noise alone.
    pub(super) fn update_noise(&mut self, noise: f64) {
        if self.knowledge.noise != noise {
            self.knowledge.noise = noise;
            self.known.iter_mut().flatten().for_each(|known| known.goodput = None);
        }
    }

    /// The goodput on `gpus` GPUs on one node or several; 0 where the limits allow none.
    pub(super) fn at(&mut self, spread: bool, gpus: u32) -> f64 {
        if let Some(goodput) = self.known(spread, gpus).goodput {
            return goodput;
        }
        let goodput = match self.batches {
            Batches::Within(limits) => self.best(&limits, spread, gpus).map_or(0.0, |choice| choice.goodput),
            Batches::Own(examples) if gpus > 0 => {
                examples / self.knowledge.model.step(nodes(spread), gpus, examples / f64::from(gpus))
            }
            Batches::Own(_) => 0.0,
        };
        self.known(spread, gpus).goodput = Some(goodput);
        goodput
    }

    /// The global batch size of the most goodput; `None` for a job that keeps its own.
    pub(super) fn batch(&mut self, spread: bool, gpus: u32) -> Option<u32> {
        let Batches::Within(limits) = self.batches else { return None };
        let choice = match limits.pinned {
            Some(_) => first_batch(&limits, gpus),
            None => self.best(&limits, spread, gpus),
        };
        choice.map(|choice| choice.batch)
    }

    /// The batch size of the most goodput, if none is pinned.
    fn best(&mut self, limits: &BatchLimits, spread: bool, gpus: u32) -> Option<BatchChoice> {
        let Knowledge { model, noise } = self.knowledge;
        let times = |atomic: u32| {
            let atomic = f64::from(atomic);
            (model.accumulate(atomic), model.step(nodes(spread), gpus, atomic))
        };
        let free = BatchLimits { pinned: None, ..*limits };
        let candidates = &mut self.known(spread, gpus).candidates;
        candidates.get_or_insert_with(|| Candidates::new(&free, gpus, times)).best(noise)
    }

    fn known(&mut self, spread: bool, gpus: u32) -> &mut Known {
        let known = &mut self.known[usize::from(spread)];
        let index = gpus as usize;
        if known.len() <= index {
            known.resize((index + 1).next_power_of_two(), Known::default());
        }
        &mut known[index]
    }
}

/// Beyond one, step times do not depend on how many nodes there are.
fn nodes(spread: bool) -> u32 {
    1 + u32::from(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: StepModel = StepModel {
        alpha_c: 1.0,
        beta_c: 0.5,
        alpha_n: 2.0,
        beta_n: 0.5,
        alpha_r: 1.0,
        beta_r: 0.25,
        gamma: 1.0,
    };

    /// 8 examples: 1 + 0.5·8 = 5 s on one GPU; 1 + 0.5·4 + 1 = 4 s on two of a node; 1 + 0.5·2 + 2
    /// + 0.5·2 = 5 s on four of several.
    #[test]
    fn a_job_of_one_batch_size_is_as_fast_as_its_steps() {
        let mut job = Goodputs::new(Knowledge { model: MODEL, noise: 0.0 }, Batches::Own(8.0));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        close(job.at(false, 1), 8.0 / 5.0);
        close(job.at(false, 2), 2.0);
        close(job.at(true, 4), 8.0 / 5.0);
        assert_eq!((job.at(false, 0), job.batch(false, 2)), (0.0, None));
    }

    /// Batches of 8 to 16, at most 8 a GPU. On two GPUs of a node 8 are 4 each, 4 s. With ρ = 7 the
    /// gain of 16 is 8 ÷ (7/2 + 1) = 16/9 in 1 + 0.5·8 + 1 = 6 s: 8·16/9/6 = 64/27 against 8/4.
    /// What lies between is lower: 12 has 24/17 in 5 s, 8·24/17/5.
    #[test]
    fn more_noise_makes_larger_batches_and_another_table() {
        let limits = BatchLimits { initial: 8, largest: 16, local: (1, 8), gpus: 64, pinned: None };
        let mut job = Goodputs::new(Knowledge { model: MODEL, noise: 7.0 }, Batches::Within(limits));
        assert!((job.at(false, 2) - 64.0 / 27.0).abs() < 1e-6);
        assert_eq!(job.batch(false, 2), Some(16));
        job.update(Knowledge { model: MODEL, noise: 0.0 });
        assert!((job.at(false, 2) - 2.0).abs() < 1e-6);
        assert_eq!(job.batch(false, 2), Some(8));
        assert_eq!(job.at(false, 17), 0.0);
    }
}
