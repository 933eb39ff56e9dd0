//! Checking a plan: what it changes, or why it cannot be carried out.

use std::collections::BTreeSet;

use crate::job::JobId;
use crate::profile::Configuration;
use crate::scheduler::{Grant, Plan, Reason};
use crate::state::{JobState, Phase};
use crate::units::{Gpus, Rate, SimTime};

use super::error::PlanFault;
use super::simulation::Simulation;

/// What a plan changes. Every check of [`validate`] has passed, so that carrying it out cannot
/// fail.
#[derive(Debug)]
pub(super) struct Changes<'p> {
    /// When the scheduler wants to be called.
    pub(super) wake: Option<SimTime>,
    /// The jobs that the plan admits, with the completion that each is promised, in its order.
    pub(super) admitted: Vec<(JobId, Option<SimTime>)>,
    /// The jobs that the plan declines, in its order.
    pub(super) declined: &'p [(JobId, Reason)],
    /// The jobs that may have GPUs without being admitted.
    pub(super) unadmitted: &'p [JobId],
    /// The jobs that are admitted by being granted GPUs, in the order of the grants.
    pub(super) admitted_by_grant: Vec<JobId>,
    /// The holders of GPUs that do not go on as before, ascending.
    pub(super) released: Vec<JobId>,
    /// The jobs among these, and the members of their rotations, that are granted nothing;
    /// ascending.
    pub(super) preempted: Vec<JobId>,
    /// The grants that are not in force already, in the order in which they claim nodes.
    pub(super) grants: Vec<&'p Grant>,
    /// The jobs that a placer may not move.
    pub(super) pinned: BTreeSet<JobId>,
    /// All GPUs that the plan grants, those of grants in force included.
    pub(super) granted: Gpus,
}

/// Some jobs, to be looked up; built once.
#[derive(Default)]
struct JobSet {
    ascending: Vec<JobId>,
}

impl JobSet {
    fn new(mut jobs: Vec<JobId>) -> JobSet {
        jobs.sort_unstable();
        JobSet { ascending: jobs }
    }

    fn contains(&self, job: JobId) -> bool {
        self.ascending.binary_search(&job).is_ok()
    }

    /// Returns the first job that was put in twice.
    fn repeated(&self) -> Option<JobId> {
        self.ascending.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

/// Works out what a plan changes. Changes nothing itself, and no observer hears of it.
///
/// Costs O(n log n) in the jobs that the plan names, plus O(n) in the holders of GPUs; a plan that
/// names nodes costs O(n) in the nodes of the cluster besides.
///
/// # Errors
///
/// With one of the plan's faults if it has any. Which one of several is not specified.
pub(super) fn validate<'p>(simulation: &Simulation<'_>, plan: &'p Plan) -> Result<Changes<'p>, PlanFault> {
    if let Some(at) = plan.wake.filter(|at| *at <= simulation.now) {
        return Err(PlanFault::WakeNotAfterNow(at));
    }
    let decisions = Decisions::check(simulation, plan)?;
    let Granted { jobs, admitted, kept, mut changed } = Granted::check(simulation, plan, &decisions)?;
    let granted = check_capacity(simulation, plan)?;
    for grant in &changed {
        check_grant(simulation, grant)?;
    }
    let pinned = check_pins(simulation, plan, &kept)?;
    let holders = simulation.cluster.holdings().map(|(holder, _)| holder);
    let released: Vec<JobId> = holders.filter(|holder| !kept.contains(*holder)).collect();
    changed.sort_by_key(|grant| claim_key(simulation, grant));
    check_named_nodes(simulation, &changed, &released)?;
    Ok(Changes {
        wake: plan.wake,
        admitted: plan.admitted.iter().map(|(job, promise)| (*job, promise.map(|p| p.end))).collect(),
        declined: &plan.declined,
        unadmitted: &plan.unadmitted,
        admitted_by_grant: admitted,
        preempted: preempted(simulation, &released, &jobs),
        released,
        grants: changed,
        pinned,
        granted,
    })
}

/// The jobs that a plan decides about before it grants anything.
struct Decisions {
    admitted: JobSet,
    declined: JobSet,
    unadmitted: JobSet,
}

impl Decisions {
    /// Checks that only live jobs are decided about, each admitted or declined at most once.
    fn check(simulation: &Simulation<'_>, plan: &Plan) -> Result<Decisions, PlanFault> {
        let state = |job: JobId| &simulation.states[job.index()];
        let admitted = JobSet::new(plan.admitted.iter().map(|(job, _)| *job).collect());
        let declined = JobSet::new(plan.declined.iter().map(|(job, _)| *job).collect());
        let unadmitted = JobSet::new(plan.unadmitted.clone());
        if let Some(job) = admitted.repeated() {
            return Err(PlanFault::AdmittedTwice(simulation.name(job)));
        }
        for job in &admitted.ascending {
            if state(*job).admitted {
                return Err(PlanFault::AdmittedTwice(simulation.name(*job)));
            }
            check_live(simulation, *job)?;
        }
        if let Some(job) = declined.repeated() {
            return Err(PlanFault::NotLive(simulation.name(job)));
        }
        for job in &declined.ascending {
            if state(*job).admitted || admitted.contains(*job) {
                return Err(PlanFault::DeclinedAdmitted(simulation.name(*job)));
            }
            check_live(simulation, *job)?;
        }
        for job in &unadmitted.ascending {
            check_live(simulation, *job)?;
            if declined.contains(*job) {
                return Err(PlanFault::NotLive(simulation.name(*job)));
            }
        }
        Ok(Decisions { admitted, declined, unadmitted })
    }

    /// Returns whether a job may hold GPUs once these decisions are made.
    fn allow_gpus(&self, job: JobId, state: &JobState) -> bool {
        state.admitted || state.unadmitted || self.admitted.contains(job) || self.unadmitted.contains(job)
    }
}

/// The grants of a plan, sorted by whether they change anything.
struct Granted<'p> {
    /// All jobs that are granted GPUs.
    jobs: JobSet,
    /// The jobs that are admitted thereby.
    admitted: Vec<JobId>,
    /// The holders that go on as before.
    kept: JobSet,
    /// The grants that are not in force already, in the order of the plan.
    changed: Vec<&'p Grant>,
}

impl<'p> Granted<'p> {
    /// Checks that every grant has GPUs, and that its jobs may hold them and occur once.
    fn check(
        simulation: &Simulation<'_>,
        plan: &'p Plan,
        decisions: &Decisions,
    ) -> Result<Granted<'p>, PlanFault> {
        let (mut jobs, mut admitted, mut kept) =
            (Vec::with_capacity(plan.grants.len()), Vec::new(), Vec::new());
        let mut changed = Vec::new();
        for grant in &plan.grants {
            if grant.gpus.is_zero() {
                return Err(PlanFault::NoGpus(simulation.name(grant.job)));
            }
            for job in grant.jobs() {
                check_live(simulation, job)?;
                if decisions.declined.contains(job) {
                    return Err(PlanFault::NotLive(simulation.name(job)));
                }
                if !decisions.allow_gpus(job, &simulation.states[job.index()]) {
                    if !simulation.scenario.scheduler.grant_admits {
                        return Err(PlanFault::NotAdmitted(simulation.name(job)));
                    }
                    admitted.push(job);
                }
                jobs.push(job);
            }
            if is_in_force(simulation, grant) {
                kept.push(grant.job);
            } else {
                changed.push(grant);
            }
        }
        let jobs = JobSet::new(jobs);
        match jobs.repeated() {
            Some(job) => Err(PlanFault::GrantedTwice(simulation.name(job))),
            None => Ok(Granted { jobs, admitted, kept: JobSet::new(kept), changed }),
        }
    }
}

/// Checks that a job has arrived, and has neither completed nor been declined.
fn check_live(simulation: &Simulation<'_>, job: JobId) -> Result<(), PlanFault> {
    match simulation.states[job.index()].phase {
        Phase::Live => Ok(()),
        _ => Err(PlanFault::NotLive(simulation.name(job))),
    }
}

/// Returns whether a grant states what is so already.
fn is_in_force(simulation: &Simulation<'_>, grant: &Grant) -> bool {
    let state = &simulation.states[grant.job.index()];
    if state.holder != Some(grant.job) || state.gpus != grant.gpus {
        return false;
    }
    let same_batch = grant.batch.unwrap_or(simulation.spec(grant.job).batch_size) == state.batch;
    let same_jobs = match simulation.rotations.get(&grant.job) {
        None => grant.others.is_empty(),
        Some(rotation) => rotation.quantum == grant.quantum && rotation.jobs.iter().copied().eq(grant.jobs()),
    };
    let same_nodes = |on| simulation.cluster.holding(grant.job) == Some(on);
    same_batch && same_jobs && grant.on.as_ref().is_none_or(same_nodes)
}

/// Checks that the cluster has as many GPUs as a plan grants, and returns how many those are.
fn check_capacity(simulation: &Simulation<'_>, plan: &Plan) -> Result<Gpus, PlanFault> {
    let granted: u64 = plan.grants.iter().map(|grant| u64::from(grant.gpus.get())).sum();
    let granted = Gpus::new(u32::try_from(granted).unwrap_or(u32::MAX));
    let capacity = simulation.cluster.gpus();
    if granted > capacity {
        return Err(PlanFault::TooManyGpus { granted, capacity });
    }
    Ok(granted)
}

/// Checks that the jobs of a grant have a speed on its GPUs, and that turns are longer than any
/// restart overhead in them.
fn check_grant(simulation: &Simulation<'_>, grant: &Grant) -> Result<(), PlanFault> {
    let scenario = simulation.scenario;
    let gpus = grant.gpus;
    let nodes = match &grant.on {
        Some(on) if on.gpus() != gpus => {
            let (job, nodes) = (simulation.name(grant.job), on.to_string());
            return Err(PlanFault::NodesMiscounted { job, gpus, nodes });
        }
        Some(on) => on.nodes(),
        None => scenario.cluster.fewest_nodes(gpus),
    };
    for job in grant.jobs() {
        let spec = simulation.spec(job);
        let batch = grant.batch.unwrap_or(spec.batch_size);
        let configuration = Configuration { nodes, gpus, batch };
        let done = simulation.states[job.index()].progress.done(simulation.now);
        if scenario.truth.rate(spec, done, &configuration).is_none_or(|rate| rate <= Rate::ZERO) {
            let job = simulation.name(job);
            return Err(if batch == spec.batch_size {
                PlanFault::NoSpeed { job, gpus }
            } else {
                PlanFault::NoSpeedAtBatch { job, gpus, batch }
            });
        }
        if grant.others.is_empty() {
            continue;
        }
        if grant.batch.is_some() {
            return Err(PlanFault::BatchInTurns(simulation.name(job)));
        }
        let restart = scenario.overhead.turn(spec, gpus).max(scenario.overhead.bound(spec, gpus));
        if grant.quantum <= restart {
            let (job, quantum) = (simulation.name(job), grant.quantum);
            return Err(PlanFault::QuantumTooShort { job, quantum, restart });
        }
    }
    Ok(())
}

/// Checks that pinned jobs go on by themselves on what they hold, and returns the jobs that may not
/// be moved: the pinned ones, and those that are granted nodes by name.
fn check_pins(simulation: &Simulation<'_>, plan: &Plan, kept: &JobSet) -> Result<BTreeSet<JobId>, PlanFault> {
    for job in &plan.pins {
        if !kept.contains(*job) || simulation.rotations.contains_key(job) {
            return Err(PlanFault::PinMoves(simulation.name(*job)));
        }
    }
    let named = plan.grants.iter().filter(|grant| grant.on.is_some()).map(|grant| grant.job);
    Ok(plan.pins.iter().copied().chain(named).collect())
}

/// Returns a key that sorts grants by their claims: first those that name nodes; then, since they
/// may stay on the nodes that their jobs had, those whose first job is on turn; then by id.
fn claim_key(simulation: &Simulation<'_>, grant: &Grant) -> (bool, bool, JobId) {
    let state = &simulation.states[grant.job.index()];
    let on_turn = state.holder.is_some() && state.progress.on_turn(simulation.now);
    (grant.on.is_none(), !on_turn, grant.job)
}

/// Checks that the nodes that grants name are free once the released holders have left.
fn check_named_nodes(
    simulation: &Simulation<'_>,
    grants: &[&Grant],
    released: &[JobId],
) -> Result<(), PlanFault> {
    if grants.iter().all(|grant| grant.on.is_none()) {
        return Ok(());
    }
    let mut free = simulation.cluster.free().to_vec();
    for holder in released {
        for (node, gpus) in simulation.held_by(*holder).parts() {
            free[node.index()] += *gpus;
        }
    }
    for grant in grants {
        let Some(on) = &grant.on else { continue };
        for (node, gpus) in on.parts() {
            match free.get_mut(node.index()) {
                Some(free) if *free >= *gpus => *free -= *gpus,
                _ => {
                    let (job, nodes) = (simulation.name(grant.job), on.to_string());
                    return Err(PlanFault::NodesTaken { job, nodes });
                }
            }
        }
    }
    Ok(())
}

/// Returns the jobs that lose their GPUs: those of released holders that are granted nothing.
fn preempted(simulation: &Simulation<'_>, released: &[JobId], granted: &JobSet) -> Vec<JobId> {
    let mut preempted = Vec::new();
    for holder in released {
        let alone = [*holder];
        let jobs = simulation.rotations.get(holder).map_or(&alone[..], |rotation| &rotation.jobs);
        let is_live = |job: &JobId| simulation.states[job.index()].end.is_none();
        preempted.extend(jobs.iter().filter(|job| is_live(job) && !granted.contains(**job)));
    }
    preempted.sort_unstable();
    preempted
}
