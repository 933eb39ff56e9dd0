//! ElasticFlow (ASPLOS 2023): admission control by minimum satisfactory share, elastic allocation
//! of what is left by marginal return. An admitted job is never late. Best-effort jobs are always
//! admitted and get what guaranteed jobs leave.

use super::best_effort::BestEffort;
use super::elastic;
use super::guarantee::Guarantee;
use super::reservations::Filling;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "elasticflow",
    aliases: &["ef-accessctrl"],
    summary: "admission by minimum satisfactory share, elastic allocation by marginal return; never late",
    paper: "Gu et al., ASPLOS 2023",
    knows: "iterations as declared, measured speeds",
    options: &[],
    grant_admits: false,
    requested_size: false,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(ElasticFlow {
            guarantee: Guarantee::new(Filling::LeastShare),
            best_effort: BestEffort::default(),
        }))
    },
};

struct ElasticFlow {
    guarantee: Guarantee,
    best_effort: BestEffort,
}

impl Scheduler for ElasticFlow {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.guarantee.update(view);
        self.best_effort.update(view, &mut plan);
        // Back to minimum shares, and out again: only when there is somebody to make room for, a
        // newcomer with a deadline or a best-effort job without GPUs. After an end, what became
        // free is handed out on top of what the others have.
        let newcomers = view.arrivals().iter().any(|id| view.job(*id).deadline.is_some());
        if newcomers || self.best_effort.someone_waits() {
            self.guarantee.refill(view.now());
        }
        self.guarantee.judge_arrivals(view, &mut plan);
        elastic::hand_out(view, &mut self.guarantee.reservations, &mut self.best_effort);
        self.guarantee.enact(view, &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
}
