//! What is simulated under a scheduler's name.

use std::fmt;

use crate::overhead::OverheadPreset as Overhead;
use crate::scheduler::{ArtifactSettings, Entry, Options};
use crate::units::SimDuration;

use super::engine::engine;
use super::{Choice, Setup};

/// What is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The policy as its paper describes it
    #[default]
    Default,
    /// What the published artifact did
    Paper,
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Preset::Default => "default",
            Preset::Paper => "paper",
        })
    }
}

impl Preset {
    /// The presets of a scheduler.
    pub fn of(entry: &Entry) -> &'static [Preset] {
        if entry.artifact.is_some() || engine(entry).is_some() {
            &[Preset::Default, Preset::Paper]
        } else {
            &[Preset::Default]
        }
    }

    /// Whether a scheduler has this preset; otherwise which it has.
    pub(super) fn check(self, entry: &Entry) -> anyhow::Result<()> {
        let of = Preset::of(entry);
        let names: Vec<_> = of.iter().map(ToString::to_string).collect();
        anyhow::ensure!(
            of.contains(&self),
            "`{}` has no preset `{self}`; it has: {}",
            entry.name,
            names.join(", ")
        );
        Ok(())
    }
}

/// The cadence where nobody says anything.
pub(super) const SLOT: SimDuration = SimDuration::from_secs(60);

/// What a scheduler runs with: what its user said, else what its preset says, else what everybody
/// has.
pub(super) struct Effective {
    pub(super) slot: SimDuration,
    pub(super) overhead: Overhead,
    pub(super) options: Options,
}

impl Effective {
    pub(super) fn of(setup: &Setup, entry: &Entry, choice: &Choice) -> anyhow::Result<Effective> {
        let artifact = entry.artifact.filter(|_| setup.preset == Preset::Paper);
        let ArtifactSettings { options, overhead, slot } =
            artifact.unwrap_or(ArtifactSettings { options: &[], overhead: None, slot: None });
        let said = |key: &str| choice.keys().any(|other| other == key);
        let preset =
            options.iter().filter(|(key, _)| !said(key)).map(|(key, value)| format!("{key}={value}"));
        let texts: Vec<String> = choice.texts.iter().cloned().chain(preset).collect();
        let options = Options::parse(texts.iter().map(String::as_str))
            .map_err(|why| anyhow::anyhow!("--set for `{}`: {why}", entry.name))?;
        let slot = match (setup.slot, slot) {
            (Some(slot), _) => slot,
            (None, Some(text)) => text.parse()?,
            (None, None) => SLOT,
        };
        let overhead = match (setup.overhead, overhead) {
            (Some(overhead), _) => overhead,
            (None, Some(text)) => text.parse().map_err(anyhow::Error::msg)?,
            (None, None) => Overhead::default(),
        };
        Ok(Effective { slot, overhead, options })
    }
}
