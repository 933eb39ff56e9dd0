//! The command as its users meet it: words in; tables, files, messages and exit codes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use elasticflow_sim::scheduler;

/// What is typed and what is printed, help and error messages among it. `TRYCMD=overwrite` writes
/// what is printed now; the console blocks of documents are tests, too.
#[test]
fn words_and_answers() {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cmd/*.trycmd");
    for document in ["README.md", "METHODOLOGY.md", "docs/bound.md"] {
        if Path::new(document).exists() {
            cases.case(document);
        }
    }
}

const MICRO: &str = "--trace tests/cmd/data/micro.csv --profiles tests/cmd/data/speeds.toml --cluster 2x4";

fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.args(words.split_whitespace()).env_remove("ELASTICFLOW_SIM_LOG");
    command
}

fn run(words: &str) -> Output {
    command(words).output().expect("the program starts")
}

fn code(words: &str) -> Option<i32> {
    run(words).status.code()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below a directory with its bytes, by its path; hidden ones, too.
fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(tree(&path)),
            false => all.push((path.clone(), fs::read(&path).expect("a file"))),
        }
    }
    all.sort();
    all
}

/// The same but the wall-clock figures, which are in one file of their own, by paths below `root`.
fn results(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let all = tree(root).into_iter().filter(|(path, _)| !path.ends_with("timing.json"));
    all.map(|(path, bytes)| (path.strip_prefix(root).expect("below").to_owned(), bytes)).collect()
}

#[test]
fn the_same_words_give_the_same_bytes() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name);
    let names: Vec<_> = scheduler::entries().iter().map(|entry| entry.name).collect();
    let compare = |out: &str, threads: &str| {
        let words = format!("compare {MICRO} --schedulers {} --events --out", names.join(","));
        let output = command(&words).arg(at(out)).env("RAYON_NUM_THREADS", threads).output().expect("a run");
        assert!(output.status.success(), "{}", errors(&output));
        output.stdout
    };
    assert_eq!(compare("a", "1"), compare("b", "4"));
    assert_eq!(results(&at("a")), results(&at("b")));
    // A run alone writes what it writes in a comparison; and over itself, the same again.
    for _ in 0..2 {
        for name in &names {
            let words = format!("run {MICRO} --scheduler {name} --events --out");
            assert!(command(&words).arg(at("c").join(name)).output().expect("a run").status.success());
        }
        assert_eq!(results(&at("a")), results(&at("c")));
    }
    let files: Vec<_> =
        fs::read_dir(at("a/fifo")).expect("a run").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(files.len(), 8, "{files:?}");
    // Nor is there room for a wall-clock value.
    let run = fs::read(at("a/fifo/run.json")).expect("a manifest");
    let run: serde_json::Value = serde_json::from_slice(&run).expect("JSON");
    let keys: Vec<_> = run.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["command", "inputs", "notes", "seeds", "version"]);
}

#[test]
fn the_digest_is_that_of_the_jobs_and_run_json_tells_how_to_run_it_again() {
    let root = tempfile::tempdir().expect("a directory");
    let out = root.path().join("out");
    let words = format!("run {MICRO} --scheduler edf --slot 0 --until 120 --seed 7 --json --quiet --out");
    let output = command(&words).arg(&out).output().expect("a run");
    assert_eq!(output.stdout, fs::read(out.join("summary.json")).expect("a summary"));
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(out.join(file)).expect("a file")).expect("JSON")
    };
    let jobs = fs::read(out.join("jobs.csv")).expect("jobs");
    assert_eq!(json("summary.json")["digest"], elasticflow_sim::report::sha256(&jobs));
    let manifest = json("run.json");
    let trace = fs::read("tests/cmd/data/micro.csv").expect("the trace");
    assert_eq!(manifest["inputs"][0]["sha256"], elasticflow_sim::report::sha256(&trace));
    assert_eq!(manifest["inputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(manifest["seeds"]["seed"], 7);
    let words: Vec<_> =
        manifest["command"].as_array().expect("words").iter().filter_map(|w| w.as_str()).collect();
    let again = run(&format!("{} --json", words.join(" ")));
    assert_eq!(again.stdout, output.stdout);
}

/// `run.json` states the options of the scheduler as well, whatever their kind.
#[test]
fn run_json_states_the_options_of_the_scheduler() {
    let root = tempfile::tempdir().expect("a directory");
    let out = root.path().join("out");
    let options = "--set thresholds=[1000,2000.5] --set tiresias.promote_after=8 --set index=las";
    let words = format!("run {MICRO} --scheduler dlas-gpu {options} --json --quiet --out");
    let output = command(&words).arg(&out).output().expect("a run");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("run.json")).expect("a manifest")).expect("JSON");
    let words: Vec<_> =
        manifest["command"].as_array().expect("words").iter().filter_map(|word| word.as_str()).collect();
    let said = ["--set", "index=las", "--set", "promote_after=8", "--set", "thresholds=[1000, 2000.5]"];
    assert_eq!(words[words.len() - 6..], said);
    assert_eq!(command("").args(&words).arg("--json").output().expect("a run").stdout, output.stdout);
}

/// 110 jobs of 10¹⁰ s, one after the other on one GPU: the clock overflows after a hundred of them.
fn endless(root: &Path) -> String {
    let mut trace = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu\n".to_owned();
    for job in 0..110 {
        trace.push_str(&format!("{job},0,10000000000,linear,10000000000,64,1\n"));
    }
    let path = root.join("endless.csv");
    fs::write(&path, trace).expect("a trace");
    format!("--trace {} --profiles tests/cmd/data/speeds.toml --cluster 1x1", path.display())
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let setup = endless(root.path());
    let before = tree(root.path());
    for words in ["run --scheduler fifo", "compare --schedulers edf,fifo"] {
        let out = root.path().join("new/out");
        let output = command(&format!("{words} {setup} --events --out")).arg(&out).output().expect("a run");
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        assert!(errors(&output).contains("would end later than"), "{}", errors(&output));
        assert!(output.stdout.is_empty());
        assert!(!root.path().join("new").exists());
        assert_eq!(tree(root.path()), before);
    }
}

#[test]
fn a_run_that_fails_leaves_an_earlier_one_alone() {
    let root = tempfile::tempdir().expect("a directory");
    let out = root.path().join("out");
    let fine = command(&format!("run {MICRO} --scheduler fifo --out")).arg(&out).output().expect("a run");
    assert!(fine.status.success());
    let setup = endless(root.path());
    let before = tree(root.path());
    let failed = command(&format!("run {setup} --scheduler fifo --out")).arg(&out).output().expect("a run");
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(tree(root.path()), before);
    // What does not hold is no failed run: its files say why.
    let asserted = format!("run {MICRO} --scheduler edf --assert dsr>2 --out");
    assert_eq!(command(&asserted).arg(&out).output().expect("a run").status.code(), Some(3));
    assert!(fs::read_to_string(out.join("summary.json")).expect("a summary").contains("\"edf\""));
}

#[test]
fn a_bad_output_path_fails_before_the_run() {
    let root = tempfile::tempdir().expect("a directory");
    let setup = endless(root.path());
    fs::write(root.path().join("notes.txt"), "mine").expect("a file");
    let before = tree(root.path());
    for out in ["notes.txt", "notes.txt/x", "."] {
        let out = root.path().join(out);
        let output =
            command(&format!("run {setup} --scheduler fifo --out")).arg(out).output().expect("a run");
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert_eq!(tree(root.path()), before);
    }
}

#[test]
fn everything_is_checked_before_the_first_run() {
    let root = tempfile::tempdir().expect("a directory");
    let out = root.path().join("out");
    // EDF could run this trace; FIFO cannot, and nothing is run.
    let words = "compare --trace tests/cmd/data/odd-size.csv --profiles tests/cmd/data/speeds.toml --schedulers edf,fifo";
    let output = command(&format!("{words} --out")).arg(&out).output().expect("a run");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && !out.exists());
    assert!(errors(&output).contains("line 2, num_gpu: `3`"), "{}", errors(&output));
}

/// A reader that has seen enough, such as `head`, is no failure.
#[test]
fn a_broken_pipe_is_success() {
    for words in ["--help", "run --help", "list profiles", "trace generate --jobs 20000"] {
        let mut child =
            command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success(), "{words}: {:?} {}", output.status, errors(&output));
        assert_eq!(errors(&output), "");
    }
}

/// Ids are text of strangers: what is printed for people does not steer their terminal, what is for
/// programs is verbatim.
#[test]
fn control_characters_of_a_trace_are_escaped_in_texts() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name).display().to_string();
    let id = "\u{1b}]0;x\u{7}\n9\u{9b}";
    let trace = fs::read_to_string("tests/cmd/data/micro.csv").expect("a trace");
    fs::write(at("trace.csv"), trace.replace("\na,", &format!("\n\"{id}\","))).expect("a file");
    let setup = format!("--trace {} --profiles tests/cmd/data/speeds.toml --quiet", at("trace.csv"));
    assert_eq!(code(&format!("run {setup} --cluster 2x4 --scheduler fifo --out {}", at("run"))), Some(0));
    assert!(fs::read_to_string(at("run/jobs.csv")).expect("a table").contains(id));
    let explained = command(&format!("explain {}", at("run"))).arg(id).output().expect("the program starts");
    let against = format!("compare {setup} --cluster 1x2 --schedulers fifo --against {}", at("run"));
    let missing =
        command(&format!("explain {}", at("run"))).arg("\u{1b}").output().expect("the program starts");
    let table = run(&format!("{against} --format table"));
    for (bytes, says) in [(explained.stdout, true), (table.stdout, true), (missing.stderr, false)] {
        let text = String::from_utf8(bytes).expect("a text");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.contains(if says { r"\u{1b}]0;x\u{7}\n9\u{9b}" } else { r"\u{1b}" }), "{text}");
    }
    assert!(String::from_utf8(run(&format!("{against} --format csv")).stdout).expect("a table").contains(id));
}

#[test]
fn an_assertion_counts_also_when_nobody_reads() {
    let words = format!("run {MICRO} --scheduler fifo --assert dsr>2");
    let mut child = command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a process");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("an end").code(), Some(3));
}

#[test]
fn a_trace_can_come_through_a_pipe_and_go_to_a_file() {
    let root = tempfile::tempdir().expect("a directory");
    let (drawn, again) = (root.path().join("drawn.csv"), root.path().join("again.csv"));
    let generate = |to: &Path| {
        let output = command("trace generate --jobs 30 --seed 5 --out").arg(to).output().expect("a run");
        assert!(output.status.success(), "{}", errors(&output));
    };
    generate(&drawn);
    generate(&again);
    assert_eq!(fs::read(&drawn).expect("a trace"), fs::read(&again).expect("a trace"));
    let converted = command("trace convert").arg(&drawn).output().expect("a run");
    assert_eq!(converted.stdout, fs::read(&drawn).expect("a trace"));
    #[cfg(unix)]
    {
        let piped = command("run --trace /dev/stdin --scheduler fifo --json")
            .stdin(fs::File::open(&drawn).expect("a trace"))
            .output()
            .expect("a run");
        assert!(piped.status.success(), "{}", errors(&piped));
    }
}

#[test]
fn the_examples_of_the_contract_work() {
    for entry in scheduler::entries() {
        assert_eq!(
            code(&format!("run {MICRO} --scheduler {} --quiet", entry.name)),
            Some(0),
            "{}",
            entry.name
        );
        for alias in entry.aliases {
            assert_eq!(code(&format!("run {MICRO} --scheduler {alias} --quiet")), Some(0), "{alias}");
        }
    }
    for what in ["schedulers", "presets", "profiles", "formats", "overheads", "placers"] {
        let output = run(&format!("list {what}"));
        assert!(output.status.success() && !output.stdout.is_empty(), "{what}");
    }
}

#[test]
fn the_shipped_traces_run_under_every_scheduler() {
    let names: Vec<_> = scheduler::entries().iter().map(|entry| entry.name).collect();
    for entry in fs::read_dir("traces").expect("the traces") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            // Whether it runs, not how well it searches.
            let brief = "--set pollux.population=6 --set pollux.generations=4";
            let words = format!(
                "compare --trace {} --schedulers {} {brief} --quiet",
                path.display(),
                names.join(",")
            );
            let output = run(&words);
            assert!(output.status.success(), "{words}: {}", errors(&output));
            assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1 + names.len());
        }
    }
}
