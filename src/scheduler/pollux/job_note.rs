//! What is noted of a live job: what was learned of it, what it may have, and what it has.

use super::agent::Agent;
use super::search::SearchJob;
use super::speedup::AllowedBatches;
use crate::cluster::{NodeId, NodeSet};
use crate::goodput::first_batch;
use crate::job::JobId;
use crate::scheduler::View;
use crate::units::Gpus;

/// What is noted of a live job.
pub(super) struct JobNote {
    agent: Agent,
    batches: AllowedBatches,
    /// The GPU counts that the job can run on, ascending and not empty; `None` if it can run on
    /// every count up to `most`.
    counts: Option<Vec<u32>>,
    /// The largest GPU count that the job may ever have.
    most: u32,
    /// How often its GPUs changed to other ones, its first start included.
    starts: u32,
    /// The GPUs that the job holds between this round and the next.
    held: NodeSet,
    /// The global batch size that was chosen for it, in examples.
    batch: Option<u32>,
}

/// The share of the cluster that speedups are measured against.
#[derive(Clone, Copy)]
pub(super) struct FairShare {
    /// The GPUs of the cluster ÷ the live jobs, rounded up.
    pub(super) gpus: u32,
    /// Whether speeds on the share are those of several nodes.
    pub(super) spans: bool,
    /// Whether the share of a job has no more GPUs than it can use.
    pub(super) is_capped: bool,
}

impl JobNote {
    /// Creates the note of a job that has just arrived.
    pub(super) fn new(view: &View<'_>, id: JobId) -> JobNote {
        let capacity = view.capacity().get();
        let limits = view.batch_limits(id).copied();
        let own = AllowedBatches::Own(f64::from(view.job(id).batch_size));
        let batches = limits.map_or(own, AllowedBatches::Within);
        let (counts, most) = match limits {
            Some(limits) if limits.pinned.is_some() => (None, 1),
            Some(limits) => {
                (None, capacity.min(limits.gpus).min(limits.largest / limits.local.0.max(1)).max(1))
            }
            None => {
                let has_speed = |gpus: &u32| view.rate(id, Gpus::new(*gpus)).is_some();
                let counts: Vec<u32> = (1..=capacity).filter(has_speed).collect();
                let most = *counts.last().expect("the smallest size of a live job fits the cluster");
                ((counts.len() < most as usize).then_some(counts), most)
            }
        };
        JobNote {
            agent: Agent::new(batches),
            batches,
            counts,
            most,
            starts: 0,
            held: NodeSet::default(),
            batch: None,
        }
    }

    /// Takes in what was observed of the job.
    pub(super) fn learn(&mut self, view: &View<'_>, id: JobId) {
        self.agent.learn(view.observed(id));
    }

    /// Returns the GPUs that the job holds until the next round; an empty set for none.
    pub(super) fn held(&self) -> &NodeSet {
        &self.held
    }

    /// Returns whether the job holds GPUs until the next round.
    pub(super) fn holds_gpus(&self) -> bool {
        self.held.nodes() > 0
    }

    /// Returns the global batch size that was chosen for the job; `None` for its own.
    pub(super) fn batch(&self) -> Option<u32> {
        self.batch
    }

    /// Returns whether the job keeps the batch size that its user submitted.
    pub(super) fn keeps_batch(&self) -> bool {
        matches!(self.batches, AllowedBatches::Own(_))
    }

    /// Returns the largest GPU count that the job may have now: twice the largest on which it was
    /// observed, so that it is not given far more GPUs than its speed is known on (Pollux,
    /// section 4.1). At least the smallest that it can run on, at most the largest that it may ever
    /// have.
    fn cap(&self) -> u32 {
        let smallest = self.counts.as_ref().map_or(1, |counts| counts[0]);
        (2 * self.agent.most_gpus()).max(smallest).min(self.most)
    }

    /// Returns whether the job was observed on at least as many GPUs as it holds, and no GPUs that
    /// it may have are expected to be faster. `largest_node` is the GPU count of the largest node.
    pub(super) fn has_best_gpus(&mut self, largest_node: u32) -> bool {
        let (spans, gpus, cap) = (self.held.nodes() > 1, self.held.gpus().get(), self.cap());
        if gpus == 0 || self.agent.most_gpus() < gpus {
            return false;
        }
        let counts = self.counts.as_deref();
        let goodputs = self.agent.goodputs().expect("a job that was observed has goodputs");
        let own = goodputs.goodput(spans, gpus);
        (1..=cap).filter(|count| counts.is_none_or(|counts| counts.contains(count))).all(|count| {
            (count > largest_node || goodputs.goodput(false, count) <= own)
                && (count == 1 || goodputs.goodput(true, count) <= own)
        })
    }

    /// Chooses the batch size of the highest goodput on the GPUs that the job holds. A job that was
    /// not observed gets one as close to its initial batch size as its limits allow.
    pub(super) fn choose_batch(&mut self) {
        let (nodes, gpus) = (self.held.nodes(), self.held.gpus().get());
        self.batch = match (self.agent.goodputs(), self.batches) {
            _ if nodes == 0 => None,
            (_, AllowedBatches::Own(_)) => None,
            (Some(goodputs), _) => goodputs.best_batch(nodes > 1, gpus),
            (None, AllowedBatches::Within(limits)) => first_batch(&limits, gpus).map(|choice| choice.batch),
        };
    }

    /// Returns the job as the search sees it, on a cluster of `nodes` nodes. `after_change` returns
    /// the part of its speedup that counts if its GPUs change, by its starts.
    pub(super) fn search_job(
        &mut self,
        share: FairShare,
        nodes: usize,
        after_change: impl Fn(u32) -> f64,
    ) -> SearchJob<'_> {
        let (cap, current, after_change) = (self.cap(), self.row(nodes), after_change(self.starts));
        let share_gpus = if share.is_capped { share.gpus.min(self.most) } else { share.gpus };
        // Before anything is known, speed counts as proportional to GPUs.
        let proportional = move |gpus: u32| f64::from(gpus) / f64::from(share_gpus);
        let speedup: Box<dyn FnMut(bool, u32) -> f64> = match self.agent.goodputs() {
            None => Box::new(move |_, gpus| proportional(gpus)),
            Some(goodputs) => {
                let base = goodputs.goodput(share.spans && share_gpus > 1, share_gpus);
                if base > 0.0 {
                    Box::new(move |spans, gpus| goodputs.goodput(spans, gpus) / base)
                } else {
                    // A share that is not capped can be more GPUs than the job can use.
                    Box::new(move |_, gpus| proportional(gpus))
                }
            }
        };
        SearchJob { current, cap, counts: self.counts.as_deref(), after_change, speedup }
    }

    /// Returns the job's row of a plan for `nodes` nodes: the GPUs that it holds on each.
    pub(super) fn row(&self, nodes: usize) -> Vec<u8> {
        let mut row = vec![0; nodes];
        for (node, gpus) in self.held.parts() {
            row[node.index()] = u8::try_from(gpus.get()).expect("GPUs that are held come from a row");
        }
        row
    }

    /// Gives the job the GPUs of a row of a plan. Counts a start if they are others than before.
    pub(super) fn hold(&mut self, row: &[u8]) {
        let mut held = NodeSet::default();
        for (node, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            held.add(NodeId(node as u32), Gpus::new(u32::from(*count)));
        }
        self.starts += u32::from(held != self.held && held.nodes() > 0);
        self.held = held;
    }
}
