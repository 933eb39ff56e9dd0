//! The house rules, kept: what ARCHITECTURE.md states, and what every source file holds to.
//!
//! Each check is a function over sources that returns what is wrong; beside it stands a test that
//! shows it something wrong.
//!
//! `cargo test --test tidy -- --nocapture figures` prints how large files and functions are.

mod circles;
mod documents;
mod functions;
mod lines;
mod names;
mod pages;
mod source;
mod structure;
mod tokens;
mod words;

/// Fails with one line for each thing that is wrong.
fn assert_nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
