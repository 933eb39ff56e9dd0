//! Live jobs kept in an order that does not change while they live.

use crate::job::JobId;

use super::View;

/// Live jobs, ascending by a key and then by id.
#[derive(Clone, Debug)]
pub(super) struct Queue<K> {
    jobs: Vec<(K, JobId)>,
}

impl<K: Ord + Copy> Queue<K> {
    /// No jobs.
    pub(super) fn new() -> Queue<K> {
        Queue { jobs: Vec::new() }
    }

    /// Takes in what arrived and drops what ended since the last plan.
    pub(super) fn update(&mut self, view: &View<'_>, key: impl Fn(JobId) -> K) {
        for id in view.ended() {
            self.remove(key(*id), *id);
        }
        for id in view.arrivals() {
            self.insert(key(*id), *id);
        }
    }

    pub(super) fn insert(&mut self, key: K, id: JobId) {
        if let Err(place) = self.jobs.binary_search(&(key, id)) {
            self.jobs.insert(place, (key, id));
        }
    }

    pub(super) fn remove(&mut self, key: K, id: JobId) {
        if let Ok(place) = self.jobs.binary_search(&(key, id)) {
            self.jobs.remove(place);
        }
    }

    /// The jobs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().map(|(_, id)| *id)
    }
}
