//! What documents refer to.

use std::path::{Component, Path};

use crate::assert_nothing;
use crate::source::{File, files, read, root};
use crate::structure::{scheduler_names, table};

/// The folder outside of the repository that documents may name: where the reference data is
/// looked for.
const DATA: &str = "../shared/data";

/// Pages that a reader of `docs/add-a-scheduler.md` writes.
pub(crate) const TO_BE_WRITTEN: [&str; 2] = ["longest-first.md", "least-laxity.md"];

/// Folders of a machine, which a document for every reader cannot name.
const MACHINE: [&str; 2] = ["/home/", "/Users/"];

fn documents() -> Vec<File> {
    let mut documents = files(&["docs"], &[".md"]);
    documents.extend(["ARCHITECTURE.md", "METHODOLOGY.md"].map(|path| File::new(path, &read(path))));
    documents
}

/// Lists the paths in documents that lead out of the repository, and the documents that they name
/// without there being one.
fn outside(documents: &[File], exists: fn(&Path) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in documents {
        let folder = Path::new(&file.path).parent().expect("a file is in a folder");
        for (number, line) in file.text.lines().enumerate() {
            let is_path = |c: char| c.is_alphanumeric() || "._-/~".contains(c);
            for path in line.split(|c| !is_path(c)).map(|path| path.trim_end_matches('.')) {
                let leaves = depth_at_least(&folder.join(path)) < 0 && !path.starts_with(DATA);
                let is_web = line.contains(&format!("//{}", path.trim_start_matches('/')));
                let machine = path.starts_with("~/") || MACHINE.iter().any(|start| path.starts_with(start));
                let is_written = TO_BE_WRITTEN.iter().all(|page| !path.ends_with(page));
                let document = path.ends_with(".md") && path != ".md" && !is_web && is_written;
                let missing = document && !exists(&folder.join(path)) && !exists(Path::new(path));
                if leaves || machine || missing {
                    wrong.push(format!("{}:{}: {path} is not in the repository", file.path, number + 1));
                }
            }
        }
    }
    wrong
}

/// The least depth below the root that a relative path reaches on its way.
fn depth_at_least(path: &Path) -> i32 {
    let (mut depth, mut least) = (0, 0);
    for part in path.components() {
        match part {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        least = least.min(depth);
    }
    least
}

#[test]
fn the_readme_lists_the_schedulers_there_are() {
    let listed: Vec<_> = table(&read("README.md"), "## Schedulers", 1).concat();
    assert_eq!(listed, scheduler_names());
}

#[test]
fn documents_stay_in_the_repository() {
    assert_nothing(&outside(&documents(), |path| root().join(path).is_file()));
}

#[test]
fn paths_that_lead_outside_are_found() {
    let found = |path: &str, text: &str| outside(&[File::new(path, text)], |path| path.ends_with("there.md"));
    let fine =
        "`../src/sim.rs`, [page](there.md), ../shared/data/itp, a/../b, https://x.org/y.md, so.. and ...";
    assert_eq!(found("docs/a.md", fine), [""; 0]);
    assert_eq!(found("a.md", "\nsee `../plan.txt`"), ["a.md:2: ../plan.txt is not in the repository"]);
    assert_eq!(found("docs/a.md", "../../x"), ["docs/a.md:1: ../../x is not in the repository"]);
    assert_eq!(found("a.md", "in /home/me/x."), ["a.md:1: /home/me/x is not in the repository"]);
    assert_eq!(found("a.md", "(see SPEC.md)."), ["a.md:1: SPEC.md is not in the repository"]);
}
