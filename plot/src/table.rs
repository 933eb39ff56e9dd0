//! Tidy CSV: one row for each observation, one column for each of its properties.

use anyhow::Result;

/// A table to which rows are added.
pub(crate) struct CsvTable {
    writer: csv::Writer<Vec<u8>>,
}

impl CsvTable {
    /// Creates a table with these columns.
    ///
    /// # Errors
    ///
    /// If a row cannot be written.
    pub(crate) fn new(columns: &[&str]) -> Result<CsvTable> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(columns)?;
        Ok(CsvTable { writer })
    }

    /// Adds a row of values.
    ///
    /// # Errors
    ///
    /// If the number of values is not that of the columns.
    pub(crate) fn row(&mut self, values: &[&str]) -> Result<()> {
        Ok(self.writer.write_record(values)?)
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    ///
    /// If a row cannot be written.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.writer.into_inner()?)
    }
}

/// Returns a value with at most six decimals, without trailing zeros.
pub(crate) fn value(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_csv() {
        let mut table = CsvTable::new(&["case", "value"]).unwrap();
        table.row(&["a, b", &value(0.25)]).unwrap();
        assert!(table.row(&["too few"]).is_err());
        let mut table = CsvTable::new(&["case", "value"]).unwrap();
        table.row(&["a, b", &value(0.25)]).unwrap();
        assert_eq!(table.finish().unwrap(), b"case,value\n\"a, b\",0.25\n");
    }

    #[test]
    fn values_are_short() {
        assert_eq!([0.1, 2.0, 1.0 / 3.0].map(value), ["0.1", "2", "0.333333"]);
    }
}
