//! The story of one job, from the files of a run directory: what `explain` prints.

mod waits;

use serde_json::{Value, json};

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::trace::printable;
use crate::units::{Gpus, SimDuration, SimTime};

use super::table::{count, lines, row};
use super::{Stored, StoredError, Summary};

use waits::{Wait, waits};

/// One job of a stored run, from its submission to its end.
#[derive(Debug)]
pub struct Story<'a> {
    summary: &'a Summary,
    job: &'a JobRow,
    /// When the job was admitted or declined; known only with the event log.
    judged: Option<SimTime>,
    /// Every change of the job's GPUs, in order; the last may be its end.
    changes: Vec<GpuChange>,
    /// The times without GPUs, in order; none where the run tells of no allocations.
    waits: Vec<Wait<'a>>,
}

/// A change of the job's GPUs.
#[derive(Debug)]
struct GpuChange {
    time: SimTime,
    /// The word of the event log, such as `start`, `rescale` or `ended`; `first` where only the
    /// job's row tells that the job held GPUs.
    what: String,
    gpus: Gpus,
    nodes: String,
    batch_size: u32,
    /// How long the job makes no progress; known only with the event log.
    restart: Option<SimDuration>,
    /// How long a turn is, if the job takes turns; known only with the event log.
    quantum: Option<SimDuration>,
    /// How long the job makes no progress in its first turn, if it takes turns.
    first_restart: Option<SimDuration>,
}

impl GpuChange {
    /// Makes a change of which only the instant is known.
    fn unobserved(time: SimTime, what: &str, job: &JobRow) -> GpuChange {
        GpuChange {
            time,
            what: what.to_owned(),
            gpus: Gpus::ZERO,
            nodes: String::new(),
            batch_size: job.batch_size,
            restart: None,
            quantum: None,
            first_restart: None,
        }
    }

    /// Makes the change that a row of `allocations.csv` states; `before` is the job's row before
    /// it.
    fn from_row(before: Option<&Allocation>, now: &Allocation, end: Option<SimTime>) -> GpuChange {
        GpuChange {
            time: now.time,
            what: word(before, now, end).to_owned(),
            gpus: now.gpus,
            nodes: now.nodes.clone(),
            batch_size: now.batch_size,
            restart: None,
            quantum: None,
            first_restart: None,
        }
    }

    fn place(&self) -> String {
        format!("{} (nodes {})", gpus(self.gpus), self.nodes)
    }

    /// Tells of the restart overhead; in a rotation of that of the first turn, too, where it is
    /// another one.
    fn pause(&self) -> String {
        let zero = SimDuration::ZERO;
        let restart = self.restart.unwrap_or(zero);
        match self.first_restart {
            Some(first) if first != restart => {
                let (first, restart) = (rounded(first), rounded(restart));
                format!(", the first after a restart overhead of {first}, each other one of {restart}")
            }
            Some(_) if restart > zero => format!(", each after a restart overhead of {}", rounded(restart)),
            None if restart > zero => format!(", after a restart overhead of {}", rounded(restart)),
            _ => String::new(),
        }
    }
}

impl<'a> Story<'a> {
    /// Collects the story of `job`, which is one of `stored`, from `allocations.csv`, and what only
    /// the event log knows from `events.jsonl` if the run wrote it.
    ///
    /// # Errors
    ///
    /// If the event log is there and cannot be read.
    pub fn of(stored: &'a Stored, job: &'a JobRow) -> Result<Story<'a>, StoredError> {
        let mut changes = match &stored.allocations {
            Some(allocations) => observed_changes(allocations, job),
            None => unobserved_changes(job),
        };
        let is_verdict = |event: &&Value| event["event"] == "admitted" || event["event"] == "declined";
        let mut judged = None;
        if let Some(events) = stored.events(&job.job_id)? {
            judged = events.iter().find(is_verdict).and_then(|event| instant(&event["time"]));
            // Every row of `allocations.csv` is an event, in the same order.
            let told = events.iter().filter(|event| !is_verdict(event) && event["event"] != "arrived");
            for (change, event) in changes.iter_mut().zip(told) {
                change.what = event["event"].as_str().unwrap_or(&change.what).to_owned();
                change.restart = duration(&event["restart_overhead"]);
                change.quantum = duration(&event["quantum"]);
                change.first_restart = duration(&event["first_restart_overhead"]);
            }
        }
        let is_live = !matches!(job.state, JobOutcome::Declined | JobOutcome::NotSubmitted);
        let allocations = stored.allocations.as_deref().filter(|_| is_live);
        let waits = allocations.map_or(Vec::new(), |all| waits(all, job, stored.summary.cut()));
        Ok(Story { summary: &stored.summary, job, judged, changes, waits })
    }

    /// Writes the story for scripts: the job's row, and every change of its GPUs. Times and
    /// durations are numbers, in seconds.
    pub fn to_json(&self) -> Value {
        let seconds = |span: Option<SimDuration>| span.map(SimDuration::as_secs_f64);
        let change = |change: &GpuChange| {
            json!({
                "time": change.time.as_secs_f64(),
                "event": change.what,
                "gpus": change.gpus,
                "nodes": change.nodes,
                "batch_size": change.batch_size,
                "restart_overhead": seconds(change.restart),
                "quantum": seconds(change.quantum),
                "first_restart_overhead": seconds(change.first_restart),
            })
        };
        json!({
            "scheduler": self.summary.scheduler,
            "trace": self.summary.trace,
            "job": row_with_numbers(self.job),
            "admitted_or_declined_at": self.judged.map(SimTime::as_secs_f64),
            "allocations": self.changes.iter().map(change).collect::<Vec<_>>(),
            "waits": self.waits.iter().map(Wait::to_json).collect::<Vec<_>>(),
        })
    }

    /// Writes the story for people: a line for everything that happened, in order.
    pub fn to_text(&self) -> String {
        let job = self.job;
        let mut told: Vec<(Option<SimTime>, String)> = vec![(Some(job.submit_time), "submitted".to_owned())];
        told.push((self.judged, self.verdict()));
        let mut waits = self.waits.iter().peekable();
        told.extend(waits.next_if(|wait| wait.from == job.submit_time).map(|wait| (None, wait.to_text())));
        for (n, change) in self.changes.iter().enumerate() {
            told.push((Some(change.time), self.tell(change, self.changes.get(n + 1))));
            told.extend(waits.next_if(|wait| wait.from == change.time).map(|wait| (None, wait.to_text())));
        }
        if let Some(deadline) = job.deadline {
            // After what happens at that instant: a job that ends then is in time.
            let place = told.iter().take_while(|(time, _)| time.is_none_or(|time| time <= deadline)).count();
            told.insert(place, (Some(deadline), "DEADLINE".to_owned()));
        }
        match job.state {
            JobOutcome::Unfinished => {
                told.push((None, "cut off: the run ended before the job did".to_owned()))
            }
            JobOutcome::NotSubmitted => {
                told = vec![(
                    Some(job.submit_time),
                    "cut off: the run ended before the job's submission".to_owned(),
                )];
            }
            _ => {}
        }
        let mut rows = vec![row(["time", "after", ""])];
        for (time, what) in told {
            let after = time.map_or(String::new(), |time| rounded(time.since(job.submit_time)));
            rows.push(row([&time.map_or(String::new(), |time| format!("{time} s")), &after, &what]));
        }
        let account = if self.changes.is_empty() { String::new() } else { format!("\n{}", self.account()) };
        format!("{}\n{}{account}", self.head(), lines(&rows, &[0, 1]))
    }

    fn head(&self) -> String {
        let (job, run) = (self.job, self.summary);
        let (deadline, alone) = match (job.deadline, job.feasible_alone) {
            (None, _) => ("no deadline".to_owned(), ""),
            (Some(deadline), alone) => (
                format!("deadline {} after the submission", rounded(deadline.since(job.submit_time))),
                match alone {
                    Some(1) => ", could be met alone on the empty cluster",
                    Some(_) => ", could not be met even alone on the empty cluster",
                    None => "",
                },
            ),
        };
        format!(
            "job {} of {}, under {} on {} GPUs ({})\n{} at batch size {}, {} iterations, asks for {}\n{deadline}{alone}\n",
            printable(&job.job_id),
            run.trace,
            run.scheduler,
            run.cluster.shape,
            run.profiles,
            printable(&job.model),
            job.batch_size,
            job.iterations.get(),
            gpus(job.requested_gpus),
        )
    }

    fn verdict(&self) -> String {
        let job = self.job;
        match (job.state, job.admitted, job.planned_end_time) {
            (JobOutcome::Declined, ..) => format!("declined: {}", job.reason),
            (_, 1, Some(end)) => {
                let within = rounded(end.since(job.submit_time));
                format!("admitted, promised to end within {within} of its submission")
            }
            (_, 1, None) => "admitted, nothing promised".to_owned(),
            _ => "not admitted".to_owned(),
        }
    }

    /// Tells of a change in words, and how long it lasts, which is until the `next`.
    fn tell(&self, change: &GpuChange, next: Option<&GpuChange>) -> String {
        let mut what = match change.what.as_str() {
            "start" => format!("starts on {}", change.place()),
            "resume" => format!("goes on with {}", change.place()),
            "rescale" => format!("rescales to {}", change.place()),
            "migrate" => format!("moves to other nodes, {}", change.place()),
            "rotate" => match change.quantum {
                Some(quantum) => format!("takes turns of {} on {}", rounded(quantum), change.place()),
                None => format!("takes turns on {}", change.place()),
            },
            "batch" => format!("changes its batch size to {}", change.batch_size),
            "first" => return "first holds GPUs; this run does not tell how many, and when".to_owned(),
            "preempt" => "gives up its GPUs".to_owned(),
            _ => return self.end(),
        };
        what.push_str(&change.pause());
        match next {
            Some(next) => format!("{what}; for {}", rounded(next.time.since(change.time))),
            None => what,
        }
    }

    fn end(&self) -> String {
        let (job, zero) = (self.job, SimDuration::ZERO);
        match (job.end_time, job.deadline) {
            (Some(end), Some(deadline)) if end > deadline => {
                format!("ends, {} after its deadline: late", rounded(end.since(deadline)))
            }
            (Some(end), Some(deadline)) if deadline.since(end) == zero => "ends at its deadline: met".into(),
            (Some(end), Some(deadline)) => {
                format!("ends, {} before its deadline: met", rounded(deadline.since(end)))
            }
            _ => "ends: completed".to_owned(),
        }
    }

    fn account(&self) -> String {
        let job = self.job;
        let mut text = String::new();
        if let (Some(jct), Some(queued)) = (job.jct, job.queue_delay) {
            text = format!("took {}, {} of it without GPUs\n", rounded(jct), rounded(queued));
        }
        let hours = job.gpu_seconds.as_secs_f64() / 3600.0;
        let changes = [
            count(job.rescales.into(), "rescale"),
            count(job.preemptions.into(), "preemption"),
            count(job.migrations.into(), "migration"),
        ];
        text.push_str(&format!(
            "held GPUs for {}, {} of it restart overhead; {hours:.2} GPU-hours; {}\n",
            rounded(job.run_time),
            rounded(job.overhead_time),
            changes.join(", ")
        ));
        text
    }
}

/// Collects the changes that `allocations.csv` states of a job.
fn observed_changes(allocations: &[Allocation], job: &JobRow) -> Vec<GpuChange> {
    let mut before: Option<&Allocation> = None;
    let mut changes = Vec::new();
    for now in allocations.iter().filter(|row| row.job_id == job.job_id) {
        changes.push(GpuChange::from_row(before, now, job.end_time));
        before = Some(now);
    }
    changes
}

/// Collects what the row of a job alone states, in a run without observers.
fn unobserved_changes(job: &JobRow) -> Vec<GpuChange> {
    let bounds = [(job.start_time, "first"), (job.end_time, "ended")];
    let changes = bounds.into_iter().filter_map(|(time, what)| Some(GpuChange::unobserved(time?, what, job)));
    changes.collect()
}

/// Writes a job's row as JSON whose times are numbers: the row is made for CSV, where a time is a
/// text.
fn row_with_numbers(job: &JobRow) -> Value {
    let mut row = serde_json::to_value(job).expect("a row has text keys");
    for (key, value) in row.as_object_mut().expect("a row is a struct") {
        let is_time = key.ends_with("_time") || TIMES.contains(&key.as_str());
        if let Some(text) = value.as_str().filter(|_| is_time) {
            *value = json!(text.parse::<f64>().expect("a time is written as a decimal number"));
        }
    }
    row
}

/// The columns of a job's row that are times or durations and whose names do not end in `_time`.
const TIMES: [&str; 4] = ["deadline", "jct", "queue_delay", "gpu_seconds"];

/// Returns the word for what a row of `allocations.csv` changes, seen from the job's row before it.
fn word(before: Option<&Allocation>, now: &Allocation, end: Option<SimTime>) -> &'static str {
    let held = before.map_or(Gpus::ZERO, |before| before.gpus);
    match (held, now.gpus) {
        (_, Gpus::ZERO) if end == Some(now.time) => "ended",
        (_, Gpus::ZERO) => "preempt",
        (Gpus::ZERO, _) if before.is_none() => "start",
        (Gpus::ZERO, _) => "resume",
        (held, gpus) if held != gpus => "rescale",
        _ if before.is_some_and(|before| before.nodes != now.nodes) => "migrate",
        _ => "batch",
    }
}

fn instant(value: &Value) -> Option<SimTime> {
    duration(value).map(|since_zero| SimTime::from_micros(since_zero.as_micros()))
}

fn duration(value: &Value) -> Option<SimDuration> {
    SimDuration::from_secs_f64(value.as_f64()?)
}

fn gpus(number: Gpus) -> String {
    count(number.get().into(), "GPU")
}

/// Writes a duration as [`SimDuration::rounded`] does.
fn rounded(span: SimDuration) -> String {
    span.rounded()
}
