//! Rules on the restart overheads that the event log states.

use crate::job::JobSpec;
use crate::units::{SimDuration, SimTime};

use super::evidence::{Checked, Evidence};
use super::ledger::Holding;
use super::truth::Truth;
use super::work::specs;

/// What a job had before a change.
#[derive(Clone, Copy)]
struct Former<'a> {
    holding: &'a Holding,
    /// Since when it is on these nodes.
    there_from: SimTime,
    /// When the restart overhead with which it came ends, if it takes no turns.
    resumes: SimTime,
}

/// Each restart overhead of the event log is what its change costs. What is left of an overhead
/// when a job joins or leaves a rotation on the nodes that it has follows from no file.
pub(super) fn restarts(run: &Evidence<'_>) -> Checked {
    run.events()?;
    let (stored, ledger, truth) = (run.stored, run.ledger()?, run.truth()?);
    let specs = specs(truth);
    let mut faults = Vec::new();
    for job in &stored.jobs {
        let Some(spec) = specs.get(job.job_id.as_str()) else { continue };
        let mut former: Option<Former<'_>> = None;
        for holding in ledger.of(&job.job_id) {
            let from = holding.from;
            let had = former.filter(|had| had.holding.until == from && had.there_from < from);
            let [each, first] = costs(spec, had, holding, truth);
            let stated_first = holding.turns.map(|turns| turns.first_restart);
            let pairs = [
                ("restart_overhead", holding.restart, each),
                ("first_restart_overhead", stated_first, first),
            ];
            for (key, stated, found) in pairs {
                if let Some((stated, found)) = stated.zip(found).filter(|(stated, found)| stated != found) {
                    let id = &job.job_id;
                    faults.push(format!(
                        "job `{id}` at {from} s: {key} is {stated} s, but the change costs {found} s"
                    ));
                }
            }
            let stays = had.filter(|had| had.holding.nodes == holding.nodes);
            let there_from = stays.map_or(holding.held_from, |had| had.there_from);
            let resumes = from + holding.restart.unwrap_or(SimDuration::ZERO);
            former = Some(Former { holding, there_from, resumes });
        }
    }
    Ok(faults)
}

/// Returns what a change costs, and what the first turn costs if it begins turns; `None` where that
/// follows from no file.
fn costs(
    spec: &JobSpec,
    had: Option<Former<'_>>,
    holding: &Holding,
    truth: &Truth,
) -> [Option<SimDuration>; 2] {
    let change = |from| Some(truth.overhead.restart(spec, from, &holding.nodes));
    let stays = had.filter(|had| had.holding.nodes == holding.nodes);
    let first = match (stays, had) {
        (None, had) => change(had.map(|had| &had.holding.nodes)),
        (Some(had), _) if had.holding.turns.is_none() && holding.turns.is_none() => {
            Some(had.resumes.since(holding.from))
        }
        (Some(_), _) => None,
    };
    match holding.turns {
        None => [first, None],
        Some(_) => [Some(truth.overhead.turn(spec, holding.nodes.gpus())), first],
    }
}
