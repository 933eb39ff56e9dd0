//! The reservations of all deadline jobs. Together they fit the cluster at every time.

use crate::job::JobId;
use crate::units::{GpuTime, Gpus, SimTime};

use super::filling::{MARGIN, Needs, Size, Start};
use super::free_gpus::FreeGpus;
use super::reservation::Reservation;
use crate::scheduler::{Plan, View};

/// How large a share of the cluster a job is filled at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// The minimum satisfactory share: the smallest size at which the job is in time (ElasticFlow).
    Minimum,
    /// The largest size of the job (EDF).
    Largest,
}

/// A deadline job with its reservation.
#[derive(Clone, Debug)]
pub(crate) struct DeadlineJob {
    pub(crate) id: JobId,
    submit: SimTime,
    /// The deadline. [`SimTime::NEVER`] for a job that is no longer held to it.
    pub(super) due: SimTime,
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
            due: job.due(),
            needs: Needs::new(view, id),
            reservation: Reservation::default(),
        }
    }

    /// Brings the needs of the job up to date.
    pub(crate) fn update(&mut self, view: &View<'_>) {
        self.needs.update(view, self.id);
    }

    /// Returns the key of deadline order: the deadline, the submission, the id. A
    /// job that is no longer held to its deadline comes last.
    pub(crate) fn key(&self) -> (SimTime, SimTime, JobId) {
        (self.due, self.submit, self.id)
    }

    /// Returns when the job would complete alone, if it got its best size now.
    pub(super) fn earliest(&self, now: SimTime) -> SimTime {
        let ends = self.needs.sizes.iter().map(|size| self.needs.end_at(size, now, Start::Stays));
        ends.min().expect("a job has sizes")
    }

    /// Returns the smallest size that is enough for the deadline if the job holds it from now on.
    pub(super) fn enough(&self, now: SimTime) -> Option<&Size> {
        self.needs.sizes.iter().find(|size| self.needs.end_at(size, now, Start::Stays) <= self.due)
    }

    /// Returns the GPU-time that the job takes alone at that size; none if no size is enough.
    pub(super) fn least_gpu_time(&self, now: SimTime) -> GpuTime {
        let cost = |size: &Size| size.gpus * self.needs.end_at(size, now, Start::Stays).since(now);
        self.enough(now).map_or(GpuTime::ZERO, cost)
    }

    /// Fills the job into the free GPUs. Returns the reservation if it is in time, else `None`.
    pub(super) fn fill(&self, share: Share, free: &FreeGpus, now: SimTime) -> Option<Reservation> {
        let mut reservation = Reservation::default();
        let in_time = match share {
            Share::Minimum if self.due != SimTime::NEVER => {
                self.needs.fill_least(free, now, self.due, &mut reservation).is_some()
            }
            _ => {
                let top = self.needs.top();
                self.needs.fill(free, now, top, Start::Stays, self.due, &mut reservation)
            }
        };
        in_time.then_some(reservation)
    }

    /// Fills the job into the free GPUs at its largest size, however late it then completes.
    /// Returns `None` if it never completes.
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

    /// Returns the GPUs that no reservation holds now.
    pub(crate) fn free_now(&self) -> Gpus {
        self.free.now()
    }

    /// Brings the set up to date: removes the jobs that have completed and the past of all
    /// reservations, and updates the needs of the other jobs.
    pub(super) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        if self.jobs.is_empty() {
            self.free.reset(now, view.capacity());
        }
        self.free.cut(now);
        for id in view.completions() {
            // The job that completes may be a best-effort job, which is not in the set.
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

    /// Returns the place of a job in deadline order, whether it is in the set or not.
    pub(super) fn place(&self, job: &DeadlineJob) -> usize {
        self.jobs.partition_point(|other| other.key() < job.key())
    }

    /// Adds a job at its place in deadline order. Its reservation fits the free GPUs.
    pub(super) fn insert(&mut self, job: DeadlineJob) {
        self.free.reserve(&job.reservation);
        let place = self.place(&job);
        self.jobs.insert(place, job);
    }

    /// Fills a job into the free GPUs and adds it after all others, without a guarantee. A job that
    /// cannot be in time is filled at its largest size.
    ///
    /// # Panics
    ///
    /// If no GPUs are free now.
    pub(crate) fn append(&mut self, mut job: DeadlineJob, now: SimTime) {
        assert!(!self.free_now().is_zero(), "a job is appended only while there are free GPUs");
        if let Some(in_time) = job.fill(Share::Minimum, &self.free, now) {
            job.reservation = in_time;
        } else if let Some(late) = job.fill_late(&self.free, now) {
            job.due = job.due.max(late.end() + MARGIN);
            job.reservation = late;
        }
        self.free.reserve(&job.reservation);
        self.jobs.push(job);
    }

    /// Refills the jobs from place `first` on, in deadline order, each from its present state. The
    /// guest is a job outside the set that is filled with them, at its place in deadline order,
    /// which is not before `first`.
    ///
    /// If every job is then in time, the set keeps the new reservations of its jobs, and the
    /// guest's reservation is returned without being added to the set (an empty one without a
    /// guest). Otherwise returns `None`, and the set is unchanged.
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

    /// Fills the job at `place` again, into the GPUs of its own reservation and the free GPUs. If
    /// the job is in time and `is_better(old, new)` holds, keeps the new reservation and returns
    /// true. Otherwise keeps the old one and returns false.
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
        let found = job.needs.fill(&self.free, now, level, start, job.due, &mut self.scratch)
            && is_better(&job.reservation, &self.scratch);
        if found {
            std::mem::swap(&mut job.reservation, &mut self.scratch);
        }
        self.free.reserve(&job.reservation);
        found
    }

    /// Grants each job the GPUs that its reservation holds now.
    pub(crate) fn grant(&mut self, now: SimTime, plan: &mut Plan) {
        for job in &mut self.jobs {
            let gpus = job.reservation.gpus_at(now);
            job.needs.note_granted(gpus, now);
            if !gpus.is_zero() {
                plan.grant(job.id, gpus);
            }
        }
    }

    /// Prepares every job that keeps its GPU count for a move by the placer, or pins it.
    ///
    /// A job may be moved if its reservation has room for a full restart overhead now. If it has
    /// not, the job is filled again with such an overhead. If that fails, the job is pinned.
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

    /// Asks for a wake-up at the next time at which a reservation changes its count. The end of a
    /// reservation needs none, because the completion triggers a pass.
    pub(super) fn wake(&self, now: SimTime, plan: &mut Plan) {
        for step in self.jobs.iter().filter_map(|job| job.reservation.next_step(now)) {
            plan.wake_at(step);
        }
    }
}
