//! The GPUs that reservations leave free over future time.

use crate::units::{Gpus, SimTime};

use super::reservation::Reservation;

/// How many GPUs are free at each time from now on: a step function. Its last value holds forever.
#[derive(Clone, Debug)]
pub(super) struct FreeGpus {
    /// (start of the step, free GPUs), ascending in time; never empty.
    steps: Vec<(SimTime, Gpus)>,
}

impl FreeGpus {
    /// Returns the function that has `gpus` free GPUs from `now` on.
    pub(super) fn new(now: SimTime, gpus: Gpus) -> FreeGpus {
        FreeGpus { steps: vec![(now, gpus)] }
    }

    /// Starts over with `gpus` free GPUs from `now` on, and reuses the memory.
    pub(super) fn reset(&mut self, now: SimTime, gpus: Gpus) {
        self.steps.clear();
        self.steps.push((now, gpus));
    }

    /// Removes the part before `now`, and joins neighbouring steps of the same count.
    ///
    /// # Panics
    ///
    /// If `now` is before the first step.
    pub(super) fn cut(&mut self, now: SimTime) {
        let begun = self.steps.partition_point(|(from, _)| *from <= now);
        assert!(begun > 0, "time does not go back");
        self.steps.drain(..begun - 1);
        self.steps[0].0 = now;
        self.steps.dedup_by_key(|(_, gpus)| *gpus);
    }

    /// Returns the steps: (start of the step, free GPUs), ascending in time.
    pub(super) fn steps(&self) -> &[(SimTime, Gpus)] {
        &self.steps
    }

    /// Returns the GPUs that are free at the start of the first step.
    pub(super) fn now(&self) -> Gpus {
        self.steps[0].1
    }

    /// Returns the largest number of GPUs that are free at one time before `until`.
    ///
    /// # Panics
    ///
    /// If `until` is not after the start of the first step.
    pub(super) fn most_until(&self, until: SimTime) -> Gpus {
        let before = self.steps.iter().take_while(|(from, _)| *from < until);
        before.map(|(_, gpus)| *gpus).max().expect("`until` is after the first step")
    }

    /// Subtracts the GPUs that a reservation holds from now on.
    ///
    /// # Panics
    ///
    /// If the reservation holds more GPUs than are free at some time.
    pub(super) fn reserve(&mut self, reservation: &Reservation) {
        for (from, to, gpus) in reservation.spans() {
            self.change(from, to, |free| {
                assert!(gpus <= *free, "a reservation of {gpus} GPUs is made only where they are free");
                *free -= gpus;
            });
        }
    }

    /// Adds the GPUs that a reservation holds from now on. They were subtracted before.
    pub(super) fn release(&mut self, reservation: &Reservation) {
        for (from, to, gpus) in reservation.spans() {
            self.change(from, to, |free| *free += gpus);
        }
    }

    /// Changes the count from `from` to `to`. Times before the first step are ignored.
    fn change(&mut self, from: SimTime, to: SimTime, by: impl Fn(&mut Gpus)) {
        let first = self.split(from);
        let last = first + self.split_after(first, to);
        for (_, gpus) in &mut self.steps[first..last] {
            by(gpus);
        }
    }

    /// Returns the index of the step that begins at `at`, and makes this step if there is none.
    /// Returns the first step if `at` is before it.
    fn split(&mut self, at: SimTime) -> usize {
        if at <= self.steps[0].0 {
            return 0;
        }
        let next = self.steps.partition_point(|(from, _)| *from < at);
        self.split_at(next, at)
    }

    /// As [`FreeGpus::split`], for a time that is not before step `first`. The index counts from
    /// `first`.
    fn split_after(&mut self, first: usize, at: SimTime) -> usize {
        let next = first + self.steps[first..].partition_point(|(from, _)| *from < at);
        self.split_at(next, at) - first
    }

    /// Makes a step at `at`, unless step `next` begins there. `next` is the first step that does
    /// not begin before `at`. Returns `next`, which is now the step that begins at `at`.
    fn split_at(&mut self, next: usize, at: SimTime) -> usize {
        let there = self.steps.get(next).is_some_and(|(from, _)| *from == at);
        if next > 0 && !there {
            self.steps.insert(next, (at, self.steps[next - 1].1));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(free: &FreeGpus) -> String {
        free.steps().iter().map(|(from, gpus)| format!("{from}:{gpus} ")).collect()
    }

    #[test]
    fn reservations_are_taken_and_given_back() {
        let at = SimTime::from_secs;
        let mut free = FreeGpus::new(at(10), Gpus::new(8));
        let mut plan = Reservation::default();
        plan.push(at(5), Gpus::new(2));
        plan.push(at(20), Gpus::new(4));
        plan.close(at(30), at(31));
        free.reserve(&plan);
        assert_eq!(text(&free), "10:6 20:4 31:8 ");
        assert_eq!(
            (free.now().get(), free.most_until(at(31)).get(), free.most_until(at(32)).get()),
            (6, 6, 8)
        );
        free.cut(at(25));
        assert_eq!(text(&free), "25:4 31:8 ");
        free.release(&plan);
        free.cut(at(25));
        assert_eq!(text(&free), "25:8 ");
    }
}
