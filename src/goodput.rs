//! Goodput: throughput times statistical efficiency, as Pollux (Qiao et al., OSDI 2021, section 3)
//! has it. Formulas alone: they say nothing of where the numbers come from, so that the truth of a
//! run and what a scheduler believes share them.
//!
//! A job on r GPUs trains at a global batch size B = r·m·(a + 1): each GPU takes a + 1
//! micro-batches of m examples, and the gradients are exchanged after the last of them. Progress is
//! counted in iterations at the job's initial batch size M0.

pub use crate::profile::BatchLimits;

/// The time of a training step by seven fitted parameters (section 3.2), in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepModel {
    /// Computing a micro-batch, whatever its size.
    pub alpha_c: f64,
    /// Computing an example.
    pub beta_c: f64,
    /// Exchanging gradients between two GPUs on different nodes.
    pub alpha_n: f64,
    /// More for every further GPU.
    pub beta_n: f64,
    /// Exchanging gradients between two GPUs of a node.
    pub alpha_r: f64,
    /// More for every further GPU.
    pub beta_r: f64,
    /// How well computing and exchanging overlap: 1 not at all; the larger, the closer to the
    /// longer of the two.
    pub gamma: f64,
}

/// What stands for no time where a logarithm is taken of it.
pub const NO_TIME: f64 = 1e-8;

/// A GPU's part of a global batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Examples of a micro-batch.
    pub atomic: u32,
    /// Micro-batches before the last one, which exchange nothing.
    pub accumulation: u32,
}

/// A batch size and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The global batch size.
    pub batch: u32,
    /// How each GPU works it off.
    pub split: Split,
    /// Examples of the initial batch size's worth, a second.
    pub goodput: f64,
}

impl StepModel {
    /// Computing a micro-batch of `atomic` examples.
    pub fn accumulate(&self, atomic: f64) -> f64 {
        self.alpha_c + self.beta_c * atomic
    }

    /// Exchanging gradients among `gpus` GPUs on `nodes` nodes.
    pub fn network(&self, nodes: u32, gpus: u32) -> f64 {
        let further = (f64::from(gpus) - 2.0).max(NO_TIME);
        match (nodes, gpus) {
            (2.., _) => self.alpha_n + self.beta_n * further,
            (_, 2..) => self.alpha_r + self.beta_r * further,
            _ => NO_TIME,
        }
    }

    /// Computing the last micro-batch of a step, of `atomic` examples, and exchanging gradients.
    pub fn step(&self, nodes: u32, gpus: u32, atomic: f64) -> f64 {
        self.overlap(self.accumulate(atomic), self.network(nodes, gpus))
    }

    /// Two times that overlap: (a^γ + b^γ)^(1/γ), worked out from the longer one so that no power
    /// overflows.
    fn overlap(&self, a: f64, b: f64) -> f64 {
        let (long, short) = if a > b { (a, b) } else { (b, a) };
        if self.gamma == 1.0 {
            return long + short;
        }
        long * libm::pow(1.0 + libm::pow(short / long, self.gamma), 1.0 / self.gamma)
    }
}

impl Split {
    /// The global batch size on `gpus` GPUs.
    pub fn batch(&self, gpus: u32) -> u32 {
        gpus.saturating_mul(self.atomic).saturating_mul(self.accumulation + 1)
    }
}

/// How far off an integer a quotient may be and still count as it.
const SLACK: f64 = 1e-8;

/// The fewest accumulation steps at which `local` examples a GPU keep to the limits. On one GPU, a
/// batch beyond the initial one takes two micro-batches at least: the noise of gradients is
/// measured between them.
fn least_accumulation(limits: &BatchLimits, gpus: u32, local: f64) -> u32 {
    let steps = (local / f64::from(limits.local.1) - SLACK).ceil() as u32;
    let measured = u32::from(gpus == 1 && local > f64::from(limits.initial) + SLACK);
    steps.saturating_sub(1).max(measured)
}

/// Examples of a micro-batch when `local` examples are worked off in `accumulation` + 1 of them.
fn atomic(local: f64, accumulation: u32) -> u32 {
    (local / f64::from(accumulation + 1) - SLACK).ceil() as u32
}

/// How a global batch is worked off on `gpus` GPUs: with the fewest accumulation steps that divide
/// it evenly within the limits. Where none do, with the fewest that keep to the limits, and the
/// batch is rounded up to [`Split::batch`]. `None` where the limits allow no way.
pub fn split(limits: &BatchLimits, gpus: u32, batch: u32) -> Option<Split> {
    if gpus == 0 || gpus > limits.gpus || batch == 0 {
        return None;
    }
    if limits.pinned.is_some_and(|pinned| gpus > 1 || batch != pinned) {
        return None;
    }
    let local = f64::from(batch) / f64::from(gpus);
    let least = least_accumulation(limits, gpus, local);
    let allowed = |atomic: u32| (limits.local.0..=limits.local.1).contains(&atomic);
    if batch.is_multiple_of(gpus) {
        let local = batch / gpus;
        let most = local / limits.local.0.max(1);
        let even = (least + 1..=most).find(|parts| local.is_multiple_of(*parts) && allowed(local / parts));
        if let Some(parts) = even {
            return Some(Split { atomic: local / parts, accumulation: parts - 1 });
        }
    }
    let atomic = atomic(local, least);
    allowed(atomic).then_some(Split { atomic, accumulation: least })
}

/// The batch size of a job of which nothing is known yet: the pinned one, or as close to the
/// initial one as the limits allow.
pub fn first_batch(limits: &BatchLimits, gpus: u32) -> Option<Choice> {
    let batch = limits.pinned.unwrap_or_else(|| limits.initial.max(limits.local.0.saturating_mul(gpus)));
    let local = f64::from(batch.div_ceil(gpus.max(1)));
    let accumulation = least_accumulation(limits, gpus, local);
    realised(limits, gpus, Split { atomic: atomic(local, accumulation), accumulation }, 0.0)
}

/// How much more progress a step makes at `batch` than at the initial batch size: (ρ + 1) ÷ (ρ ÷ s
/// + 1), where s is the ratio of the two and `noise`, ρ, the variance of gradients at the initial
/// batch size over their square. Divided by s it is the statistical efficiency (section 3.1).
/// Infinite noise gains s.
pub fn gain(noise: f64, initial: u32, batch: u32) -> f64 {
    let scale = f64::from(batch) / f64::from(initial);
    if noise.is_finite() { (noise + 1.0) / (noise / scale + 1.0) } else { scale }
}

/// How many batch sizes are tried.
const CANDIDATES: u32 = 50;

/// The batch sizes that are tried on some GPUs, and how long a step takes at each: what does not
/// depend on noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    limits: BatchLimits,
    gpus: u32,
    /// Seconds, in ascending order of batch sizes.
    steps: Vec<(Split, f64)>,
}

impl Candidates {
    /// Fifty between the smallest batch size that the limits allow on `gpus` GPUs and the largest,
    /// equally far apart by ratio, as far as they differ; the pinned one alone for a job that must
    /// keep it; none where the limits allow none. `step` gives the seconds of an accumulation step
    /// and of the last step at a micro-batch of so many examples.
    pub fn new(limits: &BatchLimits, gpus: u32, step: impl Fn(u32) -> (f64, f64)) -> Candidates {
        let mut steps = Vec::new();
        let mut add = |split: Split| {
            let (accumulate, last) = step(split.atomic);
            steps.push((split, f64::from(split.accumulation) * accumulate + last));
        };
        let low = f64::from(limits.initial.max(limits.local.0.saturating_mul(gpus)));
        let high = f64::from(limits.largest);
        if limits.pinned.is_some() {
            first_batch(limits, gpus).iter().for_each(|first| add(first.split));
        } else if gpus > 0 && low <= high {
            let ratio = libm::pow(high / low, 1.0 / f64::from(CANDIDATES - 1));
            let mut total = low;
            let mut last = None;
            for candidate in 1..=CANDIDATES {
                let local = total / f64::from(gpus);
                let accumulation = least_accumulation(limits, gpus, local);
                let split = Split { atomic: atomic(local, accumulation), accumulation };
                let cut_down = split.atomic.min(largest_atomic(limits, gpus, accumulation));
                let allowed = split.atomic <= limits.local.1 && cut_down >= limits.local.0;
                // Close candidates round to the same.
                if allowed && last != Some(split) {
                    add(split);
                }
                last = Some(split);
                total = if candidate + 1 == CANDIDATES { high } else { total * ratio };
            }
        }
        Candidates { limits: *limits, gpus, steps }
    }

    /// The one of the most goodput under `noise`, the first of equals; `None` where there is none.
    ///
    /// What is worked off of a candidate is rounded up to whole examples on every GPU, and its
    /// goodput is that of the rounded batch. A choice that thereby comes out larger than allowed is
    /// then cut down; one that cannot be is no candidate.
    pub fn best(&self, noise: f64) -> Option<Choice> {
        let initial = self.limits.initial;
        let goodput = |(split, seconds): &(Split, f64)| {
            let gain = gain(noise, initial, split.batch(self.gpus));
            (*split, f64::from(initial) * gain / seconds)
        };
        let better = |best: (Split, f64), other: (Split, f64)| if other.1 > best.1 { other } else { best };
        let (split, goodput) = self.steps.iter().map(goodput).reduce(better)?;
        realised(&self.limits, self.gpus, split, goodput)
    }
}

/// The largest micro-batch with which so many accumulation steps keep to the largest batch size.
fn largest_atomic(limits: &BatchLimits, gpus: u32, accumulation: u32) -> u32 {
    gpus.checked_mul(accumulation + 1).map_or(0, |parts| limits.largest / parts)
}

/// A choice cut down to the largest batch size.
fn realised(limits: &BatchLimits, gpus: u32, chosen: Split, goodput: f64) -> Option<Choice> {
    let Split { atomic, accumulation } = chosen;
    let batch =
        Split { atomic: atomic.min(largest_atomic(limits, gpus, accumulation)), accumulation }.batch(gpus);
    Some(Choice { batch, split: split(limits, gpus, batch)?, goodput })
}

#[cfg(test)]
mod tests;
