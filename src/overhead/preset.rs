//! Overheads by name, as `--overhead` takes them.

use std::fmt;
use std::str::FromStr;

use crate::cluster::NodeSet;
use crate::job::JobSpec;
use crate::units::{Gpus, SimDuration, SimTime};

use super::Overhead;
use super::measured::MeasuredOverhead;

/// An overhead by name: what a change of GPUs costs and, after a `+`, what a turn in a rotation
/// costs. What it prints is read back as the same overhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverheadPreset {
    /// What a change of GPUs costs.
    pub change: ChangeCost,
    /// What a turn in a rotation costs; `None` for as much as a change.
    pub suspend: Option<SimDuration>,
}

/// What a change of GPUs costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChangeCost {
    /// No change costs anything.
    None,
    /// Every change costs the same.
    Fixed(SimDuration),
    /// 2 + 2·(log₂ g + 1) s into g GPUs, and 7 + 2·(log₂ g + 1) s on clusters of 256 GPUs or more:
    /// the model of ElasticFlow's simulations.
    OnChange,
    /// The measurements of ElasticFlow's figure 12b, by model.
    Measured,
    /// A time, [`CHRONUS`] in Chronus's paper, times 1 + log₂ g into g GPUs: Chronus's checkpoint
    /// and restart.
    Chronus(SimDuration),
}

/// What a turn costs where nothing else is said: suspending one job and resuming another takes
/// Gandiva a fraction of a second (OSDI 2018, section 4.1).
pub const SUSPEND: SimDuration = SimDuration::from_micros(500_000);

/// What Chronus's checkpoint and restart take on one GPU: 0.1 and 0.4 minutes (the constants of its
/// artifact).
pub const CHRONUS: SimDuration = SimDuration::from_secs(30);

/// Clusters of at least this many GPUs pay the higher base of [`ChangeCost::OnChange`].
const LARGE: Gpus = Gpus::new(256);

/// Every preset's name as `--overhead` spells it, with what it charges.
pub const PRESETS: [(&str, &str); 7] = [
    (
        "on-change",
        "2 + 2(log2 g + 1) s into g GPUs, 5 s more if the cluster has 256 or more (default; ElasticFlow's simulations)",
    ),
    ("none", "changes are free"),
    ("fixed:SECONDS", "every change costs the same"),
    (
        "measured",
        "ElasticFlow's figure 12b, by model: the nearest listed increase or decrease; unlisted models: the mean",
    ),
    ("chronus", "30(1 + log2 g) s into g GPUs"),
    ("chronus:SECONDS", "the same with another time on one GPU"),
    (
        "NAME+suspend:SECONDS",
        "any of these, and what a turn on shared GPUs costs (default 0.5 s; `restart` for SECONDS: as a change)",
    ),
];

impl From<ChangeCost> for OverheadPreset {
    /// Takes the usual cost of a turn: none where changes are free, else [`SUSPEND`].
    fn from(change: ChangeCost) -> OverheadPreset {
        let suspend = if change == ChangeCost::None { SimDuration::ZERO } else { SUSPEND };
        OverheadPreset { change, suspend: Some(suspend) }
    }
}

impl Default for OverheadPreset {
    fn default() -> OverheadPreset {
        ChangeCost::OnChange.into()
    }
}

impl FromStr for OverheadPreset {
    type Err = String;

    fn from_str(text: &str) -> Result<OverheadPreset, String> {
        let Some((change, turn)) = text.split_once('+') else {
            return text.parse().map(ChangeCost::into);
        };
        let suspend = match turn.strip_prefix("suspend:") {
            Some("restart") => None,
            Some(seconds) => Some(parse_seconds("suspend:", seconds)?),
            None => return Err(format!("`{turn}` after `+` is not `suspend:SECONDS` or `suspend:restart`")),
        };
        Ok(OverheadPreset { change: change.parse()?, suspend })
    }
}

impl FromStr for ChangeCost {
    type Err = String;

    fn from_str(text: &str) -> Result<ChangeCost, String> {
        if let Some(seconds) = text.strip_prefix("fixed:") {
            return parse_seconds("fixed:", seconds).map(ChangeCost::Fixed);
        }
        if let Some(seconds) = text.strip_prefix("chronus:") {
            return parse_seconds("chronus:", seconds).map(ChangeCost::Chronus);
        }
        match text {
            "none" => Ok(ChangeCost::None),
            "on-change" => Ok(ChangeCost::OnChange),
            "measured" => Ok(ChangeCost::Measured),
            "chronus" => Ok(ChangeCost::Chronus(CHRONUS)),
            _ => {
                let known = PRESETS.map(|(name, _)| name).join(", ");
                Err(format!("unknown overhead `{text}`; known are {known}"))
            }
        }
    }
}

/// Reads the seconds that stand after `key`.
fn parse_seconds(key: &str, seconds: &str) -> Result<SimDuration, String> {
    let message = |why| format!("`{seconds}` after `{key}` is {why}; give seconds, such as {key}30");
    seconds.parse().map_err(message)
}

impl fmt::Display for OverheadPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.change)?;
        match self.suspend {
            _ if *self == self.change.into() => Ok(()),
            None => f.write_str("+suspend:restart"),
            Some(time) => write!(f, "+suspend:{time}"),
        }
    }
}

impl fmt::Display for ChangeCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeCost::None => f.write_str("none"),
            ChangeCost::Fixed(restart) => write!(f, "fixed:{restart}"),
            ChangeCost::OnChange => f.write_str("on-change"),
            ChangeCost::Measured => f.write_str("measured"),
            ChangeCost::Chronus(CHRONUS) => f.write_str("chronus"),
            ChangeCost::Chronus(time) => write!(f, "chronus:{time}"),
        }
    }
}

impl OverheadPreset {
    /// Returns the overhead on a cluster of `gpus` GPUs.
    pub fn for_cluster(self, gpus: Gpus) -> Box<dyn Overhead> {
        Box::new(OverheadWithTurns { change: self.change.for_cluster(gpus), suspend: self.suspend })
    }
}

impl ChangeCost {
    fn for_cluster(self, gpus: Gpus) -> Box<dyn Overhead> {
        match self {
            ChangeCost::None => Box::new(ConstantOverhead(SimDuration::ZERO)),
            ChangeCost::Fixed(restart) => Box::new(ConstantOverhead(restart)),
            ChangeCost::OnChange if gpus >= LARGE => Box::new(OverheadBySize { base: 7.0, per_level: 2.0 }),
            ChangeCost::OnChange => Box::new(OverheadBySize { base: 2.0, per_level: 2.0 }),
            ChangeCost::Measured => Box::new(MeasuredOverhead),
            ChangeCost::Chronus(time) => {
                Box::new(OverheadBySize { base: 0.0, per_level: time.as_secs_f64() })
            }
        }
    }
}

/// An overhead whose turns have a cost of their own.
struct OverheadWithTurns {
    change: Box<dyn Overhead>,
    /// `None` for as much as a change.
    suspend: Option<SimDuration>,
}

impl Overhead for OverheadWithTurns {
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

/// The same restart overhead for every change.
struct ConstantOverhead(SimDuration);

impl Overhead for ConstantOverhead {
    fn restart(&self, _: &JobSpec, _: Option<&NodeSet>, _: &NodeSet) -> SimDuration {
        self.0
    }
    fn bound(&self, _: &JobSpec, _: Gpus) -> SimDuration {
        self.0
    }
}

/// `base + per_level · (log₂ g + 1)` seconds into g GPUs, at most [`SimTime::LIMIT`]; nothing into
/// no GPUs.
struct OverheadBySize {
    base: f64,
    per_level: f64,
}

impl Overhead for OverheadBySize {
    fn restart(&self, job: &JobSpec, _: Option<&NodeSet>, to: &NodeSet) -> SimDuration {
        self.bound(job, to.gpus())
    }
    fn bound(&self, _: &JobSpec, gpus: Gpus) -> SimDuration {
        if gpus.is_zero() {
            return SimDuration::ZERO;
        }
        let seconds = self.base + self.per_level * (libm::log2(f64::from(gpus.get())) + 1.0);
        // A time on one GPU that is near the limit is beyond it on more.
        SimDuration::from_secs_f64(seconds).unwrap_or(SimTime::LIMIT.since(SimTime::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Shape;
    use crate::job::JobId;
    use crate::units::Iterations;

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
        let overhead = preset.parse::<OverheadPreset>().unwrap().for_cluster(Gpus::new(cluster));
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
            let overhead = preset.parse::<OverheadPreset>().unwrap().for_cluster(Gpus::new(128));
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
    fn no_restart_overhead_exceeds_its_bound() {
        let shape = Shape::default();
        for preset in ["none", "fixed:3", "on-change", "measured", "chronus"] {
            let overhead = preset.parse::<OverheadPreset>().unwrap().for_cluster(Gpus::new(128));
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
            assert_eq!(name.parse::<OverheadPreset>().unwrap().to_string(), name);
        }
        let unknown = "free".parse::<OverheadPreset>().unwrap_err();
        assert!(unknown.starts_with("unknown overhead `free`; known are on-change, none"), "{unknown}");
        let why = |text: &str| text.parse::<OverheadPreset>().unwrap_err();
        assert_eq!(
            why("fixed:x"),
            "`x` after `fixed:` is not a number of seconds; give seconds, such as fixed:30"
        );
        assert_eq!(why("none+fast"), "`fast` after `+` is not `suspend:SECONDS` or `suspend:restart`");
    }

    #[test]
    fn a_base_that_is_too_long_stays_long() {
        assert_eq!(restart("chronus:9999999999", "bert", 128, 0, 8), SimTime::LIMIT.to_string());
    }
}
