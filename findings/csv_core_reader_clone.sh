#!/bin/sh
# A cloned `csv_core::Reader` does not read like the reader it was cloned from.
#
# Seen with csv-core 0.1.13 (crates.io), on two lines of valid CSV. Expected: a clone of a reader
# that was just built reads the same records. Seen: the clone ends a record after the first byte.
# Nothing is reported as wrong. Its `Clone` copies the table of transitions, but not the classes of
# bytes by which that table is entered. A program that reads several files must build a reader for
# each.
#
# Needs cargo. Fails if the behaviour changes.
set -eu

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/src"
cat >"$root/Cargo.toml" <<'TOML'
[package]
name = "csv-core-reader-clone"
version = "0.0.0"
edition = "2021"

[dependencies]
csv-core = "=0.1.13"
TOML
cat >"$root/src/main.rs" <<'RUST'
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

fn first_record(reader: &mut Reader) -> String {
    let (mut text, mut ends) = ([0; 64], [0; 8]);
    let (result, read, _, fields) = reader.read_record(b"job,gpus\nj1,8\n", &mut text, &mut ends);
    let is_record = matches!(result, ReadRecordResult::Record);
    format!("a record: {is_record}, bytes read: {read}, fields: {fields}")
}

fn main() {
    let mut built = ReaderBuilder::new().build();
    let mut cloned = built.clone();
    println!("built: {}", first_record(&mut built));
    println!("cloned: {}", first_record(&mut cloned));
}
RUST
seen=$(cd "$root" && CARGO_TARGET_DIR="$root/target" cargo run --quiet)
expected='built: a record: true, bytes read: 9, fields: 2
cloned: a record: true, bytes read: 1, fields: 1'
echo "csv-core 0.1.13"
echo "$seen"
if [ "$seen" != "$expected" ]; then
    echo "the behaviour has changed" >&2
    exit 1
fi
