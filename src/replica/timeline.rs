//! Step functions over time: free GPUs, and the GPUs of one job.

use super::quirk::{Q2, Quirks};

/// A step function: from each key on its value holds, to the next key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GpuTimeline(Vec<(i64, i64)>);

impl GpuTimeline {
    /// `value` from `at` on.
    pub(super) fn new(at: i64, value: i64) -> GpuTimeline {
        // Room for the steps that most plans have.
        let mut steps = Vec::with_capacity(8);
        steps.push((at, value));
        GpuTimeline(steps)
    }

    #[cfg(test)]
    pub(super) fn of(steps: &[(i64, i64)]) -> GpuTimeline {
        GpuTimeline(steps.to_vec())
    }

    /// The steps, ascending.
    pub(super) fn steps(&self) -> &[(i64, i64)] {
        &self.0
    }

    fn place(&self, at: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&at, |step| step.0)
    }

    /// The value written down at exactly this key; 0 where there is no such key.
    pub(super) fn at(&self, key: i64) -> i64 {
        self.place(key).map_or(0, |i| self.0[i].1)
    }

    /// Whether this is a key.
    pub(super) fn has(&self, key: i64) -> bool {
        self.place(key).is_ok()
    }

    /// Writes a value at a key, which need not be there.
    pub(super) fn set(&mut self, key: i64, value: i64) {
        match self.place(key) {
            Ok(i) => self.0[i].1 = value,
            Err(i) => self.0.insert(i, (key, value)),
        }
    }

    /// Makes this a key without changing the function; gives whether it was none.
    pub(super) fn cut(&mut self, key: i64) -> bool {
        let Err(i) = self.place(key) else { return false };
        let value = if i > 0 { self.0[i - 1].1 } else { 0 };
        self.0.insert(i, (key, value));
        true
    }

    /// Writes a value at the last key or a later one; no key is kept that changes nothing.
    pub(super) fn push(&mut self, key: i64, value: i64) {
        self.0.pop_if(|step| step.0 >= key);
        if self.0.last().is_none_or(|step| step.1 != value) {
            self.0.push((key, value));
        }
    }

    /// The value of the function; 0 before its first key.
    pub(super) fn value(&self, at: i64) -> i64 {
        self.after(at).checked_sub(1).map_or(0, |i| self.0[i].1)
    }

    /// Adds to the step of this index.
    pub(super) fn add_at(&mut self, index: usize, value: i64) {
        self.0[index].1 += value;
    }

    /// Becomes the same as another up to `until` and the first key after it, in the memory that it
    /// has.
    pub(super) fn copy_until(&mut self, other: &GpuTimeline, until: i64) {
        let steps = &other.0[..(other.after(until) + 1).min(other.0.len())];
        self.0.clear();
        self.0.extend_from_slice(steps);
    }

    /// The index of the first key from `key` on.
    pub(super) fn before(&self, key: i64) -> usize {
        self.0.partition_point(|step| step.0 < key)
    }

    /// Adds to every step whose key is in `[from, to)`.
    pub(super) fn add(&mut self, from: i64, to: i64, value: i64) {
        let first = self.0.partition_point(|step| step.0 < from);
        for step in self.0[first..].iter_mut().take_while(|step| step.0 < to) {
            step.1 += value;
        }
    }

    /// The index of the first key after `key`.
    pub(super) fn after(&self, key: i64) -> usize {
        self.0.partition_point(|step| step.0 <= key)
    }

    /// The first key after `key`.
    pub(super) fn next(&self, key: i64) -> Option<i64> {
        self.0.get(self.after(key)).map(|step| step.0)
    }

    /// Keeps only the first key of every run of equal values.
    pub(super) fn squash(&mut self) {
        self.0.dedup_by_key(|step| step.1);
    }

    /// The same with that done.
    pub(super) fn squashed(mut self) -> GpuTimeline {
        self.squash();
        self
    }

    /// GPU-seconds of an allocation that ends at `end`. The last step but one is charged up to the
    /// last key, even where that is a step to zero after the end: a quirk (Q2).
    pub(super) fn gpu_time(&self, end: i64, quirks: Quirks) -> i64 {
        let until = |next: i64| if quirks.has(Q2) { next } else { next.min(end) };
        let inner = self.0.windows(2).map(|pair| pair[0].1 * (until(pair[1].0) - until(pair[0].0)));
        inner.sum::<i64>() + self.0.last().map_or(0, |(last, gpus)| gpus * (end - until(*last)))
    }
}

/// The first instant of the grid of `slot` anchored at `anchor` that is not before `time`; can be
/// before `anchor`.
pub(super) fn align(anchor: i64, time: i64, slot: i64) -> i64 {
    anchor - (anchor - time).div_euclid(slot) * slot
}

/// `from` and `seconds` more, summed as floats and then rounded up.
pub(super) fn ceil_sum(from: i64, seconds: f64) -> i64 {
    (from as f64 + seconds).ceil() as i64
}
