//! Words that comments and strings do without.

use crate::assert_nothing;
use crate::source::{File, files};
use crate::tokens::{Kind, tokens};

/// Jobs, nodes, policies and code are "it"; these words are for people.
const PEOPLE: [&str; 5] = ["who", "whom", "nobody", "everybody", "he"];

/// Where such a word is right: the file, the word, and why.
const ALLOWED: [(&str, &str, &str); 0] = [];

/// Lists the words for people in comments and strings.
fn people(files: &[File], allowed: &[(&str, &str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let prose =
            tokens(&file.text).into_iter().filter(|token| [Kind::Comment, Kind::Text].contains(&token.kind));
        for token in prose {
            for (offset, line) in token.text.lines().enumerate() {
                let words = line.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase);
                let words = words.filter(|word| PEOPLE.contains(&word.as_str()));
                for word in
                    words.filter(|word| allowed.iter().all(|(path, w, _)| (*path, *w) != (&file.path, word)))
                {
                    wrong.push(format!("{}:{}: {word}", file.path, token.line + offset));
                }
            }
        }
    }
    wrong
}

#[test]
fn things_are_no_people() {
    assert_nothing(&people(&files(&["src", "plot/src"], &[".rs"]), &ALLOWED));
}

#[test]
fn words_for_people_are_found() {
    let found = |text: &str| people(&[File::new("a.rs", text)], &[("a.rs", "whom", "an example")]);
    assert_eq!(found("// the whole\nlet he = \"shebang\"; // for whom"), [""; 0]);
    assert_eq!(found("\n/// A job\n/// Who waits.\nf(\"a\nhe.\")"), ["a.rs:3: who", "a.rs:5: he"]);
}
