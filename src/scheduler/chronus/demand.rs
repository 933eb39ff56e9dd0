//! How many leases a job needs, and which ones are in time.

use crate::job::JobId;
use crate::scheduler::View;
use crate::units::{SimDuration, SimTime};

use super::leases::Demand;
use super::settings::{Deadline, Estimate, Grid, Settings, Widths};

/// Work in a lease is counted this much shorter: room for rounding, which comes to a few
/// microseconds at each change.
const MARGIN: SimDuration = SimDuration::from_micros(1000);

/// The inflation of estimates in Chronus's artifact.
const INFLATION: f64 = 1.1;

/// Where leases begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leasing {
    begin: SimTime,
    length: SimDuration,
    deadline: Deadline,
    estimate: Estimate,
    widths: Widths,
}

/// What does not change about a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// GPUs that leases are counted with.
    pub(super) width: u32,
    /// The longest pause when it starts.
    restart: SimDuration,
    /// How long it runs in all.
    total: SimDuration,
    /// What that is taken for.
    estimate: SimDuration,
}

impl Leasing {
    pub(super) fn new(settings: &Settings, now: SimTime) -> Leasing {
        Leasing {
            begin: if settings.grid == Grid::First { now } else { SimTime::ZERO },
            length: settings.lease,
            deadline: settings.deadline,
            estimate: settings.estimate,
            widths: settings.widths,
        }
    }

    /// The lease that runs at `time`, and whether it begins then.
    pub(super) fn at(&self, time: SimTime) -> (u64, bool) {
        let since = time.since(self.begin).as_micros();
        (since / self.length.as_micros(), since.is_multiple_of(self.length.as_micros()))
    }

    /// When a lease begins.
    pub(super) fn start(&self, lease: u64) -> SimTime {
        self.begin + SimDuration::from_micros(lease.saturating_mul(self.length.as_micros()))
    }

    /// The first multiple of `step` on the grid after `now`.
    pub(super) fn next(&self, step: SimDuration, now: SimTime) -> SimTime {
        let into = now.since(self.begin).as_micros() % step.as_micros();
        now + step.saturating_sub(SimDuration::from_micros(into))
    }

    /// Whether `now` is a multiple of `step` on the grid.
    pub(super) fn is_on(&self, step: SimDuration, now: SimTime) -> bool {
        step == SimDuration::ZERO || now.since(self.begin).as_micros().is_multiple_of(step.as_micros())
    }

    pub(super) fn size(&self, view: &View<'_>, id: JobId) -> Size {
        let job = view.job(id);
        let gpus = job.requested;
        let restart = view.restart_overhead(id, gpus);
        let total = view.rate(id, gpus).map_or(SimDuration::FOREVER, |rate| job.iterations.time_at(rate));
        let estimate = match self.estimate {
            Estimate::Exact => total,
            Estimate::Inflated => {
                let share = restart.as_secs_f64() / self.length.as_secs_f64();
                // Whole seconds, cut off, as the artifact has them.
                let seconds = total.as_secs_f64() * (1.0 + share) * INFLATION;
                SimDuration::from_secs_f64(seconds.floor()).unwrap_or(SimDuration::FOREVER)
            }
        };
        let rounds = self.widths == Widths::Rounded && gpus.get() <= 8;
        let width = if rounds { gpus.get().next_power_of_two() } else { gpus.get() };
        Size { width, restart, total, estimate }
    }

    /// What a job asks of the leases to come to be done by `due`. `None` if a lease is too short to
    /// work in.
    pub(super) fn demand(&self, view: &View<'_>, id: JobId, size: &Size, due: SimTime) -> Option<Demand> {
        let lease = self.length.as_micros();
        let (whole, _) = self.at(due);
        let lost = (size.restart + MARGIN).as_micros();
        let work = lease.checked_sub(lost).filter(|work| *work > 0)?;
        let left = remaining(view, id).as_micros();
        let need = left.div_ceil(work);
        if self.estimate == Estimate::Inflated {
            // The artifact takes the time on GPUs for work. Many a short stay with a pause in it,
            // or pauses longer than the artifact's, would leave its estimate too short for what is
            // promised.
            let estimated = self.left(view, id, size).as_micros().div_ceil(lease);
            return Some(Demand { width: size.width, need: need.max(estimated), until: whole });
        }
        let need = need.max(1);
        // The lease into which the deadline falls is in time for who would be done in the part
        // before it.
        let part = due.since(self.start(whole)).as_micros().saturating_sub(lost);
        let in_part = self.deadline == Deadline::Exact && left <= ((need - 1) * work).saturating_add(part);
        Some(Demand { width: size.width, need, until: whole + u64::from(in_part) })
    }

    /// Whether a lease is longer than a start.
    pub(super) fn outlasts(&self, size: &Size) -> bool {
        size.restart + MARGIN < self.length
    }

    /// How long a job still runs, by the estimate.
    pub(super) fn left(&self, view: &View<'_>, id: JobId, size: &Size) -> SimDuration {
        match self.estimate {
            Estimate::Exact => remaining(view, id),
            Estimate::Inflated => size.estimate.saturating_sub(ran(view, id)),
        }
    }

    /// How long a job would still run without a pause.
    pub(super) fn remaining(&self, view: &View<'_>, id: JobId, size: &Size) -> SimDuration {
        match self.estimate {
            Estimate::Exact => remaining(view, id),
            // The artifact takes pauses for work.
            Estimate::Inflated => size.total.saturating_sub(ran(view, id)),
        }
    }

    /// When a job that is done in leases before `until` is done at the latest, if it is to be by
    /// `due`.
    pub(super) fn promise(&self, until: u64, due: SimTime) -> SimTime {
        match (self.estimate, self.deadline) {
            // The part of a lease before the deadline may come to count later.
            (Estimate::Exact, Deadline::Exact) => due,
            _ => self.start(until).min(due),
        }
    }
}

/// How long a job has held its GPUs.
fn ran(view: &View<'_>, id: JobId) -> SimDuration {
    let gpus = view.job(id).requested;
    SimDuration::from_micros(view.attained(id).as_micros() / u64::from(gpus.get()))
}

/// How long a job would still run without a pause, by what its user declared.
fn remaining(view: &View<'_>, id: JobId) -> SimDuration {
    let rate = view.rate(id, view.job(id).requested);
    rate.map_or(SimDuration::FOREVER, |rate| view.declared_left(id).time_at(rate))
}
