//! `docs/add-a-scheduler.md`, followed to the letter.
//!
//! The page says what to do in sentences of four forms, each before a block of code: "Create
//! `FILE`:", "In `FILE`:" (a diff), "Add to the table under `HEADING` in `FILE`:" and "Run:". One
//! test applies all of these to the sources in memory. Another one, which `.ci/run` runs, builds a
//! copy of the sources with them and runs the tests that know all schedulers; that takes several
//! minutes of processor time, more than a test should.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "docs/add-a-scheduler.md";

/// The policies that the page adds.
const ADDED: [&str; 2] = ["longest-first", "least-laxity"];

/// The table of results that a command of the page writes.
const GOLDEN: &str = "tests/program/snapshots/program__golden__every_scheduler.snap";

/// The tests that the page must leave green: all that depend on which schedulers there are.
const GREEN: [&str; 2] = [
    "cargo test --test tidy",
    "cargo test --lib --bins --test program --test simulation scheduler:: words_and_answers every_scheduler \
     the_examples_of_the_contract_work separate:: wakes:: properties:: style::",
];

/// One thing that the page tells its reader to do.
#[derive(Debug, PartialEq)]
enum Step {
    Create { path: String, text: String },
    Edit { path: String, diff: String },
    AddRows { heading: String, path: String, rows: String },
    Run { commands: Vec<String> },
}

/// Returns the code spans of a text.
fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the step that the last sentence before a block asks for; `None` if it is no instruction.
fn step(paragraph: &str, block: &str) -> Option<Step> {
    let sentence = paragraph.strip_suffix(':')?;
    let sentence = sentence.rsplit(". ").next().unwrap_or(sentence);
    let block = block.to_owned();
    match (sentence.split(' ').next(), spans(sentence).as_slice()) {
        (Some("Create"), [path]) => Some(Step::Create { path: path.clone(), text: block }),
        (Some("In"), [path]) => Some(Step::Edit { path: path.clone(), diff: block }),
        (Some("Add"), [heading, path]) => {
            Some(Step::AddRows { heading: heading.clone(), path: path.clone(), rows: block })
        }
        (Some("Run"), []) => Some(Step::Run { commands: block.lines().map(str::to_owned).collect() }),
        _ => None,
    }
}

/// Returns the steps of a page, in order. Blocks of text and of Rust to be compiled are no steps;
/// every other block is.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut paragraph, mut lines) = (String::new(), page.lines());
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            let found = step(paragraph.trim(), &block);
            assert_eq!(found.is_none(), ["text", "rust"].contains(&kind), "after: {paragraph}");
            steps.extend(found);
            paragraph.clear();
        } else if !line.is_empty() {
            paragraph = format!("{paragraph} {line}");
        } else if !paragraph.ends_with(':') {
            paragraph.clear();
        }
    }
    steps
}

/// Returns a text after a diff without line numbers: its lines with a space in front must be there
/// once, one after the other; lines with a plus are added between them.
fn edited(text: &str, diff: &str) -> String {
    let lines = |marks: &str| -> String {
        let kept = diff.lines().filter(|line| line.starts_with(|mark| marks.contains(mark)));
        kept.flat_map(|line| ["\n", &line[1..]]).chain(["\n"]).collect()
    };
    assert!(diff.lines().all(|line| line.starts_with([' ', '+'])), "not a diff: {diff}");
    let (old, new) = (lines(" "), lines(" +"));
    assert_eq!(text.matches(&old).count(), 1, "the sources have changed; they should have, once:{old}");
    text.replacen(&old, &new, 1)
}

/// Returns a text with rows at the end of the first table under a heading.
fn with_rows(text: &str, heading: &str, rows: &str) -> String {
    let start = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let table = start + text[start..].find("\n|").expect("a table");
    let end = text[table..].find("\n\n").map_or(text.len(), |end| table + end + 1);
    format!("{}{rows}{}", &text[..end], &text[end..])
}

/// Applies the steps to the sources; returns the new texts of all files that they touch, and the
/// commands.
fn follow(steps: &[Step]) -> (BTreeMap<String, String>, Vec<String>) {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut commands = Vec::new();
    let text_of = |files: &BTreeMap<String, String>, path: &str| {
        files.get(path).cloned().unwrap_or_else(|| fs::read_to_string(path).expect(path))
    };
    for step in steps {
        match step {
            Step::Create { path, text } => {
                assert!(!Path::new(path).exists(), "{path} is there already");
                files.insert(path.clone(), text.clone());
            }
            Step::Edit { path, diff } => {
                let text = edited(&text_of(&files, path), diff);
                files.insert(path.clone(), text);
            }
            Step::AddRows { heading, path, rows } => {
                let text = with_rows(&text_of(&files, path), heading, rows);
                files.insert(path.clone(), text);
            }
            Step::Run { commands: more } => commands.extend(more.iter().cloned()),
        }
    }
    (files, commands)
}

fn page() -> Vec<Step> {
    steps(&fs::read_to_string(PAGE).expect(PAGE))
}

/// Every file to create is new, every edit fits the sources as they are, and every command names
/// tests that there are.
#[test]
fn the_tutorial_fits_the_sources() {
    let (files, commands) = follow(&page());
    for name in ADDED {
        let module = name.replace('-', "_");
        assert!(files[&format!("src/scheduler/{module}.rs")].contains(&format!("name: \"{name}\"")));
        assert!(files["src/scheduler/table.rs"].contains(&format!("super::{module}::ENTRY,")));
        assert!(files["README.md"].contains(&format!("\n| `{name}`")));
    }
    let tests = ["cli", "golden"].map(|module| {
        fs::read_to_string(format!("tests/program/{module}.rs")).expect("a module of these tests")
    });
    assert!(!commands.is_empty());
    for command in commands {
        let name = command.split(' ').next_back().expect("a command has words");
        assert!(tests.iter().any(|text| text.contains(&format!("fn {name}("))), "{command}: no test {name}");
    }
    assert!(Path::new(GOLDEN).exists());
}

#[test]
fn steps_are_read_and_edits_that_do_not_fit_are_refused() {
    let page = "Some words. In\n`a.rs`:\n\n```diff\n mod a;\n+mod b;\n```\n\nRun:\n\n```sh\nx y\n```\n\n```text\nz\n```\n";
    let diff = " mod a;\n+mod b;\n".to_owned();
    let expected = [
        Step::Edit { path: "a.rs".to_owned(), diff: diff.clone() },
        Step::Run { commands: vec!["x y".to_owned()] },
    ];
    assert_eq!(steps(page), expected);
    assert_eq!(edited("//\nmod a;\nmod c;\n", &diff), "//\nmod a;\nmod b;\nmod c;\n");
    assert!(std::panic::catch_unwind(|| edited("mod c;\n", " mod a;\n+mod b;\n")).is_err());
    assert_eq!(with_rows("\n## T\n\n|a|\n|b|\n\n|c|\n", "## T", "|x|\n"), "\n## T\n\n|a|\n|b|\n|x|\n\n|c|\n");
}

/// Copies a folder without what is built and without hidden files, which no test reads.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "target" {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}

/// Runs a command line as it stands on the page, variables in front.
fn run(line: &str, folder: &Path) {
    let mut words = line.split(' ').skip_while(|word| word.contains('='));
    assert_eq!(words.next(), Some("cargo"), "{line}");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    // What several names of tests mean on one line: those that have any of them.
    let (mut options, mut names) = (Vec::new(), Vec::new());
    let mut is_value = false;
    for word in words.skip(1) {
        let is_option = word.starts_with('-');
        if is_option || is_value {
            options.push(word)
        } else {
            names.push(word)
        }
        is_value = word == "--test";
    }
    // For all members at once, so that the library is built with one set of features.
    command.args(["test", "--workspace"]).args(options).arg("--").args(names);
    // Building is most of the work, and these tests do little else.
    command.envs([("CARGO_PROFILE_TEST_OPT_LEVEL", "1"), ("PROPTEST_CASES", "300")]);
    command.envs(line.split(' ').filter_map(|word| word.split_once('=')));
    // Dependencies are not built again; the copy's own crates are, in their place.
    let target = std::env::current_exe().expect("a test is a file");
    let target = target.ancestors().nth(3).expect("a test is in target/debug/deps");
    command.env("CARGO_TARGET_DIR", target).current_dir(folder);
    let output = command.output().expect("cargo starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{line}\n{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
#[ignore = "builds a copy of the program and its tests; .ci/run runs it"]
fn a_clone_is_green_after_the_tutorial() {
    let root = tempfile::tempdir().expect("a directory");
    let clone: PathBuf = root.path().join("clone");
    copy(Path::new(env!("CARGO_MANIFEST_DIR")), &clone);
    // Commands of other documents write below it.
    fs::create_dir(clone.join("target")).expect("a folder");
    let (files, mut commands) = follow(&page());
    for (path, text) in files {
        fs::write(clone.join(&path), text).expect(&path);
    }
    // The page says the same commands for each policy; with both of them, once is enough.
    commands.sort();
    commands.dedup();
    let before = fs::read_to_string(GOLDEN).expect(GOLDEN);
    commands.iter().for_each(|command| run(command, &clone));
    let after = fs::read_to_string(clone.join(GOLDEN)).expect(GOLDEN);
    let new: Vec<_> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    assert!(new.iter().all(|line| ADDED.iter().any(|name| line.contains(name))), "{new:?}");
    assert!(before.lines().all(|line| after.lines().any(|new| new == line)));
    GREEN.iter().for_each(|command| run(command, &clone));
}
