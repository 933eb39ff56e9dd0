//! The story of one job, from the files of a run directory: what `explain` prints.

use serde_json::{Value, json};

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobRow, State};
use crate::trace::printable;
use crate::units::{Gpus, SimDuration, SimTime};

use super::table::{count, lines, row};
use super::{Stored, StoredError, Summary};

/// One job of a stored run, from its submission to its end.
#[derive(Debug)]
pub struct Story<'a> {
    summary: &'a Summary,
    job: &'a JobRow,
    /// When it was admitted or declined, where the events were written down.
    judged: Option<SimTime>,
    steps: Vec<Step>,
}

/// A change of the job's GPUs.
#[derive(Debug)]
struct Step {
    time: SimTime,
    /// The word of the event log: `start`, `rescale`, …, `ended`.
    what: String,
    gpus: Gpus,
    nodes: String,
    batch_size: u32,
    /// How long it stands still, where the events were written down.
    restart: Option<SimDuration>,
    /// How long a turn is, if it takes turns and the events were written down.
    quantum: Option<SimDuration>,
}

impl Step {
    fn of_row(time: SimTime, what: &str, job: &JobRow) -> Step {
        let (gpus, nodes) = (Gpus::ZERO, String::new());
        Step {
            time,
            what: what.to_owned(),
            gpus,
            nodes,
            batch_size: job.batch_size,
            restart: None,
            quantum: None,
        }
    }
}

impl<'a> Story<'a> {
    /// The story of `job`, which is one of `stored`.
    ///
    /// # Errors
    ///
    /// If the event log is there and cannot be read.
    pub fn of(stored: &'a Stored, job: &'a JobRow) -> Result<Story<'a>, StoredError> {
        let events = stored.events(&job.job_id)?;
        let rows = stored.allocations.iter().flatten().filter(|row| row.job_id == job.job_id);
        let mut steps = Vec::new();
        if stored.allocations.is_none() {
            // Nobody watched: the job's row is all there is.
            let bounds = [(job.start_time, "first"), (job.end_time, "ended")];
            steps.extend(bounds.into_iter().filter_map(|(time, what)| Some(Step::of_row(time?, what, job))));
        }
        let mut before: Option<&Allocation> = None;
        for now in rows {
            steps.push(Step {
                time: now.time,
                what: change(before, now, job.end_time).to_owned(),
                gpus: now.gpus,
                nodes: now.nodes.clone(),
                batch_size: now.batch_size,
                restart: None,
                quantum: None,
            });
            before = Some(now);
        }
        let is_verdict = |event: &Value| event["event"] == "admitted" || event["event"] == "declined";
        let mut judged = None;
        if let Some(events) = events {
            judged = events.iter().find(|event| is_verdict(event)).and_then(|event| instant(&event["time"]));
            // Every row of `allocations.csv` is an event, in the same order.
            let changes = events.iter().filter(|event| !is_verdict(event) && event["event"] != "arrived");
            for (step, event) in steps.iter_mut().zip(changes) {
                step.what = event["event"].as_str().unwrap_or(&step.what).to_owned();
                step.restart = span(&event["pause"]);
                step.quantum = span(&event["quantum"]);
            }
        }
        Ok(Story { summary: &stored.summary, job, judged, steps })
    }

    /// For scripts: the job's row, and every change of its GPUs.
    pub fn to_json(&self) -> Value {
        let mut job = serde_json::to_value(self.job).unwrap_or_default();
        // Rows are made for CSV, where a time is a text.
        for (key, value) in job.as_object_mut().into_iter().flatten() {
            let is_time = key.ends_with("_time") || TIMES.contains(&key.as_str());
            if let Some(seconds) =
                value.as_str().and_then(|text| text.parse::<f64>().ok()).filter(|_| is_time)
            {
                *value = json!(seconds);
            }
        }
        let seconds = |span: Option<SimDuration>| span.map(SimDuration::as_secs_f64);
        let step = |step: &Step| {
            json!({
                "time": step.time.as_secs_f64(),
                "event": step.what,
                "gpus": step.gpus,
                "nodes": step.nodes,
                "batch_size": step.batch_size,
                "pause": seconds(step.restart),
                "quantum": seconds(step.quantum),
            })
        };
        json!({
            "scheduler": self.summary.scheduler,
            "trace": self.summary.trace,
            "job": job,
            "admitted_or_declined_at": self.judged.map(SimTime::as_secs_f64),
            "allocations": self.steps.iter().map(step).collect::<Vec<_>>(),
        })
    }

    /// For people: a line for everything that happened, in order.
    pub fn to_text(&self) -> String {
        let job = self.job;
        let mut told: Vec<(Option<SimTime>, String)> = vec![(Some(job.submit_time), "submitted".to_owned())];
        told.push((self.judged, self.verdict()));
        for (n, step) in self.steps.iter().enumerate() {
            told.push((Some(step.time), self.tell(step, self.steps.get(n + 1))));
        }
        if let Some(deadline) = job.deadline {
            // Behind what happens at that instant: who ends then is in time.
            let at = told.iter().take_while(|(time, _)| time.is_none_or(|time| time <= deadline)).count();
            told.insert(at, (Some(deadline), "DEADLINE".to_owned()));
        }
        if job.state == State::Unfinished {
            told.push((None, "cut off: the run ended before the job did".to_owned()));
        }
        let mut rows = vec![row(["time", "after", ""])];
        for (time, what) in told {
            let after = time.map_or(String::new(), |time| text(time.since(job.submit_time)));
            rows.push(row([&time.map_or(String::new(), |time| format!("{time} s")), &after, &what]));
        }
        let account = if self.steps.is_empty() { String::new() } else { format!("\n{}", self.account()) };
        format!("{}\n{}{account}", self.head(), lines(&rows, &[0, 1]))
    }

    fn head(&self) -> String {
        let (job, run) = (self.job, self.summary);
        let (deadline, alone) = match (job.deadline, job.feasible_alone) {
            (None, _) => ("no deadline".to_owned(), ""),
            (Some(deadline), alone) => (
                format!("deadline {} after the submission", text(deadline.since(job.submit_time))),
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
            (State::Declined, ..) => format!("declined: {}", job.reason),
            (_, 1, Some(end)) => format!("admitted, promised to end by {end} s"),
            (_, 1, None) => "admitted, nothing promised".to_owned(),
            _ => "not admitted".to_owned(),
        }
    }

    /// A change in words, with how long it lasts.
    fn tell(&self, step: &Step, next: Option<&Step>) -> String {
        let on = || format!("{} (nodes {})", gpus(step.gpus), step.nodes);
        let mut what = match step.what.as_str() {
            "start" => format!("starts on {}", on()),
            "resume" => format!("goes on with {}", on()),
            "rescale" => format!("rescales to {}", on()),
            "migrate" => format!("moves to other nodes, {}", on()),
            "rotate" => match step.quantum {
                Some(quantum) => format!("takes turns of {} on {}", text(quantum), on()),
                None => format!("takes turns on {}", on()),
            },
            "batch" => format!("changes its batch size to {}", step.batch_size),
            "first" => return "first holds GPUs; this run does not tell how many, and when".to_owned(),
            "preempt" => "gives up its GPUs".to_owned(),
            _ => return self.end(),
        };
        match step.restart.filter(|restart| *restart > SimDuration::ZERO) {
            Some(restart) if step.quantum.is_some() => {
                what.push_str(&format!(", each after a pause of {}", text(restart)));
            }
            Some(restart) => what.push_str(&format!(", after a pause of {}", text(restart))),
            None => {}
        }
        match next {
            Some(next) => format!("{what}; for {}", text(next.time.since(step.time))),
            None => what,
        }
    }

    fn end(&self) -> String {
        let (job, zero) = (self.job, SimDuration::ZERO);
        match (job.end_time, job.deadline) {
            (Some(end), Some(deadline)) if end > deadline => {
                format!("ends, {} after its deadline: late", text(end.since(deadline)))
            }
            (Some(end), Some(deadline)) if deadline.since(end) == zero => "ends at its deadline: met".into(),
            (Some(end), Some(deadline)) => {
                format!("ends, {} before its deadline: met", text(deadline.since(end)))
            }
            _ => "ends: completed".to_owned(),
        }
    }

    fn account(&self) -> String {
        let job = self.job;
        let mut text_ = String::new();
        if let (Some(jct), Some(queued)) = (job.jct, job.queue_delay) {
            text_ = format!("took {}, {} of it without GPUs\n", text(jct), text(queued));
        }
        let hours = job.gpu_seconds.as_secs_f64() / 3600.0;
        let changes = [
            count(job.rescales.into(), "rescale"),
            count(job.preemptions.into(), "preemption"),
            count(job.migrations.into(), "migration"),
        ];
        text_.push_str(&format!(
            "held GPUs for {}, {} of it standing still; {hours:.2} GPU-hours; {}\n",
            text(job.run_time),
            text(job.overhead_time),
            changes.join(", ")
        ));
        text_
    }
}

/// The columns of a job's row that are times, besides those called so.
const TIMES: [&str; 4] = ["deadline", "jct", "queue_delay", "gpu_seconds"];

/// What a row of `allocations.csv` means, seen from the one before.
fn change(before: Option<&Allocation>, now: &Allocation, end: Option<SimTime>) -> &'static str {
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
    span(value).map(|since_zero| SimTime::from_micros(since_zero.as_micros()))
}

fn span(value: &Value) -> Option<SimDuration> {
    SimDuration::from_secs_f64(value.as_f64()?)
}

fn gpus(count_: Gpus) -> String {
    count(count_.get().into(), "GPU")
}

/// A length of time as people say it: seconds below ten minutes, minutes below ten hours, else
/// hours. Exact below a second and where it is whole.
fn text(span: SimDuration) -> String {
    span.rounded()
}
