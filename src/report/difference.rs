//! What a run does otherwise than a stored one of the same jobs: what `compare --against` prints.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobRow, State};
use crate::units::{Gpus, SimTime};
use crate::workload::Workload;

use super::stored::error;
use super::table::{count, lines, row};
use super::{Stored, StoredError, Summary};

/// How many jobs of one kind are named in a text.
const NAMED: usize = 8;

/// What became different. `before` is the stored run, `after` the new one.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The stored run's directory.
    run: String,
    /// Keys of `summary.json` that say what was simulated, and have another value: before and after.
    settings: BTreeMap<&'static str, [Value; 2]>,
    /// The first thing that was decided or happened otherwise; `None` where everything went the same way.
    first_difference: Option<Decision>,
    /// Jobs that end in another state, in the order of the trace.
    flips: Vec<Flip>,
}

/// A job whose state is another one.
#[derive(Debug, Serialize)]
struct Flip {
    job_id: String,
    before: State,
    after: State,
    /// When the job's own story first differs, in seconds; `None` where it is only cut off elsewhere.
    time: Option<f64>,
}

/// Something about a job that is not the same in both runs.
#[derive(Debug, Serialize)]
struct Decision {
    /// In seconds of the trace's clock.
    time: f64,
    job_id: String,
    before: String,
    after: String,
}

/// What is compared of the settings.
const SETTINGS: [&str; 10] = [
    "scheduler",
    "preset",
    "options",
    "cluster/nodes",
    "cluster/gpus_per_node",
    "profiles",
    "overhead",
    "placer",
    "slot",
    "seed",
];

/// Whether the stored run is one of these jobs; otherwise the first thing that is different about them.
///
/// # Errors
///
/// If it is not.
pub fn same_jobs(stored: &Stored, jobs: &Workload) -> Result<(), StoredError> {
    let advice = "compare runs of the same trace, with the same --deadline and --trace-seed";
    let wrong = |what: String| Err(error(&stored.path, format!("is a run of other jobs: {what}; {advice}")));
    for (there, here) in stored.jobs.iter().zip(jobs.jobs()) {
        let id = &here.name;
        if there.job_id != *id {
            return wrong(format!("where it has `{}`, this trace has `{id}`", there.job_id));
        }
        let is = |key: &str, there: String, here: String| {
            (there != here).then(|| format!("{key} of `{id}` is {there} there and {here} here"))
        };
        let time = |time: Option<SimTime>| time.map_or("none".to_owned(), |time| format!("{time} s"));
        let different = is("model", there.model.clone(), here.model.clone())
            .or_else(|| is("submission", time(Some(there.submit_time)), time(Some(here.submit))))
            .or_else(|| is("deadline", time(there.deadline), time(here.deadline)))
            .or_else(|| {
                is("iterations", there.iterations.get().to_string(), here.iterations.get().to_string())
            })
            .or_else(|| is("batch size", there.batch_size.to_string(), here.batch_size.to_string()))
            .or_else(|| is("requested size", there.requested_gpus.to_string(), here.requested.to_string()));
        if let Some(what) = different {
            return wrong(what);
        }
    }
    if stored.jobs.len() != jobs.len() {
        return wrong(format!("it has {}, this trace {}", stored.jobs.len(), jobs.len()));
    }
    Ok(())
}

impl Difference {
    /// What a run of the same jobs, see [`same_jobs`], does otherwise than the stored one.
    pub fn of(stored: &Stored, summary: &Summary, jobs: &[JobRow], allocations: &[Allocation]) -> Difference {
        let (there, here) = (
            serde_json::to_value(&stored.summary).unwrap_or_default(),
            serde_json::to_value(summary).unwrap_or_default(),
        );
        let value = |of: &Value, key: &str| of.pointer(&format!("/{key}")).cloned().unwrap_or_default();
        let settings = SETTINGS.into_iter().map(|key| (key, [value(&there, key), value(&here, key)]));
        let before = Story::all(&stored.jobs, &stored.allocations);
        let after = Story::all(jobs, allocations);
        let pairs = || before.iter().zip(&after);
        let flip = |(before, after): (&Story<'_>, &Story<'_>)| Flip {
            job_id: before.job.job_id.clone(),
            before: before.job.state,
            after: after.job.state,
            time: before.parts_from(after).map(SimTime::as_secs_f64),
        };
        // The earliest; at one instant the first job of the trace.
        let parting = pairs().filter_map(|(b, a)| Some((b.parts_from(a)?, b, a)));
        let first = parting.min_by_key(|(time, ..)| *time).map(|(time, before, after)| Decision {
            time: time.as_secs_f64(),
            job_id: before.job.job_id.clone(),
            before: before.at(time),
            after: after.at(time),
        });
        Difference {
            run: stored.path.display().to_string(),
            settings: settings.filter(|(_, [before, after])| before != after).collect(),
            first_difference: first,
            flips: pairs().filter(|(b, a)| b.job.state != a.job.state).map(flip).collect(),
        }
    }

    /// For people.
    pub fn to_text(&self, scheduler: &str) -> String {
        let changed = |(key, [before, after]): (&&str, &[Value; 2])| {
            format!("{} {} -> {}", key.replace('/', "."), plain(before), plain(after))
        };
        let settings: Vec<_> = self.settings.iter().map(changed).collect();
        let settings = if settings.is_empty() { "same settings".to_owned() } else { settings.join(", ") };
        let mut text = format!("{scheduler} against {}: {settings}\n", self.run);
        match &self.first_difference {
            Some(first) => text.push_str(&format!(
                "first difference at {} s, job {}\n  there: {}\n  here:  {}\n",
                first.time, first.job_id, first.before, first.after
            )),
            None => text.push_str("every job has the same GPUs at all times\n"),
        }
        let mut kinds: BTreeMap<[&str; 2], Vec<&str>> = BTreeMap::new();
        for flip in &self.flips {
            kinds.entry([word(flip.before), word(flip.after)]).or_default().push(&flip.job_id);
        }
        text.push_str(&match self.flips.len() as u64 {
            0 => "no job flipped\n".to_owned(),
            flipped => format!("{} flipped\n", count(flipped, "job")),
        });
        let line = |([before, after], jobs): (&[&str; 2], &Vec<&str>)| {
            let mut names = jobs.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            if jobs.len() > NAMED {
                names.push_str(&format!(" and {} more", jobs.len() - NAMED));
            }
            row([&format!("  {before} -> {after}"), &jobs.len().to_string(), &names])
        };
        text.push_str(&lines(&kinds.iter().map(line).collect::<Vec<_>>(), &[1]));
        text
    }
}

/// Writes a row for the first difference and for each flip of every run, with a header. Each comes with its scheduler.
///
/// # Errors
///
/// If the writer fails.
pub fn write_differences(all: &[(&str, &Difference)], to: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    let mut write = |cells: [&str; 6]| writer.write_record(cells).map_err(io::Error::other);
    write(["scheduler", "what", "time", "job_id", "before", "after"])?;
    for (scheduler, difference) in all {
        if let Some(first) = &difference.first_difference {
            let time = first.time.to_string();
            write([scheduler, "first_difference", &time, &first.job_id, &first.before, &first.after])?;
        }
        for flip in &difference.flips {
            let time = flip.time.map(|time| time.to_string()).unwrap_or_default();
            write([scheduler, "flip", &time, &flip.job_id, word(flip.before), word(flip.after)])?;
        }
    }
    writer.flush()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn word(state: State) -> &'static str {
    match state {
        State::Met => "met",
        State::Late => "late",
        State::Declined => "declined",
        State::Completed => "completed",
        State::Unfinished => "unfinished",
    }
}

/// A job and what it held, in order.
struct Story<'a> {
    job: &'a JobRow,
    held: Vec<&'a Allocation>,
}

impl<'a> Story<'a> {
    fn all(jobs: &'a [JobRow], allocations: &'a [Allocation]) -> Vec<Story<'a>> {
        let mut all: Vec<_> = jobs.iter().map(|job| Story { job, held: Vec::new() }).collect();
        let place: BTreeMap<&str, usize> =
            jobs.iter().enumerate().map(|(n, job)| (job.job_id.as_str(), n)).collect();
        for row in allocations {
            if let Some(place) = place.get(row.job_id.as_str()) {
                all[*place].held.push(row);
            }
        }
        all
    }

    fn is_declined(&self) -> bool {
        self.job.state == State::Declined
    }

    /// When the stories of a job part. No file says when it was declined, so that counts at its submission.
    fn parts_from(&self, other: &Story<'_>) -> Option<SimTime> {
        if self.is_declined() != other.is_declined() {
            return Some(self.job.submit_time);
        }
        let same = self.held.iter().zip(&other.held).take_while(|(a, b)| a == b).count();
        let next = [self.held.get(same), other.held.get(same)];
        next.into_iter().flatten().map(|row| row.time).min()
    }

    /// What happens to it at an instant at which it parts from another.
    fn at(&self, time: SimTime) -> String {
        if self.is_declined() {
            return format!("declined: {}", self.job.reason);
        }
        let until_now = self.held.iter().take_while(|row| row.time <= time);
        match until_now.last() {
            Some(row) if row.gpus == Gpus::ZERO && self.job.end_time == Some(row.time) => {
                if row.time == time { "ends".to_owned() } else { "has ended".to_owned() }
            }
            Some(row) if row.time == time && row.gpus == Gpus::ZERO => "gives up its GPUs".to_owned(),
            Some(row) if row.time == time => format!("gets {}", gpus(row)),
            Some(row) if row.gpus > Gpus::ZERO => format!("keeps {}", gpus(row)),
            _ => match self.held.iter().find(|row| row.time > time) {
                Some(next) => format!("waits until {} s, then gets {}", next.time, gpus(next)),
                None => "waits".to_owned(),
            },
        }
    }
}

fn gpus(row: &Allocation) -> String {
    format!("{} (nodes {})", count(row.gpus.get().into(), "GPU"), row.nodes)
}
