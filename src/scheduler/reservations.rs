//! The reservations of all deadline jobs: together they fit the cluster at all times.

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::free::FreeGpus;
use super::reservation::{MARGIN, Needs, Reservation, Start};
use super::{Plan, View};

/// How jobs are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filling {
    /// At the minimum satisfactory share (ElasticFlow).
    LeastShare,
    /// At the most GPUs that gain (EDF).
    Largest,
}

/// A deadline job.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: JobId,
    submit: SimTime,
    /// The latest end that counts as in time; [`SimTime::NEVER`] once the deadline is lost.
    pub(super) latest: SimTime,
    pub(super) needs: Needs,
    pub(super) reservation: Reservation,
}

impl Member {
    /// A live deadline job without a reservation.
    pub(super) fn new(view: &View<'_>, id: JobId) -> Member {
        let job = view.job(id);
        Member {
            id,
            submit: job.submit,
            latest: job.due().back(MARGIN),
            needs: Needs::new(view, id),
            reservation: Reservation::default(),
        }
    }

    /// Deadline order; who has lost the deadline comes last.
    pub(super) fn key(&self) -> (SimTime, SimTime, JobId) {
        (self.latest, self.submit, self.id)
    }

    /// Fills it into what is free; false if it is not in time.
    pub(super) fn fill(
        &self,
        filling: Filling,
        free: &FreeGpus,
        now: SimTime,
        out: &mut Reservation,
    ) -> bool {
        match filling {
            Filling::LeastShare if self.latest != SimTime::NEVER => {
                self.needs.fill_least(free, now, self.latest, out).is_some()
            }
            _ => self.needs.fill(free, now, self.needs.top(), Start::Stays, self.latest, out),
        }
    }
}

/// Deadline jobs in deadline order, and what their reservations leave free.
#[derive(Clone, Debug)]
pub(super) struct Reservations {
    pub(super) members: Vec<Member>,
    pub(super) free: FreeGpus,
    scratch: Reservation,
}

impl Reservations {
    pub(super) fn new() -> Reservations {
        Reservations {
            members: Vec::new(),
            free: FreeGpus::new(SimTime::ZERO, Gpus::ZERO),
            scratch: Reservation::default(),
        }
    }

    /// Brings everything up to now: forgets who ended and what is past.
    pub(super) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        if self.members.is_empty() {
            self.free.reset(now, view.capacity());
        }
        self.free.cut(now);
        for id in view.ended() {
            if let Some(place) = self.members.iter().position(|member| member.id == *id) {
                self.remove(place);
            }
        }
        for member in &mut self.members {
            member.needs.update(view, member.id);
            member.reservation.cut(now);
        }
    }

    /// Where a job stands or would stand in deadline order.
    pub(super) fn place(&self, member: &Member) -> usize {
        self.members.partition_point(|other| other.key() < member.key())
    }

    /// Adds a job; its reservation fits what is free.
    pub(super) fn insert(&mut self, member: Member) {
        self.free.reserve(&member.reservation);
        let place = self.place(&member);
        self.members.insert(place, member);
    }

    /// Takes a job and its reservation out.
    pub(super) fn remove(&mut self, place: usize) -> Member {
        let member = self.members.remove(place);
        self.free.release(&member.reservation);
        member
    }

    /// Refills everybody from `first` on in deadline order, from the actual state; with a guest,
    /// that job at its place, which is not before `first`. Keeps the new set, and returns the
    /// guest's reservation, only if everybody is in time.
    pub(super) fn refill_from(
        &mut self,
        first: usize,
        guest: Option<&Member>,
        filling: Filling,
        now: SimTime,
    ) -> Option<Reservation> {
        let mut free = self.free.clone();
        for member in &self.members[first..] {
            free.release(&member.reservation);
        }
        let mut fill = |member: &Member| {
            let mut reservation = Reservation::default();
            let in_time = member.fill(filling, &free, now, &mut reservation);
            if in_time {
                free.reserve(&reservation);
            }
            in_time.then_some(reservation)
        };
        let place = guest.map_or(first, |guest| self.place(guest));
        let mut fresh = Vec::with_capacity(self.members.len() - first);
        for member in &self.members[first..place] {
            fresh.push(fill(member)?);
        }
        let guests = match guest {
            Some(guest) => fill(guest)?,
            None => Reservation::default(),
        };
        for member in &self.members[place..] {
            fresh.push(fill(member)?);
        }
        for (member, reservation) in self.members[first..].iter_mut().zip(fresh) {
            member.reservation = reservation;
        }
        // The guest's own is taken when it is inserted.
        free.release(&guests);
        self.free = free;
        Some(guests)
    }

    /// Tries another reservation for a job inside its own plus what is free, and keeps it if
    /// `better(old, new)` says so.
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

    /// Grants what the reservations say for now.
    pub(super) fn grant(&self, now: SimTime, plan: &mut Plan) {
        for member in &self.members {
            let gpus = member.reservation.at(now);
            if !gpus.is_zero() {
                plan.grant(member.id, gpus);
            }
        }
    }

    /// Pins everybody who goes on at an unchanged count and could not afford to be moved: for whom
    /// there is no room for a full pause now. Who can is given that room.
    pub(super) fn pin(&mut self, now: SimTime, plan: &mut Plan) {
        for place in 0..self.members.len() {
            let member = &self.members[place];
            let gpus = member.reservation.at(now);
            let Some(level) = member.needs.level(gpus).filter(|_| gpus == member.needs.held) else {
                continue;
            };
            let moved = member.needs.end_at(&member.needs.sizes[level], now, Start::MayMove);
            let has_room = member.reservation.next_step(now).is_none() && moved <= member.reservation.end();
            // Whatever comes later, it must have the same count now.
            let same = |_: &Reservation, new: &Reservation| new.at(now) == gpus;
            if !has_room && !self.replace(place, now, level, Start::MayMove, same) {
                plan.pin(self.members[place].id);
            }
        }
    }

    /// Asks to be called when the next reservation changes its count, other than by its end.
    pub(super) fn wake(&self, now: SimTime, plan: &mut Plan) {
        for step in self.members.iter().filter_map(|member| member.reservation.next_step(now)) {
            plan.wake_at(step);
        }
    }
}
