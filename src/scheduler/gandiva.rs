//! Gandiva (Xiao et al., OSDI 2018, section 4): time slicing at the requested size. Jobs of
//! one size share node sets, and take turns where there are more jobs than room.
//!
//! Every node belongs to at most one size. A *node set* is as many nodes as a job of its size
//! needs, cut into *slots* of that size; a slot with several jobs is a rotation. Each size gets one
//! node set, the size of the job with the least attained service first; then the size with the most
//! jobs for each slot gets another, as long as it has more jobs than slots. Where there are not
//! enough nodes for all sizes, a size keeps its set for a term of ten turns before another size may
//! take it. Sets are kept from plan to plan; only surplus sets go, and their jobs move to the sets
//! that stay. A slot whose jobs change begins its rotation anew, with the job that has attained the
//! least service, so that no job starves through changes.
//!
//! Deadlines play no part, and best-effort jobs are like all others. Left out are packing several
//! jobs onto one GPU, growing and shrinking jobs, and migration by trial and error.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::cluster::{NodeId, NodeSet};
use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime, positive_duration};

use super::{Entry, OptionDoc, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "gandiva",
    summary: "time slicing on node sets that are shared by jobs of one size, at the requested size",
    paper: Some("Xiao et al., OSDI 2018"),
    options: &[OptionDoc {
        key: "quantum",
        default: "60 s",
        help: "how long a turn is; at least twice the longest restart overhead of the jobs that share",
    }],
    knows: "requested size",
    requested_size: true,
    build: |options, _| {
        let GandivaOptions { quantum } = options.read()?;
        Ok(Box::new(Gandiva { quantum, sizes: BTreeMap::new(), owners: Vec::new() }))
    },
    intervals: &["quantum"],
    ..Entry::BASE
};

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GandivaOptions {
    #[serde(deserialize_with = "positive_duration")]
    quantum: SimDuration,
}

impl Default for GandivaOptions {
    fn default() -> GandivaOptions {
        GandivaOptions { quantum: SimDuration::from_secs(60) }
    }
}

struct Gandiva {
    /// The least length of a turn.
    quantum: SimDuration,
    /// The sizes that live jobs have.
    sizes: BTreeMap<Gpus, JobsOfSize>,
    /// The size that each node belongs to, by node.
    owners: Vec<Option<Gpus>>,
}

/// The jobs and the node sets of one size.
#[derive(Default)]
struct JobsOfSize {
    /// Jobs without a slot, in the order in which they arrived or lost their set.
    waiting: Vec<JobId>,
    /// Node sets, each with its slots; a set has at least one slot.
    sets: Vec<Vec<Slot>>,
    /// When the size got its first set, or when its last term ended; `None` without a set.
    since: Option<SimTime>,
}

/// GPUs for one job at a time.
struct Slot {
    nodes: NodeSet,
    /// In the order of their turns.
    jobs: Vec<JobId>,
    /// The length of a turn.
    quantum: SimDuration,
    /// Whether the jobs are not those of the last plan.
    changed: bool,
}

impl Scheduler for Gandiva {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        self.owners.resize(view.nodes().nodes().len(), None);
        for id in view.arrivals() {
            self.sizes.entry(view.job(*id).requested).or_default().waiting.push(*id);
        }
        for id in view.completions() {
            let size = self.sizes.get_mut(&view.job(*id).requested).expect("a completed job was of a size");
            size.forget(*id);
        }
        self.sizes.retain(|_, size| {
            let empty = size.jobs().next().is_none();
            if empty {
                size.sets.drain(..).for_each(|set| give_up(&mut self.owners, &set));
            }
            !empty
        });
        let term = self.term(view);
        self.resize(view, term);
        let mut plan = Plan::new();
        for (gpus, size) in &mut self.sizes {
            size.settle_in();
            for slot in size.sets.iter_mut().flatten() {
                slot.grant(view, *gpus, self.quantum, &mut plan);
            }
        }
        if self.sizes.values().any(|size| size.sets.is_empty()) {
            let ends = self.sizes.values().filter_map(|size| Some(size.since? + term));
            let next = ends.filter(|end| *end > view.now()).min();
            plan.wake_at(next.unwrap_or(view.now() + term));
        }
        plan
    }
}

/// How many turns a size keeps a set before a size that has none may take it: moving costs more
/// than a turn.
const TERM: u64 = 10;

impl Gandiva {
    /// Returns how long a size keeps its last set while other sizes have none.
    fn term(&self, view: &View<'_>) -> SimDuration {
        let all = self.sizes.iter().flat_map(|(gpus, size)| size.jobs().map(|id| (*gpus, id)));
        // Without live jobs there is nothing to turn.
        let longest = all.map(|(gpus, id)| turn(view, id, gpus, self.quantum)).max().unwrap_or(self.quantum);
        SimDuration::from_micros(TERM * longest.as_micros())
    }

    /// Gives node sets to sizes by demand, and takes surplus sets away.
    fn resize(&mut self, view: &View<'_>, term: SimDuration) {
        let now = view.now();
        let in_term = |size: &JobsOfSize| size.since.is_some_and(|since| now < since + term);
        let kept: BTreeSet<Gpus> =
            self.sizes.iter().filter(|size| in_term(size.1)).map(|size| *size.0).collect();
        let wanted = self.wanted_sets(view, &kept);
        for (gpus, size) in &mut self.sizes {
            let wanted = wanted.get(gpus).copied().unwrap_or(0);
            while size.sets.len() > wanted {
                let set = size.drop_set(view);
                give_up(&mut self.owners, &set);
            }
        }
        for (gpus, size) in &mut self.sizes {
            let wanted = wanted.get(gpus).copied().unwrap_or(0);
            while size.sets.len() < wanted {
                let Some(nodes) = free_nodes(view, &self.owners, *gpus) else { break };
                for node in &nodes {
                    self.owners[node.index()] = Some(*gpus);
                }
                size.sets.push(slots(view, &nodes, *gpus));
            }
            // A term that is over begins anew for a size that has a set now.
            size.since = match size.since {
                _ if size.sets.is_empty() => None,
                Some(since) if kept.contains(gpus) => Some(since),
                _ => Some(now),
            };
        }
    }

    /// Returns how many node sets each size should have; sizes in `kept` are in their terms and
    /// keep one. A size that is missing should have none.
    fn wanted_sets(&self, view: &View<'_>, kept: &BTreeSet<Gpus>) -> BTreeMap<Gpus, usize> {
        // Sets are counted on the nodes themselves: where nodes differ in size, a set may have few
        // slots, or need many nodes.
        let mut owners = vec![None; view.nodes().nodes().len()];
        let mut room = |gpus: Gpus| {
            let nodes = free_nodes(view, &owners, gpus)?;
            for node in &nodes {
                owners[node.index()] = Some(gpus);
            }
            Some(slots(view, &nodes, gpus).len())
        };
        let mut wanted: BTreeMap<Gpus, usize> = BTreeMap::new();
        let mut places: BTreeMap<Gpus, usize> = BTreeMap::new();
        let neediest = |size: &JobsOfSize| size.jobs().map(|id| (view.attained(id), id)).min();
        let mut order: Vec<_> =
            self.sizes.iter().map(|(gpus, size)| (!kept.contains(gpus), neediest(size), *gpus)).collect();
        order.sort_unstable();
        for (.., gpus) in order {
            if let Some(count) = room(gpus) {
                wanted.insert(gpus, 1);
                places.insert(gpus, count);
            }
        }
        let jobs: BTreeMap<Gpus, usize> =
            self.sizes.iter().map(|(gpus, size)| (*gpus, size.jobs().count())).collect();
        let mut full: BTreeSet<Gpus> = BTreeSet::new();
        loop {
            // The most jobs for each slot, compared as fractions; of equal ones the smaller size.
            let crowded = places
                .iter()
                .map(|(gpus, slots)| (*gpus, jobs[gpus], *slots))
                .filter(|(gpus, jobs, slots)| jobs > slots && !full.contains(gpus))
                .max_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2)).then(b.0.cmp(&a.0)));
            let Some((gpus, ..)) = crowded else { return wanted };
            match room(gpus) {
                Some(count) => {
                    *wanted.entry(gpus).or_default() += 1;
                    *places.entry(gpus).or_default() += count;
                }
                None => {
                    full.insert(gpus);
                }
            }
        }
    }
}

/// Returns nodes without an owner that together hold a job on `gpus` GPUs: the smallest node that
/// is large enough, or, where no node of the cluster is, the largest ones.
fn free_nodes(view: &View<'_>, owners: &[Option<Gpus>], gpus: Gpus) -> Option<Vec<NodeId>> {
    let sizes = view.nodes().nodes();
    let mut free: Vec<NodeId> =
        (0..sizes.len()).filter(|node| owners[*node].is_none()).map(|node| NodeId(node as u32)).collect();
    let size = |node: &NodeId| sizes[node.index()];
    if sizes.iter().any(|size| *size >= gpus) {
        return free.into_iter().filter(|node| size(node) >= gpus).min_by_key(size).map(|node| vec![node]);
    }
    free.sort_by_key(|node| Reverse(size(node)));
    let mut room = Gpus::ZERO;
    let last = free.iter().position(|node| {
        room += size(node);
        room >= gpus
    })?;
    free.truncate(last + 1);
    Some(free)
}

/// Cuts nodes into slots of `gpus` GPUs. Several nodes are one slot.
fn slots(view: &View<'_>, nodes: &[NodeId], gpus: Gpus) -> Vec<Slot> {
    let sizes = view.nodes().nodes();
    let slot = |nodes| Slot { nodes, jobs: Vec::new(), quantum: SimDuration::ZERO, changed: false };
    if let [node] = nodes {
        let count = sizes[node.index()].get() / gpus.get();
        return (0..count).map(|_| slot(NodeSet::of(*node, gpus))).collect();
    }
    let mut set = NodeSet::default();
    let mut left = gpus;
    for node in nodes {
        let part = left.min(sizes[node.index()]);
        set.add(*node, part);
        left -= part;
    }
    vec![slot(set)]
}

/// Leaves the nodes of a set without an owner.
fn give_up(owners: &mut [Option<Gpus>], set: &[Slot]) {
    for (node, _) in set.iter().flat_map(|slot| slot.nodes.parts()) {
        owners[node.index()] = None;
    }
}

impl JobsOfSize {
    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.sets.iter().flatten()
    }

    /// Returns all jobs of the size: those in slots, then those that wait.
    fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.slots().flat_map(|slot| &slot.jobs).chain(&self.waiting).copied()
    }

    /// Removes a job.
    fn forget(&mut self, id: JobId) {
        self.waiting.retain(|job| *job != id);
        for slot in self.sets.iter_mut().flatten() {
            let before = slot.jobs.len();
            slot.jobs.retain(|job| *job != id);
            slot.changed |= slot.jobs.len() != before;
        }
    }

    /// Removes the set on the largest node, of several the one with the fewest jobs, of several the
    /// last. Its jobs wait.
    fn drop_set(&mut self, view: &View<'_>) -> Vec<Slot> {
        let node =
            |set: &[Slot]| set[0].nodes.parts().iter().map(|part| view.nodes().nodes()[part.0.index()]).max();
        let load = |set: &[Slot]| set.iter().map(|slot| slot.jobs.len()).sum::<usize>();
        let sets = self.sets.len();
        let least = (0..sets)
            .min_by_key(|set| (Reverse(node(&self.sets[*set])), load(&self.sets[*set]), sets - set))
            .expect("a size that drops a set has one");
        let set = self.sets.remove(least);
        self.waiting.extend(set.iter().flat_map(|slot| &slot.jobs));
        set
    }

    /// Gives every waiting job a slot, and evens the slots out by moving as few jobs as that takes.
    /// Without slots all jobs go on waiting.
    fn settle_in(&mut self) {
        let mut slots: Vec<&mut Slot> = self.sets.iter_mut().flatten().collect();
        if slots.is_empty() {
            return;
        }
        for id in self.waiting.drain(..) {
            let (shortest, _) = shortest_and_longest(&slots);
            slots[shortest].jobs.push(id);
            slots[shortest].changed = true;
        }
        loop {
            let (to, from) = shortest_and_longest(&slots);
            if slots[from].jobs.len() < slots[to].jobs.len() + 2 {
                return;
            }
            let id = slots[from].jobs.pop().expect("the longest slot has two jobs more than the shortest");
            slots[to].jobs.push(id);
            slots[from].changed = true;
            slots[to].changed = true;
        }
    }
}

/// Returns the slots with the fewest and the most jobs; of several the first.
fn shortest_and_longest(slots: &[&mut Slot]) -> (usize, usize) {
    let jobs = |slot: &usize| slots[*slot].jobs.len();
    let shortest = (0..slots.len()).min_by_key(|slot| (jobs(slot), *slot));
    let longest = (0..slots.len()).max_by_key(|slot| (jobs(slot), Reverse(*slot)));
    shortest.zip(longest).expect("there are slots")
}

impl Slot {
    /// Grants the slot to its jobs, if it has any. A slot whose jobs have changed begins with the
    /// one that has attained the least service.
    fn grant(&mut self, view: &View<'_>, gpus: Gpus, quantum: SimDuration, plan: &mut Plan) {
        if self.jobs.is_empty() {
            return;
        }
        if self.changed {
            self.changed = false;
            self.jobs.sort_by_key(|id| (view.attained(*id), *id));
            let longest = self.jobs.iter().map(|id| turn(view, *id, gpus, quantum)).max();
            self.quantum = longest.expect("the slot has jobs");
        }
        plan.rotate_on(&self.jobs, self.nodes.clone(), self.quantum);
    }
}

/// Returns how long a turn of a job must be for at least half of it to be work, and at least
/// `quantum`.
fn turn(view: &View<'_>, id: JobId, gpus: Gpus, quantum: SimDuration) -> SimDuration {
    let restart = view.turn(id, gpus).max(view.restart_overhead(id, gpus));
    quantum.max(restart + restart)
}
