//! Free GPUs over future time.

use crate::units::{Gpus, SimTime};

use super::reservation::Reservation;

/// How many GPUs are free from now on: a step function, whose last value holds for ever.
#[derive(Clone, Debug)]
pub(super) struct FreeGpus {
    /// (from when, how many), ascending; never empty.
    steps: Vec<(SimTime, Gpus)>,
}

impl FreeGpus {
    /// `gpus` GPUs from `now` on.
    pub(super) fn new(now: SimTime, gpus: Gpus) -> FreeGpus {
        FreeGpus { steps: vec![(now, gpus)] }
    }

    /// Starts over with `gpus` GPUs from `now` on.
    pub(super) fn reset(&mut self, now: SimTime, gpus: Gpus) {
        self.steps.clear();
        self.steps.push((now, gpus));
    }

    /// Forgets what was before `now`, and steps that change nothing.
    pub(super) fn cut(&mut self, now: SimTime) {
        let past = self.steps.partition_point(|(from, _)| *from <= now).saturating_sub(1);
        self.steps.drain(..past);
        self.steps[0].0 = self.steps[0].0.max(now);
        self.steps.dedup_by_key(|(_, gpus)| *gpus);
    }

    /// The steps: from when, how many.
    pub(super) fn steps(&self) -> &[(SimTime, Gpus)] {
        &self.steps
    }

    /// The GPUs free at the first instant.
    pub(super) fn now(&self) -> Gpus {
        self.steps[0].1
    }

    /// The most GPUs that are free at once before `until`.
    pub(super) fn most(&self, until: SimTime) -> Gpus {
        let before = self.steps.iter().take_while(|(from, _)| *from < until);
        before.map(|(_, gpus)| *gpus).max().unwrap_or(self.now())
    }

    /// Takes what a reservation holds.
    pub(super) fn reserve(&mut self, reservation: &Reservation) {
        for (from, to, gpus) in reservation.spans() {
            self.change(from, to, |free| *free -= gpus);
        }
    }

    /// Gives back what a reservation holds.
    pub(super) fn release(&mut self, reservation: &Reservation) {
        for (from, to, gpus) in reservation.spans() {
            self.change(from, to, |free| *free += gpus);
        }
    }

    /// Changes every step between two instants, of which the past part is passed over.
    fn change(&mut self, from: SimTime, to: SimTime, by: impl Fn(&mut Gpus)) {
        let first = self.split(from);
        let last = first + self.split_after(first, to);
        for (_, gpus) in &mut self.steps[first..last] {
            by(gpus);
        }
    }

    /// The step that starts at `at`, made if there is none; the first one for the past.
    fn split(&mut self, at: SimTime) -> usize {
        if at <= self.steps[0].0 {
            return 0;
        }
        let next = self.steps.partition_point(|(from, _)| *from < at);
        self.split_at(next, at)
    }

    /// The same for an instant at or after step `first`, counted from there.
    fn split_after(&mut self, first: usize, at: SimTime) -> usize {
        let next = first + self.steps[first..].partition_point(|(from, _)| *from < at);
        self.split_at(next, at) - first
    }

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
        assert_eq!((free.now().get(), free.most(at(31)).get(), free.most(at(32)).get()), (6, 6, 8));
        free.cut(at(25));
        assert_eq!(text(&free), "25:4 31:8 ");
        free.release(&plan);
        free.cut(at(25));
        assert_eq!(text(&free), "25:8 ");
    }
}
