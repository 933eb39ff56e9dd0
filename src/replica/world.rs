//! The state of a run under the schedules of EDF and ElasticFlow, and its common changes.

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

/// The state of a run. Jobs are given by their rows in the workload.
pub(super) struct World {
    /// The time of the round, in seconds.
    pub(super) now: i64,
    pub(super) setup: ReplicaSetup,
    pub(super) jobs: Vec<ReplicaJob>,
    pub(super) events: EventList,
    /// The admitted jobs that have not held GPUs yet.
    pub(super) pending: Vec<usize>,
    /// The unfinished jobs that have held GPUs.
    pub(super) running: Vec<usize>,
    /// The admitted and unfinished jobs; their order matters.
    pub(super) runnable: Vec<usize>,
    pub(super) placement: Placement,
    communicators: Communicators,
    /// Whether the run logs its rounds.
    log_rounds: bool,
    pub(super) outcome: ReplicaOutcome,
}

impl World {
    /// Creates the world at the first arrival. Where `elastic`, the most GPUs of jobs are those of
    /// the tables of peaks.
    ///
    /// # Errors
    ///
    /// If there is no job, or the artifact cannot read the input.
    pub(super) fn new(input: &ReplicaInput<'_>, elastic: bool) -> Result<World, ReplicaError> {
        let setup = input.setup()?;
        let jobs = read_jobs(input, elastic)?;
        let arrivals = jobs.iter().enumerate().map(|(id, job)| (id, job.submit));
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

    /// Declines a job.
    pub(super) fn decline(&mut self, id: usize) {
        self.outcome.declined += 1;
        self.outcome.declined_jobs.push(JobId(id as u32));
    }

    /// Starts a pending job, which gets its first GPUs. The artifact counts it as accepted only
    /// now: a quirk (Q20).
    pub(super) fn start(&mut self, id: usize) {
        debug_assert!(self.pending.contains(&id), "a job starts once");
        let job = &mut self.jobs[id];
        job.start = self.now;
        job.pending = self.now - job.submit;
        self.outcome.accepted += i64::from(!job.is_best_effort());
        self.pending.retain(|other| *other != id);
        self.running.push(id);
    }

    /// Ends a job: records it, and counts it as declined instead of accepted if it is `late`.
    ///
    /// # Errors
    ///
    /// If the artifact's placement crashes.
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
    ///
    /// # Errors
    ///
    /// If its set of nodes is not where the artifact looks for it.
    pub(super) fn release(&mut self, id: usize) -> Result<(), ReplicaError> {
        let job = &self.jobs[id];
        if self.placement.release(id, job.num_gpu) {
            return Ok(());
        }
        Err(ReplicaError::Placement { job: job.name.clone() })
    }

    /// Takes these jobs off their nodes, as [`World::release`] does.
    pub(super) fn release_all(&mut self, ids: &[usize]) -> Result<(), ReplicaError> {
        ids.iter().try_for_each(|id| self.release(*id))
    }

    /// Places a job on nodes.
    ///
    /// # Errors
    ///
    /// If the artifact gives up.
    pub(super) fn place(&mut self, id: usize) -> Result<(), ReplicaError> {
        let job = &self.jobs[id];
        if self.placement.place(id, job.num_gpu) {
            return Ok(());
        }
        Err(ReplicaError::Placement { job: job.name.clone() })
    }

    /// Places the jobs that have GPUs: those of whole nodes in this order, then the smaller ones,
    /// the largest first.
    pub(super) fn place_by_size(&mut self, ids: &[usize]) -> Result<(), ReplicaError> {
        let node = self.placement.gpus_per_node;
        let mut order: Vec<usize> = ids.iter().copied().filter(|id| self.jobs[*id].num_gpu > 0).collect();
        order.sort_by_key(|id| std::cmp::Reverse(self.jobs[*id].num_gpu.min(node)));
        order.into_iter().try_for_each(|id| self.place(id))
    }

    /// Notes which communicators exist already, once the jobs have their GPUs of the round; logs
    /// the round.
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

    /// Charges the overhead of the round to these jobs: their ends move, and the next progress
    /// loses the time.
    pub(super) fn charge(&mut self, ids: &[usize]) {
        let restart = is_restart(self.outcome.rounds, self.setup);
        for id in ids {
            let job = &mut self.jobs[*id];
            let communicator = (job.num_gpu > 0).then_some((job.rank, job.num_gpu));
            let is_unchanged = communicator.is_some() && communicator == job.paid && !restart;
            job.paid = communicator;
            if communicator.is_none() || is_unchanged && !charges_unchanged_jobs(self.setup) {
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

    /// Ends the round: the clock moves to the next event. Returns by how many seconds.
    pub(super) fn advance(&mut self) -> i64 {
        self.outcome.rounds += 1;
        let Some(next) = self.events.merge(self.now, self.setup.slot) else { return 0 };
        let dt = next - self.now;
        self.now = next;
        dt
    }

    /// Returns the jobs in the order of their deadlines; jobs with equal deadlines keep their
    /// order.
    pub(super) fn by_deadline(&self, mut ids: Vec<usize>) -> Vec<usize> {
        ids.sort_by_key(|id| self.jobs[*id].ddl);
        ids
    }

    /// Returns the first change of a job's plan after now; [`INF`] if there is none.
    pub(super) fn next_change(&self, id: usize) -> i64 {
        self.jobs[id].alloc.next(self.now).unwrap_or(INF)
    }
}
