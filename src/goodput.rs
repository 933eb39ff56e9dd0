//! Goodput: throughput times statistical efficiency, as Pollux (Qiao et al., OSDI 2021, section 3)
//! has it. This module has formulas and no data, so that the truth of a run and what a scheduler
//! believes share them.
//!
//! A job on r GPUs trains at a global batch size B = r·m·(a + 1): each GPU takes a + 1
//! micro-batches of m examples, and the gradients are exchanged after the last of them. Progress is
//! counted in iterations at the job's initial batch size M0. All times are in seconds.

pub use crate::profile::BatchLimits;

/// The time of a training step by seven fitted parameters (section 3.2), in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepModel {
    /// The time to compute a micro-batch, whatever its size.
    pub alpha_c: f64,
    /// The time to compute each example.
    pub beta_c: f64,
    /// The time to exchange gradients between two GPUs on different nodes.
    pub alpha_n: f64,
    /// What every further GPU adds to that.
    pub beta_n: f64,
    /// The time to exchange gradients between two GPUs of one node.
    pub alpha_r: f64,
    /// What every further GPU adds to that.
    pub beta_r: f64,
    /// How well computing and exchanging overlap: not at all at 1; the larger, the closer the two
    /// together are to the longer of them.
    pub gamma: f64,
}

/// The time, in seconds, that stands for none where a logarithm is taken of it.
pub const NO_TIME: f64 = 1e-8;

/// How a GPU works off its part of a global batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSplit {
    /// The examples of a micro-batch.
    pub atomic: u32,
    /// The number of micro-batches before the last one, which exchange nothing.
    pub accumulation: u32,
}

/// A batch size and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchChoice {
    /// The global batch size.
    pub batch: u32,
    /// How each GPU works it off.
    pub split: BatchSplit,
    /// The examples per second at the initial batch size that would make as much progress.
    pub goodput: f64,
}

impl StepModel {
    /// Returns the time to compute a micro-batch of `atomic` examples.
    pub fn accumulate(&self, atomic: f64) -> f64 {
        self.alpha_c + self.beta_c * atomic
    }

    /// Returns the time to exchange gradients among `gpus` GPUs on `nodes` nodes.
    pub fn network(&self, nodes: u32, gpus: u32) -> f64 {
        let further = (f64::from(gpus) - 2.0).max(NO_TIME);
        match (nodes, gpus) {
            (2.., _) => self.alpha_n + self.beta_n * further,
            (_, 2..) => self.alpha_r + self.beta_r * further,
            _ => NO_TIME,
        }
    }

    /// Returns the time to compute the last micro-batch of a step, of `atomic` examples, and to
    /// exchange gradients.
    pub fn step(&self, nodes: u32, gpus: u32, atomic: f64) -> f64 {
        self.overlap(self.accumulate(atomic), self.network(nodes, gpus))
    }

    /// Returns what two times take that overlap: (a^γ + b^γ)^(1/γ), worked out from the longer one
    /// so that no power overflows.
    fn overlap(&self, a: f64, b: f64) -> f64 {
        let (long, short) = if a > b { (a, b) } else { (b, a) };
        if self.gamma == 1.0 {
            return long + short;
        }
        long * libm::pow(1.0 + libm::pow(short / long, self.gamma), 1.0 / self.gamma)
    }
}

impl BatchSplit {
    /// Returns the global batch size on `gpus` GPUs; the largest integer where it is larger.
    pub fn batch(&self, gpus: u32) -> u32 {
        gpus.saturating_mul(self.atomic).saturating_mul(self.accumulation + 1)
    }
}

/// How far a quotient may be from an integer and still count as it.
const SLACK: f64 = 1e-8;

/// Returns the fewest accumulation steps at which `local` examples a GPU keep to the limits. On one
/// GPU, a batch beyond the initial one takes at least two micro-batches: the noise of gradients is
/// measured between them.
fn least_accumulation(limits: &BatchLimits, gpus: u32, local: f64) -> u32 {
    let steps = (local / f64::from(limits.local.1) - SLACK).ceil() as u32;
    let measured = u32::from(gpus == 1 && local > f64::from(limits.initial) + SLACK);
    steps.saturating_sub(1).max(measured)
}

/// Returns the examples of a micro-batch when `local` examples are worked off in `accumulation` + 1
/// of them.
fn micro_batch(local: f64, accumulation: u32) -> u32 {
    (local / f64::from(accumulation + 1) - SLACK).ceil() as u32
}

/// Returns how a global batch is worked off on `gpus` GPUs: with the fewest accumulation steps that
/// divide it evenly within the limits. Where none do, it is the fewest that keep to the limits, and
/// the batch is rounded up to [`BatchSplit::batch`]. `None` where the limits allow no way.
pub fn split(limits: &BatchLimits, gpus: u32, batch: u32) -> Option<BatchSplit> {
    if gpus == 0 || gpus > limits.gpus || batch == 0 {
        return None;
    }
    if limits.pinned.is_some_and(|pinned| gpus > 1 || batch != pinned) {
        return None;
    }
    let local = f64::from(batch) / f64::from(gpus);
    let least = least_accumulation(limits, gpus, local);
    let is_allowed = |atomic: u32| (limits.local.0..=limits.local.1).contains(&atomic);
    if batch.is_multiple_of(gpus) {
        let local = batch / gpus;
        let most = local / limits.local.0.max(1);
        let even = (least + 1..=most).find(|parts| local.is_multiple_of(*parts) && is_allowed(local / parts));
        if let Some(parts) = even {
            return Some(BatchSplit { atomic: local / parts, accumulation: parts - 1 });
        }
    }
    let atomic = micro_batch(local, least);
    is_allowed(atomic).then_some(BatchSplit { atomic, accumulation: least })
}

/// Returns the batch size of a job of which nothing is known yet, with no goodput: the pinned one,
/// or as close to the initial one as the limits allow. `None` where they allow none on `gpus` GPUs.
pub fn first_batch(limits: &BatchLimits, gpus: u32) -> Option<BatchChoice> {
    let batch = limits.pinned.unwrap_or_else(|| limits.initial.max(limits.local.0.saturating_mul(gpus)));
    let local = f64::from(batch.div_ceil(gpus.max(1)));
    let accumulation = least_accumulation(limits, gpus, local);
    cut_down(limits, gpus, BatchSplit { atomic: micro_batch(local, accumulation), accumulation }, 0.0)
}

/// Returns how many times as much progress a step makes at `batch` as at the initial batch size:
/// (ρ + 1) ÷ (ρ ÷ s + 1). Here s is the ratio of the two, and ρ, `noise`, the variance of gradients
/// at the initial batch size over their square. The gain ÷ s is the statistical efficiency
/// (section 3.1). At infinite noise the gain is s.
pub fn gain(noise: f64, initial: u32, batch: u32) -> f64 {
    let scale = f64::from(batch) / f64::from(initial);
    if noise.is_finite() { (noise + 1.0) / (noise / scale + 1.0) } else { scale }
}

/// How many batch sizes [`Candidates::new`] tries.
const CANDIDATES: u32 = 50;

/// The batch sizes that may be chosen on some GPUs, and how long an iteration takes at each: the
/// part of a choice that does not depend on noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    limits: BatchLimits,
    gpus: u32,
    /// Each split with the seconds of an iteration, ascending by batch size.
    steps: Vec<(BatchSplit, f64)>,
}

impl Candidates {
    /// Works out the candidates on `gpus` GPUs. They are fifty from the smallest batch size that
    /// the limits allow there to the largest, equally far apart by ratio; those that round to the
    /// same split count once. A job that must keep its batch size has that alone. There is none
    /// where the limits allow none.
    ///
    /// `step` returns the seconds of an accumulation step and of the last step at a micro-batch of
    /// so many examples.
    pub fn new(limits: &BatchLimits, gpus: u32, step: impl Fn(u32) -> (f64, f64)) -> Candidates {
        let splits = match limits.pinned {
            Some(_) => first_batch(limits, gpus).iter().map(|first| first.split).collect(),
            None => spread_splits(limits, gpus),
        };
        let with_time = |split: BatchSplit| {
            let (accumulate, last) = step(split.atomic);
            (split, f64::from(split.accumulation) * accumulate + last)
        };
        Candidates { limits: *limits, gpus, steps: splits.into_iter().map(with_time).collect() }
    }

    /// Returns the candidate of the most goodput under `noise`, the first of equals; `None` where
    /// there is none.
    ///
    /// What is worked off of a candidate is rounded up to whole examples on every GPU, and its
    /// goodput is that of the rounded batch. A choice that thereby comes out larger than allowed is
    /// then cut down; one that cannot be cut down is not a candidate.
    pub fn best(&self, noise: f64) -> Option<BatchChoice> {
        let initial = self.limits.initial;
        let with_goodput = |(split, seconds): &(BatchSplit, f64)| {
            let gain = gain(noise, initial, split.batch(self.gpus));
            (*split, f64::from(initial) * gain / seconds)
        };
        let better =
            |best: (BatchSplit, f64), other: (BatchSplit, f64)| if other.1 > best.1 { other } else { best };
        let (split, goodput) = self.steps.iter().map(with_goodput).reduce(better)?;
        cut_down(&self.limits, self.gpus, split, goodput)
    }
}

/// Returns the splits of [`CANDIDATES`] batch sizes from the smallest to the largest on `gpus`
/// GPUs, those left out that the limits do not allow or that are the same as the one before.
fn spread_splits(limits: &BatchLimits, gpus: u32) -> Vec<BatchSplit> {
    let low = f64::from(limits.initial.max(limits.local.0.saturating_mul(gpus)));
    let high = f64::from(limits.largest);
    let mut splits = Vec::new();
    if gpus == 0 || low > high {
        return splits;
    }
    let ratio = libm::pow(high / low, 1.0 / f64::from(CANDIDATES - 1));
    let mut total = low;
    let mut last = None;
    for candidate in 1..=CANDIDATES {
        let local = total / f64::from(gpus);
        let accumulation = least_accumulation(limits, gpus, local);
        let split = BatchSplit { atomic: micro_batch(local, accumulation), accumulation };
        let largest = split.atomic.min(largest_micro_batch(limits, gpus, accumulation));
        let is_allowed = split.atomic <= limits.local.1 && largest >= limits.local.0;
        if is_allowed && last != Some(split) {
            splits.push(split);
        }
        last = Some(split);
        total = if candidate + 1 == CANDIDATES { high } else { total * ratio };
    }
    splits
}

/// Returns the largest micro-batch with which so many accumulation steps keep to the largest batch
/// size; 0 where none does.
fn largest_micro_batch(limits: &BatchLimits, gpus: u32, accumulation: u32) -> u32 {
    gpus.checked_mul(accumulation + 1).map_or(0, |parts| limits.largest / parts)
}

/// Returns a choice cut down to the largest batch size; `None` where the limits do not allow that.
fn cut_down(limits: &BatchLimits, gpus: u32, chosen: BatchSplit, goodput: f64) -> Option<BatchChoice> {
    let BatchSplit { atomic, accumulation } = chosen;
    let atomic = atomic.min(largest_micro_batch(limits, gpus, accumulation));
    let batch = BatchSplit { atomic, accumulation }.batch(gpus);
    Some(BatchChoice { batch, split: split(limits, gpus, batch)?, goodput })
}

#[cfg(test)]
mod tests;
