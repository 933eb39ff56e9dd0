//! From a row to a job.

use std::collections::BTreeMap;

use crate::job::{JobId, JobSpec};
use crate::profile::ThroughputTable;
use crate::trace::columns::ColumnPlaces;
use crate::trace::due::DueReader;
use crate::trace::format::{self, Format};
use crate::trace::ids::Ids;
use crate::trace::options::ReadOptions;
use crate::trace::problem::{Problems, counted, listed};
use crate::trace::table::{Table, TableRow};
use crate::trace::unit::TimeUnit;
use crate::trace::work::source::WorkSource;
use crate::units::{Gpus, SimDuration};

/// The most GPUs that a job may ask for; more is a typing error.
const GPUS_LIMIT: u64 = 1_000_000;

/// Turns the rows of one table into jobs.
pub(super) struct JobReader<'a> {
    id: usize,
    submit: usize,
    gpus: usize,
    duration: Option<usize>,
    unit: TimeUnit,
    /// Whether rows of jobs that cannot be run are dropped instead of refused.
    drops: bool,
    /// How many rows were dropped, by the GPUs they ask for.
    dropped: BTreeMap<u64, usize>,
    work: WorkSource<'a>,
    due: DueReader,
}

impl<'a> JobReader<'a> {
    /// Finds the columns of `format`. Returns `None`, with every missing or ambiguous column among
    /// the problems, if that fails.
    pub(super) fn new(
        sheet: &Table<'_>,
        format: &'static Format,
        table: &'a ThroughputTable,
        options: &ReadOptions<'a>,
        problems: &mut Problems,
    ) -> Option<JobReader<'a>> {
        let columns = ColumnPlaces::find(sheet, format, problems)?;
        let due = DueReader::new(sheet, format, &columns, options, problems);
        let work = WorkSource::new(sheet, &columns, table, options, problems)?;
        Some(JobReader {
            id: columns.required(format::JOB_ID),
            submit: columns.required(format::SUBMIT),
            gpus: columns.required(format::GPUS),
            duration: columns.get(format::DURATION),
            unit: options.time_unit.unwrap_or_default(),
            drops: format.drops(),
            dropped: BTreeMap::new(),
            work,
            due,
        })
    }

    /// Returns what about the jobs is drawn.
    pub(super) fn drawn(&self) -> Vec<&'static str> {
        let work = self.work.is_drawn().then_some("models, batch sizes and iterations");
        let deadlines = self.due.is_drawn().then_some("deadlines");
        work.into_iter().chain(deadlines).collect()
    }

    /// Returns whether each row states its work.
    pub(super) fn states_work(&self) -> bool {
        self.work.is_stated()
    }

    /// Returns the rows in the order of submission, at equal times in that of the file. Ids and
    /// random numbers go by this order, so that the order of the rows decides nothing else. Notes a
    /// problem for each row that has the id of a row above.
    pub(super) fn by_submission(&self, sheet: &Table<'_>, problems: &mut Problems) -> Vec<u32> {
        let count = u32::try_from(sheet.len()).expect("a file of 16 GiB has fewer rows of jobs than 2³²");
        let (mut times, mut ids) = (Vec::with_capacity(sheet.len()), Ids::default());
        let mut cursor = sheet.cursor();
        for place in 0..count {
            let row = cursor.row(place as usize);
            // What cannot be read is a problem, which `job` notes.
            let time = self.unit.time(row.cell(self.submit)).map_or(0, |time| 1 + time.as_micros());
            times.push(time);
            if let (Ok(id), None) = (row.cell(self.id).text(), self.drops_gpus(row)) {
                ids.add(id, place);
            }
        }
        ids.check(sheet, self.id, problems);
        let mut rows: Vec<u32> = (0..count).collect();
        if !times.is_sorted() {
            rows.sort_by_key(|place| times[*place as usize]);
        }
        rows
    }

    /// Returns how many GPUs the job of a row asks for if the row is to be dropped.
    fn drops_gpus(&self, row: TableRow<'_>) -> Option<u64> {
        if !self.drops {
            return None;
        }
        // A value that is no number is a problem, which `job` notes.
        let gpus = row.cell(self.gpus).whole("GPUs", 0..=GPUS_LIMIT).ok()?;
        (gpus == 0 || !self.work.is_known_at(Gpus::new(gpus as u32))).then_some(gpus)
    }

    /// Returns whether a row is dropped, and counts it if so: in a format that allows it, a row
    /// whose job has no GPUs, or asks for a number of them at which nothing was measured.
    pub(super) fn drops(&mut self, row: TableRow<'_>) -> bool {
        let Some(gpus) = self.drops_gpus(row) else { return false };
        *self.dropped.entry(gpus).or_default() += 1;
        true
    }

    /// Returns a note for each kind of row that was dropped.
    pub(super) fn dropped(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(rows) = self.dropped.get(&0) {
            let rows = counted(*rows, "row of a job", "rows of jobs");
            notes.push(format!("drops {rows} without GPUs"));
        }
        let with_gpus = || self.dropped.iter().filter(|(gpus, _)| **gpus > 0);
        if with_gpus().next().is_some() {
            let rows = counted(with_gpus().map(|(_, rows)| rows).sum(), "row of a job", "rows of jobs");
            let sizes = listed(with_gpus().map(|(gpus, _)| gpus));
            notes.push(format!("drops {rows} on {sizes} GPUs, at which nothing was measured"));
        }
        notes
    }

    /// Reads the job of a row, and gives it the number `id`. Returns `None`, with all of its
    /// problems noted, if a value is wrong.
    pub(super) fn job(&mut self, id: usize, row: TableRow<'_>, problems: &mut Problems) -> Option<JobSpec> {
        let name = problems.keep(row.cell(self.id).text());
        let submit = problems.keep(self.unit.time(row.cell(self.submit)));
        let requested = problems.keep(row.cell(self.gpus).whole("GPUs", 1..=GPUS_LIMIT));
        let requested = requested.map(|gpus| Gpus::new(gpus as u32));
        let duration = self.duration(row, problems);
        let (work, duration) = self.work.read(row, requested, duration, problems);
        let due = self.due.read(row, submit, duration, problems);
        let (work, due) = (work?, due?);
        Some(JobSpec {
            id: JobId(u32::try_from(id).expect("a file of 16 GiB has fewer rows of jobs than 2³²")),
            name: name?.to_owned(),
            model: work.model,
            batch_size: work.batch_size,
            iterations: work.iterations,
            submit: submit?,
            deadline: due.first().map(|worth| worth.by),
            soft: if due.len() > 1 { due } else { Vec::new() },
            requested: requested?,
            duration: duration?,
        })
    }

    /// Reads the duration. The outer `None` means that a problem was noted, the inner that the row
    /// states no duration.
    fn duration(&self, row: TableRow<'_>, problems: &mut Problems) -> Option<Option<SimDuration>> {
        let Some(cell) = self.duration.map(|place| row.cell(place)) else { return Some(None) };
        if cell.is_blank() && self.work.allows_empty_duration() {
            return Some(None);
        }
        problems.keep(self.unit.duration(cell)).map(Some)
    }

    /// Notes what is known only after the last row. Returns a problem for each job without work, of
    /// which nothing else is wrong: only the engine decides whether such a job can be run.
    pub(super) fn finish(self, sheet: &Table<'_>, problems: &mut Problems) -> Problems {
        self.due.finish(sheet, problems);
        self.work.into_workless()
    }
}
