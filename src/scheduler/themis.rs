//! Themis (Mahajan et al., NSDI 2020) as Gavel (Narayanan et al., OSDI 2020, section 4.2) and the
//! ElasticFlow evaluation state it again: finish-time fairness with leases, at the requested size.
//!
//! A job's rho is the time from its submission to its completion, divided by what that would be on
//! its own share of the cluster: one part in as many as there are live jobs. Time shares are set so
//! that the worst rho is as small as it can be, and leases of GPUs realise them: jobs that have had
//! no lease first, then by share over leases received, then by submission and id. A job that does
//! not fit is passed over. Deadlines play no part, and best-effort jobs are like all others. The
//! auctions of the Themis paper are left out.
//!
//! All leases end at multiples of one length after the plan that found only new jobs. There all
//! GPUs are dealt out anew; in between, jobs keep their GPUs, and free GPUs go to waiting jobs.
//!
//! While all jobs fit, dealing out changes nothing, so the ends of leases are passed over. That is
//! exact: the leases passed over are counted at the next plan, and work is priced at the share in
//! force over whole stretches in which that share did not change, so that a plan in between does
//! not even round differently.

mod finish_time;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime, positive_duration};

use super::{Entry, OptionDoc, Plan, Scheduler, View};
use finish_time::{Claim, shares};

pub(super) const ENTRY: Entry = Entry {
    name: "themis",
    summary: "finish-time fairness: leases that keep the worst slowdown against a fair share low, at the requested size",
    paper: Some("Mahajan et al., NSDI 2020; Gavel, OSDI 2020"),
    knows: "requested size, iterations as declared, measured speeds",
    options: &[OptionDoc {
        key: "lease",
        default: "600 s",
        help: "how long GPUs are held before they are dealt out anew",
    }],
    requested_size: true,
    build: |options, _| {
        let ThemisOptions { lease } = options.read()?;
        Ok(Box::new(Themis { lease, begin: SimTime::ZERO, leases: 0, accounts: BTreeMap::new() }))
    },
    intervals: &["lease"],
    ..Entry::BASE
};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ThemisOptions {
    #[serde(deserialize_with = "positive_duration")]
    lease: SimDuration,
}

impl Default for ThemisOptions {
    fn default() -> ThemisOptions {
        ThemisOptions { lease: SimDuration::from_secs(600) }
    }
}

struct Themis {
    /// How long a lease is.
    lease: SimDuration,
    /// When the first lease began.
    begin: SimTime,
    /// How many leases had ended at the last plan.
    leases: u64,
    /// All live jobs.
    accounts: BTreeMap<JobId, Account>,
}

/// What a live job has had.
#[derive(Clone, Copy, Debug)]
struct Account {
    gpus: Gpus,
    /// Seconds for an iteration on its GPUs.
    pace: f64,
    /// Seconds that the iterations up to `done` would have taken at the job's own shares.
    alone: f64,
    /// The iterations that are priced in `alone`.
    done: f64,
    /// The job's own share since then: the part of the time that it would have its GPUs, in (0, 1].
    own: f64,
    /// Leases received.
    leases: u64,
}

impl Themis {
    /// Brings the accounts up to now. Returns whether leases end now, so that all GPUs are dealt
    /// out anew.
    fn update(&mut self, view: &View<'_>) -> bool {
        for id in view.completions() {
            self.accounts.remove(id).expect("a completed job had an account");
        }
        if self.accounts.is_empty() {
            (self.begin, self.leases) = (view.now(), 0);
        }
        let elapsed = view.now().since(self.begin).as_micros();
        let leases = elapsed / self.lease.as_micros();
        let dealt = elapsed.is_multiple_of(self.lease.as_micros());
        // All jobs fitted at the ends that were passed over, so a job that holds GPUs was given
        // them again at each. The end that is now is not one of them; nor is the beginning of the
        // first lease, where none has ended.
        let passed = (leases - self.leases).saturating_sub(u64::from(dealt));
        self.leases = leases;
        for (id, account) in &mut self.accounts {
            if !view.gpus(*id).is_zero() {
                account.leases += passed;
            }
        }
        for id in view.arrivals() {
            let gpus = view.job(*id).requested;
            let pace = 1.0 / view.rate(*id, gpus).expect("a requested size has a speed").get();
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

    /// Returns the live jobs in the order in which GPUs are dealt out.
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
    /// Prices the work up to `done` iterations at the share in force so far.
    fn settle(&mut self, done: f64) {
        self.alone += (done - self.done) * self.pace / self.own;
        self.done = done;
    }

    /// Returns what decides the job's share now.
    fn claim(mut self, view: &View<'_>, id: JobId) -> Claim {
        self.settle(done(view, id));
        // A job whose work rounds to nothing left still needs the microsecond in which it
        // completes.
        let left = (view.declared_left(id).get() * self.pace).max(1e-6);
        Claim {
            gpus: f64::from(self.gpus.get()),
            elapsed: view.now().since(view.job(id).submit).as_secs_f64(),
            left,
            alone: self.alone + left / self.own,
        }
    }
}

/// Returns the iterations that a job has done.
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
            let account = self.accounts.get_mut(&id).expect("a live job has an account");
            if account.gpus <= free {
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
