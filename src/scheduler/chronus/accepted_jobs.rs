//! The accepted jobs: each has leases in which it is in time, and all leases fit the cluster
//! together.
//!
//! That holds at every plan. A new job is accepted only with leases beside those of all other jobs,
//! and what is decided when leases begin is either a packing of all demands or the leases of
//! before. A job that runs in a lease needs one less later, so what is left of its leases stays
//! enough.

use std::collections::BTreeMap;

use crate::job::{JobId, SoftDeadline};
use crate::scheduler::View;
use crate::units::{Gpus, SimTime};

use super::choice::{Objective, improve, raise};
use super::demand::{LeaseSize, Leasing};
use super::leases::{Demand, FreeLeases, Leases, Packed, pack};
use super::options::{Admission, ChronusOptions, Rejected};
use super::program::{NoAnswer, Solved, Way, solve, variables};

/// An accepted job.
#[derive(Clone, Debug)]
struct AcceptedJob {
    size: LeaseSize,
    /// Which of its deadlines it is to keep, by place.
    choice: usize,
    /// Its leases to come; while leases begin, the one that begins too.
    leases: Leases,
    /// The first lease that is too late for it.
    until: u64,
    /// Whether it has the lease that runs.
    leased: bool,
    /// Whether it was accepted since leases last began.
    fresh: bool,
}

/// The accepted jobs and what their leases leave free.
#[derive(Clone, Debug)]
pub(super) struct AcceptedJobs {
    jobs: BTreeMap<JobId, AcceptedJob>,
    free: FreeLeases,
    admission: Admission,
    rejected: Rejected,
    /// The most variables of a program that is solved.
    ilp_limit: usize,
    /// Demands of rejected jobs, whose leases are kept from the jobs judged together with them.
    ghosts: Vec<Demand>,
    capacity: Gpus,
    /// Whether a program that was solved for a new job had no answer, so that only packing decided.
    gave_up: bool,
}

/// What becomes of the accepted jobs when leases begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    /// The jobs that are no longer accepted: their leases are not enough, because the believed
    /// speeds are wrong.
    pub(super) broken: Vec<JobId>,
    /// Whether the program had no answer, or packing failed and the leases of before stay.
    pub(super) fell_back: bool,
}

impl AcceptedJobs {
    /// Returns no accepted jobs; every lease from `lease` on is free.
    pub(super) fn new(options: &ChronusOptions, capacity: Gpus, lease: u64) -> AcceptedJobs {
        AcceptedJobs {
            jobs: BTreeMap::new(),
            free: FreeLeases::new(lease, capacity.get()),
            admission: options.admission,
            rejected: options.rejected,
            ilp_limit: options.ilp_limit,
            ghosts: Vec::new(),
            capacity,
            gave_up: false,
        }
    }

    /// Begins to judge jobs together.
    pub(super) fn begin_judging(&mut self) {
        self.ghosts.clear();
        self.gave_up = false;
    }

    /// Returns whether a program had no answer since then, so that only packing decided on a new
    /// job.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Returns the accepted jobs and their sizes, ascending by id.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (JobId, LeaseSize)> {
        self.jobs.iter().map(|(id, job)| (*id, job.size))
    }

    /// Returns whether a job is accepted and has the lease that runs.
    pub(super) fn has_lease(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|job| job.leased)
    }

    /// Returns whether no job is accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Returns whether a job is accepted.
    pub(super) fn contains(&self, id: JobId) -> bool {
        self.jobs.contains_key(&id)
    }

    /// Removes a job and frees its leases. Returns whether it was accepted.
    pub(super) fn remove(&mut self, id: JobId) -> bool {
        let Some(job) = self.jobs.remove(&id) else { return false };
        self.free.give(&job.leases, job.size.width);
        true
    }

    /// Forgets the leases before `lease`.
    pub(super) fn cut(&mut self, lease: u64) {
        self.free.cut(lease);
        self.jobs.values_mut().for_each(|job| job.leases.cut(lease, u64::MAX));
    }

    /// Accepts a job for the earliest of its deadlines for which it finds leases from `from` on
    /// beside those of all other jobs. Returns the promise: the latest time at which it completes.
    pub(super) fn judge(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        id: JobId,
        from: u64,
    ) -> Option<SimTime> {
        let size = leasing.size(view, id);
        for (choice, due) in view.job(id).times().enumerate() {
            let Some(demand) = leasing.demand(view, id, &size, due) else { continue };
            if demand.width > self.capacity.get() || demand.until.saturating_sub(from) < demand.need {
                continue;
            }
            if let Some(leases) = self.find_room(demand, from) {
                let until = demand.until;
                self.free.take(&leases, size.width);
                let job = AcceptedJob { size, choice, leases, until, leased: false, fresh: true };
                self.jobs.insert(id, job);
                return Some(leasing.promise(until, due));
            }
        }
        if self.rejected == Rejected::Kept {
            let first = view.job(id).times().next();
            let demand = first.and_then(|due| leasing.demand(view, id, &size, due));
            self.ghosts.extend(demand.and_then(|demand| self.earliest(demand, from)));
        }
        None
    }

    /// Returns the demand of a rejected job with the earliest end by which it would find room;
    /// `None` if it is too wide for the cluster.
    fn earliest(&self, demand: Demand, from: u64) -> Option<Demand> {
        if demand.width > self.capacity.get() {
            return None;
        }
        // By `last` all other jobs are done, and the last of the jobs of its width finds as many
        // leases as it needs.
        let ends = self.jobs.values().map(|job| job.until).chain(self.free.steps().iter().map(|step| step.0));
        let needs = self.jobs.values().map(|job| job.leases.count());
        let needs = needs.chain(self.ghosts.iter().map(|ghost| ghost.need)).chain([demand.need]);
        let ends = ends.chain(self.ghosts.iter().map(|ghost| ghost.until)).chain([from]);
        let last = needs.fold(ends.max().expect("`from` is among the ends"), u64::saturating_add);
        let fits = |until: u64, fresh: bool| {
            let demand = Demand { until, ..demand };
            self.packed(demand, from, |job| fresh && job.fresh).is_some()
        };
        let low = from.saturating_add(demand.need);
        // Packing may not find again what the program did; then all other jobs stay where they are.
        let until = first_that_fits(low, last, |until| fits(until, true))
            .or_else(|| first_that_fits(low, last, |until| fits(until, false)))?;
        Some(Demand { until, ..demand })
    }

    /// Finds leases for a new job: first the jobs accepted since leases last began are packed anew
    /// with it; where that fails, and the options let all jobs make room, all are.
    fn find_room(&mut self, demand: Demand, from: u64) -> Option<Leases> {
        let fresh = self.repack(demand, from, |job| job.fresh);
        match self.admission {
            Admission::Greedy => fresh,
            Admission::Repack => fresh
                .or_else(|| self.repack(demand, from, |_| true))
                .or_else(|| self.solve_with(demand, from)),
        }
    }

    /// Solves the program for leases of all jobs and a new one, if it is not too large.
    fn solve_with(&mut self, demand: Demand, from: u64) -> Option<Leases> {
        let all =
            self.jobs.values().map(AcceptedJob::demand).chain([demand]).chain(self.ghosts.iter().copied());
        let ways: Vec<Vec<Way>> = all.map(|demand| vec![Way { demand, value: 1.0 }]).collect();
        if variables(&ways, from) > self.ilp_limit {
            return None;
        }
        let answer = solve(&ways, self.capacity.get(), from, None);
        self.gave_up |= answer.as_ref().is_err_and(|why| *why == NoAnswer::Unknown);
        let mut packed = answer.ok()?.packed;
        let ghosts = packed.leases.split_off(self.jobs.len() + 1);
        let own = packed.leases.pop().expect("the new job is the last of the accepted ones");
        packed.free.give(&own, demand.width);
        self.ghosts.iter().zip(&ghosts).for_each(|(ghost, leases)| packed.free.give(leases, ghost.width));
        self.jobs.values_mut().zip(packed.leases).for_each(|(job, leases)| job.leases = leases);
        self.free = packed.free;
        Some(own)
    }

    /// Decides by the program which jobs have the lease that begins. Returns the demands and leases
    /// of all jobs, in their order; `None` if the program is too large or, which `decision` notes,
    /// has no answer.
    fn solve_all(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        objective: Objective,
        decision: &mut Decision,
    ) -> Option<(Vec<Demand>, Packed)> {
        let all: Vec<Vec<(usize, Way)>> =
            self.jobs.iter().map(|(id, job)| job.ways(view, leasing, lease, *id)).collect();
        let ways: Vec<Vec<Way>> = all.iter().map(|ways| ways.iter().map(|way| way.1).collect()).collect();
        if ways.is_empty() || variables(&ways, lease) > self.ilp_limit {
            return None;
        }
        let answer = solve(&ways, self.capacity.get(), lease, Some(objective));
        let Ok(Solved { ways: chosen, packed }) = answer else {
            decision.fell_back = true;
            return None;
        };
        for ((job, all), way) in self.jobs.values_mut().zip(&all).zip(&chosen) {
            job.choice = all[*way].0;
        }
        let demands = ways.iter().zip(&chosen).map(|(ways, way)| ways[*way].demand).collect();
        Some((demands, packed))
    }

    /// Packs a new job and some of the jobs into what the other jobs leave. If that works, keeps it
    /// and returns the leases of the new job, which it does not hold.
    fn repack(
        &mut self,
        demand: Demand,
        from: u64,
        is_packed: impl Fn(&AcceptedJob) -> bool,
    ) -> Option<Leases> {
        let (some, mut packed) = self.packed(demand, from, is_packed)?;
        packed.leases.truncate(some.len() + 1);
        let own = packed.leases.pop().expect("the new job is the last of the accepted ones");
        packed.free.give(&own, demand.width);
        for (id, leases) in some.iter().zip(packed.leases) {
            self.jobs.get_mut(id).expect("only accepted jobs are packed").leases = leases;
        }
        self.free = packed.free;
        Some(own)
    }

    /// Packs some of the jobs, a new one and the ghosts, in this order, into what the other jobs
    /// leave. Returns the ids of these jobs, and what the packing leaves free without the ghosts.
    fn packed(
        &self,
        demand: Demand,
        from: u64,
        is_packed: impl Fn(&AcceptedJob) -> bool,
    ) -> Option<(Vec<JobId>, Packed)> {
        let some: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| is_packed(job)).map(|(id, _)| *id).collect();
        let mut free = self.free.clone();
        let mut demands = Vec::with_capacity(some.len() + 1);
        for id in &some {
            let job = &self.jobs[id];
            free.give(&job.leases, job.size.width);
            demands.push(Demand { width: job.size.width, need: job.leases.count(), until: job.until });
        }
        demands.push(demand);
        free.cut(from);
        demands.extend(&self.ghosts);
        let mut packed = pack(&demands, from, free)?;
        for (ghost, leases) in self.ghosts.iter().zip(&packed.leases[some.len() + 1..]) {
            packed.free.give(leases, ghost.width);
        }
        Some((some, packed))
    }

    /// Decides which jobs have the lease that begins now, and plans all later leases anew.
    pub(super) fn decide(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        objective: Objective,
    ) -> Decision {
        let mut decision = Decision::default();
        self.cut(lease);
        for (id, job) in &mut self.jobs {
            if !job.follow_up(view, leasing, *id) {
                decision.broken.push(*id);
            }
        }
        for id in &decision.broken {
            self.remove(*id);
        }
        let solved = self.solve_all(view, leasing, lease, objective, &mut decision);
        let (demands, packed) =
            solved.unwrap_or_else(|| self.exchange(view, leasing, lease, objective, &mut decision));
        assert_eq!(packed.leases.len(), self.jobs.len(), "every accepted job has leases");
        let planned = packed.leases.into_iter().zip(demands);
        for (job, (leases, demand)) in self.jobs.values_mut().zip(planned) {
            job.leased = leases.contains(lease);
            (job.leases, job.until, job.fresh) = (leases, demand.until, false);
        }
        self.free = packed.free;
        self.cut(lease + 1);
        decision
    }

    /// Decides by packing and exchanges which jobs have the lease that begins. If packing fails,
    /// the leases of before stay, which `decision` notes.
    fn exchange(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        objective: Objective,
        decision: &mut Decision,
    ) -> (Vec<Demand>, Packed) {
        let demands: Vec<Demand> = self.jobs.values().map(AcceptedJob::demand).collect();
        let whole = || FreeLeases::new(lease, self.capacity.get());
        let mut packed = pack(&demands, lease, whole()).unwrap_or_else(|| {
            decision.fell_back = true;
            let mut free = whole();
            let leases: Vec<Leases> = self.jobs.values().map(|job| job.leases.clone()).collect();
            demands.iter().zip(&leases).for_each(|(demand, leases)| free.take(leases, demand.width));
            Packed { leases, free }
        });
        let demands = self.raise(view, leasing, lease, demands, &mut packed);
        improve(objective, &demands, lease, &mut packed);
        (demands, packed)
    }

    /// Lets jobs keep earlier ones of their soft deadlines where there is room, the most valuable
    /// changes first. Returns the demands after that.
    fn raise(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        mut demands: Vec<Demand>,
        packed: &mut Packed,
    ) -> Vec<Demand> {
        let mut better = Vec::new();
        for (index, (id, job)) in self.jobs.iter().enumerate().filter(|(_, (_, job))| job.choice > 0) {
            let soft = &view.job(*id).soft;
            for (choice, worth) in soft.iter().enumerate().take(job.choice) {
                let demand = leasing.demand(view, *id, &job.size, worth.by);
                if let Some(demand) = demand.filter(|demand| demand.until >= lease + demand.need) {
                    better.push((soft[job.choice].value - worth.value, index, choice, *id, demand));
                }
            }
        }
        better.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, index, choice, id, demand) in better {
            let job = self.jobs.get_mut(&id).expect("only accepted jobs are raised");
            if job.choice > choice && raise(packed, index, demand, lease) {
                (job.choice, demands[index]) = (choice, demand);
            }
        }
        demands
    }
}

impl AcceptedJob {
    /// Brings the job's leases in line with what it has done by now. Returns whether they are
    /// enough.
    fn follow_up(&mut self, view: &View<'_>, leasing: &Leasing, id: JobId) -> bool {
        let due = view.job(id).times().nth(self.choice).expect("an accepted job keeps one of its deadlines");
        let demand = leasing.demand(view, id, &self.size, due).expect("a lease was long enough before");
        self.until = demand.until;
        self.leases.cut(0, self.until);
        self.leases.keep_last(demand.need);
        demand.need > 0 && self.leases.count() == demand.need
    }

    /// Returns the deadlines that the job may keep when `lease` begins, by place, none later than
    /// the one that it was accepted for.
    fn ways(&self, view: &View<'_>, leasing: &Leasing, lease: u64, id: JobId) -> Vec<(usize, Way)> {
        let spec = view.job(id);
        let in_time = |(choice, due): (usize, SimTime)| {
            let demand = leasing.demand(view, id, &self.size, due);
            let demand = demand.filter(|demand| demand.until >= lease + demand.need)?;
            // A job without soft deadlines has one way, whose value does not matter.
            let value = spec.soft.get(choice).map_or(1.0, |worth: &SoftDeadline| worth.value);
            Some((choice, Way { demand, value }))
        };
        spec.times().enumerate().take(self.choice + 1).filter_map(in_time).collect()
    }

    /// Returns the demand that the job's leases meet.
    fn demand(&self) -> Demand {
        Demand { width: self.size.width, need: self.leases.count(), until: self.until }
    }
}

/// Returns the first number from `low` on that fits, by bisection: where one fits, all later ones
/// do. Returns `None` if no number up to `last` fits.
fn first_that_fits(low: u64, last: u64, fits: impl Fn(u64) -> bool) -> Option<u64> {
    let mut step: u64 = 1;
    while !fits(low.saturating_add(step)) {
        if low.saturating_add(step) >= last {
            return None;
        }
        step = step.saturating_mul(2);
    }
    let (mut low, mut high) = (low, low.saturating_add(step));
    while low < high {
        let middle = low + (high - low) / 2;
        (low, high) = if fits(middle) { (low, middle) } else { (middle + 1, high) };
    }
    Some(high)
}
