//! `compare --against`: what a run does otherwise than a stored one of the same jobs.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::trace::printable;
use crate::units::{Gpus, SimTime};
use crate::workload::Workload;

use super::stored::error;
use super::table::{count, lines, row};
use super::{Manifest, Stored, StoredError, Summary};

/// The most jobs of one kind that a text names.
const NAMED: usize = 8;

/// What differs between two runs of the same jobs: `before` is the stored one, `after` the new one.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The stored run's directory.
    run: String,
    /// Keys of `summary.json` that say what was simulated, and have another value: before and
    /// after.
    settings: BTreeMap<&'static str, [Value; 2]>,
    /// Whether both runs say which GPUs jobs held; otherwise only their ends are compared.
    #[serde(skip)]
    watched: bool,
    /// The first thing that was decided or happened otherwise; `None` where everything went the
    /// same way.
    first_difference: Option<Decision>,
    /// Jobs that end in another state, in the order of the trace.
    flips: Vec<Flip>,
}

/// A job that ends in another state.
#[derive(Debug, Serialize)]
struct Flip {
    job_id: String,
    before: JobOutcome,
    after: JobOutcome,
    /// When the job's own story first differs, in seconds; `None` where it is only cut off
    /// elsewhere.
    time: Option<f64>,
}

/// The first thing that is decided or happens otherwise.
#[derive(Debug, Serialize)]
struct Decision {
    /// In seconds of the trace's clock.
    time: f64,
    job_id: String,
    before: String,
    after: String,
}

/// Checks that the stored run is one of these jobs.
///
/// # Errors
///
/// If it is not; the message names the first thing that is different about them.
pub fn same_jobs(stored: &Stored, jobs: &Workload) -> Result<(), StoredError> {
    let advice = "compare runs of the same trace, with the same --deadline and --trace-seed";
    let wrong = |what: String| Err(error(&stored.path, format!("is a run of other jobs: {what}; {advice}")));
    for (there, here) in stored.jobs.iter().zip(jobs.jobs()) {
        let id = &here.name;
        if there.job_id != *id {
            return wrong(format!("where it has `{}`, this trace has `{id}`", there.job_id));
        }
        let differs = |key: &str, there: String, here: String| {
            (there != here).then(|| format!("{key} of `{id}` is {there} there and {here} here"))
        };
        let time = |time: Option<SimTime>| time.map_or("none".to_owned(), |time| format!("{time} s"));
        let different = differs("model", there.model.clone(), here.model.clone())
            .or_else(|| differs("submission", time(Some(there.submit_time)), time(Some(here.submit))))
            .or_else(|| differs("deadline", time(there.deadline), time(here.deadline)))
            .or_else(|| {
                differs("iterations", there.iterations.get().to_string(), here.iterations.get().to_string())
            })
            .or_else(|| differs("batch size", there.batch_size.to_string(), here.batch_size.to_string()))
            .or_else(|| {
                differs("requested size", there.requested_gpus.to_string(), here.requested.to_string())
            });
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
    /// Returns what a run of the same jobs, see [`same_jobs`], does otherwise than the stored one.
    /// The settings that are compared are those of `manifest`.
    pub fn of(
        stored: &Stored,
        manifest: &Manifest,
        summary: &Summary,
        jobs: &[JobRow],
        allocations: Option<&Vec<Allocation>>,
    ) -> Difference {
        let [there, here] = [&stored.summary, summary]
            .map(|summary| serde_json::to_value(summary).expect("a summary is numbers and texts"));
        let pair = |key: &str| [&there, &here].map(|summary| value(summary, key));
        let settings = manifest.shown().map(|key| (key, pair(key)));
        // Nodes of another cluster are others, whatever their numbers are.
        let same_nodes = stored.summary.cluster == summary.cluster;
        let watched = stored.allocations.as_ref().zip(allocations);
        let before = JobHistory::all(&stored.jobs, watched.map_or(&[], |(before, _)| before.as_slice()));
        let after = JobHistory::all(jobs, watched.map_or(&[], |(_, after)| after.as_slice()));
        let parts_from = |before: &JobHistory<'_>, after: &JobHistory<'_>| {
            before.parts_from(after, same_nodes).filter(|_| watched.is_some())
        };
        let pairs = || before.iter().zip(&after);
        let flip = |(before, after): (&JobHistory<'_>, &JobHistory<'_>)| Flip {
            job_id: before.job.job_id.clone(),
            before: before.job.state,
            after: after.job.state,
            time: parts_from(before, after).map(SimTime::as_secs_f64),
        };
        // The earliest; at one instant the first job of the trace.
        let parting = pairs().filter_map(|(b, a)| Some((parts_from(b, a)?, b, a)));
        let first = parting.min_by_key(|(time, ..)| *time).map(|(time, before, after)| Decision {
            time: time.as_secs_f64(),
            job_id: before.job.job_id.clone(),
            before: before.at(time),
            after: after.at(time),
        });
        Difference {
            run: stored.path.display().to_string(),
            settings: settings.filter(|(_, [before, after])| before != after).collect(),
            watched: watched.is_some(),
            first_difference: first,
            flips: pairs().filter(|(b, a)| b.job.state != a.job.state).map(flip).collect(),
        }
    }

    /// Returns a text of a few lines.
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
                first.time,
                printable(&first.job_id),
                first.before,
                first.after
            )),
            None if self.watched => text.push_str("every job has the same GPUs at all times\n"),
            None => text.push_str("a run under --preset paper does not record which jobs held GPUs when\n"),
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
            let mut names = jobs.iter().take(NAMED).map(|id| printable(id)).collect::<Vec<_>>().join(", ");
            if jobs.len() > NAMED {
                names.push_str(&format!(" and {} more", jobs.len() - NAMED));
            }
            row([&format!("  {before} -> {after}"), &jobs.len().to_string(), &names])
        };
        text.push_str(&lines(&kinds.iter().map(line).collect::<Vec<_>>(), &[1]));
        text
    }
}

/// Writes a row for the first difference and for each flip of every run, with a header. Each comes
/// with its scheduler.
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

/// Returns what a summary shows under a key of [`Manifest::shown`].
fn value(summary: &Value, key: &str) -> Value {
    summary.pointer(&format!("/{key}")).expect("a setting is shown under a key of the summary").clone()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn word(state: JobOutcome) -> &'static str {
    match state {
        JobOutcome::Met => "met",
        JobOutcome::Late => "late",
        JobOutcome::Declined => "declined",
        JobOutcome::Completed => "completed",
        JobOutcome::Unfinished => "unfinished",
        JobOutcome::NotSubmitted => "not submitted",
    }
}

/// A job, and the rows of its allocations in order.
struct JobHistory<'a> {
    job: &'a JobRow,
    held: Vec<&'a Allocation>,
}

impl<'a> JobHistory<'a> {
    fn all(jobs: &'a [JobRow], allocations: &'a [Allocation]) -> Vec<JobHistory<'a>> {
        let mut all: Vec<_> = jobs.iter().map(|job| JobHistory { job, held: Vec::new() }).collect();
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
        self.job.state == JobOutcome::Declined
    }

    /// Returns when two histories of a job part; `None` if they do not. No file says when a job was
    /// declined: that counts at its submission.
    fn parts_from(&self, other: &JobHistory<'_>, same_nodes: bool) -> Option<SimTime> {
        if self.is_declined() != other.is_declined() {
            return Some(self.job.submit_time);
        }
        let is_same = |a: &Allocation, b: &Allocation| {
            (a.time, a.gpus, a.batch_size) == (b.time, b.gpus, b.batch_size)
                && (!same_nodes || a.nodes == b.nodes)
        };
        let same = self.held.iter().zip(&other.held).take_while(|(a, b)| is_same(a, b)).count();
        let next = [self.held.get(same), other.held.get(same)];
        next.into_iter().flatten().map(|row| row.time).min()
    }

    /// Says what happens to the job at an instant at which it parts from another history.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{allocations, jobs};

    const JOBS: &str = concat!(
        "job_id,model,batch_size,class,submit_time,deadline,requested_gpus,iterations,state,admitted,start_time,",
        "end_time,planned_end_time,jct,queue_delay,run_time,gpu_seconds,overhead_time,rescales,preemptions,",
        "migrations,deadline_met,feasible_alone,reason\n"
    );
    const HELD: &str = "time,job_id,gpus,nodes,batch_size,held_from\n";

    /// One job, submitted at 10 s, that ends at 60 s or was declined, and what it held.
    fn run(state: &str, held: &str) -> (Vec<JobRow>, Vec<Allocation>) {
        let end = if state == "declined" { "" } else { "60" };
        let row = format!("a,m,1,slo,10,99,1,5,{state},1,,{end},,,,0,0,0,0,0,0,1,1,too late");
        let jobs = jobs::read(format!("{JOBS}{row}\n").as_bytes()).unwrap();
        // Each row is held from its own time on.
        let with_start = |line: &str| format!("{line},{}\n", line.split(',').next().unwrap());
        let held: String = held.lines().map(with_start).collect();
        (jobs, allocations::read(format!("{HELD}{held}").as_bytes()).unwrap())
    }

    /// When two stories part, and what happens then on both sides.
    fn parting(one: (&str, &str), other: (&str, &str), same_nodes: bool) -> Option<(String, String, String)> {
        let (one, other) = (run(one.0, one.1), run(other.0, other.1));
        let (one, other) = (JobHistory::all(&one.0, &one.1), JobHistory::all(&other.0, &other.1));
        let time = one[0].parts_from(&other[0], same_nodes)?;
        Some((time.to_string(), one[0].at(time), other[0].at(time)))
    }

    fn text(time: &str, one: &str, other: &str) -> Option<(String, String, String)> {
        Some((time.into(), one.into(), other.into()))
    }

    #[test]
    fn stories_part_at_the_first_other_row() {
        let here = ("met", "10,a,1,0:1,1\n20,a,2,0:2,1\n60,a,0,,1\n");
        assert_eq!(parting(here, here, true), None);
        let keeps = ("met", "10,a,1,0:1,1\n60,a,0,,1\n");
        let what = text("20", "gets 2 GPUs (nodes 0:2)", "keeps 1 GPU (nodes 0:1)");
        assert_eq!(parting(here, keeps, true), what);
        let waits = ("met", "15,a,1,0:1,1\n60,a,0,,1\n");
        let what = text("10", "gets 1 GPU (nodes 0:1)", "waits until 15 s, then gets 1 GPU (nodes 0:1)");
        assert_eq!(parting(keeps, waits, true), what);
        let gives_up = ("met", "10,a,1,0:1,1\n20,a,0,,1\n50,a,1,0:1,1\n60,a,0,,1\n");
        let what = text("20", "gets 2 GPUs (nodes 0:2)", "gives up its GPUs");
        assert_eq!(parting(here, gives_up, true), what);
        let declined = ("declined", "");
        assert_eq!(
            parting(declined, keeps, true),
            text("10", "declined: too late", "gets 1 GPU (nodes 0:1)")
        );
    }

    #[test]
    fn nodes_of_another_cluster_are_not_compared() {
        let (one, other) = (("met", "10,a,1,0:1,1\n60,a,0,,1\n"), ("met", "10,a,1,7:1,1\n60,a,0,,1\n"));
        let what = text("10", "gets 1 GPU (nodes 0:1)", "gets 1 GPU (nodes 7:1)");
        assert_eq!(parting(one, other, true), what);
        assert_eq!(parting(one, other, false), None);
    }
}
