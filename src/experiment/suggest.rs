//! Suggestions for words that are not known.

/// Returns the known word that is most like `word`, if one is like it. A word with a digit is
/// the name of one thing: `h100` is no misspelling of `a100`, and `A-100` is one.
fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    if has_digit(word) {
        let same = |other: &&str| letters(other) == letters(word);
        return known.into_iter().find(same);
    }
    let near = known.into_iter().map(|other| (distance(word, other), other)).min()?;
    (near.0 <= 1 + word.len() / 3).then_some(near.1)
}

/// Returns a word in lower case, without what separates its parts.
fn letters(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns how many characters must be inserted, removed or replaced to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let cost = (corner + usize::from(from != *to)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// Returns `; did you mean ...?` with the known word that is most like `word`, or nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, known).map(|other| format!("; did you mean `{other}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_like_it_is_suggested() {
        let known = ["fifo", "srtf", "elasticflow"];
        assert_eq!(closest("fifp", known), Some("fifo"));
        assert_eq!(closest("elastic-flow", known), Some("elasticflow"));
        assert_eq!(closest("themis", known), None);
        let types = ["a100", "t4"];
        assert_eq!((closest("h100", types), closest("a10", types)), (None, None));
        assert_eq!(closest("A-100", types), Some("a100"));
        assert_eq!(did_you_mean("strf", ["srtf"]), "; did you mean `srtf`?");
    }
}
