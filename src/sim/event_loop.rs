//! The loop over events, and the scheduling passes between them.

use crate::job::JobId;
use crate::placement::Placer;
use crate::record::{Happened, Observer};
use crate::scheduler::{Reason, Scheduler};
use crate::units::SimTime;

use super::apply::apply;
use super::conservation::assert_conserved;
use super::error::{PlanFault, SimError};
use super::plan_limit::plan_limit;
use super::queue::Event;
use super::scenario::{self, Outcome, Scenario};
use super::simulation::Simulation;
use super::validate::validate;

/// A run: the simulation, the scheduler and the placer that act on it, and the cadence of plans.
pub(super) struct EventLoop<'a> {
    pub(super) simulation: Simulation<'a>,
    pub(super) scheduler: Box<dyn Scheduler>,
    placer: Box<dyn Placer>,
    /// The job whose arrival is queued next, as an index into the workload.
    next_arrival: usize,
    /// The jobs that have arrived since the last plan, in the order of their arrivals.
    pub(super) arrivals: Vec<JobId>,
    /// The jobs that have completed since the last plan, in the order of their completions.
    pub(super) ended: Vec<JobId>,
    last_plan: Option<SimTime>,
    plan_limit: u64,
}

impl<'a> EventLoop<'a> {
    /// Checks a scenario, and prepares its run up to the first arrival.
    pub(super) fn new(
        scenario: &'a Scenario,
        scheduler: Box<dyn Scheduler>,
        observer: &'a mut dyn Observer,
    ) -> Result<EventLoop<'a>, SimError> {
        (scenario.placer.check)(&scenario.cluster).map_err(SimError::Scenario)?;
        scenario::check_work(scenario)?;
        if scenario.scheduler.requested_size {
            scenario::check_requested_sizes(scenario)?;
        }
        let plan_limit = plan_limit(scenario)?;
        let mut event_loop = EventLoop {
            simulation: Simulation::new(scenario, observer),
            scheduler,
            placer: (scenario.placer.build)(),
            next_arrival: 0,
            arrivals: Vec::new(),
            ended: Vec::new(),
            last_plan: None,
            plan_limit,
        };
        event_loop.queue_next_arrival();
        Ok(event_loop)
    }

    /// Runs to the last event, or to the time at which the scenario is cut off.
    pub(super) fn run(mut self) -> Result<Outcome, SimError> {
        while let Some(at) = self.simulation.queue.next_time() {
            if let Some(until) = self.simulation.scenario.until.filter(|until| at > *until) {
                self.simulation.now = self.simulation.now.max(until);
                return Ok(self.simulation.finish());
            }
            self.step(at)?;
        }
        let simulation = self.simulation;
        match simulation.live.first() {
            None => Ok(simulation.finish()),
            Some(first) => Err(SimError::Stall {
                at: simulation.now,
                scheduler: simulation.scenario.scheduler.name,
                waiting: simulation.live.len(),
                job: simulation.name(*first),
            }),
        }
    }

    /// Lets everything happen that happens at one instant, and plans where that is due.
    pub(super) fn step(&mut self, at: SimTime) -> Result<(), SimError> {
        let now = self.simulation.now;
        assert!(at >= now, "time goes back from {now} s to {at} s: an event was queued in the past");
        self.simulation.now = at;
        let mut called = false;
        // One at a time: an event may cancel or set another of the same instant.
        while let Some(event) = self.simulation.queue.pop_at(at) {
            self.simulation.totals.events += 1;
            match event {
                Event::Completion(job) => {
                    self.simulation.complete(job)?;
                    self.ended.push(job);
                }
                Event::SpeedChange(job) => {
                    self.simulation.follow_speed(job);
                    self.check_clock()?;
                }
                Event::Arrival(job) => self.arrive(job)?,
                Event::Due | Event::Wake => called = true,
            }
        }
        let happened = !self.arrivals.is_empty() || !self.ended.is_empty();
        // Where the scheduler knows of no live job, there is nothing that a slot could gather.
        let is_idle = self.simulation.live.len() == self.arrivals.len();
        let due = self.last_plan.filter(|_| !is_idle).map_or(at, |last| last + self.simulation.scenario.slot);
        if called || (happened && due <= at) || self.is_urgent(due) {
            self.plan()?;
        } else if happened && !self.simulation.queue.contains(Event::Due) {
            self.simulation.queue.set(Event::Due, due);
        }
        Ok(())
    }

    /// Returns whether the scheduler wants to be asked now, before `due`, for a job that has just
    /// arrived.
    fn is_urgent(&self, due: SimTime) -> bool {
        let simulation = &self.simulation;
        let newest = self.arrivals.iter().rev();
        let mut newest = newest.take_while(|job| simulation.spec(**job).submit == simulation.now).peekable();
        if newest.peek().is_none() {
            return false;
        }
        let view = simulation.view(&self.arrivals, &self.ended);
        newest.any(|job| self.scheduler.is_urgent(&view, *job, due))
    }

    fn queue_next_arrival(&mut self) {
        if let Some(job) = self.simulation.scenario.workload.jobs().get(self.next_arrival) {
            self.simulation.queue.set(Event::Arrival(job.id), job.submit);
            self.next_arrival += 1;
        }
    }

    /// Makes an arriving job live, or declines it where no number of GPUs that it can run on fits
    /// the cluster.
    fn arrive(&mut self, job: JobId) -> Result<(), SimError> {
        self.queue_next_arrival();
        let simulation = &mut self.simulation;
        simulation.tell(Happened::Arrived { job })?;
        let spec = simulation.spec(job);
        let smallest = if simulation.scenario.scheduler.requested_size {
            spec.requested
        } else {
            simulation.scenario.belief.sizes(spec)[0]
        };
        let cluster = simulation.cluster.gpus();
        if smallest > cluster {
            simulation.decline_at_arrival(job, Reason::TooLarge { smallest, cluster })?;
            return Ok(());
        }
        simulation.enter(job);
        self.arrivals.push(job);
        Ok(())
    }

    /// Asks the scheduler, checks its plan and carries it out.
    ///
    /// # Errors
    ///
    /// If the plan is refused; neither the simulation nor the observer has been touched then.
    pub(super) fn plan(&mut self) -> Result<(), SimError> {
        let simulation = &mut self.simulation;
        let (at, scheduler) = (simulation.now, simulation.scenario.scheduler.name);
        if simulation.totals.plans >= self.plan_limit {
            let intervals = simulation.scenario.scheduler.intervals;
            return Err(SimError::Runaway { at, scheduler, plans: simulation.totals.plans, intervals });
        }
        let plan = self.scheduler.plan(&simulation.view(&self.arrivals, &self.ended));
        let changes = validate(simulation, &plan);
        let changes = changes.map_err(|fault: PlanFault| SimError::IllegalPlan { at, scheduler, fault })?;
        simulation.totals.plans += 1;
        simulation.totals.fallbacks += u64::from(plan.fell_back);
        simulation.queue.cancel(Event::Due);
        let changed = apply(simulation, &changes, &mut *self.placer)?;
        if cfg!(debug_assertions) {
            assert_conserved(simulation);
        }
        self.arrivals.clear();
        self.ended.clear();
        self.last_plan = Some(at);
        self.check_clock()?;
        let snapshot = self.simulation.snapshot(changed);
        self.simulation.tell(Happened::Planned(snapshot))?;
        Ok(())
    }

    /// Stops the run where a job would complete later than the clock can tell.
    fn check_clock(&self) -> Result<(), SimError> {
        match self.simulation.beyond_clock {
            None => Ok(()),
            Some(job) => Err(SimError::ClockOverflow { job: self.simulation.name(job) }),
        }
    }
}
