//! Tiresias (NSDI 2019): discretised two-dimensional least attained service. What a job has
//! attained is the GPU-time it has held; queues cover ranges of that, and the first queue goes
//! first. Inside a queue it is first in, first out: whoever holds GPUs keeps them, then come those
//! that once held some in this queue, in the order of their start there, then the others, in the
//! order of their entry. So jobs are preempted for jobs of an earlier queue only. A job that does
//! not fit is passed over. Deadlines play no part, so best-effort jobs stand in the same queues as
//! everybody.
//!
//! With `index = "gittins"` a job's queue is its Gittins index instead, from the GPU-times of the
//! whole trace, which only an [`Oracle`](super::Oracle) knows; the index is that of the last
//! multiple of `quantum` that the job has attained.
//!
//! Attained service grows only while a job holds GPUs, and evenly; so when a job leaves its queue
//! is known in advance and asked for with `wake_at`. Nobody is woken while nobody waits: the order
//! in which all run does not matter, and when a job entered its queue is worked out afterwards, to
//! the microsecond.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::job::JobId;
use crate::units::{SimDuration, SimTime};

use super::ladder::{Ladder, Step};
use super::queue::Queue;
use super::{Entry, OptionDoc, OptionsError, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "tiresias",
    aliases: &["dlas-gpu"],
    summary: "least attained GPU-time first, in queues, at the requested size; preemptive; what does not fit is passed over",
    paper: "Gu et al., NSDI 2019",
    knows: "requested size; with index=gittins, oracle: the GPU-time of every job of the trace",
    options: &[
        OptionDoc {
            key: "index",
            default: "las",
            help: "`las`: queues by attained GPU-time; `gittins`: by Gittins index, from the GPU-times of the whole trace",
        },
        OptionDoc {
            key: "thresholds",
            default: "[3250, 7200] GPU-s",
            help: "attained GPU-time at which a job moves to the next queue (las)",
        },
        OptionDoc {
            key: "quantum",
            default: "3250 GPU-s",
            help: "attained GPU-time between two looks at a job's index (gittins)",
        },
        OptionDoc {
            key: "promote_after",
            default: "0 (off)",
            help: "a preempted job that has waited this many times as long as it ran starts over in the first queue",
        },
    ],
    grant_admits: true,
    requested_size: true,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        let settings: Settings = options.read()?;
        Ok(Box::new(Tiresias::new(&settings)?))
    },
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Index {
    #[default]
    Las,
    Gittins,
}

/// An option that the chosen index does not use is refused, hence no defaults for two of them here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    index: Index,
    thresholds: Option<Vec<f64>>,
    quantum: Option<f64>,
    promote_after: f64,
}

/// The thresholds of the ElasticFlow evaluation, GPU-s; a step of the Gittins index is as wide as
/// the first.
const THRESHOLDS: [f64; 2] = [3250.0, 7200.0];

struct Tiresias {
    ladder: Ladder,
    promote_after: f64,
    queue: Queue<(u64, Seat)>,
    jobs: BTreeMap<JobId, Standing>,
    /// Who was granted something by the last plan, ascending.
    running: Vec<JobId>,
    /// When a waiting job is promoted.
    promotions: BTreeSet<(SimTime, JobId)>,
}

/// Where a live job stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    step: Step,
    seat: Seat,
    /// GPU-µs attained before its last promotion, which no longer count.
    forgiven: u64,
    promotion: Option<SimTime>,
}

/// A job's place in its queue, the first first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    /// Whether it holds no GPUs, or none since it came into the queue.
    waits: bool,
    /// When it first held GPUs in this queue; [`SimTime::NEVER`] before that.
    started: SimTime,
    /// When it came into the queue.
    entered: SimTime,
}

impl Seat {
    fn newcomer(entered: SimTime) -> Seat {
        Seat { waits: true, started: SimTime::NEVER, entered }
    }
}

impl Standing {
    fn key(&self) -> (u64, Seat) {
        (self.step.rank, self.seat)
    }
}

impl Tiresias {
    fn new(settings: &Settings) -> Result<Tiresias, OptionsError> {
        let refuse = |text: &str| Err(OptionsError(text.to_owned()));
        let ladder = match (settings.index, &settings.thresholds, settings.quantum) {
            (Index::Las, thresholds, None) => Ladder::queues(thresholds.as_deref().unwrap_or(&THRESHOLDS))?,
            (Index::Gittins, None, quantum) => Ladder::gittins(quantum.unwrap_or(THRESHOLDS[0]))?,
            (Index::Las, _, Some(_)) => return refuse("`quantum` needs index=gittins; leave it out"),
            (Index::Gittins, Some(_), _) => return refuse("`thresholds` needs index=las; leave it out"),
        };
        let promote_after = settings.promote_after;
        if !(promote_after >= 0.0 && promote_after.is_finite()) {
            return refuse("`promote_after` is a number of at least 0; 0 is off");
        }
        Ok(Tiresias {
            ladder,
            promote_after,
            queue: Queue::new(),
            jobs: BTreeMap::new(),
            running: Vec::new(),
            promotions: BTreeSet::new(),
        })
    }

    /// Brings the queues up to now; `ran` held GPUs since the last plan.
    fn update(&mut self, view: &View<'_>, ran: &[JobId]) {
        self.ladder.consult(view);
        for id in view.ended() {
            if let Some(standing) = self.jobs.remove(id) {
                self.queue.remove(standing.key(), *id);
            }
        }
        for id in view.arrivals() {
            let seat = Seat::newcomer(view.job(*id).submit);
            let standing = Standing { step: self.ladder.step(0), seat, forgiven: 0, promotion: None };
            self.queue.insert(standing.key(), *id);
            self.jobs.insert(*id, standing);
        }
        for id in ran {
            self.demote(view, *id);
        }
        while let Some((due, id)) = self.promotions.first().copied().filter(|(due, _)| *due <= view.now()) {
            self.promotions.remove(&(due, id));
            self.promote(view, id);
        }
    }

    /// Moves a job that has run since the last plan to the queue that it has reached, as of when it
    /// reached it.
    fn demote(&mut self, view: &View<'_>, id: JobId) {
        let Some(standing) = self.jobs.get_mut(&id) else { return };
        let attained = view.attained(id).as_micros() - standing.forgiven;
        if standing.step.to.is_none_or(|to| attained < to) {
            return;
        }
        self.queue.remove(standing.key(), id);
        standing.step = self.ladder.step(attained);
        let since = (attained - standing.step.from) / gpus(view, id);
        let entered = view.now().back(SimDuration::from_micros(since));
        standing.seat = Seat::newcomer(entered);
        if since > 0 {
            // Nobody was called in time, so nobody waited, and the job went on there.
            (standing.seat.waits, standing.seat.started) = (false, entered);
        }
        self.queue.insert(standing.key(), id);
    }

    /// Lets a job that has waited long enough start over.
    fn promote(&mut self, view: &View<'_>, id: JobId) {
        let Some(standing) = self.jobs.get_mut(&id) else { return };
        self.queue.remove(standing.key(), id);
        standing.promotion = None;
        standing.forgiven = view.attained(id).as_micros();
        standing.step = self.ladder.step(0);
        standing.seat = Seat::newcomer(view.now());
        self.queue.insert(standing.key(), id);
    }

    /// A job has been preempted: it waits, and if starting over helps it, it will after some time.
    fn preempt(&mut self, view: &View<'_>, id: JobId) {
        let Some(standing) = self.jobs.get_mut(&id) else { return };
        self.queue.remove(standing.key(), id);
        standing.seat.waits = true;
        self.queue.insert(standing.key(), id);
        if self.promote_after == 0.0 || self.ladder.step(0).rank >= standing.step.rank {
            return;
        }
        let ran = (view.attained(id).as_micros() - standing.forgiven) / gpus(view, id);
        // Never at once: a promotion is an event.
        let wait = ((self.promote_after * ran as f64).ceil() as u64).max(1);
        let due = view.now() + SimDuration::from_micros(wait);
        standing.promotion = Some(due);
        self.promotions.insert((due, id));
    }

    /// A job is given GPUs.
    fn grant(&mut self, now: SimTime, id: JobId) {
        let Some(standing) = self.jobs.get_mut(&id).filter(|standing| standing.seat.waits) else { return };
        self.queue.remove(standing.key(), id);
        standing.seat.waits = false;
        standing.seat.started = standing.seat.started.min(now);
        self.queue.insert(standing.key(), id);
        if let Some(due) = standing.promotion.take() {
            self.promotions.remove(&(due, id));
        }
    }

    /// When a job that is granted its GPUs now leaves its queue.
    fn demotion(&self, view: &View<'_>, id: JobId) -> Option<SimTime> {
        let standing = self.jobs.get(&id)?;
        let left = standing.step.to? - (view.attained(id).as_micros() - standing.forgiven);
        Some(view.now() + SimDuration::from_micros(left.div_ceil(gpus(view, id))))
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
        let demotions = self.running.iter().filter_map(|id| self.demotion(view, *id));
        let promotion = self.promotions.first().map(|(due, _)| *due);
        if let Some(next) = demotions.chain(promotion).min() {
            plan.wake_at(next);
        }
        plan
    }
}

/// The GPUs that a job asks for, which are those it runs on.
fn gpus(view: &View<'_>, id: JobId) -> u64 {
    u64::from(view.job(id).requested.get())
}
