//! The structure that ARCHITECTURE.md states, kept: layers, registration, and what only some
//! modules may do.
//!
//! The table of layers is read from ARCHITECTURE.md, so that the text cannot differ from what is
//! checked. Each check is a function over sources that gives back what is wrong; the last test
//! shows each of them something wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use elasticflow_sim::replica::{Quirks, Schedule};
use elasticflow_sim::{placement, scheduler};

/// The most lines of a source file, tests included.
const LINES: usize = 450;

/// Of `src/scheduler/`, what belongs to the trait; the rest are policies and what they share.
const TRAIT: [&str; 4] = ["options", "oracle", "plan", "view"];

/// What policies see besides the trait: everything else they know is a method of `View`.
const POLICIES_USE: [&str; 5] = ["units", "job", "workload", "cluster", "goodput"];

/// A source file: its path below `src/` without the extension, its lines without comments and
/// tests.
struct Source {
    path: String,
    lines: usize,
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
            lines: text.lines().count(),
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

fn word(text: &str) -> String {
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Every source file but those that hold nothing but tests.
fn sources() -> Vec<Source> {
    fn collect(folder: &Path, sources: &mut Vec<Source>) {
        let entries = fs::read_dir(folder).expect("a folder of sources");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                collect(&path, sources);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let below = path.strip_prefix(root().join("src")).expect("below src").with_extension("");
                let text = fs::read_to_string(&path).expect("a source");
                sources.push(Source::new(&below.display().to_string(), &text));
            }
        }
    }
    let mut sources = Vec::new();
    collect(&root().join("src"), &mut sources);
    sources
}

/// The code spans of the first column of the table under a heading; for the layers, of the second
/// column.
fn table(text: &str, heading: &str, column: usize) -> Vec<Vec<String>> {
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
        if source.lines > LINES {
            wrong.push(format!("{} has {} lines, more than {LINES}", source.path, source.lines));
        }
    }
    wrong
}

/// Every file of a folder with an `ENTRY` is in the table of entries, under the name that the entry
/// has.
fn unregistered(sources: &[Source], folder: &str, names: &[&str]) -> Vec<String> {
    let prefix = format!("{folder}/");
    let parent = sources.iter().find(|source| source.path == folder).map_or("", |source| &source.code);
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|s| s.path.starts_with(&prefix) && s.has("const ENTRY")) {
        let stem = &source.path[prefix.len()..];
        let name = source.code.split("name: \"").nth(1).and_then(|rest| rest.split('"').next());
        if !parent.contains(&format!("{stem}::ENTRY")) || name.is_none_or(|name| !names.contains(&name)) {
            wrong.push(format!("{} is not in the table of entries", source.path));
        }
    }
    wrong
}

/// A file below `src/scheduler/` and all that it uses there, the trait's files left out.
fn with_what_it_uses<'s>(sources: &'s [Source], path: &str) -> Vec<&'s Source> {
    let mut paths = vec![path.to_owned()];
    let mut found: Vec<&Source> = Vec::new();
    while let Some(path) = paths.pop() {
        let source = sources.iter().find(|source| source.path == path && source.is_policy());
        let Some(source) = source.filter(|new| found.iter().all(|old| old.path != new.path)) else {
            continue;
        };
        found.push(source);
        paths.extend(source.named("super::").iter().map(|name| format!("scheduler/{name}")));
    }
    found
}

/// Exactly the policies that say so ask the oracle, by themselves or in what they share with
/// others.
fn secret_oracles(sources: &[Source], knows: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, knows) in knows {
        let path = format!("scheduler/{}", name.replace('-', "_"));
        let asks = with_what_it_uses(sources, &path).iter().any(|source| source.code.contains(".oracle()"));
        if asks && !knows.contains("oracle") {
            wrong.push(format!("{name} asks the oracle and does not say so"));
        }
        if !asks && knows.contains("oracle") {
            wrong.push(format!("{name} says that it asks the oracle and does not"));
        }
    }
    wrong
}

/// Every name and alias, in the order of the table of entries.
fn scheduler_names() -> Vec<&'static str> {
    scheduler::entries().iter().flat_map(|e| [e.name].into_iter().chain(e.aliases.iter().copied())).collect()
}

fn nothing(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_uses_only_what_is_below_it() {
    nothing(against_the_layers(&sources(), &layers()));
}

#[test]
fn the_simulation_names_no_policy() {
    let mut names = scheduler_names();
    names.extend(placement::entries().iter().map(|entry| entry.name));
    nothing(names_in_the_simulation(&sources(), &names));
}

#[test]
fn files_clocks_and_prints_are_where_they_belong() {
    nothing(forbidden(&sources()));
}

#[test]
fn every_policy_and_placer_is_registered() {
    let policies: Vec<_> = scheduler::entries().iter().map(|entry| entry.name).collect();
    nothing(unregistered(&sources(), "scheduler", &policies));
    let placers: Vec<_> = placement::entries().iter().map(|entry| entry.name).collect();
    nothing(unregistered(&sources(), "placement", &placers));
}

#[test]
fn policies_that_ask_the_oracle_say_so() {
    let knows: Vec<_> = scheduler::entries().iter().map(|entry| (entry.name, entry.knows)).collect();
    let sources = sources();
    nothing(secret_oracles(&sources, &knows));
    // No policy has a file that this test does not find, and somebody does ask.
    assert!(knows.iter().all(|(name, _)| {
        !with_what_it_uses(&sources, &format!("scheduler/{}", name.replace('-', "_"))).is_empty()
    }));
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
fn the_readme_lists_the_schedulers_there_are() {
    let listed: Vec<_> = table(&read("README.md"), "## Schedulers", 1).concat();
    assert_eq!(listed, scheduler_names());
}

/// Lists what the page of a scheduler lacks: an alias, or an option with its default.
fn missing_on_page(page: &str, entry: &scheduler::Entry) -> Vec<String> {
    let page = page.replace('`', "");
    let options = entry.options.iter().map(|option| format!("| {} | {} |", option.key, option.default));
    let options = options.map(|row| row.replace('`', ""));
    let title = format!("# {}\n", entry.name);
    let parts =
        [title].into_iter().chain(entry.aliases.iter().map(|alias| (*alias).to_owned())).chain(options);
    parts
        .filter(|part| !page.contains(part.as_str()))
        .map(|part| format!("docs/policies/{}.md lacks `{part}`", entry.name))
        .collect()
}

#[test]
fn every_scheduler_has_a_page() {
    let pages =
        scheduler::entries().iter().map(|entry| (read(&format!("docs/policies/{}.md", entry.name)), entry));
    nothing(pages.flat_map(|(page, entry)| missing_on_page(&page, entry)).collect());
    let index = read("docs/README.md");
    let names = scheduler::entries().iter().map(|entry| entry.name);
    nothing(
        names.filter(|name| !index.contains(&format!("(policies/{name}.md)"))).map(str::to_owned).collect(),
    );
}

/// The numbers of the quirks that a text cites, as `Q13`.
fn cited_quirks(text: &str) -> BTreeSet<u32> {
    let starts = text.match_indices('Q').filter(|(at, _)| {
        !text[..*at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_')
    });
    let numbers = starts.map(|(at, _)| word(&text[at + 1..]));
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// Lists the quirks that sources cite and the page does not describe, and the functions and
/// constants that the page names and no source has.
fn quirks_off_the_page(page: &str, sources: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in sources {
        let cited = cited_quirks(text).into_iter();
        let unknown = cited.filter(|number| !page.contains(&format!("\n### Q{number}\n")));
        wrong.extend(
            unknown.map(|number| format!("{path} cites Q{number}, which docs/quirks.md does not describe")),
        );
    }
    for named in page.split('`').skip(1).step_by(2) {
        let Some((path, item)) = named.split_once(".rs::") else { continue };
        let source = sources.iter().find(|(other, _)| *other == path).map_or("", |(_, text)| text);
        let is_defined = |start: &str| source.contains(&format!("{start}{item}"));
        if !["fn ", "const ", "    "].into_iter().any(is_defined) {
            wrong.push(format!("docs/quirks.md names {named}, which is not there"));
        }
    }
    wrong
}

#[test]
fn every_quirk_that_the_sources_cite_is_described() {
    let sources: Vec<_> = sources()
        .into_iter()
        .map(|source| {
            let text = read(&format!("src/{}.rs", source.path));
            (source.path, text)
        })
        .collect();
    nothing(quirks_off_the_page(&read("docs/quirks.md"), &sources));
}

#[test]
fn every_switch_is_described_with_its_schedules() {
    let page = read("docs/quirks.md");
    for schedule in Schedule::ALL {
        for quirk in Quirks::of(schedule) {
            let entry = page.split(&format!("\n### Q{}\n", quirk.number)).nth(1).unwrap_or_default();
            let entry = entry.split("\n#").next().unwrap_or_default();
            assert!(entry.contains(&format!("`{quirk}`")), "docs/quirks.md lacks the switch {quirk}");
            assert!(
                entry.contains(&format!("`{}`", schedule.as_str())),
                "{quirk} lacks {}",
                schedule.as_str()
            );
        }
    }
}

#[test]
fn missing_pages_and_quirks_are_found() {
    let entry = scheduler::entry("themis").unwrap();
    assert_eq!(missing_on_page("# `themis`\n| `lease` | 600 s | x |\n", entry), [""; 0]);
    assert_eq!(
        missing_on_page("# `themis`\n| `lease` | 60 s |", entry),
        ["docs/policies/themis.md lacks `| lease | 600 s |`"]
    );

    assert_eq!(cited_quirks("Q1 (Q26), SEQ3, Q2b, _Q4 and Q13."), BTreeSet::from([1, 13, 26]));
    let source = [("replica/edf".to_owned(), "/// A quirk (Q13).\nfn plan() {}\n".to_owned())];
    let page = "\n### Q13\n\nEnacted by `replica/edf.rs::plan`.\n";
    assert_eq!(quirks_off_the_page(page, &source), [""; 0]);
    assert_eq!(
        quirks_off_the_page("\n### Q1\n\n`replica/edf.rs::admit`", &source),
        [
            "replica/edf cites Q13, which docs/quirks.md does not describe",
            "docs/quirks.md names replica/edf.rs::admit, which is not there"
        ]
    );
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
    assert_eq!(bad("cli", &"\n".repeat(451)), ["cli has 451 lines, more than 450"]);

    let file = Source::new("scheduler/mine", "const ENTRY: Entry = Entry { name: \"mine\" };");
    let table = |text| [Source::new("scheduler", text), Source::new(&file.path, &file.code)];
    assert_eq!(unregistered(&table("&[mine::ENTRY]"), "scheduler", &["mine"]), [""; 0]);
    let lacking = ["scheduler/mine is not in the table of entries"];
    assert_eq!(unregistered(&table("&[]"), "scheduler", &["mine"]), lacking);
    assert_eq!(unregistered(&table("&[mine::ENTRY]"), "scheduler", &["yours"]), lacking);

    let policy = |path: &str, text: &str| Source::new(path, text);
    let sources = [
        policy("scheduler/mine", "use super::shared::Ladder; use super::{Entry, View};"),
        policy("scheduler/shared", "use super::{Plan, View}; fn f(view: &View) { view.oracle().jobs(); }"),
        policy("scheduler/yours", "use super::View;"),
        policy("scheduler/oracle", "view.oracle()"),
    ];
    let secret = |mine, yours| secret_oracles(&sources, &[("mine", mine), ("yours", yours)]);
    assert_eq!(secret("oracle: lengths", "sizes"), [""; 0]);
    assert_eq!(secret("sizes", "sizes"), ["mine asks the oracle and does not say so"]);
    assert_eq!(
        secret("oracle: lengths", "oracle: lengths"),
        ["yours says that it asks the oracle and does not"]
    );
}
