//! Measured applications, in the layout published with Pollux (petuum/adaptdl, branch
//! osdi21-artifact).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::application::{
    Application, Applications, GradientStatistics, Noise, StepMeasurement, StepTable, StepTime, Steps,
};
use crate::profile::BatchLimits;
use crate::trace::cell::Cell;
use crate::trace::problem::{Problem, Problems, counted};
use crate::trace::table::Table;
use crate::trace::{InputErrors, file};

use super::folder::{Folder, FolderErrors};

const PLACEMENTS: &str = "placements.csv";
const SCALABILITY: &str = "scalability.csv";

/// The most nodes and GPUs of a measurement; more is a typing error.
const LIMIT: u64 = 1_000_000;

/// Reads the applications of a folder, in the order of their names. `known` has the limits of the
/// batch size that applications of some names are known to have; they hold where the measurements
/// go further.
pub(super) fn read(folder: &Path, known: &BTreeMap<String, BatchLimits>) -> Result<Folder, FolderErrors> {
    let mut reading = Reading::default();
    let mut all = Vec::new();
    for (name, path) in reading.entries(folder, Path::is_dir) {
        all.extend(reading.application(&name, &path, known.get(&name)));
    }
    if all.is_empty() && reading.wrong.is_empty() {
        let layout = format!(
            "has no application; give each a folder with {PLACEMENTS}, {SCALABILITY} and validation-BATCH.csv"
        );
        reading.wrong.push(InputErrors::new(&folder.display().to_string(), vec![Problem::file(layout)]));
    }
    if reading.wrong.is_empty() {
        let name = folder.display().to_string();
        Ok(Folder { applications: Applications::new(name, all), files: reading.files })
    } else {
        Err(FolderErrors::new(reading.wrong))
    }
}

/// The files that were read so far, and what was wrong with them.
#[derive(Default)]
struct Reading {
    files: Vec<(PathBuf, Vec<u8>)>,
    wrong: Vec<InputErrors>,
}

/// The training that was tried at one batch size.
struct Trial {
    /// Global batch size, in samples.
    batch: u32,
    file: PathBuf,
    /// What was measured of the gradients, for each epoch.
    statistics: Vec<GradientStatistics>,
    /// The progress until the end of each epoch, in iterations at the initial batch size.
    progress: Vec<f64>,
    /// The iterations of all epochs.
    iterations: f64,
}

/// The columns of `validation-BATCH.csv`.
const TRIAL_COLUMNS: [&str; 4] = ["progress", "iteration", "grad_sqr", "grad_var"];

/// A row of `validation-BATCH.csv`.
struct EpochRow {
    line: u64,
    /// Progress and iterations until the end of the epoch, as the first two columns have them.
    sums: [f64; 2],
    statistics: GradientStatistics,
}

impl Reading {
    /// Returns the wanted entries of a folder in the order of their names, without hidden ones. A
    /// folder that cannot be read is noted.
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

    /// Reads the rows of a file by the columns in `names`. Returns `None`, with everything that is
    /// wrong with the file noted, if there is anything.
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

    /// Reads the application in `folder`. Returns `None`, with what is wrong with its files noted,
    /// if there is anything.
    fn application(&mut self, name: &str, folder: &Path, known: Option<&BatchLimits>) -> Option<Application> {
        let placements = self.placements(folder);
        let scalability = self.scalability(folder);
        let trials = self.trials(folder);
        let (placements, scalability, trials) = (placements?, scalability?, trials?);
        if placements.is_empty() {
            self.fault(&folder.join(PLACEMENTS), "has no measurements; add a row for each");
        }
        let limits = self.limits(folder, [&placements, &scalability], &trials, known);
        let table = StepTable::new(placements.into_iter().chain(scalability))?;
        let progress = least_progress(&trials);
        Some(Application {
            name: name.to_owned(),
            limits: limits?,
            steps: Steps::Table(table),
            progress,
            tried: trials.iter().map(|trial| (trial.batch, trial.iterations)).collect(),
            noise: Noise::Measured(trials.into_iter().map(|trial| (trial.batch, trial.statistics)).collect()),
        })
    }

    /// Reads the times of steps on few nodes.
    fn placements(&mut self, folder: &Path) -> Option<Vec<StepMeasurement>> {
        let columns = ["placement", "local_bsz", "step_time", "sync_time"];
        self.rows(&folder.join(PLACEMENTS), columns, |[placement, local, step, sync], problems| {
            let shape = problems.keep(shape(placement));
            let time = time([local, step, sync], problems);
            let ((nodes, gpus), (atomic, time)) = (shape?, time?);
            Some(StepMeasurement { nodes, gpus, atomic, time })
        })
    }

    /// Reads the times of steps on many nodes.
    fn scalability(&mut self, folder: &Path) -> Option<Vec<StepMeasurement>> {
        let columns = ["num_nodes", "num_replicas", "local_bsz", "step_time", "sync_time"];
        self.rows(&folder.join(SCALABILITY), columns, |[nodes, gpus, local, step, sync], problems| {
            let on = problems.keep(nodes.whole("nodes", 1..=LIMIT));
            let count = problems.keep(gpus.whole("GPUs", 1..=LIMIT));
            let time = time([local, step, sync], problems);
            let (on, count, (atomic, time)) = (on?, count?, time?);
            if count < on {
                let message = format!("is fewer than one on each of {on} nodes; give at least as many");
                problems.push(gpus.problem(message));
            }
            Some(StepMeasurement { nodes: on as u32, gpus: count as u32, atomic, time })
        })
    }

    /// Reads the trials of an application, ascending by batch size, all of equally many epochs.
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
                    let message = "is not named after a batch size; call it validation-128.csv or the like";
                    self.fault(&path, message);
                }
            }
        }
        trials.sort_by_key(|trial| trial.batch);
        if trials.is_empty() && self.wrong.len() == before {
            self.fault(folder, "has no validation-BATCH.csv; add one for every batch size that was tried");
        }
        self.check_trials(&trials);
        (self.wrong.len() == before).then_some(trials)
    }

    /// Notes trials of the same batch size, and trials of another number of epochs than the first.
    fn check_trials(&mut self, trials: &[Trial]) {
        for pair in trials.windows(2).filter(|pair| pair[0].batch == pair[1].batch) {
            let message = format!("is of the batch size that {} is of; keep one", pair[0].file.display());
            self.fault(&pair[1].file, message);
        }
        let Some(first) = trials.first() else { return };
        let epochs = first.progress.len();
        for other in trials.iter().filter(|other| other.progress.len() != epochs) {
            let found = counted(other.progress.len(), "epoch", "epochs");
            let first = first.file.display();
            self.fault(&other.file, format!("has {found}, {first} has {epochs}; give all as many"));
        }
    }

    fn trial(&mut self, batch: u32, file: PathBuf) -> Option<Trial> {
        let rows = self.rows(&file, TRIAL_COLUMNS, epoch_row)?;
        if let Err(errors) = check_epochs(&rows).or(&file.display().to_string(), ()) {
            self.wrong.push(errors);
            return None;
        }
        let iterations = rows.last().map(|row| row.sums[1]).expect("a trial without epochs was refused");
        let progress = rows.iter().map(|row| row.sums[0]).collect();
        let statistics = rows.into_iter().map(|row| row.statistics).collect();
        Some(Trial { batch, file, statistics, progress, iterations })
    }

    /// Returns the limits of an application's batch size: in all, from the smallest tried to the
    /// largest; on each GPU, what was measured both on few nodes and on many. Returns `None`, with
    /// the problem noted, if nothing was measured on both.
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

/// Reads one epoch of a trial.
fn epoch_row(
    [progress, iterations, square, variance]: [Cell<'_>; 4],
    problems: &mut Problems,
) -> Option<EpochRow> {
    let line = progress.line();
    let done = problems.keep(progress.real("iterations", 0.0..));
    let taken = problems.keep(iterations.real("iterations", 0.0..));
    let square = problems.keep(square.real("a squared gradient", 0.0..));
    let variance = problems.keep(variance.real("a variance", 0.0..));
    let (done, taken, square, variance) = (done?, taken?, square?, variance?);
    if square == 0.0 && variance == 0.0 {
        let message = "has neither a squared gradient nor a variance; give at least one above 0";
        problems.push(Problem::line(line, message));
    }
    Some(EpochRow { line, sums: [done, taken], statistics: GradientStatistics { square, variance } })
}

/// Checks that a trial has epochs, and that progress and iterations ascend from one to the next.
fn check_epochs(rows: &[EpochRow]) -> Problems {
    let mut problems = Problems::default();
    let mut before = [0.0; 2];
    for EpochRow { line, sums, .. } in rows {
        for (column, (sum, before)) in TRIAL_COLUMNS.iter().zip(sums.iter().zip(before)) {
            if *sum <= before {
                let message = format!("is not more than {before} before it; it adds up epoch by epoch");
                problems.push(Problem::line(*line, message).field(column).value(sum.to_string()));
            }
        }
        before = *sums;
    }
    if rows.is_empty() {
        problems.push(Problem::file("has no epoch; add a row for each"));
    }
    problems
}

/// Returns, for the end of each epoch, the least progress at any batch size. It ascends, since the
/// progress at each batch size does.
fn least_progress(trials: &[Trial]) -> Vec<f64> {
    let epochs = trials.first().map(|trial| trial.progress.len()).expect("an application was tried");
    let least = |epoch: usize| trials.iter().map(|trial| trial.progress[epoch]).fold(f64::INFINITY, f64::min);
    (0..epochs).map(least).collect()
}

/// Reads the rows of a table by the columns in `names`. Notes a problem for each column and each
/// value that is wrong.
fn parse<T, const N: usize>(
    bytes: &[u8],
    names: [&str; N],
    row: impl Fn([Cell<'_>; N], &mut Problems) -> Option<T>,
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let table = Table::parse(bytes, problems)?;
    let places = names.map(|name| {
        let place = problems.keep(table.column(&[name]))?;
        if place.is_none() {
            problems.push(table.problem(format!("has no column `{name}`; add it")));
        }
        place
    });
    if places.iter().any(Option::is_none) {
        return None;
    }
    let mut rows = Vec::new();
    let mut cursor = table.cursor();
    for place in 0..table.len() {
        let line = cursor.row(place);
        let cells = places.map(|place| line.cell(place.expect("checked above")));
        rows.extend(row(cells, problems));
    }
    Some(rows)
}

/// Reads a placement, which has a digit for each node, the number of its GPUs. Returns how many
/// nodes and GPUs it has.
fn shape(cell: Cell<'_>) -> Result<(u32, u32), Problem> {
    let count = |byte: &u8| char::from(*byte).to_digit(10).filter(|gpus| *gpus > 0);
    let counts: Option<Vec<u32>> = cell.bytes().trim_ascii().iter().map(count).collect();
    match counts.as_deref() {
        None | Some([]) => {
            let right = "give a digit from 1 to 9 for each node, its GPUs, such as 44";
            Err(cell.problem(format!("is not a placement; {right}")))
        }
        Some(counts) => Ok((counts.len() as u32, counts.iter().sum())),
    }
}

/// Reads the micro-batch of a row, in samples on each GPU, and its times, in seconds.
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
