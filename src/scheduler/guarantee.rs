//! Deadlines that are kept: who is admitted holds a reservation that ends in time, in a set that
//! fits the cluster, from the admission to the end (METHODOLOGY.md, "Why an admitted job is never
//! late").

use crate::job::JobId;
use crate::units::SimTime;

use super::reservation::{Reservation, Start};
use super::reservations::{Filling, Member, Reservations};
use super::{Plan, Promise, Reason, View};

/// The admitted deadline jobs.
#[derive(Clone, Debug)]
pub(super) struct Guarantee {
    filling: Filling,
    pub(super) reservations: Reservations,
}

impl Guarantee {
    pub(super) fn new(filling: Filling) -> Guarantee {
        Guarantee { filling, reservations: Reservations::new() }
    }

    /// Brings the set up to now. Where the world has not followed it, for wrong profiles, the set
    /// is refilled; whom that does not save loses the deadline, so that the others keep theirs.
    pub(super) fn update(&mut self, view: &View<'_>) {
        let now = view.now();
        self.reservations.update(view);
        let holds = |member: &Member| member.needs.follows(&member.reservation, now);
        if self.reservations.members.iter().all(holds) || self.refill(now) {
            return;
        }
        let (kept, broken) = std::mem::take(&mut self.reservations.members).into_iter().partition(holds);
        self.reservations.members = kept;
        for mut member in broken {
            self.reservations.free.release(&member.reservation);
            member.latest = SimTime::NEVER;
            member.reservation = Reservation::default();
            let free = &self.reservations.free;
            let mut reservation = Reservation::default();
            if member.fill(self.filling, free, now, &mut reservation) {
                member.reservation = reservation;
            }
            self.reservations.insert(member);
        }
    }

    /// Refills every job in deadline order from the actual state; keeps the old set if somebody
    /// would be late.
    pub(super) fn refill(&mut self, now: SimTime) -> bool {
        self.reservations.refill_from(0, None, self.filling, now).is_some()
    }

    /// Judges the deadline jobs that arrived, one by one.
    pub(super) fn judge_arrivals(&mut self, view: &View<'_>, plan: &mut Plan) {
        for id in view.arrivals() {
            if view.job(*id).deadline.is_some() {
                match self.judge(view, *id) {
                    Ok(promise) => plan.admit(*id, Some(promise)),
                    Err(reason) => plan.decline(*id, reason),
                }
            }
        }
    }

    /// Admits a job if a feasible set with it is found.
    fn judge(&mut self, view: &View<'_>, id: JobId) -> Result<Promise, Reason> {
        let now = view.now();
        let deadline = view.job(id).due();
        let mut member = Member::new(view, id);
        let alone = |size| member.needs.end_at(size, now, Start::Stays);
        let Some(needed) = member.needs.sizes.iter().find(|size| alone(size) <= member.latest) else {
            let earliest = member.needs.sizes.iter().map(alone).min().unwrap_or(SimTime::NEVER);
            return Err(Reason::Infeasible { earliest, deadline });
        };
        let needed = needed.gpus;
        let Some(reservation) = self.find_room(&member, now) else {
            let (free, top) = (&self.reservations.free, member.needs.top());
            let mut late = Reservation::default();
            let ends = member.needs.fill(free, now, top, Start::Stays, SimTime::NEVER, &mut late);
            let earliest = ends.then(|| late.end());
            return Err(Reason::InsufficientCapacity {
                needed,
                deadline,
                most_free: free.most(deadline),
                earliest,
            });
        };
        let end = reservation.end();
        member.reservation = reservation;
        self.reservations.insert(member);
        Ok(Promise { end })
    }

    /// A reservation for a job beside all others, who may have to make room: behind it in deadline
    /// order, or not at all, or, before it is refused, wherever they stand.
    fn find_room(&mut self, member: &Member, now: SimTime) -> Option<Reservation> {
        let place = self.reservations.place(member);
        let behind = self.reservations.refill_from(place, Some(member), self.filling, now);
        behind
            .or_else(|| {
                let mut left = Reservation::default();
                member.fill(self.filling, &self.reservations.free, now, &mut left).then_some(left)
            })
            .or_else(|| self.reservations.refill_from(0, Some(member), self.filling, now))
    }

    /// Grants, pins and wake-ups for what the set says.
    pub(super) fn enact(&mut self, view: &View<'_>, plan: &mut Plan) {
        self.reservations.grant(view.now(), plan);
        self.reservations.pin(view.now(), plan);
        self.reservations.wake(view.now(), plan);
    }
}
