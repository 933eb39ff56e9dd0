//! No circle runs between files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::assert_nothing;
use crate::names::{Crate, Uses};
use crate::source::{File, sources};

/// Describes each circle: files that use each other, directly or through others, and the names
/// that tie them.
pub(crate) fn circles(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for folder in ["src/", "plot/src/"] {
        let files: Vec<&File> = files.iter().filter(|file| file.path.starts_with(folder)).collect();
        let read = Crate::new(folder, &files);
        let uses = read.uses();
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            uses.keys().map(|file| (*file, reachable(&uses, file))).collect();
        let mut seen = BTreeSet::new();
        for file in uses.keys().filter(|file| reached[*file].contains(*file)) {
            let ring: Vec<&str> =
                reached[file].iter().copied().filter(|other| reached[other].contains(file)).collect();
            if seen.insert(ring.clone()) {
                wrong.push(description(&uses, &ring));
            }
        }
    }
    wrong
}

/// The files that a file uses, and those that these use, and so on.
fn reachable<'u>(uses: &'u Uses<'_>, file: &str) -> BTreeSet<&'u str> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for used in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(used.as_str()) {
                open.push(used);
            }
        }
    }
    found
}

fn description(uses: &Uses<'_>, ring: &[&str]) -> String {
    let mut text = format!("a circle of {} files", ring.len());
    for file in ring {
        for (used, names) in uses[file].iter().filter(|(used, _)| ring.contains(&used.as_str())) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            write!(text, "\n    {file} uses {} of {used}", names.join(", ")).expect("a string takes all");
        }
    }
    text
}

#[test]
fn files_are_in_no_circle() {
    assert_nothing(&circles(&sources()));
}

/// The ties of the circles among some files, without the words between.
fn ties(files: &[(&str, &str)]) -> String {
    let files: Vec<_> = files.iter().map(|(path, text)| File::new(path, text)).collect();
    circles(&files).join(" + ").replace("a circle of ", "").replace("\n    ", "; ")
}

#[test]
fn circles_are_found() {
    let two = |first, second| ties(&[("src/a.rs", first), ("src/b.rs", second)]);
    assert_eq!(two("use crate::b::B; struct A;", "struct B;"), "");
    let circle = "2 files; src/a.rs uses B of src/b.rs; src/b.rs uses A of src/a.rs";
    assert_eq!(two("use crate::b::{self, B}; struct A;", "struct B; fn f(_: super::a::A) {}"), circle);
    assert_eq!(two("use super::b; struct A(b::B);", "use crate::a::A as C; struct B(C);"), circle);
    assert_eq!(two("struct A; // crate::b::B", "use crate::a::A; #[cfg(test)] mod tests {} struct B;"), "");
    assert_eq!(two("struct A; #[cfg(test)] mod t { use crate::b::B; }", "use crate::a::A; struct B;"), "");
    assert_eq!(two("struct A; #[serde(with = \"crate::b::f\")] x", "use crate::a::A; fn f() {}"), {
        "2 files; src/a.rs uses f of src/b.rs; src/b.rs uses A of src/a.rs"
    });
    let three = [
        ("plot/src/a.rs", "use crate::b::*; fn a() { b() }"),
        ("plot/src/b.rs", "pub(crate) fn b() { crate::c::c() }"),
        ("plot/src/c.rs", "pub(crate) fn c() { crate::a::a() }"),
    ];
    assert!(ties(&three).starts_with("3 files; plot/src/a.rs uses b of plot/src/b.rs"));
}

#[test]
fn a_parent_that_only_passes_on_is_in_no_circle() {
    let family = |parent, child| ties(&[("src/p.rs", parent), ("src/p/c.rs", child)]);
    assert_eq!(family("mod c; pub(crate) use c::C; struct P;", "use super::P; struct C(P);"), "");
    let circle = "2 files; src/p.rs uses C of src/p/c.rs; src/p/c.rs uses P of src/p.rs";
    assert_eq!(family("mod c; pub use c::C; struct P; fn f(_: C) {}", "use super::P; struct C(P);"), circle);
    assert_eq!(family("mod c; struct P; fn f() { c::C::new() }", "use super::P; struct C(P);"), circle);
    // Siblings that see each other through their parent's names.
    let siblings = [
        ("src/p.rs", "mod c; mod d; pub use c::C; pub use d::D;"),
        ("src/p/c.rs", "use super::D; struct C;"),
        ("src/p/d.rs", "use crate::p::C; struct D;"),
    ];
    assert_eq!(ties(&siblings), "2 files; src/p/c.rs uses D of src/p/d.rs; src/p/d.rs uses C of src/p/c.rs");
    // An inline module belongs to its file; fields and methods are no uses.
    assert_eq!(
        family("mod c; pub use c::c; mod i { struct P; } fn f() { x.c() }", "use super::i::P; fn c() {}"),
        ""
    );
}
