//! The cluster and its jobs at one instant, and what may happen to a single job.

use std::collections::BTreeMap;
use std::io;

use crate::cluster::{Cluster, NodeSet};
use crate::job::{JobId, JobSpec};
use crate::profile::Configuration;
use crate::progress::Turns;
use crate::record::jobs::JobRow;
use crate::record::{Happened, Observer, Snapshot};
use crate::scheduler::{Observation, Reason, View};
use crate::state::{JobState, Phase};
use crate::units::{Gpus, Rate, SimDuration, SimTime};

use super::alone::alone;
use super::efficiency::EfficiencyIntegral;
use super::error::ClockLimit;
use super::queue::{Event, EventQueue};
use super::scenario::{Outcome, Scenario, Totals};

/// Jobs that take turns on the GPUs held under the name of the first.
#[derive(Debug)]
pub(super) struct Rotation {
    /// The members in the order of their turns. A member that has completed stays; its turns are
    /// idle.
    pub(super) jobs: Vec<JobId>,
    /// The length of a turn.
    pub(super) quantum: SimDuration,
}

/// How a job goes on when its speed changes.
pub(super) enum Continuation {
    /// By itself, after a restart overhead.
    AfterRestart(SimDuration),
    /// In turns that start now.
    InTurns(Turns),
    /// As before: only its speed changes.
    AsBefore,
}

/// How many jobs have come to each decision or end so far.
#[derive(Debug, Default)]
pub(super) struct JobCounts {
    pub(super) admitted: u32,
    pub(super) declined: u32,
    pub(super) completed: u32,
}

/// The cluster and its jobs at the instant `now`, the events to come, and the observer that hears
/// of those that happen.
pub(super) struct Simulation<'a> {
    pub(super) scenario: &'a Scenario,
    observer: &'a mut dyn Observer,
    pub(super) now: SimTime,
    pub(super) queue: EventQueue,
    pub(super) cluster: Cluster,
    /// The changing half of every job, by its row.
    pub(super) states: Vec<JobState>,
    /// What was seen of each job on configurations that it has left, by its row.
    observed: Vec<Vec<Observation>>,
    /// The rotations in force, by the first of their jobs.
    pub(super) rotations: BTreeMap<JobId, Rotation>,
    /// Why jobs were declined.
    reasons: BTreeMap<JobId, Reason>,
    /// The live jobs, ascending.
    pub(super) live: Vec<JobId>,
    pub(super) counts: JobCounts,
    efficiency: EfficiencyIntegral,
    pub(super) totals: Totals,
    /// The first job that would complete later than the clock can tell; the run stops for it.
    pub(super) beyond_clock: Option<JobId>,
}

impl<'a> Simulation<'a> {
    /// Starts at the first arrival, with every job still to come and no GPU held.
    pub(super) fn new(scenario: &'a Scenario, observer: &'a mut dyn Observer) -> Simulation<'a> {
        let jobs = scenario.workload.len();
        Simulation {
            scenario,
            observer,
            now: first_arrival(scenario),
            queue: EventQueue::default(),
            cluster: Cluster::new(scenario.cluster.clone()),
            states: vec![JobState::default(); jobs],
            observed: vec![Vec::new(); jobs],
            rotations: BTreeMap::new(),
            reasons: BTreeMap::new(),
            live: Vec::new(),
            counts: JobCounts::default(),
            efficiency: EfficiencyIntegral::default(),
            totals: Totals::default(),
            beyond_clock: None,
        }
    }

    /// Returns what a job's user said of it.
    pub(super) fn spec(&self, job: JobId) -> &'a JobSpec {
        self.scenario.workload.job(job)
    }

    /// Returns the trace's own id of a job.
    pub(super) fn name(&self, job: JobId) -> String {
        self.spec(job).name.clone()
    }

    /// Tells the observer what happens now; an error of the observer ends the run.
    pub(super) fn tell(&mut self, what: Happened<'_>) -> io::Result<()> {
        self.observer.observe(self.now, &self.scenario.workload, &what)
    }

    /// Makes an arrived job live.
    pub(super) fn enter(&mut self, job: JobId) {
        let place = self.live.binary_search(&job).expect_err("a job arrives once, so it is not live yet");
        self.live.insert(place, job);
        self.states[job.index()].phase = Phase::Live;
    }

    /// Takes a job out of the live ones and sets what it becomes.
    fn leave(&mut self, job: JobId, phase: Phase) {
        let place =
            self.live.binary_search(&job).expect("only a live job completes or is declined by a plan");
        self.live.remove(place);
        self.states[job.index()].phase = phase;
    }

    /// Admits a live job, with the completion that it is promised, if it is promised one.
    pub(super) fn admit(&mut self, job: JobId, promise: Option<SimTime>) -> io::Result<()> {
        let state = &mut self.states[job.index()];
        (state.admitted, state.promised) = (true, promise);
        self.counts.admitted += 1;
        self.tell(Happened::Admitted { job, promise })
    }

    /// Declines a live job.
    pub(super) fn decline(&mut self, job: JobId, reason: Reason) -> io::Result<()> {
        self.leave(job, Phase::Declined);
        self.note_decline(job, reason)
    }

    /// Declines a job at its arrival, before it is live.
    pub(super) fn decline_at_arrival(&mut self, job: JobId, reason: Reason) -> io::Result<()> {
        self.states[job.index()].phase = Phase::Declined;
        self.note_decline(job, reason)
    }

    fn note_decline(&mut self, job: JobId, reason: Reason) -> io::Result<()> {
        self.counts.declined += 1;
        self.reasons.insert(job, reason);
        self.tell(Happened::Declined { job, reason: &reason })
    }

    /// Completes a job: its GPUs become free, or its turns in a rotation idle.
    pub(super) fn complete(&mut self, job: JobId) -> io::Result<()> {
        let state = &self.states[job.index()];
        assert!(state.phase == Phase::Live && state.end.is_none(), "job {job:?} completes once");
        self.stop(job);
        self.leave(job, Phase::Done);
        let state = &mut self.states[job.index()];
        state.end = Some(self.now);
        let batch = state.batch;
        let holder = state.holder.take().expect("a job completes while it holds GPUs, alone or in turns");
        self.leave_holder(holder, job);
        self.counts.completed += 1;
        self.tell(Happened::Ended { job, batch })
    }

    /// Frees the GPUs of a job that has completed, unless it leaves members of a rotation behind.
    fn leave_holder(&mut self, holder: JobId, job: JobId) {
        match self.rotations.get(&holder) {
            Some(rotation) => {
                if rotation.jobs.iter().any(|member| self.states[member.index()].end.is_none()) {
                    return;
                }
                self.rotations.remove(&holder);
            }
            None => assert_eq!(holder, job, "a job without a rotation holds its GPUs under its own name"),
        }
        self.cluster.release(holder).expect("the cluster holds GPUs under the name of every holder");
    }

    /// Returns the GPUs that the cluster holds under a holder's name.
    ///
    /// # Panics
    ///
    /// If it holds none.
    pub(super) fn held_by(&self, holder: JobId) -> &NodeSet {
        self.cluster.holding(holder).expect("the cluster holds GPUs under the name of every holder")
    }

    /// Lets a job go on after its speed has changed by itself.
    pub(super) fn follow_speed(&mut self, job: JobId) {
        let state = &self.states[job.index()];
        let holder = state.holder.expect("the speed of a job changes by itself only while it holds GPUs");
        let (nodes, batch) = (self.held_by(holder).clone(), state.batch);
        self.go_on(job, &nodes, batch, Continuation::AsBefore);
    }

    /// Stops a job and leaves it without GPUs from now on.
    pub(super) fn stop(&mut self, job: JobId) {
        self.settle(job);
        let spec = self.spec(job);
        let state = &mut self.states[job.index()];
        state.progress.change(self.now, spec.iterations, Rate::ZERO, SimDuration::ZERO);
        state.gpus = Gpus::ZERO;
        self.queue.cancel(Event::Completion(job));
        self.queue.cancel(Event::SpeedChange(job));
    }

    /// Lets a job go on with these GPUs from now on, and sets the events that follow from that.
    ///
    /// # Panics
    ///
    /// If the job has no speed there, though the plan was checked.
    pub(super) fn go_on(&mut self, job: JobId, nodes: &NodeSet, batch: u32, how: Continuation) {
        self.settle(job);
        let configuration = Configuration { nodes: nodes.nodes(), gpus: nodes.gpus(), batch };
        let (rate, relative) = self.speeds(job, &configuration);
        let spec = self.spec(job);
        let state = &mut self.states[job.index()];
        let done = state.progress.done(self.now);
        (state.gpus, state.nodes, state.batch) = (configuration.gpus, configuration.nodes, batch);
        state.relative = relative;
        match how {
            Continuation::AfterRestart(restart) => {
                state.progress.change(self.now, spec.iterations, rate, restart);
            }
            Continuation::InTurns(turns) => state.progress.rotate(self.now, spec.iterations, rate, turns),
            Continuation::AsBefore => state.progress.change_rate(self.now, spec.iterations, rate),
        }
        let end = state.progress.reaches(spec.iterations);
        // Where the run is cut off, a completion that late is never reached.
        if end > ClockLimit::TIME && self.scenario.until.is_none() {
            self.beyond_clock.get_or_insert(job);
        }
        self.queue.set(Event::Completion(job), end);
        match self.scenario.truth.until(spec, done) {
            Some(point) => self.queue.set(Event::SpeedChange(job), state.progress.reaches(point)),
            None => self.queue.cancel(Event::SpeedChange(job)),
        }
    }

    /// Returns the true speed of a job now, and how many times as fast that is as on one GPU.
    fn speeds(&self, job: JobId, configuration: &Configuration) -> (Rate, f64) {
        let (spec, truth) = (self.spec(job), &self.scenario.truth);
        let done = self.states[job.index()].progress.done(self.now);
        let rate = truth.rate(spec, done, configuration).filter(|rate| *rate > Rate::ZERO);
        let rate = rate.unwrap_or_else(|| {
            panic!(
                "job `{}` has no speed for {configuration:?} after {done} iterations, but its plan was checked: \
                 whether a speed model knows a speed depends neither on nodes nor on progress",
                spec.name
            )
        });
        // Where one GPU was not measured, its share of the smallest size's rate stands in.
        let smallest = truth.sizes(spec)[0];
        let one = Configuration { nodes: 1, gpus: smallest, batch: spec.batch_size };
        let alone = truth.rate(spec, done, &one).expect("a speed model knows the speed on each of its sizes");
        (rate, rate.get() / (alone.get() / f64::from(smallest.get())))
    }

    /// Closes a job's account up to now, and keeps what was seen of it.
    fn settle(&mut self, job: JobId) {
        let state = &self.states[job.index()];
        if let Some(seen) = Observation::of(&*self.scenario.truth, self.spec(job), state, self.now) {
            let past = &mut self.observed[job.index()];
            past.retain(|other| other.setting != seen.setting);
            past.push(seen);
        }
        let state = &mut self.states[job.index()];
        self.efficiency.add(state, self.now);
        state.start = state.start_at(self.now);
        state.usage = state.usage_at(self.now);
    }

    /// Returns what a scheduler may see now.
    pub(super) fn view<'v>(&'v self, arrivals: &'v [JobId], ended: &'v [JobId]) -> View<'v> {
        View {
            now: self.now,
            workload: &self.scenario.workload,
            states: &self.states,
            observed: &self.observed,
            truth: &*self.scenario.truth,
            live: &self.live,
            arrivals,
            ended,
            cluster: &self.cluster,
            speeds: &*self.scenario.belief,
            overhead: &*self.scenario.overhead,
        }
    }

    /// Returns the figures of the cluster after a plan.
    pub(super) fn snapshot(&self, changed: bool) -> Snapshot {
        let running = self.cluster.holdings().len() as u32;
        let waiting = (self.live.len() as u32).checked_sub(running);
        Snapshot {
            changed,
            gpus_busy: self.cluster.busy(),
            gpus_total: self.cluster.gpus(),
            jobs_running: running,
            jobs_waiting: waiting.expect("after a plan every holding belongs to a live job of its own"),
            jobs_admitted: self.counts.admitted,
            jobs_declined: self.counts.declined,
            jobs_completed: self.counts.completed,
            cluster_efficiency: self.efficiency_now(),
        }
    }

    /// Returns Σ of rate(g) ÷ rate(1) over the jobs running now, in the order of holders, for each
    /// GPU of the cluster.
    fn efficiency_now(&self) -> f64 {
        let mut sum = 0.0;
        for (holder, _) in self.cluster.holdings() {
            let alone = [holder];
            let jobs = self.rotations.get(&holder).map_or(&alone[..], |rotation| &rotation.jobs);
            let running = jobs.iter().filter(|job| !self.states[job.index()].gpus_at(self.now).is_zero());
            sum += running.map(|job| self.states[job.index()].relative).sum::<f64>();
        }
        sum / f64::from(self.cluster.gpus().get())
    }

    /// Ends the run now and returns its rows and totals.
    pub(super) fn finish(mut self) -> Outcome {
        // Where nothing was cut off, the last completion ends the run, whatever happens after it.
        let is_cut = self.states.iter().any(|state| matches!(state.phase, Phase::Coming | Phase::Live));
        let last = self.states.iter().filter_map(|state| state.end).max().filter(|_| !is_cut);
        let last = last.unwrap_or(self.now);
        for job in &self.live {
            self.efficiency.add(&self.states[job.index()], self.now);
        }
        let first = first_arrival(self.scenario);
        // A run may be cut off before its first arrival.
        let span = last.max(first).since(first);
        self.totals.cluster_efficiency = self.efficiency.average(self.cluster.gpus(), span);
        let jobs = self.scenario.workload.jobs().iter().map(|spec| {
            let state = &self.states[spec.id.index()];
            let reason = self.reasons.get(&spec.id);
            let declined = state.phase == Phase::Declined;
            assert_eq!(reason.is_some(), declined, "exactly the declined jobs have a reason: {:?}", spec.id);
            let reason = reason.map(Reason::to_string).unwrap_or_default();
            JobRow::new(spec, state, self.now, alone(self.scenario, spec), reason)
        });
        Outcome { jobs: jobs.collect(), totals: self.totals }
    }
}

/// Returns when the first job arrives; the clock's zero for a workload without jobs.
fn first_arrival(scenario: &Scenario) -> SimTime {
    scenario.workload.jobs().first().map_or(SimTime::ZERO, |first| first.submit)
}
