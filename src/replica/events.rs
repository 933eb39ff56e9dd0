//! The artifact's list of events to come.

use std::collections::{BTreeMap, VecDeque};

/// The arrivals and completions of one time. Jobs are given by their rows in the trace.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplicaEvent {
    /// In seconds.
    pub(super) time: i64,
    /// The jobs that arrive.
    pub(super) start: Vec<usize>,
    /// The jobs that end.
    pub(super) end: Vec<usize>,
}

/// Events with distinct times: first those of the last sort, ascending, then those added since, in
/// the order in which they were added.
#[derive(Clone, Debug)]
pub(super) struct EventList {
    sorted: VecDeque<ReplicaEvent>,
    /// The events added since the last sort, by time, each with its place in their order.
    added: BTreeMap<i64, (usize, ReplicaEvent)>,
    /// The place of the event that was added last.
    place: usize,
    /// Whether the events of a slot are merged at its end.
    merges: bool,
}

impl EventList {
    /// Creates a list of these arrivals, which are given in the order of their times. Arrivals of
    /// one time share an event.
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

    /// Adds the end of a job, unless the event of that time has it already.
    pub(super) fn add_end(&mut self, id: usize, time: i64) {
        let event = self.find_or_add(time);
        if !event.end.contains(&id) {
            event.end.push(id);
        }
    }

    /// Adds an empty event at `time`, unless there is an event then.
    pub(super) fn wake(&mut self, time: i64) {
        self.find_or_add(time);
    }

    /// Moves the end of a job from one time to another. An event that is left empty is removed,
    /// even a wake-up that this job was never part of.
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

    /// Returns the event at `time`; adds it if there is none.
    fn find_or_add(&mut self, time: i64) -> &mut ReplicaEvent {
        match self.place(time) {
            Some(place) => &mut self.sorted[place],
            None => {
                self.place += 1;
                let new = || (self.place, ReplicaEvent { time, ..ReplicaEvent::default() });
                &mut self.added.entry(time).or_insert_with(new).1
            }
        }
    }

    /// Returns the place of the event at `time` among the sorted ones.
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

    /// Returns the first event of the list, which need not be the earliest.
    pub(super) fn first(&self) -> Option<&ReplicaEvent> {
        let added = || self.added.values().min_by_key(|(place, _)| *place).map(|(_, event)| event);
        self.sorted.front().or_else(added)
    }

    /// Returns the time of the first event of the list.
    pub(super) fn next(&self) -> Option<i64> {
        self.first().map(|event| event.time)
    }

    /// Removes and returns the first event of the list.
    pub(super) fn pop(&mut self) -> Option<ReplicaEvent> {
        self.next().and_then(|time| self.take(time))
    }

    /// Returns the event at `time`.
    pub(super) fn find(&self, time: i64) -> Option<&ReplicaEvent> {
        match self.place(time) {
            Some(place) => self.sorted.get(place),
            None => self.added.get(&time).map(|(_, event)| event),
        }
    }

    /// Removes and returns the event at `time`.
    pub(super) fn take(&mut self, time: i64) -> Option<ReplicaEvent> {
        match self.place(time) {
            Some(place) => self.sorted.remove(place),
            None => self.added.remove(&time).map(|(_, event)| event),
        }
    }

    /// Removes and returns the first event of a sorted list if it is at `time`. No event is
    /// earlier.
    pub(super) fn take_first(&mut self, time: i64) -> Option<ReplicaEvent> {
        if self.next() == Some(time) { self.pop() } else { None }
    }

    /// Puts off the first event of a sorted list, to a time at or before the next one.
    pub(super) fn put_off(&mut self, time: i64) {
        let event = self.sorted.front_mut().expect("only a list that has an event puts one off");
        event.time = time;
    }

    /// Sorts the list by time.
    pub(super) fn sort(&mut self) {
        if self.added.is_empty() {
            return;
        }
        self.sorted.extend(std::mem::take(&mut self.added).into_values().map(|(_, event)| event));
        // The list is two ascending runs, which a merge sort joins in one pass.
        self.sorted.make_contiguous().sort_by_key(|event| event.time);
    }

    /// Sorts the list, merges the events within a slot of `now` at its end, and returns the time of
    /// the next event. The last event of the list keeps its time, an event that no other joins is
    /// put off all the same, and slots start anew at every event: a quirk (Q19).
    pub(super) fn merge(&mut self, now: i64, slot: i64) -> Option<i64> {
        self.sort();
        let mut latest = self.next()?;
        while self.merges && latest - now <= slot && self.sorted.len() > 1 {
            self.put_off(now + slot);
            if self.sorted[1].time - now > slot {
                break;
            }
            let joins = self.sorted.remove(1).expect("the list has a second event");
            latest = joins.time;
            self.sorted[0].start.extend(joins.start);
            self.sorted[0].end.extend(joins.end);
        }
        self.next()
    }
}
