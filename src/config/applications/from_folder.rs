//! Measured applications, in the layout published with Pollux (petuum/adaptdl, branch
//! osdi21-artifact).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::application::{
    Application, Applications, GradientStatistics, Noise, StepMeasurement, StepTable, StepTime, Steps,
};
use crate::profile::BatchLimits;
use crate::trace::cell::Cell;
use crate::trace::problem::{Problem, Problems};
use crate::trace::table::Table;
use crate::trace::{InputErrors, file};

use super::{Folder, FolderErrors};

const PLACEMENTS: &str = "placements.csv";
const SCALABILITY: &str = "scalability.csv";

/// The most nodes and GPUs of a measurement; more is a typing error.
const LIMIT: u64 = 1_000_000;

/// The applications of a folder. `known` says what limits an application of that name is known to
/// have, where the measurements go further.
pub(super) fn read(folder: &Path, known: &BTreeMap<String, BatchLimits>) -> Result<Folder, FolderErrors> {
    let mut reading = Reading::default();
    let mut all = Vec::new();
    for (name, path) in reading.entries(folder, Path::is_dir) {
        all.extend(reading.application(&name, &path, known.get(&name)));
    }
    if all.is_empty() && reading.wrong.is_empty() {
        let layout = format!(
            "holds no application; give each a folder with {PLACEMENTS}, {SCALABILITY} and validation-BATCH.csv"
        );
        reading.wrong.push(InputErrors::new(&folder.display().to_string(), vec![Problem::file(layout)]));
    }
    if reading.wrong.is_empty() {
        let name = folder.display().to_string();
        Ok(Folder { applications: Applications::new(name, all), files: reading.files })
    } else {
        Err(FolderErrors(reading.wrong))
    }
}

/// What was read so far, and what was wrong with it.
#[derive(Default)]
struct Reading {
    files: Vec<(PathBuf, Vec<u8>)>,
    wrong: Vec<InputErrors>,
}

/// The trials at one batch size: what was measured of gradients, progress, and iterations, epoch by
/// epoch.
struct Trial {
    batch: u32,
    file: PathBuf,
    statistics: Vec<GradientStatistics>,
    progress: Vec<f64>,
    iterations: f64,
}

impl Reading {
    /// The entries of a folder in the order of their names, hidden ones left out.
    fn entries(&mut self, folder: &Path, wanted: fn(&Path) -> bool) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(folder).and_then(|all| all.collect::<Result<Vec<_>, _>>());
        let mut entries: Vec<(String, PathBuf)> = match entries {
            Ok(all) => all
                .into_iter()
                .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
                .filter(|(name, path)| !name.starts_with('.') && wanted(path))
                .collect(),
            Err(error) => {
                let problem = match error.kind() {
                    std::io::ErrorKind::NotFound => Problem::file("does not exist; check the path"),
                    _ => Problem::file(format!("cannot be read: {error}")),
                };
                self.wrong.push(InputErrors::new(&folder.display().to_string(), vec![problem]));
                Vec::new()
            }
        };
        entries.sort();
        entries
    }

    /// Reads a file by its columns; `None` with what is wrong with it noted.
    fn rows<T, const N: usize>(
        &mut self,
        path: &Path,
        names: [&str; N],
        row: impl Fn([Cell<'_>; N], &mut Problems) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut problems = Problems::default();
        let bytes = problems.keep(file::read(path));
        let rows = bytes.as_ref().and_then(|bytes| parse(bytes, names, row, &mut problems));
        if let Some(bytes) = bytes {
            self.files.push((path.to_owned(), bytes));
        }
        match problems.or(&path.display().to_string(), ()) {
            Ok(()) => rows,
            Err(errors) => {
                self.wrong.push(errors);
                None
            }
        }
    }

    fn fault(&mut self, path: &Path, message: impl Into<String>) {
        let problem = Problem::file(message);
        self.wrong.push(InputErrors::new(&path.display().to_string(), vec![problem]));
    }

    fn application(&mut self, name: &str, folder: &Path, known: Option<&BatchLimits>) -> Option<Application> {
        let placements = self.rows(
            &folder.join(PLACEMENTS),
            ["placement", "local_bsz", "step_time", "sync_time"],
            |[placement, local, step, sync], problems| {
                let shape = problems.keep(shape(placement));
                let time = time([local, step, sync], problems);
                let ((nodes, gpus), (atomic, time)) = (shape?, time?);
                Some(StepMeasurement { nodes, gpus, atomic, time })
            },
        );
        let scalability = self.rows(
            &folder.join(SCALABILITY),
            ["num_nodes", "num_replicas", "local_bsz", "step_time", "sync_time"],
            |[nodes, gpus, local, step, sync], problems| {
                let on = problems.keep(nodes.whole("nodes", 1..=LIMIT));
                let count = problems.keep(gpus.whole("GPUs", 1..=LIMIT));
                let time = time([local, step, sync], problems);
                let (on, count, (atomic, time)) = (on?, count?, time?);
                if count < on {
                    let message = format!("is fewer than one on each of {on} nodes; give at least as many");
                    problems.push(gpus.problem(message));
                }
                Some(StepMeasurement { nodes: on as u32, gpus: count as u32, atomic, time })
            },
        );
        let trials = self.trials(folder);
        let (placements, scalability, trials) = (placements?, scalability?, trials?);
        if placements.is_empty() {
            self.fault(&folder.join(PLACEMENTS), "has no measurements; add a row for each");
        }
        let limits = self.limits(folder, [&placements, &scalability], &trials, known);
        let table = StepTable::new(placements.into_iter().chain(scalability))?;
        let progress = progress(&trials);
        Some(Application {
            name: name.to_owned(),
            limits: limits?,
            steps: Steps::Table(table),
            progress,
            tried: trials.iter().map(|trial| (trial.batch, trial.iterations)).collect(),
            noise: Noise::Measured(trials.into_iter().map(|trial| (trial.batch, trial.statistics)).collect()),
        })
    }

    /// The trials of an application, ascending by batch size, all of equally many epochs.
    fn trials(&mut self, folder: &Path) -> Option<Vec<Trial>> {
        let before = self.wrong.len();
        let mut trials = Vec::new();
        for (name, path) in self.entries(folder, Path::is_file) {
            let Some(size) = name.strip_prefix("validation-").and_then(|rest| rest.strip_suffix(".csv"))
            else {
                continue;
            };
            match size.parse() {
                Ok(batch) if batch > 0 => trials.extend(self.trial(batch, path)),
                _ => {
                    self.fault(&path, "is named after no batch size; call it validation-128.csv or the like")
                }
            }
        }
        trials.sort_by_key(|trial| trial.batch);
        if trials.is_empty() && self.wrong.len() == before {
            self.fault(folder, "has no validation-BATCH.csv; add one for every batch size that was tried");
        }
        for pair in trials.windows(2).filter(|pair| pair[0].batch == pair[1].batch) {
            let message = format!("is of the batch size that {} is of; keep one", pair[0].file.display());
            self.fault(&pair[1].file, message);
        }
        if let Some(first) = trials.first() {
            let epochs = first.progress.len();
            let first = first.file.display().to_string();
            for other in trials.iter().filter(|other| other.progress.len() != epochs) {
                let found = other.progress.len();
                let message = format!("has {found} epochs, {first} has {epochs}; give all as many");
                self.fault(&other.file, message);
            }
        }
        (self.wrong.len() == before).then_some(trials)
    }

    fn trial(&mut self, batch: u32, file: PathBuf) -> Option<Trial> {
        let columns = ["progress", "iteration", "grad_sqr", "grad_var"];
        let rows = self.rows(&file, columns, |[progress, iterations, square, variance], problems| {
            let done = problems.keep(progress.real("iterations", 0.0..));
            let taken = problems.keep(iterations.real("iterations", 0.0..));
            let power = problems.keep(square.real("a squared gradient", 0.0..));
            let spread = problems.keep(variance.real("a variance", 0.0..));
            let (done, taken, square, variance) = (done?, taken?, power?, spread?);
            if square == 0.0 && variance == 0.0 {
                problems.push(variance_of_nothing(progress.line()));
            }
            Some((progress.line(), [done, taken], GradientStatistics { square, variance }))
        })?;
        let mut problems = Problems::default();
        let mut before = [0.0; 2];
        for (line, sums, _) in &rows {
            for (column, (sum, before)) in columns.iter().zip(sums.iter().zip(before)) {
                if *sum <= before {
                    let message = format!("is no more than {before} before it; it adds up epoch by epoch");
                    problems.push(Problem::line(*line, message).field(column).value(sum.to_string()));
                }
            }
            before = *sums;
        }
        if rows.is_empty() {
            problems.push(Problem::file("has no epoch; add a row for each"));
        }
        if let Err(errors) = problems.or(&file.display().to_string(), ()) {
            self.wrong.push(errors);
            return None;
        }
        let (sums, statistics): (Vec<[f64; 2]>, _) =
            rows.into_iter().map(|(_, sums, statistics)| (sums, statistics)).unzip();
        let progress = sums.iter().map(|[done, _]| *done).collect();
        Some(Trial { batch, file, statistics, progress, iterations: before[1] })
    }

    /// The batch sizes from the smallest tried to the largest; on each GPU what was measured both
    /// on few nodes and on many.
    fn limits(
        &mut self,
        folder: &Path,
        measured: [&[StepMeasurement]; 2],
        trials: &[Trial],
        known: Option<&BatchLimits>,
    ) -> Option<BatchLimits> {
        let (initial, largest) = (trials.first()?.batch, trials.last()?.batch);
        let sizes = |rows: &[StepMeasurement]| rows.iter().map(|row| row.atomic).collect::<Vec<_>>();
        let all = measured.map(sizes);
        let least = all.iter().filter_map(|sizes| sizes.iter().min()).max()?;
        let most = all.iter().filter_map(|sizes| sizes.iter().max()).min()?;
        // What is known holds where it was measured.
        let few = (all[0].iter().min()?, all[0].iter().max()?);
        let known = known.filter(|known| *few.0 <= known.local.0 && known.local.1 <= *few.1);
        let local = known.map_or((*least, *most), |known| known.local);
        if local.0 > local.1 {
            let message = format!(
                "was measured at micro-batches of {} at the least on many nodes or few, and of {} at the most on the others; \
                 measure both at the same",
                local.0, local.1
            );
            self.fault(folder, message);
            return None;
        }
        let gpus = measured.into_iter().flatten().map(|row| row.gpus).max()?;
        let pinned = known.and_then(|known| known.pinned);
        Some(BatchLimits { initial, largest, local, gpus, pinned })
    }
}

/// At the end of each epoch the least progress at any batch size; it ascends since each of them
/// does.
fn progress(trials: &[Trial]) -> Vec<f64> {
    let epochs = trials.iter().map(|trial| trial.progress.len()).min().unwrap_or_default();
    let least = |epoch: usize| trials.iter().map(|trial| trial.progress[epoch]).fold(f64::INFINITY, f64::min);
    (0..epochs).map(least).collect()
}

fn parse<T, const N: usize>(
    bytes: &[u8],
    names: [&str; N],
    row: impl Fn([Cell<'_>; N], &mut Problems) -> Option<T>,
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let table = Table::parse(bytes, problems)?;
    let columns = names.map(|name| {
        let at = problems.keep(table.column(&[name]))?;
        if at.is_none() {
            problems.push(table.problem(format!("has no column `{name}`; add it")));
        }
        at
    });
    if columns.iter().any(Option::is_none) {
        return None;
    }
    let mut rows = Vec::new();
    for one in table.rows() {
        rows.extend(row(columns.map(|at| one.cell(at.unwrap_or_default())), problems));
    }
    Some(rows)
}

/// Nodes and GPUs of a placement: a digit for each node, its GPUs.
fn shape(cell: Cell<'_>) -> Result<(u32, u32), Problem> {
    let count = |byte: &u8| char::from(*byte).to_digit(10).filter(|gpus| *gpus > 0);
    let counts: Option<Vec<u32>> = cell.bytes().trim_ascii().iter().map(count).collect();
    match counts.as_deref() {
        None | Some([]) => {
            let right = "give a digit from 1 to 9 for each node, its GPUs, such as 44";
            Err(cell.problem(format!("is no placement; {right}")))
        }
        Some(counts) => Ok((counts.len() as u32, counts.iter().sum())),
    }
}

/// The micro-batch and the times of a row.
fn time([local, step, sync]: [Cell<'_>; 3], problems: &mut Problems) -> Option<(u32, StepTime)> {
    let atomic = problems.keep(local.whole("samples", 1..=u64::from(u32::MAX)));
    let whole = problems.keep(step.real("seconds", f64::MIN_POSITIVE..));
    let exchange = problems.keep(sync.real("seconds", 0.0..));
    let (atomic, whole, exchange) = (atomic?, whole?, exchange?);
    if exchange >= whole {
        let message = format!(
            "is not less than the {whole} s of the whole step; give the part that exchanges gradients"
        );
        problems.push(sync.problem(message));
        return None;
    }
    Some((atomic as u32, StepTime { accumulate: whole - exchange, step: whole }))
}

fn variance_of_nothing(line: u64) -> Problem {
    Problem::line(line, "has neither a squared gradient nor a variance; give at least one above 0")
}
