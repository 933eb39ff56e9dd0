//! Step functions over time: free GPUs, or the GPUs of one job.

use super::quirk::{Q2, Quirks};

/// A step function: a value holds from its key, in seconds, to the next key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GpuTimeline(Vec<(i64, i64)>);

impl GpuTimeline {
    /// Creates the function that is `value` from `at` on.
    pub(super) fn new(at: i64, value: i64) -> GpuTimeline {
        // Room for the steps that most plans have.
        let mut steps = Vec::with_capacity(8);
        steps.push((at, value));
        GpuTimeline(steps)
    }

    /// Creates a function of these steps, which are ascending.
    #[cfg(test)]
    pub(super) fn of(steps: &[(i64, i64)]) -> GpuTimeline {
        GpuTimeline(steps.to_vec())
    }

    /// Returns the steps, ascending.
    pub(super) fn steps(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// Returns the index of a key, or that at which it would be.
    fn place(&self, at: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&at, |step| step.0)
    }

    /// Returns the value written at exactly this key; 0 where there is no such key.
    pub(super) fn at(&self, key: i64) -> i64 {
        self.place(key).map_or(0, |i| self.0[i].1)
    }

    /// Returns whether this is a key.
    pub(super) fn has(&self, key: i64) -> bool {
        self.place(key).is_ok()
    }

    /// Writes a value at a key; adds the key if there is none.
    pub(super) fn set(&mut self, key: i64, value: i64) {
        match self.place(key) {
            Ok(i) => self.0[i].1 = value,
            Err(i) => self.0.insert(i, (key, value)),
        }
    }

    /// Makes this a key without changing the function; returns whether that added it.
    pub(super) fn cut(&mut self, key: i64) -> bool {
        let Err(i) = self.place(key) else { return false };
        let value = if i > 0 { self.0[i - 1].1 } else { 0 };
        self.0.insert(i, (key, value));
        true
    }

    /// Writes a value at the last key or a later one, unless it is the value there already.
    pub(super) fn push(&mut self, key: i64, value: i64) {
        self.0.pop_if(|step| step.0 >= key);
        if self.0.last().is_none_or(|step| step.1 != value) {
            self.0.push((key, value));
        }
    }

    /// Returns the value of the function; 0 before its first key.
    pub(super) fn value(&self, at: i64) -> i64 {
        self.after(at).checked_sub(1).map_or(0, |i| self.0[i].1)
    }

    /// Adds to the value of the step with this index.
    pub(super) fn add_at(&mut self, index: usize, value: i64) {
        self.0[index].1 += value;
    }

    /// Copies another function up to `until` and the first key after it, into the memory that this
    /// one has.
    pub(super) fn copy_until(&mut self, other: &GpuTimeline, until: i64) {
        let steps = &other.0[..(other.after(until) + 1).min(other.0.len())];
        self.0.clear();
        self.0.extend_from_slice(steps);
    }

    /// Returns the index of the first key from `key` on.
    pub(super) fn before(&self, key: i64) -> usize {
        self.0.partition_point(|step| step.0 < key)
    }

    /// Adds to the value of every step whose key is in `[from, to)`.
    pub(super) fn add(&mut self, from: i64, to: i64, value: i64) {
        let first = self.0.partition_point(|step| step.0 < from);
        for step in self.0[first..].iter_mut().take_while(|step| step.0 < to) {
            step.1 += value;
        }
    }

    /// Returns the index of the first key after `key`.
    pub(super) fn after(&self, key: i64) -> usize {
        self.0.partition_point(|step| step.0 <= key)
    }

    /// Returns the first key after `key`.
    pub(super) fn next(&self, key: i64) -> Option<i64> {
        self.0.get(self.after(key)).map(|step| step.0)
    }

    /// Removes every key that does not change the value.
    pub(super) fn squash(&mut self) {
        self.0.dedup_by_key(|step| step.1);
    }

    /// Returns the function without the keys that do not change its value.
    pub(super) fn squashed(mut self) -> GpuTimeline {
        self.squash();
        self
    }

    /// Returns the GPU-seconds of an allocation that ends at `end`. The last step but one is
    /// charged up to the last key, even if that is a step to zero after the end: a quirk (Q2).
    pub(super) fn gpu_time(&self, end: i64, quirks: Quirks) -> i64 {
        let charged = |key: i64| if quirks.has(Q2) { key } else { key.min(end) };
        let inner = self.0.windows(2).map(|pair| pair[0].1 * (charged(pair[1].0) - charged(pair[0].0)));
        inner.sum::<i64>() + self.0.last().map_or(0, |(last, gpus)| gpus * (end - charged(*last)))
    }
}

/// Returns the first time at or after `time` that is whole slots from `anchor`; it can be before
/// `anchor`. All are seconds.
pub(super) fn align(anchor: i64, time: i64, slot: i64) -> i64 {
    anchor - (anchor - time).div_euclid(slot) * slot
}

/// Returns `from` and `seconds`, added as floats and then rounded up.
pub(super) fn ceil_sum(from: i64, seconds: f64) -> i64 {
    (from as f64 + seconds).ceil() as i64
}
