//! A job with everything that the artifact hangs on it.

use crate::job::JobSpec;
use crate::profile::ThroughputTable;
use crate::units::{MICROS, SimTime};
use crate::workload::Workload;

use super::timeline::Timeline;
use super::{GpuTable, Refused};

/// Later than everything that happens, with room to add slots to it.
pub(super) const INF: i64 = 1 << 60;

/// The largest column of the artifact's profiles; the columns are the powers of two up to it.
const COLUMNS: i64 = 64;

/// A job of the artifact.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) submit: i64,
    /// Its deadline; [`INF`] for a best-effort job.
    pub(super) ddl: i64,
    pub(super) max_gpu: i64,
    /// Iterations a second on 2^i GPUs; 0 where not measured.
    rates: [f64; 7],
    pub(super) left: f64,
    pub(super) num_gpu: i64,
    pub(super) alloc: Timeline,
    pub(super) end: i64,
    /// The exact end of its plan; the schedules of EDF have none.
    pub(super) real_end: Option<i64>,
    /// Under which time the event list knows its end.
    pub(super) old: i64,
    pub(super) overhead: i64,
    /// Whether the communicator of its GPUs is there already.
    pub(super) cached: bool,
    pub(super) start: i64,
    pub(super) pending: i64,
}

impl Job {
    pub(super) fn is_best_effort(&self) -> bool {
        self.ddl == INF
    }

    /// Iterations a second on `gpus` GPUs; 0 for a column without a number.
    pub(super) fn rate(&self, gpus: i64) -> Result<f64, Refused> {
        if (1..=COLUMNS).contains(&gpus) && gpus & (gpus - 1) == 0 {
            return Ok(self.rates[gpus.ilog2() as usize]);
        }
        Err(Refused::NoSpeed { job: self.name.clone(), gpus })
    }

    /// Seconds that `left` iterations take on `gpus` GPUs, not rounded.
    pub(super) fn seconds(&self, left: f64, gpus: i64) -> Result<f64, Refused> {
        let rate = self.rate(gpus)?;
        if rate == 0.0 {
            return Err(Refused::NoSpeed { job: self.name.clone(), gpus });
        }
        Ok(left / rate)
    }

    /// The levels at which it may run, ascending.
    pub(super) fn levels(&self) -> impl Iterator<Item = i64> + use<> {
        let most = self.max_gpu.min(COLUMNS);
        (0..7).map(|i| 1 << i).take_while(move |level| *level <= most)
    }

    /// The largest level that fits in `free` GPUs, or 0.
    pub(super) fn down(&self, free: i64) -> i64 {
        column_below(free.min(self.max_gpu))
    }

    /// The next larger level, or `gpus` if there is none.
    pub(super) fn up(&self, gpus: i64) -> i64 {
        self.levels().find(|level| *level > gpus).unwrap_or(gpus)
    }
}

/// The largest column of the profiles that is at most `gpus`, or 0.
pub(super) fn column_below(gpus: i64) -> i64 {
    if gpus < 1 { 0 } else { 1 << gpus.min(COLUMNS).ilog2() }
}

/// The jobs of a workload, in its order.
pub(super) fn jobs(
    workload: &Workload,
    table: &ThroughputTable,
    elastic: bool,
    gpu: GpuTable,
) -> Result<Vec<Job>, Refused> {
    let job = |spec: &JobSpec| {
        let Some(curve) = table.curve(&spec.model, spec.batch_size) else {
            let what = table.missing(&spec.model, spec.batch_size);
            return Err(Refused::NoCurve { job: spec.name.clone(), what });
        };
        let mut rates = [0.0; 7];
        let mut largest = 0;
        for (gpus, rate) in curve.measured() {
            let gpus = i64::from(gpus.get());
            if gpus == column_below(gpus) {
                rates[gpus.ilog2() as usize] = rate.get();
                largest = gpus;
            }
        }
        let batch = i64::from(spec.batch_size);
        let max_gpu = match (elastic, gpu) {
            (true, GpuTable::A100) => peak_on_a100(&spec.model, batch),
            (true, GpuTable::T4) => peak_on_t4(&spec.model, batch),
            // The A100 profiles have a text in every column, be it empty or 0, and the T4 profiles say `nan`.
            (false, GpuTable::A100) => COLUMNS.min(batch),
            (false, GpuTable::T4) => largest.min(batch),
        };
        let whole = |time: SimTime| {
            let seconds = time.as_micros() / MICROS;
            if time.as_micros().is_multiple_of(MICROS) {
                Ok(seconds as i64)
            } else {
                Err(Refused::FractionOfASecond { job: spec.name.clone() })
            }
        };
        let submit = whole(spec.submit)?;
        Ok(Job {
            name: spec.name.clone(),
            submit,
            ddl: spec.deadline.map_or(Ok(INF), whole)?,
            max_gpu,
            rates,
            left: spec.iterations.get(),
            num_gpu: 0,
            alloc: Timeline::new(submit, 0),
            end: 0,
            real_end: None,
            old: 0,
            overhead: 0,
            cached: false,
            start: INF,
            pending: 0,
        })
    };
    workload.jobs().iter().map(job).collect()
}

/// The artifact's table of peaks for A100.
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

/// The artifact's table of peaks for T4; the rest of it is unreachable (Q40).
fn peak_on_t4(model: &str, batch: i64) -> i64 {
    match (model, batch) {
        ("bert" | "cifar10", _) => 16,
        ("deepspeech2", 320) => 32,
        ("yolov3", _) => 4,
        ("ncf", _) => 1,
        _ => COLUMNS,
    }
}
