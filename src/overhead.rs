//! How long a job stands still when its GPUs change.

use crate::cluster::NodeSet;
use crate::job::JobSpec;
use crate::units::{Gpus, SimDuration};

/// The time that a change of GPUs costs.
pub trait Overhead: Send + Sync {
    /// How long `job` stands still when its GPUs change from `from` (`None`: it held nothing) to
    /// `to`.
    fn restart(&self, job: &JobSpec, from: Option<&NodeSet>, to: &NodeSet) -> SimDuration;

    /// No pause of `job` into `gpus` GPUs is longer than this, whatever it held before and wherever
    /// it goes.
    fn bound(&self, job: &JobSpec, gpus: Gpus) -> SimDuration;

    /// How long `job` stands still when its turn comes in a rotation on `gpus` GPUs: what it costs
    /// to suspend the one before and to resume it on the same nodes.
    fn turn(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        self.bound(job, gpus)
    }
}

/// An overhead by name, as `--overhead` takes it: what a change costs and, after a `+`, what a turn
/// costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// What a change costs.
    pub change: Change,
    /// What a turn in a rotation costs; `None`: as much as a change.
    pub suspend: Option<SimDuration>,
}

impl From<Change> for Preset {
    /// With the usual cost of a turn: none where changes are free, else [`SUSPEND`].
    fn from(change: Change) -> Preset {
        let suspend = if change == Change::None { SimDuration::ZERO } else { SUSPEND };
        Preset { change, suspend: Some(suspend) }
    }
}

impl Default for Preset {
    fn default() -> Preset {
        Change::OnChange.into()
    }
}

/// What a turn costs where nothing else is said: suspending one job and resuming another takes
/// Gandiva a fraction of a second (OSDI 2018, section 4.1).
pub const SUSPEND: SimDuration = SimDuration::from_micros(500_000);

/// What a change of GPUs costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Changes are free.
    None,
    /// Every change costs the same.
    Fixed(SimDuration),
    /// The model of the paper's simulations: 2 + 2·(log₂ g + 1) s into g GPUs, 7 + … on clusters of
    /// 256 GPUs or more.
    OnChange,
    /// The paper's measurements (figure 12b), by model.
    Measured,
    /// Chronus's checkpoint and restart: a time, [`CHRONUS`] in its paper, times 1 + log₂ g into g
    /// GPUs.
    Chronus(SimDuration),
}

/// What Chronus's checkpoint and restart take on one GPU: 0.1 and 0.4 minutes (the constants of its
/// artifact).
pub const CHRONUS: SimDuration = SimDuration::from_secs(30);

/// Every preset's name as `--overhead` spells it, with what it charges.
pub const PRESETS: [(&str, &str); 7] = [
    (
        "on-change",
        "2 + 2(log2 g + 1) s into g GPUs, 7 + ... on 256 GPUs or more (default; ElasticFlow's simulations)",
    ),
    ("none", "changes are free"),
    ("fixed:SECONDS", "every change costs the same"),
    (
        "measured",
        "ElasticFlow, figure 12b, by model: nearest listed size in the same direction; others: the mean",
    ),
    ("chronus", "30(1 + log2 g) s into g GPUs"),
    ("chronus:SECONDS", "the same with another time on one GPU"),
    (
        "NAME+suspend:SECONDS",
        "any of these, and this much for a turn in a rotation (default 0.5; `restart`: a change)",
    ),
];

impl std::str::FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Preset, String> {
        let Some((change, suspend)) = text.split_once('+') else {
            return text.parse().map(Change::into);
        };
        let suspend = match suspend {
            "suspend:restart" => None,
            text => Some(seconds_after("suspend:", text).unwrap_or_else(|| {
                Err(format!("`{text}` after `+` is not `suspend:SECONDS` or `suspend:restart`"))
            })?),
        };
        Ok(Preset { change: change.parse()?, suspend })
    }
}

impl std::str::FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Change, String> {
        match text {
            "none" => Ok(Change::None),
            "on-change" => Ok(Change::OnChange),
            "measured" => Ok(Change::Measured),
            "chronus" => Ok(Change::Chronus(CHRONUS)),
            _ => {
                let fixed = seconds_after("fixed:", text).map(|restart| restart.map(Change::Fixed));
                fixed.or_else(|| Some(seconds_after("chronus:", text)?.map(Change::Chronus))).unwrap_or_else(
                    || {
                        Err(format!(
                            "unknown overhead `{text}`; known are {}",
                            PRESETS.map(|p| p.0).join(", ")
                        ))
                    },
                )
            }
        }
    }
}

/// The seconds after `key`, if `text` begins with it.
fn seconds_after(key: &str, text: &str) -> Option<Result<SimDuration, String>> {
    let seconds = text.strip_prefix(key)?;
    let why = |why| format!("`{seconds}` after `{key}` is {why}; give seconds, such as {key}30");
    Some(seconds.parse().map_err(why))
}

impl std::fmt::Display for Preset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.change)?;
        match self.suspend {
            _ if *self == self.change.into() => Ok(()),
            None => f.write_str("+suspend:restart"),
            Some(time) => write!(f, "+suspend:{time}"),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::None => f.write_str("none"),
            Change::Fixed(restart) => write!(f, "fixed:{restart}"),
            Change::OnChange => f.write_str("on-change"),
            Change::Measured => f.write_str("measured"),
            Change::Chronus(CHRONUS) => f.write_str("chronus"),
            Change::Chronus(time) => write!(f, "chronus:{time}"),
        }
    }
}

impl Preset {
    /// The overhead on a cluster of `gpus` GPUs.
    pub fn on(self, gpus: Gpus) -> Box<dyn Overhead> {
        Box::new(Suspending { change: self.change.on(gpus), suspend: self.suspend })
    }
}

impl Change {
    fn on(self, gpus: Gpus) -> Box<dyn Overhead> {
        match self {
            Change::None => Box::new(BySize { base: 0.0, per_level: 0.0 }),
            Change::Fixed(restart) => Box::new(Constant(restart)),
            Change::OnChange if gpus >= LARGE => Box::new(BySize { base: 7.0, per_level: 2.0 }),
            Change::OnChange => Box::new(BySize { base: 2.0, per_level: 2.0 }),
            Change::Measured => Box::new(Measured),
            Change::Chronus(time) => Box::new(BySize { base: 0.0, per_level: time.as_secs_f64() }),
        }
    }
}

/// An overhead whose turns have a cost of their own.
struct Suspending {
    change: Box<dyn Overhead>,
    suspend: Option<SimDuration>,
}

impl Overhead for Suspending {
    fn restart(&self, job: &JobSpec, from: Option<&NodeSet>, to: &NodeSet) -> SimDuration {
        self.change.restart(job, from, to)
    }
    fn bound(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        self.change.bound(job, gpus)
    }
    fn turn(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        self.suspend.unwrap_or_else(|| self.change.turn(job, gpus))
    }
}

/// Clusters of at least this many GPUs pay the higher base of [`Change::OnChange`].
const LARGE: Gpus = Gpus::new(256);

struct Constant(SimDuration);

impl Overhead for Constant {
    fn restart(&self, _: &JobSpec, _: Option<&NodeSet>, _: &NodeSet) -> SimDuration {
        self.0
    }
    fn bound(&self, _: &JobSpec, _: Gpus) -> SimDuration {
        self.0
    }
}

/// `base + per_level · (log₂ g + 1)` seconds into g GPUs.
struct BySize {
    base: f64,
    per_level: f64,
}

impl Overhead for BySize {
    fn restart(&self, job: &JobSpec, _: Option<&NodeSet>, to: &NodeSet) -> SimDuration {
        self.bound(job, to.gpus())
    }
    fn bound(&self, _: &JobSpec, gpus: Gpus) -> SimDuration {
        seconds(self.base + self.per_level * (libm::log2(f64::from(gpus.get())) + 1.0))
    }
}

fn seconds(value: f64) -> SimDuration {
    SimDuration::from_secs_f64(value).unwrap_or(SimDuration::ZERO)
}

/// Seconds measured for one model: into 2 GPUs from 1, into 1 from 2, into 16 from 8, into 8 from
/// 16, and a move of 8.
struct Row {
    model: &'static str,
    up: [f64; 2],
    down: [f64; 2],
    moved: f64,
}

/// ElasticFlow, figure 12b. BERT's and DeepSpeech 2's bars are printed with the same values.
const FIGURE_12B: [Row; 6] = [
    Row { model: "resnet50", up: [1.884, 1.666], down: [1.659, 1.787], moved: 0.887 },
    Row { model: "vgg16", up: [1.820, 2.407], down: [1.629, 2.354], moved: 3.209 },
    Row { model: "inception3", up: [1.819, 1.738], down: [1.099, 1.733], moved: 0.690 },
    Row { model: "gpt2", up: [2.344, 3.203], down: [3.101, 3.198], moved: 2.119 },
    Row { model: "bert", up: [3.904, 4.239], down: [2.611, 4.222], moved: 3.191 },
    Row { model: "deepspeech2", up: [3.904, 4.239], down: [2.611, 4.222], moved: 3.191 },
];

/// The listed target sizes of `Row::up` and of `Row::down`.
const UP_TO: [u32; 2] = [2, 16];
const DOWN_TO: [u32; 2] = [1, 8];

struct Measured;

/// What changes: an increase (a first start is one), a decrease, or only the nodes.
#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
    Moved,
}

impl Measured {
    fn seconds(job: &JobSpec, direction: Direction, gpus: Gpus) -> f64 {
        let of = |row: &Row| match direction {
            Direction::Up => row.up[nearest(gpus, UP_TO)],
            Direction::Down => row.down[nearest(gpus, DOWN_TO)],
            Direction::Moved => row.moved,
        };
        match FIGURE_12B.iter().find(|row| row.model == job.model) {
            Some(row) => of(row),
            None => FIGURE_12B.iter().map(of).sum::<f64>() / FIGURE_12B.len() as f64,
        }
    }
}

/// Which of two listed sizes is nearer by ratio; the smaller one on a tie.
fn nearest(gpus: Gpus, listed: [u32; 2]) -> usize {
    // g is nearer to b than to a exactly if g² > a·b.
    let square = u64::from(gpus.get()) * u64::from(gpus.get());
    usize::from(square > u64::from(listed[0]) * u64::from(listed[1]))
}

impl Overhead for Measured {
    fn restart(&self, job: &JobSpec, from: Option<&NodeSet>, to: &NodeSet) -> SimDuration {
        let before = from.map_or(Gpus::ZERO, NodeSet::gpus);
        let direction = match before.cmp(&to.gpus()) {
            std::cmp::Ordering::Less => Direction::Up,
            std::cmp::Ordering::Greater => Direction::Down,
            std::cmp::Ordering::Equal => Direction::Moved,
        };
        seconds(Measured::seconds(job, direction, to.gpus()))
    }

    fn bound(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        [Direction::Up, Direction::Down, Direction::Moved]
            .map(|direction| seconds(Measured::seconds(job, direction, gpus)))
            .into_iter()
            .max()
            .unwrap_or(SimDuration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Shape;
    use crate::job::JobId;
    use crate::units::{Iterations, SimTime};

    fn job(model: &str) -> JobSpec {
        JobSpec {
            id: JobId(0),
            name: "a".into(),
            model: model.into(),
            batch_size: 64,
            iterations: Iterations::new(1.0),
            submit: SimTime::ZERO,
            deadline: None,
            soft: Vec::new(),
            requested: Gpus::ONE,
            duration: None,
        }
    }

    fn restart(preset: &str, model: &str, cluster: u32, from: u32, to: u32) -> String {
        let overhead = preset.parse::<Preset>().unwrap().on(Gpus::new(cluster));
        let shape = Shape::default();
        let from = (from > 0).then(|| shape.packed(Gpus::new(from)));
        overhead.restart(&job(model), from.as_ref(), &shape.packed(Gpus::new(to))).to_string()
    }

    #[test]
    fn presets_charge_what_they_say() {
        // 2 + 2(log2 8 + 1) = 10; on 256 GPUs 7 + 2(3 + 1) = 15.
        assert_eq!(restart("on-change", "bert", 128, 0, 8), "10");
        assert_eq!(restart("on-change", "bert", 256, 4, 8), "15");
        assert_eq!(restart("chronus", "bert", 128, 0, 4), "90");
        assert_eq!(restart("chronus:0.5", "bert", 128, 0, 4), "1.5");
        assert_eq!(restart("fixed:2.5", "bert", 128, 1, 4), "2.5");
        assert_eq!(restart("none", "bert", 128, 1, 4), "0");
    }

    #[test]
    fn a_turn_costs_half_a_second_unless_said_otherwise() {
        let turn = |preset: &str| {
            let overhead = preset.parse::<Preset>().unwrap().on(Gpus::new(128));
            overhead.turn(&job("bert"), Gpus::new(8)).to_string()
        };
        assert_eq!(turn("on-change"), "0.5");
        assert_eq!(turn("none"), "0");
        assert_eq!(turn("fixed:30+suspend:0.1"), "0.1");
        assert_eq!(turn("on-change+suspend:restart"), "10");
    }

    #[test]
    fn measured_takes_the_nearest_size_of_the_same_direction() {
        assert_eq!(restart("measured", "vgg16", 128, 0, 1), "1.82");
        assert_eq!(restart("measured", "vgg16", 128, 1, 4), "1.82");
        assert_eq!(restart("measured", "vgg16", 128, 4, 8), "2.407");
        assert_eq!(restart("measured", "vgg16", 128, 4, 2), "1.629");
        assert_eq!(restart("measured", "vgg16", 128, 8, 4), "2.354");
        assert_eq!(restart("measured", "vgg16", 128, 8, 8), "3.209");
        // Mean of the six scale-ups into 16: (1.666 + 2.407 + 1.738 + 3.203 + 2 · 4.239) / 6 =
        // 2.915333…
        assert_eq!(restart("measured", "other", 128, 8, 64), "2.915333");
    }

    #[test]
    fn no_pause_exceeds_its_bound() {
        let shape = Shape::default();
        for preset in ["none", "fixed:3", "on-change", "measured", "chronus"] {
            let overhead = preset.parse::<Preset>().unwrap().on(Gpus::new(128));
            for model in ["resnet50", "vgg16", "inception3", "gpt2", "bert", "deepspeech2", "other"] {
                for to in [1, 2, 3, 4, 8, 12, 16, 64].map(Gpus::new) {
                    for from in [0, 1, 2, 4, 8, 16, 64].map(Gpus::new) {
                        let from = (!from.is_zero()).then(|| shape.packed(from));
                        let restart = overhead.restart(&job(model), from.as_ref(), &shape.packed(to));
                        assert!(restart <= overhead.bound(&job(model), to));
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        let names = [
            "none",
            "fixed:2.5",
            "on-change",
            "measured",
            "chronus",
            "chronus:0.5",
            "none+suspend:2",
            "measured+suspend:restart",
        ];
        for name in names {
            assert_eq!(name.parse::<Preset>().unwrap().to_string(), name);
        }
        let unknown = "free".parse::<Preset>().unwrap_err();
        assert!(unknown.starts_with("unknown overhead `free`; known are on-change, none"), "{unknown}");
        let why = |text: &str| text.parse::<Preset>().unwrap_err();
        assert_eq!(
            why("fixed:x"),
            "`x` after `fixed:` is not a number of seconds; give seconds, such as fixed:30"
        );
        assert_eq!(why("none+fast"), "`fast` after `+` is not `suspend:SECONDS` or `suspend:restart`");
    }
}
