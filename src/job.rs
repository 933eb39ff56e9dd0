//! A training job as its user submits it.

use crate::units::{Gpus, Iterations, SimDuration, SimTime};

/// A job's row in its [`Workload`](crate::workload::Workload): the order in which the trace lists
/// the jobs, and what ends every tie. The trace's own id, which is for people, is
/// [`JobSpec::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

impl JobId {
    /// The row as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a job asks of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Must be done by its deadline; done later is worth nothing (ElasticFlow, section 3.1).
    Slo,
    /// As `Slo`, but done later it is still worth something, up to the last of several times
    /// (Chronus, SoCC 2021).
    Soft,
    /// Has no deadline; the sooner the better.
    BestEffort,
}

impl Class {
    /// The class's name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Slo => "slo",
            Class::Soft => "soft",
            Class::BestEffort => "best_effort",
        }
    }
}

/// What a job with soft deadlines is worth if it is done by one of them and not sooner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// By when.
    pub by: SimTime,
    /// How much, on any scale.
    pub value: f64,
}

/// What is known of a job when it is submitted. Never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSpec {
    /// Its row in the workload.
    pub id: JobId,
    /// The trace's own id, verbatim.
    pub name: String,
    /// The model it trains, a name in the throughput profiles.
    pub model: String,
    /// Global batch size, samples per iteration.
    pub batch_size: u32,
    /// Iterations until it is done; whole and positive.
    pub iterations: Iterations,
    /// When it is submitted.
    pub submit: SimTime,
    /// The instant by which an SLO job must be done; `None` for a best-effort job.
    pub deadline: Option<SimTime>,
    /// What it is worth by its deadline and by later times, ascending in time and never in value;
    /// empty for a job that has no soft deadlines. The first of the times is the deadline.
    pub soft: Vec<Worth>,
    /// The GPUs its user asked for; elastic policies are free to give other counts.
    pub requested: Gpus,
    /// Its running time on the requested GPUs as the trace states it, where it does.
    pub duration: Option<SimDuration>,
}

impl JobSpec {
    /// Whether it has a deadline, soft ones or none.
    pub fn class(&self) -> Class {
        match self.deadline {
            None => Class::BestEffort,
            Some(_) if self.soft.is_empty() => Class::Slo,
            Some(_) => Class::Soft,
        }
    }

    /// The times by which it is worth something, ascending: its deadline, or its soft ones.
    pub fn times(&self) -> impl Iterator<Item = SimTime> {
        let hard = self.deadline.filter(|_| self.soft.is_empty());
        hard.into_iter().chain(self.soft.iter().map(|worth| worth.by))
    }

    /// What it is worth if it is done at `end`: 1 or 0 for a deadline, the value of the first time
    /// that is kept for soft ones; nothing that could be said for a job without.
    pub fn value(&self, end: SimTime) -> Option<f64> {
        let by = |time: SimTime| end <= time;
        match self.class() {
            Class::BestEffort => None,
            Class::Slo => Some(f64::from(u8::from(self.deadline.is_some_and(by)))),
            Class::Soft => {
                let kept = self.soft.iter().find(|worth| by(worth.by));
                Some(kept.map_or(0.0, |worth| worth.value))
            }
        }
    }

    /// The deadline, or [`SimTime::NEVER`] for a job without one: the key of every deadline order.
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
                .map(|(by, value)| Worth { by: SimTime::from_secs(*by), value: *value })
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
