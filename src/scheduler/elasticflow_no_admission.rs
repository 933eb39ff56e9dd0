//! ElasticFlow without admission control ("EDF + Elastic Scaling" in the paper's figure 9): in
//! deadline order each job gets its minimum satisfactory share, or all it can use where it cannot
//! be in time; what is left goes by marginal return. Nobody is turned away, so under overload jobs
//! that are late anyway take GPUs from those that are not yet.

use super::best_effort::BestEffort;
use super::elastic;
use super::reservation::{Reservation, Start};
use super::reservations::{Filling, Member, Reservations};
use super::{Entry, Plan, Scheduler, View};
use crate::units::SimTime;

pub(super) const ENTRY: Entry = Entry {
    name: "elasticflow-no-admission",
    aliases: &["ef"],
    summary: "minimum satisfactory shares in deadline order and elastic allocation; nobody is turned away",
    paper: "Gu et al., ASPLOS 2023, section 6.4",
    knows: "iterations as declared, measured speeds",
    options: &[],
    grant_admits: false,
    requested_size: false,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(NoAdmission { waiting: Vec::new(), best_effort: BestEffort::default() }))
    },
};

struct NoAdmission {
    /// All live deadline jobs, in deadline order.
    waiting: Vec<Member>,
    best_effort: BestEffort,
}

impl Scheduler for NoAdmission {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let now = view.now();
        let mut plan = Plan::new();
        self.best_effort.update(view, &mut plan);
        self.waiting.retain(|member| view.is_live(member.id));
        for id in view.arrivals() {
            if view.job(*id).deadline.is_some() {
                plan.admit(*id, None);
                self.waiting.push(Member::new(view, *id));
            }
        }
        self.waiting.sort_by_key(Member::key);
        // Whoever comes after the last free GPU gets none now, and nothing is promised for later.
        let mut reservations = Reservations::new();
        reservations.free.reset(now, view.capacity());
        while !reservations.free.now().is_zero() && reservations.members.len() < self.waiting.len() {
            let member = &mut self.waiting[reservations.members.len()];
            member.needs.update(view, member.id);
            let mut member = member.clone();
            let (free, mut reservation) = (&reservations.free, Reservation::default());
            if !member.fill(Filling::LeastShare, free, now, &mut reservation) {
                let top = member.needs.top();
                member.needs.fill(free, now, top, Start::Stays, SimTime::NEVER, &mut reservation);
            }
            member.latest = member.latest.max(reservation.end());
            member.reservation = reservation;
            reservations.free.reserve(&member.reservation);
            reservations.members.push(member);
        }
        elastic::hand_out(view, &mut reservations, &mut self.best_effort);
        reservations.grant(now, &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
}
