//! `run --trace-events`: what is written follows the rules of the trace-event format, so that
//! viewers open it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use elasticflow_sim::scheduler;
use serde_json::Value;

const MICRO: &str = "--trace tests/cmd/data/micro.csv --profiles tests/cmd/data/speeds.toml --cluster 2x4";

fn run(words: &str, to: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.arg("run").args(words.split_whitespace()).arg("--quiet").arg("--trace-events").arg(to);
    command.output().expect("the program starts")
}

fn events(words: &str) -> Vec<Value> {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("trace.json");
    let output = run(words, &path);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read(&path).expect("a file");
    let whole: Value = serde_json::from_slice(&text).expect("JSON");
    whole["traceEvents"].as_array().expect("a list of events").clone()
}

/// A slice of a track: when it begins and ends.
type Span = (u64, u64);

/// The spans of each track: a process and a thread.
type Tracks = BTreeMap<(u64, u64), Vec<Span>>;

/// Checks events by the rules of the format. Returns what is wrong, and the slices of each track.
fn check(events: &[Value]) -> (Vec<String>, Tracks) {
    let mut checker = Checker::default();
    for event in events {
        if let Err(what) = checker.check_event(event) {
            checker.wrong.push(format!("{event} {what}"));
        }
    }
    for (track, spans) in &checker.slices {
        if checker.named.get(track) != Some(&1) {
            checker.wrong.push(format!("track {track:?} is named {:?} times", checker.named.get(track)));
        }
        checker.wrong.extend(overlaps(spans).map(|what| format!("track {track:?}: {what}")));
    }
    (checker.wrong, checker.slices)
}

/// What was seen of the events so far.
#[derive(Default)]
struct Checker {
    wrong: Vec<String>,
    /// The last time stamp of each track.
    last: BTreeMap<(u64, u64), u64>,
    slices: Tracks,
    /// How many times each track is named.
    named: BTreeMap<(u64, u64), usize>,
}

impl Checker {
    /// Checks one event on its own, and that it is not before the one before it on its track.
    fn check_event(&mut self, event: &Value) -> Result<(), &'static str> {
        let number = |key: &str| event[key].as_u64();
        let (Some(pid), Some(tid), Some(name), Some(phase)) =
            (number("pid"), number("tid"), event["name"].as_str(), event["ph"].as_str())
        else {
            return Err("lacks pid, tid, name or ph");
        };
        if !event["args"].is_object() {
            return Err("has no args");
        }
        let track = (pid, tid);
        if phase == "M" {
            *self.named.entry(track).or_default() += usize::from(name == "thread_name");
            let has_value = event["args"]["name"].is_string() || event["args"]["sort_index"].is_u64();
            let is_known = name.contains("process_") || name.contains("thread_");
            return if has_value && is_known { Ok(()) } else { Err("names nothing") };
        }
        let time = number("ts").ok_or("has no ts")?;
        // Counters of one process are tracks of their own.
        if phase != "C" && self.last.insert(track, time).is_some_and(|before| before > time) {
            return Err("is before what came before");
        }
        match phase {
            "X" => {
                let length = number("dur").filter(|length| *length > 0).ok_or("has no length")?;
                self.slices.entry(track).or_default().push((time, time + length));
                Ok(())
            }
            "i" if event["s"] == "t" => Ok(()),
            "C" if event["args"].as_object().is_some_and(|args| args.values().all(Value::is_u64)) => Ok(()),
            _ => Err("is of no known kind"),
        }
    }
}

/// Returns every slice of a track that neither lies in the one around it nor beside it.
fn overlaps(spans: &[Span]) -> impl Iterator<Item = String> {
    let mut open: Vec<u64> = Vec::new();
    spans.iter().filter_map(move |(begin, end)| {
        open.retain(|outer| outer > begin);
        let is_across = open.last().is_some_and(|outer| end > outer);
        open.push(*end);
        is_across.then(|| format!("a slice from {begin} to {end} ends after the one around it"))
    })
}

#[test]
fn every_scheduler_writes_what_viewers_open() {
    for entry in scheduler::entries() {
        // How well it searches does not matter here.
        let brief = if entry.name == "pollux" { " --set population=6 --set generations=4" } else { "" };
        let scheduler = format!("--scheduler {}{brief}", entry.name);
        for words in [
            format!("{MICRO} {scheduler}"),
            format!("--trace traces/mixed-200.csv {scheduler}"),
            format!("--trace traces/mixed-200.csv --until 50000 --cluster 2x8 {scheduler}"),
        ] {
            let (wrong, slices) = check(&events(&words));
            assert_eq!(wrong, [""; 0], "{words}");
            assert!(!slices.is_empty(), "{words}");
        }
    }
}

/// FIFO on 8 GPUs, a change costs 10 s into 8 GPUs, 8 s into 4 and 6 s into 2: `a` runs 400
/// iterations on 4 GPUs from 0 to 108 s; `b` and `c` wait for the plan at 120 s, `b` runs 800 on 8
/// until 230 s; `c` 80 on 2 from 230 s for 46 s.
#[test]
fn the_slices_are_what_happened() {
    let events = events(&format!("{MICRO} --scheduler fifo --slot 60"));
    let told: Vec<String> = events
        .iter()
        .filter(|event| event["ph"] == "X")
        .map(|event| format!("{} {} {}+{}", event["tid"], event["name"], event["ts"], event["dur"]))
        .collect();
    let expected = [
        "1 \"4 GPUs\" 0+108000000",
        "1 \"restart\" 0+8000000",
        "2 \"waiting\" 10000000+110000000",
        "2 \"8 GPUs\" 120000000+110000000",
        "2 \"restart\" 120000000+10000000",
        "3 \"2 GPUs\" 230000000+46000000",
        "3 \"restart\" 230000000+6000000",
    ];
    let told: Vec<_> = told.iter().filter(|line| !line.contains("3 \"waiting\"")).collect();
    assert_eq!(told, expected);
    let busy = events.iter().filter(|event| event["name"] == "GPUs");
    let busy: Vec<_> = busy.map(|event| (event["ts"].as_u64(), event["args"]["busy"].as_u64())).collect();
    let steps = [(0, 4), (108, 0), (120, 8), (230, 0), (230, 2), (276, 0)];
    assert_eq!(busy, steps.map(|(time, gpus)| (Some(time * 1_000_000), Some(gpus))));
}

#[test]
fn the_file_appears_whole_or_not_at_all() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("trace.json");
    // A clock that overflows: the run fails after a hundred jobs of 10^10 s.
    let mut trace = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu\n".to_owned();
    (0..110).for_each(|job| trace.push_str(&format!("{job},0,10000000000,linear,10000000000,64,1\n")));
    let endless = root.path().join("endless.csv");
    fs::write(&endless, trace).expect("a trace");
    let words = format!(
        "--trace {} --profiles tests/cmd/data/speeds.toml --cluster 1x1 --scheduler fifo",
        endless.display()
    );
    assert_eq!(run(&words, &path).status.code(), Some(1));
    let left = |root: &Path| fs::read_dir(root).expect("a directory").count();
    assert_eq!(left(root.path()), 1);
    // A path that cannot be is noticed before the run, and an earlier file stays as it is when a
    // run fails.
    let output = run(&format!("{MICRO} --scheduler fifo"), &root.path().join("no/trace.json"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(run(&format!("{MICRO} --scheduler fifo"), &path).status.success());
    let before = fs::read(&path).expect("a file");
    assert_eq!(run(&words, &path).status.code(), Some(2), "an existing file");
    assert_eq!(run(&format!("{words} --force"), &path).status.code(), Some(1));
    assert_eq!(fs::read(&path).expect("a file"), before);
    assert_eq!(left(root.path()), 2);
    // The same again is the same bytes.
    assert!(run(&format!("{MICRO} --scheduler fifo --force"), &path).status.success());
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[test]
fn the_check_can_fail() {
    let event = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let wrong = |texts: &[&str]| check(&texts.iter().map(|text| event(text)).collect::<Vec<_>>()).0.len();
    let name = r#"{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"a"}}"#;
    let slice = |ts: u64, dur: u64| {
        format!(r#"{{"ph":"X","name":"a","ts":{ts},"dur":{dur},"pid":1,"tid":1,"args":{{}}}}"#)
    };
    let (outer, inner, across) = (slice(0, 10), slice(0, 5), slice(5, 10));
    assert_eq!(wrong(&[name, &outer, &inner, &slice(10, 5)]), 0);
    assert_eq!(wrong(&[&outer]), 1);
    assert_eq!(wrong(&[name, &outer, &across]), 1);
    assert_eq!(wrong(&[name, &across, &outer]), 1);
    assert_eq!(wrong(&[r#"{"ph":"B","name":"a","ts":0,"pid":1,"tid":1,"args":{}}"#]), 1);
}
