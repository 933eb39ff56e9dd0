//! A training job as its user submits it.

use crate::units::{Gpus, Iterations, SimDuration, SimTime};

/// A job's row in its [`Workload`](crate::workload::Workload), from 0. Rows are in the order of the
/// trace, and the lower one goes first wherever two jobs are equal. The trace's own id, which users
/// know a job by, is [`JobSpec::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

impl JobId {
    /// Returns the row as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// When a job is to complete, and what a later completion is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// By its deadline; later it is worth nothing (ElasticFlow, section 3.1).
    Slo,
    /// By its deadline; later it is worth less, and nothing after the last of several times
    /// (Chronus, SoCC 2021).
    Soft,
    /// As soon as possible: it has no deadline.
    BestEffort,
}

impl Class {
    /// Returns the name of the class in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Slo => "slo",
            Class::Soft => "soft",
            Class::BestEffort => "best_effort",
        }
    }
}

/// A time by which a job may complete, and what the job is worth if it completes by it and after
/// the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftDeadline {
    /// The time, on the trace's clock.
    pub by: SimTime,
    /// The value, on any scale; positive.
    pub value: f64,
}

/// What a job's user says of it when it is submitted. It never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSpec {
    /// The row in the workload.
    pub id: JobId,
    /// The trace's own id, verbatim.
    pub name: String,
    /// The model that it trains, a name in the throughput profiles.
    pub model: String,
    /// The global batch size, in samples per iteration.
    pub batch_size: u32,
    /// The iterations of its whole training; whole and positive.
    pub iterations: Iterations,
    /// When it is submitted, on the trace's clock.
    pub submit: SimTime,
    /// When it must be complete, on the trace's clock; `None` for a best-effort job.
    pub deadline: Option<SimTime>,
    /// Its soft deadlines, ascending in time and never in value; the first is the deadline. Empty
    /// for a job that has none.
    pub soft: Vec<SoftDeadline>,
    /// The GPUs that its user asked for; elastic policies may give it more or fewer.
    pub requested: Gpus,
    /// Its running time on the requested GPUs, where the trace states it.
    pub duration: Option<SimDuration>,
}

impl JobSpec {
    /// Returns whether the job has a deadline, soft ones or none.
    pub fn class(&self) -> Class {
        match self.deadline {
            None => Class::BestEffort,
            Some(_) if self.soft.is_empty() => Class::Slo,
            Some(_) => Class::Soft,
        }
    }

    /// Returns the times by which the job is worth something, ascending: its deadline, or its soft
    /// ones; none for a best-effort job.
    pub fn times(&self) -> impl Iterator<Item = SimTime> {
        let hard = self.deadline.filter(|_| self.soft.is_empty());
        hard.into_iter().chain(self.soft.iter().map(|worth| worth.by))
    }

    /// Returns what the job is worth if it completes at `end`: 1 or 0 with a deadline; with soft
    /// ones the value of the first that is kept, or 0; `None` without a deadline.
    pub fn value(&self, end: SimTime) -> Option<f64> {
        let deadline = self.deadline?;
        if self.soft.is_empty() {
            return Some(f64::from(u8::from(end <= deadline)));
        }
        let kept = self.soft.iter().find(|soft| end <= soft.by);
        Some(kept.map_or(0.0, |soft| soft.value))
    }

    /// Returns the deadline, or [`SimTime::NEVER`] for a job without one: the key of every order of
    /// deadlines.
    pub fn due(&self) -> SimTime {
        self.deadline.unwrap_or(SimTime::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(deadline: Option<u64>, soft: &[(u64, f64)]) -> JobSpec {
        JobSpec {
            id: JobId(0),
            name: "a".into(),
            model: "m".into(),
            batch_size: 64,
            iterations: Iterations::new(1.0),
            submit: SimTime::ZERO,
            deadline: deadline.map(SimTime::from_secs),
            soft: soft
                .iter()
                .map(|(by, value)| SoftDeadline { by: SimTime::from_secs(*by), value: *value })
                .collect(),
            requested: Gpus::ONE,
            duration: None,
        }
    }

    #[test]
    fn a_job_is_worth_what_the_first_time_that_it_keeps_says() {
        let soft = job(Some(10), &[(10, 8.0), (20, 5.0)]);
        let values = [10, 11, 20, 21].map(|end| soft.value(SimTime::from_secs(end)));
        assert_eq!(values, [8.0, 5.0, 5.0, 0.0].map(Some));
        assert_eq!(soft.times().map(|time| time.as_micros() / 1_000_000).collect::<Vec<_>>(), [10, 20]);
        let hard = job(Some(10), &[]);
        assert_eq!([10, 11].map(|end| hard.value(SimTime::from_secs(end))), [Some(1.0), Some(0.0)]);
        assert_eq!(hard.times().count(), 1);
        let best_effort = job(None, &[]);
        assert_eq!((best_effort.value(SimTime::ZERO), best_effort.times().count()), (None, 0));
        assert_eq!([soft, hard, best_effort].map(|job| job.class().as_str()), ["soft", "slo", "best_effort"]);
    }
}
