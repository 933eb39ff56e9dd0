//! What is simulated under a scheduler's name.

use std::fmt;

use crate::scheduler::Entry;

use super::engines::engine;

/// Decides what is simulated under a scheduler's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The scheduler as its paper describes it
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
    /// Returns the presets of a scheduler.
    pub fn of(entry: &Entry) -> &'static [Preset] {
        if entry.artifact.is_some() || engine(entry).is_some() {
            &[Preset::Default, Preset::Paper]
        } else {
            &[Preset::Default]
        }
    }

    /// Checks that a scheduler has this preset.
    ///
    /// # Errors
    ///
    /// If it has not; the message names those that it has.
    pub(super) fn check(self, entry: &Entry) -> anyhow::Result<()> {
        let all = Preset::of(entry);
        let names: Vec<_> = all.iter().map(ToString::to_string).collect();
        anyhow::ensure!(
            all.contains(&self),
            "`{}` has no preset `{self}`; it has: {}",
            entry.name,
            names.join(", ")
        );
        Ok(())
    }
}
