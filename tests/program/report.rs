//! `report --html`: one page, the same bytes every time, that holds everything it needs and escapes
//! all text from a trace. `tests/program/browser.rs` opens it.

use crate::data;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    command.args(words.split_whitespace());
    command
}

fn done(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn compare(words: &str, to: &Path) {
    let mut run = command(&format!("compare {words} --quiet --out"));
    run.arg(to);
    done(run);
}

fn report(runs: &[&Path], to: &Path) -> String {
    let mut report = command("report --quiet --html");
    report.arg(to).args(runs);
    assert!(done(report).stdout.is_empty());
    fs::read_to_string(to).expect("a page")
}

const MICRO: &str = "--trace tests/cmd/data/micro.csv --profiles tests/cmd/data/speeds.toml --cluster 2x4";

#[test]
fn the_same_runs_give_the_same_bytes_and_load_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name);
    compare(&format!("{MICRO} --schedulers edf,fifo,gandiva"), &path("runs"));
    let runs = ["runs/edf", "runs/fifo", "runs/gandiva"].map(path);
    let runs: Vec<&Path> = runs.iter().map(|run| run.as_path()).collect();
    let page = report(&runs, &path("a.html"));
    assert_eq!(page, report(&runs, &path("b.html")));
    for loads in ["src=", "href=", "url(", "import ", "fetch(", "http:", "https:"] {
        // The name of a namespace is no address that is asked for.
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(loads), "{loads}");
    }
    for rule in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "script-src 'sha256-"] {
        assert!(page.contains(rule), "{rule}");
    }
    assert!(!page.contains("unsafe-inline") && !page.contains("style="));
    // One table of results, a row for each run, with the numbers of `compare`.
    for run in ["edf", "fifo", "gandiva"] {
        assert!(page.contains(&format!("<tr><th scope=\"row\">{run}</th><td>50.0</td><td>1</td>")), "{run}");
    }
    // Two runs of one scheduler are told apart by their directories.
    compare(&format!("{MICRO} --slot 0 --schedulers edf"), &path("other"));
    let both = report(&[&path("runs/edf"), &path("other/edf")], &path("c.html"));
    assert!(both.contains("runs/edf)</th>") && both.contains("other/edf)</th>"));
}

/// Ids and models that would end the script, the table cell or the attribute that they are in.
#[test]
fn what_comes_from_a_trace_stays_text() {
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name);
    let page = hostile(root.path(), &path("page.html"));
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<b>"));
    assert!(page.contains("\\u003cscript\\u003e"));
}

/// Makes a page of a trace whose author means harm.
fn hostile(root: &Path, to: &Path) -> String {
    let trace = root.join("<img src=x onerror=alert(2)>.csv");
    fs::write(&trace, fs::read("tests/fixtures/hostile.csv").expect("the trace")).expect("a file");
    for scheduler in ["edf", "elasticflow"] {
        let words = format!(
            "run --profiles tests/fixtures/hostile.toml --cluster 2x4 --scheduler {scheduler} --quiet"
        );
        let mut run = command(&words);
        run.arg("--trace").arg(&trace).arg("--out").arg(root.join(scheduler));
        done(run);
    }
    report(&[&root.join("edf"), &root.join("elasticflow")], to)
}

#[test]
fn a_page_of_thousands_of_jobs_is_small_enough() {
    let Some(data) = data::data() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let trace = data.join("traces/itp/cluster04.csv");
    let schedulers = "elasticflow,edf,edf-admission,tiresias";
    compare(&format!("--trace {} --schedulers {schedulers}", trace.display()), root.path());
    let runs: Vec<_> = schedulers.split(',').map(|name| root.path().join(name)).collect();
    let runs: Vec<&Path> = runs.iter().map(|run| run.as_path()).collect();
    let page = report(&runs, &root.path().join("page.html"));
    eprintln!("{} bytes", page.len());
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
}

#[test]
fn a_page_appears_whole_or_not_at_all() {
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name);
    compare(&format!("{MICRO} --schedulers edf"), &path("runs"));
    report(&[&path("runs/edf")], &path("page.html"));
    let before = fs::read(path("page.html")).expect("a page");
    let mut stream = command("report --html -");
    stream.arg(path("runs/edf"));
    let stream = done(stream);
    assert_eq!((stream.stdout, stream.stderr), (before.clone(), vec![]));
    for (file, words) in
        [("timeline.csv", "is missing"), ("jobs.csv", "is missing"), ("run.json", "is not a run directory")]
    {
        fs::remove_file(path("runs/edf").join(file)).expect("a file");
        let mut report = command("report --force --html");
        let output =
            report.arg(path("page.html")).arg(path("runs/edf")).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(words), "{file}: {errors}");
        assert_eq!(fs::read(path("page.html")).expect("a page"), before);
    }
    assert_eq!(fs::read_dir(root.path()).expect("a directory").count(), 2);
}
