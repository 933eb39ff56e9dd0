//! What would have admitted a job that was declined, found by trying.

use std::io;
use std::sync::Arc;

use crate::cluster::Shape;
use crate::job::JobId;
use crate::record::{Happened, Observer};
use crate::sim::{Scenario, simulate};
use crate::units::{SimDuration, SimTime};
use crate::workload::Workload;

use super::run::PreparedRun;

/// The largest factor by which a cluster is enlarged to find out whether that admits a job.
const MOST_NODES: u32 = 64;
/// The latest deadline that is tried, in seconds after the job's own: some two years.
const LATEST: u64 = 1 << 26;

/// What would have admitted a job that was declined. Each is found by simulating the run again, up
/// to the decision, with nothing else changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedies {
    /// By how much its deadline would have to move, in whole seconds; `None` if it has none, or no
    /// later deadline admits it.
    pub later: Option<SimDuration>,
    /// How many more nodes of the size of the last one the cluster would need; `None` if 64 times
    /// as many nodes do not admit it.
    pub nodes: Option<u32>,
}

/// Finds what would have admitted a job of a run on the event core. With a longer deadline or more
/// nodes than what is found, the job may be declined again: a schedule is not monotone.
pub fn remedies(run: &PreparedRun, job: JobId) -> Remedies {
    let scenario = run.scenario();
    let later = least(LATEST, |seconds| is_admitted(&with_deadline(&scenario, job, seconds)?, job));
    let nodes = scenario.cluster.nodes().len() as u32;
    let more = least(u64::from(nodes) * u64::from(MOST_NODES), |more| {
        let last = *scenario.cluster.nodes().last().expect("a cluster has a node");
        let added = std::iter::repeat_n(last, more as usize);
        let cluster = Shape::new(scenario.cluster.nodes().iter().copied().chain(added).collect()).ok()?;
        is_admitted(&run.scenario_on(cluster), job)
    });
    Remedies { later: later.map(SimDuration::from_secs), nodes: more.map(|more| more as u32) }
}

/// Finds a number up to `most` of which `holds` is true, and is not of the one before it: doubles
/// from 1 until it is true, then halves the gap. `None` from `holds` means that the number cannot
/// be tried.
fn least(most: u64, holds: impl Fn(u64) -> Option<bool>) -> Option<u64> {
    let (mut fails, mut works) = (0, 1);
    while !holds(works)? {
        (fails, works) = (works, works * 2);
        if works > most {
            return None;
        }
    }
    while works - fails > 1 {
        let middle = fails + (works - fails) / 2;
        if holds(middle)? { works = middle } else { fails = middle }
    }
    Some(works)
}

/// Returns the scenario with a later deadline of one job; `None` if the job has no deadline, or the
/// clock does not go that far.
fn with_deadline(scenario: &Scenario, job: JobId, seconds: u64) -> Option<Scenario> {
    let mut jobs = scenario.workload.jobs().to_vec();
    let changed = &mut jobs[job.index()];
    let later = SimDuration::from_secs(seconds);
    changed.deadline = Some(changed.deadline? + later);
    changed.soft.iter_mut().for_each(|soft| soft.by = soft.by + later);
    Some(Scenario { workload: Arc::new(Workload::new(jobs).ok()?), ..scenario.clone() })
}

/// Returns whether a job is admitted; `None` if the scenario cannot be simulated, or nothing is
/// decided.
fn is_admitted(scenario: &Scenario, job: JobId) -> Option<bool> {
    let mut verdict = Verdict { job, is_admitted: None };
    // The run ends with the error of the observer as soon as the verdict is there.
    let _ = simulate(scenario, &mut verdict);
    verdict.is_admitted
}

/// Ends a run when one job is admitted or declined.
struct Verdict {
    job: JobId,
    is_admitted: Option<bool>,
}

impl Observer for Verdict {
    fn observe(&mut self, _: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.is_admitted = match what {
            Happened::Admitted { job, .. } if *job == self.job => Some(true),
            Happened::Declined { job, .. } if *job == self.job => Some(false),
            _ => return Ok(()),
        };
        Err(io::Error::other("the verdict is known"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_number_is_found_by_doubling_and_halving() {
        let from = |first: u64| move |number: u64| Some(number >= first);
        let found: Vec<_> = [1, 2, 3, 7, 8, 9, 100].map(|first| least(100, from(first))).into();
        assert_eq!(found, [Some(1), Some(2), Some(3), Some(7), Some(8), Some(9), None]);
        assert_eq!(least(100, |_| None), None);
        // What cannot be tried is not taken for a failure.
        assert_eq!(least(100, |number| (number < 4).then_some(false)), None);
    }
}
