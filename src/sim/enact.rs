//! Asking the scheduler, checking its plan, and carrying out what it changes.

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::profile::Configuration;
use crate::record::Happened;
use crate::scheduler::{Grant, Plan, Promise};
use crate::state::Phase;
use crate::units::{Gpus, Rate};

use super::queue::Event;
use super::{PlanFault, SimError, Simulation};

impl Simulation<'_> {
    /// Asks the scheduler and carries out its plan.
    pub(super) fn plan(&mut self) -> Result<(), SimError> {
        if self.totals.plans >= self.plan_limit {
            let scheduler = self.scenario.scheduler.name;
            return Err(SimError::Runaway { at: self.now, scheduler, plans: self.totals.plans });
        }
        self.totals.plans += 1;
        // The scheduler is lent out so that the view may borrow the rest.
        let mut scheduler = std::mem::replace(&mut self.scheduler, Box::new(Nobody));
        let plan = scheduler.plan(&self.view());
        self.scheduler = scheduler;
        self.totals.fallbacks += u64::from(plan.fell_back);
        self.arrivals.clear();
        self.ended.clear();
        self.last_plan = Some(self.now);
        self.queue.cancel(Event::Due);
        let changed = self.enact(&plan)?;
        self.tell(Happened::Planned(self.snapshot(changed)))
    }

    fn enact(&mut self, plan: &Plan) -> Result<bool, SimError> {
        match plan.wake {
            Some(at) if at <= self.now => return Err(self.illegal(PlanFault::WakeNotAfterNow(at))),
            Some(at) => self.queue.set(Event::Wake, at),
            None => self.queue.cancel(Event::Wake),
        }
        let mut changed = !plan.admitted.is_empty() || !plan.declined.is_empty();
        for (job, promise) in &plan.admitted {
            if self.states[job.index()].admitted {
                return Err(self.illegal(PlanFault::AdmittedTwice(self.name(*job))));
            }
            self.admit(*job, *promise)?;
        }
        for (job, reason) in &plan.declined {
            let state = &self.states[job.index()];
            if state.admitted {
                return Err(self.illegal(PlanFault::DeclinedAdmitted(self.name(*job))));
            }
            if state.phase != Phase::Live {
                return Err(self.illegal(PlanFault::NotLive(self.name(*job))));
            }
            self.decline(*job, *reason)?;
        }
        for job in &plan.unadmitted {
            if self.states[job.index()].phase != Phase::Live {
                return Err(self.illegal(PlanFault::NotLive(self.name(*job))));
            }
            self.states[job.index()].unadmitted = true;
        }
        let changes = self.check_grants(plan)?;
        self.check_pins(plan)?;
        // Whoever is to have certain GPUs is not moved either.
        let named = plan.grants.iter().filter(|grant| grant.on.is_some()).map(|grant| grant.job);
        let pinned = plan.pins.iter().copied().chain(named).collect();
        changed |= self.reallocate(&changes, &pinned)?;
        Ok(changed)
    }

    fn admit(&mut self, job: JobId, promise: Option<Promise>) -> Result<(), SimError> {
        let state = &mut self.states[job.index()];
        if state.phase != Phase::Live {
            return Err(self.illegal(PlanFault::NotLive(self.name(job))));
        }
        state.admitted = true;
        state.promised = promise.map(|promise| promise.end);
        let promise = state.promised;
        self.counts.admitted += 1;
        self.tell(Happened::Admitted { job, promise })
    }

    /// Checks the grants, marks who is granted something, and returns those that change something.
    fn check_grants<'p>(&mut self, plan: &'p Plan) -> Result<Vec<&'p Grant>, SimError> {
        let number = self.totals.plans;
        let mut granted = 0u64;
        let mut changes = Vec::new();
        for grant in &plan.grants {
            granted += u64::from(grant.gpus.get());
            if grant.gpus.is_zero() {
                return Err(self.illegal(PlanFault::NoGpus(self.name(grant.job))));
            }
            for job in grant.jobs() {
                self.check_granted(job)?;
                self.granted[job.index()] = number;
            }
            if self.goes_on(grant) {
                self.kept[grant.job.index()] = number;
            } else {
                changes.push(grant);
            }
        }
        if granted > u64::from(self.cluster.gpus().get()) {
            let granted = Gpus::new(u32::try_from(granted).unwrap_or(u32::MAX));
            return Err(self.illegal(PlanFault::TooManyGpus { granted, capacity: self.cluster.gpus() }));
        }
        for grant in &changes {
            for job in grant.jobs() {
                self.check_speed(job, grant)?;
            }
        }
        Ok(changes)
    }

    /// Checks that a job may be granted GPUs, and admits it if that is what grants do.
    fn check_granted(&mut self, job: JobId) -> Result<(), SimError> {
        let state = &self.states[job.index()];
        if self.granted[job.index()] == self.totals.plans {
            return Err(self.illegal(PlanFault::GrantedTwice(self.name(job))));
        }
        if state.phase != Phase::Live {
            return Err(self.illegal(PlanFault::NotLive(self.name(job))));
        }
        if !state.admitted && !state.unadmitted {
            if !self.scenario.scheduler.grant_admits {
                return Err(self.illegal(PlanFault::NotAdmitted(self.name(job))));
            }
            self.admit(job, None)?;
        }
        Ok(())
    }

    /// Whether a grant is what is in force.
    fn goes_on(&self, grant: &Grant) -> bool {
        let state = &self.states[grant.job.index()];
        if state.holder != Some(grant.job) || state.gpus != grant.gpus {
            return false;
        }
        let same_batch = grant.batch.unwrap_or(self.spec(grant.job).batch_size) == state.batch;
        let same_jobs = match self.rotations.get(&grant.job) {
            None => grant.others.is_empty(),
            Some(rotation) => {
                rotation.quantum == grant.quantum && rotation.jobs.iter().copied().eq(grant.jobs())
            }
        };
        same_batch
            && same_jobs
            && grant.on.as_ref().is_none_or(|on| self.cluster.holding(grant.job) == Some(on))
    }

    /// Before anything moves: a job that would stand still is a fault of the plan.
    fn check_speed(&self, job: JobId, grant: &Grant) -> Result<(), SimError> {
        let (spec, gpus) = (self.spec(job), grant.gpus);
        let fewest = || self.scenario.cluster.fewest_nodes(gpus);
        let nodes = grant.on.as_ref().map_or_else(fewest, NodeSet::nodes);
        let setting = Configuration { nodes, gpus, batch: grant.batch.unwrap_or(spec.batch_size) };
        let done = self.states[job.index()].progress.done(self.now);
        if self.scenario.truth.rate(spec, done, &setting).is_none_or(|rate| rate <= Rate::ZERO) {
            return Err(self.no_speed(job, gpus, setting.batch));
        }
        if grant.batch.is_some() && !grant.others.is_empty() {
            return Err(self.illegal(PlanFault::BatchInTurns(self.name(job))));
        }
        let overhead = &self.scenario.overhead;
        let restart = overhead.turn(spec, gpus).max(overhead.bound(spec, gpus));
        if !grant.others.is_empty() && grant.quantum <= restart {
            let (job, quantum) = (self.name(job), grant.quantum);
            return Err(self.illegal(PlanFault::QuantumTooShort { job, quantum, restart }));
        }
        Ok(())
    }

    fn check_pins(&self, plan: &Plan) -> Result<(), SimError> {
        for job in &plan.pins {
            if self.kept[job.index()] != self.totals.plans || self.rotations.contains_key(job) {
                return Err(self.illegal(PlanFault::PinMoves(self.name(*job))));
            }
        }
        Ok(())
    }

    /// A job would stand still.
    pub(super) fn no_speed(&self, job: JobId, gpus: Gpus, batch: u32) -> SimError {
        let own = self.spec(job).batch_size == batch;
        let job = self.name(job);
        self.illegal(if own {
            PlanFault::NoSpeed { job, gpus }
        } else {
            PlanFault::NoSpeedAtBatch { job, gpus, batch }
        })
    }

    pub(super) fn illegal(&self, fault: PlanFault) -> SimError {
        SimError::IllegalPlan { at: self.now, scheduler: self.scenario.scheduler.name, fault }
    }
}

/// Stands in while the scheduler is asked.
struct Nobody;

impl crate::scheduler::Scheduler for Nobody {
    fn plan(&mut self, _: &crate::scheduler::View<'_>) -> Plan {
        Plan::new()
    }
}
