//! Live jobs kept in an order that does not change while they live.

use crate::job::JobId;

use super::View;

/// Live jobs, ascending by a key and then by id. A change takes time linear in the number of jobs.
#[derive(Clone, Debug)]
pub(super) struct OrderedJobs<K> {
    jobs: Vec<(K, JobId)>,
}

impl<K: Ord + Copy> OrderedJobs<K> {
    /// Returns an empty queue.
    pub(super) fn new() -> OrderedJobs<K> {
        OrderedJobs { jobs: Vec::new() }
    }

    /// Adds the jobs that have arrived and removes those that have completed since the last plan. A
    /// job's key is the same at both times.
    pub(super) fn update(&mut self, view: &View<'_>, key: impl Fn(JobId) -> K) {
        for id in view.completions() {
            self.remove(key(*id), *id);
        }
        for id in view.arrivals() {
            self.insert(key(*id), *id);
        }
    }

    /// Adds a job.
    ///
    /// # Panics
    ///
    /// If it is there already, with this key.
    pub(super) fn insert(&mut self, key: K, id: JobId) {
        let place = self.jobs.binary_search(&(key, id)).expect_err("a job is added once");
        self.jobs.insert(place, (key, id));
    }

    /// Removes a job.
    ///
    /// # Panics
    ///
    /// If it is not there with this key.
    pub(super) fn remove(&mut self, key: K, id: JobId) {
        let place = self.jobs.binary_search(&(key, id)).expect("a job is removed with the key that it has");
        self.jobs.remove(place);
    }

    /// Returns the jobs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().map(|(_, id)| *id)
    }
}
