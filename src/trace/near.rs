//! Column names that are almost those of a format: most likely misspelt.

use crate::trace::format::{Column, FORMATS, Format};

/// Returns the column of `format` that `name` is a misspelling of, with the spelling that it is
/// nearest to: one edit, a case or a separator away. `None` if it is the name of a column, in any
/// format.
///
/// `others` are the columns of the table. Where the column that is one edit away is among them, the
/// two are different columns, such as `num_cpu` and `num_gpu`.
pub(super) fn meant(
    name: &str,
    others: &[&str],
    format: &'static Format,
) -> Option<(&'static Column, &'static str)> {
    let is_known = |format: &&Format| format.columns.iter().any(|column| column.names.contains(&name));
    if FORMATS.iter().any(is_known) {
        return None;
    }
    let spellings = format.columns.iter().filter(|column| column.is_used());
    let mut spellings = spellings.flat_map(|column| column.names.iter().map(move |known| (column, *known)));
    spellings.find(|(column, known)| {
        let is_there = || column.names.iter().any(|known| others.contains(known));
        letters(name) == letters(known) || (is_one_edit(&letters(name), &letters(known)) && !is_there())
    })
}

/// Returns a name in lower case and without separators.
fn letters(name: &str) -> Vec<char> {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns whether one insertion, deletion or substitution of a character, or the exchange of two
/// neighbours, makes `b` of `a`.
fn is_one_edit(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short_rest, long_rest) = (&short[same..], &long[same..]);
    match long.len() - short.len() {
        0 => match (short_rest, long_rest) {
            ([], []) => false,
            ([x, y, rest @ ..], [v, w, other @ ..]) if (x, y) == (w, v) => rest == other,
            _ => short_rest[1..] == long_rest[1..],
        },
        1 => short_rest == &long_rest[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::FORMATS;

    fn nearest(name: &str) -> Option<&'static str> {
        meant(name, &[], FORMATS[0]).map(|(_, known)| known)
    }

    #[test]
    fn a_misspelt_name_is_found() {
        for (name, known) in [
            ("best-effort", "best_effort"),
            ("Duration", "duration"),
            ("durations", "duration"),
            ("duraton", "duration"),
            ("duratoin", "duration"),
            ("durasion", "duration"),
            ("bestEffort", "best_effort"),
            ("dll", "ddl"),
            ("batchsize", "batch_size"),
        ] {
            assert_eq!(nearest(name), Some(known), "{name}");
        }
    }

    #[test]
    fn another_name_is_none() {
        for name in ["duration", "deadline", "iterations", "user", "vc", "durationsx", "gpu_type", ""] {
            assert_eq!(nearest(name), None, "{name}");
        }
        assert!(meant("num_cpu", &["num_cpu"], FORMATS[0]).is_some());
        assert!(meant("num_cpu", &["num_cpu", "num_gpu"], FORMATS[0]).is_none());
        assert!(meant("Num-GPU", &["Num-GPU", "num_gpu"], FORMATS[0]).is_some());
    }
}
