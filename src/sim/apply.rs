//! Carrying out the changes of a plan: which GPUs each job holds, and what that means for it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::placement::Placer;
use crate::progress::Turns;
use crate::record::{Change, Happened};
use crate::scheduler::Grant;
use crate::units::{Gpus, SimDuration};

use super::queue::Event;
use super::simulation::{Continuation, Rotation, Simulation};
use super::validate::Changes;

/// What a job had before its GPUs were taken back.
struct FormerHolding {
    nodes: NodeSet,
    /// The job had GPUs there, if only for the beginning of a turn. A job that waited for its first
    /// turn comes from nowhere, even if that turn would begin now.
    was_there: bool,
    /// The job was running, not waiting for its turn.
    on_turn: bool,
    restart_left: SimDuration,
    /// What is left of the restart overhead with which the job came there.
    first_restart_left: SimDuration,
}

/// How the holder of some GPUs goes on with them.
struct HoldingTerms {
    /// The jobs that take turns with it.
    others: Vec<JobId>,
    quantum: SimDuration,
    /// The global batch size; `None` for each job's own.
    batch: Option<u32>,
}

impl HoldingTerms {
    fn new(grant: &Grant) -> HoldingTerms {
        HoldingTerms { others: grant.others.clone(), quantum: grant.quantum, batch: grant.batch }
    }
}

/// Carries out the changes of a plan, and returns whether anything changed.
///
/// The observer hears of admissions, declines and admissions by grant in the order of the plan,
/// then of preemptions in the order of ids, then of everything that goes on elsewhere or
/// differently, in the order of the ids of its holders.
///
/// # Errors
///
/// Only with an error of the observer. The changes are half carried out then, and the simulation is
/// to be dropped.
///
/// # Panics
///
/// If the placer, the speed model or the overhead breaks the contract of its trait.
pub(super) fn apply(
    simulation: &mut Simulation<'_>,
    changes: &Changes<'_>,
    placer: &mut dyn Placer,
) -> io::Result<bool> {
    match changes.wake {
        Some(at) => simulation.queue.set(Event::Wake, at),
        None => simulation.queue.cancel(Event::Wake),
    }
    for (job, promise) in &changes.admitted {
        simulation.admit(*job, *promise)?;
    }
    for (job, reason) in changes.declined {
        simulation.decline(*job, *reason)?;
    }
    for job in changes.unadmitted {
        simulation.states[job.index()].unadmitted = true;
    }
    for job in &changes.admitted_by_grant {
        simulation.admit(*job, None)?;
    }
    let reallocated = reallocate(simulation, changes, placer)?;
    let (busy, granted) = (simulation.cluster.busy(), changes.granted);
    assert_eq!(busy, granted, "after a plan exactly the GPUs that it grants are held");
    Ok(reallocated || !changes.admitted.is_empty() || !changes.declined.is_empty())
}

/// Takes GPUs from every holder that does not go on as before, and carries out the grants that
/// change something. Returns whether there was anything to do.
fn reallocate(
    simulation: &mut Simulation<'_>,
    changes: &Changes<'_>,
    placer: &mut dyn Placer,
) -> io::Result<bool> {
    let mut former = take_back(simulation, &changes.released);
    for job in &changes.preempted {
        let had = former.get(job).expect("a job is preempted only where its GPUs were taken back");
        preempt(simulation, *job, had.was_there)?;
    }
    if changes.grants.is_empty() {
        return Ok(!changes.preempted.is_empty());
    }
    let requests = claim_nodes(simulation, &changes.grants, &former);
    let moved = place(simulation, placer, &requests, &changes.pinned);
    let mut touched: BTreeMap<JobId, HoldingTerms> =
        changes.grants.iter().map(|grant| (grant.job, HoldingTerms::new(grant))).collect();
    follow_moves(simulation, moved, &mut touched, &mut former);
    // In the order of ids, whatever order the plan and the placer had.
    for (holder, terms) in touched {
        if terms.others.is_empty() {
            resume(simulation, holder, terms.batch, former.get(&holder))?;
        } else {
            rotate(simulation, holder, terms, &former)?;
        }
    }
    Ok(true)
}

/// Frees what the released holders hold, and returns what each of their live jobs had.
fn take_back(simulation: &mut Simulation<'_>, released: &[JobId]) -> BTreeMap<JobId, FormerHolding> {
    let mut former = BTreeMap::new();
    for holder in released {
        let nodes = simulation.cluster.release(*holder).expect("a released holder holds GPUs");
        let rotation = simulation.rotations.remove(holder);
        for job in rotation.map_or_else(|| vec![*holder], |rotation| rotation.jobs) {
            // A member that has completed has nothing to lose.
            if simulation.states[job.index()].end.is_none() {
                former.insert(job, former_holding(simulation, job, nodes.clone()));
            }
        }
    }
    former
}

/// Returns what a job has on these nodes, which it is about to leave.
fn former_holding(simulation: &Simulation<'_>, job: JobId, nodes: NodeSet) -> FormerHolding {
    let (state, now) = (&simulation.states[job.index()], simulation.now);
    FormerHolding {
        nodes,
        was_there: state.there_from < now,
        on_turn: state.progress.on_turn(now),
        restart_left: state.progress.restart_left(now),
        first_restart_left: state.progress.first_restart_left(now),
    }
}

/// Leaves a job without GPUs.
fn preempt(simulation: &mut Simulation<'_>, job: JobId, was_there: bool) -> io::Result<()> {
    simulation.stop(job);
    let state = &mut simulation.states[job.index()];
    state.usage.preemptions += u32::from(was_there);
    state.holder = None;
    let (nodes, change, batch) = (&NodeSet::default(), Change::Preempt, state.batch);
    simulation.tell(Happened::Allocated {
        job,
        change,
        nodes,
        batch,
        restart: SimDuration::ZERO,
        turns: None,
    })
}

/// Gives grants the nodes that they name or may stay on, and returns the requests of the others.
fn claim_nodes(
    simulation: &mut Simulation<'_>,
    grants: &[&Grant],
    former: &BTreeMap<JobId, FormerHolding>,
) -> Vec<(JobId, Gpus)> {
    let mut requests = Vec::new();
    for grant in grants {
        let nodes = grant.on.clone().or_else(|| kept_nodes(simulation, grant, former));
        match nodes {
            Some(nodes) => simulation.cluster.hold(grant.job, nodes),
            None => requests.push((grant.job, grant.gpus)),
        }
    }
    requests
}

/// Returns where a rotation, or a job that leaves one, stays: on the nodes of the first of its jobs
/// that had as many GPUs, if they are free.
fn kept_nodes(
    simulation: &Simulation<'_>,
    grant: &Grant,
    former: &BTreeMap<JobId, FormerHolding>,
) -> Option<NodeSet> {
    let mut had = grant.jobs().filter_map(|job| former.get(&job));
    let had = had.find(|had| had.nodes.gpus() == grant.gpus)?;
    simulation.cluster.has_free(&had.nodes).then(|| had.nodes.clone())
}

/// Lets the placer find nodes, checks that it kept its contract, and returns the holders that it
/// moved, with what each had.
fn place(
    simulation: &mut Simulation<'_>,
    placer: &mut dyn Placer,
    requests: &[(JobId, Gpus)],
    pinned: &BTreeSet<JobId>,
) -> Vec<(JobId, NodeSet)> {
    let cluster = &mut simulation.cluster;
    let before: Vec<(JobId, NodeSet)> = if cfg!(debug_assertions) {
        cluster.holdings().map(|(holder, nodes)| (holder, nodes.clone())).collect()
    } else {
        Vec::new()
    };
    let moved = placer.place(cluster, requests, pinned);
    for (job, gpus) in requests {
        let placed = cluster.holding(*job).map(NodeSet::gpus);
        assert_eq!(placed, Some(*gpus), "the placer gives {job:?} as many GPUs as were requested");
    }
    for (holder, nodes) in &moved {
        assert!(!pinned.contains(holder), "the placer moves {holder:?}, which is pinned");
        let now = cluster.holding(*holder).map(NodeSet::gpus);
        assert_eq!(now, Some(nodes.gpus()), "a holder that the placer moves keeps its number of GPUs");
    }
    for (holder, nodes) in &before {
        let stays = cluster.holding(*holder) == Some(nodes);
        let is_listed = moved.iter().any(|(other, _)| other == holder);
        debug_assert!(stays || is_listed, "the placer moves {holder:?} and does not say so");
    }
    moved
}

/// Adds the holders that the placer has moved out of the way to those that go on differently. A
/// rotation starts anew, and a job takes its batch size along.
fn follow_moves(
    simulation: &mut Simulation<'_>,
    moved: Vec<(JobId, NodeSet)>,
    touched: &mut BTreeMap<JobId, HoldingTerms>,
    former: &mut BTreeMap<JobId, FormerHolding>,
) {
    for (holder, nodes) in moved {
        // A holder that changes in this plan has only now been given nodes to be moved from.
        if touched.contains_key(&holder) || *simulation.held_by(holder) == nodes {
            continue;
        }
        let (jobs, quantum) = match simulation.rotations.remove(&holder) {
            Some(rotation) => (rotation.jobs, rotation.quantum),
            None => (vec![holder], SimDuration::ZERO),
        };
        for job in &jobs {
            former.insert(*job, former_holding(simulation, *job, nodes.clone()));
        }
        let batch = (jobs.len() == 1).then(|| simulation.states[holder.index()].batch);
        touched.insert(holder, HoldingTerms { others: jobs[1..].to_vec(), quantum, batch });
    }
}

/// Lets a job go on by itself with what the cluster holds in its name.
fn resume(
    simulation: &mut Simulation<'_>,
    job: JobId,
    batch: Option<u32>,
    former: Option<&FormerHolding>,
) -> io::Result<()> {
    let nodes = simulation.held_by(job).clone();
    let batch = batch.unwrap_or(simulation.spec(job).batch_size);
    let had = former.filter(|had| had.was_there);
    let same = had.filter(|had| had.nodes == nodes);
    let new_batch = same.is_some_and(|had| had.on_turn) && simulation.states[job.index()].batch != batch;
    let change = count_change(simulation, job, &nodes, had);
    let change = if new_batch { Change::Batch } else { change };
    let restart = match same {
        Some(had) if had.on_turn => had.restart_left,
        Some(had) => turn_overhead(simulation, job, &nodes).max(had.first_restart_left),
        None => restart_overhead(simulation, job, had, &nodes),
    };
    simulation.go_on(job, &nodes, batch, Continuation::AfterRestart(restart));
    let state = &mut simulation.states[job.index()];
    state.holder = Some(job);
    if same.is_none() {
        state.there_from = simulation.now;
        count_split(simulation, &nodes);
    }
    simulation.tell(Happened::Allocated { job, change, nodes: &nodes, batch, restart, turns: None })
}

/// Starts a rotation on what the cluster holds in the name of its first job.
fn rotate(
    simulation: &mut Simulation<'_>,
    holder: JobId,
    terms: HoldingTerms,
    former: &BTreeMap<JobId, FormerHolding>,
) -> io::Result<()> {
    let nodes = simulation.held_by(holder).clone();
    let HoldingTerms { others, quantum, .. } = terms;
    let jobs: Vec<JobId> = std::iter::once(holder).chain(others).collect();
    let mut is_placed = false;
    for (place, job) in jobs.iter().copied().enumerate() {
        let had = former.get(&job).filter(|had| had.was_there);
        let same = had.filter(|had| had.nodes == nodes);
        let restart = turn_overhead(simulation, job, &nodes);
        // A job that comes from elsewhere starts or moves in its first turn. One that has been here
        // is only resumed, or just goes on.
        let first_restart = match same {
            Some(had) if place == 0 && had.on_turn => had.restart_left,
            Some(had) => restart.max(had.first_restart_left),
            None => restart_overhead(simulation, job, had, &nodes),
        };
        let (start, place, members) = (simulation.now, place as u64, jobs.len() as u64);
        let turns = Turns { start, place, members, quantum, first_restart, restart };
        count_change(simulation, job, &nodes, had);
        let batch = simulation.spec(job).batch_size;
        simulation.go_on(job, &nodes, batch, Continuation::InTurns(turns));
        let state = &mut simulation.states[job.index()];
        state.holder = Some(holder);
        if same.is_none() {
            state.there_from = turns.first();
            is_placed = true;
        }
        let (nodes, change, turns) = (&nodes, Change::Rotate, Some(turns));
        simulation.tell(Happened::Allocated { job, change, nodes, batch, restart, turns })?;
    }
    if is_placed {
        count_split(simulation, &nodes);
    }
    simulation.rotations.insert(holder, Rotation { jobs, quantum });
    Ok(())
}

/// Returns what it costs a job to resume at its turn on these nodes.
fn turn_overhead(simulation: &Simulation<'_>, job: JobId, nodes: &NodeSet) -> SimDuration {
    simulation.scenario.overhead.turn(simulation.spec(job), nodes.gpus())
}

/// Returns what it costs a job to come to these nodes from those that it had, if it had any.
fn restart_overhead(
    simulation: &Simulation<'_>,
    job: JobId,
    had: Option<&FormerHolding>,
    nodes: &NodeSet,
) -> SimDuration {
    let (spec, overhead) = (simulation.spec(job), &simulation.scenario.overhead);
    let restart = overhead.restart(spec, had.map(|had| &had.nodes), nodes);
    let bound = overhead.bound(spec, nodes.gpus());
    assert!(restart <= bound, "the restart overhead of {job:?}, {restart} s, is beyond its bound, {bound} s");
    restart
}

/// Counts a rescale or a migration, and returns what it is for a job that goes on by itself.
fn count_change(
    simulation: &mut Simulation<'_>,
    job: JobId,
    nodes: &NodeSet,
    former: Option<&FormerHolding>,
) -> Change {
    let state = &mut simulation.states[job.index()];
    match former {
        Some(had) if had.nodes == *nodes => Change::Resume,
        Some(had) if had.nodes.gpus() == nodes.gpus() => {
            state.usage.migrations += 1;
            Change::Migrate
        }
        Some(_) => {
            state.usage.rescales += 1;
            Change::Rescale
        }
        None if state.start_at(simulation.now).is_none() => Change::Start,
        None => Change::Resume,
    }
}

/// Counts a placement on more nodes than the GPUs need. A job that goes on where it was, at another
/// batch size or in other turns, is not placed.
fn count_split(simulation: &mut Simulation<'_>, nodes: &NodeSet) {
    if nodes.nodes() > simulation.scenario.cluster.fewest_nodes(nodes.gpus()) {
        simulation.totals.split_placements += 1;
    }
}
