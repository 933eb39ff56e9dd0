//! Where the columns of a format stand in a table.

use std::collections::BTreeMap;

use crate::trace::format::{Column, Format};
use crate::trace::near;
use crate::trace::problem::{Problems, shown};
use crate::trace::table::Table;

/// The places of a format's columns in one table, counted from 0.
pub(super) struct ColumnPlaces {
    format: &'static Format,
    /// By the first spelling of each column.
    places: BTreeMap<&'static str, usize>,
}

impl ColumnPlaces {
    /// Finds the columns of `format` by the header of `sheet`. Returns `None`, with a problem noted
    /// for every column that is missing or stands there twice, if that fails.
    pub(super) fn find(
        sheet: &Table<'_>,
        format: &'static Format,
        problems: &mut Problems,
    ) -> Option<ColumnPlaces> {
        let mut places = BTreeMap::new();
        let misspelt = misspelt(sheet, format, problems);
        let mut complete = misspelt.is_empty();
        for column in format.columns {
            match problems.keep(sheet.column(column.names)) {
                Some(Some(place)) => {
                    places.insert(column.names[0], place);
                }
                Some(None) if column.optional || misspelt.contains(&column.names[0]) => {}
                Some(None) => {
                    problems.push(sheet.problem(missing(column, format)));
                    complete = false;
                }
                None => complete = false,
            }
        }
        complete.then_some(ColumnPlaces { format, places })
    }

    /// Returns the place of the column that `name` is a spelling of; `None` if the format or the
    /// table has no such column.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        self.places.get(self.format.spellings(name).first()?).copied()
    }

    /// Returns the place of a column that every table of this format has.
    pub(super) fn required(&self, name: &str) -> usize {
        self.get(name).expect("a table without a column that its format needs was refused")
    }

    /// Returns whether the table has the column that `name` is a spelling of.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns how the format itself spells the column that `name` is a spelling of.
    pub(super) fn spelling(&self, name: &str) -> &'static str {
        self.format.spellings(name).first().expect("asked for a column that the format has")
    }
}

/// Notes a problem for each column whose name is almost that of a column of the format. Returns the
/// first spellings of the columns that were meant.
fn misspelt(sheet: &Table<'_>, format: &'static Format, problems: &mut Problems) -> Vec<&'static str> {
    let mut meant = Vec::new();
    let names: Vec<&str> = sheet.names().collect();
    for name in &names {
        if let Some((column, spelling)) = near::meant(name, &names, format) {
            let message = format!(
                "is no column of `{}` traces; write `{spelling}` if that is meant, or give \
                 `--ignore-columns {}`",
                format.name,
                shown(name)
            );
            problems.push(sheet.problem(message).value(*name));
            meant.push(column.names[0]);
        }
    }
    meant
}

fn missing(column: &Column, format: &Format) -> String {
    let names: Vec<_> = column.names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "has no column {}, which `{}` traces have; add it: {}",
        names.join(" or "),
        format.name,
        column.about
    )
}
