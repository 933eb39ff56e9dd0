//! The list of things to come.

use std::collections::VecDeque;

/// What happens at one instant: jobs come, jobs end. Jobs are rows of the trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) start: Vec<usize>,
    pub(super) end: Vec<usize>,
}

/// Events with distinct times, in the order in which they were added or last sorted.
#[derive(Clone, Debug)]
pub(super) struct Events {
    list: VecDeque<Event>,
    /// Whether what happens within a slot is drawn together at its end.
    merges: bool,
}

impl Events {
    /// The arrivals, given in the order of their times; those at one instant share an event.
    pub(super) fn new(arrivals: impl IntoIterator<Item = (usize, i64)>, merges: bool) -> Events {
        let mut list: VecDeque<Event> = VecDeque::new();
        for (id, time) in arrivals {
            match list.back_mut() {
                Some(event) if event.time == time => event.start.push(id),
                _ => list.push_back(Event { time, start: vec![id], end: vec![] }),
            }
        }
        Events { list, merges }
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

    /// Moves the end of a job. The event that is left empty goes, be it a wake-up that this job never was in.
    pub(super) fn move_end(&mut self, id: usize, from: i64, to: i64) {
        if from == to {
            return;
        }
        if let Some(place) = self.list.iter().position(|event| event.time == from) {
            let event = &mut self.list[place];
            event.end.retain(|other| *other != id);
            if event.start.is_empty() && event.end.is_empty() {
                self.list.remove(place);
            }
        }
        self.add_end(id, to);
    }

    fn at(&mut self, time: i64) -> &mut Event {
        let place = match self.list.iter().position(|event| event.time == time) {
            Some(place) => place,
            None => {
                self.list.push_back(Event { time, ..Event::default() });
                self.list.len() - 1
            }
        };
        &mut self.list[place]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The first event of the list.
    pub(super) fn first(&self) -> Option<&Event> {
        self.list.front()
    }

    /// When the first event of the list is.
    pub(super) fn next(&self) -> Option<i64> {
        self.first().map(|event| event.time)
    }

    /// Takes the first event of the list.
    pub(super) fn pop(&mut self) {
        self.list.pop_front();
    }

    /// The event at `time`, which stays.
    pub(super) fn find(&self, time: i64) -> Option<&Event> {
        self.list.iter().find(|event| event.time == time)
    }

    /// Takes the event at `time`.
    pub(super) fn take(&mut self, time: i64) -> Option<Event> {
        let place = self.list.iter().position(|event| event.time == time)?;
        self.list.remove(place)
    }

    /// Takes the first event of a sorted list if it is at `time`; none is earlier.
    pub(super) fn take_first(&mut self, time: i64) -> Option<Event> {
        if self.next() == Some(time) { self.list.pop_front() } else { None }
    }

    /// Puts off the first event.
    pub(super) fn put_off(&mut self, time: i64) {
        if let Some(event) = self.list.front_mut() {
            event.time = time;
        }
    }

    /// Sorts by time.
    pub(super) fn sort(&mut self) {
        self.list.make_contiguous().sort_by_key(|event| event.time);
    }

    /// Draws everything that would happen within a slot together at its end, and gives the time of the next event. A lone
    /// event keeps its time, one that nothing joins is put off all the same, and the slots start anew at every event: an
    /// accident (Q19).
    pub(super) fn merge(&mut self, now: i64, slot: i64) -> Option<i64> {
        self.sort();
        let mut latest = self.next()?;
        while self.merges && latest - now <= slot && self.list.len() > 1 {
            self.put_off(now + slot);
            if self.list[1].time - now > slot {
                break;
            }
            let Some(joins) = self.list.remove(1) else { break };
            latest = joins.time;
            self.list[0].start.extend(joins.start);
            self.list[0].end.extend(joins.end);
        }
        self.next()
    }
}
