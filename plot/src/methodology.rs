//! The tables of METHODOLOGY.md that commands of this package write: each between two marks.

use anyhow::{Context, Result};

use crate::inputs::Folders;

const NAME: &str = "METHODOLOGY.md";

/// The whole text.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn read(folders: &Folders) -> Result<String> {
    let path = folders.root.join(NAME);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Writes a table between the marks of this name, and says whether that changed anything.
///
/// # Errors
///
/// If the marks are missing, or the file cannot be read or written.
pub(crate) fn write(folders: &Folders, mark: &str, table: &str) -> Result<bool> {
    let text = read(folders)?;
    let made = with_table(&text, mark, table)?;
    if made == text {
        return Ok(false);
    }
    elasticflow_sim::report::write_file(&folders.root.join(NAME), made.as_bytes())?;
    Ok(true)
}

fn with_table(text: &str, mark: &str, table: &str) -> Result<String> {
    let [begin, end] = ["begin", "end"].map(|side| format!("<!-- {mark}:{side} -->"));
    let (before, rest) = text.split_once(&begin).with_context(|| format!("{NAME} has no {begin}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("{NAME} has no {end}"))?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", table.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_between_its_marks() {
        let text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n";
        let made = with_table(text, "x", "new\n").unwrap();
        assert_eq!(made, "a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb\n");
        assert_eq!(
            with_table(text, "y", "new").unwrap_err().to_string(),
            "METHODOLOGY.md has no <!-- y:begin -->"
        );
    }
}
