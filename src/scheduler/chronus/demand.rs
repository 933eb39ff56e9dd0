//! How many leases a job needs, and which ones are in time for it.

use crate::job::JobId;
use crate::scheduler::View;
use crate::units::{Rate, SimDuration, SimTime};

use super::leases::Demand;
use super::options::{ChronusOptions, Deadline, Estimate, Grid, Widths};

/// By how much the work in a lease is counted shorter: room for rounding, which comes to a few
/// microseconds at each change.
const MARGIN: SimDuration = SimDuration::from_micros(1000);

/// The factor by which Chronus's artifact inflates estimates.
const INFLATION: f64 = 1.1;

/// When leases begin, and how the leases that a job needs are counted. Leases are numbered from the
/// beginning of their grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leasing {
    /// When lease 0 begins.
    begin: SimTime,
    /// How long a lease is; above zero.
    length: SimDuration,
    deadline: Deadline,
    estimate: Estimate,
    widths: Widths,
}

/// What does not change about the leases of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeaseSize {
    /// The GPUs that its leases are counted with.
    pub(super) width: u32,
    /// An upper bound of the restart overhead when it starts.
    restart: SimDuration,
    /// How long it runs in all, without restart overheads.
    total: SimDuration,
    /// What that is taken for, by the option `estimate`.
    estimate: SimDuration,
}

impl Leasing {
    /// Returns leases by the options, on a grid that begins at `now` if the options say so.
    pub(super) fn new(options: &ChronusOptions, now: SimTime) -> Leasing {
        Leasing {
            begin: if options.grid == Grid::First { now } else { SimTime::ZERO },
            length: options.lease,
            deadline: options.deadline,
            estimate: options.estimate,
            widths: options.widths,
        }
    }

    /// Returns the lease that runs at `time`, and whether it begins then.
    pub(super) fn lease_at(&self, time: SimTime) -> (u64, bool) {
        let since = time.since(self.begin).as_micros();
        (since / self.length.as_micros(), since.is_multiple_of(self.length.as_micros()))
    }

    /// Returns when a lease begins.
    pub(super) fn start(&self, lease: u64) -> SimTime {
        self.begin + SimDuration::from_micros(lease.saturating_mul(self.length.as_micros()))
    }

    /// Returns the first multiple of `step` on the grid after `now`; `step` is above zero.
    pub(super) fn next(&self, step: SimDuration, now: SimTime) -> SimTime {
        let into = now.since(self.begin).as_micros() % step.as_micros();
        now + step.saturating_sub(SimDuration::from_micros(into))
    }

    /// Returns whether `now` is a multiple of `step` on the grid; always for a step of zero.
    pub(super) fn is_on(&self, step: SimDuration, now: SimTime) -> bool {
        step == SimDuration::ZERO || now.since(self.begin).as_micros().is_multiple_of(step.as_micros())
    }

    /// Returns what does not change about the leases of a job.
    pub(super) fn size(&self, view: &View<'_>, id: JobId) -> LeaseSize {
        let job = view.job(id);
        let gpus = job.requested;
        let restart = view.restart_overhead(id, gpus);
        let total = job.iterations.time_at(requested_rate(view, id));
        let estimate = match self.estimate {
            Estimate::Exact => total,
            Estimate::Inflated => {
                let share = restart.as_secs_f64() / self.length.as_secs_f64();
                // Whole seconds, rounded down, as in the artifact.
                let seconds = total.as_secs_f64() * (1.0 + share) * INFLATION;
                // `None` where a job takes longer than any clock runs.
                SimDuration::from_secs_f64(seconds.floor()).unwrap_or(SimDuration::FOREVER)
            }
        };
        let rounds = self.widths == Widths::Rounded && gpus.get() <= 8;
        let width = if rounds { gpus.get().next_power_of_two() } else { gpus.get() };
        LeaseSize { width, restart, total, estimate }
    }

    /// Returns the leases that a job needs to complete by `due`. `None` if a lease is too short to
    /// work in after a restart overhead.
    pub(super) fn demand(
        &self,
        view: &View<'_>,
        id: JobId,
        size: &LeaseSize,
        due: SimTime,
    ) -> Option<Demand> {
        let lease = self.length.as_micros();
        let (whole, _) = self.lease_at(due);
        let lost = (size.restart + MARGIN).as_micros();
        let work = lease.checked_sub(lost).filter(|work| *work > 0)?;
        let left = remaining(view, id).as_micros();
        // A job that completes in one lease changes once, and its end is exact.
        let once = lease - size.restart.as_micros();
        let (lost, work) = if left <= once { (size.restart.as_micros(), once) } else { (lost, work) };
        let need = left.div_ceil(work);
        if self.estimate == Estimate::Inflated {
            // The artifact takes the time on GPUs for work. After many short stays, each with a
            // restart overhead, or under an overhead longer than the artifact's, its estimate would
            // be too short for what is promised.
            let estimated = self.left(view, id, size).as_micros().div_ceil(lease);
            return Some(Demand { width: size.width, need: need.max(estimated), until: whole });
        }
        let need = need.max(1);
        // The lease that the deadline falls into counts for a job that completes in the part before
        // the deadline.
        let part = due.since(self.start(whole)).as_micros().saturating_sub(lost);
        let in_part = self.deadline == Deadline::Exact && left <= ((need - 1) * work).saturating_add(part);
        Some(Demand { width: size.width, need, until: whole + u64::from(in_part) })
    }

    /// Returns whether a lease is longer than the restart overhead of the job.
    pub(super) fn outlasts(&self, size: &LeaseSize) -> bool {
        size.restart + MARGIN < self.length
    }

    /// Returns how long a job still runs, by the estimate.
    pub(super) fn left(&self, view: &View<'_>, id: JobId, size: &LeaseSize) -> SimDuration {
        match self.estimate {
            Estimate::Exact => remaining(view, id),
            Estimate::Inflated => size.estimate.saturating_sub(ran(view, id)),
        }
    }

    /// Returns how long a job would still run without a restart overhead.
    pub(super) fn remaining(&self, view: &View<'_>, id: JobId, size: &LeaseSize) -> SimDuration {
        match self.estimate {
            Estimate::Exact => remaining(view, id),
            // The artifact takes restart overheads for work.
            Estimate::Inflated => size.total.saturating_sub(ran(view, id)),
        }
    }

    /// Returns the promise to a job that is to complete by `due` in leases before `until`.
    pub(super) fn promise(&self, until: u64, due: SimTime) -> SimTime {
        match (self.estimate, self.deadline) {
            // The part of a lease before the deadline may come to count later.
            (Estimate::Exact, Deadline::Exact) => due,
            _ => self.start(until).min(due),
        }
    }
}

/// Returns how long a job has held its GPUs.
fn ran(view: &View<'_>, id: JobId) -> SimDuration {
    let gpus = view.job(id).requested;
    SimDuration::from_micros(view.attained(id).as_micros() / u64::from(gpus.get()))
}

/// Returns how long a job would still run without a restart overhead, by what its user declared.
fn remaining(view: &View<'_>, id: JobId) -> SimDuration {
    view.declared_left(id).time_at(requested_rate(view, id))
}

/// Returns the speed of a job on the GPUs that its user requested.
fn requested_rate(view: &View<'_>, id: JobId) -> Rate {
    view.rate(id, view.job(id).requested).expect("a requested size has a speed")
}
