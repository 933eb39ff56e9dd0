//! The accepted jobs: each has leases in which it is done in time, and all of them together fit the
//! cluster.
//!
//! That is so at every plan: a newcomer is accepted only with leases beside everybody's, and
//! whatever is decided when leases begin is either a packing of all demands or what was there
//! before. A job that runs in a lease needs one less later, so what is left of its leases stays
//! enough.

use std::collections::BTreeMap;

use crate::job::{JobId, JobSpec, SoftDeadline};
use crate::scheduler::View;
use crate::units::{Gpus, SimTime};

use super::choice::{Objective, improve, raise};
use super::demand::{Leasing, Size};
use super::leases::{Demand, FreeLeases, Leases, Packed, pack};
use super::program::{NoAnswer, Solved, Way, size, solve};
use super::settings::{Admission, Rejected, Settings};

/// An accepted job.
#[derive(Clone, Debug)]
struct Accepted {
    size: Size,
    /// Which of its deadlines it is to keep.
    choice: usize,
    /// Those to come, or from the one on that begins now.
    leases: Leases,
    /// The first lease that is too late.
    until: u64,
    /// Whether it has the lease that runs.
    leased: bool,
    /// Accepted since leases last began.
    fresh: bool,
}

/// The accepted jobs and what their leases leave free.
#[derive(Clone, Debug)]
pub(super) struct Guarantee {
    jobs: BTreeMap<JobId, Accepted>,
    free: FreeLeases,
    admission: Admission,
    rejected: Rejected,
    /// The most integers of a program that is solved.
    program: usize,
    /// Leases kept from those judged together, for jobs that were rejected.
    ghosts: Vec<Demand>,
    capacity: Gpus,
    /// Whether a program that was asked about newcomers has been given up.
    gave_up: bool,
}

/// What becomes of the accepted jobs when leases begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    /// Who is accepted no more: its leases are not enough, or the estimate was wrong.
    pub(super) broken: Vec<JobId>,
    /// Whether packing failed, so that the earlier leases stay.
    pub(super) fell_back: bool,
}

impl Guarantee {
    pub(super) fn new(settings: &Settings, capacity: Gpus, lease: u64) -> Guarantee {
        Guarantee {
            jobs: BTreeMap::new(),
            free: FreeLeases::new(lease, capacity.get()),
            admission: settings.admission,
            rejected: settings.rejected,
            program: settings.program,
            ghosts: Vec::new(),
            capacity,
            gave_up: false,
        }
    }

    /// Begins to judge jobs together.
    pub(super) fn begin(&mut self) {
        self.ghosts.clear();
        self.gave_up = false;
    }

    /// Whether a program was given up since then, so that only packing spoke for a newcomer.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// The accepted jobs and their sizes.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (JobId, Size)> {
        self.jobs.iter().map(|(id, job)| (*id, job.size))
    }

    /// Whether a job has the lease that runs.
    pub(super) fn has_lease(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|job| job.leased)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// A job has ended, or is guaranteed nothing any more.
    pub(super) fn remove(&mut self, id: JobId) {
        if let Some(job) = self.jobs.remove(&id) {
            self.free.give(&job.leases, job.size.width);
        }
    }

    /// Forgets the leases before `lease`.
    pub(super) fn cut(&mut self, lease: u64) {
        self.free.cut(lease);
        self.jobs.values_mut().for_each(|job| job.leases.cut(lease, u64::MAX));
    }

    /// Accepts a job if it finds leases from `from` on beside those of the others; says when it is
    /// done at the latest.
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
                let job = Accepted { size, choice, leases, until, leased: false, fresh: true };
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

    /// A rejected job with the earliest end by which it would find room.
    fn earliest(&self, demand: Demand, from: u64) -> Option<Demand> {
        if demand.width > self.capacity.get() {
            return None;
        }
        // By then everybody else is done, and whoever comes last among the jobs of its width finds
        // as many leases as it needs.
        let ends = self.jobs.values().map(|job| job.until).chain(self.free.steps().iter().map(|step| step.0));
        let needs = self.jobs.values().map(|job| job.leases.count());
        let needs = needs.chain(self.ghosts.iter().map(|ghost| ghost.need)).chain([demand.need]);
        let ends = ends.chain(self.ghosts.iter().map(|ghost| ghost.until)).chain([from]);
        let last = needs.fold(ends.max().unwrap_or(from), u64::saturating_add);
        let fits = |until: u64, fresh: bool| {
            let demand = Demand { until, ..demand };
            self.packed(demand, from, |job| fresh && job.fresh).is_some()
        };
        let low = from.saturating_add(demand.need);
        // Packing may not find again what the program did; then it leaves everybody where they are.
        let until = first(low, last, |until| fits(until, true))
            .or_else(|| first(low, last, |until| fits(until, false)))?;
        Some(Demand { until, ..demand })
    }

    /// Leases for a newcomer: with those accepted since leases last began packed anew, or with
    /// everybody.
    fn find_room(&mut self, demand: Demand, from: u64) -> Option<Leases> {
        let fresh = self.repack(demand, from, |job| job.fresh);
        match self.admission {
            Admission::Greedy => fresh,
            Admission::Repack => fresh
                .or_else(|| self.repack(demand, from, |_| true))
                .or_else(|| self.solve_with(demand, from)),
        }
    }

    /// Asks the program whether there is room for a newcomer beside everybody, where packing says
    /// no.
    fn solve_with(&mut self, demand: Demand, from: u64) -> Option<Leases> {
        let all = self.jobs.values().map(Accepted::demand).chain([demand]).chain(self.ghosts.iter().copied());
        let ways: Vec<Vec<Way>> = all.map(|demand| vec![Way { demand, value: 1.0 }]).collect();
        if size(&ways, from) > self.program {
            return None;
        }
        let answer = solve(&ways, self.capacity.get(), from, None);
        self.gave_up |= answer.as_ref().is_err_and(|why| *why == NoAnswer::Unknown);
        let mut packed = answer.ok()?.packed;
        let ghosts = packed.leases.split_off(self.jobs.len() + 1);
        let own = packed.leases.pop()?;
        packed.free.give(&own, demand.width);
        self.ghosts.iter().zip(&ghosts).for_each(|(ghost, leases)| packed.free.give(leases, ghost.width));
        self.jobs.values_mut().zip(packed.leases).for_each(|(job, leases)| job.leases = leases);
        self.free = packed.free;
        Some(own)
    }

    /// Who has the lease that begins, by the program; `None` if it is too large or has no answer,
    /// which is noted.
    fn solve_all(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        objective: Objective,
        decision: &mut Decision,
    ) -> Option<(Vec<Demand>, Packed)> {
        let of = |(id, job): (&JobId, &Accepted)| {
            let spec = view.job(*id);
            let in_time = |(choice, due): (usize, SimTime)| {
                let demand = leasing.demand(view, *id, &job.size, due);
                let demand = demand.filter(|demand| demand.until >= lease + demand.need)?;
                let value = spec.soft.get(choice).map_or(1.0, |worth: &SoftDeadline| worth.value);
                Some((choice, Way { demand, value }))
            };
            // None that is later than what was promised.
            spec.times().enumerate().take(job.choice + 1).filter_map(in_time).collect::<Vec<_>>()
        };
        let all: Vec<Vec<(usize, Way)>> = self.jobs.iter().map(of).collect();
        let ways: Vec<Vec<Way>> = all.iter().map(|ways| ways.iter().map(|way| way.1).collect()).collect();
        if ways.is_empty() || size(&ways, lease) > self.program {
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

    /// Packs a newcomer with some of the jobs into what the others leave; keeps that if it works.
    fn repack(&mut self, demand: Demand, from: u64, who: impl Fn(&Accepted) -> bool) -> Option<Leases> {
        let (some, mut packed) = self.packed(demand, from, who)?;
        packed.leases.truncate(some.len() + 1);
        let own = packed.leases.pop()?;
        packed.free.give(&own, demand.width);
        for (id, leases) in some.iter().zip(packed.leases) {
            if let Some(job) = self.jobs.get_mut(id) {
                job.leases = leases;
            }
        }
        self.free = packed.free;
        Some(own)
    }

    /// Some of the jobs, a newcomer and the ghosts, packed into what the others leave.
    fn packed(
        &self,
        demand: Demand,
        from: u64,
        who: impl Fn(&Accepted) -> bool,
    ) -> Option<(Vec<JobId>, Packed)> {
        let some: Vec<JobId> = self.jobs.iter().filter(|(_, job)| who(job)).map(|(id, _)| *id).collect();
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

    /// Decides who has the lease that begins now, and plans the later ones anew.
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
        decision.broken.iter().for_each(|id| self.remove(*id));
        let solved = self.solve_all(view, leasing, lease, objective, &mut decision);
        let (demands, packed) =
            solved.unwrap_or_else(|| self.exchange(view, leasing, lease, objective, &mut decision));
        let planned = packed.leases.into_iter().zip(demands);
        for (job, (leases, demand)) in self.jobs.values_mut().zip(planned) {
            job.leased = leases.has(lease);
            (job.leases, job.until, job.fresh) = (leases, demand.until, false);
        }
        self.free = packed.free;
        self.cut(lease + 1);
        decision
    }

    /// Who has the lease that begins, by packing and exchanges.
    fn exchange(
        &mut self,
        view: &View<'_>,
        leasing: &Leasing,
        lease: u64,
        objective: Objective,
        decision: &mut Decision,
    ) -> (Vec<Demand>, Packed) {
        let demands: Vec<Demand> = self.jobs.values().map(Accepted::demand).collect();
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

    /// Lets jobs keep earlier ones of their soft deadlines, the most valuable changes first, as far
    /// as there is room.
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
            let Some(job) = self.jobs.get_mut(&id).filter(|job| job.choice > choice) else { continue };
            if raise(packed, index, demand, lease) {
                (job.choice, demands[index]) = (choice, demand);
            }
        }
        demands
    }
}

impl Accepted {
    /// Brings its leases in line with what it has done by now; false if they are not enough.
    fn follow_up(&mut self, view: &View<'_>, leasing: &Leasing, id: JobId) -> bool {
        let due = time(view.job(id), self.choice);
        let Some(demand) = due.and_then(|due| leasing.demand(view, id, &self.size, due)) else {
            return false;
        };
        self.until = demand.until;
        self.leases.cut(0, self.until);
        self.leases.keep_last(demand.need);
        demand.need > 0 && self.leases.count() == demand.need
    }

    fn demand(&self) -> Demand {
        Demand { width: self.size.width, need: self.leases.count(), until: self.until }
    }
}

/// The first number from `low` on that fits, if those after one that fits do; none if not even
/// those beyond `last` do.
fn first(low: u64, last: u64, fits: impl Fn(u64) -> bool) -> Option<u64> {
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

fn time(job: &JobSpec, choice: usize) -> Option<SimTime> {
    job.times().nth(choice)
}
