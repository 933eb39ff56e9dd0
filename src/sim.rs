//! The discrete-event simulation: one loop; policies decide, the simulation acts.
//!
//! [`simulate`] is the one door. It takes a [`Scenario`], asks the scheduler whenever jobs arrived
//! or ended (no sooner than one slot after the last plan) and whenever the scheduler asked to be
//! called, and carries out the difference between what is and what the plan wants. It names no
//! policy and opens no file.

mod enact;
mod error;
mod queue;
mod reallocate;
mod scenario;

use std::collections::BTreeMap;

use crate::cluster::Cluster;
use crate::job::{JobId, JobSpec};
use crate::placement::Placer;
use crate::record::jobs::JobRow;
use crate::record::{Happened, Observer, Snapshot};
use crate::scheduler::{Observation, Reason, Scheduler, View};
use crate::state::{JobState, Phase};
use crate::units::SimTime;

use error::ClockLimit;
pub use error::{PlanFault, SimError};
use queue::{Event, EventQueue};
use reallocate::{Efficiency, Rotation};
pub use scenario::{Outcome, Scenario, Totals, feasible_alone};

/// Runs a scenario and tells `observer` what happens.
///
/// # Errors
///
/// See [`SimError`]; [`SimError::Scenario`] before anything has happened.
pub fn simulate(scenario: &Scenario, observer: &mut dyn Observer) -> Result<Outcome, SimError> {
    Simulation::new(scenario, observer)?.run()
}

/// Plans allowed without regard to the number of jobs, and for each job.
const PLANS_BASE: u64 = 1_000_000;
const PLANS_PER_JOB: u64 = 1_000;

struct Simulation<'a> {
    scenario: &'a Scenario,
    observer: &'a mut dyn Observer,
    scheduler: Box<dyn Scheduler>,
    placer: Box<dyn Placer>,
    now: SimTime,
    queue: EventQueue,
    cluster: Cluster,
    states: Vec<JobState>,
    /// What was seen of each job on settings that it has left.
    observed: Vec<Vec<Observation>>,
    /// The plan that last granted something to a job, by number.
    granted: Vec<u64>,
    /// The plan that last let a holder of GPUs go on undisturbed, by number.
    kept: Vec<u64>,
    /// The rotations in force, by the first of their jobs.
    rotations: BTreeMap<JobId, Rotation>,
    reasons: BTreeMap<JobId, Reason>,
    live: Vec<JobId>,
    next_arrival: usize,
    /// What happened since the last plan.
    arrivals: Vec<JobId>,
    ended: Vec<JobId>,
    last_plan: Option<SimTime>,
    plan_limit: u64,
    counts: Counts,
    efficiency: Efficiency,
    totals: Totals,
}

#[derive(Default)]
struct Counts {
    admitted: u32,
    declined: u32,
    completed: u32,
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario, observer: &'a mut dyn Observer) -> Result<Simulation<'a>, SimError> {
        let entry = scenario.scheduler;
        (scenario.placer.check)(&scenario.cluster).map_err(SimError::Scenario)?;
        let scheduler = (entry.build)(&scenario.options, scenario.seed)
            .map_err(|why| SimError::Scenario(format!("options of `{}`: {why}", entry.name)))?;
        scenario::check_work(scenario)?;
        if entry.requested_size {
            scenario::check_requested_sizes(scenario)?;
        }
        let jobs = scenario.workload.len();
        let first = scenario.workload.arrivals().first().map(|id| scenario.workload.job(*id).submit);
        let mut simulation = Simulation {
            scenario,
            observer,
            scheduler,
            placer: (scenario.placer.build)(),
            now: first.unwrap_or_default(),
            queue: EventQueue::default(),
            cluster: Cluster::new(scenario.cluster.clone()),
            states: vec![JobState::default(); jobs],
            observed: vec![Vec::new(); jobs],
            granted: vec![0; jobs],
            kept: vec![0; jobs],
            rotations: BTreeMap::new(),
            reasons: BTreeMap::new(),
            live: Vec::new(),
            next_arrival: 0,
            arrivals: Vec::new(),
            ended: Vec::new(),
            last_plan: None,
            plan_limit: scenario.plan_limit.unwrap_or(PLANS_BASE + PLANS_PER_JOB * jobs as u64),
            counts: Counts::default(),
            efficiency: Efficiency::default(),
            totals: Totals::default(),
        };
        simulation.queue_next_arrival();
        Ok(simulation)
    }

    fn run(mut self) -> Result<Outcome, SimError> {
        while let Some(at) = self.queue.next_time() {
            if let Some(until) = self.scenario.until.filter(|until| at > *until) {
                self.now = self.now.max(until);
                return self.finish();
            }
            self.now = at;
            let mut called = false;
            // One at a time: an event may cancel or set another of the same instant.
            while let Some(event) = self.queue.pop_at(at) {
                self.totals.events += 1;
                match event {
                    Event::Completion(job) => self.complete(job)?,
                    Event::SpeedChange(job) => self.follow_speed(job)?,
                    Event::Arrival(job) => self.arrive(job)?,
                    Event::Due | Event::Wake => called = true,
                }
            }
            let happened = !self.arrivals.is_empty() || !self.ended.is_empty();
            let due = self.last_plan.map_or(at, |last| last + self.scenario.slot);
            if called || (happened && due <= at) {
                self.plan()?;
            } else if happened && !self.queue.contains(Event::Due) {
                self.queue.set(Event::Due, due);
            }
        }
        if let Some(first) = self.live.first() {
            return Err(SimError::Stall {
                at: self.now,
                scheduler: self.scenario.scheduler.name,
                waiting: self.live.len(),
                job: self.name(*first),
            });
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Outcome, SimError> {
        let first = self.scenario.workload.arrivals().first().map(|id| self.spec(*id).submit);
        // Where nothing was cut off, the last thing that happened is the last end.
        let last = self.states.iter().filter_map(|state| state.end).max().unwrap_or(self.now);
        let last = if self.live.is_empty() { last } else { self.now };
        for job in &self.live {
            self.efficiency.close(&self.states[job.index()], self.now);
        }
        self.totals.cluster_efficiency =
            self.efficiency.average(self.cluster.gpus(), last.since(first.unwrap_or_default()));
        let jobs = self.scenario.workload.jobs().iter().map(|spec| {
            let state = &self.states[spec.id.index()];
            let reason = self.reasons.get(&spec.id).map(Reason::to_string).unwrap_or_default();
            JobRow::new(spec, state, self.now, feasible_alone(self.scenario, spec), reason)
        });
        Ok(Outcome { jobs: jobs.collect(), totals: self.totals })
    }

    fn spec(&self, job: JobId) -> &'a JobSpec {
        self.scenario.workload.job(job)
    }

    fn name(&self, job: JobId) -> String {
        self.spec(job).name.clone()
    }

    fn tell(&mut self, what: Happened<'_>) -> Result<(), SimError> {
        Ok(self.observer.observe(self.now, &self.scenario.workload, &what)?)
    }

    fn queue_next_arrival(&mut self) {
        if let Some(job) = self.scenario.workload.arrivals().get(self.next_arrival) {
            self.queue.set(Event::Arrival(*job), self.spec(*job).submit);
            self.next_arrival += 1;
        }
    }

    fn arrive(&mut self, job: JobId) -> Result<(), SimError> {
        self.queue_next_arrival();
        self.tell(Happened::Arrived { job })?;
        let spec = self.spec(job);
        let smallest = if self.scenario.scheduler.requested_size {
            spec.requested
        } else {
            self.scenario.belief.sizes(spec)[0]
        };
        let cluster = self.cluster.gpus();
        if smallest > cluster {
            return self.decline(job, Reason::TooLarge { smallest, cluster });
        }
        self.states[job.index()].phase = Phase::Live;
        let place = self.live.partition_point(|other| *other < job);
        self.live.insert(place, job);
        self.arrivals.push(job);
        Ok(())
    }

    fn leave(&mut self, job: JobId) {
        if let Ok(place) = self.live.binary_search(&job) {
            self.live.remove(place);
        }
    }

    fn decline(&mut self, job: JobId, reason: Reason) -> Result<(), SimError> {
        self.states[job.index()].phase = Phase::Declined;
        self.leave(job);
        self.counts.declined += 1;
        self.tell(Happened::Declined { job, reason: &reason })?;
        self.reasons.insert(job, reason);
        Ok(())
    }

    fn complete(&mut self, job: JobId) -> Result<(), SimError> {
        self.stop(job);
        let state = &mut self.states[job.index()];
        state.phase = Phase::Done;
        state.end = Some(self.now);
        let holder = state.holder.take();
        self.leave(job);
        self.ended.push(job);
        self.counts.completed += 1;
        if let Some(holder) = holder {
            self.leave_rotation(holder, job);
        }
        let batch = self.states[job.index()].batch;
        self.tell(Happened::Ended { job, batch })
    }

    fn snapshot(&self, changed: bool) -> Snapshot {
        let running = self.cluster.holdings().len() as u32;
        Snapshot {
            changed,
            gpus_busy: self.cluster.busy(),
            gpus_total: self.cluster.gpus(),
            jobs_running: running,
            jobs_waiting: self.live.len() as u32 - running,
            jobs_admitted: self.counts.admitted,
            jobs_declined: self.counts.declined,
            jobs_completed: self.counts.completed,
            cluster_efficiency: self.efficiency_now(),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            now: self.now,
            workload: &self.scenario.workload,
            states: &self.states,
            observed: &self.observed,
            truth: &*self.scenario.truth,
            live: &self.live,
            arrivals: &self.arrivals,
            ended: &self.ended,
            cluster: &self.cluster,
            speeds: &*self.scenario.belief,
            overhead: &*self.scenario.overhead,
        }
    }
}
