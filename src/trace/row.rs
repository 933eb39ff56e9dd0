//! From a row to a job: the columns that all formats share.

use std::collections::BTreeMap;

use crate::job::{JobId, JobSpec, SoftDeadline};
use crate::profile::{Curve, ThroughputTable};
use crate::trace::ReadOptions;
use crate::trace::cell::Cell;
use crate::trace::deadline::DeadlineRule;
use crate::trace::draw::{Draws, Stream};
use crate::trace::elasticflow::Stated;
use crate::trace::format::{self, Format};
use crate::trace::itp::Drawn;
use crate::trace::pollux::Named;
use crate::trace::problem::{Problem, Problems};
use crate::trace::soft;
use crate::trace::table::{Cells, Table};
use crate::trace::unit::TimeUnit;
use crate::units::{Gpus, Iterations, SimDuration, SimTime};
use crate::workload::ITERATIONS_LIMIT;

/// The most GPUs that a job may ask for; more is a typing error.
const GPUS_LIMIT: u64 = 1_000_000;

/// What a job does, as opposed to when and for whom.
pub(super) struct Work {
    pub(super) model: String,
    pub(super) batch_size: u32,
    pub(super) iterations: Iterations,
}

/// Where the work of the jobs comes from.
enum Source<'a> {
    Stated(Stated<'a>),
    Drawn(Box<Drawn<'a>>),
    Named(Named<'a>),
}

/// Turns the rows of one table into jobs.
pub(super) struct Reader<'a> {
    id: usize,
    submit: usize,
    gpus: usize,
    duration: Option<usize>,
    deadline: Option<usize>,
    /// Pairs of this program's own, or Chronus's two lists.
    soft: Option<usize>,
    expected: Option<(usize, usize)>,
    best_effort: Option<usize>,
    unit: TimeUnit,
    drops: bool,
    /// Rows that were dropped, by the GPUs they ask for.
    dropped: BTreeMap<u64, usize>,
    source: Source<'a>,
    rule: Option<DeadlineRule>,
    tightness: Draws,
    lines: BTreeMap<&'a str, u64>,
    undated: usize,
    header: Problem,
}

impl<'a> Reader<'a> {
    /// Finds the columns. `None`, with every missing or ambiguous one among the problems, where
    /// that fails.
    pub(super) fn new(
        sheet: &'a Table,
        format: &'static Format,
        table: &'a ThroughputTable,
        options: &ReadOptions<'a>,
        problems: &mut Problems,
    ) -> Option<Reader<'a>> {
        let mut found = BTreeMap::new();
        let mut complete = true;
        for column in format.columns {
            match problems.keep(sheet.column(column.names)) {
                Some(Some(at)) => {
                    found.insert(column.names[0], at);
                }
                Some(None) if column.optional => {}
                Some(None) => {
                    let names: Vec<_> = column.names.iter().map(|name| format!("`{name}`")).collect();
                    let message = format!(
                        "has no column {}, which `{}` traces have; add it: {}",
                        names.join(" or "),
                        format.name,
                        column.about
                    );
                    problems.push(sheet.problem(message));
                    complete = false;
                }
                None => complete = false,
            }
        }
        if !complete {
            return None;
        }
        let find = |name: &str| found.get(*format.spellings(name).first()?).copied();
        let expected = find(format::EXPECTED).zip(find(format::EXPECTED_VALUES));
        let deadline = find(format::DEADLINE).or(find(format::EXPECTED));
        if let (Some(at), Some(rule)) = (deadline, options.deadline) {
            let message =
                format!("already gives deadlines; leave out `--deadline {rule}`, or remove the column");
            problems.push(sheet.problem(message).field(&sheet.header()[at]));
        }
        if let (true, Some(batch_size)) = (expected.is_some(), find(format::BATCH_SIZE)) {
            // Together they state the work of a job; one of them alone says nothing.
            let others = [format::MODEL, format::ITERATIONS].map(|name| format.spellings(name)[0]);
            for name in others.into_iter().filter(|name| find(name).is_none()) {
                let message = format!(
                    "stands without a column `{name}`, with which it would state the work of a job; add it, or remove \
                     this one to have model, batch size and work drawn"
                );
                problems.push(sheet.problem(message).field(&sheet.header()[batch_size]));
                complete = false;
            }
            if !complete {
                return None;
            }
        }
        let source = match (find(format::MODEL), find(format::BATCH_SIZE), find(format::ITERATIONS)) {
            (Some(model), Some(batch_size), Some(iterations)) => {
                Source::Stated(Stated { model, batch_size, iterations, table, workless: Vec::new() })
            }
            (Some(application), Some(batch_size), None) => {
                let Some(applications) = options.applications else {
                    problems.push(sheet.problem(Named::none(table)).field(&sheet.header()[application]));
                    return None;
                };
                Source::Named(Named { application, batch_size, applications })
            }
            _ => Source::Drawn(Box::new(Drawn::new(find(format::DURATION)?, table, options.trace_seed))),
        };
        Some(Reader {
            id: find(format::JOB_ID)?,
            submit: find(format::SUBMIT)?,
            gpus: find(format::GPUS)?,
            duration: find(format::DURATION),
            deadline,
            soft: find(format::SOFT),
            expected,
            best_effort: find(format::BEST_EFFORT),
            unit: options.time_unit.unwrap_or_default(),
            drops: format.drops(),
            dropped: BTreeMap::new(),
            source,
            rule: options.deadline.filter(|_| deadline.is_none()),
            tightness: Draws::new(options.trace_seed, Stream::Tightness),
            lines: BTreeMap::new(),
            undated: 0,
            header: sheet.problem(""),
        })
    }

    /// Whether anything in the jobs is drawn.
    pub(super) fn draws(&self) -> bool {
        matches!(self.source, Source::Drawn(_)) || matches!(self.rule, Some(DeadlineRule::Uniform { .. }))
    }

    /// Whether the work of the jobs is.
    pub(super) fn draws_work(&self) -> bool {
        matches!(self.source, Source::Drawn(_))
    }

    /// Whether a row is none of a job that could be run here, where its format lets that be passed
    /// over.
    pub(super) fn passes_over(&mut self, row: Cells<'a>) -> bool {
        if !self.drops {
            return false;
        }
        let Ok(gpus) = row.cell(self.gpus).whole("GPUs", 0..=GPUS_LIMIT) else { return false };
        let unknown = match &self.source {
            Source::Drawn(drawn) => !drawn.knows(Gpus::new(gpus as u32)),
            Source::Stated(_) | Source::Named(_) => false,
        };
        let drop = gpus == 0 || unknown;
        if drop {
            *self.dropped.entry(gpus).or_default() += 1;
        }
        drop
    }

    /// Jobs without work, of which nothing else is wrong.
    pub(super) fn workless(self) -> Vec<Problem> {
        match self.source {
            Source::Stated(stated) => stated.workless,
            Source::Named(_) | Source::Drawn(_) => Vec::new(),
        }
    }

    /// What was dropped, in words.
    pub(super) fn dropped(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(rows) = self.dropped.get(&0) {
            notes.push(format!("drops {rows} rows of jobs without GPUs"));
        }
        let sizes: Vec<_> = self.dropped.keys().filter(|gpus| **gpus > 0).collect();
        if !sizes.is_empty() {
            let rows: usize = self.dropped.iter().filter(|(gpus, _)| **gpus > 0).map(|(_, rows)| rows).sum();
            notes.push(format!(
                "drops {rows} rows of jobs on {} GPUs, at which nothing was measured",
                listed(sizes)
            ));
        }
        notes
    }

    /// The job of a row, or `None` with its problems noted.
    pub(super) fn job(&mut self, id: usize, row: Cells<'a>, problems: &mut Problems) -> Option<JobSpec> {
        let name = problems.keep(row.cell(self.id).text());
        if let Some(name) = name {
            self.unique(name, row.cell(self.id), problems);
        }
        let submit = problems.keep(self.unit.time(row.cell(self.submit)));
        let requested = problems.keep(row.cell(self.gpus).whole("GPUs", 1..=GPUS_LIMIT));
        let requested = requested.map(|gpus| Gpus::new(gpus as u32));
        let mut duration = self.duration(row, problems);
        let work = match &mut self.source {
            Source::Stated(stated) => stated.work(row, problems),
            Source::Named(named) => named.work(row, requested, problems).map(|(work, takes)| {
                duration = Some(takes);
                work
            }),
            Source::Drawn(drawn) => {
                drawn.work(row, row.cell(self.gpus), requested, duration.flatten(), problems)
            }
        };
        let due = self.due(row, submit, duration, problems);
        let (work, due) = (work?, due?);
        Some(JobSpec {
            id: JobId(u32::try_from(id).ok()?),
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

    fn unique(&mut self, name: &'a str, cell: Cell<'a>, problems: &mut Problems) {
        if let Some(first) = self.lines.get(name) {
            problems.push(cell.problem(format!("is already the id in line {first}; give every job its own")));
        } else {
            self.lines.insert(name, cell.line());
        }
    }

    /// The duration, if there is one; the outer `None` is a problem.
    fn duration(&self, row: Cells<'a>, problems: &mut Problems) -> Option<Option<SimDuration>> {
        let Some(cell) = self.duration.map(|at| row.cell(at)) else { return Some(None) };
        if cell.is_blank() && matches!(self.source, Source::Stated(_)) {
            return Some(None);
        }
        problems.keep(self.unit.duration(cell)).map(Some)
    }

    /// The deadline, if the job has one, and what it is worth then and later; `None` is a problem.
    fn due(
        &mut self,
        row: Cells<'a>,
        submit: Option<SimTime>,
        duration: Option<Option<SimDuration>>,
        problems: &mut Problems,
    ) -> Option<Vec<SoftDeadline>> {
        let hard = |by: Option<SimTime>| by.map(|by| SoftDeadline { by, value: 1.0 }).into_iter().collect();
        let best_effort = match self.best_effort {
            Some(at) => problems.keep(row.cell(at).flag()),
            None => Some(false),
        };
        let deadline = if let Some(rule) = self.rule {
            // Drawn before anything can fail, so that a corrected row changes no other.
            let (from, length) = (submit.unwrap_or_default(), duration.flatten().unwrap_or_default());
            let drawn = rule.deadline(from, length, &mut self.tightness);
            if best_effort == Some(true) || rule == DeadlineRule::None {
                Some(Vec::new())
            } else {
                problems.keep(self.ruled(row.line(), rule, drawn, duration?)).map(hard)
            }
        } else if best_effort == Some(true) {
            Some(Vec::new())
        } else if let Some((times, values)) = self.expected {
            let from = submit.unwrap_or_default();
            soft::lists(row.cell(times), row.cell(values), self.unit, from, problems)
        } else {
            let deadline = self.stated(row, submit, problems)?;
            let pairs = self.soft.map(|at| row.cell(at)).filter(|cell| !cell.is_blank());
            match (pairs, deadline) {
                (Some(pairs), Some(by)) => soft::pairs(pairs, self.unit, by, problems),
                _ => Some(hard(deadline)),
            }
        };
        best_effort.and(deadline)
    }

    /// The deadline in the column of an SLO job.
    fn stated(
        &mut self,
        row: Cells<'a>,
        submit: Option<SimTime>,
        problems: &mut Problems,
    ) -> Option<Option<SimTime>> {
        let best_effort = matches!(self.source, Source::Named(_));
        let Some(cell) = self.deadline.map(|at| row.cell(at)) else {
            self.undated += usize::from(!best_effort);
            return best_effort.then_some(None);
        };
        if best_effort && cell.is_blank() {
            return Some(None);
        }
        if cell.is_blank() {
            let unit = self.unit;
            let message =
                format!("is empty; give {unit}, or 1 under `best_effort` for a job without a deadline");
            problems.push(cell.problem(message));
            return None;
        }
        let deadline = problems.keep(self.unit.time(cell))?;
        let submit = submit?;
        if deadline < submit {
            // As it stands there, in the unit of the trace.
            let submit = String::from_utf8_lossy(row.cell(self.submit).bytes().trim_ascii());
            let message = format!("is before the submission at {submit}; give a later deadline");
            problems.push(cell.problem(message));
            return None;
        }
        Some(Some(deadline))
    }

    /// What a rule that gives deadlines drew for a job, if it could.
    fn ruled(
        &self,
        line: u64,
        rule: DeadlineRule,
        drawn: Option<SimTime>,
        duration: Option<SimDuration>,
    ) -> Result<Option<SimTime>, Problem> {
        let message = if duration.is_none() && matches!(self.source, Source::Named(_)) {
            format!(
                "cannot run on the GPUs it asks for, whose time `--deadline {rule}` is a share of; ask for fewer"
            )
        } else if duration.is_none() {
            format!("has no `duration`, which `--deadline {rule}` is a share of; add it")
        } else if drawn > Some(SimTime::LIMIT) {
            format!("gets a deadline beyond 10000000000 s from `--deadline {rule}`; give a smaller share")
        } else {
            return Ok(drawn);
        };
        Err(Problem::line(line, message))
    }

    /// What is only known after the last row.
    pub(super) fn finish(&self, problems: &mut Problems) {
        if self.undated > 0 {
            let message = format!(
                "has no column `deadline` or `ddl`, and {} jobs need a deadline; give a rule such as `--deadline \
                 uniform:0.5,1.5`, or `--deadline none`",
                self.undated
            );
            problems.push(Problem { message, ..self.header.clone() });
        }
    }
}

/// Checks that a job's work can be counted and that it ends before the clock does, whatever policy
/// runs it.
pub(super) fn ends(cell: Cell<'_>, iterations: Iterations, curve: &Curve) -> Result<(), Problem> {
    if iterations.get() > ITERATIONS_LIMIT {
        return Err(cell.problem("is more than 1000000000000 iterations of work; give less"));
    }
    match too_long(iterations, curve) {
        None => Ok(()),
        Some(gpus) => Err(cell.problem(format!(
            "is too much work: {iterations} iterations on {gpus} GPUs take more than 10000000000 s; give less"
        ))),
    }
}

/// The slowest measured number of GPUs, if the work is too much for it.
pub(super) fn too_long(iterations: Iterations, curve: &Curve) -> Option<Gpus> {
    let (gpus, rate) = curve.measured().iter().min_by(|a, b| a.1.get().total_cmp(&b.1.get()))?;
    let ends = iterations.get() / rate.get() <= SimTime::LIMIT.as_secs_f64();
    (iterations.get() > ITERATIONS_LIMIT || !ends).then_some(*gpus)
}

/// Items, separated by commas.
pub(super) fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}
