//! The structure that ARCHITECTURE.md states: layers, registration, and what only some modules may
//! do.
//!
//! The table of layers is read from ARCHITECTURE.md, so that the text cannot differ from what is
//! checked.

use std::collections::BTreeMap;

use elasticflow_sim::{placement, scheduler};

use crate::assert_nothing;
use crate::names::{Crate, Uses};
use crate::source::{File, files, read, sources};

/// Of `src/scheduler/`, what belongs to the trait; the rest are policies and what they share.
const TRAIT: [&str; 5] = ["options", "oracle", "plan", "table", "view"];

/// What policies see besides the trait: everything else they know is a method of `View`.
const POLICIES_USE: [&str; 5] = ["units", "job", "workload", "cluster", "goodput"];

/// A source file: its path below `src/` without the extension, its lines without comments and
/// tests.
struct Source {
    path: String,
    code: String,
    /// Whether unit tests, if there are any, are the last item: what follows them is not looked at.
    tests_last: bool,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let (code, tests) = text.split_once("\n#[cfg(test)]\n").unwrap_or((text, "mod tests;"));
        let starts_item = |line: &&str| line.starts_with(|c: char| c.is_alphabetic() || c == '#');
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        Source {
            path: path.to_owned(),
            code: code.flat_map(|line| [line, "\n"]).collect(),
            tests_last: tests.starts_with("mod tests") && tests.lines().filter(starts_item).count() == 1,
        }
    }

    /// The top module it belongs to.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or(&self.path)
    }

    fn is_policy(&self) -> bool {
        self.path.strip_prefix("scheduler/").is_some_and(|name| !TRAIT.contains(&name))
    }

    /// The top modules that it names as `crate::…`.
    fn uses(&self) -> Vec<String> {
        self.named("crate::")
    }

    /// What it names directly below `root`.
    fn named(&self, root: &str) -> Vec<String> {
        let mut uses = Vec::new();
        for (at, _) in self.code.match_indices(root) {
            let rest = &self.code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(list) => uses.extend(group(list)),
                None => uses.push(word(rest)),
            }
        }
        uses
    }

    /// Whether `token` occurs as a word of its own.
    fn has(&self, token: &str) -> bool {
        self.code.match_indices(token).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    }
}

pub(crate) fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of a `{…}` list's items, whose opening brace is gone.
fn group(text: &str) -> Vec<String> {
    let (mut depth, mut item, mut items) = (1, String::new(), Vec::new());
    for c in text.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || (depth == 1 && c == ',') {
            items.push(word(item.trim()));
            item.clear();
        } else {
            item.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    items.retain(|name| !name.is_empty());
    items
}

/// Every source file but those that hold nothing but tests.
fn modules() -> Vec<Source> {
    let files = sources().into_iter().filter(|file| file.path.starts_with("src/"));
    let below = |file: &File| file.path["src/".len()..file.path.len() - ".rs".len()].to_owned();
    files.map(|file| Source::new(&below(&file), &file.text)).collect()
}

/// The code spans of the first column of the table under a heading; for the layers, of the second
/// column.
pub(crate) fn table(text: &str, heading: &str, column: usize) -> Vec<Vec<String>> {
    let section = text.split(heading).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let spans = |line: &str| {
        let cell = line.split('|').nth(column).unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    rows.map(spans).filter(|spans| !spans.is_empty()).collect()
}

fn layers() -> Vec<Vec<String>> {
    table(&read("ARCHITECTURE.md"), "## Layers", 2)
}

/// A module uses only modules of the rows above its own, or to the left of it.
fn against_the_layers(sources: &[Source], layers: &[Vec<String>]) -> Vec<String> {
    let order: Vec<&String> = layers.iter().flatten().collect();
    let place = |module: &str| order.iter().position(|name| *name == module);
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|s| !["main", "lib"].contains(&s.path.as_str())) {
        let module = source.module();
        let Some(own) = place(module) else {
            wrong.push(format!("{module} is in no layer of ARCHITECTURE.md"));
            continue;
        };
        for used in source.uses().iter().filter(|used| *used != module) {
            if source.is_policy() && !POLICIES_USE.contains(&used.as_str()) {
                wrong.push(format!("{} is a policy and uses {used}", source.path));
            } else if place(used).is_none_or(|other| other > own) {
                wrong.push(format!("{} uses {used}, which is not below it", source.path));
            }
        }
        if !source.path.contains('/') && source.has("super::") {
            wrong.push(format!("{} says super:: for crate::", source.path));
        }
    }
    wrong
}

/// The simulation names no policy and no placer; it is handed one.
fn names_in_the_simulation(sources: &[Source], names: &[&str]) -> Vec<String> {
    let simulation = sources.iter().filter(|source| source.module() == "sim");
    let pairs = simulation.flat_map(|source| names.iter().map(move |name| (source, name)));
    let named = pairs.filter(|(source, name)| {
        let variable = name.replace('-', "_");
        source.code.contains(&format!("\"{name}\"")) || source.has(&format!("{variable}::"))
    });
    named.map(|(source, name)| format!("{} names {name}", source.path)).collect()
}

/// What only some modules may do, and what none may.
fn forbidden(sources: &[Source]) -> Vec<String> {
    let files = ["trace", "config", "report", "experiment", "sweep", "cli"];
    let rules: [(&str, &[&str]); 10] = [
        ("fs::", &files),
        ("File::", &files),
        ("env::", &["cli"]),
        ("Instant::", &["cli"]),
        ("SystemTime::", &["cli"]),
        ("println!", &[]),
        ("eprintln!", &[]),
        ("todo!", &[]),
        ("RefCell", &[]),
        ("unwrap()", &[]),
    ];
    let mut wrong = Vec::new();
    for source in sources {
        for (token, allowed) in rules {
            if source.has(token) && !allowed.contains(&source.module()) {
                wrong.push(format!("{} has {token}", source.path));
            }
        }
        if !source.tests_last {
            wrong.push(format!("{} has something after its tests", source.path));
        }
    }
    wrong
}

/// Every file of a folder with an `ENTRY` is in the table of entries, under the name that the entry
/// has.
fn unregistered(sources: &[Source], folder: &str, names: &[&str]) -> Vec<String> {
    let prefix = format!("{folder}/");
    let is_table = |source: &&Source| source.path == folder || source.path == format!("{folder}/table");
    let table: String = sources.iter().filter(is_table).map(|source| source.code.as_str()).collect();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|s| s.path.starts_with(&prefix) && s.has("const ENTRY")) {
        let stem = &source.path[prefix.len()..];
        let name = source.code.split("name: \"").nth(1).and_then(|rest| rest.split('"').next());
        if !table.contains(&format!("{stem}::ENTRY")) || name.is_none_or(|name| !names.contains(&name)) {
            wrong.push(format!("{} is not in the table of entries", source.path));
        }
    }
    wrong
}

/// The file of a policy and all that it uses of `src/scheduler/`, the trait's files left out.
fn with_what_it_uses<'f>(files: &'f [File], uses: &Uses<'_>, policy: &str) -> Vec<&'f File> {
    let is_shared = |file: &&File| {
        let name = file.path.strip_prefix("src/scheduler/").and_then(|name| name.strip_suffix(".rs"));
        name.is_some_and(|name| !TRAIT.contains(&name))
    };
    let mut open = vec![format!("src/scheduler/{}.rs", policy.replace('-', "_"))];
    let mut found: BTreeMap<&str, &File> = BTreeMap::new();
    while let Some(path) = open.pop() {
        let file = files.iter().filter(is_shared).find(|file| file.path == path);
        if let Some(file) = file.filter(|file| !found.contains_key(file.path.as_str())) {
            found.insert(&file.path, file);
            open.extend(uses.get(path.as_str()).into_iter().flat_map(|used| used.keys().cloned()));
        }
    }
    found.into_values().collect()
}

/// Exactly the policies that say so ask the oracle, by themselves or in what they share with
/// others.
fn secret_oracles(files: &[File], knows: &[(&str, &str)]) -> Vec<String> {
    let read = Crate::new("src/", &files.iter().collect::<Vec<_>>());
    let uses = read.uses();
    let mut wrong = Vec::new();
    for (name, knows) in knows {
        let files = with_what_it_uses(files, &uses, name);
        if files.is_empty() {
            wrong.push(format!("{name} has no file of its name"));
        }
        let asks = files.iter().any(|file| asks_the_oracle(file));
        if asks && !knows.contains("oracle") {
            wrong.push(format!("{name} asks the oracle and does not say so"));
        }
        if !asks && knows.contains("oracle") {
            wrong.push(format!("{name} says that it asks the oracle and does not"));
        }
    }
    wrong
}

fn asks_the_oracle(file: &File) -> bool {
    file.code().windows(3).any(|tokens| tokens[0].is(".") && tokens[1].is("oracle") && tokens[2].is("("))
}

/// Every name and alias, in the order of the table of entries.
pub(crate) fn scheduler_names() -> Vec<&'static str> {
    scheduler::entries().iter().flat_map(|e| [e.name].into_iter().chain(e.aliases.iter().copied())).collect()
}

#[test]
fn every_module_uses_only_what_is_below_it() {
    assert_nothing(&against_the_layers(&modules(), &layers()));
}

#[test]
fn the_simulation_names_no_policy() {
    let mut names = scheduler_names();
    names.extend(placement::entries().iter().map(|entry| entry.name));
    assert_nothing(&names_in_the_simulation(&modules(), &names));
}

#[test]
fn files_clocks_and_prints_are_where_they_belong() {
    assert_nothing(&forbidden(&modules()));
}

#[test]
fn every_policy_and_placer_is_registered() {
    let policies: Vec<_> = scheduler::entries().iter().map(|entry| entry.name).collect();
    assert_nothing(&unregistered(&modules(), "scheduler", &policies));
    let placers: Vec<_> = placement::entries().iter().map(|entry| entry.name).collect();
    assert_nothing(&unregistered(&modules(), "placement", &placers));
}

#[test]
fn policies_that_ask_the_oracle_say_so() {
    let knows: Vec<_> = scheduler::entries().iter().map(|entry| (entry.name, entry.knows)).collect();
    assert_nothing(&secret_oracles(&files(&["src"], &[".rs"]), &knows));
    // The check looks at something.
    assert!(knows.iter().any(|(_, knows)| knows.contains("oracle")));
}

#[test]
fn names_are_unique() {
    let mut names = scheduler_names();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), scheduler_names().len());
}

#[test]
fn each_check_can_fail() {
    let layers =
        [vec!["units".to_owned()], vec!["job".to_owned(), "scheduler".to_owned()], vec!["sim".to_owned()]];
    let wrong = |path: &str, text: &str| against_the_layers(&[Source::new(path, text)], &layers);
    assert_eq!(wrong("sim", "use crate::units::Gpus; use crate::{job::{JobId, Class}, scheduler};"), [""; 0]);
    assert_eq!(wrong("units", "use crate::{units, job::JobId};"), ["units uses job, which is not below it"]);
    assert_eq!(
        wrong("job", "fn f(s: crate::scheduler::Plan) {}"),
        ["job uses scheduler, which is not below it"]
    );
    assert_eq!(wrong("job", "use super::units;"), ["job says super:: for crate::"]);
    assert_eq!(wrong("job", "// use crate::sim\n#[cfg(test)]\nmod tests { use super::*; }"), [""; 0]);
    assert_eq!(wrong("new", ""), ["new is in no layer of ARCHITECTURE.md"]);
    assert_eq!(
        wrong("scheduler/mine", "use crate::sim::Event;"),
        ["scheduler/mine is a policy and uses sim"]
    );
    assert_eq!(
        wrong("scheduler/view", "use crate::sim::Event;"),
        ["scheduler/view uses sim, which is not below it"]
    );

    let named = |text: &str| names_in_the_simulation(&[Source::new("sim/x", text)], &["edf", "first-fit"]);
    assert_eq!(named("let medfs = 1;"), [""; 0]);
    assert_eq!(named("if name == \"edf\" {}"), ["sim/x names edf"]);
    assert_eq!(named("first_fit::ENTRY"), ["sim/x names first-fit"]);

    let bad = |path: &str, text: &str| forbidden(&[Source::new(path, text)]);
    assert_eq!(bad("report", "use std::fs::File; File::open(x)"), [""; 0]);
    assert_eq!(bad("sim", "std::fs::read(x)"), ["sim has fs::"]);
    assert_eq!(bad("sim", "configs::read(x); env!(\"A\")"), [""; 0]);
    assert_eq!(bad("report", "std::env::var(x)"), ["report has env::"]);
    assert_eq!(bad("cli", "x.unwrap()"), ["cli has unwrap()"]);
    assert_eq!(bad("cli", "\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n"), [""; 0]);
    assert_eq!(bad("cli", "\n#[cfg(test)]\nmod tests {}\nfn f() {}"), ["cli has something after its tests"]);

    let file = Source::new("scheduler/mine", "const ENTRY: Entry = Entry { name: \"mine\" };");
    let table = |text| [Source::new("scheduler", text), Source::new(&file.path, &file.code)];
    assert_eq!(unregistered(&table("&[mine::ENTRY]"), "scheduler", &["mine"]), [""; 0]);
    let lacking = ["scheduler/mine is not in the table of entries"];
    assert_eq!(unregistered(&table("&[]"), "scheduler", &["mine"]), lacking);
    assert_eq!(unregistered(&table("&[mine::ENTRY]"), "scheduler", &["yours"]), lacking);

    let sources = [
        File::new("src/scheduler.rs", "mod mine; mod shared; mod yours; mod oracle; mod view;"),
        File::new(
            "src/scheduler/mine.rs",
            "use super::shared::Ladder; fn f(view: View) { view.oracle; Ladder::new(view) }",
        ),
        File::new("src/scheduler/shared.rs", "struct Ladder; fn f(view: &View) { view.oracle().jobs(); }"),
        File::new("src/scheduler/yours.rs", "use super::oracle::Oracle; // view.oracle()"),
        File::new("src/scheduler/oracle.rs", "struct Oracle; fn f() { view.oracle() }"),
    ];
    let secret = |mine, yours| secret_oracles(&sources, &[("mine", mine), ("yours", yours)]);
    assert_eq!(secret("oracle: lengths", "sizes"), [""; 0]);
    assert_eq!(secret("sizes", "sizes"), ["mine asks the oracle and does not say so"]);
    assert_eq!(
        secret("oracle: lengths", "oracle: lengths"),
        ["yours says that it asks the oracle and does not"]
    );
    assert_eq!(secret_oracles(&sources, &[("ours", "")]), ["ours has no file of its name"]);
}
