//! A run in the trace-event format, which Perfetto and `chrome://tracing` open: `--trace-events`.
//!
//! One track for each job, with a slice for each time that it waits or holds GPUs, a slice inside
//! for the pause at its begin, and an instant at its deadline; counters of GPUs and jobs. Times are
//! microseconds of the trace's clock, as the format asks for. Events go out while the run goes on,
//! in the order of their time stamps on every track; what is kept is one slice for each live job.
//!
//! Source: "Trace Event Format", Google, 2016: the JSON object format, complete events `X`,
//! counters `C`, instants `i`, metadata `M`.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};
use crate::workload::Workload;

use super::{Happened, Observer};

/// The track group of the counters.
const CLUSTER: u32 = 1;
/// The track group of the jobs.
const JOBS: u32 = 2;

/// Writes trace events.
pub struct TraceEvents<W: io::Write> {
    to: W,
    any: bool,
    now: SimTime,
    live: BTreeMap<JobId, Track>,
    total: Gpus,
    busy: u32,
    /// The counters as they were last written.
    written: BTreeMap<&'static str, [u32; 2]>,
}

/// A live job's track.
struct Track {
    since: SimTime,
    slice: Slice,
    /// Its deadline, as long as it is not on the track.
    deadline: Option<SimTime>,
}

/// What a job is doing.
enum Slice {
    Waiting,
    Holding { gpus: Gpus, args: Value, restart: SimDuration, in_turns: bool },
}

impl<W: io::Write> TraceEvents<W> {
    /// Writes the head, with a name for the run, of a cluster of `total` GPUs.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(mut to: W, name: &str, total: Gpus) -> io::Result<TraceEvents<W>> {
        to.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        let (live, written) = (BTreeMap::new(), BTreeMap::new());
        let mut all = TraceEvents { to, any: false, now: SimTime::ZERO, live, total, busy: 0, written };
        for (pid, what) in [(CLUSTER, "cluster"), (JOBS, "jobs")] {
            all.name("process_name", pid, 0, &format!("{what}: {name}"))?;
            all.put(&json!({
                "ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": { "sort_index": pid },
            }))?;
        }
        Ok(all)
    }

    /// Ends every slice that is still open, at the last instant or at `until` if that is later, and
    /// the file.
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

    fn put(&mut self, event: &Value) -> io::Result<()> {
        self.to.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        serde_json::to_writer(&mut self.to, event)?;
        Ok(())
    }

    fn name(&mut self, what: &str, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.put(&json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": { "name": name } }))
    }

    fn counter(&mut self, name: &'static str, keys: [&str; 2], values: [u32; 2]) -> io::Result<()> {
        if self.written.insert(name, values) == Some(values) {
            return Ok(());
        }
        let args = json!({ keys[0]: values[0], keys[1]: values[1] });
        self.put(
            &json!({ "ph": "C", "name": name, "ts": self.now.as_micros(), "pid": CLUSTER, "tid": 0, "args": args }),
        )
    }

    fn gpus(&mut self) -> io::Result<()> {
        self.counter("GPUs", ["busy", "free"], [self.busy, self.total.get().saturating_sub(self.busy)])
    }

    /// Puts the deadline on the track if it is before `at`, to keep the track in order; at the end
    /// of a job in any case.
    fn deadline(&mut self, job: JobId, track: &mut Track, at: Option<SimTime>) -> io::Result<()> {
        match track.deadline.filter(|deadline| at.is_none_or(|at| *deadline < at)) {
            Some(deadline) => {
                track.deadline = None;
                self.instant(job, "deadline", deadline, json!({}))
            }
            None => Ok(()),
        }
    }

    fn instant(&mut self, job: JobId, name: &str, at: SimTime, args: Value) -> io::Result<()> {
        self.put(&json!({
            "ph": "i", "s": "t", "name": name, "ts": at.as_micros(), "pid": JOBS, "tid": tid(job), "args": args,
        }))
    }

    /// Writes the slice that ends now, unless it has no length.
    fn close(&mut self, job: JobId, track: &mut Track) -> io::Result<()> {
        let length = self.now.since(track.since);
        if length == SimDuration::ZERO {
            return Ok(());
        }
        self.deadline(job, track, Some(track.since))?;
        let slice = |name: &str, category: &str, length: SimDuration, args: &Value| {
            json!({
                "ph": "X", "name": name, "cat": category, "ts": track.since.as_micros(), "dur": length.as_micros(),
                "pid": JOBS, "tid": tid(job), "args": args,
            })
        };
        match &track.slice {
            Slice::Waiting => self.put(&slice("waiting", "waiting", length, &json!({}))),
            Slice::Holding { gpus, args, restart, in_turns } => {
                let plural = if *gpus == Gpus::ONE { "" } else { "s" };
                let turns = if *in_turns { " in turns" } else { "" };
                self.put(&slice(&format!("{gpus} GPU{plural}{turns}"), "holding", length, args))?;
                // The pauses of turns are one for each, and no events.
                if *in_turns || *restart == SimDuration::ZERO {
                    return Ok(());
                }
                self.put(&slice("pause", "pause", length.min(*restart), &json!({})))
            }
        }
    }

    fn end(&mut self, job: JobId) -> io::Result<()> {
        let Some(mut track) = self.live.remove(&job) else { return Ok(()) };
        self.close(job, &mut track)?;
        if let Slice::Holding { gpus, in_turns: false, .. } = track.slice {
            // Who ends amid turns leaves its turns idle; the next plan says what is held.
            self.busy = self.busy.saturating_sub(gpus.get());
        }
        self.deadline(job, &mut track, None)
    }

    /// Closes a job's slice and opens another.
    fn turn_to(&mut self, job: JobId, slice: Slice) -> io::Result<()> {
        let Some(mut track) = self.live.remove(&job) else { return Ok(()) };
        self.close(job, &mut track)?;
        self.live.insert(job, Track { since: self.now, slice, ..track });
        Ok(())
    }
}

fn tid(job: JobId) -> u32 {
    job.0.saturating_add(1)
}

impl<W: io::Write> Observer for TraceEvents<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.now = at;
        match what {
            Happened::Arrived { job } => {
                let spec = jobs.job(*job);
                self.name("thread_name", JOBS, tid(*job), &spec.name)?;
                let track = Track { since: at, slice: Slice::Waiting, deadline: spec.deadline };
                self.live.insert(*job, track);
                Ok(())
            }
            Happened::Admitted { job, promise } => {
                let promised = promise.map(SimTime::as_secs_f64);
                if let Some(mut track) = self.live.remove(job) {
                    // The slice it interrupts comes first, so that the track stays in order.
                    self.close(*job, &mut track)?;
                    self.deadline(*job, &mut track, Some(at))?;
                    self.live.insert(*job, Track { since: at, ..track });
                }
                self.instant(*job, "admitted", at, json!({ "planned_end_time": promised }))
            }
            Happened::Declined { job, reason } => {
                let Some(mut track) = self.live.remove(job) else { return Ok(()) };
                self.close(*job, &mut track)?;
                self.deadline(*job, &mut track, Some(at))?;
                self.instant(*job, "declined", at, json!({ "reason": reason.to_string() }))?;
                self.deadline(*job, &mut track, None)
            }
            Happened::Allocated { job, change, nodes, batch, restart, turns } => {
                let args = json!({
                    "change": change.as_str(),
                    "nodes": nodes.to_string(),
                    "model": jobs.job(*job).model,
                    "batch_size": batch,
                    "quantum": turns.map(|turns| turns.quantum.as_secs_f64()),
                });
                let gpus = nodes.gpus();
                let slice = match gpus {
                    Gpus::ZERO => Slice::Waiting,
                    gpus => Slice::Holding { gpus, args, restart: *restart, in_turns: turns.is_some() },
                };
                self.turn_to(*job, slice)
            }
            Happened::Ended { job, .. } => {
                self.end(*job)?;
                self.gpus()
            }
            Happened::Planned(now) => {
                self.busy = now.gpus_busy.get();
                self.gpus()?;
                self.counter("jobs", ["running", "waiting"], [now.jobs_running, now.jobs_waiting])
            }
        }
    }
}
