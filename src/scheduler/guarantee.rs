//! The jobs whose deadlines are guaranteed, with a feasible set of reservations: together they fit the cluster at all times,
//! and each ends by its job's deadline (METHODOLOGY.md, "Why an admitted job is never late").

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::free::FreeGpus;
use super::reservation::{MARGIN, Needs, Reservation, Start};
use super::{Plan, Promise, Reason, View};

/// How jobs are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filling {
    /// At the minimum satisfactory share (ElasticFlow).
    LeastShare,
    /// At the most GPUs that gain (EDF).
    Largest,
}

/// An admitted deadline job.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: JobId,
    /// The key of deadline order, after its deadline.
    submit: SimTime,
    /// The latest end that counts as in time; [`SimTime::NEVER`] once the deadline is lost.
    pub(super) latest: SimTime,
    pub(super) needs: Needs,
    pub(super) reservation: Reservation,
}

impl Member {
    fn key(&self) -> (SimTime, SimTime, JobId) {
        (self.latest, self.submit, self.id)
    }

    /// Fills it as early in deadline order as it stands.
    fn fill(&self, filling: Filling, free: &FreeGpus, now: SimTime, out: &mut Reservation) -> bool {
        let top = self.needs.sizes.len() - 1;
        match filling {
            Filling::LeastShare if self.latest != SimTime::NEVER => {
                self.needs.fill_least(free, now, self.latest, out).is_some()
            }
            _ => self.needs.fill(free, now, top, Start::Stays, self.latest, out),
        }
    }
}

/// The admitted deadline jobs in deadline order, and what their reservations leave free.
#[derive(Clone, Debug)]
pub(super) struct Guarantee {
    filling: Filling,
    pub(super) members: Vec<Member>,
    pub(super) free: FreeGpus,
    scratch: Reservation,
}

impl Guarantee {
    pub(super) fn new(filling: Filling) -> Guarantee {
        Guarantee {
            filling,
            members: Vec::new(),
            free: FreeGpus::new(SimTime::ZERO, Gpus::ZERO),
            scratch: Reservation::default(),
        }
    }

    /// Brings the set up to now: forgets who ended and what is past.
    pub(super) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        if self.members.is_empty() {
            self.free.reset(now, view.capacity());
        }
        self.free.cut(now);
        for id in view.ended() {
            if let Some(place) = self.members.iter().position(|member| member.id == *id) {
                let member = self.members.remove(place);
                self.free.release(&member.reservation);
            }
        }
        for member in &mut self.members {
            member.needs.update(view, member.id);
            member.reservation.cut(now);
        }
    }

    /// Refills every job in deadline order from the actual state. Keeps the new set only if everybody is still in time.
    pub(super) fn refill(&mut self, view: &View<'_>) -> bool {
        let now = view.now();
        let mut free = FreeGpus::new(now, view.capacity());
        let mut fresh = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let mut reservation = Reservation::default();
            if !member.fill(self.filling, &free, now, &mut reservation) {
                return false;
            }
            free.reserve(&reservation);
            fresh.push(reservation);
        }
        for (member, reservation) in self.members.iter_mut().zip(fresh) {
            member.reservation = reservation;
        }
        self.free = free;
        true
    }

    /// Judges one arrival; says in the plan whether it is admitted, and why not.
    pub(super) fn judge(&mut self, view: &View<'_>, id: JobId, plan: &mut Plan) {
        let job = view.job(id);
        let now = view.now();
        let needs = Needs::new(view, id);
        let latest = job.due().back(MARGIN);
        let member = Member { id, submit: job.submit, latest, needs, reservation: Reservation::default() };
        // What it takes if it has the cluster for itself from now on.
        let alone = |size: &super::reservation::Size| member.needs.end_at(size, now, Start::Stays);
        let needed = member.needs.sizes.iter().find(|size| alone(size) <= latest);
        let Some(needed) = needed.copied() else {
            let earliest = member.needs.sizes.iter().map(alone).min().unwrap_or(SimTime::NEVER);
            plan.decline(id, Reason::Hopeless { earliest, deadline: job.due() });
            return;
        };
        match self.try_add(view, member) {
            Ok(end) => plan.admit(id, Some(Promise { end })),
            Err(member) => {
                let top = member.needs.sizes.len() - 1;
                let free = &self.free;
                let ends = member.needs.fill(free, now, top, Start::Stays, SimTime::NEVER, &mut self.scratch);
                plan.decline(
                    id,
                    Reason::NoShare {
                        needed: needed.gpus,
                        deadline: job.due(),
                        most_free: self.free.most(job.due()),
                        earliest: ends.then(|| self.scratch.end()),
                    },
                );
            }
        }
    }

    /// Adds a job if the set with it is feasible, or if it fits in what the set leaves free.
    fn try_add(&mut self, view: &View<'_>, mut member: Member) -> Result<SimTime, Member> {
        let now = view.now();
        let place = self.members.partition_point(|other| other.key() < member.key());
        let mut free = self.free.clone();
        for other in &self.members[place..] {
            free.release(&other.reservation);
        }
        let mut fresh = Vec::new();
        let mut feasible = member.fill(self.filling, &free, now, &mut self.scratch);
        if feasible {
            free.reserve(&self.scratch);
            for other in &self.members[place..] {
                let mut reservation = Reservation::default();
                if !other.fill(self.filling, &free, now, &mut reservation) {
                    feasible = false;
                    break;
                }
                free.reserve(&reservation);
                fresh.push(reservation);
            }
        }
        if feasible {
            for (other, reservation) in self.members[place..].iter_mut().zip(fresh) {
                other.reservation = reservation;
            }
            self.free = free;
        } else if member.fill(self.filling, &self.free, now, &mut self.scratch) {
            self.free.reserve(&self.scratch);
        } else {
            return Err(member);
        }
        member.reservation.clone_from(&self.scratch);
        let end = self.scratch.end();
        self.members.insert(place, member);
        Ok(end)
    }

    /// Tries another reservation for a member inside its own plus what is free, and keeps it if `better` says so.
    pub(super) fn replace(
        &mut self,
        place: usize,
        now: SimTime,
        level: usize,
        start: Start,
        better: impl Fn(&Reservation, &Reservation) -> bool,
    ) -> bool {
        let member = &mut self.members[place];
        self.free.release(&member.reservation);
        let found = member.needs.fill(&self.free, now, level, start, member.latest, &mut self.scratch)
            && better(&member.reservation, &self.scratch);
        if found {
            std::mem::swap(&mut member.reservation, &mut self.scratch);
        }
        self.free.reserve(&member.reservation);
        found
    }

    /// Grants what the reservations say for now, pins who could not afford to be moved, and asks to be called at the next
    /// step of any reservation.
    pub(super) fn enact(&mut self, view: &View<'_>, plan: &mut Plan) {
        let now = view.now();
        for place in 0..self.members.len() {
            let member = &self.members[place];
            let gpus = member.reservation.at(now);
            if let (false, Some(level)) = (gpus.is_zero(), member.needs.level(gpus)) {
                plan.grant(member.id, gpus);
                if gpus == member.needs.held {
                    let size = &member.needs.sizes[level];
                    let afford = member.reservation.next_step(now).is_none()
                        && member.needs.end_at(size, now, Start::MayMove)
                            <= member.reservation.until().back(MARGIN);
                    // Its reservation must still give it the same count now.
                    let same = |_: &Reservation, new: &Reservation| new.at(now) == gpus;
                    if !afford && !self.replace(place, now, level, Start::MayMove, same) {
                        plan.pin(self.members[place].id);
                    }
                }
            }
            if let Some(step) = self.members[place].reservation.next_step(now) {
                plan.wake_at(step);
            }
        }
    }
}
