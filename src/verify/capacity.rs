//! Rules on the cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::units::SimTime;

use super::evidence::{Checked, Evidence};

/// No node gives more GPUs than it has, at any time. The members of a rotation share theirs.
pub(super) fn capacity(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
    ledger.check_turns()?;
    let sizes = stored.summary.cluster.node_sizes();
    let mut changes: Vec<(SimTime, bool, u32, i64)> = Vec::new();
    for (from, until, nodes) in ledger.taken() {
        for (node, gpus) in nodes.parts() {
            changes.push((from, true, node.0, i64::from(gpus.get())));
            changes.push((until, false, node.0, -i64::from(gpus.get())));
        }
    }
    // At one instant, GPUs are given back before others are taken.
    changes.sort_unstable();
    let mut busy: BTreeMap<u32, i64> = BTreeMap::new();
    let mut faults = Vec::new();
    for (time, _, node, change) in changes {
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
pub(super) fn rows(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
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
