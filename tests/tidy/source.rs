//! The files that are checked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tokens::{self, Token};

/// A file: its path from the root of the repository, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository; `ELASTICFLOW_SIM_TIDY` names another one, to compare its figures.
pub(crate) fn root() -> PathBuf {
    std::env::var_os("ELASTICFLOW_SIM_TIDY").map_or(env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// Every file below some folders whose name ends in one of these ways, in order of its path.
pub(crate) fn files(folders: &[&str], endings: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    paths.retain(|path| endings.iter().any(|ending| path.ends_with(ending)));
    paths.into_iter().map(|path| File { text: read(&path), path }).collect()
}

fn collect(folder: &Path, paths: &mut Vec<String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    for path in found {
        if path.is_dir() {
            collect(&path, paths);
        } else {
            let below = path.strip_prefix(root()).expect("a path below the root");
            paths.push(below.to_str().expect("a path in UTF-8").to_owned());
        }
    }
}

/// The sources of the two programs, the files that hold nothing but tests left out.
pub(crate) fn sources() -> Vec<File> {
    let mut files = files(&["src", "plot/src"], &[".rs"]);
    files.retain(|file| !file.path.ends_with("tests.rs"));
    files
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// Its code without comments, strings kept, and without what only tests see.
    pub(crate) fn code(&self) -> Vec<Token> {
        tokens::code(&tokens::tokens(&self.text))
    }
}
