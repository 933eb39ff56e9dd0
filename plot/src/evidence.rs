//! The generated tables of `docs/evidence/` that commands of this package write: a page for each
//! name, and on it the table between two marks.

use anyhow::{Context, Result};

use crate::inputs::Folders;

/// The page of a table, from the root of the repository.
pub(crate) fn page(name: &str) -> String {
    format!("docs/evidence/{name}.md")
}

/// Reads the whole page of a table.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn read(folders: &Folders, name: &str) -> Result<String> {
    let path = folders.root.join(page(name));
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Writes a table onto its page, and returns whether that changed anything.
///
/// # Errors
///
/// If the marks are missing, or the page cannot be read or written.
pub(crate) fn write(folders: &Folders, name: &str, table: &str) -> Result<bool> {
    let text = read(folders, name)?;
    let data = with_table(&text, name, table)?;
    if data == text {
        return Ok(false);
    }
    elasticflow_sim::report::write_file(&folders.root.join(page(name)), data.as_bytes())?;
    Ok(true)
}

/// Returns the page with this table in place of the one between its marks.
fn with_table(text: &str, name: &str, table: &str) -> Result<String> {
    let [begin, end] = ["begin", "end"].map(|side| format!("<!-- {name}:{side} -->"));
    let (before, rest) = text.split_once(&begin).with_context(|| format!("{} has no {begin}", page(name)))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("{} has no {end}", page(name)))?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", table.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_between_its_marks() {
        let text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n";
        let data = with_table(text, "x", "new\n").unwrap();
        assert_eq!(data, "a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb\n");
        assert_eq!(
            with_table(text, "y", "new").unwrap_err().to_string(),
            "docs/evidence/y.md has no <!-- y:begin -->"
        );
    }
}
