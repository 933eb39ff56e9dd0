//! The bytes of `jobs.csv`, as digests: for every scheduler, under both presets, on the shipped traces and on those of the
//! reference runs. Whatever is meant to change no result leaves these tables as they are.
//!
//! The column `reason` is left out, since it is prose. `ELASTICFLOW_SIM_BLESS=1 cargo test --test digests` writes the
//! tables again.

#[path = "common/data.rs"]
mod data;
#[path = "common/stored.rs"]
mod stored;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// A short search, since its full effort takes minutes on these traces.
const BRIEF: [&str; 4] = ["--set", "pollux.population=6", "--set", "pollux.generations=4"];

/// The schedulers that have a preset `paper`; all others have the default alone.
const PAPER: &str =
    "elasticflow,elasticflow-no-admission,edf,edf-admission,gandiva,tiresias,themis,chronus,pollux";
const ALL: &str =
    "elasticflow,elasticflow-no-admission,edf,edf-admission,fifo,srtf,gandiva,tiresias,themis,chronus,pollux";

/// A trace on a cluster: its name in the table, its path, nodes × GPUs, the GPU type, the slot in seconds.
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

/// The lines of one trace: preset, scheduler, digest. A scheduler that cannot run it has the exit code in its place.
fn lines(place: &Workplace) -> String {
    let mut lines = String::new();
    for (preset, schedulers) in [("default", ALL), ("paper", PAPER)] {
        for scheduler in schedulers.split(',') {
            let out = tempfile::tempdir().expect("a directory");
            let to = out.path().join("run");
            let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
            command.args(["run", "--trace", &place.path, "--cluster", &place.cluster, "--gpu", &place.gpu]);
            command.args(["--slot", &place.slot.to_string(), "--preset", preset, "--scheduler", scheduler]);
            if scheduler == "pollux" {
                command.args(BRIEF);
            }
            command.arg("--quiet").arg("--out").arg(&to).stdin(Stdio::null());
            let output = command.output().expect("the program starts");
            let digest = match output.status.code() {
                Some(0) => digest(&to.join("jobs.csv")),
                code => format!("exit {code:?}"),
            };
            let Workplace { name, cluster, slot, .. } = place;
            lines += &format!("{name},{cluster},{slot},{preset},{scheduler},{digest}\n");
        }
    }
    lines
}

/// Holds the places' lines against a stored table, or writes it.
fn check(table: &str, places: &[Workplace]) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = places.len().div_ceil(threads).max(1);
    let parts: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = places
            .chunks(chunk)
            .map(|part| scope.spawn(|| part.iter().map(lines).collect::<String>()))
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).collect()
    });
    let found = format!("trace,cluster,slot,preset,scheduler,digest\n{}", parts.concat());
    let path = Path::new("tests/digests").join(table);
    if std::env::var_os("ELASTICFLOW_SIM_BLESS").is_some() {
        fs::write(&path, &found).expect("the table can be written");
    }
    let stored = fs::read_to_string(&path).expect("the table is there");
    let differ: Vec<_> = found.lines().zip(stored.lines()).filter(|(new, old)| new != old).collect();
    assert!(differ.is_empty() && found.lines().count() == stored.lines().count(), "{table}: {differ:#?}");
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
    check("shipped.csv", &names.into_iter().map(place).collect::<Vec<_>>());
}

#[test]
fn the_reference_traces_give_the_stored_digests() {
    let Some(data) = data::data() else { return };
    let mut places = BTreeMap::new();
    for run in stored::index(&data) {
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
    check("reference.csv", &places.into_values().collect::<Vec<_>>());
}
