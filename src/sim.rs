//! The discrete-event simulation: one loop; policies decide, the simulation acts.
//!
//! [`simulate`] is the one door. It takes a [`Scenario`], asks the scheduler whenever jobs arrived or ended (no sooner than
//! one slot after the last plan) and whenever the scheduler asked to be called, and carries out the difference between what
//! is and what the plan wants. It names no policy and opens no file.

mod enact;
mod error;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cluster::{Cluster, NodeSet, Shape};
use crate::job::{JobId, JobSpec};
use crate::overhead::Overhead;
use crate::placement::{self, Placer};
use crate::profile::{Setting, SpeedModel};
use crate::record::jobs::JobRow;
use crate::record::{Happened, Observer, Snapshot};
use crate::scheduler::{self, Options, Reason, Scheduler, View};
use crate::state::{JobState, Phase};
use crate::units::{Gpus, Rate, SimDuration, SimTime};
use crate::workload::Workload;

use error::ClockLimit;
pub use error::{PlanFault, SimError};
use queue::{Event, EventQueue};

/// Everything that a run depends on.
#[derive(Clone)]
pub struct Scenario {
    /// The jobs.
    pub workload: Arc<Workload>,
    /// The nodes.
    pub cluster: Shape,
    /// How fast jobs are.
    pub truth: Arc<dyn SpeedModel>,
    /// How fast the scheduler believes they are; the same unless an experiment studies wrong profiles.
    pub belief: Arc<dyn SpeedModel>,
    /// What a change of GPUs costs.
    pub overhead: Arc<dyn Overhead>,
    /// Which nodes a job gets.
    pub placer: &'static placement::Entry,
    /// Who decides.
    pub scheduler: &'static scheduler::Entry,
    /// The scheduler's options.
    pub options: Options,
    /// Arrivals and ends cause the next plan no sooner than this after the last one.
    pub slot: SimDuration,
    /// Where the simulation is cut off, if it is.
    pub until: Option<SimTime>,
    /// How many plans are too many; `None` for a limit that follows the number of jobs.
    pub plan_limit: Option<u64>,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One row for each job, in the trace's order.
    pub jobs: Vec<JobRow>,
    /// What no row says.
    pub totals: Totals,
}

/// Counts and averages of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Plans made.
    pub plans: u64,
    /// Events that happened.
    pub events: u64,
    /// Placements on more nodes than needed.
    pub split_placements: u64,
    /// The time average of the cluster efficiency, from the first submission to the last end; 0 for no time.
    pub cluster_efficiency: f64,
}

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

/// Cluster efficiencies are summed as integers, so that adding and taking away leaves no rounding behind.
const EFFICIENCY_ONE: f64 = (1u64 << 32) as f64;

struct Simulation<'a> {
    scenario: &'a Scenario,
    observer: &'a mut dyn Observer,
    scheduler: Box<dyn Scheduler>,
    placer: Box<dyn Placer>,
    now: SimTime,
    queue: EventQueue,
    cluster: Cluster,
    states: Vec<JobState>,
    /// The plan that last granted something to a job, by number, and what.
    granted: Vec<(u64, Gpus)>,
    /// What each job adds to the cluster efficiency.
    relative: Vec<u64>,
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
    running: u32,
    admitted: u32,
    declined: u32,
    completed: u32,
}

/// The running sum of rate(g) ÷ rate(1) over running jobs, and its integral over time.
#[derive(Default)]
struct Efficiency {
    since: SimTime,
    sum: u64,
    integral: u128,
}

impl Efficiency {
    fn add(&mut self, now: SimTime, plus: u64, minus: u64) {
        self.integral += u128::from(self.sum) * u128::from(now.since(self.since).as_micros());
        self.since = now;
        self.sum = self.sum + plus - minus;
    }

    fn per_gpu(&self, gpus: Gpus) -> f64 {
        self.sum as f64 / EFFICIENCY_ONE / f64::from(gpus.get())
    }
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario, observer: &'a mut dyn Observer) -> Result<Simulation<'a>, SimError> {
        let entry = scenario.scheduler;
        (scenario.placer.check)(&scenario.cluster).map_err(SimError::Scenario)?;
        let scheduler = (entry.build)(&scenario.options)
            .map_err(|why| SimError::Scenario(format!("options of `{}`: {why}", entry.name)))?;
        if entry.requested_size {
            check_requested_sizes(scenario)?;
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
            granted: vec![(0, Gpus::ZERO); jobs],
            relative: vec![0; jobs],
            reasons: BTreeMap::new(),
            live: Vec::new(),
            next_arrival: 0,
            arrivals: Vec::new(),
            ended: Vec::new(),
            last_plan: None,
            plan_limit: scenario.plan_limit.unwrap_or(PLANS_BASE + PLANS_PER_JOB * jobs as u64),
            counts: Counts::default(),
            efficiency: Efficiency { since: first.unwrap_or_default(), ..Efficiency::default() },
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
        self.efficiency.add(self.now, 0, 0);
        let span = last.since(first.unwrap_or_default()).as_micros() as f64;
        let gpus = f64::from(self.cluster.gpus().get());
        if span > 0.0 {
            self.totals.cluster_efficiency = self.efficiency.integral as f64 / EFFICIENCY_ONE / gpus / span;
        }
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
        self.settle(job, None)?;
        self.cluster.release(job);
        let state = &mut self.states[job.index()];
        state.phase = Phase::Done;
        state.end = Some(self.now);
        self.leave(job);
        self.ended.push(job);
        self.counts.completed += 1;
        self.tell(Happened::Ended { job })
    }

    /// The speed of a running job has changed by itself.
    fn follow_speed(&mut self, job: JobId) -> Result<(), SimError> {
        let left = self.states[job.index()].progress.pause_left(self.now);
        let nodes = self.cluster.holding(job).cloned().unwrap_or_default();
        self.settle(job, Some((&nodes, left)))
    }

    /// Closes a job's account up to now, and lets it go on with what it holds from now on after a pause; `None`: with
    /// nothing.
    fn settle(&mut self, job: JobId, next: Option<(&NodeSet, SimDuration)>) -> Result<(), SimError> {
        let spec = self.spec(job);
        let state = &mut self.states[job.index()];
        state.account = state.account_at(self.now);
        let was_running = !state.gpus.is_zero();
        let done = state.progress.done(self.now);
        let Some((nodes, pause)) = next else {
            state.progress.change(self.now, spec.iterations, Rate::ZERO, SimDuration::ZERO);
            state.gpus = Gpus::ZERO;
            self.counts.running -= u32::from(was_running);
            self.set_relative(job, 0);
            self.queue.cancel(Event::Completion(job));
            self.queue.cancel(Event::SpeedChange(job));
            return Ok(());
        };
        let setting = Setting { nodes: nodes.nodes(), gpus: nodes.gpus(), batch: spec.batch_size };
        let truth = &self.scenario.truth;
        let rate = truth.rate(spec, done, &setting).unwrap_or(Rate::ZERO);
        if rate.get() <= 0.0 {
            return Err(self.illegal(PlanFault::NoSpeed { job: self.name(job), gpus: nodes.gpus() }));
        }
        state.gpus = nodes.gpus();
        state.start = state.start.or(Some(self.now));
        state.progress.change(self.now, spec.iterations, rate, pause);
        let end = state.progress.reaches(spec.iterations);
        if end > ClockLimit::TIME {
            return Err(SimError::ClockOverflow { job: self.name(job) });
        }
        self.queue.set(Event::Completion(job), end);
        match truth.until(spec, done) {
            Some(point) => self.queue.set(Event::SpeedChange(job), state.progress.reaches(point)),
            None => self.queue.cancel(Event::SpeedChange(job)),
        }
        self.counts.running += u32::from(!was_running);
        self.set_relative(job, self.relative_speed(job));
        Ok(())
    }

    fn set_relative(&mut self, job: JobId, to: u64) {
        let from = std::mem::replace(&mut self.relative[job.index()], to);
        self.efficiency.add(self.now, to, from);
    }

    /// rate(g) ÷ rate(1) of a job now; where one GPU was not measured, its share of the smallest size's rate stands in.
    fn relative_speed(&self, job: JobId) -> u64 {
        let state = &self.states[job.index()];
        let spec = self.spec(job);
        let truth = &self.scenario.truth;
        let smallest = truth.sizes(spec)[0];
        let done = state.progress.done(self.now);
        let setting = Setting { nodes: 1, gpus: smallest, batch: spec.batch_size };
        let alone = truth.rate(spec, done, &setting).map_or(0.0, Rate::get) / f64::from(smallest.get());
        (state.progress.rate().get() / alone * EFFICIENCY_ONE) as u64
    }

    fn snapshot(&self, changed: bool) -> Snapshot {
        Snapshot {
            changed,
            gpus_busy: self.cluster.busy(),
            gpus_total: self.cluster.gpus(),
            jobs_running: self.counts.running,
            jobs_waiting: self.live.len() as u32 - self.counts.running,
            jobs_admitted: self.counts.admitted,
            jobs_declined: self.counts.declined,
            jobs_completed: self.counts.completed,
            cluster_efficiency: self.efficiency.per_gpu(self.cluster.gpus()),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            now: self.now,
            workload: &self.scenario.workload,
            states: &self.states,
            live: &self.live,
            arrivals: &self.arrivals,
            ended: &self.ended,
            cluster: &self.cluster,
            speeds: &*self.scenario.belief,
            overhead: &*self.scenario.overhead,
        }
    }
}

/// Under a policy that runs jobs at their requested sizes, each of those needs a speed.
fn check_requested_sizes(scenario: &Scenario) -> Result<(), SimError> {
    let missing = scenario.workload.jobs().iter().find(|job| {
        let setting = Setting {
            nodes: scenario.cluster.fewest_nodes(job.requested),
            gpus: job.requested,
            batch: job.batch_size,
        };
        // A job that does not fit is declined when it arrives, whatever its speed would be.
        let fits = job.requested <= scenario.cluster.gpus();
        fits && [&scenario.truth, &scenario.belief]
            .iter()
            .any(|model| model.rate(job, Default::default(), &setting).is_none())
    });
    match missing {
        None => Ok(()),
        Some(job) => Err(SimError::Scenario(format!(
            "job `{}` asks for {} GPUs, for which `{}` at batch size {} has no measured speed; `{}` runs jobs at their \
             requested size, so give one that is in the profiles",
            job.name, job.requested, job.model, job.batch_size, scenario.scheduler.name
        ))),
    }
}

/// Whether a deadline job could be in time alone on the empty cluster, start pause included; `None` without a deadline.
pub fn feasible_alone(scenario: &Scenario, job: &JobSpec) -> Option<bool> {
    let deadline = job.deadline?;
    let fits = |gpus: &&Gpus| **gpus <= scenario.cluster.gpus();
    Some(scenario.truth.sizes(job).iter().filter(fits).any(|gpus| {
        let nodes = scenario.cluster.packed(*gpus);
        let setting = Setting { nodes: nodes.nodes(), gpus: *gpus, batch: job.batch_size };
        let rate = scenario.truth.rate(job, Default::default(), &setting).unwrap_or(Rate::ZERO);
        let pause = scenario.overhead.pause(job, None, &nodes);
        job.submit + pause + job.iterations.time_at(rate) <= deadline
    }))
}
