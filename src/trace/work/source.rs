//! Where the work of a trace's jobs comes from.

use crate::profile::ThroughputTable;
use crate::trace::columns::ColumnPlaces;
use crate::trace::format;
use crate::trace::options::ReadOptions;
use crate::trace::problem::Problems;
use crate::trace::table::{Table, TableRow};
use crate::trace::work::JobWork;
use crate::trace::work::application::ApplicationWork;
use crate::trace::work::drawn::DrawnWork;
use crate::trace::work::stated::StatedWork;
use crate::units::{Gpus, SimDuration};

/// The way in which one trace gives the work of its jobs.
pub(in crate::trace) enum WorkSource<'a> {
    Stated(StatedWork<'a>),
    Drawn(Box<DrawnWork<'a>>),
    Application(ApplicationWork<'a>),
}

impl<'a> WorkSource<'a> {
    /// Chooses the source by the columns that the trace has. Returns `None`, with a problem noted,
    /// if these columns say too little.
    pub(in crate::trace) fn new(
        sheet: &Table<'_>,
        columns: &ColumnPlaces,
        table: &'a ThroughputTable,
        options: &ReadOptions<'a>,
        problems: &mut Problems,
    ) -> Option<WorkSource<'a>> {
        if !states_whole_work(sheet, columns, problems) {
            return None;
        }
        let model = columns.get(format::MODEL);
        match (model, columns.get(format::BATCH_SIZE), columns.get(format::ITERATIONS)) {
            (Some(model), Some(batch_size), Some(iterations)) => {
                Some(WorkSource::Stated(StatedWork::new([model, batch_size, iterations], table)))
            }
            (Some(application), Some(batch_size), None) => {
                let Some(applications) = options.applications else {
                    let problem = sheet.problem(ApplicationWork::without_applications(table));
                    problems.push(problem.field(&sheet.header()[application]));
                    return None;
                };
                let columns = [application, batch_size];
                Some(WorkSource::Application(ApplicationWork::new(columns, applications)))
            }
            _ => {
                let columns = [format::DURATION, format::GPUS].map(|name| columns.required(name));
                Some(WorkSource::Drawn(Box::new(DrawnWork::new(columns, table, options.trace_seed))))
            }
        }
    }

    /// Returns whether the work is drawn with the trace seed.
    pub(in crate::trace) fn is_drawn(&self) -> bool {
        matches!(self, WorkSource::Drawn(_))
    }

    /// Returns whether each row states its work.
    pub(in crate::trace) fn is_stated(&self) -> bool {
        matches!(self, WorkSource::Stated(_))
    }

    /// Returns whether a row may leave its duration empty.
    pub(in crate::trace) fn allows_empty_duration(&self) -> bool {
        self.is_stated()
    }

    /// Returns whether a job on `gpus` GPUs can be given work; false only where work is drawn, at a
    /// number of GPUs at which nothing was measured.
    pub(in crate::trace) fn is_known_at(&self, gpus: Gpus) -> bool {
        match self {
            WorkSource::Drawn(drawn) => drawn.is_known_at(gpus),
            WorkSource::Stated(_) | WorkSource::Application(_) => true,
        }
    }

    /// Reads, draws or looks up the work of a row, and returns with it the duration that holds from
    /// then on: that of the row, but the application's own where it names one.
    ///
    /// The work is `None`, with its problems noted, where it cannot be told. Of the duration, the
    /// outer `None` means that a problem was noted, the inner that the job has none.
    pub(in crate::trace) fn read(
        &mut self,
        row: TableRow<'_>,
        requested: Option<Gpus>,
        duration: Option<Option<SimDuration>>,
        problems: &mut Problems,
    ) -> (Option<JobWork>, Option<Option<SimDuration>>) {
        match self {
            WorkSource::Stated(stated) => (stated.read(row, problems), duration),
            WorkSource::Drawn(drawn) => (drawn.draw(row, requested, duration.flatten(), problems), duration),
            WorkSource::Application(named) => match named.look_up(row, requested, problems) {
                Some((work, takes)) => (Some(work), Some(takes)),
                None => (None, None),
            },
        }
    }

    /// Returns a problem for each job without work of which nothing else is wrong.
    pub(in crate::trace) fn into_workless(self) -> Problems {
        match self {
            WorkSource::Stated(stated) => stated.into_workless(),
            WorkSource::Application(_) | WorkSource::Drawn(_) => Problems::default(),
        }
    }
}

/// Checks, for a trace of Chronus, that a batch size does not stand without a model and iterations:
/// together they state the work of a job, one of them alone says nothing. Notes a problem for each
/// column that is missing.
fn states_whole_work(sheet: &Table<'_>, columns: &ColumnPlaces, problems: &mut Problems) -> bool {
    let Some(batch_size) = columns.get(format::BATCH_SIZE).filter(|_| columns.has(format::EXPECTED)) else {
        return true;
    };
    let missing: Vec<_> = [format::MODEL, format::ITERATIONS]
        .into_iter()
        .filter(|name| !columns.has(name))
        .map(|name| columns.spelling(name))
        .collect();
    for name in &missing {
        let message = format!(
            "stands without a column `{name}`, with which it would state the work of a job; add it, or remove \
             this one to have model, batch size and work drawn"
        );
        problems.push(sheet.problem(message).field(&sheet.header()[batch_size]));
    }
    missing.is_empty()
}
