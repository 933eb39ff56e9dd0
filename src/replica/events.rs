//! The list of things to come.

use super::job::Job;

/// What happens at one instant.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) start: Vec<usize>,
    pub(super) end: Vec<usize>,
}

/// Events with distinct times, in the order in which they were added or last sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct Events(Vec<Event>);

impl Events {
    /// Adds the arrival of a job; arrivals at one instant share an event.
    pub(super) fn add_start(&mut self, id: usize, time: i64) {
        let event = self.at(time);
        event.start.push(id);
    }

    /// Adds the end of a job.
    pub(super) fn add_end(&mut self, id: usize, job: &Job) {
        let event = self.at(job.end);
        if !event.end.contains(&id) {
            event.end.push(id);
        }
    }

    /// Sees to it that there is an event at `time`.
    pub(super) fn wake(&mut self, time: i64) {
        self.at(time);
    }

    /// Moves the end of a job from `job.old` to `job.end`. An event that is left empty goes, be it a wake-up that this job
    /// never was in.
    pub(super) fn move_end(&mut self, id: usize, job: &Job) {
        if job.old == job.end {
            return;
        }
        if let Some(place) = self.0.iter().position(|event| event.time == job.old) {
            let event = &mut self.0[place];
            event.end.retain(|other| *other != id);
            if event.start.is_empty() && event.end.is_empty() {
                self.0.remove(place);
            }
        }
        self.add_end(id, job);
    }

    fn at(&mut self, time: i64) -> &mut Event {
        let place = match self.0.iter().position(|event| event.time == time) {
            Some(place) => place,
            None => {
                self.0.push(Event { time, ..Event::default() });
                self.0.len() - 1
            }
        };
        &mut self.0[place]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first event of the list.
    pub(super) fn first(&self) -> Option<&Event> {
        self.0.first()
    }

    /// Takes the first event of the list.
    pub(super) fn pop(&mut self) {
        if !self.0.is_empty() {
            self.0.remove(0);
        }
    }

    /// The event at `time`, which stays.
    pub(super) fn find(&self, time: i64) -> Option<&Event> {
        self.0.iter().find(|event| event.time == time)
    }

    /// Takes the event at `time`.
    pub(super) fn take(&mut self, time: i64) -> Option<Event> {
        let place = self.0.iter().position(|event| event.time == time)?;
        Some(self.0.remove(place))
    }

    /// Sorts by time.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|event| event.time);
    }

    /// Draws everything that would happen within a slot together at its end, and gives the time of the next event. A lone
    /// event keeps its time, one that nothing joins is put off all the same, and the slots start anew at every event: an
    /// accident (Q19).
    pub(super) fn merge(&mut self, now: i64, slot: i64) -> Option<i64> {
        self.sort();
        let mut next = self.0.first()?.time;
        while next - now <= slot && self.0.len() > 1 {
            self.0[0].time = now + slot;
            if self.0[1].time - now > slot {
                break;
            }
            next = self.0[1].time;
            let joins = self.0.remove(1);
            self.0[0].start.extend(joins.start);
            self.0[0].end.extend(joins.end);
        }
        Some(self.0[0].time)
    }
}
