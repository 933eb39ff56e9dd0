//! The table of schedulers: every policy, in the order in which they are listed.
//!
//! This is the only file that names all policies. The trait, the view and the plan name none.

use super::Entry;

/// Returns the entry of every policy, in the order of the table.
pub fn entries() -> &'static [Entry] {
    &[
        super::elasticflow::ENTRY,
        super::elasticflow_no_admission::ENTRY,
        super::edf::ENTRY,
        super::edf_admission::ENTRY,
        super::fifo::ENTRY,
        super::srtf::ENTRY,
        super::gandiva::ENTRY,
        super::tiresias::ENTRY,
        super::themis::ENTRY,
        super::chronus::ENTRY,
        super::pollux::ENTRY,
    ]
}

/// The name of a scheduler that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scheduler `{name}`; known are {known}")]
pub struct UnknownScheduler {
    /// The name that was given.
    pub name: String,
    /// The names in the table, separated by commas.
    pub known: String,
}

/// Returns the entry with this name or alias.
///
/// # Errors
///
/// If no entry has it.
pub fn entry(name: &str) -> Result<&'static Entry, UnknownScheduler> {
    entries().iter().find(|e| e.name == name || e.aliases.contains(&name)).ok_or_else(|| UnknownScheduler {
        name: name.to_owned(),
        known: entries().iter().map(|e| e.name).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::super::PolicyOptions;
    use super::*;

    /// An entry that forgets what `Entry::BASE` cannot know is found here.
    #[test]
    fn every_entry_states_what_is_its_own() {
        for entry in entries() {
            let stated = [entry.name, entry.summary, entry.knows];
            assert!(stated.iter().all(|text| !text.is_empty()), "{entry:?}: {stated:?}");
            assert!(
                (entry.build)(&PolicyOptions::default(), 0).is_ok(),
                "{entry:?} builds with its defaults"
            );
        }
        assert!((Entry::BASE.build)(&PolicyOptions::default(), 0).is_err());
    }

    #[test]
    fn a_scheduler_is_found_by_its_name_and_by_its_aliases() {
        assert_eq!(entry("tiresias").map(|entry| entry.name), Ok("tiresias"));
        assert_eq!(entry("dlas-gpu").map(|entry| entry.name), Ok("tiresias"));
        let why = entry("tiresia").unwrap_err().to_string();
        assert!(why.starts_with("unknown scheduler `tiresia`; known are elasticflow, "), "{why}");
    }
}
