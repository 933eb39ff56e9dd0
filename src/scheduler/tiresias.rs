//! Tiresias (Gu et al., NSDI 2019): discretised two-dimensional least attained service (section
//! 3.2), at the requested size.
//!
//! What a job has attained is the GPU-time that it has held; queues cover ranges of that, and the
//! first queue goes first. In a queue, jobs that hold GPUs keep them; then come jobs that have held
//! GPUs in this queue, in the order of their start there; then the other jobs, in the order of
//! their entry. So a job is preempted only for a job of an earlier queue. A job that does not fit
//! is passed over. Deadlines play no part, and best-effort jobs are like all others. The paper's
//! placement by model profile is left out.
//!
//! With `index=gittins` a job is ranked by its Gittins index (section 3.2), computed from the
//! GPU-times of the whole trace, which only an [`Oracle`](super::Oracle) knows. The index is that
//! of the last multiple of `quantum` that the job has attained.
//!
//! Attained service grows only while a job holds GPUs, and evenly. So the time at which a job
//! leaves its queue is known in advance, and the plan asks to be called then. While no job waits
//! there is no such call: the order of jobs that all run does not matter, and the time at which a
//! job entered its queue is worked out afterwards, to the microsecond.

mod gittins;
mod ladder;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::job::JobId;
use crate::units::{GpuTime, MICROS, SimDuration, SimTime};

use super::ordered_jobs::OrderedJobs;
use super::{Entry, OptionDoc, OptionsError, Plan, Scheduler, View};
use ladder::{Ladder, Step};

pub(super) const ENTRY: Entry = Entry {
    name: "tiresias",
    aliases: &["dlas-gpu"],
    summary: "least attained GPU-time first, in queues, at the requested size; preemptive; what does not fit is passed over",
    paper: Some("Gu et al., NSDI 2019"),
    knows: "requested size; with index=gittins, oracle: the GPU-time of every job of the trace",
    options: &[
        OptionDoc {
            key: "index",
            default: "las",
            help: "`las`: queues by attained GPU-time; `gittins`: order by Gittins index, from the GPU-times of the whole trace",
        },
        OptionDoc {
            key: "thresholds",
            default: "[3250, 7200] GPU-s",
            help: "attained GPU-time at which a job moves to the next queue (las)",
        },
        OptionDoc {
            key: "quantum",
            default: "3250 GPU-s",
            help: "attained GPU-time after which a job's Gittins index is recomputed (gittins)",
        },
        OptionDoc {
            key: "promote_after",
            default: "0 (off)",
            help: "a preempted job starts over in the first queue after waiting this many times as long as it ran",
        },
    ],
    requested_size: true,
    build: |options, _| {
        let options: TiresiasOptions = options.read()?;
        Ok(Box::new(Tiresias::new(&options)?))
    },
    intervals: &["quantum"],
    ..Entry::BASE
};

/// What ranks jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Index {
    #[default]
    Las,
    Gittins,
}

/// The options. An option that the chosen index does not use is refused, so two of them have no
/// default here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TiresiasOptions {
    index: Index,
    thresholds: Option<Vec<GpuTime>>,
    quantum: Option<GpuTime>,
    promote_after: f64,
}

/// The thresholds of the ElasticFlow evaluation, in GPU-seconds. A step of the Gittins index is as
/// wide as the first queue.
const THRESHOLDS: [u64; 2] = [3250, 7200];

struct Tiresias {
    ladder: Ladder,
    /// How many times as long as it ran a preempted job waits for its promotion; 0: no promotions.
    promote_after: f64,
    /// All live jobs, by [`Standing::key`].
    queue: OrderedJobs<(u64, Seat)>,
    /// All live jobs.
    jobs: BTreeMap<JobId, Standing>,
    /// The jobs that the last plan granted GPUs, ascending by id.
    running: Vec<JobId>,
    /// When waiting jobs are promoted. A running job has no entry here.
    promotions: BTreeSet<(SimTime, JobId)>,
}

/// Where a live job stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    step: Step,
    seat: Seat,
    /// GPU-microseconds attained before the last promotion, which no longer count.
    forgiven: u64,
    /// The job's time in `promotions`.
    promotion: Option<SimTime>,
}

/// A job's place in its queue; the smallest is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    /// Whether the job holds no GPUs, or has held none since it came into the queue.
    waits: bool,
    /// When it first held GPUs in this queue; [`SimTime::NEVER`] before that.
    started: SimTime,
    /// When it came into the queue.
    entered: SimTime,
}

impl Seat {
    /// Returns the place of a job that comes into a queue.
    fn newcomer(entered: SimTime) -> Seat {
        Seat { waits: true, started: SimTime::NEVER, entered }
    }
}

impl Standing {
    fn key(&self) -> (u64, Seat) {
        (self.step.rank, self.seat)
    }
}

/// Why every live job has a standing.
const LIVE: &str = "a live job has a standing from its arrival to its completion";

impl Tiresias {
    fn new(options: &TiresiasOptions) -> Result<Tiresias, OptionsError> {
        let refuse = |text: &str| Err(OptionsError(text.to_owned()));
        let micros = |time: &GpuTime| time.as_micros();
        let defaults = THRESHOLDS.map(|seconds| seconds * MICROS);
        let ladder = match (options.index, &options.thresholds, options.quantum) {
            (Index::Las, None, None) => Ladder::queues(defaults.to_vec())?,
            (Index::Las, Some(thresholds), None) => Ladder::queues(thresholds.iter().map(micros).collect())?,
            (Index::Gittins, None, quantum) => Ladder::gittins(quantum.as_ref().map_or(defaults[0], micros))?,
            (Index::Las, _, Some(_)) => return refuse("`quantum` needs index=gittins; leave it out"),
            (Index::Gittins, Some(_), _) => return refuse("`thresholds` needs index=las; leave it out"),
        };
        let promote_after = options.promote_after;
        if !(promote_after >= 0.0 && promote_after.is_finite()) {
            return refuse("`promote_after` must be a number of at least 0; 0 is off");
        }
        Ok(Tiresias {
            ladder,
            promote_after,
            queue: OrderedJobs::new(),
            jobs: BTreeMap::new(),
            running: Vec::new(),
            promotions: BTreeSet::new(),
        })
    }

    /// Changes where a job stands, in `jobs` and in `queue`.
    fn change(&mut self, id: JobId, change: impl FnOnce(&mut Standing)) {
        let standing = self.jobs.get_mut(&id).expect(LIVE);
        self.queue.remove(standing.key(), id);
        change(standing);
        self.queue.insert(standing.key(), id);
    }

    /// Brings the queues up to now; `ran` held GPUs since the last plan.
    fn update(&mut self, view: &View<'_>, ran: &[JobId]) {
        self.ladder.consult(view);
        for id in view.completions() {
            let standing = self.jobs.remove(id).expect(LIVE);
            assert!(standing.promotion.is_none(), "a job that completes was running, not waiting");
            self.queue.remove(standing.key(), *id);
        }
        for id in view.arrivals() {
            let seat = Seat::newcomer(view.job(*id).submit);
            let standing = Standing { step: self.ladder.step(0), seat, forgiven: 0, promotion: None };
            self.queue.insert(standing.key(), *id);
            self.jobs.insert(*id, standing);
        }
        for id in ran.iter().filter(|id| view.is_live(**id)) {
            self.demote(view, *id);
        }
        while let Some((due, id)) = self.promotions.first().copied().filter(|(due, _)| *due <= view.now()) {
            self.promotions.remove(&(due, id));
            self.promote(view, id);
        }
    }

    /// Returns the GPU-microseconds of a job that count.
    fn attained(&self, view: &View<'_>, id: JobId) -> u64 {
        view.attained(id).as_micros() - self.jobs[&id].forgiven
    }

    /// Moves a job that has run since the last plan to the queue that it has reached, as of when it
    /// reached it.
    fn demote(&mut self, view: &View<'_>, id: JobId) {
        let attained = self.attained(view, id);
        if self.jobs[&id].step.to.is_none_or(|to| attained < to) {
            return;
        }
        let step = self.ladder.step(attained);
        let since = (attained - step.from) / gpus(view, id);
        let entered = view.now().back(SimDuration::from_micros(since));
        let mut seat = Seat::newcomer(entered);
        if since > 0 {
            // There was no call at that time, so no job waited, and this one ran on.
            (seat.waits, seat.started) = (false, entered);
        }
        self.change(id, |standing| (standing.step, standing.seat) = (step, seat));
    }

    /// Lets a job that has waited long enough start over in the first queue.
    fn promote(&mut self, view: &View<'_>, id: JobId) {
        let step = self.ladder.step(0);
        self.change(id, |standing| {
            let forgiven = view.attained(id).as_micros();
            *standing = Standing { step, seat: Seat::newcomer(view.now()), forgiven, promotion: None };
        });
    }

    /// Makes a job that has lost its GPUs wait, and plans its promotion if that helps it.
    fn preempt(&mut self, view: &View<'_>, id: JobId) {
        self.change(id, |standing| standing.seat.waits = true);
        if self.promote_after == 0.0 || self.ladder.step(0).rank >= self.jobs[&id].step.rank {
            return;
        }
        let ran = self.attained(view, id) / gpus(view, id);
        // A promotion is a later event, never part of this plan.
        let wait = ((self.promote_after * ran as f64).ceil() as u64).max(1);
        let due = view.now() + SimDuration::from_micros(wait);
        self.jobs.get_mut(&id).expect(LIVE).promotion = Some(due);
        self.promotions.insert((due, id));
    }

    /// Notes that a job has GPUs from now on.
    fn grant(&mut self, now: SimTime, id: JobId) {
        if !self.jobs[&id].seat.waits {
            return;
        }
        let mut promotion = None;
        self.change(id, |standing| {
            standing.seat.waits = false;
            standing.seat.started = standing.seat.started.min(now);
            promotion = standing.promotion.take();
        });
        if let Some(due) = promotion {
            self.promotions.remove(&(due, id));
        }
    }

    /// Returns when a job that has GPUs from now on leaves its queue; `None` from the last one.
    fn demotion(&self, view: &View<'_>, id: JobId) -> Option<SimTime> {
        let left = self.jobs[&id].step.to? - self.attained(view, id);
        Some(view.now() + SimDuration::from_micros(left.div_ceil(gpus(view, id))))
    }

    /// Returns when the next job changes its queue.
    fn next_change(&self, view: &View<'_>) -> Option<SimTime> {
        let demotions = self.running.iter().filter_map(|id| self.demotion(view, *id));
        demotions.chain(self.promotions.first().map(|(due, _)| *due)).min()
    }
}

impl Scheduler for Tiresias {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let ran = std::mem::take(&mut self.running);
        self.update(view, &ran);
        let mut plan = Plan::new();
        let mut free = view.capacity();
        for id in self.queue.iter() {
            if free.is_zero() {
                break;
            }
            let gpus = view.job(id).requested;
            if gpus <= free {
                free -= gpus;
                plan.grant(id, gpus);
                self.running.push(id);
            }
        }
        self.running.sort_unstable();
        for place in 0..self.running.len() {
            self.grant(view.now(), self.running[place]);
        }
        if self.running.len() == view.live().len() {
            return plan;
        }
        for id in ran {
            if view.is_live(id) && self.running.binary_search(&id).is_err() {
                self.preempt(view, id);
            }
        }
        if let Some(next) = self.next_change(view) {
            plan.wake_at(next);
        }
        plan
    }
}

/// Returns the GPUs that a job requests, which are those that it runs on.
fn gpus(view: &View<'_>, id: JobId) -> u64 {
    u64::from(view.job(id).requested.get())
}
