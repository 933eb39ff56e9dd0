//! The bytes of `jobs.csv`, as digests: for every scheduler, under both presets, on the shipped
//! traces and on those of the reference runs. Whatever is meant to change no result leaves these
//! tables as they are.
//!
//! The column `reason` is left out, since it is prose. `ELASTICFLOW_SIM_BLESS=1 cargo test --test
//! digests` writes the tables again.
//!
//! Pollux on the reference traces takes three times as long as all the rest together. A test of its
//! own does that, which `.ci/run` runs with the optimised program:
//! `ELASTICFLOW_SIM_PROGRAM=target/release/elasticflow-sim cargo test --test digests -- --ignored`.

#[path = "common/data.rs"]
mod data;
#[path = "common/stored.rs"]
mod stored;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// A short search, since its full effort takes minutes on these traces.
const BRIEF: [&str; 4] = ["--set", "pollux.population=6", "--set", "pollux.generations=4"];

/// The schedulers that have a preset `paper`; all others have the default alone.
const PAPER: &str =
    "elasticflow,elasticflow-no-admission,edf,edf-admission,gandiva,tiresias,themis,chronus,pollux";
const ALL: &str =
    "elasticflow,elasticflow-no-admission,edf,edf-admission,fifo,srtf,gandiva,tiresias,themis,chronus,pollux";

/// A trace on a cluster: its name in the table, its path, nodes × GPUs, the GPU type, the slot in
/// seconds.
struct Workplace {
    name: String,
    path: String,
    cluster: String,
    gpu: String,
    slot: u64,
}

/// SHA-256 of a `jobs.csv` without its column `reason`.
fn digest(path: &Path) -> String {
    let mut reader = csv::Reader::from_path(path).expect("jobs.csv is there");
    let reason =
        reader.headers().expect("a header").iter().position(|name| name == "reason").expect("a reason");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in reader.records() {
        let record = record.expect("a row");
        let cells = record.iter().enumerate().filter(|(column, _)| *column != reason).map(|(_, cell)| cell);
        writer.write_record(cells).expect("a row in memory");
    }
    let sum = Sha256::digest(writer.into_inner().expect("bytes in memory"));
    sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Simulates one row of a table and returns its line: the workplace, the preset, the scheduler and
/// the digest. A scheduler that cannot run it has the exit code in the place of the digest.
fn line(place: &Workplace, preset: &str, scheduler: &str) -> String {
    let out = tempfile::tempdir().expect("a directory");
    let to = out.path().join("run");
    let program = named_program().unwrap_or_else(|| env!("CARGO_BIN_EXE_elasticflow-sim").into());
    let mut command = Command::new(program);
    command.args(["run", "--trace", &place.path, "--cluster", &place.cluster, "--gpu", &place.gpu]);
    command.args(["--slot", &place.slot.to_string(), "--preset", preset, "--scheduler", scheduler]);
    if scheduler == "pollux" {
        command.args(BRIEF);
    }
    command.arg("--quiet").arg("--out").arg(&to).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().expect("the program starts");
    let digest = match output.status.code() {
        Some(0) => digest(&to.join("jobs.csv")),
        code => format!("exit {code:?}"),
    };
    format!("{},{digest}", key(place, preset, scheduler))
}

/// The columns of a line before its digest.
fn key(place: &Workplace, preset: &str, scheduler: &str) -> String {
    let Workplace { name, cluster, slot, .. } = place;
    format!("{name},{cluster},{slot},{preset},{scheduler}")
}

/// The program that is asked for in the place of the one that is built for tests.
fn named_program() -> Option<PathBuf> {
    let named = PathBuf::from(std::env::var_os("ELASTICFLOW_SIM_PROGRAM")?);
    assert!(named.is_file(), "ELASTICFLOW_SIM_PROGRAM: {} is not a program", named.display());
    Some(named)
}

fn is_blessing() -> bool {
    std::env::var_os("ELASTICFLOW_SIM_BLESS").is_some()
}

/// Holds the lines of some places against a stored table, or writes it. Rows of schedulers that are
/// not `checked` have to be in the table, and are not simulated.
fn check(table: &str, places: &[Workplace], checked: fn(&str) -> bool) {
    let path = Path::new("tests/digests").join(table);
    let stored = fs::read_to_string(&path).expect("the table is there");
    let presets = [("default", ALL), ("paper", PAPER)];
    let rows: Vec<_> = places
        .iter()
        .flat_map(|place| presets.map(|(preset, schedulers)| (place, preset, schedulers)))
        .flat_map(|(place, preset, all)| all.split(',').map(move |scheduler| (place, preset, scheduler)))
        .collect();
    let found: Vec<String> = rows
        .into_par_iter()
        .with_max_len(1)
        .map(|(place, preset, scheduler)| match checked(scheduler) || is_blessing() {
            true => line(place, preset, scheduler),
            false => stored_line(&stored, &key(place, preset, scheduler)),
        })
        .collect();
    let found = format!("trace,cluster,slot,preset,scheduler,digest\n{}\n", found.join("\n"));
    if is_blessing() {
        fs::write(&path, &found).expect("the table can be written");
        return;
    }
    let differ: Vec<_> = found.lines().zip(stored.lines()).filter(|(new, old)| new != old).collect();
    assert!(differ.is_empty() && found.lines().count() == stored.lines().count(), "{table}: {differ:#?}");
}

/// The line of a stored table that begins with these columns.
fn stored_line(stored: &str, key: &str) -> String {
    let line = stored.lines().find(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(',')));
    line.unwrap_or_else(|| panic!("no row for {key}")).to_owned()
}

#[test]
fn the_shipped_traces_give_the_stored_digests() {
    let mut names: Vec<String> = fs::read_dir("traces")
        .expect("the folder of traces")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".csv"))
        .collect();
    names.sort();
    let place = |name: String| Workplace {
        path: format!("traces/{name}"),
        name,
        cluster: "16x8".into(),
        gpu: "a100".into(),
        slot: 60,
    };
    check("shipped.csv", &names.into_iter().map(place).collect::<Vec<_>>(), |_| true);
}

/// The traces of the reference runs, each on the clusters of its runs.
fn reference_places(data: &Path) -> Vec<Workplace> {
    let mut places = BTreeMap::new();
    for run in stored::index(data) {
        let cluster = format!("{}x{}", run.nodes, run.gpus_per_node);
        let place = Workplace {
            name: run.trace.clone(),
            path: data.join(&run.trace).display().to_string(),
            cluster: cluster.clone(),
            gpu: run.gpu,
            slot: run.slot,
        };
        places.insert((run.trace, cluster, run.slot), place);
    }
    places.into_values().collect()
}

#[test]
fn the_reference_traces_give_the_stored_digests() {
    let Some(data) = data::data() else { return };
    check("reference.csv", &reference_places(&data), |scheduler| scheduler != "pollux");
}

#[test]
#[ignore = "takes minutes; .ci/run runs it with the optimised program"]
fn pollux_on_the_reference_traces_gives_the_stored_digests() {
    let Some(data) = data::data() else { return };
    // The test above writes all rows.
    if !is_blessing() {
        check("reference.csv", &reference_places(&data), |scheduler| scheduler == "pollux");
    }
}
