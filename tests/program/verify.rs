//! `verify`: runs hold, and each rule finds a copy that breaks it, even if its digests are renewed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use elasticflow_sim::report::sha256;

const SCHEDULERS: [&str; 10] = [
    "fifo",
    "srtf",
    "edf",
    "edf-admission",
    "elasticflow",
    "elasticflow-no-admission",
    "tiresias",
    "themis",
    "chronus",
    "gandiva",
];

fn program(words: &str, paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.args(words.split_whitespace()).args(paths).output().expect("the program starts")
}

fn done(words: &str, paths: &[&Path]) {
    let output = program(words, paths);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a drawn trace of 30 jobs into a directory below `root`.
fn run(root: &Path, scheduler: &str, seed: u32, words: &str) -> PathBuf {
    let trace = root.join(format!("{seed}.csv"));
    if !trace.exists() {
        let draw = "--mean-interarrival 300 --best-effort 0.2 --burst 2 --max-gpus 8";
        done(&format!("trace generate --jobs 30 --seed {seed} {draw} --out"), &[&trace]);
    }
    let out = root.join(format!("{scheduler}-{seed}{}", words.replace(' ', "")));
    let words = format!("run --scheduler {scheduler} --cluster 2x4 --quiet {words}");
    let trace = trace.display();
    done(&format!("{words} --trace {trace} --out"), &[&out]);
    out
}

/// Returns how many runs of each scheduler are checked: `VERIFY_RUNS` of them, or four.
fn runs() -> u32 {
    std::env::var("VERIFY_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(4)
}

#[test]
fn the_runs_of_every_scheduler_hold() {
    let root = tempfile::tempdir().expect("a directory");
    for seed in 0..runs() {
        for scheduler in SCHEDULERS {
            let words = ["--events", "--events --until 9000", "--slot 1", "--events --overhead none"];
            let run = run(root.path(), scheduler, seed, words[seed as usize % words.len()]);
            let output = program("verify", &[&run]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{said}");
            if seed % 4 == 0 {
                let skipped = said.matches("not checked").count();
                let promises = ["edf-admission", "elasticflow", "chronus"].contains(&scheduler);
                assert_eq!(skipped, 1 + usize::from(!promises), "{said}");
            }
            fs::remove_dir_all(run).expect("a run directory");
        }
    }
}

#[test]
fn turns_without_events_and_changed_inputs_are_said() {
    let root = tempfile::tempdir().expect("a directory");
    let gandiva = run(root.path(), "gandiva", 0, "");
    let said = String::from_utf8(program("verify", &[&gandiva]).stdout).expect("text");
    assert!(said.contains("not checked: run_time is the time with GPUs: jobs take turns"), "{said}");
    assert!(said.contains("  checked: rescales, preemptions and migrations are those held"), "{said}");
    let edf = run(root.path(), "edf", 0, "");
    let trace = root.path().join("0.csv");
    fs::write(&trace, fs::read_to_string(&trace).expect("a trace") + "\n").expect("a trace");
    let said = String::from_utf8(program("verify", &[&edf]).stdout).expect("text");
    assert!(
        said.contains("is the work of each job: ") && said.contains("0.csv: is not what the run read"),
        "{said}"
    );
    let json = program("verify --json", &[&edf]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json[0]["rules"][1]["verdict"], "checked");
    // The stored run read one file more than its command reads now.
    let fifo = run(root.path(), "fifo", 1, "");
    let text = fs::read_to_string(fifo.join("run.json")).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let more = serde_json::json!({ "what": "profiles", "path": "more.csv", "sha256": sha256(b"") });
    manifest["inputs"].as_array_mut().expect("inputs").push(more);
    fs::write(fifo.join("run.json"), manifest.to_string()).expect("a manifest");
    renew(&fifo);
    let said = String::from_utf8(program("verify", &[&fifo]).stdout).expect("text");
    assert!(said.contains("more.csv: is not what the run read"), "{said}");
}

#[test]
fn a_damaged_file_is_named_by_every_reader() {
    let root = tempfile::tempdir().expect("a directory");
    let run = run(root.path(), "edf", 0, "--events");
    let page = root.path().join("page.html");
    for name in ["allocations.csv", "events.jsonl", "jobs.csv", "run.json", "summary.json", "timeline.csv"] {
        let file = run.join(name);
        let bytes = fs::read(&file).expect("a file of the run");
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        let other = fs::read(run.join("SHA256SUMS")).expect("digests");
        for damaged in [changed, Vec::new(), bytes[..bytes.len() - 20].to_vec(), other] {
            fs::write(&file, damaged).expect("a file");
            let html = format!("report --html {}", page.display());
            let explain = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"))
                .arg("explain")
                .arg(&run)
                .arg("0")
                .output();
            let trace = root.path().join("0.csv");
            let compare =
                format!("compare --schedulers edf --cluster 2x4 --trace {} --against", trace.display());
            let against = program(&compare, &[&run]);
            let others = [program("verify", &[&run]), program(&html, &[&run])];
            for output in others.into_iter().chain([explain.expect("it starts"), against]) {
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{name}: {said}");
                assert!(said.contains(name), "{name}: {said}");
            }
        }
        fs::write(&file, bytes).expect("a file");
    }
    fs::remove_file(run.join("timeline.csv")).expect("a file");
    let said = program("verify", &[&run]);
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("timeline.csv: is missing"));
}

/// Writes `to` into a column of the first row that passes.
fn set(run: &Path, file: &str, column: &str, passes: impl Fn(&dyn Fn(&str) -> String) -> bool, to: &str) {
    let mut reader = csv::Reader::from_path(run.join(file)).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|other| other == name).expect("a column");
    let mut rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let found = rows.iter().position(|row| passes(&|name| row[place(name)].to_owned()));
    let row = &mut rows[found.expect("a row that passes")];
    *row = row.iter().enumerate().map(|(n, cell)| if n == place(column) { to } else { cell }).collect();
    let mut writer = csv::Writer::from_path(run.join(file)).expect("a table");
    writer.write_record(&header).expect("a header");
    rows.iter().for_each(|row| writer.write_record(row).expect("a row"));
    writer.flush().expect("a table");
}

/// Renews the digests, as whoever wants to deceive would.
fn renew(run: &Path) {
    let sums = fs::read_to_string(run.join("SHA256SUMS")).expect("digests");
    let renewed = sums.lines().map(|line| {
        let name = line.split_once("  ").expect("a digest and a name").1;
        format!("{}  {name}\n", sha256(&fs::read(run.join(name)).expect("a file")))
    });
    fs::write(run.join("SHA256SUMS"), renewed.collect::<String>()).expect("digests");
}

/// Breaks a run of elasticflow, and checks that the rule finds it.
#[track_caller]
fn found(rule: &str, breaks: impl Fn(&Path)) {
    found_in("", rule, breaks);
}

/// Does the same with a run of other options.
#[track_caller]
fn found_in(words: &str, rule: &str, breaks: impl Fn(&Path)) {
    let root = tempfile::tempdir().expect("a directory");
    let run = run(root.path(), "elasticflow", 0, words);
    breaks(&run);
    renew(&run);
    let output = program("verify", &[&run]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("FAILED: {rule}")), "{said}");
}

fn ended(get: &dyn Fn(&str) -> String) -> bool {
    !get("end_time").is_empty() && get("state") == "met"
}

fn break_jobs(column: &'static str, to: &'static str) -> impl Fn(&Path) {
    move |run| set(run, "jobs.csv", column, ended, to)
}

#[test]
fn gpus_beyond_those_of_a_node_are_found() {
    found("no node gives more GPUs", |run| {
        set(run, "allocations.csv", "nodes", |get| get("gpus") == "4", "0:5");
    });
}

#[test]
fn a_row_that_counts_other_gpus_than_it_names_is_found() {
    found("each row names the GPUs", |run| {
        set(run, "allocations.csv", "gpus", |get| get("gpus") == "4", "3");
    });
}

#[test]
fn a_declined_job_with_gpus_is_found() {
    found("no declined job holds GPUs", |run| {
        set(run, "jobs.csv", "state", ended, "declined");
    });
}

#[test]
fn an_end_before_the_gpus_are_given_back_is_found() {
    found("no job holds GPUs before its submission or after its end", break_jobs("end_time", "1.000000"));
}

#[test]
fn another_start_is_found() {
    found("start_time is", break_jobs("start_time", "1.000000"));
}

#[test]
fn other_numbers_of_changes_are_found() {
    for column in ["rescales", "preemptions", "migrations"] {
        found("rescales, preemptions and migrations", break_jobs(column, "99"));
    }
}

#[test]
fn another_time_with_gpus_is_found() {
    found("run_time is", break_jobs("run_time", "1.000000"));
    found("gpu_seconds is", break_jobs("gpu_seconds", "1.000000"));
    found("overhead_time is", break_jobs("overhead_time", "1.000000"));
}

/// The job gets two GPUs in the place of four, and still ends when it did.
#[test]
fn work_that_was_not_done_is_found() {
    found("rate × time", |run| {
        set(run, "allocations.csv", "nodes", |get| get("gpus") == "4", "0:2");
        set(run, "allocations.csv", "gpus", |get| get("gpus") == "4", "2");
    });
}

#[test]
fn other_jobs_than_those_of_the_trace_are_found() {
    found("each job is that of the trace", break_jobs("iterations", "7"));
    found("each job is that of the trace", break_jobs("deadline", "7.000000"));
}

#[test]
fn other_times_of_a_job_are_found() {
    found("jct and queue_delay", break_jobs("jct", "1.000000"));
    found("jct and queue_delay", break_jobs("queue_delay", "1.000000"));
}

#[test]
fn another_feasibility_is_found() {
    found("feasible_alone follows", break_jobs("feasible_alone", "0"));
}

#[test]
fn another_state_is_found() {
    found("state and deadline_met", break_jobs("state", "late"));
    found("state and deadline_met", break_jobs("deadline_met", "0"));
}

#[test]
fn a_broken_promise_is_found() {
    found("no admitted job is late", break_jobs("state", "late"));
}

#[test]
fn other_numbers_in_the_summary_are_found() {
    let keys = [
        ("met", "the counts"),
        ("best_effort_completed", "the counts"),
        ("dsr", "the ratios"),
        ("gpu_utilization", "the ratios"),
        ("makespan", "the ratios"),
    ];
    for (key, rule) in keys {
        found(rule, |run| edit_summary(run, |summary| summary[key] = serde_json::json!(77)));
    }
    for part in ["mean", "p50", "p90", "p99", "max"] {
        found("the distributions", |run| {
            edit_summary(run, |summary| summary["jct"][part] = serde_json::json!(0.5));
        });
    }
    for key in ["held_gpu_hours", "useful_gpu_hours", "dsr_gpu_hours", "cluster_efficiency"] {
        found("GPU-hours and efficiency", |run| {
            edit_summary(run, |summary| summary[key] = serde_json::json!(7))
        });
    }
    for key in ["planned_dsr", "admitted_late", "soft_value"] {
        found("what was promised", |run| edit_summary(run, |summary| summary[key] = serde_json::json!(7)));
    }
    found("digest is", |run| edit_summary(run, |summary| summary["digest"] = serde_json::json!("0")));
}

fn edit_summary(run: &Path, edit: impl Fn(&mut serde_json::Value)) {
    let path = run.join("summary.json");
    let mut summary = serde_json::from_slice(&fs::read(&path).expect("a summary")).expect("JSON");
    edit(&mut summary);
    fs::write(path, summary.to_string()).expect("a summary");
}

#[test]
fn another_timeline_is_found() {
    let first = |_: &dyn Fn(&str) -> String| true;
    for column in ["gpus_busy", "gpus_total", "jobs_running", "jobs_completed_total"] {
        found("timeline.csv has what jobs held", |run| set(run, "timeline.csv", column, first, "77"));
    }
    for column in ["gpus_busy", "jobs_running", "jobs_waiting", "jobs_admitted_total", "jobs_declined_total"]
    {
        let rule = "timeline.csv has the plans of events.jsonl";
        found_in("--events", rule, |run| set(run, "timeline.csv", column, first, "77"));
    }
    found("cluster_efficiency of timeline.csv", |run| {
        set(run, "timeline.csv", "cluster_efficiency", first, "0.123456");
    });
    found("split_placements are", |run| {
        edit_summary(run, |summary| summary["split_placements"] = serde_json::json!(77));
    });
}

/// Prices that prove less than the bound, and numbers that do not follow from it.
#[test]
fn a_bound_that_its_prices_do_not_prove_is_found() {
    let rule = "the prices of bound.csv prove the bound";
    let root = tempfile::tempdir().expect("a directory");
    let run = run(root.path(), "fifo", 0, "--bound");
    let said = String::from_utf8(program("verify", &[&run]).stdout).expect("text");
    assert!(said.contains(&format!("  checked: {rule}")), "{said}");
    for key in ["bound", "bound_gap", "short_hours"] {
        found_in("--bound", rule, |run| edit_summary(run, |summary| summary[key] = serde_json::json!(1)));
    }
    found_in("--bound", rule, |run| {
        let table = "job_id,from,until,price\n,0.000000,100000.000000,1\n";
        fs::write(run.join("bound.csv"), table).expect("a table");
    });
}

#[test]
fn answers_other_than_those_of_the_events_are_found() {
    let rule = "admissions, promises and refusals";
    for (column, to) in [("planned_end_time", "1.000000"), ("admitted", "0"), ("reason", "none")] {
        found_in("--events", rule, break_jobs(column, to));
    }
}

/// A start that costs less than the law of overheads says, with the job's sum as if that were so.
#[test]
fn another_restart_overhead_is_found() {
    found_in("--events", "each restart overhead is what its change costs", |run| {
        let path = run.join("events.jsonl");
        let events = fs::read_to_string(&path).expect("events");
        let cost = events.split("\"restart_overhead\":").nth(1).expect("a start");
        let cost = &cost[..cost.find(',').expect("the end of a number")];
        let changed =
            events.replacen(&format!("\"restart_overhead\":{cost}"), "\"restart_overhead\":0.25", 1);
        fs::write(path, changed).expect("events");
    });
}

#[test]
fn events_that_tell_another_story_are_found() {
    let root = tempfile::tempdir().expect("a directory");
    let run = run(root.path(), "elasticflow", 0, "--events");
    set(&run, "allocations.csv", "job_id", |_| true, "another");
    renew(&run);
    let output = program("verify", &[&run]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAILED: events.jsonl tells what allocations.csv tells"), "{said}");
}

/// What cannot be checked is said, with the reason, and is no failure.
#[test]
fn runs_of_pollux_and_of_the_artifact_are_checked_as_far_as_they_can_be() {
    let root = tempfile::tempdir().expect("a directory");
    let brief = "--set population=4 --set generations=3 --until 20000";
    for (scheduler, words) in [("pollux", brief), ("elasticflow", "--preset paper")] {
        let run = run(root.path(), scheduler, 0, words);
        let output = program("verify", &[&run]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{scheduler}: {said}");
        assert!(said.contains("not checked: ") && said.contains("checked: the counts of"), "{said}");
    }
}

/// The first turn of a job costs a start, each other one half a second: both are told.
#[test]
fn the_first_pause_of_a_rotation_is_told() {
    let root = tempfile::tempdir().expect("a directory");
    let run = run(root.path(), "gandiva", 0, "--events");
    let events = fs::read_to_string(run.join("events.jsonl")).expect("events");
    let events = events.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let is_told = |event: &serde_json::Value| {
        event["event"] == "rotate" && event["first_restart_overhead"].as_f64() > Some(1.0)
    };
    let event = events.into_iter().find(is_told).expect("a rotation that begins with a start");
    assert_eq!(event["restart_overhead"], 0.5);
    let job = event["job_id"].as_str().expect("an id");
    let told = program(&format!("explain {} {job}", run.display()), &[]);
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("the first after a restart overhead of "), "{told}");
}
