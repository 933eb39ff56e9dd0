//! Searches for the plan of the highest fitness by mutation, crossing and survival: NSGA-II (Deb et
//! al., 2002), as Pollux's artifact (petuum/adaptdl) runs it. A plan is a matrix of GPU counts with
//! a row for each job and a column for each node.
//!
//! The fitness is the harmonic mean over all jobs of the speedup over the job's fair share, after
//! the cost of a change of its GPUs (Pollux, OSDI 2021, section 4.2). A second objective, the use
//! made of occupied nodes, only keeps the plans diverse.
//!
//! A generation costs O(population × (jobs + nodes)) to cross, mutate, repair and score, and
//! O(population × log population) to choose the survivors. The paper's effort, 100 plans over 100
//! generations, tries some 11,000 plans with 50 jobs on 16 nodes.
//!
//! Unlike the artifact's, this search does not take a plan that is there already, and draws fewer
//! random numbers. By default it also starts from greedy plans, and where two jobs that span
//! several nodes meet, only the second gives way; the options choose what the artifact does.

mod chance;
mod greedy;
mod job;
mod members;
mod plans;
mod problem;
mod repair;
mod rows;
mod survival;
mod vary;
mod worth;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::Deserialize;

use chance::shuffle;
use greedy::greedy;
use members::Members;
use plans::Slots;
use problem::Problem;
use repair::{RepairBuffers, repair};
use rows::{JobSet, LANES};
use survival::{dominates, survivors};
use vary::{Mutation, cut};

pub(super) use job::{Interference, SearchJob};

/// The plans from which a search starts, besides those of the last round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Seeds {
    /// The plan in force, and only if there are none of the last round.
    None,
    /// The plan in force, and two plans that hand out GPUs greedily: beside the rows in force, and
    /// on an empty cluster.
    Greedy,
}

/// The effort of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// The number of plans that survive a generation.
    pub(super) population: usize,
    /// The number of generations; the initial population counts as one.
    pub(super) generations: usize,
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SearchResult {
    /// The GPUs of each job on each node, row after row.
    pub(super) best: Vec<u8>,
    /// The fitness of the best plan.
    pub(super) fitness: f64,
    /// The plans that no other plan dominates, the best one among them.
    pub(super) front: Vec<Vec<u8>>,
    /// The number of plans that were scored or found to be there already.
    pub(super) tried: usize,
}

/// The most rounds of mating in a generation.
const ROUNDS: usize = 101;
/// The most children in a row that are there already. A few jobs have fewer plans than a population
/// has places, so a generation has to end without filling them.
const FRUITLESS: usize = 200;

struct Search<'a, const NARROW: bool> {
    problem: Problem<'a>,
    slots: Slots,
    members: Members,
    mutation: Mutation,
    buffers: RepairBuffers,
    changed: JobSet,
    left: Vec<[i32; LANES]>,
    /// The plans alive: the slot, and the distance to the neighbours in its front.
    alive: Vec<(u32, f64)>,
    spare: Vec<u32>,
    /// The number of them that no other plan dominates; they come first.
    first: usize,
    effort: Effort,
    tried: usize,
    order: Vec<u32>,
    parents: Vec<u32>,
}

/// Searches from `initial` plans, each given row after row.
///
/// There is at least one job and one initial plan. The same input and the same state of `draw` give
/// the same result.
pub(super) fn search(
    jobs: Vec<SearchJob<'_>>,
    nodes: &[u8],
    initial: &[Vec<u8>],
    seeds: Seeds,
    interference: Interference,
    effort: Effort,
    draw: &mut ChaCha8Rng,
) -> SearchResult {
    let current: Vec<u8> = jobs.iter().flat_map(|job| job.current.iter().copied()).collect();
    let mut problem = Problem::new(jobs, nodes, interference);
    let mut initial = initial.to_vec();
    if seeds == Seeds::Greedy {
        initial.extend([&current, &vec![0; current.len()]].map(|from| greedy(&mut problem, nodes, from)));
    }
    // Most clusters have rows of one block, for which the loops over columns go away: a tenth of a
    // round with 50 jobs on 16 nodes.
    if nodes.len() <= LANES {
        Search::<true>::run(problem, &initial, nodes.len(), effort, draw)
    } else {
        Search::<false>::run(problem, &initial, nodes.len(), effort, draw)
    }
}

impl<'a, const NARROW: bool> Search<'a, NARROW> {
    fn run(
        problem: Problem<'a>,
        initial: &[Vec<u8>],
        nodes: usize,
        effort: Effort,
        draw: &mut ChaCha8Rng,
    ) -> SearchResult {
        assert!(effort.population > 0, "the options demand a population of 1 or more");
        let most = 2 * effort.population + initial.len();
        let mut search = Search::<NARROW> {
            slots: Slots::new(most, problem.jobs(), problem.width()),
            members: Members::new(most),
            mutation: Mutation::new(&problem, draw),
            buffers: RepairBuffers::default(),
            changed: JobSet::none(problem.jobs()),
            left: vec![[0; LANES]; problem.width()],
            alive: Vec::new(),
            spare: (0..most as u32).rev().collect(),
            first: 0,
            effort,
            tried: 0,
            order: Vec::new(),
            parents: Vec::new(),
            problem,
        };
        search.begin(initial, nodes, draw);
        for _ in 1..effort.generations {
            if !search.generation(draw) {
                break;
            }
        }
        search.found(nodes)
    }

    fn begin(&mut self, initial: &[Vec<u8>], nodes: usize, draw: &mut ChaCha8Rng) {
        let mut slots = Vec::new();
        for plan in initial {
            let slot = self.spare.pop().expect("there is a slot for each initial plan");
            self.slots.draft::<NARROW>(slot, &mut self.changed, &mut self.left).write(
                plan,
                nodes,
                self.problem.capacity(),
            );
            self.complete(slot, &mut slots, draw);
        }
        self.survive(slots, draw);
    }

    /// Repairs a plan, and takes and scores it unless it is there already. Returns whether it is
    /// new.
    fn complete(&mut self, slot: u32, taken: &mut Vec<u32>, draw: &mut ChaCha8Rng) -> bool {
        let mut draft = self.slots.draft::<NARROW>(slot, &mut self.changed, &mut self.left);
        repair(&self.problem, &mut draft, &mut self.buffers, draw);
        let hash = self.problem.hash(&draft);
        self.slots.hashes[slot as usize] = hash;
        self.tried += 1;
        let slots = &self.slots;
        let same =
            |other: u32| slots.hashes[other as usize] == hash && slots.cells(other) == slots.cells(slot);
        let is_new = self.members.insert(slot, hash, same);
        if is_new {
            let mut draft = self.slots.draft::<NARROW>(slot, &mut self.changed, &mut self.left);
            self.problem.look_up(&mut draft);
            self.slots.objectives[slot as usize] = self.problem.score(&draft);
            taken.push(slot);
        } else {
            self.changed.clear();
            self.spare.push(slot);
        }
        is_new
    }

    /// Keeps the survivors among the candidates, and frees the slots of the others.
    fn survive(&mut self, candidates: Vec<u32>, draw: &mut ChaCha8Rng) {
        let objectives: Vec<_> =
            candidates.iter().map(|slot| self.slots.objectives[*slot as usize]).collect();
        let (alive, first) = survivors(&objectives, self.effort.population, draw);
        self.alive = alive.iter().map(|(place, distance)| (candidates[*place as usize], *distance)).collect();
        self.first = first;
        let mut survives = vec![false; candidates.len()];
        alive.iter().for_each(|(place, _)| survives[*place as usize] = true);
        let dead = candidates.iter().zip(survives).filter(|(_, survives)| !survives);
        self.spare.extend(dead.map(|(slot, _)| *slot));
    }

    /// Runs one generation. Returns whether there was a new child.
    fn generation(&mut self, draw: &mut ChaCha8Rng) -> bool {
        self.members.clear();
        for (slot, _) in &self.alive {
            self.members.insert(*slot, self.slots.hashes[*slot as usize], |_| false);
        }
        let mut children = Vec::with_capacity(self.effort.population);
        let mut fruitless = 0;
        for _ in 0..ROUNDS {
            let missing = self.effort.population - children.len();
            if missing == 0 || fruitless >= FRUITLESS {
                break;
            }
            self.mate(missing, &mut children, &mut fruitless, draw);
        }
        let any = !children.is_empty();
        children.splice(0..0, self.alive.iter().map(|(slot, _)| *slot));
        self.survive(children, draw);
        any
    }

    /// Makes up to `missing` new children. A child that is there already does not count.
    fn mate(
        &mut self,
        missing: usize,
        children: &mut Vec<u32>,
        fruitless: &mut usize,
        draw: &mut ChaCha8Rng,
    ) {
        let pairs = missing.div_ceil(2);
        self.select(2 * pairs, draw);
        let jobs = self.problem.jobs();
        let cuts: Vec<usize> = (0..pairs).map(|_| cut(jobs, draw)).collect();
        let enough = children.len() + missing;
        for side in 0..2 {
            for (pair, cut) in cuts.iter().enumerate() {
                if children.len() == enough {
                    return;
                }
                let slot = self.spare.pop().expect("there are slots for twice the population");
                let (own, other) = (self.parents[2 * pair + side], self.parents[2 * pair + 1 - side]);
                self.slots.cross(other, own, slot, *cut);
                let mut draft = self.slots.draft::<NARROW>(slot, &mut self.changed, &mut self.left);
                draft.count_left(self.problem.capacity());
                self.mutation.apply(&self.problem, &mut draft, draw);
                let is_new = self.complete(slot, children, draw);
                *fruitless = if is_new { 0 } else { *fruitless + 1 };
            }
        }
    }

    /// Selects parents by tournaments of two: the plan that dominates wins, otherwise the lonelier
    /// one, otherwise a coin decides. Every plan takes part equally often, to within one.
    fn select(&mut self, parents: usize, draw: &mut ChaCha8Rng) {
        self.parents.clear();
        let size = self.alive.len();
        let (mut at, mut drawn) = (size, 0);
        let mut next = |order: &mut Vec<u32>, draw: &mut ChaCha8Rng| {
            if at == size {
                order.clear();
                order.extend(0..size as u32);
                shuffle(order, 2 * parents - drawn, draw);
                at = 0;
            }
            (at, drawn) = (at + 1, drawn + 1);
            order[at - 1] as usize
        };
        for _ in 0..parents {
            let (a, b) = (next(&mut self.order, draw), next(&mut self.order, draw));
            let ((first, lonely), (second, other_lonely)) = (self.alive[a], self.alive[b]);
            let objectives = |slot: u32| &self.slots.objectives[slot as usize];
            let wins = if dominates(objectives(first), objectives(second)) {
                true
            } else if dominates(objectives(second), objectives(first)) {
                false
            } else if lonely != other_lonely {
                lonely > other_lonely
            } else {
                draw.next_u32() >> 31 == 0
            };
            self.parents.push(if wins { first } else { second });
        }
    }

    fn found(&self, nodes: usize) -> SearchResult {
        let plan = |slot: u32| self.slots.rows(slot, nodes);
        let front = &self.alive[..self.first];
        let fitness = |slot: u32| -self.slots.objectives[slot as usize][0];
        // Of equal plans the first.
        let best = front
            .iter()
            .map(|(slot, _)| *slot)
            .reduce(|best, slot| if fitness(slot) > fitness(best) { slot } else { best })
            .expect("a population keeps at least one plan");
        SearchResult {
            best: plan(best),
            fitness: fitness(best),
            front: front.iter().map(|(slot, _)| plan(*slot)).collect(),
            tried: self.tried,
        }
    }
}

#[cfg(test)]
mod tests;
