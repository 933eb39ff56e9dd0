//! Sweeps as their users meet them: killed and resumed, in shards and merged, with files that
//! change under them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rand::{RngExt, SeedableRng};

const GRID: &str = r#"
    trace = ["bursty-195.csv", "light-100.csv"]
    cluster = ["4x8", "16x8"]
    scheduler = ["elasticflow", "edf", "srtf", "gandiva", "tiresias"]
"#;

/// A folder with a grid and the traces that it names.
fn folder(grid: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for trace in ["bursty-195.csv", "light-100.csv", "mixed-200.csv"] {
        fs::copy(Path::new("traces").join(trace), root.path().join(trace)).expect("a trace");
    }
    fs::write(root.path().join("grid.toml"), grid).expect("a grid");
    root
}

fn sweep(root: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.current_dir(root).arg("sweep").args(words.split_whitespace());
    command.env_remove("ELASTICFLOW_SIM_LOG").stdin(Stdio::null());
    command
}

fn run(root: &Path, words: &str) -> Output {
    sweep(root, words).output().expect("the program starts")
}

fn fine(root: &Path, words: &str) -> String {
    let output = run(root, words);
    assert!(output.status.success(), "{words}: {}", errors(&output));
    errors(&output)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exit code and the message of a command that does not end well.
fn failed(root: &Path, words: &str) -> (Option<i32>, String) {
    let output = run(root, words);
    assert!(output.stdout.is_empty());
    (output.status.code(), errors(&output))
}

/// Every file below a directory with its bytes, and every directory; hidden ones, too.
fn tree(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    fn collect(root: &Path, folder: &Path, all: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
        for entry in fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below").to_owned();
            if path.is_dir() {
                all.push((name, None));
                collect(root, &path, all);
            } else {
                all.push((name, Some(fs::read(&path).expect("a file"))));
            }
        }
    }
    let mut all = Vec::new();
    collect(root, root, &mut all);
    all.sort();
    all
}

fn names(all: &[(PathBuf, Option<Vec<u8>>)]) -> Vec<&Path> {
    all.iter().map(|(name, _)| name.as_path()).collect()
}

/// How many sweeps are killed: a few each time, or as many as this variable says.
fn kills() -> u32 {
    std::env::var("ELASTICFLOW_SIM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[test]
fn a_killed_sweep_goes_on_and_ends_with_the_same_bytes() {
    let root = folder(GRID);
    let root = root.path();
    #[expect(clippy::disallowed_types, reason = "sweeps are killed within the time that one takes")]
    let begun = std::time::Instant::now();
    fine(root, "grid.toml --jobs 2 --out whole");
    let takes = begun.elapsed();
    let whole = tree(&root.join("whole"));
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let (mut killed, mut partial, mut some) = (0, 0, 0);
    for _ in 0..kills() {
        let moment = takes.mul_f64(random.random::<f64>()).max(Duration::from_micros(1));
        let words = "grid.toml --jobs 2 --quiet --out out --resume";
        let mut child = sweep(root, words).spawn().expect("a process");
        std::thread::sleep(moment);
        child.kill().expect("a signal");
        killed += u32::from(child.wait().expect("an end").code().is_none());
        if root.join("out").exists() {
            let left = tree(&root.join("out"));
            partial += u32::from(left.iter().any(|(name, _)| name.to_string_lossy().contains(".partial")));
            // What has its name is whole: the same bytes as in the sweep that nobody killed.
            // The lock of a killed process locks nothing, and goes with what is half done.
            let is_hidden = |name: &Path| name.iter().any(|part| part.to_string_lossy().starts_with('.'));
            let has_name = |name: &Path| !is_hidden(name) && name.starts_with("points");
            for (name, bytes) in left.iter().filter(|(name, _)| has_name(name)) {
                assert!(whole.contains(&(name.clone(), bytes.clone())), "{}", name.display());
            }
            let points =
                left.iter().filter(|(name, _)| has_name(name) && name.components().count() == 2).count();
            some += u32::from((1..20).contains(&points));
        }
        // Every other one is killed again on its way, before it comes to its end.
        if random.random() {
            let mut child = sweep(root, words).spawn().expect("a process");
            std::thread::sleep(takes.mul_f64(random.random::<f64>() / 2.0));
            child.kill().expect("a signal");
            child.wait().expect("an end");
        }
        fine(root, words);
        let out = tree(&root.join("out"));
        assert_eq!(names(&out), names(&whole));
        assert!(out == whole, "the bytes differ");
        fs::remove_dir_all(root.join("out")).expect("a directory");
    }
    println!(
        "{killed} of {} killed before their end, {some} with some points done, {partial} with something half done",
        kills()
    );
}

#[test]
fn resuming_runs_only_what_is_missing() {
    let root = folder(GRID);
    let root = root.path();
    assert!(fine(root, "grid.toml --out out").contains("20 points run; the table is out/results.csv"));
    let whole = tree(&root.join("out"));
    assert!(fine(root, "grid.toml --out out --resume").contains("0 points run, 20 were there"));
    // A lost point, one that the disk has spoiled, and what a killed sweep leaves.
    let mut points: Vec<_> = fs::read_dir(root.join("out/points")).expect("points").collect();
    let mut point = || points.pop().expect("a point").expect("an entry").path();
    fs::remove_dir_all(point()).expect("a directory");
    fs::write(point().join("jobs.csv"), "").expect("a file");
    fs::write(point().join("summary.json"), "{").expect("a file");
    fs::create_dir(root.join("out/points/.a.b.partial")).expect("a directory");
    fs::write(root.join("out/.c.partial"), "").expect("a file");
    assert!(fine(root, "grid.toml --out out --resume").contains("3 points run, 17 were there"));
    assert!(tree(&root.join("out")) == whole);
    // Whatever file the disk lost or changed, the point is run again; what somebody put there is no
    // business of ours.
    let points: Vec<_> = fs::read_dir(root.join("out/points")).expect("points").collect();
    let points: Vec<_> = points.into_iter().map(|entry| entry.expect("an entry").path()).collect();
    let mut files: Vec<_> = whole.iter().filter_map(|(name, _)| name.file_name()).collect();
    files.retain(|name| points[0].join(name).is_file());
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 6);
    for (file, place) in files.iter().zip(&points) {
        fs::write(place.join(file), "").expect("a file");
    }
    for (file, place) in files.iter().zip(&points[6..]) {
        fs::remove_file(place.join(file)).expect("a file");
    }
    let changed = points[12].join("summary.json");
    let summary = fs::read_to_string(&changed).expect("a file").replace("\"plans\": ", "\"plans\": 1");
    fs::write(changed, summary).expect("a file");
    fs::write(points[13].join("notes.txt"), "").expect("a file");
    assert!(fine(root, "grid.toml --out out --resume").contains("13 points run, 7 were there"));
    fs::remove_file(points[13].join("notes.txt")).expect("a file");
    assert!(tree(&root.join("out")) == whole);
}

/// Writes down what the files of a point are, as if it had been so.
fn seal(point: &Path) {
    let line = |path: PathBuf| {
        let sum = elasticflow_sim::report::sha256(&fs::read(&path).expect("a file"));
        format!("{sum}  {}\n", path.file_name().expect("a name").to_string_lossy())
    };
    let files = fs::read_dir(point).expect("a point").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| !path.ends_with("SHA256SUMS")).collect();
    files.sort();
    let text: String = files.into_iter().map(line).collect();
    fs::write(point.join("SHA256SUMS"), text).expect("a file");
}

#[test]
fn a_changed_input_or_grid_is_noticed() {
    let root = folder(GRID);
    let root = root.path();
    fine(root, "grid.toml --out out");
    // One trace of the two is another now: its ten points run again, the others stay.
    fs::copy(root.join("mixed-200.csv"), root.join("light-100.csv")).expect("a trace");
    let said = fine(root, "grid.toml --out out --resume");
    assert!(said.contains("10 points run, 10 were there"), "{said}");
    assert!(
        said.contains("out: 10 directories of points that are not, or no longer, in this grid"),
        "{said}"
    );
    // A wider grid: only what is new is run, though every point has another number.
    fs::write(root.join("grid.toml"), format!("slot = [60, 300]\n{GRID}")).expect("a grid");
    assert!(fine(root, "grid.toml --out out --resume").contains("20 points run, 20 were there"));
    fine(root, "grid.toml --out fresh");
    let results = |out: &str| fs::read(root.join(out).join("results.csv")).expect("a table");
    assert_eq!(results("out"), results("fresh"));
}

#[test]
fn threads_and_shards_change_nothing() {
    let root = folder(GRID);
    let root = root.path();
    fine(root, "grid.toml --jobs 1 --out one");
    fine(root, "grid.toml --jobs 4 --out four");
    let whole = tree(&root.join("one"));
    assert!(whole == tree(&root.join("four")));
    for shard in 1..=3 {
        fine(root, &format!("grid.toml --shard {shard}/3 --out shard-{shard}"));
    }
    // In any order; a shard may be there twice.
    fine(root, "merge shard-3 shard-1 shard-2 shard-1 --out merged");
    assert!(whole == tree(&root.join("merged")));
    // Without a directory, the same table but for where the points are.
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a text");
    let rows = text(fs::read(root.join("one/results.csv")).expect("a table"));
    let rows: Vec<_> =
        rows.lines().map(|line| line.rsplit_once(',').expect("columns").0.to_owned()).collect();
    assert_eq!(text(run(root, "grid.toml").stdout).lines().collect::<Vec<_>>(), rows);
    assert_eq!(rows.len(), 21);
}

#[test]
fn a_merge_refuses_gaps_and_conflicts() {
    let root = folder(GRID);
    let root = root.path();
    fine(root, "grid.toml --shard 1/2 --out a");
    fine(root, "grid.toml --shard 2/2 --out b");
    let before = tree(root);
    let (code, said) = failed(root, "merge a --out merged");
    assert_eq!(code, Some(2));
    let first =
        "error: no directory holds point 2 (trace=bursty-195.csv, cluster=4x8, scheduler=edf), point 4 ";
    assert!(said.starts_with(first), "{said}");
    assert!(said.ends_with("; run the shards that lack them again with --resume\n"), "{said}");
    assert_eq!(tree(root), before);
    let (code, said) = failed(root, "merge a b --out a");
    assert_eq!(
        (code, said.as_str()),
        (Some(2), "error: a: is not empty; give a directory that is new or empty\n")
    );
    let (_, said) = failed(root, "merge a none --out merged");
    assert!(
        said.starts_with("error: none: is not a sweep's directory: sweep.json cannot be read: "),
        "{said}"
    );
    // The same point with other bytes. Each is whole by itself, so that only a comparison tells.
    let point =
        fs::read_dir(root.join("a/points")).expect("points").next().expect("a point").expect("an entry");
    let copied = root.join("b/points").join(point.file_name());
    fs::create_dir(&copied).expect("a directory");
    for entry in fs::read_dir(point.path()).expect("a point") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copied.join(entry.file_name())).expect("a file");
    }
    fine(root, "merge a b --out fine");
    // What is not whole is taken from where it is whole.
    fs::write(copied.join("timeline.csv"), "").expect("a file");
    fine(root, "merge a b --out from-a");
    assert!(tree(&root.join("from-a")) == tree(&root.join("fine")));
    seal(&copied);
    let (code, said) = failed(root, "merge a b --out merged");
    assert!(code == Some(2) && said.contains(" hold different results of point "), "{said}");
    // Another build of the program.
    let path = root.join("b/sweep.json");
    let manifest = fs::read_to_string(&path).expect("a file");
    let (before, rest) = manifest.split_once("\"build\": \"").expect("a build");
    let (build, after) = rest.split_once('"').expect("its end");
    assert!(build.len() == 64 && build.bytes().all(|byte| byte.is_ascii_hexdigit()), "{build}");
    fs::write(&path, format!("{before}\"build\": \"other\"{after}")).expect("a file");
    let (code, said) = failed(root, "merge a b --out merged");
    assert!(
        code == Some(2) && said.starts_with("error: a and b are of different builds of version "),
        "{said}"
    );
    fs::write(&path, manifest).expect("a file");
    // Another grid, and other files.
    fs::write(root.join("other.toml"), GRID.replace("4x8", "2x8")).expect("a grid");
    fine(root, "other.toml --shard 2/2 --out c");
    let (_, said) = failed(root, "merge a c --out merged");
    assert!(said.starts_with("error: point 1 (trace=bursty-195.csv, cluster=4x8, scheduler=elasticflow) has cluster=4x8 in a, but cluster=2x8 in c; "), "{said}");
    // What differs may be the same for every point of a grid, or be said in one of them only.
    for (name, slot) in [("f", 60), ("g", 300)] {
        fs::write(root.join("other.toml"), format!("slot = {slot}\n{GRID}")).expect("a grid");
        fine(root, &format!("other.toml --shard 2/2 --out {name}"));
    }
    let (_, said) = failed(root, "merge f g --out merged");
    assert!(said.contains(" has slot=60 in f, but slot=300 in g; run all shards with one"), "{said}");
    let (_, said) = failed(root, "merge a g --out merged");
    assert!(said.starts_with("error: the grid of g states `slot`, that of a does not; "), "{said}");
    fs::copy(root.join("mixed-200.csv"), root.join("light-100.csv")).expect("a trace");
    fine(root, "grid.toml --shard 2/2 --out d");
    let (_, said) = failed(root, "merge a d --out merged");
    assert!(said.starts_with("error: point 11 (trace=light-100.csv, cluster=4x8, scheduler=elasticflow) is of other files in a than in d"), "{said}");
    fs::write(root.join("other.toml"), GRID.replace("\"4x8\", ", "")).expect("a grid");
    fine(root, "other.toml --shard 2/2 --out e");
    let (_, said) = failed(root, "merge a e --out merged");
    assert!(said.starts_with("error: the grid of a has 20 points, that of e has 10; "), "{said}");
    assert!(!root.join("merged").exists());
}

#[test]
fn what_is_no_sweeps_is_left_alone() {
    let root = folder(GRID);
    let root = root.path();
    fs::create_dir(root.join("mine")).expect("a directory");
    fs::write(root.join("mine/notes.txt"), "mine").expect("a file");
    let before = tree(root);
    for (words, why) in [
        (
            "grid.toml --out mine",
            "error: mine: exists but is not a sweep's directory; give one that is new, empty, or an earlier sweep's",
        ),
        ("grid.toml --out mine --resume", "error: mine: exists but is not a sweep's directory"),
        ("grid.toml --out grid.toml", "error: grid.toml: is not a directory"),
        ("none.toml --out x", "error: none.toml: does not exist; check the path"),
        (
            "grid.toml --shard 0/2",
            "error: invalid value '0/2' for '--shard <I/N>': shards are numbered from 1",
        ),
        ("grid.toml --resume", "error: the following required arguments were not provided"),
        ("", "error: the following required arguments were not provided"),
    ] {
        let (code, said) = failed(root, words);
        assert_eq!(code, Some(2), "{words}");
        assert!(said.starts_with(why), "{words}: {said}");
    }
    assert_eq!(tree(root), before);
    fine(root, "grid.toml --out out");
    let (code, said) = failed(root, "grid.toml --out out");
    let why = "error: out: already holds a sweep; go on with it by --resume, or give another directory\n";
    assert_eq!((code, said.as_str()), (Some(2), why));
    // Nothing is run, and nothing is left, if the last point is wrong.
    fs::write(root.join("bad.toml"), GRID.replace("\"16x8\"", "\"16x8\", \"3x7\"")).expect("a grid");
    let (code, said) = failed(root, "bad.toml --out new");
    assert!(
        code == Some(2) && said.starts_with("error: bad.toml: point 11 (trace=bursty-195.csv, cluster=3x7"),
        "{said}"
    );
    assert!(!root.join("new").exists());
}

/// Twenty times a month of jobs: nobody is done before the signal comes.
#[cfg(unix)]
fn long(root: &Path) {
    let seeds = (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let output = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"))
        .args(["trace", "generate", "--jobs", "20000", "--mean-interarrival", "60", "--out"])
        .arg(root.join("long.csv"))
        .output()
        .expect("a trace");
    assert!(output.status.success());
    let grid = format!("trace = 'long.csv'\nscheduler = 'elasticflow'\nseed = [{seeds}]\n");
    fs::write(root.join("long.toml"), grid).expect("a grid");
}

/// Waits until something half done lies in `folder`.
#[cfg(unix)]
fn half_done(folder: &Path) {
    let is_partial = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".partial"))
    };
    while !fs::read_dir(folder).is_ok_and(|mut entries| entries.any(is_partial)) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_done() {
    let root = folder(GRID);
    let root = root.path();
    long(root);
    let before = tree(root);
    let program = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
        command.current_dir(root).args(words.split_whitespace()).stderr(Stdio::null());
        command.spawn().expect("a process")
    };
    for (words, folder, name, code) in [
        ("run --trace long.csv --scheduler elasticflow --out new/out", "new", "-INT", 130),
        ("compare --trace long.csv --schedulers edf,elasticflow --out new/out", "new/out", "-TERM", 143),
    ] {
        let mut child = program(words);
        half_done(&root.join(folder));
        signal(&child, name);
        assert_eq!(child.wait().expect("an end").code(), Some(code), "{words}");
        assert_eq!(names(&tree(root)), names(&before), "{words}");
    }
    // Of a sweep, what is done stays.
    let mut child = program("sweep long.toml --jobs 2 --out out");
    half_done(&root.join("out/points"));
    // Only one may write to a directory.
    let (code, said) = failed(root, "long.toml --out out --resume");
    let why =
        "error: out: is being written to by another sweep; wait for it, or give each its own directory\n";
    assert_eq!((code, said.as_str()), (Some(2), why));
    signal(&child, "-INT");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    let left = tree(&root.join("out"));
    assert!(
        names(&left).iter().all(|name| !name.to_string_lossy().contains(".partial")),
        "{:?}",
        names(&left)
    );
    assert!(names(&left).contains(&Path::new("sweep.json")));
}
