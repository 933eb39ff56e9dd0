//! What makes rounds: the list of events, what is done together, and what a round costs.

use std::collections::VecDeque;

use super::gangs::Gang;

/// What happens at an instant: jobs come, jobs end. Jobs are rows of the trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) starts: Vec<usize>,
    pub(super) ends: Vec<usize>,
}

/// The events to come, ascending by time; no two at one instant.
#[derive(Clone, Debug)]
pub(super) struct Events(VecDeque<Event>);

impl Events {
    /// One event for each instant at which jobs come; those of one instant in the trace's order.
    pub(super) fn arrivals(jobs: &[Gang]) -> Events {
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|job| jobs[*job].submit);
        let instants = order.chunk_by(|a, b| jobs[*a].submit == jobs[*b].submit);
        Events(
            instants
                .map(|jobs_then| Event {
                    time: jobs[jobs_then[0]].submit,
                    starts: jobs_then.to_vec(),
                    ends: Vec::new(),
                })
                .collect(),
        )
    }

    /// When the next event is.
    pub(super) fn next(&self) -> Option<i64> {
        self.0.front().map(|event| event.time)
    }

    /// Takes the event at `now`, if there is one. None is earlier.
    pub(super) fn take(&mut self, now: i64) -> Option<Event> {
        if self.next() == Some(now) { self.0.pop_front() } else { None }
    }

    /// The event at `time`, made if there is none.
    pub(super) fn at(&mut self, time: i64) -> &mut Event {
        let place = self.0.partition_point(|event| event.time < time);
        if self.0.get(place).is_none_or(|event| event.time != time) {
            self.0.insert(place, Event { time, ..Event::default() });
        }
        &mut self.0[place]
    }

    /// Puts off the first event to `time`, which none of the others is before.
    pub(super) fn put_off(&mut self, time: i64) {
        if let Some(event) = self.0.front_mut() {
            event.time = time;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts off all that would happen within a slot of `now` to the end of that slot. An event that is the only one left
    /// keeps its time, and one may be put off though nothing joins it (Q19).
    pub(super) fn merge(&mut self, now: i64, slot: i64) {
        let Some(mut latest) = self.next() else { return };
        while latest - now <= slot && self.0.len() > 1 {
            self.put_off(now + slot);
            if self.0[1].time - now > slot {
                break;
            }
            let Some(joins) = self.0.remove(1) else { break };
            latest = joins.time;
            self.0[0].starts.extend(joins.starts);
            self.0[0].ends.extend(joins.ends);
        }
    }
}

/// Whether all trainers are restarted in a round: every `slot` rounds, the slot's seconds taken for a count (Q9).
pub(super) fn restarts(round: i64, slot: i64) -> bool {
    round > 0 && round % slot == 0
}

/// Clusters from this many GPUs on pay more.
const LARGE: i64 = 256;

/// Seconds lost by a gang that starts on `gpus` GPUs, a power of two, with a cold communicator cache.
pub(super) fn overhead(gpus: i64, cluster: i64, restart: bool) -> i64 {
    let (base, again) = if cluster >= LARGE { (7, 27 + 20) } else { (2, 27) };
    base + if restart { again } else { 0 } + 2 * (i64::from(gpus.ilog2()) + 1)
}
