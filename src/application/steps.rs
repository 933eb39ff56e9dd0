//! How long a training step of an application takes.

use std::collections::BTreeMap;

use crate::goodput::StepModel;

use super::noise::Interpolation;

/// The times of an application's training steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Steps {
    /// A fit of seven parameters.
    Model(StepModel),
    /// A table of measurements.
    Table(StepTable),
}

/// The times of the parts of a training step, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTime {
    /// The time of a micro-batch whose gradients are only accumulated.
    pub accumulate: f64,
    /// The time of the last micro-batch, in which gradients are exchanged.
    pub step: f64,
}

/// One measurement of a training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMeasurement {
    /// The number of nodes.
    pub nodes: u32,
    /// The number of GPUs.
    pub gpus: u32,
    /// The examples of a micro-batch on each of them.
    pub atomic: u32,
    /// The times of its parts.
    pub time: StepTime,
}

impl Steps {
    /// Returns the times on `gpus` GPUs of `nodes` nodes at a micro-batch of `atomic` examples on
    /// each; `None` on more GPUs than were measured.
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
type StepCurve = Vec<(f64, StepTime)>;

/// Measured times: means over every placement of as many GPUs on as many nodes.
///
/// Times that were not measured are interpolated:
///
/// - Between two micro-batches they are linear. Beyond the largest one the last line goes on,
///   unless it falls; below the smallest they are those of the smallest.
/// - Between two numbers of GPUs that were measured on the same number of nodes they are linear.
/// - Between two numbers of nodes they are linear: at the same number of GPUs if both were measured
///   with so many, else at as many GPUs on each node. Beyond the largest number of nodes they are
///   those of the largest.
/// - GPUs that are packed more densely than was ever measured count as on the nodes that they would
///   need at the largest density.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTable {
    /// The curves by number of nodes, then by number of GPUs, both ascending; neither is empty.
    nodes: Vec<(u32, Vec<(u32, StepCurve)>)>,
    /// The largest number of GPUs on one node.
    densest: u32,
    /// The largest number of GPUs.
    most: u32,
}

impl StepTable {
    /// Makes a table of measurements; `None` if there are none.
    pub fn new(rows: impl IntoIterator<Item = StepMeasurement>) -> Option<StepTable> {
        let mut sums: BTreeMap<(u32, u32, u32), (f64, f64, f64)> = BTreeMap::new();
        for row in rows {
            let sum = sums.entry((row.nodes, row.gpus, row.atomic)).or_default();
            *sum = (sum.0 + 1.0, sum.1 + row.time.accumulate, sum.2 + row.time.step);
        }
        let densest = sums.keys().map(|(nodes, gpus, _)| gpus.div_ceil(*nodes)).max()?;
        let most = sums.keys().map(|(_, gpus, _)| *gpus).max()?;
        let mut nodes: BTreeMap<u32, BTreeMap<u32, StepCurve>> = BTreeMap::new();
        for ((node_count, gpus, atomic), (count, accumulate, step)) in sums {
            let time = StepTime { accumulate: accumulate / count, step: step / count };
            let curve = nodes.entry(node_count).or_default().entry(gpus).or_default();
            curve.push((f64::from(atomic), time));
        }
        let nodes = nodes.into_iter().map(|(count, gpus)| (count, gpus.into_iter().collect())).collect();
        Some(StepTable { nodes, densest, most })
    }

    /// Returns the times as [`Steps::times`] does.
    fn times(&self, nodes: u32, gpus: u32, atomic: f64) -> Option<StepTime> {
        if gpus == 0 || nodes == 0 || gpus > self.most {
            return None;
        }
        let nodes = f64::from(nodes.max(gpus.div_ceil(self.densest)));
        let gpus = f64::from(gpus);
        let place = Interpolation::new(&self.nodes, |(count, _)| f64::from(*count), nodes);
        let low = &self.nodes[place.index];
        if place.share == 0.0 {
            return Some(times_on_gpus(&low.1, gpus, atomic));
        }
        let high = &self.nodes[place.index + 1];
        let both = [low, high].iter().all(|(_, counts)| {
            let (first, last) = (counts[0].0, counts[counts.len() - 1].0);
            (f64::from(first)..=f64::from(last)).contains(&gpus)
        });
        let times_on_nodes = |(count, gpu_counts): &(u32, Vec<(u32, StepCurve)>)| {
            let gpus = if both { gpus } else { gpus * f64::from(*count) / nodes };
            times_on_gpus(gpu_counts, gpus, atomic)
        };
        Some(mix(times_on_nodes(low), times_on_nodes(high), place.share))
    }
}

/// Returns the times on one number of nodes.
fn times_on_gpus(counts: &[(u32, StepCurve)], gpus: f64, atomic: f64) -> StepTime {
    let place = Interpolation::new(counts, |(count, _)| f64::from(*count), gpus);
    let low = times_at_batch(&counts[place.index].1, atomic);
    if place.share == 0.0 {
        return low;
    }
    mix(low, times_at_batch(&counts[place.index + 1].1, atomic), place.share)
}

/// Returns the times at a micro-batch of `atomic` examples.
fn times_at_batch(curve: &StepCurve, atomic: f64) -> StepTime {
    let last = curve.len() - 1;
    let place = Interpolation::new(curve, |(size, _)| *size, atomic);
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

/// Returns times between two others, in proportion to `share`.
fn mix(from: StepTime, to: StepTime, share: f64) -> StepTime {
    let between = |a: f64, b: f64| a + share * (b - a);
    StepTime { accumulate: between(from.accumulate, to.accumulate), step: between(from.step, to.step) }
}
