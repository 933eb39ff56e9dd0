//! A run in the trace-event format, which Perfetto and `chrome://tracing` open: `--trace-events`.
//!
//! There is one track for each job, with a slice for each time that it waits or holds GPUs, inside
//! of it a slice for the restart overhead at its beginning, and an instant at the job's deadline.
//! Counters show GPUs and jobs. Times are microseconds of the trace's clock, as the format asks
//! for. Events are written while the run goes on, on every track in the order of their time stamps;
//! one slice for each live job is kept in memory.
//!
//! Source: "Trace Event Format", Google, 2016: the JSON object format, complete events `X`,
//! counters `C`, instants `i`, metadata `M`.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};
use crate::workload::Workload;

use super::{Happened, Observer, Snapshot};

/// The track group of the counters.
const CLUSTER: u32 = 1;
/// The track group of the jobs.
const JOBS: u32 = 2;

/// Why a job has a track whenever something happens to it.
const LIVE: &str = "a job arrives before anything else happens to it, and nothing happens after its end";

/// Writes trace events.
pub struct TraceEvents<W: io::Write> {
    to: W,
    /// Whether an event was written, after which a comma is due.
    has_events: bool,
    now: SimTime,
    live: BTreeMap<JobId, Track>,
    /// GPUs of the cluster.
    total: Gpus,
    /// GPUs that jobs hold.
    busy: Gpus,
    /// The counters as they were last written.
    written: BTreeMap<&'static str, [u32; 2]>,
}

/// A live job's track.
struct Track {
    since: SimTime,
    slice: Slice,
    /// The deadline, until it is on the track.
    deadline: Option<SimTime>,
}

/// What a job is doing.
enum Slice {
    Waiting,
    Holding { gpus: Gpus, args: Value, restart: SimDuration, in_turns: bool },
}

impl<W: io::Write> TraceEvents<W> {
    /// Writes the head, with a name for the run, of a cluster of `total` GPUs. The writer should be
    /// buffered.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(to: W, name: &str, total: Gpus) -> io::Result<TraceEvents<W>> {
        let mut events = TraceEvents {
            to,
            has_events: false,
            now: SimTime::ZERO,
            live: BTreeMap::new(),
            total,
            busy: Gpus::ZERO,
            written: BTreeMap::new(),
        };
        events.to.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        for (pid, what) in [(CLUSTER, "cluster"), (JOBS, "jobs")] {
            events.write_name("process_name", pid, 0, &format!("{what}: {name}"))?;
            events.write(&json!({
                "ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": { "sort_index": pid },
            }))?;
        }
        Ok(events)
    }

    /// Ends every open slice, at the last instant or at `until` if that is later, and then the
    /// file.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn finish(mut self, until: Option<SimTime>) -> io::Result<W> {
        self.now = until.map_or(self.now, |until| until.max(self.now));
        for job in self.live.keys().copied().collect::<Vec<_>>() {
            self.end(job)?;
        }
        self.to.write_all(b"\n]}\n")?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn write(&mut self, event: &Value) -> io::Result<()> {
        self.to.write_all(if self.has_events { b",\n" } else { b"\n" })?;
        self.has_events = true;
        serde_json::to_writer(&mut self.to, event)?;
        Ok(())
    }

    fn write_name(&mut self, what: &str, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.write(&json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": { "name": name } }))
    }

    fn write_instant(&mut self, job: JobId, name: &str, at: SimTime, args: Value) -> io::Result<()> {
        self.write(&json!({
            "ph": "i", "s": "t", "name": name, "ts": at.as_micros(), "pid": JOBS, "tid": tid(job), "args": args,
        }))
    }

    /// Writes a counter of two values, unless it has these values already.
    fn write_counter(&mut self, name: &'static str, keys: [&str; 2], values: [u32; 2]) -> io::Result<()> {
        if self.written.insert(name, values) == Some(values) {
            return Ok(());
        }
        let args = json!({ keys[0]: values[0], keys[1]: values[1] });
        self.write(
            &json!({ "ph": "C", "name": name, "ts": self.now.as_micros(), "pid": CLUSTER, "tid": 0, "args": args }),
        )
    }

    fn write_gpus(&mut self) -> io::Result<()> {
        let (busy, total) = (self.busy.get(), self.total.get());
        let free = total.checked_sub(busy).expect("jobs hold no more GPUs than there are");
        self.write_counter("GPUs", ["busy", "free"], [busy, free])
    }

    /// Writes the slice of a track that ends now, unless it has no length, and the deadline if it
    /// was before the slice.
    fn write_slice(&mut self, job: JobId, track: &mut Track) -> io::Result<()> {
        let length = self.now.since(track.since);
        if length == SimDuration::ZERO {
            return Ok(());
        }
        self.write_deadline_before(job, track, track.since)?;
        let since = track.since.as_micros();
        let slice = |name: &str, category: &str, length: SimDuration, args: &Value| {
            json!({
                "ph": "X", "name": name, "cat": category, "ts": since, "dur": length.as_micros(),
                "pid": JOBS, "tid": tid(job), "args": args,
            })
        };
        match &track.slice {
            Slice::Waiting => self.write(&slice("waiting", "waiting", length, &json!({}))),
            Slice::Holding { gpus, args, restart, in_turns } => {
                let plural = if *gpus == Gpus::ONE { "" } else { "s" };
                let turns = if *in_turns { " in turns" } else { "" };
                self.write(&slice(&format!("{gpus} GPU{plural}{turns}"), "holding", length, args))?;
                // In a rotation every turn has a restart overhead, and turns are not events.
                if *in_turns || *restart == SimDuration::ZERO {
                    return Ok(());
                }
                self.write(&slice("restart", "restart", length.min(*restart), &json!({})))
            }
        }
    }

    /// Writes the deadline of a job if it is before `at` and not yet on the track, which keeps the
    /// track in order.
    fn write_deadline_before(&mut self, job: JobId, track: &mut Track, at: SimTime) -> io::Result<()> {
        match track.deadline.take_if(|deadline| *deadline < at) {
            Some(deadline) => self.write_instant(job, "deadline", deadline, json!({})),
            None => Ok(()),
        }
    }

    /// Writes the deadline of a job that ends, if it is not yet on the track.
    fn write_last_deadline(&mut self, job: JobId, track: Track) -> io::Result<()> {
        match track.deadline {
            Some(deadline) => self.write_instant(job, "deadline", deadline, json!({})),
            None => Ok(()),
        }
    }

    fn arrive(&mut self, job: JobId, jobs: &Workload) -> io::Result<()> {
        let spec = jobs.job(job);
        self.write_name("thread_name", JOBS, tid(job), &spec.name)?;
        let track = Track { since: self.now, slice: Slice::Waiting, deadline: spec.deadline };
        self.live.insert(job, track);
        Ok(())
    }

    /// Interrupts the slice of a job by the instant at which it is admitted.
    fn admit(&mut self, job: JobId, promise: Option<SimTime>) -> io::Result<()> {
        let mut track = self.live.remove(&job).expect(LIVE);
        // The slice comes first, so that the track stays in order.
        self.write_slice(job, &mut track)?;
        self.write_deadline_before(job, &mut track, self.now)?;
        self.live.insert(job, Track { since: self.now, ..track });
        let promise = promise.map(SimTime::as_secs_f64);
        self.write_instant(job, "admitted", self.now, json!({ "planned_end_time": promise }))
    }

    fn decline(&mut self, job: JobId, reason: String) -> io::Result<()> {
        let mut track = self.live.remove(&job).expect(LIVE);
        self.write_slice(job, &mut track)?;
        self.write_deadline_before(job, &mut track, self.now)?;
        self.write_instant(job, "declined", self.now, json!({ "reason": reason }))?;
        self.write_last_deadline(job, track)
    }

    /// Ends the slice of a job and begins another.
    fn change_slice(&mut self, job: JobId, slice: Slice) -> io::Result<()> {
        let mut track = self.live.remove(&job).expect(LIVE);
        self.write_slice(job, &mut track)?;
        self.live.insert(job, Track { since: self.now, slice, ..track });
        Ok(())
    }

    /// Ends the track of a job.
    fn end(&mut self, job: JobId) -> io::Result<()> {
        let mut track = self.live.remove(&job).expect(LIVE);
        self.write_slice(job, &mut track)?;
        if let Slice::Holding { gpus, in_turns: false, .. } = track.slice {
            // The turns of a job in a rotation stay idle: the next plan tells what is held.
            let busy = self.busy.get().checked_sub(gpus.get());
            self.busy = Gpus::new(busy.expect("the last plan counted the GPUs of every holder"));
        }
        self.write_last_deadline(job, track)
    }

    fn plan(&mut self, now: &Snapshot) -> io::Result<()> {
        self.busy = now.gpus_busy;
        self.write_gpus()?;
        self.write_counter("jobs", ["running", "waiting"], [now.jobs_running, now.jobs_waiting])
    }
}

/// Returns the number of a job's track; the format asks for numbers from 1.
fn tid(job: JobId) -> u32 {
    job.0.checked_add(1).expect("a trace has fewer than 2³² − 1 jobs")
}

impl<W: io::Write> Observer for TraceEvents<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.now = at;
        match what {
            Happened::Arrived { job } => self.arrive(*job, jobs),
            Happened::Admitted { job, promise } => self.admit(*job, *promise),
            Happened::Declined { job, reason } => self.decline(*job, reason.to_string()),
            Happened::Allocated { job, change, nodes, batch, restart, turns } => {
                let args = json!({
                    "change": change.as_str(),
                    "nodes": nodes.to_string(),
                    "model": jobs.job(*job).model,
                    "batch_size": batch,
                    "quantum": turns.map(|turns| turns.quantum.as_secs_f64()),
                });
                let slice = match nodes.gpus() {
                    Gpus::ZERO => Slice::Waiting,
                    gpus => Slice::Holding { gpus, args, restart: *restart, in_turns: turns.is_some() },
                };
                self.change_slice(*job, slice)
            }
            Happened::Ended { job, .. } => {
                self.end(*job)?;
                self.write_gpus()
            }
            Happened::Planned(now) => self.plan(now),
        }
    }
}
