//! The table of a sweep: `results.csv`.

use std::io;

use serde_json::Value;

use crate::report::{CSV_COLUMNS, cells};

/// The table of a sweep, written row by row.
pub(super) struct ResultsTable(csv::Writer<Vec<u8>>);

impl ResultsTable {
    /// Returns a table without rows; `directories` asks for a column with the directories of
    /// points.
    pub(super) fn new(columns: &[String], directories: bool) -> io::Result<ResultsTable> {
        let results = CSV_COLUMNS.map(str::to_owned).into_iter();
        ResultsTable::with_header(columns, results.chain(directories.then(|| "directory".to_owned())))
    }

    /// Returns a table of points alone, without results.
    pub(super) fn of_points(columns: &[String]) -> io::Result<ResultsTable> {
        ResultsTable::with_header(columns, std::iter::empty())
    }

    fn with_header(columns: &[String], rest: impl Iterator<Item = String>) -> io::Result<ResultsTable> {
        let mut table = ResultsTable(csv::Writer::from_writer(Vec::new()));
        let grid = columns.iter().map(|column| format!("grid.{column}"));
        table.write(["point".to_owned()].into_iter().chain(grid).chain(rest))?;
        Ok(table)
    }

    /// Adds a point without results.
    pub(super) fn point<'a>(
        &mut self,
        number: usize,
        values: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        self.write([number.to_string()].into_iter().chain(values.map(str::to_owned)))
    }

    /// Adds a point with the value of its `summary.json`.
    pub(super) fn result<'a>(
        &mut self,
        number: usize,
        values: impl Iterator<Item = &'a str>,
        summary: &Value,
        directory: Option<String>,
    ) -> io::Result<()> {
        let own = [number.to_string()].into_iter().chain(values.map(str::to_owned));
        self.write(own.chain(cells(summary)).chain(directory))
    }

    fn write(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        self.0.write_record(cells).map_err(io::Error::other)
    }

    /// Returns the table as CSV.
    pub(super) fn into_bytes(self) -> io::Result<Vec<u8>> {
        self.0.into_inner().map_err(|why| io::Error::other(why.to_string()))
    }
}
