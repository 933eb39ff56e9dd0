//! Leases over future time: which ones a job is to have, and how many GPUs are free in each.
//!
//! Leases are numbered from the beginning of their grid. Consecutive leases that are alike are kept
//! as one run, so that a job of a month costs no more than one of an hour.

use std::cmp::Reverse;

/// The leases that a job is to have: runs `[from, to)`, ascending, with a gap between any two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leases(Vec<(u64, u64)>);

impl Leases {
    /// Returns how many leases there are.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// Returns whether a lease is among them.
    pub(super) fn contains(&self, lease: u64) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&lease))
    }

    /// Returns the runs, ascending.
    pub(super) fn runs(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Drops the leases that are not in `[from, to)`.
    pub(super) fn cut(&mut self, from: u64, to: u64) {
        self.0.retain_mut(|run| {
            *run = (run.0.max(from), run.1.min(to));
            run.0 < run.1
        });
    }

    /// Drops the earliest leases until at most `count` are left.
    pub(super) fn keep_last(&mut self, count: u64) {
        let mut surplus = self.count().saturating_sub(count);
        for run in &mut self.0 {
            let dropped = surplus.min(run.1 - run.0);
            run.0 += dropped;
            surplus -= dropped;
        }
        self.0.retain(|run| run.0 < run.1);
    }

    /// Replaces the earliest lease with `lease`, which is before all of them.
    ///
    /// # Panics
    ///
    /// If there are no leases.
    pub(super) fn bring_forward(&mut self, lease: u64) {
        assert!(self.count() > 0, "a lease is brought forward where there is one");
        self.keep_last(self.count() - 1);
        self.insert(lease);
    }

    /// Replaces one lease with another, which is not among them.
    pub(super) fn swap(&mut self, old: u64, new: u64) {
        let mut runs = Vec::with_capacity(self.0.len() + 2);
        for (from, to) in &self.0 {
            if (*from..*to).contains(&old) {
                runs.extend([(*from, old), (old + 1, *to)]);
            } else {
                runs.push((*from, *to));
            }
        }
        runs.retain(|run| run.0 < run.1);
        self.0 = runs;
        self.insert(new);
    }

    /// Adds a lease that is not among them.
    fn insert(&mut self, lease: u64) {
        let place = self.0.partition_point(|run| run.0 < lease);
        self.0.insert(place, (lease, lease + 1));
        self.merge();
    }

    /// Joins runs that touch.
    fn merge(&mut self) {
        self.0.dedup_by(|next, run| {
            let touches = run.1 == next.0;
            if touches {
                run.1 = next.1;
            }
            touches
        });
    }

    /// Returns the leases of runs in any order that do not overlap.
    pub(super) fn from_runs(mut runs: Vec<(u64, u64)>) -> Leases {
        runs.sort_unstable();
        let mut leases = Leases(runs);
        leases.merge();
        leases
    }

    /// Returns the leases of runs in descending order that do not overlap.
    fn from_last(mut runs: Vec<(u64, u64)>) -> Leases {
        runs.reverse();
        let mut leases = Leases(runs);
        leases.merge();
        leases
    }
}

/// What a job needs of the leases to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    /// The GPUs in each lease.
    pub(super) width: u32,
    /// How many leases it needs.
    pub(super) need: u64,
    /// The first lease that is too late.
    pub(super) until: u64,
}

/// How many GPUs are free in each lease: a step function, whose last value holds forever.
#[derive(Clone, Debug)]
pub(super) struct FreeLeases {
    /// (from which lease on, how many), ascending; never empty.
    steps: Vec<(u64, u32)>,
}

impl FreeLeases {
    /// Returns `gpus` GPUs in every lease from `from` on.
    pub(super) fn new(from: u64, gpus: u32) -> FreeLeases {
        FreeLeases { steps: vec![(from, gpus)] }
    }

    /// Forgets the leases before `from`, and joins steps of the same count.
    ///
    /// # Panics
    ///
    /// If `from` is before the first step.
    pub(super) fn cut(&mut self, from: u64) {
        let first = self.step_of(from);
        self.steps.drain(..first);
        self.steps[0].0 = from;
        self.steps.dedup_by_key(|step| step.1);
    }

    /// Returns the GPUs that are free in a lease, which is not before the first step.
    pub(super) fn gpus_in(&self, lease: u64) -> u32 {
        self.steps[self.step_of(lease)].1
    }

    /// Returns the steps: (from which lease on, how many GPUs), ascending.
    pub(super) fn steps(&self) -> &[(u64, u32)] {
        &self.steps
    }

    /// Returns the step that a lease belongs to.
    fn step_of(&self, lease: u64) -> usize {
        let begun = self.steps.partition_point(|step| step.0 <= lease);
        begun.checked_sub(1).expect("leases before the first step are over and not asked about")
    }

    /// Takes `width` GPUs in some leases; those before the first step are passed over.
    ///
    /// # Panics
    ///
    /// If fewer are free in one of them.
    pub(super) fn take(&mut self, leases: &Leases, width: u32) {
        let take = |free: &mut u32| {
            assert!(width <= *free, "a lease of {width} GPUs is given only where they are free");
            *free -= width;
        };
        leases.runs().iter().for_each(|(from, to)| self.change(*from, *to, take));
    }

    /// Gives back `width` GPUs in some leases, which were taken before.
    pub(super) fn give(&mut self, leases: &Leases, width: u32) {
        leases.runs().iter().for_each(|(from, to)| self.change(*from, *to, |free| *free += width));
    }

    /// Changes the count in `[from, to)`.
    fn change(&mut self, from: u64, to: u64, by: impl Fn(&mut u32)) {
        let from = from.max(self.steps[0].0);
        if from >= to {
            return;
        }
        let first = self.split(from);
        let last = self.split(to);
        self.steps[first..last].iter_mut().for_each(|step| by(&mut step.1));
    }

    /// Returns the step that begins at lease `at`, which is made if there is none. `at` is not
    /// before the first step.
    fn split(&mut self, at: u64) -> usize {
        let place = self.steps.partition_point(|step| step.0 < at);
        if self.steps.get(place).is_none_or(|step| step.0 != at) {
            self.steps.insert(place, (at, self.steps[place - 1].1));
        }
        place
    }

    /// Returns the latest leases from `from` on that meet a demand; `None` if there are not enough.
    pub(super) fn latest(&self, demand: Demand, from: u64) -> Option<Leases> {
        let Demand { width, mut need, until } = demand;
        if need == 0 {
            return Some(Leases::default());
        }
        if until.saturating_sub(from) < need {
            return None;
        }
        let mut runs = Vec::new();
        let mut end = until;
        // A demand for no further lease may end before the first step.
        let last = self.steps.partition_point(|step| step.0 < until).saturating_sub(1);
        for step in (0..=last).rev() {
            let (begin, free) = self.steps[step];
            let begin = begin.max(from);
            if free >= width && begin < end {
                let taken = need.min(end - begin);
                runs.push((end - taken, end));
                need -= taken;
            }
            end = end.min(begin);
            if need == 0 {
                return Some(Leases::from_last(runs));
            }
            if end <= from {
                return None;
            }
        }
        None
    }
}

/// The leases that jobs are to have, and the GPUs that these leave free.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// In the order of the demands.
    pub(super) leases: Vec<Leases>,
    pub(super) free: FreeLeases,
}

/// Packs jobs from the end, as Chronus's artifact does: each takes the latest leases from `from` on
/// with room. Wide jobs go first; of equally wide ones those with less slack, then those with later
/// deadlines, then by place. Returns `None` if a job finds no room, though another packing may
/// exist.
pub(super) fn pack(demands: &[Demand], from: u64, mut free: FreeLeases) -> Option<Packed> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|index| {
        let Demand { width, need, until } = demands[*index];
        (Reverse(width), until.saturating_sub(from.saturating_add(need)), Reverse(until), *index)
    });
    let mut leases = vec![Leases::default(); demands.len()];
    for index in order {
        let found = free.latest(demands[index], from)?;
        free.take(&found, demands[index].width);
        leases[index] = found;
    }
    Some(Packed { leases, free })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(width: u32, need: u64, until: u64) -> Demand {
        Demand { width, need, until }
    }

    #[test]
    fn leases_are_cut_and_moved() {
        let mut leases = Leases(vec![(3, 5), (8, 10)]);
        assert_eq!((leases.count(), leases.contains(4), leases.contains(5)), (4, true, false));
        leases.swap(8, 5);
        assert_eq!(leases.runs(), [(3, 6), (9, 10)]);
        leases.bring_forward(2);
        assert_eq!(leases.runs(), [(2, 3), (4, 6), (9, 10)]);
        leases.cut(3, 10);
        leases.keep_last(2);
        assert_eq!(leases.runs(), [(5, 6), (9, 10)]);
    }

    /// 4 GPUs, leases 0 to 3. The wide job takes 2 and 3; of the two narrow ones the tight one has
    /// to have 0 and 1, and the other one shares 1 with it.
    #[test]
    fn wide_and_tight_jobs_are_packed_first_and_late() {
        let demands = [demand(2, 1, 4), demand(2, 2, 2), demand(4, 2, 4)];
        let packed = pack(&demands, 0, FreeLeases::new(0, 4)).unwrap();
        let runs: Vec<_> = packed.leases.iter().map(|leases| leases.runs().to_vec()).collect();
        assert_eq!(runs, [vec![(1, 2)], vec![(0, 2)], vec![(2, 4)]]);
        assert_eq!(
            (packed.free.gpus_in(0), packed.free.gpus_in(1), packed.free.gpus_in(3), packed.free.gpus_in(4)),
            (2, 0, 0, 4)
        );
        assert!(pack(&[demand(4, 3, 4), demand(1, 2, 4)], 0, FreeLeases::new(0, 4)).is_none());
        assert!(pack(&[demand(5, 1, 4)], 0, FreeLeases::new(0, 4)).is_none());
    }

    #[test]
    fn what_is_taken_can_be_given_back() {
        let mut free = FreeLeases::new(5, 8);
        let leases = Leases(vec![(3, 7), (9, 12)]);
        free.take(&leases, 3);
        assert_eq!(free.steps(), [(5, 5), (7, 8), (9, 5), (12, 8)]);
        // The latest 4 with 6 GPUs that end before 11: 8, 7, and none at 5 and 6.
        assert_eq!(free.latest(demand(6, 2, 11), 5).unwrap().runs(), [(7, 9)]);
        assert_eq!(free.latest(demand(6, 3, 11), 5), None);
        free.give(&leases, 3);
        free.cut(6);
        assert_eq!(free.steps(), [(6, 8)]);
    }
}
