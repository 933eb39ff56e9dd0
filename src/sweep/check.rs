//! Every point of a grid, checked before the first one is run.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::experiment::{Case, CaseError, Choice, Files, Ready, Setup, choose};
use crate::report::{Summary, to_json};
use crate::scheduler::Entry;
use crate::sim::SimError;

use super::Shard;
use super::grid::{Block, Grid, Value};
use super::product::product;
use super::stored::{self, Table};
use super::words::{Parser, Words};

/// More points than anyone waits for, and a slip of the pen.
const MOST: usize = 1_000_000;

/// A grid whose points can all be run.
pub struct Checked {
    /// Every key that the grid states, in the order of the text: the columns that tell points
    /// apart.
    pub columns: Vec<String>,
    /// The points, in the order of the grid.
    pub points: Vec<Point>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// One run of a grid.
pub struct Point {
    /// Its place in the grid, from 1.
    pub number: usize,
    /// SHA-256, in hexadecimal, of all that decides what the run comes to: every setting, the bytes
    /// of every file, the sources of the program. Equal keys, equal results.
    pub key: String,
    settings: BTreeMap<String, String>,
    setup: Setup,
    entry: &'static Entry,
    choice: Choice,
    ready: Arc<Ready>,
}

impl Checked {
    /// The table of a sweep that is kept nowhere: a row for each of these summaries with its point,
    /// as in `results.csv`.
    ///
    /// # Errors
    ///
    /// If a row cannot be written as CSV.
    pub fn table(&self, rows: &[(usize, Summary)]) -> io::Result<Vec<u8>> {
        let mut table = Table::new(&self.columns, false)?;
        for (number, summary) in rows {
            let Some(point) = self.points.get(number - 1) else { continue };
            let values = self.columns.iter().map(|column| point.value(column));
            table.row(*number, values, &serde_json::to_value(summary)?, None)?;
        }
        table.bytes()
    }

    /// The points of a shard alone, as a table.
    ///
    /// # Errors
    ///
    /// If a row cannot be written as CSV.
    pub fn list(&self, shard: Shard) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let grid = self.columns.iter().map(|column| format!("grid.{column}"));
        writer.write_record(["point".to_owned()].into_iter().chain(grid)).map_err(io::Error::other)?;
        for point in self.points.iter().filter(|point| shard.has(point.number)) {
            let values = self.columns.iter().map(|column| point.value(column).to_owned());
            let row = [point.number.to_string()].into_iter().chain(values);
            writer.write_record(row).map_err(io::Error::other)?;
        }
        writer.into_inner().map_err(|why| io::Error::other(why.to_string()))
    }
}

impl Point {
    /// What the grid says for a key, as its text has it; empty where it says nothing.
    pub fn value(&self, column: &str) -> &str {
        self.settings.get(column).map_or("", String::as_str)
    }

    /// How many jobs there are.
    pub fn jobs(&self) -> u64 {
        self.ready.jobs()
    }

    /// The policy.
    pub fn scheduler(&self) -> &'static Entry {
        self.entry
    }

    /// The run itself, without a run directory as yet.
    ///
    /// # Errors
    ///
    /// None that the check of the grid has not found.
    pub fn case(&self) -> Result<Case, CaseError> {
        let case = self.setup.case(&self.ready, self.entry, &self.choice);
        case.map_err(|why| CaseError::Simulation(SimError::Scenario(format!("{why:#}"))))
    }
}

impl Grid {
    /// Reads every file and checks every point: nothing that is wrong comes to light after hours.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and with which point: a file that cannot be read or is not
    /// what it should be, settings that do not go together, two points that are the same run, no
    /// point at all.
    pub fn check(&self) -> Result<Checked> {
        self.checked().with_context(|| self.name.clone())
    }

    fn checked(&self) -> Result<Checked> {
        let counts = self.blocks.iter().map(|block| {
            block.axes.iter().map(|axis| axis.values.len()).try_fold(1_usize, usize::checked_mul)
        });
        let count = counts.flatten().try_fold(0_usize, usize::checked_add);
        ensure!(
            count.is_some_and(|count| count <= MOST),
            "the product of the axes is more than {MOST} points; split the grid"
        );
        let mut all = Vec::new();
        for block in &self.blocks {
            all.extend(Combination::of(block)?);
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
        let columns = self.columns();
        let varied: Vec<_> = columns.iter().filter(|key| varies(&all, key)).map(String::as_str).collect();
        let (mut parser, mut files) = (Parser::new(), Files::default());
        let (mut points, mut notes) = (Vec::new(), Vec::new());
        let mut keys: BTreeMap<String, usize> = BTreeMap::new();
        for (n, combination) in all.iter().enumerate() {
            let number = n + 1;
            let point = self.point(number, combination, &mut parser, &mut files);
            let point = point.map_err(|why| anyhow!("{}: {why:#}", combination.name(number, &varied)))?;
            if let Some(first) = keys.insert(point.key.clone(), number) {
                bail!(
                    "{} and {} are the same run; leave one out by [[exclude]], or give what only some \
                     schedulers take a [[grid]] of its own",
                    all[first - 1].name(first, &varied),
                    combination.name(number, &varied)
                );
            }
            notes.extend(
                point.ready.notes.iter().filter(|note| !notes.contains(*note)).cloned().collect::<Vec<_>>(),
            );
            points.push(point);
        }
        Ok(Checked { columns, points, notes })
    }

    /// Every key that is stated.
    fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for axis in self.blocks.iter().flat_map(|block| &block.axes) {
            if !columns.contains(&axis.key) {
                columns.push(axis.key.clone());
            }
        }
        columns
    }

    fn point(
        &self,
        number: usize,
        combination: &Combination<'_>,
        parser: &mut Parser,
        files: &mut Files,
    ) -> Result<Point> {
        let words: Vec<String> =
            combination.values.iter().flat_map(|(_, value)| value.words.iter().cloned()).collect();
        let Words { mut setup, scheduler: entry, set } = parser.whole(&words).map_err(anyhow::Error::msg)?;
        setup.base.clone_from(&self.base);
        // As `compare` has it: an option goes to those of the block's policies that take it.
        let entries = combination.schedulers()?;
        let own = entries.iter().position(|other| other.name == entry.name);
        let choice = own.map(|own| choose(&set, &entries).map(|mut all| all.swap_remove(own)));
        let choice = choice.transpose()?.unwrap_or_default();
        let ready = files.ready(&setup)?;
        let case = setup.case(&ready, entry, &choice)?;
        let key = stored::key(stored::BUILD, &to_json(&case.manifest), &serde_json::to_value(&case.summary)?);
        let settings = combination.values.iter().map(|(key, value)| ((*key).to_owned(), value.text.clone()));
        Ok(Point { number, key, settings: settings.collect(), setup, entry, choice, ready })
    }
}

/// One value for each axis of a block.
struct Combination<'a> {
    block: &'a Block,
    values: Vec<(&'a str, &'a Value)>,
}

impl<'a> Combination<'a> {
    fn of(block: &'a Block) -> Result<Vec<Combination<'a>>> {
        for key in ["trace", "scheduler"] {
            let place = if block.place.is_empty() {
                String::new()
            } else {
                format!(" for the [[grid]] at {}", block.place)
            };
            ensure!(
                block.axes.iter().any(|axis| axis.key == key),
                "`{key}` is missing{place}; add {key} = \"...\" or a list of them"
            );
        }
        let sizes: Vec<_> = block.axes.iter().map(|axis| axis.values.len()).collect();
        let of = |indices: Vec<usize>| {
            let pairs = block.axes.iter().zip(indices);
            let values = pairs.map(|(axis, index)| (axis.key.as_str(), &axis.values[index])).collect();
            Combination { block, values }
        };
        Ok(product(&sizes).map(of).collect())
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.values.iter().find(|(other, _)| *other == key).map(|(_, value)| *value)
    }

    fn is_excluded(&self, rule: &Block) -> bool {
        let matches = |key: &str, values: &[Value]| self.value(key).is_some_and(|own| values.contains(own));
        rule.axes.iter().all(|axis| matches(&axis.key, &axis.values))
    }

    /// The policies of its block.
    fn schedulers(&self) -> Result<Vec<&'static Entry>> {
        let axis = self.block.axes.iter().find(|axis| axis.key == "scheduler");
        let names = axis.into_iter().flat_map(|axis| &axis.values).map(|value| value.text.as_str());
        names.map(|name| crate::scheduler::entry(name).map_err(|why| anyhow!("{why}"))).collect()
    }

    /// What messages call it: its number and what tells it from others.
    fn name(&self, number: usize, columns: &[&str]) -> String {
        let values = columns.iter().filter_map(|key| Some(format!("{key}={}", self.value(key)?.text)));
        let values: Vec<_> = values.collect();
        match values.is_empty() {
            true => format!("point {number}"),
            false => format!("point {number} ({})", values.join(", ")),
        }
    }
}

fn varies(all: &[Combination<'_>], key: &str) -> bool {
    let first = all.first().and_then(|first| first.value(key));
    all.iter().any(|other| other.value(key) != first)
}
