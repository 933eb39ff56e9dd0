//! `verify`: it finds nothing wrong with any run, and finds what is wrong with a run that was
//! tampered with, even where the digests were made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use elasticflow_sim::report::{FILES, sha256};
use elasticflow_sim::scheduler;

/// What a command prints, and its exit code.
fn run(words: &str) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    let output = command.args(words.split_whitespace()).env_remove("ELASTICFLOW_SIM_LOG").output();
    let output = output.expect("a process");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).expect("text"), output.status.code())
}

fn fine(words: &str) -> String {
    let (text, code) = run(words);
    assert_eq!(code, Some(0), "{words}: {text}");
    text
}

/// A table of a run, and how to change it.
struct Cells {
    path: PathBuf,
    rows: Vec<Vec<String>>,
}

impl Cells {
    fn read(run: &Path, name: &str) -> Cells {
        let path = run.join(name);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path).expect("a table");
        let rows = reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect());
        Cells { path, rows: rows.collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.rows[0].iter().position(|head| head == name).expect("a column")
    }

    /// Returns the first row of which `holds` is true of the value in a column.
    fn find(&self, column: &str, holds: impl Fn(&str) -> bool) -> usize {
        let column = self.column(column);
        1 + self.rows[1..].iter().position(|row| holds(&row[column])).expect("such a row")
    }

    fn cell(&mut self, row: usize, column: &str) -> &mut String {
        let column = self.column(column);
        &mut self.rows[row][column]
    }

    /// Adds to a number.
    fn add(&mut self, row: usize, column: &str, more: f64) {
        let cell = self.cell(row, column);
        *cell = (cell.parse::<f64>().expect("a number") + more).to_string();
    }

    fn write(self) {
        let mut writer = csv::Writer::from_path(&self.path).expect("a file");
        self.rows.iter().for_each(|row| writer.write_record(row).expect("a row"));
        writer.flush().expect("a file");
    }
}

/// Changes `jobs.csv` in the first job that was met.
fn change_met(run: &Path, change: impl Fn(&mut Cells, usize)) {
    let mut jobs = Cells::read(run, "jobs.csv");
    let row = jobs.find("state", |state| state == "met");
    change(&mut jobs, row);
    jobs.write();
}

fn change_summary(run: &Path, change: impl Fn(&mut serde_json::Value)) {
    let path = run.join("summary.json");
    let mut json = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("a summary");
    change(&mut json);
    fs::write(path, serde_json::to_vec_pretty(&json).expect("text")).expect("a file");
}

/// The time at which the first met job ends, and its id.
fn first_met(run: &Path) -> (String, String) {
    let mut jobs = Cells::read(run, "jobs.csv");
    let row = jobs.find("state", |state| state == "met");
    (jobs.cell(row, "job_id").clone(), jobs.cell(row, "end_time").clone())
}

type Break = fn(&Path);

/// Every rule, with a change that breaks it.
const BROKEN: [(&str, Break); 16] = [
    ("no node gives more GPUs than it has", |run| {
        let mut rows = Cells::read(run, "allocations.csv");
        let row = rows.find("nodes", |nodes| nodes.ends_with(":8") && !nodes.contains(' '));
        *rows.cell(row, "nodes") = rows.cell(row, "nodes").replace(":8", ":9");
        *rows.cell(row, "gpus") = "9".to_owned();
        rows.write();
    }),
    ("each row names the GPUs that it counts", |run| {
        let mut rows = Cells::read(run, "allocations.csv");
        rows.add(1, "gpus", 1.0);
        rows.write();
    }),
    ("no declined job holds GPUs", |run| {
        let mut jobs = Cells::read(run, "jobs.csv");
        let row = jobs.find("state", |state| state == "declined");
        let id = jobs.cell(row, "job_id").clone();
        let mut rows = Cells::read(run, "allocations.csv");
        *rows.cell(1, "job_id") = id;
        rows.write();
    }),
    ("no job holds GPUs before its submission or after its end", |run| {
        change_met(run, |jobs, row| jobs.add(row, "submit_time", 1e6));
    }),
    ("start_time is when a job first holds GPUs", |run| {
        change_met(run, |jobs, row| jobs.add(row, "start_time", 1.0));
    }),
    ("rescales, preemptions and migrations are those held", |run| {
        change_met(run, |jobs, row| jobs.add(row, "migrations", 1.0));
    }),
    ("run_time is the time with GPUs", |run| change_met(run, |jobs, row| jobs.add(row, "run_time", 1.0))),
    ("gpu_seconds is the GPUs held over time", |run| {
        change_met(run, |jobs, row| jobs.add(row, "gpu_seconds", 1.0));
    }),
    ("overhead_time is the sum of the restart overheads", |run| {
        change_met(run, |jobs, row| jobs.add(row, "overhead_time", 1.0));
    }),
    ("rate × time without overheads is the work of each job", |run| {
        let (id, end) = first_met(run);
        let mut rows = Cells::read(run, "allocations.csv");
        let (ids, times) = (rows.column("job_id"), rows.column("time"));
        let row = rows.rows.iter().position(|row| row[ids] == id && row[times] == end).expect("its end");
        rows.add(row, "time", -60.0);
        rows.write();
    }),
    ("jct and queue_delay follow from the times", |run| {
        change_met(run, |jobs, row| jobs.add(row, "jct", 1.0));
    }),
    ("state and deadline_met follow from the times", |run| {
        change_met(run, |jobs, row| *jobs.cell(row, "state") = "late".to_owned());
    }),
    ("no admitted job is late", |run| {
        change_met(run, |jobs, row| {
            *jobs.cell(row, "deadline") = jobs.cell(row, "submit_time").clone();
            *jobs.cell(row, "state") = "late".to_owned();
        });
    }),
    ("the counts of summary.json are those of jobs.csv", |run| {
        change_summary(run, |json| json["declined"] = 77.into());
    }),
    ("the ratios of summary.json are those of jobs.csv", |run| {
        change_summary(run, |json| json["dsr"] = 0.123.into());
    }),
    ("the distributions of summary.json are those of jobs.csv", |run| {
        change_summary(run, |json| json["jct"]["p90"] = 1.0.into());
    }),
];

/// Makes the digests anew, as if the run had written what is there now.
fn seal(run: &Path) {
    let names = FILES.into_iter().filter(|name| !["SHA256SUMS", "timing.json"].contains(name));
    let line = |name: &str| Some(format!("{}  {name}\n", sha256(&fs::read(run.join(name)).ok()?)));
    fs::write(run.join("SHA256SUMS"), names.filter_map(line).collect::<String>()).expect("a file");
}

#[test]
fn every_rule_catches_what_breaks_it() {
    let root = tempfile::tempdir().expect("a directory");
    let run_dir = root.path().join("run");
    let words =
        "run --trace traces/mixed-200.csv --cluster 8x8 --scheduler elasticflow --events --quiet --out";
    fine(&format!("{words} {}", run_dir.display()));
    let whole = fine(&format!("verify {}", run_dir.display()));
    assert!(!whole.contains("not checked") && !whole.contains("FAILED"), "{whole}");
    for (n, (rule, spoil)) in BROKEN.into_iter().enumerate() {
        assert!(whole.contains(rule), "no rule says: {rule}");
        let copy = root.path().join(n.to_string());
        fs::create_dir(&copy).expect("a directory");
        for entry in fs::read_dir(&run_dir).expect("a run") {
            let path = entry.expect("an entry").path();
            fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("a file");
        }
        spoil(&copy);
        // As it is, the digests tell.
        let (text, code) = run(&format!("verify {}", copy.display()));
        assert_eq!(code, Some(2), "{rule}: {text}");
        seal(&copy);
        let (text, code) = run(&format!("verify {}", copy.display()));
        assert_eq!(code, Some(1), "{rule}: {text}");
        assert!(text.contains(&format!("FAILED: {rule}")), "{rule}: {text}");
    }
}

/// How many random workloads are run: `ELASTICFLOW_SIM_VERIFY`, or a few.
fn workloads() -> u64 {
    std::env::var("ELASTICFLOW_SIM_VERIFY").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[test]
fn nothing_is_wrong_with_random_runs_of_any_scheduler() {
    let root = tempfile::tempdir().expect("a directory");
    let names: Vec<_> = scheduler::entries().iter().map(|entry| entry.name).collect();
    for seed in 0..workloads() {
        let trace = root.path().join(format!("{seed}.csv"));
        let out = root.path().join(seed.to_string());
        let pick = |all: [&'static str; 3], place: u64| all[(seed / place % 3) as usize];
        fine(&format!(
            "trace generate --jobs 25 --seed {seed} --mean-interarrival {} --best-effort {} --burst {} --max-gpus 8 --out {}",
            pick(["0", "200", "2000"], 1),
            pick(["0.3", "0", "0.9"], 2),
            pick(["1", "4", "9"], 3),
            trace.display()
        ));
        fine(&format!(
            "compare --trace {} --schedulers {} --cluster {} --overhead {} --slot {} {} --set pollux.population=4 \
             --set pollux.generations=3 --events --quiet --out {}",
            trace.display(),
            names.join(","),
            pick(["2x4", "2x8", "4x8"], 1),
            pick(["on-change", "measured", "none"], 4),
            pick(["60", "0", "300"], 5),
            ["", "--until 4000", ""][(seed % 3) as usize],
            out.display()
        ));
        let runs: Vec<_> = names.iter().map(|name| out.join(name).display().to_string()).collect();
        let said = fine(&format!("verify {}", runs.join(" ")));
        assert!(!said.contains("FAILED"), "{seed}: {said}");
    }
}
