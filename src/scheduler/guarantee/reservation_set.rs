//! The reservations of all deadline jobs: together they fit the cluster at every instant.

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::filling::{MARGIN, Needs, Start};
use super::free_gpus::FreeGpus;
use super::reservation::Reservation;
use crate::scheduler::{Plan, View};

/// The share of the cluster at which jobs are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// The minimum satisfactory share (ElasticFlow).
    Minimum,
    /// The most GPUs that gain (EDF).
    Largest,
}

/// A deadline job with its reservation.
#[derive(Clone, Debug)]
pub(crate) struct DeadlineJob {
    pub(crate) id: JobId,
    submit: SimTime,
    /// The latest completion that counts as in time; [`SimTime::NEVER`] once the deadline is lost.
    pub(super) latest: SimTime,
    pub(super) needs: Needs,
    pub(super) reservation: Reservation,
}

impl DeadlineJob {
    /// Returns a live deadline job with an empty reservation.
    pub(crate) fn new(view: &View<'_>, id: JobId) -> DeadlineJob {
        let job = view.job(id);
        DeadlineJob {
            id,
            submit: job.submit,
            latest: job.due().back(MARGIN),
            needs: Needs::new(view, id),
            reservation: Reservation::default(),
        }
    }

    /// Brings what filling needs to know of the job up to date.
    pub(crate) fn update(&mut self, view: &View<'_>) {
        self.needs.update(view, self.id);
    }

    /// Returns the key of deadline order: the latest completion, the submission, the id. A job that
    /// has lost its deadline comes last.
    pub(crate) fn key(&self) -> (SimTime, SimTime, JobId) {
        (self.latest, self.submit, self.id)
    }

    /// Fills the job into what is free, and returns the reservation if it is in time.
    pub(super) fn fill(&self, share: Share, free: &FreeGpus, now: SimTime) -> Option<Reservation> {
        let mut reservation = Reservation::default();
        let in_time = match share {
            Share::Minimum if self.latest != SimTime::NEVER => {
                self.needs.fill_least(free, now, self.latest, &mut reservation).is_some()
            }
            _ => {
                let top = self.needs.top();
                self.needs.fill(free, now, top, Start::Stays, self.latest, &mut reservation)
            }
        };
        in_time.then_some(reservation)
    }

    /// Fills the job into what is free at the largest size, however late it then completes. Returns
    /// `None` if it never does.
    pub(super) fn fill_late(&self, free: &FreeGpus, now: SimTime) -> Option<Reservation> {
        let mut reservation = Reservation::default();
        let top = self.needs.top();
        let completes = self.needs.fill(free, now, top, Start::Stays, SimTime::NEVER, &mut reservation);
        completes.then_some(reservation)
    }
}

/// Deadline jobs in deadline order, and the GPUs that their reservations leave free.
#[derive(Clone, Debug)]
pub(crate) struct ReservationSet {
    pub(super) jobs: Vec<DeadlineJob>,
    pub(super) free: FreeGpus,
    scratch: Reservation,
}

impl ReservationSet {
    /// Returns an empty set on `capacity` GPUs from `now` on.
    pub(crate) fn new(now: SimTime, capacity: Gpus) -> ReservationSet {
        ReservationSet {
            jobs: Vec::new(),
            free: FreeGpus::new(now, capacity),
            scratch: Reservation::default(),
        }
    }

    /// Returns the GPUs that no job holds now.
    pub(crate) fn free_now(&self) -> Gpus {
        self.free.now()
    }

    /// Brings the set up to now: drops the jobs that have completed, forgets what is past, and
    /// updates the needs of the other jobs.
    pub(super) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        if self.jobs.is_empty() {
            self.free.reset(now, view.capacity());
        }
        self.free.cut(now);
        for id in view.completions() {
            // Best-effort jobs complete, too; they are not in the set.
            if let Some(place) = self.jobs.iter().position(|job| job.id == *id) {
                let job = self.jobs.remove(place);
                self.free.release(&job.reservation);
            }
        }
        for job in &mut self.jobs {
            job.update(view);
            job.reservation.cut(now);
        }
    }

    /// Returns where a job stands or would stand in deadline order.
    pub(super) fn place(&self, job: &DeadlineJob) -> usize {
        self.jobs.partition_point(|other| other.key() < job.key())
    }

    /// Adds a job, whose reservation fits what is free.
    pub(super) fn insert(&mut self, job: DeadlineJob) {
        self.free.reserve(&job.reservation);
        let place = self.place(&job);
        self.jobs.insert(place, job);
    }

    /// Fills a job into what is free and adds it behind all others, without a promise. A job that
    /// cannot be in time gets the most GPUs that gain.
    ///
    /// # Panics
    ///
    /// If no GPUs are free now.
    pub(crate) fn append(&mut self, mut job: DeadlineJob, now: SimTime) {
        assert!(!self.free_now().is_zero(), "a job is appended only while there are free GPUs");
        if let Some(in_time) = job.fill(Share::Minimum, &self.free, now) {
            job.reservation = in_time;
        } else if let Some(late) = job.fill_late(&self.free, now) {
            job.latest = job.latest.max(late.end());
            job.reservation = late;
        }
        self.free.reserve(&job.reservation);
        self.jobs.push(job);
    }

    /// Refills every job from place `first` on, in deadline order and from its present state; with
    /// a guest, that job too, whose place is not before `first`. If every job is then in time, the
    /// set keeps the new reservations and returns the guest's, which it does not hold. Otherwise
    /// nothing changes.
    pub(super) fn refill_from(
        &mut self,
        first: usize,
        guest: Option<&DeadlineJob>,
        share: Share,
        now: SimTime,
    ) -> Option<Reservation> {
        let mut free = self.free.clone();
        for job in &self.jobs[first..] {
            free.release(&job.reservation);
        }
        let mut fill = |job: &DeadlineJob| {
            let reservation = job.fill(share, &free, now)?;
            free.reserve(&reservation);
            Some(reservation)
        };
        let place = guest.map_or(first, |guest| self.place(guest));
        let mut fresh = Vec::with_capacity(self.jobs.len() - first);
        for job in &self.jobs[first..place] {
            fresh.push(fill(job)?);
        }
        let for_guest = match guest {
            Some(guest) => fill(guest)?,
            None => Reservation::default(),
        };
        for job in &self.jobs[place..] {
            fresh.push(fill(job)?);
        }
        for (job, reservation) in self.jobs[first..].iter_mut().zip(fresh) {
            job.reservation = reservation;
        }
        free.release(&for_guest);
        self.free = free;
        Some(for_guest)
    }

    /// Fills the job at `place` anew into its own reservation plus what is free. Keeps the new
    /// reservation, and returns true, only if the job is in time and `is_better(old, new)`.
    pub(super) fn replace(
        &mut self,
        place: usize,
        now: SimTime,
        level: usize,
        start: Start,
        is_better: impl Fn(&Reservation, &Reservation) -> bool,
    ) -> bool {
        let job = &mut self.jobs[place];
        self.free.release(&job.reservation);
        let found = job.needs.fill(&self.free, now, level, start, job.latest, &mut self.scratch)
            && is_better(&job.reservation, &self.scratch);
        if found {
            std::mem::swap(&mut job.reservation, &mut self.scratch);
        }
        self.free.reserve(&job.reservation);
        found
    }

    /// Grants what the reservations hold now.
    pub(crate) fn grant(&self, now: SimTime, plan: &mut Plan) {
        for job in &self.jobs {
            let gpus = job.reservation.gpus_at(now);
            if !gpus.is_zero() {
                plan.grant(job.id, gpus);
            }
        }
    }

    /// Pins every job that keeps its count and could not afford to be moved. A job whose
    /// reservation has no room for a restart overhead now gets that room where what is free allows
    /// it, and is pinned otherwise.
    pub(super) fn pin(&mut self, now: SimTime, plan: &mut Plan) {
        for place in 0..self.jobs.len() {
            let job = &self.jobs[place];
            let gpus = job.reservation.gpus_at(now);
            let Some(level) = job.needs.level(gpus).filter(|_| gpus == job.needs.held) else {
                continue;
            };
            let moved = job.needs.end_at(&job.needs.sizes[level], now, Start::MayMove);
            let has_room = job.reservation.next_step(now).is_none() && moved <= job.reservation.end();
            let keeps_count = |_: &Reservation, new: &Reservation| new.gpus_at(now) == gpus;
            if !has_room && !self.replace(place, now, level, Start::MayMove, keeps_count) {
                plan.pin(self.jobs[place].id);
            }
        }
    }

    /// Asks to be called when a reservation next changes its count, other than by its end.
    pub(super) fn wake(&self, now: SimTime, plan: &mut Plan) {
        for step in self.jobs.iter().filter_map(|job| job.reservation.next_step(now)) {
            plan.wake_at(step);
        }
    }
}
