//! What will happen, in the order in which it happens.

use std::cmp::Reverse;

use priority_queue::PriorityQueue;
use rustc_hash::FxBuildHasher;

use crate::job::JobId;
use crate::units::SimTime;

/// Something that will happen. The order of the variants is the order at one instant: GPUs are
/// freed before a job arrives that may want them, and the plan that the slot has held back comes
/// before the wake-up that the scheduler asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Event {
    /// A job's last iteration is done.
    Completion(JobId),
    /// A job's speed changes by itself; causes no plan.
    SpeedChange(JobId),
    /// A job is submitted.
    Arrival(JobId),
    /// The plan that the slot has held back.
    Due,
    /// The scheduler asked to be called.
    Wake,
}

/// The events to come. An event is its own key: it is in the queue once or not at all, so that
/// moving it leaves nothing behind, and the order does not depend on what was queued first.
///
/// Every change costs O(log n) in the events to come.
#[derive(Default)]
pub(super) struct EventQueue {
    events: PriorityQueue<Event, Reverse<(SimTime, Event)>, FxBuildHasher>,
}

impl EventQueue {
    /// Puts an event in, or moves it.
    pub(super) fn set(&mut self, event: Event, at: SimTime) {
        self.events.push(event, Reverse((at, event)));
    }

    /// Takes an event out, if it is in.
    pub(super) fn cancel(&mut self, event: Event) {
        self.events.remove(&event);
    }

    /// Returns whether an event is in.
    pub(super) fn contains(&self, event: Event) -> bool {
        self.events.contains(&event)
    }

    /// Returns when the next event happens; `None` for an empty queue.
    pub(super) fn next_time(&self) -> Option<SimTime> {
        self.events.peek().map(|(_, Reverse((at, _)))| *at)
    }

    /// Takes out the next event if it happens at `now`.
    pub(super) fn pop_at(&mut self, now: SimTime) -> Option<Event> {
        if self.next_time()? != now {
            return None;
        }
        self.events.pop().map(|(event, _)| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_one_order_whatever_was_queued_first() {
        let now = SimTime::from_secs(5);
        let mut queue = EventQueue::default();
        for event in [Event::Wake, Event::Arrival(JobId(0)), Event::Due, Event::Completion(JobId(2))] {
            queue.set(event, now);
        }
        queue.set(Event::Completion(JobId(1)), now);
        queue.set(Event::SpeedChange(JobId(0)), now);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop_at(now)).collect();
        assert_eq!(
            order,
            [
                Event::Completion(JobId(1)),
                Event::Completion(JobId(2)),
                Event::SpeedChange(JobId(0)),
                Event::Arrival(JobId(0)),
                Event::Due,
                Event::Wake
            ]
        );
    }

    #[test]
    fn moving_an_event_leaves_nothing_behind() {
        let mut queue = EventQueue::default();
        queue.set(Event::Due, SimTime::from_secs(1));
        queue.set(Event::Due, SimTime::from_secs(3));
        assert_eq!(queue.pop_at(SimTime::from_secs(1)), None);
        assert_eq!(queue.next_time(), Some(SimTime::from_secs(3)));
        queue.cancel(Event::Due);
        assert!(!queue.contains(Event::Due));
        assert_eq!(queue.next_time(), None);
    }
}
