//! What the pages in `docs/` say of every scheduler and of every quirk.

use std::collections::BTreeSet;

use elasticflow_sim::replica::{Quirks, Schedule};
use elasticflow_sim::scheduler;

use crate::assert_nothing;
use crate::source::{files, read};
use crate::structure::word;

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
    let missing: Vec<_> = pages.flat_map(|(page, entry)| missing_on_page(&page, entry)).collect();
    assert_nothing(&missing);
    let index = read("docs/README.md");
    let names = scheduler::entries().iter().map(|entry| entry.name.to_owned());
    let missing: Vec<_> = names.filter(|name| !index.contains(&format!("(policies/{name}.md)"))).collect();
    assert_nothing(&missing);
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
    let sources = files(&["src"], &[".rs"]).into_iter().map(|file| {
        let below = &file.path["src/".len()..file.path.len() - ".rs".len()];
        (below.to_owned(), file.text)
    });
    let sources: Vec<_> = sources.collect();
    assert_nothing(&quirks_off_the_page(&read("docs/quirks.md"), &sources));
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
