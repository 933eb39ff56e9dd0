//! Step functions over time: free GPUs, and the GPUs of one job.

use super::accident::{Accidents, Q2};

/// A step function: from each key on its value holds, to the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timeline(Vec<(i64, i64)>);

impl Timeline {
    /// `value` from `at` on.
    pub(super) fn new(at: i64, value: i64) -> Timeline {
        Timeline(vec![(at, value)])
    }

    #[cfg(test)]
    pub(super) fn of(steps: &[(i64, i64)]) -> Timeline {
        Timeline(steps.to_vec())
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

    /// Makes this a key without changing the function.
    pub(super) fn cut(&mut self, key: i64) {
        if let Err(i) = self.place(key) {
            let value = if i > 0 { self.0[i - 1].1 } else { 0 };
            self.0.insert(i, (key, value));
        }
    }

    /// Makes the keys before `to` of other steps keys of this function, 0 where they were none.
    pub(super) fn add_keys(&mut self, steps: &[(i64, i64)], to: i64) {
        let mut own = std::mem::take(&mut self.0).into_iter().peekable();
        self.0.reserve(steps.len() + own.len());
        for (key, _) in steps.iter().take_while(|step| step.0 < to) {
            while let Some(step) = own.next_if(|step| step.0 < *key) {
                self.0.push(step);
            }
            self.0.push(own.next_if(|step| step.0 == *key).unwrap_or((*key, 0)));
        }
        self.0.extend(own);
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

    /// The last step whose key is in `[from, to)`.
    pub(super) fn last_in(&self, from: i64, to: i64) -> Option<(i64, i64)> {
        let end = self.0.partition_point(|step| step.0 < to);
        self.0[..end].last().copied().filter(|step| step.0 >= from)
    }

    /// Keeps only the first key of every run of equal values.
    pub(super) fn squashed(mut self) -> Timeline {
        self.0.dedup_by_key(|step| step.1);
        self
    }

    /// GPU-seconds of an allocation that ends at `end`. The last step but one is charged up to the last key, even where
    /// that is a step to zero after the end: an accident (Q2).
    pub(super) fn gpu_time(&self, end: i64, accidents: Accidents) -> i64 {
        let until = |next: i64| if accidents.has(Q2) { next } else { next.min(end) };
        let inner = self.0.windows(2).map(|pair| pair[0].1 * (until(pair[1].0) - until(pair[0].0)));
        inner.sum::<i64>() + self.0.last().map_or(0, |(last, gpus)| gpus * (end - until(*last)))
    }
}

/// The first instant of the grid of `slot` anchored at `anchor` that is not before `time`; can be before `anchor`.
pub(super) fn align(anchor: i64, time: i64, slot: i64) -> i64 {
    anchor - (anchor - time).div_euclid(slot) * slot
}

/// `from` and `seconds` more, summed as floats and then rounded up.
pub(super) fn ceil_sum(from: i64, seconds: f64) -> i64 {
    (from as f64 + seconds).ceil() as i64
}
