//! How long a training step of an application takes.

use std::collections::BTreeMap;

use crate::goodput::StepModel;

use super::noise::Between;

/// Where the times of training steps come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Steps {
    /// Fitted: seven parameters.
    Model(StepModel),
    /// Measured: a table.
    Table(StepTable),
}

/// The times of a step's parts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTime {
    /// A micro-batch whose gradients are only accumulated.
    pub accumulate: f64,
    /// The last micro-batch, gradients exchanged.
    pub step: f64,
}

/// One measurement of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRow {
    /// On how many nodes.
    pub nodes: u32,
    /// On how many GPUs.
    pub gpus: u32,
    /// Examples of a micro-batch on each of them.
    pub atomic: u32,
    /// How long it took.
    pub time: StepTime,
}

impl Steps {
    /// The times on `gpus` GPUs of `nodes` nodes at a micro-batch of `atomic` examples on each;
    /// `None` on more GPUs than were measured.
    pub fn times(&self, nodes: u32, gpus: u32, atomic: u32) -> Option<StepTime> {
        match self {
            Steps::Model(model) => {
                let examples = f64::from(atomic);
                let (accumulate, step) = (model.accumulate(examples), model.step(nodes, gpus, examples));
                Some(StepTime { accumulate, step })
            }
            Steps::Table(table) => table.times(nodes, gpus, f64::from(atomic)),
        }
    }
}

/// The times that were measured on one number of nodes and GPUs, ascending by the micro-batch.
type Curve = Vec<(f64, StepTime)>;

/// Measured times: means over every placement of as many GPUs on as many nodes, and how the rest is
/// made up from them.
///
/// Between micro-batches times are linear; beyond the largest the last line goes on, unless it
/// falls, and below the smallest they are those of the smallest. Numbers of GPUs that were not
/// measured on some number of nodes are linear between those that were. A number of nodes that was
/// not measured is linear between those that were: at the same number of GPUs if both were measured
/// with so many, else at as many GPUs on each node. Beyond the largest number of nodes it is that
/// one. GPUs that are packed more densely than was ever measured count as on the nodes that they
/// would need at the largest density.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTable {
    /// By nodes, then by GPUs; neither is empty.
    nodes: Vec<(u32, Vec<(u32, Curve)>)>,
    densest: u32,
    most: u32,
}

impl StepTable {
    /// The table of at least one measurement; `None` for none.
    pub fn new(rows: impl IntoIterator<Item = StepRow>) -> Option<StepTable> {
        let mut sums: BTreeMap<(u32, u32, u32), (f64, f64, f64)> = BTreeMap::new();
        for row in rows {
            let sum = sums.entry((row.nodes, row.gpus, row.atomic)).or_default();
            *sum = (sum.0 + 1.0, sum.1 + row.time.accumulate, sum.2 + row.time.step);
        }
        let densest = sums.keys().map(|(nodes, gpus, _)| gpus.div_ceil(*nodes)).max()?;
        let most = sums.keys().map(|(_, gpus, _)| *gpus).max()?;
        let mut nodes: BTreeMap<u32, BTreeMap<u32, Curve>> = BTreeMap::new();
        for ((on, gpus, atomic), (count, accumulate, step)) in sums {
            let time = StepTime { accumulate: accumulate / count, step: step / count };
            nodes.entry(on).or_default().entry(gpus).or_default().push((f64::from(atomic), time));
        }
        let nodes = nodes.into_iter().map(|(on, gpus)| (on, gpus.into_iter().collect())).collect();
        Some(StepTable { nodes, densest, most })
    }

    /// As [`Steps::times`].
    fn times(&self, nodes: u32, gpus: u32, atomic: f64) -> Option<StepTime> {
        if gpus == 0 || nodes == 0 || gpus > self.most {
            return None;
        }
        let nodes = f64::from(nodes.max(gpus.div_ceil(self.densest)));
        let gpus = f64::from(gpus);
        let place = Between::of(&self.nodes, |(on, _)| f64::from(*on), nodes);
        let low = &self.nodes[place.index];
        if place.share == 0.0 {
            return Some(on_gpus(&low.1, gpus, atomic));
        }
        let high = &self.nodes[place.index + 1];
        let both = [low, high].iter().all(|(_, counts)| {
            let (first, last) = (counts[0].0, counts[counts.len() - 1].0);
            (f64::from(first)..=f64::from(last)).contains(&gpus)
        });
        let on = |(on, counts): &(u32, Vec<(u32, Curve)>)| {
            let gpus = if both { gpus } else { gpus * f64::from(*on) / nodes };
            on_gpus(counts, gpus, atomic)
        };
        Some(mix(on(low), on(high), place.share))
    }
}

/// The times on one number of nodes.
fn on_gpus(counts: &[(u32, Curve)], gpus: f64, atomic: f64) -> StepTime {
    let place = Between::of(counts, |(count, _)| f64::from(*count), gpus);
    let low = along(&counts[place.index].1, atomic);
    if place.share == 0.0 { low } else { mix(low, along(&counts[place.index + 1].1, atomic), place.share) }
}

/// The times at a micro-batch.
fn along(curve: &Curve, atomic: f64) -> StepTime {
    let last = curve.len() - 1;
    let place = Between::of(curve, |(size, _)| *size, atomic);
    if place.share > 0.0 || last == 0 || (curve[0].0..=curve[last].0).contains(&atomic) {
        let low = curve[place.index].1;
        return if place.share == 0.0 { low } else { mix(low, curve[place.index + 1].1, place.share) };
    }
    if atomic < curve[0].0 {
        return curve[0].1;
    }
    let [(from, inner), (to, end)] = [curve[last - 1], curve[last]];
    let beyond = mix(inner, end, (atomic - from) / (to - from));
    StepTime { accumulate: beyond.accumulate.max(end.accumulate), step: beyond.step.max(end.step) }
}

/// Linear from one time to another.
fn mix(from: StepTime, to: StepTime, share: f64) -> StepTime {
    let between = |a: f64, b: f64| a + share * (b - a);
    StepTime { accumulate: between(from.accumulate, to.accumulate), step: between(from.step, to.step) }
}
