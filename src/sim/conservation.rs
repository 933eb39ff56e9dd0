//! What holds after every plan, whatever the policy: nothing is lost and nothing counted twice.

use std::collections::BTreeMap;

use crate::job::JobId;
use crate::state::Phase;
use crate::units::Gpus;

use super::simulation::Simulation;

/// Asserts that GPUs and jobs are conserved.
///
/// - On each node as many GPUs are held or free as it has, and the GPUs held are the sum of the
///   holdings.
/// - A live job holds GPUs by itself, is a member of exactly one rotation, or waits with none.
/// - GPUs are held for live jobs alone; a rotation has at least one.
///
/// Costs O(n) in the nodes and O(n log n) in the live jobs: for builds with debug assertions.
///
/// # Panics
///
/// If one of them does not hold.
pub(super) fn assert_conserved(simulation: &Simulation<'_>) {
    assert_gpus_conserved(simulation);
    let holders = holders_of_live_jobs(simulation);
    for job in &simulation.live {
        let state = &simulation.states[job.index()];
        assert_eq!(state.phase, Phase::Live, "{job:?} is among the live jobs");
        let holder = holders.get(job).copied();
        assert_eq!(state.holder, holder, "{job:?} knows the holder of its GPUs, or waits without one");
        let held = holder.map_or(Gpus::ZERO, |holder| simulation.held_by(holder).gpus());
        assert_eq!(state.gpus, held, "{job:?} runs on the GPUs that are held for it");
    }
    let found = holders.keys().filter(|job| simulation.live.binary_search(job).is_ok()).count();
    assert_eq!(found, holders.len(), "GPUs are held for live jobs alone");
    for holder in simulation.rotations.keys() {
        assert!(simulation.cluster.holding(*holder).is_some(), "the rotation of {holder:?} holds GPUs");
    }
}

fn assert_gpus_conserved(simulation: &Simulation<'_>) {
    let cluster = &simulation.cluster;
    let mut held = vec![Gpus::ZERO; cluster.free().len()];
    for (_, nodes) in cluster.holdings() {
        for (node, gpus) in nodes.parts() {
            held[node.index()] += *gpus;
        }
    }
    for (node, size) in cluster.shape().nodes().iter().enumerate() {
        let counted = held[node] + cluster.free()[node];
        assert_eq!(counted, *size, "the GPUs of node {node} are held or free");
    }
    let sum: Gpus = held.into_iter().sum();
    assert_eq!(cluster.busy(), sum, "the GPUs held are the sum of the holdings");
}

/// Returns under whose name GPUs are held for each job that has any, alone or in turns.
fn holders_of_live_jobs(simulation: &Simulation<'_>) -> BTreeMap<JobId, JobId> {
    let mut holders = BTreeMap::new();
    for (holder, _) in simulation.cluster.holdings() {
        let alone = [holder];
        let jobs = simulation.rotations.get(&holder).map_or(&alone[..], |rotation| &rotation.jobs);
        let mut members = 0;
        for job in jobs.iter().filter(|job| simulation.states[job.index()].end.is_none()) {
            let other = holders.insert(*job, holder);
            assert!(other.is_none(), "{job:?} has GPUs under the names of {other:?} and {holder:?}");
            members += 1;
        }
        assert!(members > 0, "GPUs are held under the name of {holder:?} for no live job");
    }
    holders
}
