//! How many plans a run may have, and runs that would have more, before they begin.

use crate::units::{SimDuration, SimTime};

use super::alone::shortest;
use super::error::{SimError, to_raise};
use super::scenario::Scenario;

/// The plans that a run may have whatever its number of jobs, and those it may have for each job.
const PLANS_BASE: u64 = 1_000_000;
const PLANS_PER_JOB: u64 = 1_000;

/// A batch size between those on which a job is judged alone may make it a little faster. It is
/// taken to be at most so many times as fast.
const FASTER: u64 = 2;

/// Returns how many plans a run may have.
///
/// # Errors
///
/// If the scheduler makes a plan every so often while any job is live, and is sure to make more
/// plans than that.
pub(super) fn plan_limit(scenario: &Scenario) -> Result<u64, SimError> {
    let jobs = scenario.workload.len() as u64;
    let limit = scenario.plan_limit.unwrap_or(PLANS_BASE + PLANS_PER_JOB * jobs);
    let entry = scenario.scheduler;
    let Some(interval) = (entry.rounds)(&scenario.options).filter(|interval| *interval > SimDuration::ZERO)
    else {
        return Ok(limit);
    };
    let sure = least_live(scenario).as_micros() / interval.as_micros();
    if sure <= limit {
        return Ok(limit);
    }
    let (name, advice) = (entry.name, to_raise(entry.intervals));
    Err(SimError::Scenario(format!(
        "`{name}` makes a plan every {interval} s while jobs run, here at least {sure} plans; the limit is {limit}{advice}"
    )))
}

/// Returns a time for which at least one job is sure to be live.
fn least_live(scenario: &Scenario) -> SimDuration {
    let cut = scenario.until.unwrap_or(SimTime::NEVER);
    let (mut sum, mut counted) = (SimDuration::ZERO, SimTime::ZERO);
    for job in scenario.workload.jobs() {
        let Some(time) = shortest(scenario, job) else { continue };
        let time = SimDuration::from_micros(time.as_micros() / FASTER);
        let (from, until) = (job.submit.max(counted), (job.submit + time).min(cut));
        if from < until {
            sum += until.since(from);
            counted = until;
        }
    }
    sum
}
