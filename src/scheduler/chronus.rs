//! Chronus (Gao et al., SoCC 2021): deadline jobs are guaranteed leases, GPUs for a fixed time, or
//! nothing; other jobs get what leases leave over. Every job runs at its requested size.
//!
//! A deadline job that arrives is *accepted* if it finds leases in which it is in time, beside
//! those of all jobs accepted before; otherwise it is *rejected*, and may run on what is left over.
//! When leases begin, it is decided anew which jobs have one: accepted jobs run on as many GPUs as
//! possible or, while a rejected job is live, on as few as they can afford. All other GPUs are
//! dealt out by least remaining service to rejected and best-effort jobs, then to accepted jobs
//! without a lease, then to jobs whose deadlines are lost. Between two beginnings no job is
//! preempted; free GPUs go to waiting jobs.
//!
//! The paper decides by an integer program. Here exchanges do, unless the option `ilp_limit` lets a
//! reduced program decide. The paper's placement by consolidation is left out.
//!
//! While all jobs run, no job would be preempted when leases begin, so beginnings are passed over.
//! What they would have changed in the leases of accepted jobs is made up for at the next plan.

mod accepted_jobs;
mod choice;
mod demand;
mod leases;
mod leftover_queue;
mod options;
mod program;

use std::collections::BTreeMap;

use crate::job::{Class, JobId};
use crate::units::{Gpus, SimDuration, SimTime};

use accepted_jobs::AcceptedJobs;
use choice::Objective;
use demand::{LeaseSize, Leasing};
use leftover_queue::LeftoverQueue;
use options::{Aim, BestEffort, ChronusOptions, Grid, Newcomers, Restart, Switch};

use super::OptionValue::{Whole, Word};
use super::{
    ArtifactSettings, ChangeCost, Entry, OverheadPreset, Plan, Promise, Reason, SUSPEND, Scheduler, View,
};

pub(super) const ENTRY: Entry = Entry {
    name: "chronus",
    aliases: &["time-aware-with-lease"],
    summary: "leases for accepted deadline jobs, what is left over for all other jobs, at the requested size",
    paper: Some("Gao et al., SoCC 2021"),
    knows: "requested size, iterations as declared, measured speeds, bounds of restart overheads",
    options: options::OPTIONS,
    grant_admits: false,
    requested_size: true,
    artifact: Some(ArtifactSettings {
        options: &[
            ("lease", Whole(240)),
            ("check", Whole(60)),
            ("arrivals", Whole(240)),
            ("grid", Word("clock")),
            ("newcomers", Word("next")),
            ("deadline", Word("lease")),
            ("estimate", Word("inflated")),
            ("widths", Word("rounded")),
            ("admission", Word("greedy")),
            ("rejected", Word("kept")),
            ("objective", Word("adaptive")),
            ("opportunistic", Word("off")),
            ("best_effort", Word("drop")),
            ("restart", Word("lease")),
        ],
        overhead: Some(OverheadPreset {
            change: ChangeCost::Chronus(SimDuration::from_micros(500_000)),
            suspend: Some(SUSPEND),
        }),
        slot: Some(SimDuration::ZERO),
    }),
    build: |options, _| {
        let options = options.read::<ChronusOptions>()?.checked()?;
        Ok(Box::new(Chronus {
            leasing: Leasing::new(&options, SimTime::ZERO),
            accepted: AcceptedJobs::new(&options, Gpus::ZERO, 0),
            options,
            others: BTreeMap::new(),
            arrived: Vec::new(),
            decided: None,
            restarts: false,
        }))
    },
    intervals: &["lease", "check", "arrivals"],
    ..Entry::BASE
};

struct Chronus {
    options: ChronusOptions,
    leasing: Leasing,
    accepted: AcceptedJobs,
    /// The live jobs that were judged and are not accepted.
    others: BTreeMap<JobId, OtherJob>,
    /// The jobs that have arrived and have not been judged, in the order of arrival.
    arrived: Vec<JobId>,
    /// The last lease that was decided on.
    decided: Option<u64>,
    /// Whether the jobs on what is left over gave up their GPUs at this plan, to get them again at
    /// the next one, an instant later.
    restarts: bool,
}

/// A job that is guaranteed nothing.
#[derive(Clone, Copy, Debug)]
struct OtherJob {
    size: LeaseSize,
    standing: Standing,
    gpus: Gpus,
    submit: SimTime,
    /// Its last deadline; [`SimTime::NEVER`] for a best-effort job.
    last: SimTime,
    /// How long it still runs; kept while the job waits, since it does not change then.
    left: Option<TimeLeft>,
}

/// How long a job still runs.
#[derive(Clone, Copy, Debug)]
struct TimeLeft {
    /// By the option `estimate`.
    by_estimate: SimDuration,
    /// Without a restart overhead.
    alone: SimDuration,
}

impl OtherJob {
    /// Returns a job that has been judged and is not accepted.
    fn new(view: &View<'_>, leasing: &Leasing, id: JobId, standing: Standing) -> OtherJob {
        let job = view.job(id);
        let last = job.times().last().unwrap_or(SimTime::NEVER);
        let size = leasing.size(view, id);
        OtherJob { size, standing, gpus: job.requested, submit: job.submit, last, left: None }
    }

    /// Returns how long the job still runs.
    fn left(&mut self, view: &View<'_>, leasing: &Leasing, id: JobId) -> TimeLeft {
        if let Some(left) = self.left {
            return left;
        }
        let by_estimate = leasing.left(view, id, &self.size);
        let left = TimeLeft { by_estimate, alone: leasing.remaining(view, id, &self.size) };
        self.left = Some(left).filter(|_| view.gpus(id).is_zero());
        left
    }
}

/// Why a job is guaranteed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It found no leases.
    Rejected,
    /// It has no deadline.
    BestEffort,
    /// It was rejected, and its last deadline can no longer be kept.
    Infeasible,
}

/// How long a job that restarts is without GPUs: the shortest time.
const INSTANT: SimDuration = SimDuration::from_micros(1);

impl Chronus {
    /// Takes in what has happened since the last plan.
    fn update(&mut self, view: &View<'_>) {
        for id in view.completions() {
            let judged = self.accepted.remove(*id) || self.others.remove(id).is_some();
            assert!(judged, "a completed job was accepted or was among the others");
        }
        if self.accepted.is_empty() && self.others.is_empty() && self.arrived.is_empty() {
            if self.options.grid == Grid::First {
                self.leasing = Leasing::new(&self.options, view.now());
            }
            let (lease, _) = self.leasing.lease_at(view.now());
            self.accepted = AcceptedJobs::new(&self.options, view.capacity(), lease);
            (self.decided, self.restarts) = (None, false);
        }
        self.arrived.extend(view.arrivals());
    }

    /// Judges the jobs that have arrived, for leases from `from` on.
    fn judge(&mut self, view: &View<'_>, from: u64, plan: &mut Plan) {
        self.accepted.begin_judging();
        for id in std::mem::take(&mut self.arrived) {
            let standing = match view.job(id).class() {
                Class::BestEffort if self.options.best_effort == BestEffort::Drop => {
                    plan.decline(id, Reason::BestEffort);
                    continue;
                }
                Class::BestEffort => {
                    plan.admit(id, None);
                    Standing::BestEffort
                }
                Class::Slo | Class::Soft => {
                    if let Some(end) = self.accepted.judge(view, &self.leasing, id, from) {
                        plan.admit(id, Some(Promise { end }));
                        continue;
                    }
                    plan.run_unadmitted(id);
                    Standing::Rejected
                }
            };
            self.others.insert(id, OtherJob::new(view, &self.leasing, id, standing));
        }
        if self.accepted.gave_up() {
            plan.fall_back();
        }
    }

    /// Decides which accepted jobs have the lease that begins.
    fn decide(&mut self, view: &View<'_>, lease: u64, plan: &mut Plan) {
        let rejected = self.others.values().any(|other| other.standing == Standing::Rejected);
        let objective = match self.options.objective {
            Aim::Least => Objective::Least,
            Aim::Adaptive if rejected => Objective::Least,
            Aim::Adaptive | Aim::Most => Objective::Most,
        };
        let decision = self.accepted.decide(view, &self.leasing, lease, objective);
        if decision.fell_back {
            plan.fall_back();
        }
        for id in decision.broken {
            self.others.insert(id, OtherJob::new(view, &self.leasing, id, Standing::Rejected));
        }
    }

    /// Deals out `free` GPUs that are left over to waiting jobs, and returns which job gets how
    /// many. The jobs in `kept`, ascending by id, have GPUs already.
    fn deal(&mut self, view: &View<'_>, free: Gpus, kept: &[JobId]) -> Vec<(JobId, Gpus)> {
        let now = view.now();
        let mut queue = LeftoverQueue::new(free);
        let mut next = kept;
        for (id, other) in &mut self.others {
            while let [first, rest @ ..] = next
                && first < id
            {
                next = rest;
            }
            if next.first() == Some(id) {
                continue;
            }
            let left = other.left(view, &self.leasing, *id);
            if other.standing == Standing::Rejected && now + left.alone > other.last {
                other.standing = Standing::Infeasible;
            }
            if other.gpus > free {
                continue;
            }
            let (gpus, left) = (i128::from(other.gpus.get()), left.by_estimate);
            let (rank, service) = if other.standing == Standing::Infeasible {
                (2, -gpus * lateness(now, left, other.last))
            } else {
                (0, gpus * i128::from(left.as_micros()))
            };
            let overrun = left == SimDuration::ZERO;
            queue.add(other.gpus, (!overrun, rank, service, other.submit, *id));
        }
        if self.options.opportunistic == Switch::On {
            for (id, size) in self.accepted.sizes().filter(|(id, _)| kept.binary_search(id).is_err()) {
                let job = view.job(id);
                let left = self.leasing.left(view, id, &size);
                let service = -i128::from(job.requested.get()) * lateness(now, left, job.due());
                queue.add(job.requested, (true, 1, service, job.submit, id));
            }
        }
        queue.deal()
    }

    /// Asks to be called again, at other times than arrivals and completions.
    fn wake(&self, view: &View<'_>, lease: u64, granted: usize, plan: &mut Plan) {
        let look = self.options.look();
        if self.restarts {
            plan.wake_at(view.now() + INSTANT);
        }
        let guaranteed = self.options.opportunistic == Switch::Off && !self.accepted.is_empty();
        let pays = self.options.restart == Restart::Lease && !self.others.is_empty();
        let waits = granted < view.live().len();
        if waits || guaranteed || pays {
            plan.wake_at(self.leasing.start(lease + 1));
            if look > SimDuration::ZERO {
                plan.wake_at(self.leasing.next(look, view.now()));
            }
        }
    }
}

impl Scheduler for Chronus {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.update(view);
        let now = view.now();
        let (lease, begins) = self.leasing.lease_at(now);
        let looks = self.leasing.is_on(self.options.look(), now);
        let decides = begins && self.decided != Some(lease);
        if looks && decides && self.options.newcomers == Newcomers::Now {
            self.accepted.cut(lease);
            self.judge(view, lease, &mut plan);
        }
        if decides {
            self.decide(view, lease, &mut plan);
        } else {
            self.accepted.cut(lease + 1);
        }
        self.decided = Some(lease);
        if looks {
            self.judge(view, lease + 1, &mut plan);
        }
        let holds = |id: JobId| !view.gpus(id).is_zero();
        // If a job could do nothing in a lease but restart, no job has to.
        let works = |other: &OtherJob| self.leasing.outlasts(&other.size);
        let pays = decides && self.options.restart == Restart::Lease && self.others.values().all(works);
        let restarts = std::mem::replace(&mut self.restarts, false);
        self.restarts = pays && self.others.keys().any(|id| holds(*id));
        let accepted = &self.accepted;
        let keeps = |id: JobId| if decides { accepted.has_lease(id) } else { holds(id) };
        let mut grants: Vec<(JobId, Gpus)> =
            view.live().iter().filter(|id| keeps(**id)).map(|id| (*id, view.job(*id).requested)).collect();
        let free = view.capacity() - grants.iter().map(|(_, gpus)| *gpus).sum();
        if (looks || decides || restarts) && !self.restarts && !free.is_zero() {
            let kept: Vec<JobId> = grants.iter().map(|(id, _)| *id).collect();
            grants.extend(self.deal(view, free, &kept));
        }
        for (id, gpus) in &grants {
            plan.grant(*id, *gpus);
            match self.others.get_mut(id) {
                // It does not wait now, so the time that it still runs changes.
                Some(other) => other.left = None,
                None => assert!(self.accepted.contains(*id), "a job with GPUs has been judged"),
            }
            // No job is moved: its leases are counted with one restart overhead each.
            if holds(*id) {
                plan.pin(*id);
            }
        }
        self.wake(view, lease, grants.len(), &mut plan);
        plan
    }
}

/// Returns how late a job would be if it ran from now on, in microseconds; below 0 if it would be
/// in time.
fn lateness(now: SimTime, left: SimDuration, due: SimTime) -> i128 {
    i128::from(now.as_micros()) + i128::from(left.as_micros()) - i128::from(due.as_micros())
}
