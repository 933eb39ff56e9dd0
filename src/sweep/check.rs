//! Every point of a grid, checked before the first one is run.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::experiment::{InputCache, OptionSetting, PreparedRun, RunSettings, assign};
use crate::report::Summary;
use crate::scheduler::Entry;

use super::Shard;
use super::grid::{Axis, AxisValue, Block, Grid};
use super::keys::{KeyValue, apply};
use super::point_key::PointKey;
use super::product::product;
use super::table::ResultsTable;

/// A grid has at most so many points: more take longer than anyone waits, and are a slip of the
/// pen.
const POINT_LIMIT: usize = 1_000_000;

/// A grid whose points can all be run.
///
/// Each point is prepared once, when the grid is checked, and what it runs is kept until then. That
/// is its settings and a scheduler that has planned nothing: the jobs and their speeds are shared
/// by all points of the same inputs.
pub struct CheckedGrid {
    columns: Arc<[String]>,
    points: Vec<PreparedPoint>,
    notes: Vec<String>,
    paths: Vec<PathBuf>,
}

/// A point with its run.
pub(super) struct PreparedPoint {
    pub(super) point: Point,
    pub(super) run: PreparedRun,
}

/// Which run of a grid it is.
#[derive(Clone, Debug)]
pub struct Point {
    number: usize,
    key: PointKey,
    columns: Arc<[String]>,
    /// A text for each column, empty where the grid says nothing.
    values: Vec<Arc<str>>,
    scheduler: &'static Entry,
    jobs: u64,
}

impl Point {
    /// Returns its place in the grid, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns its key: equal keys, equal results.
    pub fn key(&self) -> &PointKey {
        &self.key
    }

    /// Returns what the grid says for a column, as its text has it; empty where it says nothing.
    pub fn value(&self, column: &str) -> &str {
        let place = self.columns.iter().position(|other| other == column);
        place.map_or("", |place| &self.values[place])
    }

    /// Returns what the grid says for each column, in their order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| &**value)
    }

    /// Returns how many jobs there are.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Returns the scheduler.
    pub fn scheduler(&self) -> &'static Entry {
        self.scheduler
    }
}

impl CheckedGrid {
    /// Returns every key that the grid states, in the order of the text: the columns that tell
    /// points apart.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns the points in the order of the grid.
    pub fn points(&self) -> impl ExactSizeIterator<Item = &Point> {
        self.points.iter().map(|prepared| &prepared.point)
    }

    /// Returns the points of a shard, in the order of the grid.
    pub fn points_of(&self, shard: Shard) -> impl Iterator<Item = &Point> {
        self.points().filter(move |point| shard.has(point.number))
    }

    /// Returns the runs of the points, in the order of the grid.
    pub fn into_runs(self) -> impl Iterator<Item = PreparedRun> {
        self.points.into_iter().map(|prepared| prepared.run)
    }

    /// Returns what the user may want to know though nothing is wrong.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns every path that was read for the points.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the points with their runs, in the order of the grid.
    pub(super) fn into_points(self) -> Vec<PreparedPoint> {
        self.points
    }

    /// Returns the points of a shard as CSV.
    ///
    /// # Errors
    ///
    /// If a row cannot be written as CSV.
    pub fn list(&self, shard: Shard) -> io::Result<Vec<u8>> {
        let mut table = ResultsTable::of_points(&self.columns)?;
        for point in self.points_of(shard) {
            table.point(point.number, point.values())?;
        }
        table.into_bytes()
    }
}

/// Returns the results of a sweep that is kept nowhere as CSV: the columns of `results.csv`, but
/// for the directories of points.
///
/// # Errors
///
/// If a row cannot be written as CSV.
pub fn results(columns: &[String], rows: &[(Point, Summary)]) -> io::Result<Vec<u8>> {
    let mut table = ResultsTable::new(columns, false)?;
    for (point, summary) in rows {
        table.result(point.number, point.values(), &serde_json::to_value(summary)?, None)?;
    }
    table.into_bytes()
}

impl Grid {
    /// Reads every file and checks every point: nothing that is wrong comes to light after hours.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and with which point: a file that cannot be read or is not
    /// what it should be, settings that do not go together, two points that are the same run, no
    /// point at all.
    pub fn check(&self) -> Result<CheckedGrid> {
        self.prepare().with_context(|| self.name.clone())
    }

    fn prepare(&self) -> Result<CheckedGrid> {
        let all = self.combinations()?;
        let columns: Arc<[String]> = self.columns().into();
        let varied: Vec<_> = columns.iter().filter(|key| varies(&all, key)).map(String::as_str).collect();
        let mut cache = InputCache::new(&self.base);
        let (mut points, mut notes) = (Vec::<PreparedPoint>::new(), Vec::<String>::new());
        let mut first_with: BTreeMap<PointKey, usize> = BTreeMap::new();
        for (index, combination) in all.iter().enumerate() {
            let number = index + 1;
            let run = combination
                .prepare(&mut cache)
                .map_err(|why| anyhow!("{}: {why:#}", combination.name(number, &varied)))?;
            let point = Point {
                number,
                key: PointKey::new(&run.manifest()),
                values: columns.iter().map(|column| combination.text(column)).collect(),
                columns: columns.clone(),
                scheduler: run.scheduler(),
                jobs: run.inputs().jobs(),
            };
            if let Some(first) = first_with.insert(point.key.clone(), number) {
                bail!(
                    "{} and {} are the same run; leave one out by [[exclude]], or give what only some \
                     schedulers take a [[grid]] of its own",
                    all[first - 1].name(first, &varied),
                    combination.name(number, &varied)
                );
            }
            for note in run.inputs().notes() {
                if !notes.contains(note) {
                    notes.push(note.clone());
                }
            }
            points.push(PreparedPoint { point, run });
        }
        Ok(CheckedGrid { columns, points, notes, paths: cache.paths() })
    }

    /// Returns the points of all blocks, but for those that are excluded.
    fn combinations(&self) -> Result<Vec<Combination<'_>>> {
        let counts = self.blocks.iter().map(|block| {
            block.axes.iter().map(|axis| axis.values.len()).try_fold(1_usize, usize::checked_mul)
        });
        let count = counts.flatten().try_fold(0_usize, usize::checked_add);
        ensure!(
            count.is_some_and(|count| count <= POINT_LIMIT),
            "the product of the axes is more than {POINT_LIMIT} points; split the grid"
        );
        let mut all = Vec::new();
        for block in &self.blocks {
            all.extend(Combination::all(block)?);
        }
        for rule in &self.exclude {
            let before = all.len();
            all.retain(|combination| !combination.is_excluded(rule));
            ensure!(
                all.len() < before,
                "the [[exclude]] at {} leaves out no point; correct it or take it away",
                rule.place
            );
        }
        ensure!(!all.is_empty(), "every point is excluded; there is nothing to run");
        Ok(all)
    }

    /// Returns every key that is stated.
    fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for axis in self.blocks.iter().flat_map(|block| &block.axes) {
            if !columns.contains(&axis.key) {
                columns.push(axis.key.clone());
            }
        }
        columns
    }
}

/// One value for each axis of a block that concerns the point's scheduler.
struct Combination<'a> {
    block: &'a Block,
    scheduler: &'static Entry,
    values: Vec<(&'a str, &'a AxisValue)>,
}

impl<'a> Combination<'a> {
    /// Returns the product of a block's axes. An axis for one of the block's schedulers alone does
    /// not multiply the points of the others.
    fn all(block: &'a Block) -> Result<Vec<Combination<'a>>> {
        for key in ["trace", "scheduler"] {
            let place = match block.place.as_str() {
                "" => String::new(),
                place => format!(" for the [[grid]] at {place}"),
            };
            ensure!(
                block.axes.iter().any(|axis| axis.key == key),
                "`{key}` is missing{place}; add {key} = \"...\" or a list of them"
            );
        }
        let sizes: Vec<_> = block.axes.iter().map(|axis| axis.values.len()).collect();
        Ok(product(&sizes).filter_map(|indices| Combination::new(block, &indices)).collect())
    }

    /// Returns the combination of these values; `None` if it differs from an earlier one only in
    /// what does not concern its scheduler.
    fn new(block: &'a Block, indices: &[usize]) -> Option<Combination<'a>> {
        let chosen = || block.axes.iter().zip(indices);
        let scheduler = chosen().find_map(|(axis, index)| scheduler(&axis.values[*index]));
        let scheduler = scheduler.expect("a block states its schedulers");
        let mut values = Vec::new();
        for (axis, index) in chosen() {
            if !is_of_another(axis, scheduler, block) {
                values.push((axis.key.as_str(), &axis.values[*index]));
            } else if *index > 0 {
                return None;
            }
        }
        Some(Combination { block, scheduler, values })
    }

    fn value(&self, key: &str) -> Option<&'a AxisValue> {
        self.values.iter().find(|(other, _)| *other == key).map(|(_, value)| *value)
    }

    /// Returns what the grid says for a key, empty where it says nothing.
    fn text(&self, key: &str) -> Arc<str> {
        self.value(key).map_or_else(|| "".into(), |value| value.text.clone())
    }

    fn is_excluded(&self, rule: &Block) -> bool {
        let matches = |axis: &Axis| self.value(&axis.key).is_some_and(|own| axis.values.contains(own));
        rule.axes.iter().all(matches)
    }

    /// Checks the run and builds what it needs.
    fn prepare(&self, cache: &mut InputCache) -> Result<PreparedRun> {
        // The trace is among the values.
        let mut settings = RunSettings::new(Path::new("."));
        let mut options: Vec<OptionSetting> = Vec::new();
        for (_, value) in &self.values {
            match &value.parsed {
                KeyValue::Run(matches) => apply(matches, &mut settings),
                KeyValue::Options(own) => options.extend(own.iter().cloned()),
                KeyValue::Scheduler(_) => {}
            }
        }
        // As `compare` has it: an option goes to those of the block's schedulers that take it.
        let entries: Vec<_> = schedulers(self.block).collect();
        let own = entries.iter().position(|entry| entry.name == self.scheduler.name);
        let own = own.expect("the scheduler of a point is one of its block's");
        let options = assign(&options, &entries)?.swap_remove(own);
        PreparedRun::new(&settings, &cache.inputs(&settings)?, self.scheduler, options)
    }

    /// Returns what messages call it: its number and what tells it from others.
    fn name(&self, number: usize, columns: &[&str]) -> String {
        let values = columns.iter().filter_map(|key| Some(format!("{key}={}", self.value(key)?.text)));
        let values: Vec<_> = values.collect();
        match values.is_empty() {
            true => format!("point {number}"),
            false => format!("point {number} ({})", values.join(", ")),
        }
    }
}

/// Returns the scheduler that a value names, if it names one.
fn scheduler(value: &AxisValue) -> Option<&'static Entry> {
    match value.parsed {
        KeyValue::Scheduler(entry) => Some(entry),
        _ => None,
    }
}

/// Returns the schedulers of a block, in the order of its text.
fn schedulers(block: &Block) -> impl Iterator<Item = &'static Entry> {
    block.axes.iter().flat_map(|axis| &axis.values).filter_map(scheduler)
}

/// Tells whether an axis is for one of the other schedulers of the block alone.
fn is_of_another(axis: &Axis, scheduler: &Entry, block: &Block) -> bool {
    axis.only.is_some_and(|only| only != scheduler.name && schedulers(block).any(|entry| entry.name == only))
}

fn varies(all: &[Combination<'_>], key: &str) -> bool {
    let first = all.first().and_then(|first| first.value(key));
    all.iter().any(|other| other.value(key) != first)
}
