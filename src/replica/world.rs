//! The state that the schedules share, and what they all do with it.

use crate::job::JobId;

use super::error::ReplicaError;
use super::events::EventList;
use super::input::ReplicaInput;
use super::job::{INF, ReplicaJob, read_jobs};
use super::outcome::{FinishedJob, ReplicaOutcome};
use super::overhead::{Communicators, charges_unchanged_jobs, is_restart, overhead};
use super::placement::Placement;
use super::quirk::Q19;
use super::setup::ReplicaSetup;

/// Everything that changes during a run. A job is its row in the workload.
pub(super) struct World {
    pub(super) now: i64,
    pub(super) setup: ReplicaSetup,
    pub(super) jobs: Vec<ReplicaJob>,
    pub(super) events: EventList,
    pub(super) pending: Vec<usize>,
    pub(super) running: Vec<usize>,
    /// Admitted and unfinished; its order matters.
    pub(super) runnable: Vec<usize>,
    pub(super) placement: Placement,
    communicators: Communicators,
    /// Whether rounds are written down.
    log_rounds: bool,
    pub(super) outcome: ReplicaOutcome,
}

impl World {
    /// The world before the first arrival; the jobs have as many GPUs at most as the tables of
    /// peaks say where `elastic`.
    pub(super) fn new(input: &ReplicaInput<'_>, elastic: bool) -> Result<World, ReplicaError> {
        let setup = input.setup()?;
        let jobs = read_jobs(input, elastic)?;
        let arrivals = input.workload.arrivals().iter().map(|id| (id.index(), jobs[id.index()].submit));
        let events = EventList::new(arrivals, setup.quirks.has(Q19));
        Ok(World {
            now: events.next().ok_or(ReplicaError::NoJobs)?,
            setup,
            events,
            pending: Vec::new(),
            running: Vec::new(),
            runnable: Vec::new(),
            placement: Placement::new(input.cluster, jobs.len())?,
            communicators: Communicators::default(),
            log_rounds: input.log_rounds,
            outcome: ReplicaOutcome::default(),
            jobs,
        })
    }

    /// A job is turned away.
    pub(super) fn decline(&mut self, id: usize) {
        self.outcome.declined += 1;
        self.outcome.declined_jobs.push(JobId(id as u32));
    }

    /// A job that waited gets its first GPUs. Only now is it counted as accepted: a quirk (Q20).
    pub(super) fn start(&mut self, id: usize) {
        let job = &mut self.jobs[id];
        job.start = self.now;
        job.pending = self.now - job.submit;
        self.outcome.accepted += i64::from(!job.is_best_effort());
        self.pending.retain(|other| *other != id);
        self.running.push(id);
    }

    /// A job is done: it is written down, and counted anew where it is late.
    pub(super) fn finish(&mut self, id: usize, late: bool) -> Result<(), ReplicaError> {
        self.release(id)?;
        self.running.retain(|other| *other != id);
        self.runnable.retain(|other| *other != id);
        if late {
            self.outcome.declined += 1;
            self.outcome.accepted -= 1;
        }
        let job = &self.jobs[id];
        self.outcome.finished.push(FinishedJob {
            job: JobId(id as u32),
            num_gpu: job.num_gpu as u32,
            start: job.start,
            end: job.end,
            real_end: job.real_end,
            pending: job.pending,
            preempt: 0,
            time: self.now,
            account: job.account,
        });
        Ok(())
    }

    /// Takes a job off its nodes, if it is on any.
    pub(super) fn release(&mut self, id: usize) -> Result<(), ReplicaError> {
        let job = &self.jobs[id];
        if self.placement.release(id, job.num_gpu) {
            return Ok(());
        }
        Err(ReplicaError::Placement { job: job.name.clone() })
    }

    /// Takes these jobs off their nodes.
    pub(super) fn release_all(&mut self, ids: &[usize]) -> Result<(), ReplicaError> {
        ids.iter().try_for_each(|id| self.release(*id))
    }

    /// Puts a job on nodes.
    pub(super) fn place(&mut self, id: usize) -> Result<(), ReplicaError> {
        let job = &self.jobs[id];
        if self.placement.place(id, job.num_gpu) {
            return Ok(());
        }
        Err(ReplicaError::Placement { job: job.name.clone() })
    }

    /// Puts the jobs of whole nodes on them in this order, then the smaller ones by size, largest
    /// first.
    pub(super) fn place_by_size(&mut self, ids: &[usize]) -> Result<(), ReplicaError> {
        let node = self.placement.gpus_per_node;
        let mut order: Vec<usize> = ids.iter().copied().filter(|id| self.jobs[*id].num_gpu > 0).collect();
        order.sort_by_key(|id| std::cmp::Reverse(self.jobs[*id].num_gpu.min(node)));
        order.into_iter().try_for_each(|id| self.place(id))
    }

    /// Notes which communicators are there already. The jobs have their GPUs for this round.
    pub(super) fn note_communicators(&mut self) {
        self.communicators.note(&self.placement, &mut self.jobs);
        let mut efficiency = 0.0;
        for id in &self.running {
            let job = &mut self.jobs[*id];
            if job.num_gpu > 0 && job.account.gpus > 0 && job.num_gpu != job.account.gpus {
                job.account.rescales += 1;
            }
            job.account.gpus = job.num_gpu;
            if job.num_gpu > 0 && self.placement.holds(*id) {
                efficiency += job.speedup();
            }
        }
        if self.log_rounds {
            let gpus = |id: usize| self.jobs[id].num_gpu;
            let round = self.placement.round(self.now, gpus, efficiency / self.setup.gpus as f64);
            self.outcome.log.push(round);
        }
    }

    /// Charges the round to these jobs: their ends move, and the next progress loses the time.
    pub(super) fn charge(&mut self, ids: &[usize]) {
        let restart = is_restart(self.outcome.rounds, self.setup);
        for id in ids {
            let job = &mut self.jobs[*id];
            let has = (job.num_gpu > 0).then_some((job.rank, job.num_gpu));
            let goes_on = has.is_some() && has == job.paid && !restart;
            job.paid = has;
            if has.is_none() || goes_on && !charges_unchanged_jobs(self.setup) {
                continue;
            }
            job.overhead = overhead(job.num_gpu, self.setup.gpus, restart, job.cached);
            job.old = job.end;
            job.end += job.overhead;
            self.events.move_end(*id, job.old, job.end);
        }
        if restart {
            self.communicators.clear();
        }
    }

    /// Ends the round: the clock goes to the next event. Gives how far.
    pub(super) fn advance(&mut self) -> i64 {
        self.outcome.rounds += 1;
        let Some(next) = self.events.merge(self.now, self.setup.slot) else { return 0 };
        let dt = next - self.now;
        self.now = next;
        dt
    }

    /// The jobs by deadline; jobs with one deadline keep their order.
    pub(super) fn by_deadline(&self, mut ids: Vec<usize>) -> Vec<usize> {
        ids.sort_by_key(|id| self.jobs[*id].ddl);
        ids
    }

    /// The first change of a job's plan after now.
    pub(super) fn next_change(&self, id: usize) -> i64 {
        self.jobs[id].alloc.next(self.now).unwrap_or(INF)
    }
}
