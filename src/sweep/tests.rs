//! Grids: their order, and everything that can be wrong with them.

use std::path::Path;

use super::point_key::BUILD;
use super::*;
use crate::experiment::{Layout, RunOutput, RunResult};

fn parse(text: &str) -> anyhow::Result<Grid> {
    Ok(Grid::parse("g.toml", text, Path::new("traces"))?)
}

fn check(text: &str) -> anyhow::Result<CheckedGrid> {
    parse(text)?.check()
}

fn why(text: &str) -> String {
    check(text).map_or_else(|why| format!("{why:#}"), |checked| format!("{} points", checked.points().len()))
}

const BASE: &str = "trace = 'light-100.csv'\n";

fn with(text: &str) -> String {
    why(&format!("{BASE}{text}"))
}

/// The points as the values of all columns.
fn points(text: &str) -> Vec<String> {
    let checked = check(text).unwrap_or_else(|why| panic!("{why:#}"));
    let line = |point: &Point| {
        let values: Vec<_> = checked.columns().iter().map(|column| point.value(column)).collect();
        format!("{} {}", point.number(), values.join("|"))
    };
    checked.points().map(line).collect()
}

/// The options of the points.
fn options(text: &str) -> Vec<String> {
    let checked = check(text).unwrap_or_else(|why| panic!("{why:#}"));
    checked.into_runs().map(|run| run.scenario().options.to_json().to_string()).collect()
}

#[test]
fn the_first_key_is_the_outermost_loop() {
    let text = "slot = [60, 1.5]\nscheduler = ['edf', 'ef']\ntrace = 'light-100.csv'\nseed = [1, 2]\n";
    let trace = "light-100.csv";
    assert_eq!(
        points(text),
        [
            format!("1 60|edf|{trace}|1"),
            format!("2 60|edf|{trace}|2"),
            format!("3 60|ef|{trace}|1"),
            format!("4 60|ef|{trace}|2"),
            format!("5 1.5|edf|{trace}|1"),
            format!("6 1.5|edf|{trace}|2"),
            format!("7 1.5|ef|{trace}|1"),
            format!("8 1.5|ef|{trace}|2"),
        ]
    );
}

#[test]
fn blocks_say_what_differs_and_options_are_axes() {
    let text = "
        trace = 'light-100.csv'
        cluster = ['8x8', '16x8']
        [[grid]]
        scheduler = ['edf', 'fifo']
        cluster = '4x8'
        [[grid]]
        scheduler = 'themis'
        set.lease = [600, 1200]
        [[grid]]
        scheduler = ['gandiva', 'tiresias']
        set = ['gandiva.quantum=30', ['quantum=90', 'index=gittins']]
        cluster = '2x8'
        [[exclude]]
        cluster = '8x8'
        set.lease = '600'
        [[grid]]
        scheduler = 'tiresias'
        cluster = '2x8'
        set.thresholds = [[3250, 7200], '[9]']
    ";
    assert_eq!(
        points(text).iter().map(|point| point.replace("light-100.csv|", "")).collect::<Vec<_>>(),
        [
            "1 4x8|edf|||",
            "2 4x8|fifo|||",
            "3 8x8|themis|1200||",
            "4 16x8|themis|600||",
            "5 16x8|themis|1200||",
            "6 2x8|gandiva||gandiva.quantum=30|",
            "7 2x8|gandiva||quantum=90 index=gittins|",
            "8 2x8|tiresias||gandiva.quantum=30|",
            "9 2x8|tiresias||quantum=90 index=gittins|",
            "10 2x8|tiresias|||[3250, 7200]",
            "11 2x8|tiresias|||[9]",
        ]
    );
    let options = options(text);
    assert_eq!(options[2], r#"{"lease":1200}"#);
    assert_eq!(options[5], r#"{"quantum":30}"#);
    assert_eq!(options[6], r#"{"quantum":90}"#);
    assert_eq!(options[7], "{}");
    assert_eq!(options[9], r#"{"thresholds":[3250,7200]}"#);
    assert_eq!(options[8], r#"{"index":"gittins","quantum":90}"#);
}

/// What is for one scheduler alone leaves one point to the others, and what is for all of them does
/// not.
#[test]
fn an_option_of_one_scheduler_is_an_axis_for_that_one() {
    let text = "
        trace = 'light-100.csv'
        scheduler = ['edf', 'themis', 'gandiva']
        set.themis.lease = [600, 1200]
        slot = [60, 300]
    ";
    let points: Vec<_> = points(text).iter().map(|point| point.replace("light-100.csv|", "")).collect();
    let expected = [
        "1 edf||60",
        "2 edf||300",
        "3 themis|600|60",
        "4 themis|600|300",
        "5 themis|1200|60",
        "6 themis|1200|300",
        "7 gandiva||60",
        "8 gandiva||300",
    ];
    assert_eq!(points, expected);
    let lease = |seconds: u32| format!("{{\"lease\":{seconds}}}");
    let themis = [lease(600), lease(600), lease(1200), lease(1200)];
    assert_eq!(options(text)[2..6], themis);
    assert_eq!(options(text)[7], "{}");
    // An alias is the scheduler's name, too, and an [[exclude]] leaves out that scheduler's points.
    let text = "
        trace = 'light-100.csv'
        scheduler = ['fifo', 'tiresias']
        [set.dlas-gpu]
        promote_after = [0, 8]
        [[exclude]]
        set.dlas-gpu.promote_after = 8
    ";
    assert_eq!(options(text), ["{}", r#"{"promote_after":0}"#]);
    // A scheduler that is not run has no axis.
    assert_eq!(
        with("scheduler = ['fifo', 'srtf']\nset.themis.lease = [600, 1200]"),
        "g.toml: point 1 (scheduler=fifo, set.themis.lease=600): --set `themis.lease=600` is for `themis`, which is \
         not run; leave it out"
    );
}

#[test]
fn files_start_at_the_folder_of_the_text_and_go_by_their_names() {
    let checked = check("trace = 'light-100.csv'\nscheduler = ['edf', 'fifo']").unwrap();
    let runs: Vec<_> = checked.into_runs().collect();
    let manifest = runs[0].manifest();
    assert_eq!(runs[0].title(), "edf on light-100.csv");
    assert_eq!(manifest.inputs()[0].path(), "light-100.csv");
    assert_eq!(manifest.command(), ["run", "--trace", "light-100.csv", "--scheduler", "edf"]);
    // Read once, and shared.
    let [one, other] = [0, 1].map(|n| runs[n].scenario());
    assert!(std::sync::Arc::ptr_eq(&one.workload, &other.workload));
    assert!(std::sync::Arc::ptr_eq(&one.truth, &other.truth));
}

#[test]
fn a_key_follows_from_what_decides_the_results() {
    let key = |text: &str| {
        let checked = check(&format!("{BASE}{text}")).unwrap();
        checked.points().next().unwrap().key().clone()
    };
    let plain = key("scheduler = 'edf'");
    assert_eq!((plain.to_string().len(), plain.directory().len()), (64, 16));
    // Other words for the same, and another place in a grid, change nothing.
    for same in
        ["scheduler = ['edf', 'fifo']", "scheduler = 'edf'\nslot = 60", "slot = '60'\nscheduler = ['edf']"]
    {
        assert_eq!(key(same), plain, "{same}");
    }
    for other in ["scheduler = 'fifo'", "scheduler = 'edf'\nslot = 61", "scheduler = 'edf'\nuntil = 9"] {
        assert_ne!(key(other), plain, "{other}");
    }
}

#[test]
fn a_point_of_another_build_is_not_there() {
    let checked = check(&format!("{BASE}scheduler = 'edf'")).unwrap();
    let (key, root) = (checked.points().next().unwrap().key().clone(), tempfile::tempdir().unwrap());
    let out = root.path().join("out");
    let recording =
        crate::report::RunDirectory::begin(std::slice::from_ref(&out), false).unwrap().pop().unwrap();
    let run = checked.into_runs().next().unwrap();
    let manifest = crate::report::to_json(&run.manifest());
    let output = Some(RunOutput::new(recording, Layout::Default));
    run.simulate(output, &mut ()).unwrap().finish(None).unwrap().publish().unwrap();
    assert!(stored::summary(&out, &key, BUILD).is_some());
    assert!(stored::summary(&out, &key, "other").is_none());
    // Its key is another one, so that the point has another place.
    assert_eq!(PointKey::stored(BUILD, &manifest), key);
    assert_ne!(PointKey::stored("other", &manifest), key);
}

#[test]
fn results_come_in_the_order_of_the_grid_on_any_number_of_threads() {
    let text = format!("{BASE}scheduler = ['elasticflow', 'fifo', 'edf']\ncluster = ['4x8', '16x8']\n");
    let run = |threads| {
        let then = |point: &Point, result: RunResult, ()| {
            assert_eq!(result.jobs().len(), 100);
            Ok((point.number(), result.summary().digest.clone()))
        };
        check(&text).unwrap().each(std::num::NonZeroUsize::new(threads), |_| (), then).unwrap()
    };
    let one = run(1);
    assert_eq!(one.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(one, run(4));
}

#[test]
fn what_is_wrong_with_the_text_is_said_with_its_place() {
    let keys = "keys are the options of `run`: trace, cluster, gpu, profiles, slot, overhead, placer, preset, seed, \
                deadline, trace-seed, time-unit, ignore-columns, odd-durations, max-input, until, bound, scheduler, set";
    for (text, expected) in [
        ("sloot = 1", format!("line 1, column 1: unknown key `sloot`; {keys}; did you mean `slot`?")),
        (
            " schedulers = 1",
            format!("line 1, column 2: unknown key `schedulers`; {keys}; did you mean `scheduler`?"),
        ),
        ("[[grids]]", format!("line 1, column 3: unknown key `grids`; {keys}; did you mean `grid`?")),
        ("[[grid]]\nout = 1", format!("line 2, column 1: unknown key `out`; {keys}; did you mean `set`?")),
        ("slot = ", "line 1, column 8: is not TOML: has no value, or a text without quotes".into()),
        (
            "slot = ['a']",
            "line 1, column 9: slot: `a`: not a number of seconds; give seconds, such as 60 or 0.5".into(),
        ),
        ("slot = [1, -1]", "line 1, column 12: slot: `-1`: negative; give seconds, such as 60 or 0.5".into()),
        ("slot = [1, [2]]", "line 1, column 12: slot: `[2]` is neither text nor a decimal number".into()),
        ("seed = 0x10", "line 1, column 8: seed: `0x10` is neither text nor a decimal number".into()),
        (
            "slot = []",
            "line 1, column 8: slot: an empty list leaves no point; give at least one value".into(),
        ),
        ("slot = [60, 5, 60]", "line 1, column 16: slot: `60` is in the list twice; keep one".into()),
        ("trace = ''", "line 1, column 9: trace: is empty; give a value".into()),
        ("gpu = 'a10'", "line 1, column 7: gpu: `a10` is not known; known are a100, t4".into()),
        ("grid = 1", "line 1, column 1: `grid` is not a list of tables; begin each with [[grid]]".into()),
        ("grid = [1]", "line 1, column 9: `grid` is not a list of tables; begin each with [[grid]]".into()),
        (
            "[[exclude]]",
            "line 1, column 1: this [[exclude]] is empty and would leave out every point; say which".into(),
        ),
    ] {
        assert_eq!(why(text), format!("g.toml: {expected}"), "{text}");
    }
    // Everything at once, in the order of the text.
    let all = why("seed = 'x'\nslto = 1\n[[grid]]\ncluster = []\n");
    let lines: Vec<_> = all.lines().map(|line| line.split(':').nth(1).unwrap_or_default()).collect();
    assert_eq!(lines, [" line 1, column 8", " line 2, column 1", " line 4, column 11"], "{all}");
    let many = why(&(0..60).map(|n| format!("k{n} = 1\n")).collect::<String>());
    assert!(many.ends_with("g.toml: and 10 more problems"), "{many}");
}

#[test]
fn what_does_not_go_together_is_said_with_its_point() {
    for (text, expected) in [
        ("", "`scheduler` is missing; add scheduler = \"...\" or a list of them"),
        (
            "[[grid]]\nseed = 1\n",
            "`scheduler` is missing for the [[grid]] at line 2, column 1; add scheduler = \"...\" or a list of them",
        ),
        (
            "scheduler = ['pollux', 'fifo']\npreset = ['default', 'paper']",
            "point 4 (scheduler=fifo, preset=paper): `fifo` has no preset `paper`; it has: default",
        ),
        (
            "scheduler = ['fifo', 'srtf']\nset.leese = 1",
            "point 1 (scheduler=fifo): --set `leese=1`: unknown option `leese`; `fifo` takes none, `srtf` takes none",
        ),
        (
            "scheduler = ['fifo', 'themis']\nset.lease = [600, 1200]",
            "point 1 (scheduler=fifo, set.lease=600) and point 2 (scheduler=fifo, set.lease=1200) are the same run; \
             leave one out by [[exclude]], or give what only some schedulers take a [[grid]] of its own",
        ),
        (
            "scheduler = 'fifo'\ngpu = 't4'\nprofiles = 'x.csv'",
            "point 1: `--gpu t4` and `--profiles traces/x.csv` both give a table of speeds; leave one out",
        ),
        (
            "scheduler = 'fifo'\ncluster = ['16x8', '16y8']",
            "point 2 (cluster=16y8): `16y8` is not a cluster; give NODESxGPUS, such as 16x8, or a TOML file",
        ),
        ("scheduler = 'fifo'\ncluster = ['16x8', '2x6']", "point 2 (cluster=2x6): "),
        (
            "scheduler = 'fifo'\n[[exclude]]\nscheduler = 'edf'",
            "the [[exclude]] at line 3, column 1 leaves out no point; correct it or take it away",
        ),
        (
            "scheduler = 'fifo'\n[[exclude]]\nscheduler = 'fifo'",
            "every point is excluded; there is nothing to run",
        ),
    ] {
        let found = with(text);
        let expected = format!("g.toml: {expected}");
        assert!(found == expected || (expected.ends_with(": ") && found.starts_with(&expected)), "{found}");
    }
    assert_eq!(
        why("trace = 'none.csv'\nscheduler = 'fifo'"),
        "g.toml: point 1: traces/none.csv: does not exist; check the path"
    );
    let seeds = (0..1001).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(
        with(&format!("scheduler = 'fifo'\nseed = [{seeds}]\ntrace-seed = [{seeds}]")),
        "g.toml: the product of the axes is more than 1000000 points; split the grid"
    );
    assert!(
        format!("{:#}", Grid::read(Path::new("traces/none.toml")).unwrap_err())
            .starts_with("traces/none.toml: does not exist")
    );
}
