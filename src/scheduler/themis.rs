//! Themis (NSDI 2020), as Gavel (OSDI 2020) and the ElasticFlow evaluation re-state it: finish-time
//! fairness with leases. A job's rho is the time from its submission to its end over what that
//! would be on its own share of the cluster, one part in as many as there are live jobs. Shares of
//! time are set so that the worst rho is as good as it can be, and leases of GPUs hand them out: in
//! the order of share over leases received, whoever has received none first, each that still fits.
//! Deadlines play no part, so best-effort jobs bid like everybody.
//!
//! Leases end on one grid, which begins with the plan that finds only new jobs. There everything is
//! dealt out anew; in between, whoever holds GPUs keeps them, and free ones go to who waits. What
//! is dealt out does not change while everybody fits, so the ends of leases are then passed over.
//! Passing over is exact: the grid is counted from its beginning; leases that nobody was called for
//! are counted afterwards; and work is priced at the share that was in force over whole stretches
//! in which that did not change, so that plans in between do not even round differently.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};

use super::finish_time::{Claim, shares};
use super::{Entry, OptionDoc, OptionsError, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "themis",
    aliases: &[],
    summary: "finish-time fairness: leases that keep the worst slowdown against a fair share low, at the requested size",
    paper: "Mahajan et al., NSDI 2020; Gavel, OSDI 2020",
    knows: "requested size, iterations as declared, measured speeds",
    options: &[OptionDoc {
        key: "lease",
        default: "600 s",
        help: "how long GPUs are held before they are dealt out anew",
    }],
    grant_admits: true,
    requested_size: true,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        let settings: Settings = options.read()?;
        let lease = SimDuration::from_secs_f64(settings.lease).filter(|lease| *lease > SimDuration::ZERO);
        let lease = lease.ok_or_else(|| OptionsError("`lease` must be above 0 s, such as 600".to_owned()))?;
        Ok(Box::new(Themis { lease, begin: SimTime::ZERO, leases: 0, accounts: BTreeMap::new() }))
    },
};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    lease: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { lease: 600.0 }
    }
}

struct Themis {
    lease: SimDuration,
    /// Where the grid of leases begins.
    begin: SimTime,
    /// How many leases had ended at the last plan.
    leases: u64,
    accounts: BTreeMap<JobId, Account>,
}

/// What a live job has had.
#[derive(Clone, Copy, Debug)]
struct Account {
    gpus: Gpus,
    /// Seconds for an iteration on its GPUs.
    pace: f64,
    /// Seconds that the work done up to `done` would have taken on the job's own shares of the
    /// time.
    alone: f64,
    /// Iterations.
    done: f64,
    /// Its own share since then: a part of its time, at most 1.
    own: f64,
    /// Leases received.
    leases: u64,
}

impl Themis {
    /// Brings the accounts up to now. Returns whether this is the end of a lease.
    fn update(&mut self, view: &View<'_>) -> bool {
        for id in view.ended() {
            self.accounts.remove(id);
        }
        if self.accounts.is_empty() {
            (self.begin, self.leases) = (view.now(), 0);
        }
        let elapsed = view.now().since(self.begin).as_micros();
        let leases = elapsed / self.lease.as_micros();
        let dealt = elapsed.is_multiple_of(self.lease.as_micros());
        // Everybody fitted at the ends that were passed over, so whoever holds GPUs was given them
        // again at each.
        let passed = (leases - self.leases).saturating_sub(u64::from(dealt));
        self.leases = leases;
        for (id, account) in &mut self.accounts {
            if !view.gpus(*id).is_zero() {
                account.leases += passed;
            }
        }
        for id in view.arrivals() {
            let gpus = view.job(*id).requested;
            let pace = view.rate(*id, gpus).map_or(0.0, |rate| 1.0 / rate.get());
            let account = Account { gpus, pace, alone: 0.0, done: 0.0, own: 1.0, leases: 0 };
            self.accounts.insert(*id, account);
        }
        let part = f64::from(view.capacity().get()) / self.accounts.len() as f64;
        for (id, account) in &mut self.accounts {
            let own = (part / f64::from(account.gpus.get())).min(1.0);
            if own != account.own {
                account.settle(done(view, *id));
                account.own = own;
            }
        }
        dealt
    }

    /// The live jobs in the order in which GPUs are dealt out.
    fn order(&self, view: &View<'_>) -> Vec<JobId> {
        let claims: Vec<Claim> = self.accounts.iter().map(|(id, account)| account.claim(view, *id)).collect();
        let shares = shares(&claims, f64::from(view.capacity().get()));
        let mut order: Vec<_> = self
            .accounts
            .iter()
            .zip(shares)
            .map(|((id, account), share)| {
                // Shares are positive, and positive floats are in the order of their bits.
                let priority = (share / account.leases.max(1) as f64).to_bits();
                (account.leases > 0, Reverse(priority), view.job(*id).submit, *id)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(.., id)| id).collect()
    }
}

impl Account {
    /// Prices the work done up to `done` iterations at the share in force so far.
    fn settle(&mut self, done: f64) {
        self.alone += (done - self.done) * self.pace / self.own;
        self.done = done;
    }

    fn claim(mut self, view: &View<'_>, id: JobId) -> Claim {
        self.settle(done(view, id));
        // A job whose work rounds to nothing left still needs the microsecond in which it ends.
        let left = (view.declared_left(id).get() * self.pace).max(1e-6);
        Claim {
            gpus: f64::from(self.gpus.get()),
            elapsed: view.now().since(view.job(id).submit).as_secs_f64(),
            left,
            alone: self.alone + left / self.own,
        }
    }
}

fn done(view: &View<'_>, id: JobId) -> f64 {
    (view.job(id).iterations - view.declared_left(id)).get()
}

impl Scheduler for Themis {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let dealt = self.update(view);
        let mut plan = Plan::new();
        let mut free = view.capacity();
        let keeps = |id: JobId| !dealt && !view.gpus(id).is_zero();
        for (id, account) in self.accounts.iter().filter(|(id, _)| keeps(**id)) {
            free -= account.gpus;
            plan.grant(*id, account.gpus);
        }
        let wanted: u64 = self.accounts.values().map(|account| u64::from(account.gpus.get())).sum();
        let all_fit = wanted <= u64::from(view.capacity().get());
        let order = match (all_fit, free.is_zero()) {
            (true, _) => view.live().to_vec(),
            (false, true) => Vec::new(),
            (false, false) => self.order(view),
        };
        for id in order.into_iter().filter(|id| !keeps(*id)) {
            if let Some(account) = self.accounts.get_mut(&id).filter(|account| account.gpus <= free) {
                free -= account.gpus;
                account.leases += 1;
                plan.grant(id, account.gpus);
            }
        }
        if !all_fit {
            let micros = (self.leases + 1) * self.lease.as_micros();
            plan.wake_at(self.begin + SimDuration::from_micros(micros));
        }
        plan
    }
}
