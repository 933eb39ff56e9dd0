//! Pollux (Qiao et al., OSDI 2021): scheduling by goodput, which is throughput times statistical
//! efficiency (section 3). GPUs and batch sizes are chosen together, for the highest harmonic mean
//! of the jobs' speedups against a fair share (section 4.2). How fast a job is on GPUs that it has
//! not had is learned from observations of it (section 4.1). Deadlines and requested sizes play no
//! part.
//!
//! Plans are made in rounds. What happens between two rounds waits for the next one: the GPUs of
//! completed jobs stay idle, and new jobs have none.

mod agent;
mod fit;
mod job_note;
mod options;
mod search;
mod speedup;

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};

use super::{Entry, OptionsError, Plan, Scheduler, View};
use job_note::{FairShare, JobNote};
use options::{ARTIFACT, OPTIONS, PolluxOptions, ShareNodes};
use search::{SearchJob, Seeds, search};

pub(super) const ENTRY: Entry = Entry {
    name: "pollux",
    summary: "goodput: GPUs and batch sizes together, for the best mean speedup over fair shares; ignores deadlines",
    paper: Some("Qiao et al., OSDI 2021"),
    knows: "what was observed of each job: step times and gradient noise",
    options: OPTIONS,
    adapts_batch: true,
    artifact: Some(ARTIFACT),
    build: |options, seed| Ok(Box::new(Pollux::new(options.read()?, seed)?)),
    intervals: &["interval"],
    rounds: |options| options.read::<PolluxOptions>().and_then(|options| options.check()).ok(),
    ..Entry::BASE
};

/// With at most this many live jobs, a round first asks whether any of them could be faster.
const FEW_JOBS: usize = 4;

/// The most GPUs of one node that the search hands out: counts are bytes with a bit to spare.
const MOST_PER_NODE: u32 = 127;

struct Pollux {
    options: PolluxOptions,
    /// The time between rounds.
    interval: SimDuration,
    draw: ChaCha8Rng,
    /// What is noted of each live job.
    notes: BTreeMap<JobId, JobNote>,
    /// The plans of the last search that no other dominates, each row after row. Empty before the
    /// first search, and after a round in which no job could be faster.
    front: Vec<Vec<u8>>,
    /// The jobs of the rows of `front`.
    front_jobs: Vec<JobId>,
    /// When the next round is due.
    next: SimTime,
}

impl Pollux {
    fn new(options: PolluxOptions, seed: u64) -> Result<Pollux, OptionsError> {
        let interval = options.check()?;
        Ok(Pollux {
            options,
            interval,
            draw: ChaCha8Rng::seed_from_u64(seed),
            notes: BTreeMap::new(),
            front: Vec::new(),
            front_jobs: Vec::new(),
            next: SimTime::ZERO,
        })
    }

    /// Brings the notes up to now. Returns whether a round is due.
    fn update(&mut self, view: &View<'_>) -> bool {
        let quiet = self.notes.is_empty() || view.live() == view.arrivals();
        self.notes.retain(|id, _| view.is_live(*id));
        for id in view.live() {
            self.notes.entry(*id).or_insert_with(|| JobNote::new(view, *id));
        }
        let since = self.options.ticks.since_round(view.now(), self.next, self.interval, quiet);
        self.next = view.now() + (self.interval - since);
        since == SimDuration::ZERO
    }

    /// Learns from observations, and chooses the GPUs and the batch size of every job.
    fn run_round(&mut self, view: &View<'_>) {
        for (id, note) in &mut self.notes {
            note.learn(view, *id);
        }
        if self.have_best_gpus(view) {
            self.front.clear();
        } else {
            self.search_plan(view);
        }
        self.notes.values_mut().for_each(JobNote::choose_batch);
    }

    /// Returns whether there are few jobs, and none of them could be faster on any GPUs, by what
    /// was learned. Always false where the search has no greedy plans, as in the artifact.
    fn have_best_gpus(&mut self, view: &View<'_>) -> bool {
        let nodes = view.nodes().nodes().iter().map(|size| size.get());
        let largest_node = nodes.max().expect("a cluster has a node");
        self.options.seeds == Seeds::Greedy
            && self.notes.len() <= FEW_JOBS
            && self.notes.values_mut().all(|note| note.has_best_gpus(largest_node))
    }

    /// Searches for the plan of the highest fitness, and gives the jobs its GPUs.
    fn search_plan(&mut self, view: &View<'_>) {
        let mut jobs: Vec<JobId> = self.notes.keys().copied().collect();
        jobs.sort_by_key(|id| (view.attained(*id), view.job(*id).submit, *id));
        let nodes: Vec<u8> =
            view.nodes().nodes().iter().map(|size| size.get().min(MOST_PER_NODE) as u8).collect();
        let initial = self.initial_plans(&jobs, nodes.len());
        let rows = search_jobs(&mut self.notes, &self.options, view, &jobs);
        let (effort, interference, seeds) = self.options.search_parameters();
        let found = search(rows, &nodes, &initial, seeds, interference, effort, &mut self.draw);
        assert_eq!(found.best.len(), jobs.len() * nodes.len(), "a plan has a row for each job");
        for (id, row) in jobs.iter().zip(found.best.chunks_exact(nodes.len())) {
            self.notes.get_mut(id).expect("each row is that of a live job").hold(row);
        }
        (self.front, self.front_jobs) = (found.front, jobs);
    }

    /// Returns the plans that a search for `jobs` starts from, each row after row: the front of the
    /// last search, its rows dealt to these jobs, and the plan in force. The plan in force is left
    /// out if there is a front and the options want no further plans.
    fn initial_plans(&self, jobs: &[JobId], nodes: usize) -> Vec<Vec<u8>> {
        let places = self.options.warm_start.places(&self.front_jobs, jobs);
        let deal_rows = |plan: &Vec<u8>| {
            let rows =
                places.iter().map(|place| place.map(|place| &plan[place * nodes..(place + 1) * nodes]));
            rows.flat_map(|row| row.map_or_else(|| vec![0; nodes], <[u8]>::to_vec)).collect()
        };
        let mut plans: Vec<Vec<u8>> = self.front.iter().map(deal_rows).collect();
        if plans.is_empty() || self.options.seeds == Seeds::Greedy {
            plans.push(jobs.iter().flat_map(|id| self.notes[id].row(nodes)).collect());
        }
        plans
    }
}

/// Returns `jobs`, which are all live jobs, as the search sees them, in this order.
fn search_jobs<'a>(
    notes: &'a mut BTreeMap<JobId, JobNote>,
    options: &PolluxOptions,
    view: &View<'_>,
    jobs: &[JobId],
) -> Vec<SearchJob<'a>> {
    let is_capped = options.base == ShareNodes::Needed;
    let gpus = view.capacity().get().div_ceil(jobs.len() as u32);
    let spans = is_capped && view.nodes().fewest_nodes(Gpus::new(gpus)) > 1;
    let share = FairShare { gpus, spans, is_capped };
    let nodes = view.nodes().nodes().len();
    let mut notes: BTreeMap<JobId, &mut JobNote> = notes.iter_mut().map(|(id, note)| (*id, note)).collect();
    jobs.iter()
        .map(|id| {
            let note = notes.remove(id).expect("each row is that of another live job");
            let age = view.now().since(view.job(*id).submit).as_secs_f64();
            note.search_job(share, nodes, |starts| options.after_change(age, starts))
        })
        .collect()
}

impl Scheduler for Pollux {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        let is_due = self.update(view);
        if self.notes.is_empty() {
            return plan;
        }
        if is_due {
            self.run_round(view);
        }
        for (id, note) in self.notes.iter().filter(|(_, note)| note.holds_gpus()) {
            let grant = plan.grant_on(*id, note.held().clone());
            if let Some(batch) = note.batch() {
                grant.batch(batch);
            }
        }
        // Where no job could be faster and no batch size may change, every round would repeat this
        // plan until a job arrives or completes.
        let is_settled = self.notes.values().all(JobNote::keeps_batch) && self.have_best_gpus(view);
        if !is_settled {
            plan.wake_at(self.next);
        }
        plan
    }
}
