//! The list of things to come.

use std::collections::{BTreeMap, VecDeque};

/// What happens at one instant: jobs come, jobs end. Jobs are rows of the trace.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplicaEvent {
    pub(super) time: i64,
    pub(super) start: Vec<usize>,
    pub(super) end: Vec<usize>,
}

/// Events with distinct times: first those that there were when they were last sorted, then those
/// added since, in the order in which they were added.
#[derive(Clone, Debug)]
pub(super) struct EventList {
    sorted: VecDeque<ReplicaEvent>,
    /// By time, with the place in the order.
    added: BTreeMap<i64, (usize, ReplicaEvent)>,
    /// The next place.
    place: usize,
    /// Whether what happens within a slot is drawn together at its end.
    merges: bool,
}

impl EventList {
    /// The arrivals, given in the order of their times; those at one instant share an event.
    pub(super) fn new(arrivals: impl IntoIterator<Item = (usize, i64)>, merges: bool) -> EventList {
        let mut sorted: VecDeque<ReplicaEvent> = VecDeque::new();
        for (id, time) in arrivals {
            match sorted.back_mut() {
                Some(event) if event.time == time => event.start.push(id),
                _ => sorted.push_back(ReplicaEvent { time, start: vec![id], end: vec![] }),
            }
        }
        EventList { sorted, added: BTreeMap::new(), place: 0, merges }
    }

    /// Adds the end of a job.
    pub(super) fn add_end(&mut self, id: usize, time: i64) {
        let event = self.at(time);
        if !event.end.contains(&id) {
            event.end.push(id);
        }
    }

    /// Sees to it that there is an event at `time`.
    pub(super) fn wake(&mut self, time: i64) {
        self.at(time);
    }

    /// Moves the end of a job. The event that is left empty goes, be it a wake-up that this job
    /// never was in.
    pub(super) fn move_end(&mut self, id: usize, from: i64, to: i64) {
        if from == to {
            return;
        }
        if let Some(event) = self.find_mut(from) {
            event.end.retain(|other| *other != id);
            if event.start.is_empty() && event.end.is_empty() {
                self.take(from);
            }
        }
        self.add_end(id, to);
    }

    fn at(&mut self, time: i64) -> &mut ReplicaEvent {
        match self.place(time) {
            Some(place) => &mut self.sorted[place],
            None => {
                self.place += 1;
                let new = || (self.place, ReplicaEvent { time, ..ReplicaEvent::default() });
                &mut self.added.entry(time).or_insert_with(new).1
            }
        }
    }

    /// Where the event at `time` is among the sorted ones.
    fn place(&self, time: i64) -> Option<usize> {
        self.sorted.binary_search_by_key(&time, |event| event.time).ok()
    }

    fn find_mut(&mut self, time: i64) -> Option<&mut ReplicaEvent> {
        match self.place(time) {
            Some(place) => self.sorted.get_mut(place),
            None => self.added.get_mut(&time).map(|(_, event)| event),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.added.len()
    }

    /// The first event of the list.
    pub(super) fn first(&self) -> Option<&ReplicaEvent> {
        let added = || self.added.values().min_by_key(|(place, _)| *place).map(|(_, event)| event);
        self.sorted.front().or_else(added)
    }

    /// When the first event of the list is.
    pub(super) fn next(&self) -> Option<i64> {
        self.first().map(|event| event.time)
    }

    /// Takes the first event of the list.
    pub(super) fn pop(&mut self) -> Option<ReplicaEvent> {
        self.next().and_then(|time| self.take(time))
    }

    /// The event at `time`, which stays.
    pub(super) fn find(&self, time: i64) -> Option<&ReplicaEvent> {
        match self.place(time) {
            Some(place) => self.sorted.get(place),
            None => self.added.get(&time).map(|(_, event)| event),
        }
    }

    /// Takes the event at `time`.
    pub(super) fn take(&mut self, time: i64) -> Option<ReplicaEvent> {
        match self.place(time) {
            Some(place) => self.sorted.remove(place),
            None => self.added.remove(&time).map(|(_, event)| event),
        }
    }

    /// Takes the first event of a sorted list if it is at `time`; none is earlier.
    pub(super) fn take_first(&mut self, time: i64) -> Option<ReplicaEvent> {
        if self.next() == Some(time) { self.pop() } else { None }
    }

    /// Puts off the first event of a sorted list, to a time at or before the next.
    pub(super) fn put_off(&mut self, time: i64) {
        if let Some(event) = self.sorted.front_mut() {
            event.time = time;
        }
    }

    /// Sorts by time.
    pub(super) fn sort(&mut self) {
        if self.added.is_empty() {
            return;
        }
        self.sorted.extend(std::mem::take(&mut self.added).into_values().map(|(_, event)| event));
        // Two ascending runs, which a merge sort puts together in one pass.
        self.sorted.make_contiguous().sort_by_key(|event| event.time);
    }

    /// Draws everything that would happen within a slot together at its end, and gives the time of
    /// the next event. A lone event keeps its time, one that nothing joins is put off all the same,
    /// and the slots start anew at every event: an quirk (Q19).
    pub(super) fn merge(&mut self, now: i64, slot: i64) -> Option<i64> {
        self.sort();
        let mut latest = self.next()?;
        while self.merges && latest - now <= slot && self.sorted.len() > 1 {
            self.put_off(now + slot);
            if self.sorted[1].time - now > slot {
                break;
            }
            let Some(joins) = self.sorted.remove(1) else { break };
            latest = joins.time;
            self.sorted[0].start.extend(joins.start);
            self.sorted[0].end.extend(joins.end);
        }
        self.next()
    }
}
