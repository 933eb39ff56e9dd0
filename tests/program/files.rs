//! Files that are written: none replaces an input or what is not meant, two writers of one name do
//! not both succeed, and a name stands for something whole or for nothing.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The options of a short run in a folder that [`folder`] makes.
const MICRO: &str = "--trace micro.csv --profiles speeds.toml --cluster cluster.toml --quiet";

/// A folder with the inputs of a short run.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for name in ["micro.csv", "speeds.toml"] {
        fs::copy(Path::new("tests/cmd/data").join(name), root.path().join(name)).expect("an input");
    }
    fs::write(root.path().join("cluster.toml"), "nodes = 2\ngpus_per_node = 4\n").expect("a cluster");
    root
}

fn command(root: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.current_dir(root).args(words.split_whitespace()).env_remove("ELASTICFLOW_SIM_LOG");
    command.stdin(Stdio::null());
    command
}

fn run(root: &Path, words: &str) -> Output {
    command(root, words).output().expect("the program starts")
}

fn fine(root: &Path, words: &str) -> String {
    let output = run(root, words);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Checks that words are refused with exit code 2 and a message that has `part` in it, and that
/// nothing below `root` changes.
fn refused(root: &Path, words: &str, part: &str) {
    let before = tree(root);
    let output = run(root, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}: {errors}");
    assert!(errors.contains(part), "{words}: {errors}");
    assert_eq!(tree(root), before, "{words}");
}

/// Every path below a directory, hidden ones too, with the bytes of the files.
fn tree(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).expect("a directory") {
        let path = entry.expect("an entry").path();
        let bytes = if path.is_dir() { Vec::new() } else { fs::read(&path).expect("a file") };
        all.push((path.display().to_string(), bytes));
        if path.is_dir() {
            all.extend(tree(&path));
        }
    }
    all.sort();
    all
}

/// Every option that names an output, with every input of its command.
#[test]
fn no_output_replaces_an_input() {
    let root = folder();
    let root = root.path();
    fine(root, &format!("compare {MICRO} --schedulers edf,fifo --out runs"));
    let read = "is read by this command";
    for input in ["micro.csv", "./speeds.toml", "cluster.toml"] {
        refused(root, &format!("run {MICRO} --scheduler edf --trace-events {input}"), read);
        refused(root, &format!("run {MICRO} --scheduler edf --force --trace-events {input}"), read);
    }
    refused(root, "trace convert micro.csv --profiles speeds.toml --force --out micro.csv", read);
    refused(root, "trace convert micro.csv --profiles speeds.toml --force --out ./speeds.toml", read);
    refused(root, "trace generate --profiles speeds.toml --force --out speeds.toml", read);
    refused(root, "report runs/edf --force --html runs/edf/jobs.csv", read);
    refused(root, "report runs/edf --html runs/edf/page.html", "lies in what is read by this command");
    refused(root, "report runs/edf --force --html runs/fifo/../edf/page.html", "lies in what is read");
    refused(root, &format!("compare {MICRO} --schedulers edf --against runs/edf --out runs"), read);
    let trace = "--profiles speeds.toml --cluster 2x4 --scheduler edf --out runs/edf";
    refused(root, &format!("run --trace runs/edf/jobs.csv {trace}"), "holds what is read by this command");
    let events = "--trace-events new/events.json --out new";
    refused(root, &format!("run {MICRO} --scheduler edf {events}"), "lies in the directory of --out");
    // Of two schedulers one may be compared with what stays.
    fine(root, &format!("compare {MICRO} --schedulers fifo --against runs/edf --out runs"));
}

#[cfg(unix)]
#[test]
fn an_input_is_known_by_its_other_names() {
    let root = folder();
    let root = root.path();
    fine(root, &format!("run {MICRO} --scheduler edf --out run"));
    std::os::unix::fs::symlink("micro.csv", root.join("soft.csv")).expect("a link");
    std::os::unix::fs::symlink("run", root.join("link")).expect("a link");
    fs::hard_link(root.join("micro.csv"), root.join("hard.csv")).expect("a link");
    fs::hard_link(root.join("run/jobs.csv"), root.join("jobs.csv")).expect("a link");
    for name in ["soft.csv", "hard.csv"] {
        refused(root, &format!("run {MICRO} --scheduler edf --force --trace-events {name}"), "is read by");
        refused(
            root,
            &format!("trace convert micro.csv --profiles speeds.toml --force --out {name}"),
            "is read by",
        );
        refused(
            root,
            &format!("trace convert {name} --profiles speeds.toml --force --out micro.csv"),
            "is read by",
        );
    }
    refused(root, "report run --force --html jobs.csv", "is read by");
    refused(root, "report link --force --html run/page.html", "lies in what is read by");
    refused(root, "report run --force --html link/page.html", "lies in what is read by");
}

#[test]
fn an_existing_file_is_replaced_only_when_forced() {
    let root = folder();
    let root = root.path();
    fine(root, &format!("run {MICRO} --scheduler edf --out run"));
    for words in [
        format!("run {MICRO} --scheduler edf --trace-events mine.txt"),
        "report run --quiet --html mine.txt".to_owned(),
        "trace convert micro.csv --profiles speeds.toml --quiet --out mine.txt".to_owned(),
        "trace generate --profiles speeds.toml --jobs 3 --max-gpus 4 --out mine.txt".to_owned(),
    ] {
        fs::write(root.join("mine.txt"), "mine").expect("a file");
        refused(root, &words, "mine.txt: exists; give another name, or replace it with --force");
        fine(root, &format!("{words} --force"));
        assert_ne!(fs::read(root.join("mine.txt")).expect("a file"), b"mine", "{words}");
        fs::remove_file(root.join("mine.txt")).expect("a file");
        fine(root, &words);
    }
    fs::create_dir(root.join("own")).expect("a directory");
    fs::write(root.join("own/mine.txt"), "mine").expect("a file");
    refused(root, &format!("run {MICRO} --scheduler edf --out own"), "is not a run directory");
    // A run directory is an earlier output of the same kind.
    fine(root, &format!("run {MICRO} --scheduler fifo --out run"));
}

#[test]
fn a_sweep_replaces_no_input() {
    let root = folder();
    let root = root.path();
    let grid = |trace: &str| {
        let text = format!(
            "trace = {trace:?}\nprofiles = \"speeds.toml\"\ncluster = \"2x4\"\nscheduler = \"edf\"\n"
        );
        fs::write(root.join("grid.toml"), text).expect("a grid");
    };
    grid("micro.csv");
    fine(root, "sweep grid.toml --quiet --out done");
    fs::copy(root.join("micro.csv"), root.join("done/results.csv")).expect("a file");
    grid("done/results.csv");
    refused(root, "sweep grid.toml --quiet --resume --out done", "is read by this command");
    fs::create_dir_all(root.join("done/points/own")).expect("a directory");
    fs::copy(root.join("micro.csv"), root.join("done/points/own/micro.csv")).expect("a file");
    grid("done/points/own/micro.csv");
    refused(root, "sweep grid.toml --quiet --resume --out done", "holds what is read by this command");
    refused(root, "sweep merge done --out done/points/new", "lies in what is read by this command");
    refused(root, "sweep grid.toml --out -", "is stdout, which cannot hold a directory");
}

/// `-` is stdin where a file is read, stdout where one is written.
#[test]
fn a_dash_is_a_standard_stream() {
    let root = folder();
    let root = root.path();
    let micro = fs::read(root.join("micro.csv")).expect("a trace");
    let piped = |words: &str| {
        let mut child = command(root, words);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(&micro).expect("the trace is read");
        let output = child.wait_with_output().expect("the program ends");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let settings = "--profiles speeds.toml --cluster 2x4 --quiet";
    let by_name = fine(root, &format!("run --trace micro.csv {settings} --scheduler edf --json"));
    let by_pipe = piped(&format!("run --trace - {settings} --scheduler edf --json"));
    let digest = |json: &str| -> serde_json::Value {
        let summary: serde_json::Value = serde_json::from_str(json).expect("JSON");
        summary["digest"].clone()
    };
    assert!(digest(&by_name).is_string());
    assert_eq!(digest(&by_name), digest(&by_pipe));
    let convert = "--profiles speeds.toml --quiet";
    fine(root, &format!("trace convert micro.csv {convert} --out own.csv"));
    let own = fs::read_to_string(root.join("own.csv")).expect("a trace");
    assert_eq!(piped(&format!("trace convert - {convert} --out -")), own);
    fine(root, &format!("run {MICRO} --scheduler edf --trace-events events.json --out run"));
    let events = fs::read_to_string(root.join("events.json")).expect("events");
    assert_eq!(fine(root, &format!("run {MICRO} --scheduler edf --trace-events -")), events);
    fine(root, "report run --quiet --html page.html");
    let page = fs::read_to_string(root.join("page.html")).expect("a page");
    assert_eq!(fine(root, "report run --quiet --html -"), page);
    let json = format!("run {MICRO} --scheduler edf --json --trace-events -");
    refused(root, &json, "both write to stdout");
    refused(root, "run --trace - --profiles - --scheduler edf", "is stdin, which can be read once");
    refused(root, &format!("run {MICRO} --scheduler edf --out -"), "is stdout");
    refused(root, &format!("compare {MICRO} --schedulers edf --out -"), "is stdout");
    assert!(!root.join("-").exists());
}

/// Holds the lock of a name as another process that writes to it does.
#[cfg(unix)]
fn hold(root: &Path, lock: &str) -> fs::File {
    let file = fs::File::create(root.join(lock)).expect("a file");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    file
}

#[cfg(unix)]
#[test]
fn what_another_process_writes_to_is_refused() {
    let root = folder();
    let root = root.path();
    fine(root, &format!("run {MICRO} --scheduler edf --out run"));
    fs::create_dir(root.join("runs")).expect("a directory");
    for (lock, words) in [
        (".run.lock", format!("run {MICRO} --scheduler edf --out run")),
        ("runs/.edf.lock", format!("compare {MICRO} --schedulers fifo,edf --out runs")),
        (".events.json.lock", format!("run {MICRO} --scheduler edf --trace-events events.json")),
        (".page.html.lock", "report run --html page.html".to_owned()),
        (".own.csv.lock", "trace convert micro.csv --profiles speeds.toml --out own.csv".to_owned()),
    ] {
        let held = hold(root, lock);
        refused(root, &words, "is being written to by another run; wait for that to end");
        drop(held);
        // The file that a killed process leaves locks nothing, and is taken away.
        fine(root, &words);
        assert!(!root.join(lock).exists(), "{lock}");
    }
}

/// Of writers that start at the same time each one that succeeds has written what is there then,
/// the last one what is there at the end.
#[cfg(unix)]
#[test]
fn of_two_runs_into_one_directory_none_lies() {
    let root = folder();
    let root = root.path();
    for _ in 0..5 {
        let names = ["edf", "fifo", "srtf", "gandiva"];
        let start = |name: &&str| {
            let mut child = command(root, &format!("run {MICRO} --scheduler {name} --out run"));
            child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts")
        };
        let children: Vec<_> = names.iter().map(start).collect();
        let mut fine = Vec::new();
        for (child, name) in children.into_iter().zip(names) {
            let output = child.wait_with_output().expect("the program ends");
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => fine.push(name),
                code => assert!(code == Some(2) && errors.contains("another run"), "{code:?}: {errors}"),
            }
        }
        let summary = fs::read_to_string(root.join("run/summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
        assert!(fine.iter().any(|name| summary["scheduler"] == *name), "{fine:?}: {summary}");
        let hidden = tree(root).into_iter().find(|(path, _)| path.contains("/.") && !path.contains("/.tmp"));
        assert_eq!(hidden.map(|(path, _)| path.replace(&root.display().to_string(), "")), None);
    }
}

/// The longest time after which a run is killed at first, in microseconds.
const LONGEST: u64 = 30_000;

/// How many runs are killed before their end: as many as `ELASTICFLOW_SIM_KILLS` says, or enough to
/// hit most places.
fn kills() -> u32 {
    std::env::var("ELASTICFLOW_SIM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

/// A run and a comparison over earlier ones, killed at random times: what is there under the name
/// is whole, the earlier or the new one, or there is nothing.
#[cfg(unix)]
#[test]
fn a_killed_run_leaves_a_whole_directory_or_none() {
    use rand::{RngExt, SeedableRng};
    let root = folder();
    let root = root.path();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(13);
    for words in
        ["run --scheduler edf --events --out runs/edf", "compare --schedulers edf,fifo --events --out runs"]
    {
        let words = format!("{words} {MICRO}");
        fine(root, &words);
        let of = |name: &str| results(&root.join("runs").join(name));
        let whole: Vec<_> = ["edf", "fifo"].map(of).into_iter().collect();
        assert_eq!(whole[0].len(), 7, "{:?}", whole[0]);
        let (mut killed, mut tried, mut longest) = (0, 0, LONGEST);
        while killed < kills() {
            let mut child = command(root, &words);
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
            std::thread::sleep(std::time::Duration::from_micros(rng.random_range(0..=longest)));
            child.kill().expect("it is ours");
            let was_killed = child.wait().expect("it ends").code().is_none();
            // The times follow how long a run takes, however busy the machine is, so that many of
            // them are near its end.
            longest = if was_killed { longest * 6 / 5 + 1 } else { longest * 3 / 4 };
            killed += u32::from(was_killed);
            tried += 1;
            assert!(tried < 20 * kills(), "{killed} of {tried} were killed before their end");
            for (name, whole) in ["edf", "fifo"].into_iter().zip(&whole) {
                let found = of(name);
                assert!(found.is_empty() || found == *whole, "{name} is not whole");
            }
        }
        eprintln!("{killed} of {tried} were killed before their end");
        // What the killed ones left is no obstacle.
        fine(root, &words);
        assert_eq!(of("edf"), whole[0]);
    }
}

/// The files of a run directory but for the wall-clock time; none if it is not there.
fn results(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let all = if directory.exists() { tree(directory) } else { Vec::new() };
    all.into_iter().filter(|(path, _)| !path.ends_with("timing.json")).collect()
}

#[test]
fn an_interval_below_a_millisecond_is_refused() {
    let root = folder();
    let run = |scheduler: &str, set: &str| format!("run {MICRO} --scheduler {scheduler} --set {set}");
    for (scheduler, set, part) in [
        ("gandiva", "quantum=0.0009", "`quantum`: is 0.0009 s, less than a millisecond"),
        ("themis", "lease=0.000001", "`lease`: is 0.000001 s, less than a millisecond"),
        ("chronus", "lease=0.0001", "`lease`: is 0.0001 s, less than a millisecond"),
        ("chronus", "check=0.0001", "`check`: is 0.0001 s, less than a millisecond"),
        ("chronus", "arrivals=0.0001", "`arrivals`: is 0.0001 s, less than a millisecond"),
        ("pollux", "interval=0.0001", "`interval`"),
    ] {
        refused(root.path(), &run(scheduler, set), part);
    }
    let gittins = format!("{} --set index=gittins", run("tiresias", "quantum=0.0001"));
    refused(root.path(), &gittins, "`quantum` must be at least 0.001 GPU-s");
}

/// Pollux plans in every round while a job is live, so that too many rounds are known beforehand.
#[test]
fn more_rounds_than_a_run_may_have_are_refused_before_it() {
    let root = folder();
    let long = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n\
                0,0,100000000,gpt2,538,128,1,13680000,0\n";
    fs::write(root.path().join("long.csv"), long).expect("a trace");
    let run = "run --trace long.csv --scheduler pollux --quiet --out long --set interval=";
    refused(root.path(), &format!("{run}0.5"), "raise its option `interval` (--set interval=SECONDS)");
    assert!(!root.path().join("long").exists());
    fine(root.path(), &format!("{run}0.5 --until 50"));
}

/// A full disk is told once, with the file, whichever way it is written.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_the_file() {
    let root = folder();
    for words in [
        &format!("run {MICRO} --scheduler edf --force --trace-events /dev/full"),
        "trace generate --jobs 5000 --force --out /dev/full",
    ] {
        let output = run(root.path(), words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert_eq!(said.matches("/dev/full: cannot be written: no storage space").count(), 1, "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// More threads than any system starts are asked for: only as many start as there are points.
#[test]
fn a_sweep_starts_no_more_threads_than_points() {
    let root = folder();
    let grid = "trace = \"micro.csv\"\nprofiles = \"speeds.toml\"\ncluster = \"2x4\"\nscheduler = [\"edf\", \"fifo\"]\n";
    fs::write(root.path().join("grid.toml"), grid).expect("a grid");
    let all = fine(root.path(), "sweep grid.toml --quiet --jobs 10000000");
    assert_eq!(all, fine(root.path(), "sweep grid.toml --quiet --jobs 1"));
    assert_eq!(all.lines().count(), 3);
}
