//! Asking the scheduler, checking its plan, and carrying out what it changes.

use std::collections::BTreeSet;

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::profile::Setting;
use crate::record::{Change, Happened};
use crate::scheduler::{Plan, Promise};
use crate::state::Phase;
use crate::units::{Gpus, Rate, SimDuration};

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
        let requests = self.check_grants(plan)?;
        let pinned = self.check_pins(plan)?;
        changed |= self.reallocate(&requests, &pinned)?;
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

    /// Checks the grants, marks who is granted something, and returns those whose count changes.
    fn check_grants(&mut self, plan: &Plan) -> Result<Vec<(JobId, Gpus)>, SimError> {
        let number = self.totals.plans;
        let mut granted = 0u64;
        let mut requests = Vec::new();
        for grant in &plan.grants {
            let (job, gpus) = (grant.job, grant.gpus);
            granted += u64::from(gpus.get());
            let (seen, _) = std::mem::replace(&mut self.granted[job.index()], (number, gpus));
            let state = &self.states[job.index()];
            if seen == number {
                return Err(self.illegal(PlanFault::GrantedTwice(self.name(job))));
            }
            if gpus.is_zero() {
                return Err(self.illegal(PlanFault::NoGpus(self.name(job))));
            }
            if state.phase != Phase::Live {
                return Err(self.illegal(PlanFault::NotLive(self.name(job))));
            }
            let before = state.gpus;
            if !state.admitted {
                if !self.scenario.scheduler.grant_admits {
                    return Err(self.illegal(PlanFault::NotAdmitted(self.name(job))));
                }
                self.admit(job, None)?;
            }
            if before != gpus {
                requests.push((job, gpus));
            }
        }
        if granted > u64::from(self.cluster.gpus().get()) {
            let granted = Gpus::new(u32::try_from(granted).unwrap_or(u32::MAX));
            return Err(self.illegal(PlanFault::TooManyGpus { granted, capacity: self.cluster.gpus() }));
        }
        for (job, gpus) in &requests {
            self.check_speed(*job, *gpus)?;
        }
        Ok(requests)
    }

    /// Before anything moves: a job that would stand still is a fault of the plan.
    fn check_speed(&self, job: JobId, gpus: Gpus) -> Result<(), SimError> {
        let spec = self.spec(job);
        let setting =
            Setting { nodes: self.scenario.cluster.fewest_nodes(gpus), gpus, batch: spec.batch_size };
        let done = self.states[job.index()].progress.done(self.now);
        match self.scenario.truth.rate(spec, done, &setting) {
            Some(rate) if rate > Rate::ZERO => Ok(()),
            _ => Err(self.illegal(PlanFault::NoSpeed { job: self.name(job), gpus })),
        }
    }

    fn check_pins(&self, plan: &Plan) -> Result<BTreeSet<JobId>, SimError> {
        for job in &plan.pins {
            let held = self.states[job.index()].gpus;
            if held.is_zero() || self.granted[job.index()] != (self.totals.plans, held) {
                return Err(self.illegal(PlanFault::PinMoves(self.name(*job))));
            }
        }
        Ok(plan.pins.iter().copied().collect())
    }

    /// Takes GPUs from whoever is granted none, gives the requests theirs, and lets everybody touched go on.
    fn reallocate(&mut self, requests: &[(JobId, Gpus)], pinned: &BTreeSet<JobId>) -> Result<bool, SimError> {
        let number = self.totals.plans;
        let stopped: Vec<JobId> = self
            .cluster
            .holdings()
            .map(|(job, _)| job)
            .filter(|job| self.granted[job.index()].0 != number)
            .collect();
        for job in &stopped {
            self.cluster.release(*job);
            self.settle(*job, None)?;
            self.states[job.index()].account.preemptions += 1;
            let nodes = &NodeSet::default();
            let change = Change::Preempt;
            self.tell(Happened::Allocated { job: *job, change, nodes, pause: SimDuration::ZERO })?;
        }
        if requests.is_empty() {
            return Ok(!stopped.is_empty());
        }
        let mut touched: Vec<(JobId, Option<NodeSet>)> =
            requests.iter().map(|(job, _)| (*job, self.cluster.release(*job))).collect();
        let moved = self.placer.place(&mut self.cluster, requests, pinned);
        touched.extend(moved.into_iter().map(|(job, before)| (job, Some(before))));
        // In the order of ids, whatever order the plan and the placer had.
        touched.sort_by_key(|(job, _)| *job);
        for (job, before) in touched {
            self.resume(job, before)?;
        }
        Ok(true)
    }

    /// Lets a job go on with what the placer gave it.
    fn resume(&mut self, job: JobId, before: Option<NodeSet>) -> Result<(), SimError> {
        let nodes = self.cluster.holding(job).cloned().unwrap_or_default();
        if before.as_ref() == Some(&nodes) {
            return Ok(());
        }
        let first = self.states[job.index()].start.is_none();
        let account = &mut self.states[job.index()].account;
        let change = match &before {
            Some(before) if before.gpus() == nodes.gpus() => {
                account.migrations += 1;
                Change::Migrate
            }
            Some(_) => {
                account.rescales += 1;
                Change::Rescale
            }
            None if first => Change::Start,
            None => Change::Resume,
        };
        let pause = self.scenario.overhead.pause(self.spec(job), before.as_ref(), &nodes);
        self.settle(job, Some((&nodes, pause)))?;
        if nodes.nodes() > self.scenario.cluster.fewest_nodes(nodes.gpus()) {
            self.totals.split_placements += 1;
        }
        self.tell(Happened::Allocated { job, change, nodes: &nodes, pause })
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
