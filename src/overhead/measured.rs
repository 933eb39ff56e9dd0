//! Restart overheads as ElasticFlow's figure 12b has them, by model.

use std::cmp::Ordering;

use crate::cluster::NodeSet;
use crate::job::JobSpec;
use crate::units::{Gpus, SimDuration};

use super::Overhead;

/// The restart overheads measured for one model, in seconds.
struct MeasuredModel {
    name: &'static str,
    /// Into 2 GPUs from 1, and into 16 from 8.
    up: [f64; 2],
    /// Into 1 GPU from 2, and into 8 from 16.
    down: [f64; 2],
    /// Into 8 GPUs from 8 others.
    moved: f64,
}

/// ElasticFlow, figure 12b. BERT's and DeepSpeech 2's bars are printed with the same values.
const FIGURE_12B: [MeasuredModel; 6] = [
    MeasuredModel { name: "resnet50", up: [1.884, 1.666], down: [1.659, 1.787], moved: 0.887 },
    MeasuredModel { name: "vgg16", up: [1.820, 2.407], down: [1.629, 2.354], moved: 3.209 },
    MeasuredModel { name: "inception3", up: [1.819, 1.738], down: [1.099, 1.733], moved: 0.690 },
    MeasuredModel { name: "gpt2", up: [2.344, 3.203], down: [3.101, 3.198], moved: 2.119 },
    MeasuredModel { name: "bert", up: [3.904, 4.239], down: [2.611, 4.222], moved: 3.191 },
    MeasuredModel { name: "deepspeech2", up: [3.904, 4.239], down: [2.611, 4.222], moved: 3.191 },
];

/// The target sizes of [`MeasuredModel::up`] and of [`MeasuredModel::down`], in GPUs.
const UP_TO: [u32; 2] = [2, 16];
const DOWN_TO: [u32; 2] = [1, 8];

/// What changes: more GPUs (a first start is an increase), fewer, or only the nodes.
#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
    Moved,
}

impl MeasuredModel {
    /// Returns the seconds at the listed size that is nearest to `gpus` in the same direction.
    fn seconds(&self, direction: Direction, gpus: Gpus) -> f64 {
        match direction {
            Direction::Up => self.up[nearest(gpus, UP_TO)],
            Direction::Down => self.down[nearest(gpus, DOWN_TO)],
            Direction::Moved => self.moved,
        }
    }
}

/// Returns which of two listed sizes is nearer by ratio; the smaller one on a tie.
fn nearest(gpus: Gpus, listed: [u32; 2]) -> usize {
    // g is nearer to b than to a exactly if g² > a·b.
    let square = u64::from(gpus.get()) * u64::from(gpus.get());
    usize::from(square > u64::from(listed[0]) * u64::from(listed[1]))
}

/// The overhead of figure 12b. A model that is not in it has the mean of those that are.
pub(super) struct MeasuredOverhead;

impl MeasuredOverhead {
    fn in_direction(job: &JobSpec, direction: Direction, gpus: Gpus) -> SimDuration {
        let seconds = match FIGURE_12B.iter().find(|model| model.name == job.model) {
            Some(model) => model.seconds(direction, gpus),
            None => {
                let all = FIGURE_12B.iter().map(|model| model.seconds(direction, gpus));
                all.sum::<f64>() / FIGURE_12B.len() as f64
            }
        };
        SimDuration::from_secs_f64(seconds).expect("the measured times are a few seconds")
    }
}

impl Overhead for MeasuredOverhead {
    fn restart(&self, job: &JobSpec, from: Option<&NodeSet>, to: &NodeSet) -> SimDuration {
        let before = from.map_or(Gpus::ZERO, NodeSet::gpus);
        let direction = match before.cmp(&to.gpus()) {
            Ordering::Less => Direction::Up,
            Ordering::Greater => Direction::Down,
            Ordering::Equal => Direction::Moved,
        };
        MeasuredOverhead::in_direction(job, direction, to.gpus())
    }

    fn bound(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        let [up, down, moved] = [Direction::Up, Direction::Down, Direction::Moved]
            .map(|direction| MeasuredOverhead::in_direction(job, direction, gpus));
        up.max(down).max(moved)
    }
}
