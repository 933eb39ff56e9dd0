//! What the user may want to know of several runs.

use super::run::PreparedRun;

/// Says by which speeds the jobs of each of several runs go, a note for each kind of speeds. There
/// is none where nothing but a throughput table is used.
pub fn speed_notes(runs: &[PreparedRun]) -> Vec<String> {
    if !runs.iter().any(|run| run.scheduler().adapts_batch) {
        return Vec::new();
    }
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in runs {
        let (about, name) = (run.about_speeds(), run.scheduler().name);
        match notes.iter_mut().find(|(other, _)| *other == about) {
            Some((_, names)) => names.push(name),
            None => notes.push((about, vec![name])),
        }
    }
    let note = |(about, names): (&str, Vec<&str>)| {
        let run = if names.len() == 1 { "runs" } else { "run" };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("{} {run} on {about}", names.join(", "))
    };
    notes.into_iter().map(note).collect()
}
