//! Admission control: admits a deadline job if it finds a set of reservations that includes the job
//! and in which every job is in time.
//!
//! Every set fits the cluster. Every admitted job stays in the set until the job completes. So an
//! admitted job is in time if the believed speeds are the true ones (docs/guarantee.md has the
//! proof).

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::options::{AdmissionOptions, JudgingOrder};
use super::reservation::Reservation;
use super::reservation_set::{DeadlineJob, ReservationSet, Share};
use crate::scheduler::{Plan, Promise, Reason, View};

/// An arrival is urgent if its slack is less than so many times the wait for the next pass.
const URGENCY: f64 = 1.5;

/// The reservations of the admitted deadline jobs, and the share at which all jobs are filled.
#[derive(Clone, Debug)]
pub(crate) struct AdmissionControl {
    share: Share,
    options: AdmissionOptions,
    pub(crate) reservations: ReservationSet,
}

impl AdmissionControl {
    /// Returns admission control without jobs. The first view supplies the capacity of the cluster.
    pub(crate) fn new(share: Share, options: AdmissionOptions) -> AdmissionControl {
        AdmissionControl { share, options, reservations: ReservationSet::new(SimTime::ZERO, Gpus::ZERO) }
    }

    /// Brings the set up to date.
    ///
    /// If the believed speeds are wrong, a job may have done less work than its reservation
    /// assumes. Then all jobs are refilled. If that fails, the jobs that are behind their
    /// reservations lose their guarantee: they are no longer held to their deadlines, so that the
    /// other jobs can keep theirs.
    pub(crate) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        self.reservations.update(view);
        let follows = |job: &DeadlineJob| job.needs.follows(&job.reservation, now);
        if self.reservations.jobs.iter().all(follows) || self.refill(now) {
            return;
        }
        let (kept, broken) = std::mem::take(&mut self.reservations.jobs).into_iter().partition(follows);
        self.reservations.jobs = kept;
        for mut job in broken {
            self.reservations.free.release(&job.reservation);
            job.due = SimTime::NEVER;
            job.reservation = job.fill(self.share, &self.reservations.free, now).unwrap_or_default();
            self.reservations.insert(job);
        }
    }

    /// Refills every job in deadline order, from its present state. Returns true if every job is
    /// then in time. Otherwise returns false, and the set is unchanged.
    pub(crate) fn refill(&mut self, now: SimTime) -> bool {
        self.reservations.refill_from(0, None, self.share, now).is_some()
    }

    /// Returns whether a job that has arrived must be judged before `due`, when the next pass
    /// comes: it could be met alone, but by less than [`URGENCY`] times the wait.
    pub(crate) fn is_urgent(&self, view: &View<'_>, id: JobId, due: SimTime) -> bool {
        if !self.options.urgent || view.job(id).deadline.is_none() {
            return false;
        }
        let job = DeadlineJob::new(view, id);
        let earliest = job.earliest(view.now());
        let slack = job.due.since(earliest).as_secs_f64();
        earliest <= job.due && slack < due.since(view.now()).as_secs_f64() * URGENCY
    }

    /// Admits or declines the deadline jobs that have arrived, one by one.
    pub(crate) fn judge_arrivals(&mut self, view: &View<'_>, plan: &mut Plan) {
        let has_deadline = |id: &JobId| view.job(*id).deadline.is_some();
        let mut arrivals: Vec<JobId> = view.arrivals().iter().copied().filter(has_deadline).collect();
        if self.options.judge == JudgingOrder::Cheapest {
            arrivals.sort_by_key(|id| DeadlineJob::new(view, *id).least_gpu_time(view.now()));
        }
        for id in arrivals {
            match self.judge(view, id) {
                Ok(promise) => plan.admit(id, Some(promise)),
                Err(reason) => plan.decline(id, reason),
            }
        }
    }

    /// Adds a job to the set and returns its promise, which is the end of its reservation. If no
    /// reservation in time is found, returns the reason, and the set is unchanged.
    fn judge(&mut self, view: &View<'_>, id: JobId) -> Result<Promise, Reason> {
        let now = view.now();
        let deadline = view.job(id).due();
        let mut job = DeadlineJob::new(view, id);
        let Some(enough) = job.enough(now) else {
            return Err(Reason::Infeasible { earliest: job.earliest(now), deadline });
        };
        let needed = enough.gpus;
        let Some(reservation) = self.find_room(&job, now) else {
            let free = &self.reservations.free;
            let earliest = job.fill_late(free, now).map(|late| late.end());
            let most_free = free.most_until(deadline);
            return Err(Reason::InsufficientCapacity { needed, deadline, most_free, earliest });
        };
        let end = reservation.end();
        job.reservation = reservation;
        self.reservations.insert(job);
        Ok(Promise { end })
    }

    /// Finds a reservation for a new job with which every job is in time.
    ///
    /// Tries three ways, in this order: the jobs with later deadlines are refilled after the new
    /// job; the new job takes only GPUs that are free, and no other reservation changes; all jobs
    /// are refilled. Does not add the job to the set, but keeps the new reservations of the others.
    fn find_room(&mut self, job: &DeadlineJob, now: SimTime) -> Option<Reservation> {
        let place = self.reservations.place(job);
        let behind = self.reservations.refill_from(place, Some(job), self.share, now);
        behind
            .or_else(|| job.fill(self.share, &self.reservations.free, now))
            .or_else(|| self.reservations.refill_from(0, Some(job), self.share, now))
    }

    /// Adds to the plan what follows from the set: grants, pins, and the time of the next wake-up.
    pub(crate) fn carry_out(&mut self, view: &View<'_>, plan: &mut Plan) {
        self.reservations.grant(view.now(), plan);
        self.reservations.pin(view.now(), plan);
        self.reservations.wake(view.now(), plan);
    }
}
