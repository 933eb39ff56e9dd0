//! A training job as its user submits it.

use crate::units::{Gpus, Iterations, SimDuration, SimTime};

/// A job's row in its [`Workload`](crate::workload::Workload): the order in which the trace lists the jobs, and what ends
/// every tie. The trace's own id, which is for people, is [`JobSpec::name`].
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
    /// Has no deadline; the sooner the better.
    BestEffort,
}

impl Class {
    /// The class's name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Slo => "slo",
            Class::BestEffort => "best_effort",
        }
    }
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
    /// The GPUs its user asked for; elastic policies are free to give other counts.
    pub requested: Gpus,
    /// Its running time on the requested GPUs as the trace states it, where it does.
    pub duration: Option<SimDuration>,
}

impl JobSpec {
    /// Whether it is a deadline or a best-effort job.
    pub fn class(&self) -> Class {
        if self.deadline.is_some() { Class::Slo } else { Class::BestEffort }
    }

    /// The deadline, or [`SimTime::NEVER`] for a job without one: the key of every deadline order.
    pub fn due(&self) -> SimTime {
        self.deadline.unwrap_or(SimTime::NEVER)
    }
}
