use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::cluster::Shape;
use crate::metrics::Metrics;
use crate::metrics::Spread;
use crate::record::Observer;
use crate::units::Gpus;

fn summary() -> Summary {
    let spread = Some(Spread { mean: 1.5, p50: 1.0, p90: 2.0, p99: 2.0, max: 2.0 });
    let rows = Metrics::of(&[], &Default::default(), Gpus::ONE, None);
    let metrics = Metrics {
        dsr: Some(0.5),
        admit_ratio: Some(0.5),
        planned_dsr: Some(0.5),
        soft_value: Some(0.5),
        dsr_gpu_hours: Some(0.5),
        jct: spread,
        best_effort_jct: spread,
        queue_delay: spread,
        tardiness: spread,
        makespan: Some(3600.0),
        gpu_utilization: Some(0.5),
        cluster_efficiency: Some(0.5),
        ..rows
    };
    Summary {
        scheduler: "fifo".into(),
        preset: "default".into(),
        options: serde_json::json!({}),
        trace: "t.csv".into(),
        cluster: (&Shape::default()).into(),
        profiles: "a100".into(),
        overhead: "none".into(),
        placer: "buddy".into(),
        slot: 60.0,
        seed: 0,
        drawn: Some("deadlines".into()),
        trace_seed: 0,
        until: Some(1.0),
        digest: sha256(b""),
        metrics,
        bound: Some(3),
        bound_gap: Some(1),
        short_hours: Some(0.5),
        no_bound: None,
        artifact_accepted: Some(1),
        artifact_declined: Some(1),
    }
}

fn leaves(prefix: &str, value: &serde_json::Value, into: &mut Vec<(String, bool)>) {
    match value {
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                leaves(&format!("{prefix}.{key}"), value, into);
            }
        }
        value => into.push((prefix[1..].to_owned(), value.is_number())),
    }
}

/// The flat keys are those of the summary, and those of numbers are known to be numbers.
#[test]
fn the_columns_are_the_keys() {
    let mut keys = Vec::new();
    leaves("", &serde_json::to_value(summary()).unwrap(), &mut keys);
    let mut columns: Vec<_> = CSV_COLUMNS.map(|key| (key.to_owned(), is_number(key))).to_vec();
    keys.sort();
    columns.sort();
    assert_eq!(columns, keys);
    // The text has the keys in the order of the columns.
    let text = summary().to_json();
    let top: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    let mut expected: Vec<_> = CSV_COLUMNS.iter().filter_map(|key| key.split('.').next()).collect();
    expected.dedup();
    assert_eq!(top, expected);
}

#[test]
fn numbers_are_found_by_their_key() {
    assert_eq!(summary().number("jct.p90"), Some(2.0));
    assert_eq!(summary().number("cluster.nodes"), Some(16.0));
    assert_eq!(
        Summary { metrics: Metrics { jct: None, ..summary().metrics }, ..summary() }.number("jct.p90"),
        None
    );
    assert_eq!(summary().number("scheduler"), None);
    let mixed = ClusterSummary::from(&Shape::new(vec![Gpus::new(8), Gpus::new(4)]).unwrap());
    assert_eq!((mixed.nodes, mixed.gpus_per_node), (2, serde_json::json!([8, 4])));
}

#[test]
fn the_digest_is_that_of_sha256sum() {
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

fn begin(target: &Path) -> RunDirectory {
    RunDirectory::begin(&[target.to_owned()], false).unwrap().remove(0)
}

fn finish(mut directory: RunDirectory, mark: &str) -> StagedDirectory {
    drop(directory.observers().unwrap());
    let seeds = Seeds { seed: 0, trace_seed: 0 };
    let manifest = Manifest::new(vec![Setting::new("trace", Some(mark), &[])], seeds, vec![], vec![]);
    directory.finish(b"jobs", &summary(), &manifest, Some(&serde_json::json!({}))).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_directory_appears_whole_and_replaces_an_earlier_run() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("a/b");
    for mark in ["first", "second"] {
        let staged = finish(begin(&target), mark);
        assert_eq!(fs::read_to_string(target.join("run.json")).is_ok(), mark == "second");
        staged.publish().unwrap();
        assert!(fs::read_to_string(target.join("run.json")).unwrap().contains(mark));
    }
    assert_eq!(
        names(&target),
        [
            "SHA256SUMS",
            "allocations.csv",
            "jobs.csv",
            "run.json",
            "summary.json",
            "timeline.csv",
            "timing.json"
        ]
    );
    assert_eq!(names(&root.path().join("a")), ["b"]);
    assert_eq!(fs::read(target.join("jobs.csv")).unwrap(), b"jobs");
}

#[test]
fn what_is_not_published_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let targets: Vec<PathBuf> = ["x/y/fifo", "x/y/edf"].map(|name| root.path().join(name)).into();
    let all = RunDirectory::begin(&targets, true).unwrap();
    assert!(root.path().join("x/y").exists());
    drop(all);
    assert_eq!(names(root.path()), [""; 0]);
    // The second target cannot be created: the first leaves nothing either.
    fs::write(root.path().join("file"), "").unwrap();
    let targets = [root.path().join("new/fifo"), root.path().join("file/edf")];
    assert!(RunDirectory::begin(&targets, true).is_err());
    assert_eq!(names(root.path()), ["file"]);
}

#[test]
fn a_directory_can_be_discarded_from_outside() {
    let root = tempfile::tempdir().unwrap();
    let directory = begin(&root.path().join("x/y"));
    let undo = directory.undo();
    std::mem::forget(directory);
    undo.run();
    assert_eq!(names(root.path()), [""; 0]);
    // What has its final name stays.
    let directory = begin(&root.path().join("x/y"));
    let undo = directory.undo();
    finish(directory, "").publish().unwrap();
    undo.run();
    assert_eq!(names(&root.path().join("x")), ["y"]);
}

#[test]
fn other_directories_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let refused = |target: &Path| {
        let error = RunDirectory::begin(&[target.to_owned()], false).map(|_| ()).unwrap_err();
        error.to_string().replace(&root.path().display().to_string(), "")
    };
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(
        refused(&file),
        "/file: is not a directory; give one that is new, or that an earlier run wrote"
    );
    assert_eq!(refused(&file.join("x")), "/file/x: part of this path is a file; give a directory");
    let dir = root.path().join("dir");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("notes.txt"), "").unwrap();
    assert!(refused(&dir).contains("exists but is not a run directory"));
    fs::write(dir.join("run.json"), "").unwrap();
    assert!(refused(&dir).contains("also holds `notes.txt`, which would be lost"));
    fs::remove_file(dir.join("notes.txt")).unwrap();
    finish(begin(&dir), "").publish().unwrap();
    assert!(names(&dir).contains(&"summary.json".to_owned()));
}

/// An observer's last bytes are written when it is dropped, where it cannot return an error: the
/// directory returns it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let mut directory = begin(&target);
    directory.redirect_timeline(Path::new("/dev/full"));
    drop::<Vec<Box<dyn Observer + '_>>>(directory.observers().unwrap());
    let seeds = Seeds { seed: 0, trace_seed: 0 };
    let manifest = Manifest::new(vec![], seeds, vec![], vec![]);
    let failed = directory.finish(b"", &summary(), &manifest, Some(&serde_json::json!({}))).unwrap_err();
    assert!(failed.to_string().starts_with("/dev/full: cannot be written: "), "{failed}");
    assert_eq!(names(root.path()), [""; 0]);
}

#[test]
fn what_a_killed_process_left_goes_and_what_is_in_the_making_stays() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let left = ["b.aBc123", "b.xBc123", "b.aBc12", "c.b.aBc123"].map(|name| format!(".{name}.partial"));
    for name in &left {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("jobs.csv"), "").unwrap();
    }
    // Killed between the two renamings: the earlier run is in there.
    fs::create_dir(path(&left[1]).join("old")).unwrap();
    let first = begin(&path("b"));
    remove_leftovers(&path("b"));
    let stay = |name: &String| !path(name).exists();
    assert_eq!(left.each_ref().map(stay), [true, false, false, false]);
    // Two processes at a time: the second is refused, and does not remove what the first has.
    let refused = RunDirectory::begin(&[path("b")], false).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("is being written to by another run"), "{refused}");
    remove_leftovers(&path("b"));
    finish(first, "first").publish().unwrap();
    assert!(fs::read_to_string(path("b/run.json")).unwrap().contains("first"));
    assert_eq!(names(root.path()).len(), 4);
}
