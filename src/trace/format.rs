//! The trace formats that are known, and how one is told from another: by the header.

use crate::trace::table::Table;

/// A column of a trace format.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// How the format spells the name, then the other spellings that are understood.
    pub names: &'static [&'static str],
    /// Whether a trace of this format may lack the column.
    pub optional: bool,
    /// What the column holds, with its unit.
    pub about: &'static str,
}

/// A trace format.
#[derive(Debug)]
pub struct Format {
    /// The name in messages and in `list formats`.
    pub name: &'static str,
    /// Where such traces come from, in one line.
    pub about: &'static str,
    /// The columns, in the order that such files commonly have. Any order is read, and columns that
    /// are not listed are ignored.
    pub columns: &'static [Column],
}

impl Column {
    /// Returns whether anything goes by the column.
    pub(super) fn is_used(&self) -> bool {
        !self.about.starts_with("ignored")
    }
}

const fn need(names: &'static [&'static str], about: &'static str) -> Column {
    Column { names, optional: false, about }
}

const fn may(names: &'static [&'static str], about: &'static str) -> Column {
    Column { names, optional: true, about }
}

pub(super) const JOB_ID: &str = "job_id";
pub(super) const SUBMIT: &str = "submit_time";
pub(super) const ITERATIONS: &str = "iteration";
pub(super) const MODEL: &str = "model_name";
pub(super) const DEADLINE: &str = "ddl";
pub(super) const BATCH_SIZE: &str = "batch_size";
pub(super) const GPUS: &str = "num_gpu";
pub(super) const DURATION: &str = "duration";
pub(super) const BEST_EFFORT: &str = "best_effort";
pub(super) const SOFT: &str = "soft_deadlines";
pub(super) const EXPECTED: &str = "expect_time_list";
pub(super) const EXPECTED_VALUES: &str = "expect_value_list";

const ID_ABOUT: &str = "unique id, any text";
const SUBMIT_ABOUT: &str = "submission, seconds on the trace's clock";
const ITERATIONS_ABOUT: &str = "work, whole iterations";
const MODEL_ABOUT: &str = "model, a name in the profiles";
const DEADLINE_ABOUT: &str =
    "deadline, seconds on the trace's clock; without the column, a `--deadline` rule";
const BATCH_ABOUT: &str = "global batch size, samples per iteration";
const GPUS_ABOUT: &str = "GPUs that the user asked for";
const DURATION_ABOUT: &str = "running time on these GPUs, seconds; may be empty";
const BEST_EFFORT_ABOUT: &str = "1 for a job without a deadline, whatever its deadline column holds; else 0";

/// The format of the ElasticFlow artifact's generator, and of everything this program writes.
pub(super) static GENERATED: Format = Format {
    name: "elasticflow",
    about: "the ElasticFlow artifact's generated traces, and what this program writes",
    columns: &[
        need(&[JOB_ID], ID_ABOUT),
        need(&[SUBMIT, "submission_time"], SUBMIT_ABOUT),
        need(&[ITERATIONS, "num_iteration"], ITERATIONS_ABOUT),
        need(&[MODEL], MODEL_ABOUT),
        may(&[DEADLINE, "deadline"], DEADLINE_ABOUT),
        need(&[BATCH_SIZE], BATCH_ABOUT),
        need(&[GPUS], GPUS_ABOUT),
        may(&[DURATION], DURATION_ABOUT),
        may(&[BEST_EFFORT], BEST_EFFORT_ABOUT),
        may(
            &[SOFT],
            "TIME:VALUE pairs, separated by spaces: what a job is worth by its deadline and by later times; may be empty",
        ),
    ],
};

/// The traces published with ElasticFlow (microsoft/elasticflow-traces).
static PUBLISHED: Format = Format {
    name: "elasticflow-published",
    about: "the published ElasticFlow traces of ten production clusters",
    columns: &[
        need(&[JOB_ID], ID_ABOUT),
        need(&["submission_time", SUBMIT], SUBMIT_ABOUT),
        need(&["num_iteration", ITERATIONS], ITERATIONS_ABOUT),
        need(&[MODEL], MODEL_ABOUT),
        may(&["deadline", DEADLINE], DEADLINE_ABOUT),
        need(&[BATCH_SIZE], BATCH_ABOUT),
        need(&[GPUS], GPUS_ABOUT),
        may(&[DURATION], DURATION_ABOUT),
        may(&[BEST_EFFORT], BEST_EFFORT_ABOUT),
    ],
};

/// The artifact's excerpt of the Philly trace.
static PHILLY: Format = Format {
    name: "elasticflow-philly",
    about: "the ElasticFlow artifact's Philly trace: as `elasticflow`, with two more columns that are ignored",
    columns: &[
        need(&[JOB_ID], ID_ABOUT),
        need(&[SUBMIT, "submission_time"], SUBMIT_ABOUT),
        may(&["real_iteration"], "ignored: `iteration` is what runs"),
        need(&[MODEL], MODEL_ABOUT),
        may(&[DEADLINE, "deadline"], DEADLINE_ABOUT),
        need(&[BATCH_SIZE], BATCH_ABOUT),
        need(&[GPUS], GPUS_ABOUT),
        may(&["real_duration"], "ignored: `duration` counts"),
        may(&[DURATION], DURATION_ABOUT),
        need(&[ITERATIONS, "num_iteration"], ITERATIONS_ABOUT),
        may(&[BEST_EFFORT], BEST_EFFORT_ABOUT),
    ],
};

/// The raw clusters behind the published traces.
static RAW: Format = Format {
    name: "itp-raw",
    about: "the raw production clusters behind them: model, batch size and work are drawn with `--trace-seed`",
    columns: &[
        need(&[JOB_ID], ID_ABOUT),
        need(&["submission_time", SUBMIT], SUBMIT_ABOUT),
        need(&[DURATION], "running time on the GPUs asked for, seconds"),
        need(&[GPUS], GPUS_ABOUT),
        may(&["deadline", DEADLINE], DEADLINE_ABOUT),
        may(&[BEST_EFFORT], BEST_EFFORT_ABOUT),
    ],
};

/// Chronus's own traces.
static CHRONUS: Format = Format {
    name: "chronus",
    about: "Chronus's traces, in its artifact in minutes (`--time-unit minutes`), and what ElasticFlow's makes of its own; \
            without `batch_size`, work is drawn as for `itp-raw`; jobs without GPUs are dropped",
    columns: &[
        need(&[JOB_ID], ID_ABOUT),
        may(&["user"], "ignored"),
        need(&[GPUS], "GPUs that the user asked for; rows with 0 are dropped, and counted"),
        may(&[BATCH_SIZE], BATCH_ABOUT),
        need(&[SUBMIT, "submission_time"], SUBMIT_ABOUT),
        may(&["iterations", ITERATIONS], "work, whole iterations, if there is a `batch_size`; else ignored"),
        may(&[MODEL], "model, a name in the profiles, if there is a `batch_size`; else ignored"),
        need(&[DURATION], "running time on the GPUs asked for, seconds"),
        may(&["interval"], "ignored"),
        need(
            &[EXPECTED],
            "deadlines, seconds after the submission, separated by `-`; the first counts for `dsr`",
        ),
        need(&[EXPECTED_VALUES], "what each of them is worth, separated by `-`"),
        may(&[BEST_EFFORT], BEST_EFFORT_ABOUT),
        may(&["job_type"], "ignored: a job with several deadlines is soft"),
    ],
};

/// The workloads of Pollux's evaluation (petuum/adaptdl).
static POLLUX: Format = Format {
    name: "pollux",
    about: "the workloads of Pollux's evaluation; iterations are those of the application at that batch size",
    columns: &[
        need(&["name", JOB_ID], ID_ABOUT),
        need(&["time", SUBMIT], SUBMIT_ABOUT),
        need(
            &["application", MODEL],
            "application: built in with `--gpu t4`, or in the folder of `--profiles`",
        ),
        need(&["num_replicas", GPUS], GPUS_ABOUT),
        need(&[BATCH_SIZE], BATCH_ABOUT),
        may(
            &["deadline", DEADLINE],
            "deadline, seconds on the trace's clock; where it is empty or left out the job is best effort, or has what a \
             `--deadline` rule gives",
        ),
    ],
};

/// Every known format.
pub static FORMATS: [&Format; 6] = [&GENERATED, &PUBLISHED, &PHILLY, &RAW, &POLLUX, &CHRONUS];

/// Returns the format of a table by its column names; `None` if no format has such columns. The
/// first three formats differ only in the names of columns and are read alike, in any mixture.
pub(super) fn detect(table: &Table<'_>) -> Option<&'static Format> {
    let any = |names: &[&str]| table.names().any(|name| names.contains(&name));
    if any(&[EXPECTED, EXPECTED_VALUES]) {
        Some(&CHRONUS)
    } else if any(&["application", "num_replicas"]) {
        Some(&POLLUX)
    } else if any(&[MODEL, ITERATIONS, "num_iteration", BATCH_SIZE]) {
        Some(if any(&["real_iteration", "real_duration"]) {
            &PHILLY
        } else if any(&["submission_time", "num_iteration", "deadline"]) {
            &PUBLISHED
        } else {
            &GENERATED
        })
    } else if any(&[DURATION, GPUS]) && any(&[JOB_ID, SUBMIT, "submission_time"]) {
        Some(&RAW)
    } else {
        None
    }
}

impl Format {
    /// Returns whether rows of jobs that cannot be run are dropped instead of refused.
    pub(super) fn drops(&self) -> bool {
        self.name == CHRONUS.name
    }

    /// Returns whether a job without a deadline is a best-effort job, though no column says so.
    pub(super) fn has_optional_deadlines(&self) -> bool {
        self.name == POLLUX.name
    }

    /// Returns all spellings of the column that `name` is a spelling of, the format's own first;
    /// nothing if the format has no such column.
    pub(super) fn spellings(&self, name: &str) -> &'static [&'static str] {
        self.columns.iter().map(|column| column.names).find(|names| names.contains(&name)).unwrap_or(&[])
    }
}
