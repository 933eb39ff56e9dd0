//! Pollux (OSDI 2021): goodput-driven scheduling. GPUs and batch sizes are chosen together, by
//! throughput times statistical efficiency, for the highest harmonic mean of how much faster jobs
//! are than at a fair share. How fast a job is on what it has not been on is learned from what it
//! was seen to do. Deadlines and requested sizes play no part.
//!
//! Plans are made in rounds. What happens between two rounds waits for the next: what ended leaves
//! its GPUs idle, what arrived has none.

mod agent;
mod fit;
mod search;
mod settings;
mod speedup;

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::cluster::{NodeId, NodeSet};
use crate::goodput::first_batch;
use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};

use super::{Entry, OptionsError, Plan, Scheduler, View};
use agent::Agent;
use search::{SearchJob, search};
use settings::{ARTIFACT, Base, OPTIONS, SeedPlans, Settings};
use speedup::Batches;

pub(super) const ENTRY: Entry = Entry {
    name: "pollux",
    summary: "goodput: GPUs and batch sizes together, for the best mean speedup over fair shares; ignores deadlines",
    paper: Some("Qiao et al., OSDI 2021"),
    knows: "what was seen of its jobs: step times, gradient noise",
    options: OPTIONS,
    adapts_batch: true,
    artifact: Some(ARTIFACT),
    build: |options, seed| Ok(Box::new(Pollux::new(options.read()?, seed)?)),
    ..Entry::BASE
};

struct Pollux {
    settings: Settings,
    interval: SimDuration,
    draw: ChaCha8Rng,
    notes: BTreeMap<JobId, Note>,
    /// The plans that nobody beat in the last round, and whose their rows are.
    front: Vec<Vec<u8>>,
    ranks: Vec<JobId>,
    /// The round to come.
    next: SimTime,
}

/// What is known of a live job.
struct Note {
    agent: Agent,
    batches: Batches,
    /// The counts that it can run on, if not all up to the most GPUs that it may ever have.
    counts: Option<Vec<u32>>,
    most: u32,
    /// How often its GPUs changed to others but none, its start included.
    starts: u32,
    /// What it holds, and at which batch size.
    held: NodeSet,
    batch: Option<u32>,
}

/// Among so many jobs it is worth asking whether anybody could be better off.
const FEW: usize = 4;

/// The most GPUs of a node that a job can have: counts are bytes with a bit to spare.
const NODE: u32 = 127;

impl Note {
    fn new(view: &View<'_>, id: JobId) -> Note {
        let capacity = view.capacity().get();
        let limits = view.batch_limits(id).copied();
        let batches = limits.map_or(Batches::Own(f64::from(view.job(id).batch_size)), Batches::Within);
        let (counts, most) = match limits {
            Some(limits) if limits.pinned.is_some() => (None, 1),
            Some(limits) => {
                (None, capacity.min(limits.gpus).min(limits.largest / limits.local.0.max(1)).max(1))
            }
            None => {
                let runs = |gpus: &u32| view.rate(id, Gpus::new(*gpus)).is_some();
                let counts: Vec<u32> = (1..=capacity).filter(runs).collect();
                let most = counts.last().copied().unwrap_or(1);
                ((counts.len() < most as usize).then_some(counts), most)
            }
        };
        Note {
            agent: Agent::new(batches),
            batches,
            counts,
            most,
            starts: 0,
            held: NodeSet::default(),
            batch: None,
        }
    }

    /// The most GPUs that it may have now: twice as many as it was seen on, so that what is not
    /// known is not far off.
    fn cap(&self) -> u32 {
        let first = self.counts.as_ref().and_then(|counts| counts.first()).copied().unwrap_or(1);
        (2 * self.agent.most_seen()).max(first).min(self.most)
    }

    /// Whether it has been seen on the GPUs that it holds, and would be faster on no others that it
    /// may have. `node` is the size of the largest node.
    fn is_content(&mut self, node: u32) -> bool {
        let (spans, gpus, cap) = (self.held.nodes() > 1, self.held.gpus().get(), self.cap());
        if gpus == 0 || self.agent.most_seen() < gpus {
            return false;
        }
        let counts = self.counts.as_deref();
        let Some(goodputs) = self.agent.goodputs() else { return false };
        let own = goodputs.at(spans, gpus);
        (1..=cap).filter(|count| counts.is_none_or(|counts| counts.contains(count))).all(|count| {
            (count > node || goodputs.at(false, count) <= own)
                && (count == 1 || goodputs.at(true, count) <= own)
        })
    }

    /// The batch size of the most goodput, as far as that is known.
    fn best_batch(&mut self) -> Option<u32> {
        let (nodes, gpus) = (self.held.nodes(), self.held.gpus().get());
        match (self.agent.goodputs(), self.batches) {
            (_, Batches::Own(_)) => None,
            (Some(goodputs), _) => goodputs.batch(nodes > 1, gpus),
            (None, Batches::Within(limits)) => first_batch(&limits, gpus).map(|choice| choice.batch),
        }
    }
}

impl Pollux {
    fn new(settings: Settings, seed: u64) -> Result<Pollux, OptionsError> {
        let interval = settings.check()?;
        Ok(Pollux {
            settings,
            interval,
            draw: ChaCha8Rng::seed_from_u64(seed),
            notes: BTreeMap::new(),
            front: Vec::new(),
            ranks: Vec::new(),
            next: SimTime::ZERO,
        })
    }

    /// Brings the notes up to now, and says whether it is time for a round.
    fn is_due(&mut self, view: &View<'_>) -> bool {
        let quiet = self.notes.is_empty() || view.live() == view.arrivals();
        self.notes.retain(|id, _| view.is_live(*id));
        for id in view.live() {
            self.notes.entry(*id).or_insert_with(|| Note::new(view, *id));
        }
        let into = self.settings.ticks.into(view.now(), self.next, self.interval, quiet);
        self.next = view.now() + self.interval.saturating_sub(into);
        into == SimDuration::ZERO
    }

    /// Learns, searches, and changes what jobs hold.
    fn round(&mut self, view: &View<'_>) {
        for (id, note) in &mut self.notes {
            note.agent.learn(view.observed(*id));
        }
        if self.content(view) {
            self.front.clear();
        } else {
            self.improve(view);
        }
        for note in self.notes.values_mut() {
            note.batch = if note.held.nodes() > 0 { note.best_batch() } else { None };
        }
    }

    /// Whether nobody could be faster on anything, by what is known of everybody.
    fn content(&mut self, view: &View<'_>) -> bool {
        let node = view.nodes().nodes().iter().map(|size| size.get()).max().unwrap_or(1);
        self.settings.seeds == SeedPlans::Greedy
            && self.notes.len() <= FEW
            && self.notes.values_mut().all(|note| note.is_content(node))
    }

    /// Searches, and changes what jobs hold.
    fn improve(&mut self, view: &View<'_>) {
        let mut ranks: Vec<JobId> = self.notes.keys().copied().collect();
        ranks.sort_by_key(|id| (view.attained(*id), view.job(*id).submit, *id));
        let nodes: Vec<u8> = view.nodes().nodes().iter().map(|size| size.get().min(NODE) as u8).collect();
        let initial = self.initial(&ranks, nodes.len());
        let share = view.capacity().get().div_ceil(ranks.len() as u32);
        let share_spans =
            self.settings.base == Base::Needed && view.nodes().fewest_nodes(Gpus::new(share)) > 1;
        let mut notes: BTreeMap<JobId, &mut Note> =
            self.notes.iter_mut().map(|(id, note)| (*id, note)).collect();
        let rows = ranks.iter().filter_map(|id| {
            let note = notes.remove(id)?;
            let age = view.now().since(view.job(*id).submit).as_secs_f64();
            let (cap, current) = (note.cap(), row(&note.held, nodes.len()));
            let share = match self.settings.base {
                Base::Needed => share.min(note.most),
                Base::One => share,
            };
            let fair = move |gpus: u32| f64::from(gpus) / f64::from(share);
            let speedup: Box<dyn FnMut(bool, u32) -> f64> = match note.agent.goodputs() {
                None => Box::new(move |_, gpus| fair(gpus)),
                Some(goodputs) => {
                    let base = goodputs.at(share_spans && share > 1, share);
                    Box::new(
                        move |spans, gpus| {
                            if base > 0.0 { goodputs.at(spans, gpus) / base } else { fair(gpus) }
                        },
                    )
                }
            };
            let after_change = self.settings.after_change(age, note.starts);
            Some(SearchJob { current, cap, counts: note.counts.as_deref(), after_change, speedup })
        });
        let (effort, interference, seeds) = self.settings.search();
        let found = search(rows.collect(), &nodes, &initial, seeds, interference, effort, &mut self.draw);
        for (id, row) in ranks.iter().zip(found.best.chunks_exact(nodes.len())) {
            if let Some(note) = self.notes.get_mut(id) {
                let mut held = NodeSet::default();
                for (node, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                    held.add(NodeId(node as u32), Gpus::new(u32::from(*count)));
                }
                note.starts += u32::from(held != note.held && held.nodes() > 0);
                note.held = held;
            }
        }
        (self.front, self.ranks) = (found.front, ranks);
    }

    /// The plans to start from: those that nobody beat in the last round, their rows given to who
    /// is here now.
    fn initial(&self, ranks: &[JobId], width: usize) -> Vec<Vec<u8>> {
        let from = self.settings.warm_start.places(&self.ranks, ranks);
        let mapped = |plan: &Vec<u8>| {
            let rows = from.iter().map(|rank| rank.map(|rank| &plan[rank * width..(rank + 1) * width]));
            rows.flat_map(|row| row.map_or_else(|| vec![0; width], <[u8]>::to_vec)).collect()
        };
        let mut plans: Vec<Vec<u8>> = self.front.iter().map(mapped).collect();
        if plans.is_empty() || self.settings.seeds == SeedPlans::Greedy {
            plans.push(ranks.iter().flat_map(|id| row(&self.notes[id].held, width)).collect());
        }
        plans
    }
}

/// What a job holds of each node.
fn row(held: &NodeSet, width: usize) -> Vec<u8> {
    let mut row = vec![0; width];
    for (node, gpus) in held.parts() {
        row[node.index()] = gpus.get() as u8;
    }
    row
}

impl Scheduler for Pollux {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        let due = self.is_due(view);
        if self.notes.is_empty() {
            return plan;
        }
        if due {
            self.round(view);
        }
        for (id, note) in self.notes.iter().filter(|(_, note)| note.held.nodes() > 0) {
            let grant = plan.grant_on(*id, note.held.clone());
            if let Some(batch) = note.batch {
                grant.batch(batch);
            }
        }
        // Where nothing could be better and no batch size may change, there is nothing to do until
        // somebody comes or goes.
        let at_rest =
            self.notes.values().all(|note| matches!(note.batches, Batches::Own(_))) && self.content(view);
        if !at_rest {
            plan.wake_at(self.next);
        }
        plan
    }
}
