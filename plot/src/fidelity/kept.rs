//! What the tables say already, of runs that take minutes.

use std::collections::BTreeMap;

use super::cell::Claim;
use super::{BEGIN, END};

/// By figure, case and scheduler: ours under the preset `paper`.
pub(super) struct Kept(BTreeMap<(String, String, String), Claim>);

impl Kept {
    /// Reads the tables between the marks; without marks there is nothing.
    pub(super) fn read(methodology: &str) -> Kept {
        let table =
            methodology.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map_or("", |it| it.0);
        let (mut figure, mut kept) = (String::new(), BTreeMap::new());
        for line in table.lines() {
            if let Some(number) = line.strip_prefix("**Figure ").and_then(|rest| rest.split('.').next()) {
                figure = number.to_owned();
            }
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, case, scheduler, _, _, paper, ..] = cells.as_slice() else { continue };
            if let Some(claim) = claim(paper) {
                kept.insert((figure.clone(), (*case).to_owned(), (*scheduler).to_owned()), claim);
            }
        }
        Kept(kept)
    }

    /// The value of a cell.
    pub(super) fn of(&self, figure: &str, case: &str, scheduler: &str) -> Option<Claim> {
        self.0.get(&(figure.to_owned(), case.to_owned(), scheduler.to_owned())).copied()
    }
}

/// `0.788 (0.701)`.
fn claim(text: &str) -> Option<Claim> {
    let (prints, strict) = text.split_once(' ')?;
    let strict = strict.strip_prefix('(')?.strip_suffix(')')?;
    Some(Claim { prints: prints.parse().ok()?, strict: Some(strict.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_from_the_tables() {
        let text = format!(
            "{BEGIN}\n\n**Figure 8b.** Clusters.\n\n| case | scheduler | paper | artifact | ours, `paper` | rest |\n|---|\n\
             | cluster01 | ElasticFlow | 0.788 | – | 0.779 (0.650) | 0.984 | +0.196 | A |\n\
             | cluster01 | EDF | 0.182 | – | – | 0.7 |\n{END}"
        );
        let kept = Kept::read(&text);
        let claim = Claim { prints: 0.779, strict: Some(0.65) };
        assert_eq!(kept.of("8b", "cluster01", "ElasticFlow"), Some(claim));
        assert_eq!(kept.of("8b", "cluster01", "EDF"), None);
        assert_eq!(kept.of("8a", "cluster01", "ElasticFlow"), None);
        assert_eq!(Kept::read("").of("8b", "cluster01", "ElasticFlow"), None);
    }
}
