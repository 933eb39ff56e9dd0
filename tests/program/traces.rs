//! Reads what the library reads: bad input with its exact messages, the traces that the project
//! ships, and the published ones where they are at hand.

use std::path::{Path, PathBuf};

use elasticflow_sim::config::applications;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::profile::ThroughputTable;
use elasticflow_sim::trace::{self, GenerateOptions, InputErrors, ReadOptions, Trace};

fn a100() -> ThroughputTable {
    builtin("a100").unwrap()
}

fn read(path: &Path, table: &ThroughputTable, deadline: &str) -> Result<Trace, InputErrors> {
    let deadline = (!deadline.is_empty()).then(|| deadline.parse().unwrap());
    trace::read(path, table, &ReadOptions { deadline, ..ReadOptions::default() })
}

fn fixture(name: &str) -> Result<Trace, String> {
    let path = Path::new("tests/fixtures").join(name);
    let deadline = if name.starts_with("raw") { "uniform:0.5,1.5" } else { "" };
    read(&path, &a100(), deadline).map_err(|errors| errors.to_string().replace("tests/fixtures/", ""))
}

fn messages(names: &[&str]) -> String {
    let all: Vec<_> = names.iter().map(|name| fixture(name).expect_err(name)).collect();
    all.join("\n")
}

#[test]
fn tables_that_are_no_traces() {
    let names = [
        "empty.csv",
        "header-only.csv",
        "missing-columns.csv",
        "unknown-format.csv",
        "semicolons.csv",
        "two-spellings.csv",
    ];
    insta::assert_snapshot!(messages(&names), @r#"
    empty.csv: is empty; the first line names the columns
    header-only.csv: has a header and no jobs; add a row for each
    missing-columns.csv: line 1: has no column `submit_time` or `submission_time`, which `elasticflow` traces have; add it: submission, seconds on the trace's clock
    missing-columns.csv: line 1: has no column `iteration` or `num_iteration`, which `elasticflow` traces have; add it: work, whole iterations
    missing-columns.csv: line 1: has no column `batch_size`, which `elasticflow` traces have; add it: global batch size, samples per iteration
    missing-columns.csv: line 1: has no column `num_gpu`, which `elasticflow` traces have; add it: GPUs that the user asked for
    unknown-format.csv: line 1: `name,start,end` has the columns of no known trace format; `list formats` shows them
    semicolons.csv: line 1: separates its columns by ';'; separate them by commas
    two-spellings.csv: line 1: `submit_time` and `submission_time` are two names of one column; keep one
    two-spellings.csv: line 1: `ddl` and `deadline` are two names of one column; keep one
    two-spellings.csv: line 1: `num_gpu` is the name of two columns; keep one
    "#);
}

#[test]
fn rows_that_are_no_jobs() {
    let names = ["row-lengths.csv", "cut-off.csv", "open-quote.csv", "not-utf8.csv", "utf16.csv"];
    insta::assert_snapshot!(messages(&names), @r#"
    row-lengths.csv: line 2: has 8 values; the header names 9 columns
    row-lengths.csv: line 4: has 10 values; the header names 9 columns
    cut-off.csv: line 3: has 3 values; the header names 9 columns, and the file ends in this line: was it cut off?
    open-quote.csv: line 3: has a quoted value that never ends; close it with `"`
    not-utf8.csv: line 3, job_id: `b�` is not UTF-8 text; save the file as UTF-8
    not-utf8.csv: line 4, model_name: `b�rt` is not UTF-8 text; save the file as UTF-8
    utf16.csv: is UTF-16 text; save it as UTF-8
    "#);
}

#[test]
fn ids_that_do_not_identify() {
    insta::assert_snapshot!(messages(&["duplicate-ids.csv", "empty-id.csv"]), @r#"
    duplicate-ids.csv: line 4, job_id: `a` is already the id in line 2; give every job its own
    duplicate-ids.csv: line 5, job_id: `b` is already the id in line 3; give every job its own
    empty-id.csv: line 2, job_id: is empty; give a name
    empty-id.csv: line 3, job_id: `  ` is empty; give a name
    "#);
}

#[test]
fn numbers_that_are_none() {
    insta::assert_snapshot!(messages(&["numbers.csv"]), @r#"
    numbers.csv: line 2, submit_time: `-1` is negative; give seconds from 0 to 10000000000
    numbers.csv: line 2, num_gpu: `0` is too small; give a whole number of GPUs from 1 to 1000000
    numbers.csv: line 2, iteration: `0` is too small; give a whole number of iterations from 1 to 1000000000000
    numbers.csv: line 3, submit_time: `NaN` is not a number; give seconds from 0 to 10000000000
    numbers.csv: line 3, num_gpu: `2.5` is not whole; give a whole number of GPUs from 1 to 1000000
    numbers.csv: line 3, duration: `-3` is negative; give seconds from 0 to 10000000000
    numbers.csv: line 3, batch_size: `0` is too small; give a whole number of samples from 1 to 4294967295
    numbers.csv: line 3, iteration: `1.5` is not whole; give a whole number of iterations from 1 to 1000000000000
    numbers.csv: line 3, best_effort: `2` is not a flag; give 0 or 1
    numbers.csv: line 3, ddl: `inf` is too large; give seconds from 0 to 10000000000
    numbers.csv: line 4, submit_time: `1e11` is too large; give seconds from 0 to 10000000000
    numbers.csv: line 4, num_gpu: `-4` is negative; give a whole number of GPUs from 1 to 1000000
    numbers.csv: line 4, batch_size: `64.5` is not whole; give a whole number of samples from 1 to 4294967295
    numbers.csv: line 4, iteration: `1e13` is too large; give a whole number of iterations from 1 to 1000000000000
    numbers.csv: line 4, best_effort: `yes` is not a flag; give 0 or 1
    numbers.csv: line 4, ddl: `x` is not a number; give seconds from 0 to 10000000000
    numbers.csv: line 5, submit_time: is empty; give seconds from 0 to 10000000000
    numbers.csv: line 5, num_gpu: is empty; give a whole number of GPUs from 1 to 1000000
    numbers.csv: line 5, duration: `1e99` is too large; give seconds from 0 to 10000000000
    numbers.csv: line 5, batch_size: is empty; give a whole number of samples from 1 to 4294967295
    numbers.csv: line 5, iteration: is empty; give a whole number of iterations from 1 to 1000000000000
    numbers.csv: line 5, best_effort: is empty; give 0 or 1
    numbers.csv: line 5, ddl: is empty; give seconds, or 1 under `best_effort` for a job without a deadline
    "#);
}

#[test]
fn jobs_that_cannot_be_simulated() {
    insta::assert_snapshot!(messages(&["deadline.csv", "models.csv", "too-long.csv", "raw.csv"]), @r#"
    deadline.csv: line 2, ddl: `99` is before the submission at 100; give a later deadline
    deadline.csv: line 3, ddl: is empty; give seconds, or 1 under `best_effort` for a job without a deadline
    models.csv: line 2, model_name: model `lenet` is not in profiles `a100`, which have bert, deepspeech2, gpt2, inception3, resnet50, resnet50_cifar10, vgg16; correct it, or choose other profiles by `--gpu` or `--profiles`
    models.csv: line 3, batch_size: batch size 32 of `bert` is not in profiles `a100`, which have 64, 128; correct it, or choose other profiles by `--gpu` or `--profiles`
    models.csv: line 4, model_name: model `BERT` is not in profiles `a100`, which have bert, deepspeech2, gpt2, inception3, resnet50, resnet50_cifar10, vgg16; correct it, or choose other profiles by `--gpu` or `--profiles`
    too-long.csv: line 2, iteration: `1000000000000` is too much work: 1000000000000 iterations on 1 GPU take more than 10000000000 s; give less
    raw.csv: line 2, num_gpu: `3` is a number of GPUs at which profiles `a100` have no model with as large a batch; give one of 1, 2, 4, 8, 16, 32, 64, or remove the row
    raw.csv: line 3, duration: `0` leaves no time to work in; give more than 0 s
    raw.csv: line 4, duration: is empty; give seconds from 0 to 10000000000
    raw.csv: line 4, num_gpu: `128` is a number of GPUs at which profiles `a100` have no model with as large a batch; give one of 1, 2, 4, 8, 16, 32, 64, or remove the row
    raw.csv: line 5, duration: `9999999999` is too much work: 92458588659 iterations on 1 GPU take more than 10000000000 s; give less
    "#);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_problem() {
    let trace = fixture("windows.csv").unwrap();
    assert_eq!(trace.workload.jobs()[1].name, "b \"x\", y");
}

/// The `trace generate` commands of `traces/README.md`: the options of each, and the file that it
/// writes.
fn recipes() -> Vec<(GenerateOptions, String)> {
    let readme = std::fs::read_to_string("traces/README.md").unwrap();
    let commands =
        readme.lines().filter_map(|line| line.trim().strip_prefix("elasticflow-sim trace generate "));
    commands.map(recipe).collect()
}

fn recipe(command: &str) -> (GenerateOptions, String) {
    let mut options = GenerateOptions::default();
    let mut out = None;
    let mut words = command.split_whitespace();
    while let (Some(flag), Some(value)) = (words.next(), words.next()) {
        match flag {
            "--jobs" => options.jobs = value.parse().unwrap(),
            "--mean-interarrival" => options.mean_interarrival = value.parse().unwrap(),
            "--tightness" => {
                let (lo, hi) = value.split_once(',').unwrap();
                options.tightness = (lo.parse().unwrap(), hi.parse().unwrap());
            }
            "--best-effort" => options.best_effort_share = value.parse().unwrap(),
            "--max-gpus" => options.max_gpus = value.parse().unwrap(),
            "--burst" => options.burst = value.parse().unwrap(),
            "--seed" => options.seed = value.parse().unwrap(),
            "--out" => out = Some(value.to_owned()),
            _ => panic!("{flag}"),
        }
    }
    (options, out.unwrap())
}

#[test]
fn every_trace_we_ship_is_what_its_command_writes() {
    let recipes = recipes();
    let mut written: Vec<_> = recipes.iter().map(|(_, file)| file.clone()).collect();
    written.sort();
    let mut shipped: Vec<_> =
        std::fs::read_dir("traces").unwrap().map(|entry| entry.unwrap().path()).collect();
    shipped.retain(|path| path.extension().is_some_and(|ext| ext == "csv"));
    shipped.sort();
    assert_eq!(shipped, written.iter().map(PathBuf::from).collect::<Vec<_>>());
    for (options, file) in recipes {
        let workload = trace::generate(&options, &a100()).unwrap();
        let mut bytes = Vec::new();
        trace::write(&workload, &mut bytes).unwrap();
        let shipped = std::fs::read_to_string(&file).unwrap();
        // Not `assert_eq`, which would print both.
        assert!(shipped == String::from_utf8(bytes).unwrap(), "{file} is not what its command writes");
        let back = read(Path::new(&file), &a100(), "").unwrap();
        assert_eq!((&*back.workload, back.notes.len()), (&workload, 0), "{file}");
    }
}

/// Where the published traces are, or a word that they are not.
fn data() -> Option<PathBuf> {
    let data =
        std::env::var_os("ELASTICFLOW_SIM_DATA").map_or(PathBuf::from("../shared/data"), PathBuf::from);
    let found = data.join("traces").is_dir();
    if !found {
        eprintln!(
            "skipped: no published traces in {}; set ELASTICFLOW_SIM_DATA to where they are",
            data.display()
        );
    }
    found.then_some(data.join("traces"))
}

#[test]
fn the_published_clusters_are_read_as_they_were_made() {
    let Some(data) = data() else { return };
    let counts = [1595, 5778, 3011, 15802, 3629, 2396, 12699, 13047, 11134, 260];
    assert_eq!(counts.iter().sum::<usize>(), 69_351);
    let table = a100();
    let (mut jobs, mut equal) = (0, 0);
    let clusters =
        counts.iter().enumerate().map(|(i, count)| (format!("itp/cluster{:02}.csv", i + 1), *count));
    for (file, count) in clusters.chain([("itp/195job.csv".to_owned(), 195)]) {
        let trace = read(&data.join(&file), &table, "").unwrap();
        assert_eq!(
            (trace.workload.len(), trace.format.name, trace.drawn.is_empty()),
            (count, "elasticflow-published", true)
        );
        assert_eq!(trace.check_requested(&table), Ok(()), "{file}");
        assert!(trace.notes.is_empty());
        for job in trace.workload.jobs() {
            // As their authors made them: the iterations done in the duration, cut.
            let rate = table.curve(&job.model, job.batch_size).unwrap().rate(job.requested).unwrap();
            let made = (rate * job.duration.unwrap()).get().floor();
            jobs += 1;
            equal += usize::from(made == job.iterations.get());
            // …and a deadline of 0.5 to 1.5 durations.
            let share =
                job.deadline.unwrap().since(job.submit).as_secs_f64() / job.duration.unwrap().as_secs_f64();
            assert!((0.499..1.5).contains(&share), "{file}: {job:?}");
        }
    }
    assert_eq!((jobs, equal), (69_546, 69_546));
}

#[test]
fn the_artifacts_traces_are_read() {
    let Some(data) = data() else { return };
    for (file, gpu, format, count, best_effort) in [
        ("artifact/philly_103959.csv", "a100", "elasticflow-philly", 876, 0),
        ("artifact/elasticVpollux_e.csv", "t4", "elasticflow", 195, 0),
        ("artifact/fig9_1000jobs.csv", "a100", "elasticflow", 1000, 0),
        ("artifact/fig10_100jobs.csv", "a100", "elasticflow", 100, 0),
        ("artifact/fig11_200jobs_be0.1.csv", "a100", "elasticflow", 200, 27),
        ("artifact/fig11_200jobs_be0.5.csv", "a100", "elasticflow", 200, 105),
        ("artifact/fig11_200jobs_be0.9.csv", "a100", "elasticflow", 200, 186),
        ("artifact/resnet_cifar_trace.csv", "a100", "elasticflow", 5, 0),
    ] {
        let trace = read(&data.join(file), &builtin(gpu).unwrap(), "").unwrap();
        assert_eq!((trace.workload.len(), trace.format.name), (count, format), "{file}");
        let without = trace.workload.jobs().iter().filter(|job| job.deadline.is_none()).count();
        assert_eq!(without, best_effort, "{file}");
    }
}

#[test]
fn raw_clusters_are_the_published_ones_without_their_work() {
    let Some(data) = data() else { return };
    for (cluster, count) in [("cluster06.csv", 2396), ("cluster10.csv", 260)] {
        let raw = read(&data.join("itp-raw").join(cluster), &a100(), "uniform:0.5,1.5").unwrap();
        assert_eq!((raw.workload.len(), raw.format.name, raw.drawn.len()), (count, "itp-raw", 2));
        let published = read(&data.join("itp").join(cluster), &a100(), "").unwrap();
        for (ours, theirs) in raw.workload.jobs().iter().zip(published.workload.jobs()) {
            assert_eq!(
                (&ours.name, ours.submit, ours.requested, ours.duration),
                (&theirs.name, theirs.submit, theirs.requested, theirs.duration)
            );
        }
    }
}

#[test]
fn a_job_without_work_is_read_and_refused_by_name() {
    let Some(data) = data() else { return };
    for entry in std::fs::read_dir(data.join("micro")).unwrap() {
        let path = entry.unwrap().path();
        let result = read(&path, &a100(), "").map_err(|errors| errors.to_string());
        if path.ends_with("G_zeroiter.csv") {
            // Some schedules of the artifact run it.
            let text = result.unwrap().check_work().unwrap_err().to_string();
            let expected = "line 2, iteration: `0` is too small; give a whole number of iterations from 1 to 1000000000000";
            assert_eq!(text, format!("{}: {expected}", path.display()));
        } else {
            assert_eq!(result.map(|trace| trace.check_work()), Ok(Ok(())), "{}", path.display());
        }
    }
}

#[test]
fn the_workloads_of_pollux_are_read() {
    let Some(data) = data() else { return };
    let (table, known) = (builtin("t4").unwrap(), applications::builtin("t4").unwrap());
    let options = ReadOptions { applications: Some(&known), ..ReadOptions::default() };
    // How many jobs there are of each application, in the order of their names; and how many ask
    // for 6, 12, 24, 48 GPUs or others at which their model was not measured.
    for (workload, counts, unmeasured) in
        [(1, [7, 66, 12, 4, 68, 3], 49), (2, [8, 65, 18, 3, 59, 7], 58), (3, [14, 51, 14, 0, 67, 14], 50)]
    {
        let trace =
            trace::read(&data.join(format!("pollux/workload-{workload}.csv")), &table, &options).unwrap();
        assert_eq!((trace.workload.len(), trace.format.name, trace.drawn.len()), (160, "pollux", 0));
        let jobs = trace.workload.jobs();
        let found: Vec<_> =
            known.iter().map(|one| jobs.iter().filter(|job| job.model == one.name).count()).collect();
        assert_eq!(found, counts);
        assert!(jobs.iter().all(|job| job.deadline.is_none() && job.duration.is_some()));
        // Policies that run jobs on the GPUs asked for are told which they cannot run.
        let cannot = trace.check_requested(&table).unwrap_err();
        assert_eq!(cannot.count(), unmeasured);
    }
}

/// The trace of figure 8a states the iterations that a training took at its batch size: those that
/// are entered with the applications.
#[test]
fn the_trace_of_figure_8a_has_the_iterations_of_its_applications() {
    let Some(data) = data() else { return };
    let known = applications::builtin("t4").unwrap();
    let trace = read(&data.join("artifact/elasticVpollux_e.csv"), &builtin("t4").unwrap(), "").unwrap();
    for job in trace.workload.jobs() {
        let application = known.get(&job.model).unwrap();
        assert_eq!(application.tried.get(&job.batch_size), Some(&job.iterations.get()), "{job:?}");
    }
}
