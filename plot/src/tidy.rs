//! The structure of this package: no circle between files, and no long line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The most columns of a line of comment.
const COMMENT_COLUMNS: usize = 100;

/// The most lines of a file.
const LINES: usize = 450;

/// A file: its module path below `crate::`, such as `fidelity::cell`, and its text.
struct SourceFile {
    module: String,
    text: String,
}

impl SourceFile {
    /// Returns the modules below `crate::` or beside the file that its code uses, without tests.
    fn uses(&self, known: &BTreeSet<&str>) -> BTreeSet<String> {
        let code = self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        let parent = self.module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let own = |module: &&&str| **module != self.module;
        let is_used = |module: &&&str| {
            let name = module.rsplit("::").next().unwrap_or_default();
            let is_child = module.strip_suffix(name) == Some(&format!("{}::", self.module));
            let is_sibling = !parent.is_empty() && module.strip_suffix(name) == Some(&format!("{parent}::"));
            code.contains(&format!("crate::{module}::"))
                || is_child && code.contains(&format!("use {name}::"))
                || is_sibling && code.contains(&format!("super::{name}::"))
        };
        known.iter().filter(own).filter(is_used).map(|module| (*module).to_owned()).collect()
    }
}

/// Reads every file of the package; `main` is the module of the program.
fn read_sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).unwrap().with_extension("");
            let module = below.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "::");
            sources.push(SourceFile { module, text: fs::read_to_string(path).unwrap() });
        }
    }
    sources
}

/// Returns the files that are left when files that use none of the others are taken away, one
/// after the other: those of circles, and those that use them.
fn find_circles(sources: &[SourceFile]) -> BTreeMap<String, BTreeSet<String>> {
    let known: BTreeSet<&str> = sources.iter().map(|source| source.module.as_str()).collect();
    let mut left: BTreeMap<String, BTreeSet<String>> =
        sources.iter().map(|source| (source.module.clone(), source.uses(&known))).collect();
    while let Some((free, _)) = left.iter().find(|(_, uses)| uses.is_empty()) {
        let free = free.clone();
        left.remove(&free);
        left.values_mut().for_each(|uses| {
            uses.remove(&free);
        });
    }
    left
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    assert_eq!(find_circles(&read_sources()), BTreeMap::new());
}

#[test]
fn circles_are_found() {
    let source = |module: &str, text: &str| SourceFile { module: module.to_owned(), text: text.to_owned() };
    let sources = [
        source("bars", "use crate::page::Page;"),
        source("page", "use crate::bars::Direction;"),
        source("svg", "fn draw() {}"),
    ];
    let circle: Vec<String> = find_circles(&sources).into_keys().collect();
    assert_eq!(circle, ["bars", "page"]);
    assert_eq!(find_circles(&sources[1..]), BTreeMap::new());
}

#[test]
fn comments_and_files_are_short() {
    for source in read_sources() {
        assert!(source.text.lines().count() <= LINES, "{} has more than {LINES} lines", source.module);
        for line in source.text.lines().filter(|line| line.trim_start().starts_with("//")) {
            let columns = line.chars().count();
            assert!(columns <= COMMENT_COLUMNS, "{}: {columns} columns: {line}", source.module);
        }
    }
}
