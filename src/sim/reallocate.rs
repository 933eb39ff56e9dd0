//! Who holds which GPUs, and what that means for the jobs: carrying out what a plan changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::profile::Configuration;
use crate::progress::Turns;
use crate::record::{Change, Happened};
use crate::scheduler::{Grant, Observation};
use crate::state::JobState;
use crate::units::{Gpus, Rate, SimDuration, SimTime};

use super::queue::Event;
use super::{ClockLimit, PlanFault, SimError, Simulation};

/// Jobs that take turns on the GPUs held under the name of the first.
pub(super) struct Rotation {
    /// In the order of their turns. Who has ended stays: its turns are idle.
    pub(super) jobs: Vec<JobId>,
    pub(super) quantum: SimDuration,
}

/// How a job goes on.
enum Pace {
    AfterRestart(SimDuration),
    InTurns(Turns),
    /// Only its speed changes.
    AsBefore,
}

/// How the holder of some GPUs goes on.
struct Anew {
    /// Who takes turns with it.
    others: Vec<JobId>,
    quantum: SimDuration,
    /// At which batch size; `None` for each job's own.
    batch: Option<u32>,
}

/// What a job had before its GPUs were taken back.
struct Before {
    nodes: NodeSet,
    /// It had GPUs there, if only for the beginning of a turn; who had none yet comes from nowhere.
    was_there: bool,
    /// It was running, not waiting for its turn.
    on_turn: bool,
    restart_left: SimDuration,
    /// What is left of the pause with which it came there.
    first_restart_left: SimDuration,
}

/// The integral over time of rate(g) ÷ rate(1), summed over running jobs as integers, so that the
/// order does not matter.
#[derive(Default)]
pub(super) struct Efficiency {
    integral: u128,
}

/// What stands for 1 in these integers.
const ONE: f64 = (1u64 << 32) as f64;

impl Efficiency {
    /// Adds what a job has run at its present speed, up to now.
    pub(super) fn close(&mut self, state: &JobState, now: SimTime) {
        if !state.gpus.is_zero() {
            let held = state.progress.held(now).as_micros();
            self.integral += u128::from((state.relative * ONE) as u64) * u128::from(held);
        }
    }

    /// The average over a span of time, for each of `gpus`; 0 for no time.
    pub(super) fn average(&self, gpus: Gpus, span: SimDuration) -> f64 {
        let span = span.as_micros() as f64 * f64::from(gpus.get());
        if span > 0.0 { self.integral as f64 / ONE / span } else { 0.0 }
    }
}

impl Simulation<'_> {
    /// Σ of rate(g) ÷ rate(1) over the jobs running now, in the order of holders, for each GPU.
    pub(super) fn efficiency_now(&self) -> f64 {
        let mut sum = 0.0;
        for (holder, _) in self.cluster.holdings() {
            let alone = [holder];
            let jobs = self.rotations.get(&holder).map_or(&alone[..], |rotation| &rotation.jobs);
            let running = |job: &&JobId| !self.states[job.index()].gpus_at(self.now).is_zero();
            sum += jobs.iter().filter(running).map(|job| self.states[job.index()].relative).sum::<f64>();
        }
        sum / f64::from(self.cluster.gpus().get())
    }

    /// Takes GPUs from whoever does not go on as before, carries out the grants that change
    /// something, and lets everybody touched go on.
    pub(super) fn reallocate(
        &mut self,
        changes: &[&Grant],
        pinned: &BTreeSet<JobId>,
    ) -> Result<bool, SimError> {
        let mut before = self.take_back();
        let stopped: Vec<JobId> =
            before.keys().copied().filter(|job| self.granted[job.index()] != self.totals.plans).collect();
        for job in &stopped {
            self.preempt(*job, before[job].was_there)?;
        }
        if changes.is_empty() {
            return Ok(!stopped.is_empty());
        }
        let mut requests = Vec::new();
        for grant in self.in_order_of_claim(changes, &before) {
            match &grant.on {
                Some(nodes) if self.cluster.has_free(nodes) => self.cluster.hold(grant.job, nodes.clone()),
                Some(nodes) => {
                    let (job, nodes) = (self.name(grant.job), nodes.to_string());
                    return Err(self.illegal(PlanFault::NodesTaken { job, nodes }));
                }
                None => match self.kept_nodes(grant, &before) {
                    Some(nodes) => self.cluster.hold(grant.job, nodes),
                    None => requests.push((grant.job, grant.gpus)),
                },
            }
        }
        let moved = self.placer.place(&mut self.cluster, &requests, pinned);
        let anew = |grant: &&Grant| {
            (grant.job, Anew { others: grant.others.clone(), quantum: grant.quantum, batch: grant.batch })
        };
        let mut touched: BTreeMap<JobId, Anew> = changes.iter().map(anew).collect();
        for (holder, nodes) in moved {
            // Who changes in this plan has only now been given nodes to be moved from.
            if touched.contains_key(&holder) || self.cluster.holding(holder) == Some(&nodes) {
                continue;
            }
            // A rotation that went on so far starts anew elsewhere.
            let rotation = self.rotations.remove(&holder);
            let (jobs, quantum) = rotation.map_or((vec![holder], SimDuration::ZERO), |r| (r.jobs, r.quantum));
            for job in &jobs {
                before.insert(*job, self.before(*job, nodes.clone()));
            }
            // It takes its batch size along.
            let batch = (jobs.len() == 1).then(|| self.states[holder.index()].batch);
            touched.insert(holder, Anew { others: jobs[1..].to_vec(), quantum, batch });
        }
        // In the order of ids, whatever order the plan and the placer had.
        for (holder, anew) in touched {
            if anew.others.is_empty() {
                self.resume(holder, anew.batch, before.get(&holder))?;
            } else {
                self.rotate(holder, anew.others, anew.quantum, &before)?;
            }
        }
        Ok(true)
    }

    /// Frees what is held by whoever does not go on as before.
    fn take_back(&mut self) -> BTreeMap<JobId, Before> {
        let number = self.totals.plans;
        let holders: Vec<JobId> = self
            .cluster
            .holdings()
            .map(|(job, _)| job)
            .filter(|job| self.kept[job.index()] != number)
            .collect();
        let mut before = BTreeMap::new();
        for holder in holders {
            let nodes = self.cluster.release(holder).unwrap_or_default();
            match self.rotations.remove(&holder) {
                None => {
                    before.insert(holder, self.before(holder, nodes));
                }
                Some(rotation) => {
                    for job in rotation.jobs {
                        if self.states[job.index()].end.is_none() {
                            before.insert(job, self.before(job, nodes.clone()));
                        }
                    }
                }
            }
        }
        before
    }

    fn before(&self, job: JobId, nodes: NodeSet) -> Before {
        let state = &self.states[job.index()];
        let progress = &state.progress;
        Before {
            nodes,
            was_there: state.there_from <= self.now,
            on_turn: progress.on_turn(self.now),
            restart_left: progress.restart_left(self.now),
            first_restart_left: progress.first_restart_left(self.now),
        }
    }

    /// The order in which grants claim nodes: those of certain nodes first; then, for the nodes
    /// that their jobs had, who is on turn first, then by id.
    fn in_order_of_claim<'p>(
        &self,
        changes: &[&'p Grant],
        before: &BTreeMap<JobId, Before>,
    ) -> Vec<&'p Grant> {
        let mut order = changes.to_vec();
        let on_turn = |grant: &Grant| before.get(&grant.job).is_some_and(|before| before.on_turn);
        order.sort_by_key(|grant| (grant.on.is_none(), !on_turn(grant), grant.job));
        order
    }

    /// Where a rotation, or a job that leaves one, stays: on the nodes of the first of its jobs
    /// that had as many GPUs, if they are free.
    fn kept_nodes(&self, grant: &Grant, before: &BTreeMap<JobId, Before>) -> Option<NodeSet> {
        let had =
            grant.jobs().filter_map(|job| before.get(&job)).find(|had| had.nodes.gpus() == grant.gpus)?;
        self.cluster.has_free(&had.nodes).then(|| had.nodes.clone())
    }

    fn preempt(&mut self, job: JobId, was_there: bool) -> Result<(), SimError> {
        self.stop(job);
        let state = &mut self.states[job.index()];
        state.account.preemptions += u32::from(was_there);
        state.holder = None;
        let (nodes, change, batch) = (&NodeSet::default(), Change::Preempt, state.batch);
        self.tell(Happened::Allocated { job, change, nodes, batch, restart: SimDuration::ZERO, turns: None })
    }

    /// Lets a job go on by itself with what the cluster holds in its name.
    fn resume(&mut self, job: JobId, batch: Option<u32>, before: Option<&Before>) -> Result<(), SimError> {
        let nodes = self.cluster.holding(job).cloned().unwrap_or_default();
        let had = before.filter(|had| had.was_there);
        let batch = batch.unwrap_or(self.spec(job).batch_size);
        let kept_running = had.is_some_and(|had| had.on_turn && had.nodes == nodes);
        let new_batch = kept_running && self.states[job.index()].batch != batch;
        let change = self.count_change(job, &nodes, had);
        let change = if new_batch { Change::Batch } else { change };
        let overhead = &self.scenario.overhead;
        let same = had.filter(|had| had.nodes == nodes);
        let restart = match same {
            Some(had) if had.on_turn => had.restart_left,
            Some(had) => overhead.turn(self.spec(job), nodes.gpus()).max(had.first_restart_left),
            None => overhead.restart(self.spec(job), had.map(|had| &had.nodes), &nodes),
        };
        self.go_on(job, &nodes, batch, Pace::AfterRestart(restart))?;
        let state = &mut self.states[job.index()];
        state.holder = Some(job);
        if same.is_none() {
            state.there_from = self.now;
        }
        self.count_split(&nodes);
        self.tell(Happened::Allocated { job, change, nodes: &nodes, batch, restart, turns: None })
    }

    /// Starts a rotation on what the cluster holds in the name of its first job.
    fn rotate(
        &mut self,
        holder: JobId,
        others: Vec<JobId>,
        quantum: SimDuration,
        before: &BTreeMap<JobId, Before>,
    ) -> Result<(), SimError> {
        let nodes = self.cluster.holding(holder).cloned().unwrap_or_default();
        let jobs: Vec<JobId> = std::iter::once(holder).chain(others).collect();
        for (place, job) in jobs.iter().copied().enumerate() {
            let had = before.get(&job).filter(|had| had.was_there);
            let overhead = &self.scenario.overhead;
            let restart = overhead.turn(self.spec(job), nodes.gpus());
            // Who comes from elsewhere starts or moves first; who has been here is only resumed, or
            // just goes on.
            let same = had.filter(|had| had.nodes == nodes);
            let first_restart = match same {
                Some(had) if place == 0 && had.on_turn => had.restart_left,
                Some(had) => restart.max(had.first_restart_left),
                None => overhead.restart(self.spec(job), had.map(|had| &had.nodes), &nodes),
            };
            let turns = Turns {
                start: self.now,
                place: place as u64,
                members: jobs.len() as u64,
                quantum,
                first_restart,
                restart,
            };
            self.count_change(job, &nodes, had);
            let batch = self.spec(job).batch_size;
            self.go_on(job, &nodes, batch, Pace::InTurns(turns))?;
            let state = &mut self.states[job.index()];
            state.holder = Some(holder);
            if same.is_none() {
                state.there_from = turns.first();
            }
            let (nodes, change, turns) = (&nodes, Change::Rotate, Some(turns));
            self.tell(Happened::Allocated { job, change, nodes, batch, restart, turns })?;
        }
        self.count_split(&nodes);
        self.rotations.insert(holder, Rotation { jobs, quantum });
        Ok(())
    }

    /// A member that ended leaves its turns idle; the last one ends the rotation.
    pub(super) fn leave_rotation(&mut self, holder: JobId, job: JobId) {
        let ended = |member: &JobId| self.states[member.index()].end.is_some();
        match self.rotations.get(&holder) {
            Some(rotation) if !rotation.jobs.iter().all(ended) => {}
            _ => {
                debug_assert!(holder == job || self.rotations.contains_key(&holder));
                self.rotations.remove(&holder);
                self.cluster.release(holder);
            }
        }
    }

    /// Counts a rescale or a migration, and says what it is for a job that goes on by itself.
    fn count_change(&mut self, job: JobId, nodes: &NodeSet, before: Option<&Before>) -> Change {
        let state = &mut self.states[job.index()];
        match before {
            Some(before) if before.nodes == *nodes => Change::Resume,
            Some(before) if before.nodes.gpus() == nodes.gpus() => {
                state.account.migrations += 1;
                Change::Migrate
            }
            Some(_) => {
                state.account.rescales += 1;
                Change::Rescale
            }
            None if state.start_at(self.now).is_none() => Change::Start,
            None => Change::Resume,
        }
    }

    fn count_split(&mut self, nodes: &NodeSet) {
        if nodes.nodes() > self.scenario.cluster.fewest_nodes(nodes.gpus()) {
            self.totals.split_placements += 1;
        }
    }

    /// The speed of a running job has changed by itself.
    pub(super) fn follow_speed(&mut self, job: JobId) -> Result<(), SimError> {
        let holder = self.states[job.index()].holder;
        let nodes = holder.and_then(|holder| self.cluster.holding(holder)).cloned().unwrap_or_default();
        self.go_on(job, &nodes, self.states[job.index()].batch, Pace::AsBefore)
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
        self.efficiency.close(state, self.now);
        state.start = state.start_at(self.now);
        state.account = state.account_at(self.now);
    }

    /// Lets a job stand still without GPUs from now on.
    pub(super) fn stop(&mut self, job: JobId) {
        self.settle(job);
        let spec = self.spec(job);
        let state = &mut self.states[job.index()];
        state.progress.change(self.now, spec.iterations, Rate::ZERO, SimDuration::ZERO);
        state.gpus = Gpus::ZERO;
        self.queue.cancel(Event::Completion(job));
        self.queue.cancel(Event::SpeedChange(job));
    }

    /// Lets a job go on with these GPUs from now on.
    fn go_on(&mut self, job: JobId, nodes: &NodeSet, batch: u32, pace: Pace) -> Result<(), SimError> {
        self.settle(job);
        let spec = self.spec(job);
        let truth = &self.scenario.truth;
        let state = &mut self.states[job.index()];
        let done = state.progress.done(self.now);
        let setting = Configuration { nodes: nodes.nodes(), gpus: nodes.gpus(), batch };
        let rate = truth.rate(spec, done, &setting).filter(|rate| *rate > Rate::ZERO);
        let Some(rate) = rate else {
            return Err(self.no_speed(job, nodes.gpus(), batch));
        };
        // Where one GPU was not measured, its share of the smallest size's rate stands in.
        let smallest = truth.sizes(spec)[0];
        let one = Configuration { nodes: 1, gpus: smallest, batch: spec.batch_size };
        let alone = truth.rate(spec, done, &one).map_or(rate.get(), Rate::get) / f64::from(smallest.get());
        state.relative = rate.get() / alone;
        (state.gpus, state.nodes, state.batch) = (nodes.gpus(), nodes.nodes(), batch);
        match pace {
            Pace::AfterRestart(restart) => state.progress.change(self.now, spec.iterations, rate, restart),
            Pace::InTurns(turns) => state.progress.rotate(self.now, spec.iterations, rate, turns),
            Pace::AsBefore => state.progress.change_rate(self.now, spec.iterations, rate),
        }
        let end = state.progress.reaches(spec.iterations);
        // Where the run is cut off, an end that late is never reached.
        if end > ClockLimit::TIME && self.scenario.until.is_none() {
            return Err(SimError::ClockOverflow { job: self.name(job) });
        }
        self.queue.set(Event::Completion(job), end);
        match truth.until(spec, done) {
            Some(point) => self.queue.set(Event::SpeedChange(job), state.progress.reaches(point)),
            None => self.queue.cancel(Event::SpeedChange(job)),
        }
        Ok(())
    }
}
