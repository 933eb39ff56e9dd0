//! A job with everything that the artifact keeps about it.

use crate::job::JobSpec;
use crate::profile::{Curve, ThroughputTable};
use crate::units::MICROS;

use super::error::ReplicaError;
use super::input::{GpuTable, ReplicaInput};
use super::outcome::GpuAccount;
use super::quirk::Q13;
use super::timeline::GpuTimeline;

/// A time after every event, in seconds, to which slots can be added without overflow.
pub(super) const INF: i64 = 1 << 60;

/// The largest column of the artifact's profiles; the columns are the powers of two up to it.
const COLUMNS: i64 = 64;

/// A job of the artifact. Times are in seconds.
#[derive(Clone, Debug)]
pub(super) struct ReplicaJob {
    /// The id in the trace.
    pub(super) name: String,
    pub(super) submit: i64,
    /// The deadline; [`INF`] for a best-effort job.
    pub(super) ddl: i64,
    /// The most GPUs that the job may have.
    pub(super) max_gpu: i64,
    /// Iterations per second on 2^i GPUs; 0 where not measured.
    rates: [f64; 7],
    /// Iterations left.
    pub(super) left: f64,
    /// The GPUs that the job has now.
    pub(super) num_gpu: i64,
    /// The planned GPUs over time.
    pub(super) alloc: GpuTimeline,
    /// The planned end, later with overheads.
    pub(super) end: i64,
    /// The exact end of the plan; the schedules of EDF have none.
    pub(super) real_end: Option<i64>,
    /// The time of the event that has the job's end.
    pub(super) old: i64,
    /// Restart overhead that is charged and not yet paid.
    pub(super) overhead: i64,
    /// Whether the communicator of the job's GPUs exists already.
    pub(super) cached: bool,
    /// The first GPU of the communicator.
    pub(super) rank: i64,
    /// The communicator for which the job paid last, first GPU and number; `None` where it held no
    /// GPUs.
    pub(super) paid: Option<(i64, i64)>,
    /// When the job first got GPUs; [`INF`] before.
    pub(super) start: i64,
    /// Seconds from submission to start.
    pub(super) pending: i64,
    pub(super) account: GpuAccount,
}

impl ReplicaJob {
    /// Returns whether the job has no deadline.
    pub(super) fn is_best_effort(&self) -> bool {
        self.ddl == INF
    }

    /// Returns whether the job has not held GPUs yet.
    pub(super) fn waits(&self) -> bool {
        self.start == INF
    }

    /// Returns the iterations per second on `gpus` GPUs; 0 for a column without a number.
    ///
    /// # Errors
    ///
    /// If the profiles have no such column.
    pub(super) fn rate(&self, gpus: i64) -> Result<f64, ReplicaError> {
        if (1..=COLUMNS).contains(&gpus) && gpus & (gpus - 1) == 0 {
            return Ok(self.rates[gpus.ilog2() as usize]);
        }
        Err(ReplicaError::NoSpeed { job: self.name.clone(), gpus })
    }

    /// Returns the speed now divided by that on one GPU; 0 where one of them was not measured.
    pub(super) fn speedup(&self) -> f64 {
        let rate = self.rate(self.num_gpu).unwrap_or(0.0);
        if self.rates[0] > 0.0 { rate / self.rates[0] } else { 0.0 }
    }

    /// Returns the seconds that `left` iterations take on `gpus` GPUs, not rounded.
    ///
    /// # Errors
    ///
    /// If the profiles have no speed for that number.
    pub(super) fn seconds(&self, left: f64, gpus: i64) -> Result<f64, ReplicaError> {
        let rate = self.rate(gpus)?;
        if rate == 0.0 {
            return Err(ReplicaError::NoSpeed { job: self.name.clone(), gpus });
        }
        Ok(left / rate)
    }

    /// Iterates over the numbers of GPUs on which the job may run, ascending.
    pub(super) fn levels(&self) -> impl Iterator<Item = i64> + use<> {
        let most = self.max_gpu.min(COLUMNS);
        (0..7).map(|i| 1 << i).take_while(move |level| *level <= most)
    }

    /// Returns the largest level that fits in `free` GPUs, or 0.
    pub(super) fn down(&self, free: i64) -> i64 {
        column_below(free.min(self.max_gpu))
    }

    /// Returns the next larger level, or `gpus` if there is none.
    pub(super) fn up(&self, gpus: i64) -> i64 {
        self.levels().find(|level| *level > gpus).unwrap_or(gpus)
    }
}

/// Returns the largest column of the profiles that is at most `gpus`, or 0.
pub(super) fn column_below(gpus: i64) -> i64 {
    if gpus < 1 { 0 } else { 1 << gpus.min(COLUMNS).ilog2() }
}

/// Reads what every schedule needs of a job: its curve, and its submission and deadline in seconds.
///
/// # Errors
///
/// If the profiles lack the job's model and batch size, or a number is not whole.
pub(super) fn read<'t>(
    spec: &JobSpec,
    table: &'t ThroughputTable,
) -> Result<(&'t Curve, i64, Option<i64>), ReplicaError> {
    let Some(curve) = table.curve(&spec.model, spec.batch_size) else {
        let what = table.missing(&spec.model, spec.batch_size);
        return Err(ReplicaError::NoCurve { job: spec.name.clone(), what });
    };
    if spec.iterations.get().fract() != 0.0 {
        return Err(ReplicaError::NotWhole { job: spec.name.clone() });
    }
    let submit = whole(spec, spec.submit.as_micros())?;
    let due = spec.deadline.map(|due| whole(spec, due.as_micros())).transpose()?;
    Ok((curve, submit, due))
}

/// Returns a time of a job in seconds.
///
/// # Errors
///
/// If it is not whole.
pub(super) fn whole(spec: &JobSpec, micros: u64) -> Result<i64, ReplicaError> {
    let whole = micros.is_multiple_of(MICROS).then_some((micros / MICROS) as i64);
    whole.ok_or_else(|| ReplicaError::NotWhole { job: spec.name.clone() })
}

/// Reads the jobs of a workload, in its order. Where jobs are `elastic`, their most GPUs are those
/// of the tables of peaks.
///
/// # Errors
///
/// If the artifact cannot read a job.
pub(super) fn read_jobs(input: &ReplicaInput<'_>, elastic: bool) -> Result<Vec<ReplicaJob>, ReplicaError> {
    let job = |spec: &JobSpec| {
        let (curve, submit, due) = read(spec, input.table)?;
        let mut rates = [0.0; 7];
        let (mut largest, mut peak) = (0, 0i64);
        for (gpus, rate) in curve.measured() {
            let gpus = i64::from(gpus.get());
            if gpus == column_below(gpus) {
                rates[gpus.ilog2() as usize] = rate.get();
                largest = gpus;
                if peak == 0 || rate.get() > rates[peak.ilog2() as usize] {
                    peak = gpus;
                }
            }
        }
        let batch = i64::from(spec.batch_size);
        let max_gpu = match (elastic, input.gpu) {
            (true, GpuTable::A100) => peak_on_a100(&spec.model, batch),
            (true, GpuTable::T4) => peak_on_t4(&spec.model, batch),
            // The artifact does not look for the peak of the curve: a quirk (Q13).
            (false, _) if !input.quirks.has(Q13) => peak.min(batch),
            // The A100 profiles have a text in every column, if only an empty one or 0; the T4
            // profiles have `nan` where nothing was measured.
            (false, GpuTable::A100) => COLUMNS.min(batch),
            (false, GpuTable::T4) => largest.min(batch),
        };
        Ok(ReplicaJob {
            name: spec.name.clone(),
            submit,
            ddl: due.unwrap_or(INF),
            max_gpu,
            rates,
            left: spec.iterations.get(),
            num_gpu: 0,
            alloc: GpuTimeline::new(submit, 0),
            end: 0,
            real_end: None,
            old: 0,
            overhead: 0,
            cached: false,
            rank: 0,
            paid: None,
            start: INF,
            pending: 0,
            account: GpuAccount::default(),
        })
    };
    input.workload.jobs().iter().map(job).collect()
}

/// Returns a job's most GPUs by the artifact's table for A100.
fn peak_on_a100(model: &str, batch: i64) -> i64 {
    match (model, batch) {
        ("deepspeech2", _) => batch,
        ("gpt2", 128) | ("inception3", 64) => 16,
        ("gpt2", 256) | ("inception3", 128) | ("resnet50" | "vgg16", 64) => 32,
        ("bert", 64) => 8,
        ("bert", _) => 16,
        _ => batch.min(COLUMNS),
    }
}

/// Returns a job's most GPUs by the artifact's table for T4. The rest of that table is unreachable
/// (Q40).
fn peak_on_t4(model: &str, batch: i64) -> i64 {
    match (model, batch) {
        ("bert" | "cifar10", _) => 16,
        ("deepspeech2", 320) => 32,
        ("yolov3", _) => 4,
        ("ncf", _) => 1,
        _ => COLUMNS,
    }
}
