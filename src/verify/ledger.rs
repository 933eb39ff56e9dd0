//! What each job held, and when: the rows of `allocations.csv`, with the turns of `events.jsonl`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::{NodeId, NodeSet};
use crate::record::allocations::Allocation;
use crate::units::{Gpus, SimDuration, SimTime};

/// The turns of a job in a rotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnTimes {
    /// The place of the rotation's first row among all rows.
    pub(super) rotation: usize,
    pub(super) quantum: SimDuration,
    pub(super) members: u64,
    pub(super) first_restart: SimDuration,
}

/// What a job has from one row to its next.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) from: SimTime,
    pub(super) until: SimTime,
    pub(super) held_from: SimTime,
    pub(super) nodes: NodeSet,
    pub(super) batch: u32,
    /// How long the job makes no progress; in a rotation, in each turn but the first. `None`
    /// without an event log.
    pub(super) restart: Option<SimDuration>,
    pub(super) turns: Option<TurnTimes>,
}

impl Holding {
    /// Returns the time with the GPUs, and the part of it that is restart overhead if each change
    /// costs `restart`.
    pub(super) fn times(&self, restart: SimDuration) -> (SimDuration, SimDuration) {
        let passed = self.until.since(self.held_from);
        let Some(turns) = &self.turns else { return (passed, passed.min(restart)) };
        let cycle = turns.quantum.as_micros() * turns.members;
        let (full, rest) = (passed.as_micros() / cycle, passed.as_micros() % cycle);
        let rest = SimDuration::from_micros(rest).min(turns.quantum);
        let held = SimDuration::from_micros(full * turns.quantum.as_micros()) + rest;
        let over = match full {
            0 => rest.min(turns.first_restart),
            more => {
                let later = SimDuration::from_micros((more - 1) * restart.as_micros());
                turns.first_restart + later + rest.min(restart)
            }
        };
        (held, over)
    }

    /// Returns whether the job, whose row this is at `time`, has its turn then, if it takes turns.
    pub(super) fn is_on_turn(&self, time: SimTime) -> bool {
        let Some(turns) = &self.turns else { return true };
        let cycle = turns.quantum.as_micros() * turns.members;
        time >= self.held_from && time.since(self.held_from).as_micros() % cycle < turns.quantum.as_micros()
    }

    /// Returns whether the job had the GPUs before its next row.
    pub(super) fn has_begun(&self) -> bool {
        self.held_from < self.until || self.held_from == self.from
    }
}

/// The rows of a run, by job.
pub(super) struct Ledger<'a> {
    /// All rows, in their order.
    pub(super) rows: &'a [Allocation],
    holdings: BTreeMap<&'a str, Vec<Holding>>,
    by_job: BTreeMap<&'a str, Vec<&'a Allocation>>,
    turns_unknown: bool,
}

impl<'a> Ledger<'a> {
    /// Collects the rows; what is held at the end of the file is held until the cut. Fails with the
    /// reason where the rows or the events are not those of a run.
    pub(super) fn new(
        rows: &'a [Allocation],
        events: Option<&[Value]>,
        cut: Option<SimTime>,
    ) -> Result<Ledger<'a>, String> {
        let events = events.map(allocating);
        if let Some(events) = &events
            && events.len() != rows.len()
        {
            let (events, rows) = (events.len(), rows.len());
            return Err(format!("events.jsonl has {events} changes of GPUs, and allocations.csv has {rows}"));
        }
        let cut = cut.or_else(|| rows.last().map(|row| row.time)).unwrap_or(SimTime::ZERO);
        let mut ledger =
            Ledger { rows, holdings: BTreeMap::new(), by_job: BTreeMap::new(), turns_unknown: false };
        let mut rotation = 0;
        let mut open: BTreeMap<&str, Holding> = BTreeMap::new();
        for (n, row) in rows.iter().enumerate() {
            let job = row.job_id.as_str();
            if let Some(before) = open.remove(job) {
                ledger.close(job, before, row.time);
            }
            ledger.by_job.entry(job).or_default().push(row);
            ledger.turns_unknown |= events.is_none() && row.held_from > row.time;
            if !row.gpus.is_zero() {
                let event = events.as_ref().map(|events| events[n]);
                // The rows of a rotation follow each other in the order of its turns.
                if event.is_some_and(|event| event["turn"] == 0) {
                    rotation = n;
                }
                open.insert(job, holding(row, event, rotation)?);
            }
        }
        for (job, last) in open {
            ledger.close(job, last, cut);
        }
        Ok(ledger)
    }

    fn close(&mut self, job: &'a str, mut holding: Holding, until: SimTime) {
        holding.until = until;
        self.holdings.entry(job).or_default().push(holding);
    }

    /// Returns what a job held, in the order of time.
    pub(super) fn of(&self, job: &str) -> &[Holding] {
        self.holdings.get(job).map_or(&[], Vec::as_slice)
    }

    /// Returns the rows of a job, in the order of time.
    pub(super) fn rows_of(&self, job: &str) -> &[&'a Allocation] {
        self.by_job.get(job).map_or(&[], Vec::as_slice)
    }

    /// Returns the rotation that a job joins with this row, if it joins one.
    pub(super) fn rotation(&self, row: &Allocation) -> Option<usize> {
        let holding = self.of(&row.job_id).iter().find(|holding| holding.from == row.time)?;
        holding.turns.map(|turns| turns.rotation)
    }

    /// Returns every holding.
    pub(super) fn all(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.values().flatten()
    }

    /// Returns what is taken from the cluster: for each job alone and for each rotation, from when
    /// until when it has which nodes.
    pub(super) fn taken(&self) -> Vec<(SimTime, SimTime, &NodeSet)> {
        let mut taken = Vec::new();
        let mut rotations: BTreeMap<usize, (SimTime, SimTime, &NodeSet)> = BTreeMap::new();
        for holding in self.all() {
            let held = (holding.from, holding.until, &holding.nodes);
            match holding.turns {
                None => taken.push(held),
                Some(turns) => {
                    let until = &mut rotations.entry(turns.rotation).or_insert(held).1;
                    *until = holding.until.max(*until);
                }
            }
        }
        taken.extend(rotations.into_values());
        taken.retain(|(from, until, _)| from < until);
        taken
    }

    /// Fails with the reason where jobs take turns and nothing says how long these are.
    pub(super) fn check_turns(&self) -> Result<(), String> {
        if self.turns_unknown {
            return Err(
                "jobs take turns, and only events.jsonl, which `run --events` writes, has them".to_owned()
            );
        }
        Ok(())
    }
}

/// Returns the events that change GPUs: each is a row of `allocations.csv`.
fn allocating(events: &[Value]) -> Vec<&Value> {
    const OTHERS: [&str; 4] = ["arrived", "admitted", "declined", "planned"];
    events.iter().filter(|event| !OTHERS.contains(&event["event"].as_str().unwrap_or_default())).collect()
}

fn holding(row: &Allocation, event: Option<&Value>, rotation: usize) -> Result<Holding, String> {
    let nodes =
        nodes(&row.nodes).ok_or_else(|| format!("`{}` in allocations.csv are no nodes", row.nodes))?;
    let mut holding = Holding {
        from: row.time,
        until: row.time,
        held_from: row.held_from,
        nodes,
        batch: row.batch_size,
        restart: None,
        turns: None,
    };
    if let Some(event) = event {
        if event["job_id"] != row.job_id {
            return Err(format!("at {} s, events.jsonl and allocations.csv name different jobs", row.time));
        }
        let seconds = |key: &str| event[key].as_f64().and_then(SimDuration::from_secs_f64);
        holding.restart = seconds("restart_overhead");
        let turns = seconds("quantum").zip(event["members"].as_u64()).zip(seconds("first_restart_overhead"));
        holding.turns = turns.map(|((quantum, members), first_restart)| TurnTimes {
            rotation,
            quantum,
            members,
            first_restart,
        });
    }
    Ok(holding)
}

/// Parses `node:gpus` parts.
fn nodes(text: &str) -> Option<NodeSet> {
    let mut set = NodeSet::default();
    for part in text.split(' ') {
        let (node, gpus) = part.split_once(':')?;
        let gpus: u32 = gpus.parse().ok().filter(|gpus| *gpus > 0)?;
        set.add(NodeId(node.parse().ok()?), Gpus::new(gpus));
    }
    Some(set)
}
