//! The pages of `docs/`: one for each scheduler, an entry for each quirk, and links that lead
//! somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use elasticflow_sim::replica::{Quirks, Schedule};
use elasticflow_sim::scheduler::{self, Entry};

use crate::assert_nothing;
use crate::documents::TO_BE_WRITTEN;
use crate::source::{File, files, read, root};

/// Lists what the page of a scheduler lacks: its title, an alias, or an option with its default.
fn missing_on_page(page: &str, entry: &Entry) -> Vec<String> {
    let page = page.replace('`', "");
    let title = format!("# {}\n", entry.name);
    let aliases = entry.aliases.iter().map(|alias| (*alias).to_owned());
    let options = entry.options.iter().map(|option| format!("| {} | {} |", option.key, option.default));
    let parts = [title].into_iter().chain(aliases).chain(options).map(|part| part.replace('`', ""));
    let missing = parts.filter(|part| !page.contains(part.as_str()));
    missing.map(|part| format!("docs/policies/{}.md lacks `{}`", entry.name, part.trim())).collect()
}

/// Returns the entry of a quirk, from its heading to the next one; empty if there is none.
fn quirk_entry(page: &str, number: u32) -> &str {
    let rest = page.split_once(&format!("\n### Q{number}\n")).map_or("", |(_, rest)| rest);
    rest.split("\n#").next().unwrap_or_default()
}

/// Returns the numbers of the quirks that a text cites, as `Q13`.
fn cited_quirks(text: &str) -> BTreeSet<u32> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter_map(|word| word.strip_prefix('Q')?.parse().ok()).collect()
}

/// Lists the quirks that sources cite and the page does not describe, and the functions and
/// constants that the page names and the sources do not have.
fn quirks_off_the_page(page: &str, sources: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in sources {
        let unknown =
            cited_quirks(&file.text).into_iter().filter(|number| quirk_entry(page, *number).is_empty());
        wrong.extend(
            unknown.map(|number| format!("docs/quirks.md lacks Q{number}, which {} cites", file.path)),
        );
    }
    for named in page.split('`').skip(1).step_by(2) {
        let Some((path, item)) = named.split_once("::") else { continue };
        let source = sources.iter().find(|file| file.path == format!("src/{path}"));
        let source = source.map_or("", |file| &file.text);
        let is_defined = |start: &str| source.contains(&format!("{start}{item}"));
        if !["fn ", "const ", "    "].into_iter().any(is_defined) {
            wrong.push(format!("docs/quirks.md names {named}, which is not there"));
        }
    }
    wrong
}

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Resolves `.` and `..` of a path without looking at the disk.
fn resolve(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(resolved.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}

/// Lists the links of a document that lead to no file, or to no heading of one of the documents.
fn dead_links(documents: &[File], exists: fn(&Path) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in documents {
        let folder = Path::new(&file.path).parent().expect("a file is in a folder");
        let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { PathBuf::from(&file.path) } else { resolve(&folder.join(path)) };
            let document = documents.iter().find(|other| Path::new(&other.path) == path);
            let has_heading = |document: &File| {
                let headings = document.text.lines().filter(|line| line.starts_with('#'));
                headings.map(|line| anchor(line.trim_start_matches('#'))).any(|other| other == heading)
            };
            let is_dead = match document {
                Some(document) => !heading.is_empty() && !has_heading(document),
                None => !exists(&path),
            };
            if is_dead {
                wrong.push(format!("{} links to {target}, which is not there", file.path));
            }
        }
    }
    wrong
}

fn quirks_page() -> String {
    read("docs/quirks.md")
}

#[test]
fn every_scheduler_has_a_page() {
    let entries = scheduler::entries();
    let pages = entries.iter().map(|entry| (read(&format!("docs/policies/{}.md", entry.name)), entry));
    let mut wrong: Vec<_> = pages.flat_map(|(page, entry)| missing_on_page(&page, entry)).collect();
    let index = read("docs/README.md");
    let unlisted = entries.iter().filter(|entry| !index.contains(&format!("(policies/{}.md)", entry.name)));
    wrong.extend(unlisted.map(|entry| format!("docs/README.md lacks {}", entry.name)));
    assert_nothing(&wrong);
}

#[test]
fn every_quirk_that_the_sources_cite_is_described() {
    assert_nothing(&quirks_off_the_page(&quirks_page(), &files(&["src"], &[".rs"])));
}

#[test]
fn every_switch_is_described_with_its_schedules() {
    let page = quirks_page();
    for schedule in Schedule::ALL {
        for quirk in Quirks::of(schedule) {
            let entry = quirk_entry(&page, u32::from(quirk.number));
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
fn links_lead_somewhere() {
    let mut documents = files(&["docs", "traces", "configs"], &[".md"]);
    let at_the_top = ["README.md", "ARCHITECTURE.md", "METHODOLOGY.md", "CHANGELOG.md"];
    documents.extend(at_the_top.map(|path| File::new(path, &read(path))));
    let mut dead = dead_links(&documents, |path| root().join(path).exists());
    dead.retain(|link| !TO_BE_WRITTEN.iter().any(|page| link.contains(page)));
    assert_nothing(&dead);
}

#[test]
fn what_pages_lack_is_found() {
    let entry = scheduler::entry("themis").expect("a scheduler");
    assert_eq!(missing_on_page("# `themis`\n| `lease` | 600 s | x |\n", entry), [""; 0]);
    assert_eq!(
        missing_on_page("# `themis`\n| `lease` | 60 s |", entry),
        ["docs/policies/themis.md lacks `| lease | 600 s |`"]
    );

    assert_eq!(cited_quirks("Q1 (Q26), SEQ3, Q2b, _Q4 and Q13."), BTreeSet::from([1, 13, 26]));
    let sources = [File::new("src/replica/edf.rs", "/// A quirk (Q13).\nfn plan() {}\n")];
    let page = "\n### Q13\n\nEnacted by `replica/edf.rs::plan`.\n";
    assert_eq!(quirks_off_the_page(page, &sources), [""; 0]);
    assert_eq!(
        quirks_off_the_page("\n### Q1\n\n`replica/edf.rs::admit`", &sources),
        [
            "docs/quirks.md lacks Q13, which src/replica/edf.rs cites",
            "docs/quirks.md names replica/edf.rs::admit, which is not there"
        ]
    );
}

#[test]
fn dead_links_are_found() {
    let found = |text: &str| {
        dead_links(&[File::new("docs/a.md", text), File::new("b.md", "# Why `x` is")], |path| {
            path.ends_with("c.rs")
        })
    };
    assert_eq!(
        found("[b](../b.md) [why](../b.md#why-x-is) [c](../src/c.rs) [web](https://x.org/y)"),
        [""; 0]
    );
    assert_eq!(found("[b](b.md)"), ["docs/a.md links to b.md, which is not there"]);
    assert_eq!(found("[b](../b.md#how) "), ["docs/a.md links to ../b.md#how, which is not there"]);
    assert_eq!(found("[here](#why)"), ["docs/a.md links to #why, which is not there"]);
}
