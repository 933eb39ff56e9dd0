//! Rules on the cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::NodeSet;
use crate::report::Stored;
use crate::units::SimTime;

use super::ledger::Ledger;

/// No node gives more GPUs than it has, at any time. The members of a rotation share theirs.
pub(super) fn capacity(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    ledger.check_turns()?;
    let sizes = stored.summary.cluster.node_sizes();
    let mut taken: Vec<(SimTime, bool, u32, i64)> = Vec::new();
    let mut add = |from: SimTime, until: SimTime, nodes: &NodeSet| {
        for (node, gpus) in nodes.parts().iter().filter(|_| from < until) {
            taken.push((from, true, node.0, i64::from(gpus.get())));
            taken.push((until, false, node.0, -i64::from(gpus.get())));
        }
    };
    let mut shared: BTreeMap<(SimTime, String), (SimTime, &NodeSet)> = BTreeMap::new();
    for holding in ledger.all() {
        if holding.turns.is_none() {
            add(holding.from, holding.until, &holding.nodes);
            continue;
        }
        let key = (holding.from, holding.nodes.to_string());
        let until = &mut shared.entry(key).or_insert((holding.until, &holding.nodes)).0;
        *until = holding.until.max(*until);
    }
    shared.iter().for_each(|((from, _), (until, nodes))| add(*from, *until, nodes));
    // At one instant, GPUs are given back before others are taken.
    taken.sort_unstable();
    let mut busy: BTreeMap<u32, i64> = BTreeMap::new();
    let mut faults = Vec::new();
    for (time, _, node, change) in taken {
        let held = busy.entry(node).or_default();
        *held += change;
        let size = sizes.get(node as usize).map_or(0, |size| i64::from(size.get()));
        if change > 0 && *held > size {
            faults.push(format!("at {time} s, jobs hold {held} GPUs of node {node}, which has {size}"));
        }
    }
    Ok(faults)
}

/// Each row is of a job in `jobs.csv`, names as many GPUs as it counts, and none comes before the
/// one above it.
pub(super) fn rows(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    let known: BTreeSet<&str> = stored.jobs.iter().map(|job| job.job_id.as_str()).collect();
    let mut faults = Vec::new();
    let mut last = SimTime::ZERO;
    for row in ledger.rows {
        let job = &row.job_id;
        if !known.contains(job.as_str()) {
            faults.push(format!("allocations.csv has a job `{job}`, and jobs.csv has not"));
        }
        if row.time < last {
            faults.push(format!("job `{job}`: its row at {} s comes after one at {last} s", row.time));
        }
        last = last.max(row.time);
        let named = row.nodes.split(' ').filter_map(|part| part.split_once(':')?.1.parse::<u32>().ok());
        let named: u32 = named.sum();
        if named != row.gpus.get() {
            let (time, gpus) = (row.time, row.gpus);
            faults.push(format!("job `{job}` at {time} s: gpus is {gpus}, and its nodes have {named}"));
        }
    }
    Ok(faults)
}
