//! Chronus (SoCC 2021): deadline jobs are guaranteed leases, GPUs for a fixed time, or nothing;
//! what leases leave over goes to the others. Every job runs on the GPUs that its user asked for.
//!
//! A job that arrives is *accepted* if it finds leases in which it is done in time, beside those of
//! everybody accepted before. When leases begin, who has one is decided anew: guaranteed jobs run
//! as much as possible, or, while somebody was rejected, as little as they can afford. All other
//! GPUs are dealt out by least remaining service to who was rejected and to best-effort jobs, then
//! to accepted jobs without a lease, then to those whose deadlines are lost. Between two beginnings
//! nobody is preempted; free GPUs go to who waits.
//!
//! While everybody runs, nobody would be preempted when leases begin, so they are passed over: what
//! they would have changed in the plans of accepted jobs is caught up with at the next plan.

mod choice;
mod demand;
mod guarantee;
mod leases;
mod program;
mod queue;
mod settings;

use std::collections::BTreeMap;

use crate::job::{Class, JobId};
use crate::units::{Gpus, SimDuration, SimTime};

use choice::Objective;
use demand::{Leasing, Size};
use guarantee::Guarantee;
use queue::Queue;
use settings::{Aim, BestEffort, Grid, Newcomers, Restart, Settings, Switch};

use super::{ArtifactSettings, Entry, Plan, Promise, Reason, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "chronus",
    aliases: &["time-aware-with-lease"],
    summary: "leases for deadline jobs that are accepted, what is left over for the others, at the requested size",
    paper: "Gao et al., SoCC 2021",
    knows: "requested size, iterations as declared, measured speeds, bounds of pauses",
    options: settings::OPTIONS,
    grant_admits: false,
    requested_size: true,
    adapts_batch: false,
    artifact: Some(ArtifactSettings {
        options: &[
            ("lease", "240"),
            ("check", "60"),
            ("arrivals", "240"),
            ("grid", "clock"),
            ("newcomers", "next"),
            ("deadline", "lease"),
            ("estimate", "inflated"),
            ("widths", "rounded"),
            ("admission", "greedy"),
            ("rejected", "kept"),
            ("objective", "adaptive"),
            ("opportunistic", "off"),
            ("best_effort", "drop"),
            ("restart", "lease"),
        ],
        overhead: Some("chronus:0.5"),
        slot: Some("0"),
    }),
    build: |options, _| {
        let settings = options.read::<Settings>()?.checked()?;
        Ok(Box::new(Chronus {
            leasing: Leasing::new(&settings, SimTime::ZERO),
            guarantee: Guarantee::new(&settings, Gpus::ZERO, 0),
            settings,
            others: BTreeMap::new(),
            arrived: Vec::new(),
            decided: None,
            restarts: false,
        }))
    },
};

struct Chronus {
    settings: Settings,
    leasing: Leasing,
    guarantee: Guarantee,
    /// The live jobs that were judged and are not accepted.
    others: BTreeMap<JobId, Other>,
    /// Who has not been judged.
    arrived: Vec<JobId>,
    /// The lease for which everything is decided.
    decided: Option<u64>,
    /// Who runs on what is left over has just given it up, and is to have it again.
    restarts: bool,
}

/// A job that is guaranteed nothing.
#[derive(Clone, Copy, Debug)]
struct Other {
    size: Size,
    standing: Standing,
    gpus: Gpus,
    submit: SimTime,
    /// Its last deadline.
    last: SimTime,
    /// How long it still runs, kept while it waits, as nothing changes then.
    left: Option<Left>,
}

/// How long a job still runs.
#[derive(Clone, Copy, Debug)]
struct Left {
    by_estimate: SimDuration,
    /// Without a pause.
    alone: SimDuration,
}

impl Other {
    fn new(view: &View<'_>, leasing: &Leasing, id: JobId, standing: Standing) -> Other {
        let job = view.job(id);
        let last = job.times().last().unwrap_or(SimTime::NEVER);
        let size = leasing.size(view, id);
        Other { size, standing, gpus: job.requested, submit: job.submit, last, left: None }
    }

    fn left(&mut self, view: &View<'_>, leasing: &Leasing, id: JobId) -> Left {
        if let Some(left) = self.left {
            return left;
        }
        let by_estimate = leasing.left(view, id, &self.size);
        let left = Left { by_estimate, alone: leasing.remaining(view, id, &self.size) };
        self.left = Some(left).filter(|_| view.gpus(id).is_zero());
        left
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Rejected,
    BestEffort,
    /// Its last deadline cannot be kept any more.
    Infeasible,
}

/// The shortest time: how long who restarts is without GPUs.
const INSTANT: SimDuration = SimDuration::from_micros(1);

impl Chronus {
    /// Takes in what happened.
    fn update(&mut self, view: &View<'_>) {
        for id in view.ended() {
            self.guarantee.remove(*id);
            self.others.remove(id);
        }
        if self.guarantee.is_empty() && self.others.is_empty() && self.arrived.is_empty() {
            if self.settings.grid == Grid::First {
                self.leasing = Leasing::new(&self.settings, view.now());
            }
            let (lease, _) = self.leasing.at(view.now());
            self.guarantee = Guarantee::new(&self.settings, view.capacity(), lease);
            (self.decided, self.restarts) = (None, false);
        }
        self.arrived.extend(view.arrivals());
    }

    /// Judges who arrived, for leases from `from` on.
    fn judge(&mut self, view: &View<'_>, from: u64, plan: &mut Plan) {
        self.guarantee.begin();
        for id in std::mem::take(&mut self.arrived) {
            let standing = match view.job(id).class() {
                Class::BestEffort if self.settings.best_effort == BestEffort::Drop => {
                    plan.decline(id, Reason::BestEffort);
                    continue;
                }
                Class::BestEffort => {
                    plan.admit(id, None);
                    Standing::BestEffort
                }
                Class::Slo | Class::Soft => {
                    if let Some(end) = self.guarantee.judge(view, &self.leasing, id, from) {
                        plan.admit(id, Some(Promise { end }));
                        continue;
                    }
                    plan.run_unadmitted(id);
                    Standing::Rejected
                }
            };
            self.others.insert(id, Other::new(view, &self.leasing, id, standing));
        }
        if self.guarantee.gave_up() {
            plan.fall_back();
        }
    }

    /// Decides who has the lease that begins.
    fn decide(&mut self, view: &View<'_>, lease: u64, plan: &mut Plan) {
        let rejected = self.others.values().any(|other| other.standing == Standing::Rejected);
        let objective = match self.settings.objective {
            Aim::Least => Objective::Least,
            Aim::Adaptive if rejected => Objective::Least,
            Aim::Adaptive | Aim::Most => Objective::Most,
        };
        let decision = self.guarantee.decide(view, &self.leasing, lease, objective);
        if decision.fell_back {
            plan.fall_back();
        }
        for id in decision.broken {
            self.others.insert(id, Other::new(view, &self.leasing, id, Standing::Rejected));
        }
    }

    /// Who has the `free` GPUs that are left over. Who is `kept`, ascending, has its own.
    fn deal(&mut self, view: &View<'_>, free: Gpus, kept: &[JobId]) -> Vec<(JobId, Gpus)> {
        let now = view.now();
        let mut queue = Queue::new(free);
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
        if self.settings.opportunistic == Switch::On {
            for (id, size) in self.guarantee.sizes().filter(|(id, _)| kept.binary_search(id).is_err()) {
                let job = view.job(id);
                let left = self.leasing.left(view, id, &size);
                let service = -i128::from(job.requested.get()) * lateness(now, left, job.due());
                queue.add(job.requested, (true, 1, service, job.submit, id));
            }
        }
        queue.deal()
    }

    /// When to be called again, beside ends and arrivals.
    fn wake(&self, view: &View<'_>, lease: u64, granted: usize, plan: &mut Plan) {
        let look = self.settings.look();
        if self.restarts {
            plan.wake_at(view.now() + INSTANT);
        }
        let guaranteed = self.settings.opportunistic == Switch::Off && !self.guarantee.is_empty();
        let pays = self.settings.restart == Restart::Lease && !self.others.is_empty();
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
        let (lease, begins) = self.leasing.at(now);
        let looks = self.leasing.is_on(self.settings.look(), now);
        let decides = begins && self.decided != Some(lease);
        if looks && decides && self.settings.newcomers == Newcomers::Now {
            self.guarantee.cut(lease);
            self.judge(view, lease, &mut plan);
        }
        if decides {
            self.decide(view, lease, &mut plan);
        } else {
            self.guarantee.cut(lease + 1);
        }
        self.decided = Some(lease);
        if looks {
            self.judge(view, lease + 1, &mut plan);
        }
        let holds = |id: JobId| !view.gpus(id).is_zero();
        // Whoever would do nothing but start is left alone, and so is everybody with it.
        let works = |other: &Other| self.leasing.outlasts(&other.size);
        let pays = decides && self.settings.restart == Restart::Lease && self.others.values().all(works);
        let restarts = std::mem::replace(&mut self.restarts, false);
        self.restarts = pays && self.others.keys().any(|id| holds(*id));
        let guarantee = &self.guarantee;
        let keeps = |id: JobId| if decides { guarantee.has_lease(id) } else { holds(id) };
        let mut grants: Vec<(JobId, Gpus)> =
            view.live().iter().filter(|id| keeps(**id)).map(|id| (*id, view.job(*id).requested)).collect();
        let free = view.capacity() - grants.iter().map(|(_, gpus)| *gpus).sum();
        if (looks || decides || restarts) && !self.restarts && !free.is_zero() {
            let kept: Vec<JobId> = grants.iter().map(|(id, _)| *id).collect();
            grants.extend(self.deal(view, free, &kept));
        }
        for (id, gpus) in &grants {
            plan.grant(*id, *gpus);
            if let Some(other) = self.others.get_mut(id) {
                other.left = None;
            }
            // Nobody is moved: the leases of a job count with a pause for each, and with no other.
            if holds(*id) {
                plan.pin(*id);
            }
        }
        self.wake(view, lease, grants.len(), &mut plan);
        plan
    }
}

/// By how much a job would be late if it ran from now on; less than 0 if it would be in time.
fn lateness(now: SimTime, left: SimDuration, due: SimTime) -> i128 {
    i128::from(now.as_micros()) + i128::from(left.as_micros()) - i128::from(due.as_micros())
}
