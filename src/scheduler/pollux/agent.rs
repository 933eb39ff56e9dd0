//! What has been learned of a job: its step times as far as they were observed, the parameters that
//! explain them, and the noise of its gradients (Pollux, section 4.1).

use std::collections::BTreeSet;

use super::fit::{ObservedStep, fit};
use super::speedup::{AllowedBatches, GoodputModel, Goodputs};
use crate::goodput::split;
use crate::scheduler::Observation;

/// Learns how fast a job trains from observations of it.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    batches: AllowedBatches,
    /// Nodes, GPUs and micro-batch size of every step in `steps`. The micro-batch size of a job
    /// that keeps its batch size is 0: its GPUs imply it.
    keys: BTreeSet<(u32, u32, u32)>,
    /// The first observation for each key, in the order in which they were made.
    steps: Vec<ObservedStep>,
    /// The largest number of GPUs that the job was observed on; 0 before it was observed.
    most_gpus: u32,
    /// The variance of the gradient ÷ its squared norm, as last measured.
    noise: f64,
    /// `None` before the job was observed.
    goodputs: Option<Goodputs>,
}

impl Agent {
    /// Creates the agent of a job that has not been observed.
    pub(super) fn new(batches: AllowedBatches) -> Agent {
        let (keys, steps) = (BTreeSet::new(), Vec::new());
        Agent { batches, keys, steps, most_gpus: 0, noise: 0.0, goodputs: None }
    }

    /// Takes in observations, the latest of which comes last. The noise is then the latest one. The
    /// parameters are fitted anew only if nodes, GPUs and micro-batch size of an observation are
    /// new together.
    pub(super) fn learn(&mut self, observations: impl Iterator<Item = Observation>) {
        let known = self.steps.len();
        for observation in observations {
            let Some((micro_batch, step)) = self.read(&observation) else { continue };
            self.most_gpus = self.most_gpus.max(step.gpus);
            if self.keys.insert((step.nodes, step.gpus, micro_batch)) {
                self.steps.push(step);
            }
        }
        if self.steps.is_empty() {
            return;
        }
        let noise = self.noise;
        match &mut self.goodputs {
            Some(goodputs) if self.steps.len() == known => goodputs.update_noise(noise),
            Some(goodputs) => goodputs.update(GoodputModel { steps: fit(&self.steps), noise }),
            None => {
                let model = GoodputModel { steps: fit(&self.steps), noise };
                self.goodputs = Some(Goodputs::new(model, self.batches));
            }
        }
    }

    /// Returns the step of an observation with the micro-batch size of its key, and takes in the
    /// noise. `None` where the observation tells nothing: the speed model measures no step times,
    /// or a true speed model allows a batch size that the believed one does not.
    fn read(&mut self, observation: &Observation) -> Option<(u32, ObservedStep)> {
        let (nodes, gpus) = (observation.setting.nodes, observation.setting.gpus.get());
        match self.batches {
            AllowedBatches::Within(limits) => {
                let split = split(&limits, gpus, observation.setting.batch)?;
                let measured = observation.measured?;
                self.noise = measured.noise;
                let (atomic, accumulate) = (f64::from(split.atomic), Some(measured.accumulate));
                Some((split.atomic, ObservedStep { nodes, gpus, atomic, accumulate, step: measured.step }))
            }
            AllowedBatches::Own(examples) => {
                let atomic = examples / f64::from(gpus);
                let (accumulate, step) = match observation.measured {
                    Some(measured) => (Some(measured.accumulate), measured.step),
                    None => {
                        let step = 1.0 / observation.rate.get();
                        // One GPU exchanges nothing. On more GPUs, a rate alone does not tell
                        // computing from exchanging.
                        ((gpus == 1).then_some(step), step)
                    }
                };
                Some((0, ObservedStep { nodes, gpus, atomic, accumulate, step }))
            }
        }
    }

    /// Returns the largest number of GPUs that the job was observed on; 0 before it was observed.
    pub(super) fn most_gpus(&self) -> u32 {
        self.most_gpus
    }

    /// Returns the goodputs that the job is expected to have; `None` exactly while
    /// [`Agent::most_gpus`] is 0.
    pub(super) fn goodputs(&mut self) -> Option<&mut Goodputs> {
        self.goodputs.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goodput::BatchLimits;
    use crate::profile::{Configuration, Measurement};
    use crate::units::{Gpus, Iterations, Rate};

    /// Returns an observation of a step of `step` seconds, with measurements if a noise is given.
    fn observation(nodes: u32, gpus: u32, batch: u32, step: f64, noise: Option<f64>) -> Observation {
        Observation {
            setting: Configuration { nodes, gpus: Gpus::new(gpus), batch },
            at: Iterations::ZERO,
            rate: Rate::new(1.0 / step),
            measured: noise.map(|noise| Measurement { accumulate: 0.8 * step, step, noise }),
        }
    }

    /// Batches of 8, 16 and 32 on two GPUs are micro-batches of 4, 8 and 8 examples: the last size
    /// is not new, however long its step took.
    #[test]
    fn a_micro_batch_size_counts_once() {
        let limits = BatchLimits { initial: 8, largest: 64, local: (1, 8), gpus: 64, pinned: None };
        let mut agent = Agent::new(AllowedBatches::Within(limits));
        let goodput_on_four = |agent: &mut Agent| agent.goodputs().map(|goodputs| goodputs.goodput(true, 4));
        agent
            .learn([observation(1, 2, 8, 3.0, Some(1.0)), observation(1, 2, 16, 5.0, Some(2.0))].into_iter());
        let before = goodput_on_four(&mut agent);
        agent
            .learn([observation(1, 2, 8, 3.0, Some(1.0)), observation(1, 2, 32, 9.0, Some(2.0))].into_iter());
        assert_eq!((agent.steps.len(), agent.most_gpus()), (2, 2));
        assert_eq!(goodput_on_four(&mut agent), before);
        agent.learn([observation(1, 2, 32, 9.0, Some(3.0))].into_iter());
        assert!(goodput_on_four(&mut agent) > before, "more noise makes large batches more efficient");
    }

    /// A batch of 64 examples takes 4 s on one GPU and 2.5 s on two. A job that keeps its batch
    /// size is expected to be as fast there as it was observed: 64/4 and 64/2.5 examples a second.
    #[test]
    fn a_job_of_one_batch_size_is_learned_by_its_speed() {
        let mut agent = Agent::new(AllowedBatches::Own(64.0));
        assert!(agent.goodputs().is_none());
        agent.learn([observation(1, 1, 64, 4.0, None), observation(1, 2, 64, 2.5, None)].into_iter());
        let goodputs = agent.goodputs().expect("the job was observed");
        assert!((goodputs.goodput(false, 1) / 16.0 - 1.0).abs() < 0.01);
        assert!((goodputs.goodput(false, 2) / 25.6 - 1.0).abs() < 0.01);
    }
}
