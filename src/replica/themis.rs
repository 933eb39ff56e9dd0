//! The schedule `themis`: leases of a slot for the jobs with the largest shares in a max-min fair
//! division.
//!
//! The division makes the worst finish-time fairness best. Its optimum is not unique: if a job that
//! has all that it can use is the bottleneck, the others may have anything between what the optimum
//! needs and everything. The artifact takes the point at which an interior-point solver stops, and
//! so does this module ([`solver`]). Ends, verdicts and order are the artifact's in the stored
//! runs, and counts are in runs that are not stored. Only if the cluster is so overloaded that
//! rounding decides where the solver stops do single jobs end at other times.

mod solver;

use std::cmp::Ordering;

use super::error::ReplicaError;
use super::events::EventList;
use super::gangs::{Gang, GangScenario};
use super::outcome::{NEVER, ReplicaOutcome, Round};
use super::overhead::overhead;
use super::quirk::{Q10, Q21, Q23, Q24, Quirks};
use solver::{FairnessClaim, Solver};

/// Runs the schedule to its end.
///
/// # Errors
///
/// If a gang is larger than the cluster, a job has no work or no speed, or the artifact's placement
/// crashes.
pub(super) fn replay(scenario: &GangScenario<'_>) -> Result<ReplicaOutcome, ReplicaError> {
    scenario.check_endless_waits()?;
    scenario.check_work()?;
    ThemisReplay::new(scenario).replay()
}

/// The state of a job. Times are in seconds.
#[derive(Clone, Debug)]
struct ThemisJob {
    /// Seconds left of the duration.
    left: i64,
    /// Iterations left.
    iterations: f64,
    /// The denominator of fairness: its sum over the rounds so far, the divisor of the last round,
    /// and the iterations left then.
    alone: f64,
    divided_by: f64,
    counted: f64,
    /// The share of the last division, from 0 to 1.
    share: f64,
    /// The end; [`NEVER`] before it is known.
    end: i64,
    /// Number of leases received.
    leases: u32,
    /// Whether the job has the current lease.
    runs: bool,
    /// Seconds with GPUs.
    held: i64,
    /// Seconds of restart overhead among them.
    restarting: i64,
}

/// A run of the schedule.
struct ThemisReplay<'s> {
    scenario: &'s GangScenario<'s>,
    states: Vec<ThemisJob>,
    /// The jobs that have arrived and not ended. Their order stays from round to round: it decides
    /// between equal shares.
    live: Vec<usize>,
    /// The claims of the last division, in the order of `live`; kept for the memory.
    claims: Vec<FairnessClaim>,
    solver: Solver,
    outcome: ReplicaOutcome,
}

impl<'s> ThemisReplay<'s> {
    fn new(scenario: &'s GangScenario<'s>) -> ThemisReplay<'s> {
        let state = |job: &Gang| ThemisJob {
            left: job.duration,
            iterations: job.iterations,
            alone: 0.0,
            divided_by: 1.0,
            counted: job.iterations,
            share: 0.0,
            end: NEVER,
            leases: 0,
            runs: false,
            held: 0,
            restarting: 0,
        };
        ThemisReplay {
            scenario,
            states: scenario.jobs.iter().map(state).collect(),
            live: Vec::new(),
            claims: Vec::new(),
            solver: Solver::default(),
            outcome: ReplicaOutcome::default(),
        }
    }

    fn replay(mut self) -> Result<ReplicaOutcome, ReplicaError> {
        let setup = self.scenario.setup;
        let mut events = self.scenario.arrivals(true);
        let mut log = self.scenario.placement_log()?;
        let mut now = events.next().expect("a scenario has a job");
        let mut latest = now;
        loop {
            if let Some(event) = events.take_first(now) {
                latest = now;
                self.end(&event.end);
                self.live.extend(event.start);
            }
            if self.live.is_empty() {
                let Some(next) = events.next() else {
                    if log.is_some() {
                        self.outcome.log.push(Round { time: now, held: vec![], efficiency: 0.0 });
                    }
                    return Ok(self.outcome);
                };
                let skipped = idle(next - now, setup.slot);
                if self.scenario.logs_rounds() {
                    let ticks = (0..=skipped / setup.slot).map(|tick| now + tick * setup.slot);
                    self.outcome.log.extend(ticks.map(|time| Round { time, held: vec![], efficiency: 0.0 }));
                }
                now += skipped;
            } else {
                self.divide(if setup.quirks.has(Q24) { latest } else { now });
                self.outcome.rounds += 1;
            }
            merge(&mut events, now, setup.slot);
            self.lease(now, &mut events);
            if let Some(log) = log.as_mut().filter(|_| !self.live.is_empty()) {
                let running = self.live.iter().copied().filter(|job| self.states[*job].runs);
                let round = log.round(self.scenario, now, running.collect())?;
                self.outcome.log.extend(self.scenario.logs_rounds().then_some(round));
            }
            now += setup.slot;
        }
    }

    /// Ends these jobs.
    fn end(&mut self, jobs: &[usize]) {
        for &job in jobs {
            let (state, gang) = (&self.states[job], &self.scenario.jobs[job]);
            self.outcome.finished.push(gang.finished(NEVER, state.end, state.held, state.restarting));
            self.outcome.count_end(gang, state.end);
        }
        self.live.retain(|job| !jobs.contains(job));
    }

    /// Divides the cluster as fairly as possible, and sorts the live jobs by their shares. `latest`
    /// is the time of the latest event, not of the round (Q24).
    fn divide(&mut self, latest: i64) {
        let (jobs, setup) = (self.live.len(), self.scenario.setup);
        self.claims.clear();
        for &job in &self.live {
            let (state, gang) = (&mut self.states[job], &self.scenario.jobs[job]);
            state.alone += (state.counted - state.iterations) / state.divided_by;
            state.counted = state.iterations;
            state.divided_by = isolated_throughput(setup.gpus, jobs, gang, setup.quirks);
            self.claims.push(FairnessClaim {
                gpus: gang.gpus as f64,
                elapsed: (latest - gang.submit) as f64,
                left: state.iterations,
                speed: gang.speed,
                alone: state.alone + state.iterations / state.divided_by,
            });
        }
        if !self.order_matters() {
            return;
        }
        self.solver.divide(&self.claims, setup.gpus as f64);
        for (job, share) in self.live.iter().zip(self.solver.shares()) {
            self.states[*job].share = share;
        }
        let states = &self.states;
        let key = |job: usize| (states[job].share, states[job].leases);
        self.live.sort_by(|a, b| order(key(*a), key(*b), setup.quirks));
    }

    /// Returns whether anything depends on the order of the jobs: not all of them fit, several end
    /// with the lease, or rounds are logged.
    fn order_matters(&self) -> bool {
        let setup = self.scenario.setup;
        let gangs = self.live.iter().map(|job| (&self.scenario.jobs[*job], &self.states[*job]));
        let (mut gpus, mut ends) = (0, 0);
        for (gang, state) in gangs {
            gpus += gang.gpus;
            let ends_now = state.left <= setup.slot || state.iterations <= setup.slot as f64 * gang.speed;
            ends += u32::from(ends_now);
        }
        gpus > setup.gpus || ends > 1 || self.scenario.logs_rounds()
    }

    /// Runs the jobs with the largest shares for a slot, as far as there are GPUs. No job pays
    /// restart overhead (Q10).
    fn lease(&mut self, now: i64, events: &mut EventList) {
        let setup = self.scenario.setup;
        let (mut left, mut any) = (setup.gpus, false);
        for &job in &self.live {
            let (state, gang) = (&mut self.states[job], &self.scenario.jobs[job]);
            if gang.gpus > left {
                state.runs = false;
                continue;
            }
            left -= gang.gpus;
            let restart = if setup.quirks.has(Q10) || state.runs {
                0
            } else {
                overhead(gang.gpus, setup.gpus, false, false)
            };
            let restart = restart.min(setup.slot);
            let mut end = now + restart + state.left;
            let exact = now + restart + (state.iterations / gang.speed).ceil() as i64;
            state.left = (state.left - (setup.slot - restart)).max(0);
            state.iterations -= (setup.slot - restart) as f64 * gang.speed;
            if state.iterations <= 0.0 {
                state.left = 0;
                end = end_of_work(exact, now + setup.slot, setup.quirks);
            }
            (state.runs, state.leases) = (true, state.leases + 1);
            state.restarting += restart;
            state.held += end.min(now + setup.slot) - now;
            if end <= now + setup.slot {
                state.end = end;
                events.add_end(job, now + setup.slot);
                any = true;
            }
        }
        if any {
            events.sort();
        }
    }
}

/// Compares two jobs by shares and leases received. The larger share goes first; leases would
/// divide it, but the artifact does not count them (Q23).
fn order(a: (f64, u32), b: (f64, u32), quirks: Quirks) -> Ordering {
    if quirks.has(Q23) {
        return largest_first(a.0, b.0);
    }
    // The jobs without a lease come first, by their shares.
    largest_first(a.0 / f64::from(a.1), b.0 / f64::from(b.1)).then_with(|| largest_first(a.0, b.0))
}

/// Orders the larger number first; what is not a number equals every number.
fn largest_first(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}

/// Returns when a job ends whose iterations end at `exact`, in the lease that ends at `lease`: with
/// the lease (Q24). Iterations nearly always end before durations.
fn end_of_work(exact: i64, lease: i64, quirks: Quirks) -> i64 {
    if quirks.has(Q24) { lease } else { exact }
}

/// Returns how many of the `away` seconds to the next event are whole slots in which nothing
/// happens.
fn idle(away: i64, slot: i64) -> i64 {
    let slots = (away.max(0) as u64).div_ceil(slot as u64) as i64;
    (slots - 1).max(0) * slot
}

/// Merges the events of a slot as the other schedules do, but puts off a lone event too.
fn merge(events: &mut EventList, now: i64, slot: i64) {
    events.merge(now, slot);
    if events.len() == 1 && events.next().is_some_and(|next| next - now < slot) {
        events.put_off(now + slot);
    }
}

/// Returns the share of its time that a job would run with an equal part of the cluster. It stands
/// where iterations per second are meant, so that jobs with many iterations per second look well
/// served (Q21).
fn isolated_throughput(cluster: i64, jobs: usize, gang: &Gang, quirks: Quirks) -> f64 {
    let part = (cluster as u64).div_ceil(jobs as u64);
    let share = (part as f64 / gang.gpus as f64).min(1.0);
    if quirks.has(Q21) { share } else { share * gang.speed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;

    const ALL: Quirks = Quirks::all();

    #[test]
    fn leases_received_divide_shares_only_without_a_quirk() {
        let (many, one, none) = ((0.9, 3), (0.5, 1), (0.1, 0));
        assert_eq!(order(many, one, ALL), Ordering::Less);
        assert_eq!(order(one, none, ALL), Ordering::Less);
        // 0.9 / 3 is 0.3, and a job without a lease comes before all others.
        assert_eq!(order(many, one, ALL.without(Q23)), Ordering::Greater);
        assert_eq!(order(one, none, ALL.without(Q23)), Ordering::Greater);
        assert_eq!(order((0.2, 0), none, ALL.without(Q23)), Ordering::Less);
    }

    #[test]
    fn ends_are_those_of_leases_only_by_quirk() {
        assert_eq!((end_of_work(605, 660, ALL), end_of_work(605, 660, ALL.without(Q24))), (660, 605));
    }

    #[test]
    fn a_share_is_of_time_only_by_quirk() {
        let gang = Gang::of(JobId(0), 8, 2.5);
        // 16 GPUs for four jobs are 4 each, half of the gang, at 2.5 iterations a second.
        assert_eq!(isolated_throughput(16, 4, &gang, ALL), 0.5);
        assert_eq!(isolated_throughput(16, 4, &gang, ALL.without(Q21)), 1.25);
    }
}
