//! What is known of a job: its steps as far as they were seen, the parameters that explain them,
//! and the noise of its gradients.

use std::collections::BTreeSet;

use super::super::Observation;
use super::fit::{Seen, fit};
use super::speedup::{Batches, Goodputs, Knowledge};
use crate::goodput::split;

/// Learns how fast a job is from what it was seen to do.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    batches: Batches,
    /// Placements and micro-batch sizes that were seen, the first time of each.
    keys: BTreeSet<(u32, u32, u32)>,
    seen: Vec<Seen>,
    /// The most GPUs that it was seen on.
    most: u32,
    noise: f64,
    goodputs: Option<Goodputs>,
}

impl Agent {
    pub(super) fn new(batches: Batches) -> Agent {
        let (keys, seen) = (BTreeSet::new(), Vec::new());
        Agent { batches, keys, seen, most: 0, noise: 0.0, goodputs: None }
    }

    /// Takes in what was seen, the latest last. The parameters are fitted anew only when a
    /// placement or micro-batch size is new; the noise is always the latest.
    pub(super) fn learn(&mut self, observed: impl Iterator<Item = Observation>) {
        let known = self.seen.len();
        for observation in observed {
            let (nodes, gpus) = (observation.setting.nodes, observation.setting.gpus.get());
            let batch = observation.setting.batch;
            let (key, seen) = match self.batches {
                Batches::Within(limits) => {
                    let Some((measured, split)) = observation.measured.zip(split(&limits, gpus, batch))
                    else {
                        continue;
                    };
                    self.noise = measured.noise;
                    let accumulate = Some(measured.accumulate);
                    let atomic = f64::from(split.atomic);
                    (split.atomic, Seen { nodes, gpus, atomic, accumulate, step: measured.step })
                }
                Batches::Own(examples) => {
                    let atomic = examples / f64::from(gpus);
                    let (accumulate, step) = match observation.measured {
                        Some(measured) => (Some(measured.accumulate), measured.step),
                        None => {
                            let step = 1.0 / observation.rate.get();
                            // One GPU exchanges nothing; what more of them compute and exchange is
                            // not known apart.
                            ((gpus == 1).then_some(step), step)
                        }
                    };
                    (0, Seen { nodes, gpus, atomic, accumulate, step })
                }
            };
            self.most = self.most.max(gpus);
            if self.keys.insert((nodes, gpus, key)) {
                self.seen.push(seen);
            }
        }
        if self.seen.is_empty() {
            return;
        }
        let noise = self.noise;
        match &mut self.goodputs {
            Some(goodputs) if self.seen.len() == known => goodputs.update_noise(noise),
            Some(goodputs) => goodputs.update(Knowledge { model: fit(&self.seen), noise }),
            None => {
                self.goodputs = Some(Goodputs::new(Knowledge { model: fit(&self.seen), noise }, self.batches))
            }
        }
    }

    /// The most GPUs that it was seen on.
    pub(super) fn most_seen(&self) -> u32 {
        self.most
    }

    /// How fast it would be, once it was seen.
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

    fn seen(nodes: u32, gpus: u32, batch: u32, step: f64, noise: Option<f64>) -> Observation {
        Observation {
            setting: Configuration { nodes, gpus: Gpus::new(gpus), batch },
            at: Iterations::ZERO,
            rate: Rate::new(1.0 / step),
            measured: noise.map(|noise| Measurement { accumulate: 0.8 * step, step, noise }),
        }
    }

    /// Batches of 8, 16 and 32 on two GPUs are micro-batches of 4, 8 and 8 examples: the last is
    /// not new, however long it took.
    #[test]
    fn a_micro_batch_size_counts_once() {
        let limits = BatchLimits { initial: 8, largest: 64, local: (1, 8), gpus: 64, pinned: None };
        let mut agent = Agent::new(Batches::Within(limits));
        agent.learn([seen(1, 2, 8, 3.0, Some(1.0)), seen(1, 2, 16, 5.0, Some(2.0))].into_iter());
        let before = agent.goodputs().map(|goodputs| goodputs.at(true, 4));
        agent.learn([seen(1, 2, 8, 3.0, Some(1.0)), seen(1, 2, 32, 9.0, Some(2.0))].into_iter());
        assert_eq!((agent.seen.len(), agent.most_seen()), (2, 2));
        assert_eq!(agent.goodputs().map(|goodputs| goodputs.at(true, 4)), before);
        agent.learn([seen(1, 2, 32, 9.0, Some(3.0))].into_iter());
        assert!(agent.goodputs().map(|goodputs| goodputs.at(true, 4)) > before, "more noise, more to gain");
    }

    /// 64 examples in 4 s on one GPU, in 2.5 on two: a job of one batch size is as fast there as it
    /// was seen to be.
    #[test]
    fn a_job_of_one_batch_size_is_learned_by_its_speed() {
        let mut agent = Agent::new(Batches::Own(64.0));
        assert!(agent.goodputs().is_none());
        agent.learn([seen(1, 1, 64, 4.0, None), seen(1, 2, 64, 2.5, None)].into_iter());
        let goodputs = agent.goodputs().expect("it was seen");
        assert!((goodputs.at(false, 1) / 16.0 - 1.0).abs() < 0.01);
        assert!((goodputs.at(false, 2) / 25.6 - 1.0).abs() < 0.01);
    }
}
