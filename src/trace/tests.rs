use std::path::Path;

use super::*;
use crate::job::JobId;
use crate::profile::Curve;
use crate::profile::ThroughputTable;
use crate::units::{Gpus, Rate, SimTime};
use proptest::prelude::*;

fn table() -> ThroughputTable {
    let mut table = ThroughputTable::new("t");
    for (model, batch) in [("bert", 64), ("bert", 128), ("vgg16", 32)] {
        let curve = [(1, 1.0), (2, 1.5), (4, 2.5), (8, 4.0), (16, 5.0), (64, 6.0)];
        let curve = Curve::new(curve.map(|(g, r)| (Gpus::new(g), Rate::new(r))).to_vec());
        table.insert(model, batch, curve.unwrap());
    }
    table
}

fn with(text: &str, deadline: &str) -> Result<Trace, InputErrors> {
    let deadline = (!deadline.is_empty()).then(|| deadline.parse().unwrap());
    parse("t.csv", text.as_bytes(), &table(), &ReadOptions { deadline, ..ReadOptions::default() })
}

/// Returns what is wrong with `text`, without the file's name.
fn wrong(text: &str, deadline: &str) -> String {
    with(text, deadline).expect_err(text).to_string().replace("t.csv: ", "")
}

const GENERATED: &str = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n\
                         a,0,600,bert,900,64,1,600,0\nb,0.25,1500,vgg16,,32,2,,1\n";

#[test]
fn a_generated_trace_is_read_and_written_as_it_was() {
    let trace = with(GENERATED, "").unwrap();
    assert_eq!((trace.format.name, &trace.drawn, &trace.notes), ("elasticflow", &vec![], &vec![]));
    let [a, b] = trace.workload.jobs() else { panic!() };
    assert_eq!((a.name.as_str(), a.deadline, a.id), ("a", Some(SimTime::from_secs(900)), JobId(0)));
    assert_eq!(
        (b.submit.as_micros(), b.deadline, b.duration, b.requested),
        (250_000, None, None, Gpus::new(2))
    );
    let mut out = Vec::new();
    write(&trace.workload, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), GENERATED);
    assert_eq!(head(&trace.workload, std::num::NonZeroUsize::MIN).jobs(), std::slice::from_ref(a));
}

#[test]
fn the_spelling_quoting_and_order_of_columns_are_free() {
    let text = "\u{feff}num_gpu,\"deadline\",batch_size, num_iteration ,user,model_name,submission_time,job_id\r\n\
                1.0,9e2,64,\"600\",eve,bert, 0 ,\"a, \"\"b\"\"\"\r\n";
    let trace = with(text, "").unwrap();
    assert_eq!(trace.format.name, "elasticflow-published");
    assert_eq!(trace.notes, ["ignores the column `user`"]);
    let job = trace.workload.job(JobId(0));
    assert_eq!((job.name.as_str(), job.deadline), ("a, \"b\"", Some(SimTime::from_secs(900))));
}

#[test]
fn real_columns_of_the_philly_trace_are_ignored() {
    let text = "job_id,submit_time,real_iteration,model_name,ddl,batch_size,num_gpu,real_duration,duration,iteration\n\
                0,0,1,bert,1000,64,1,1,500,500\n";
    let trace = with(text, "").unwrap();
    assert_eq!((trace.format.name, trace.workload.iterations().get()), ("elasticflow-philly", 500.0));
    assert!(trace.notes.is_empty());
}

const RAW: &str = "job_id,submission_time,duration,num_gpu\nx,10,1000,1\ny,20,1000,64\n";

#[test]
fn a_raw_trace_gets_what_it_lacks() {
    let trace = with(RAW, "factor:1.5").unwrap();
    assert_eq!((trace.format.name, trace.drawn.len()), ("itp-raw", 1));
    let [x, y] = trace.workload.jobs() else { panic!() };
    // 1000 s at 1 and at 6 iterations a second.
    assert_eq!((x.iterations.get(), y.iterations.get()), (1000.0, 6000.0));
    assert_eq!((x.deadline, y.deadline), (Some(SimTime::from_secs(1510)), Some(SimTime::from_secs(1520))));
    // vgg16 has 32 samples for 64 GPUs.
    assert_eq!(y.model, "bert");
}

/// What is drawn is the same on every machine and in every version: the expected values come from
/// the first run of this test.
#[test]
fn what_is_drawn_for_a_seed_never_changes() {
    let draw = |trace_seed| {
        let options =
            ReadOptions { deadline: "uniform:0.5,1.5".parse().ok(), trace_seed, ..Default::default() };
        let trace = parse("t.csv", RAW.as_bytes(), &table(), &options).unwrap();
        let jobs = trace.workload.jobs().iter();
        jobs.map(|job| format!("{} {} {}", job.model, job.batch_size, job.due())).collect::<Vec<_>>()
    };
    let expected = [
        ["bert 64 687", "bert 128 703"],
        ["vgg16 32 899", "bert 128 1485"],
        ["bert 64 1419", "bert 128 855"],
        ["bert 128 716", "bert 128 778"],
    ];
    assert_eq!([0, 1, 2, 3].map(draw), expected);
}

#[test]
fn rules_give_deadlines_in_their_range() {
    assert!(with(RAW, "none").unwrap().workload.jobs().iter().all(|job| job.deadline.is_none()));
    let deadline = |lo| with(RAW, &format!("uniform:{lo},1.5")).unwrap().workload.jobs()[0].deadline;
    assert!(deadline(0.5) >= Some(SimTime::from_secs(510)) && deadline(0.5) < Some(SimTime::from_secs(1510)));
    assert_eq!(deadline(1.5), Some(SimTime::from_secs(1510)));
}

#[test]
fn deadlines_are_neither_doubled_nor_missing() {
    assert_eq!(
        wrong(GENERATED, "uniform:0.5,1.5"),
        "line 1, ddl: already gives deadlines; leave out `--deadline uniform:0.5,1.5`, or remove the column"
    );
    assert_eq!(
        wrong(RAW, ""),
        "line 1: has no column `deadline` or `ddl`, and 2 jobs need a deadline; give a rule such as `--deadline \
         uniform:0.5,1.5`, or `--deadline none`"
    );
    let undated =
        "job_id,submit_time,iteration,model_name,batch_size,num_gpu,best_effort\n0,0,1,bert,64,1,1\n";
    assert_eq!(with(undated, "").unwrap().workload.len(), 1);
    assert_eq!(
        wrong(&undated.replace(",1\n", ",0\n"), "factor:2"),
        "line 2: has no `duration`, which `--deadline factor:2` is a share of; add it"
    );
    assert_eq!(
        wrong("job_id,submit_time,duration,num_gpu\n0,9999999999,9,1\n", "factor:2"),
        "line 2: gets a deadline beyond 10000000000 s from `--deadline factor:2`; give a smaller share"
    );
}

#[test]
fn a_requested_size_that_was_not_measured_is_an_error_only_where_it_is_used() {
    let trace = with(&GENERATED.replace("vgg16,,32,2", "vgg16,,32,3"), "").unwrap();
    assert_eq!(trace.notes.len(), 1);
    assert_eq!(
        trace.check_requested(&table()).unwrap_err().to_string(),
        "t.csv: line 3, num_gpu: `3` GPUs are not measured for `vgg16` at batch size 32 in profiles `t`; ask for one of \
         1, 2, 4, 8, 16, 64"
    );
    assert_eq!(with(GENERATED, "").unwrap().check_requested(&table()), Ok(()));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).unwrap();
        read(&dir.path().join(name), &table(), &ReadOptions::default())
    };
    let message = |result: Result<Trace, InputErrors>| {
        let text = result.unwrap_err().to_string();
        text.split_once(": ").unwrap().1.to_owned()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(GENERATED.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(read("t.csv.gz", &gzip).unwrap().workload.len(), 2);
    assert_eq!(read("t.csv", &gzip).unwrap().workload.len(), 2);
    for cut in [3, 12, gzip.len() / 2, gzip.len() - 1] {
        let text = message(read("t.csv.gz", &gzip[..cut]));
        assert_eq!(text, "is gzip data that ends early; copy or download the file again", "{cut}");
    }
    let mut damaged = gzip.clone();
    damaged[20] ^= 0xff;
    assert!(message(read("t.csv.gz", &damaged)).starts_with("is damaged gzip data ("));
    let plain = message(read("t.csv.gz", GENERATED.as_bytes()));
    assert_eq!(plain, "is named .gz and is not gzip data; compress it or rename it");
    let read_path = |path: &Path| message(super::read(path, &table(), &ReadOptions::default()));
    assert_eq!(read_path(dir.path()), "is a directory; give a file");
    assert_eq!(read_path(&dir.path().join("none.csv")), "does not exist; check the path");
}

#[test]
fn a_misspelt_column_is_an_error_unless_it_is_to_be_ignored() {
    let text = GENERATED.replace("best_effort", "best-effort").replace("duration", "Duration");
    let text = text.replace("b,0.25,1500,vgg16,,", "b,0.25,1500,vgg16,900,");
    assert_eq!(
        wrong(&text, ""),
        "line 1: `Duration` is no column of `elasticflow` traces; write `duration` if that is meant, or give \
         `--ignore-columns Duration`\nline 1: `best-effort` is no column of `elasticflow` traces; write `best_effort` \
         if that is meant, or give `--ignore-columns best-effort`"
    );
    let names = ["Duration", "best-effort"].map(str::to_owned);
    let options = ReadOptions { ignore_columns: &names, ..ReadOptions::default() };
    let trace = parse("t.csv", text.as_bytes(), &table(), &options).unwrap();
    assert_eq!(trace.notes, ["ignores the columns `Duration`, `best-effort`"]);
    assert!(trace.workload.jobs().iter().all(|job| job.deadline.is_some() && job.duration.is_none()));
    // A column of the format can be ignored, too; one that is not there cannot.
    let names = ["duration".to_owned()];
    let options = ReadOptions { ignore_columns: &names, ..ReadOptions::default() };
    let trace = parse("t.csv", GENERATED.as_bytes(), &table(), &options).unwrap();
    assert_eq!(
        (trace.workload.jobs()[0].duration, &trace.notes[..]),
        (None, &["ignores the column `duration`".to_owned()][..])
    );
    let why = parse("t.csv", text.as_bytes(), &table(), &options).unwrap_err().to_string();
    assert!(why.contains("line 1: `duration` is no column; leave it out of `--ignore-columns`"), "{why}");
}

#[test]
fn durations_in_another_unit_than_the_iterations_are_an_error_unless_they_are_allowed() {
    // 600 iterations at one a second are 600 s; job b states no duration.
    let text = GENERATED.replace(",600,0", ",600000,0");
    let finding = "durations are 1000 times what the iterations take at the GPUs asked for (the median of 1 job; from 1000 to \
                   1000); are the times in milliseconds? Say so by `--time-unit milliseconds`";
    assert_eq!(wrong(&text, ""), format!("{finding}, or go on by `--odd-durations allow`"));
    let options = ReadOptions { odd_durations: true, ..ReadOptions::default() };
    assert_eq!(parse("t.csv", text.as_bytes(), &table(), &options).unwrap().notes, [finding]);
    let options = ReadOptions { time_unit: Some(TimeUnit::Milliseconds), ..ReadOptions::default() };
    let trace = parse("t.csv", text.replace("900,64", "900000,64").as_bytes(), &table(), &options).unwrap();
    let job = trace.workload.job(JobId(0));
    assert_eq!((job.deadline, job.duration), (Some(SimTime::from_secs(900)), "600".parse().ok()));
    assert_eq!(trace.notes, Vec::<String>::new());
}

#[test]
fn checking_says_what_reading_says() {
    let check = |text: &str| check("t.csv", text.as_bytes(), &table(), &ReadOptions::default());
    let (checked, trace) = (check(GENERATED).unwrap(), with(GENERATED, "").unwrap());
    assert_eq!((checked.jobs, checked.format.name, checked.notes), (2, trace.format.name, trace.notes));
    let text = GENERATED.replace("b,0.25", "a,-1").replace(",600,bert", ",x,bert");
    assert_eq!(check(&text).unwrap_err(), with(&text, "").unwrap_err());
    let text = GENERATED.replace("1500", "0");
    let workless = with(&text, "").unwrap().check_work().unwrap_err();
    assert_eq!(check(&text).unwrap_err(), workless);
}

#[test]
fn of_many_problems_the_first_lines_are_kept_and_all_are_counted() {
    let rows: String = (0..9000).rev().map(|time| format!("a,{time},x,bert,9999,64,1,,0\n")).collect();
    let header = GENERATED.split_once('\n').unwrap().0;
    let errors = with(&format!("{header}\n{rows}"), "").unwrap_err();
    // Every iteration is wrong, and every id but the first.
    assert_eq!((errors.count(), errors.problems().len()), (9000 + 8999, 50));
    assert_eq!(errors.problems()[0].line, Some(2));
    assert_eq!(errors.problems()[49].line, Some(27));
}

#[test]
fn a_file_is_read_up_to_a_limit() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv.gz");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&[b','; 1_000_000]).unwrap();
    std::fs::write(&path, gzip.finish().unwrap()).unwrap();
    let most = ByteSize(1 << 16);
    let raw = file::read_raw(&path, most).unwrap();
    assert!(raw.len() < 5000);
    let why = file::unpack(&path, raw.clone(), most).unwrap_err().to_string();
    assert_eq!(why, "holds more than 64KiB; split it, or raise the limit of a trace by `--max-input`");
    assert_eq!(file::unpack(&path, raw, ByteSize(1_000_000)).unwrap().len(), 1_000_000);
    let why = file::read_raw(&path, ByteSize(10)).unwrap_err().to_string();
    assert!(why.starts_with("holds more than 10B; "), "{why}");
    assert_eq!(
        read(&path, &table(), &ReadOptions::default()).unwrap_err().problems()[0].message,
        "has more than 1000 values; is this the right file?"
    );
}

proptest! {
    /// Any bytes give a trace that can be simulated or at least one problem, and never a panic.
    #[test]
    fn damaged_bytes_are_answered(
        raw in any::<bool>(),
        edits in prop::collection::vec((0_usize..220, prop::sample::select(b"\"\n\r,;-.0159einaf\xff\xef\x00 ".to_vec()), 0_u8..3), 0..12),
        cut in 0_usize..300,
        rule in prop::sample::select(vec!["", "none", "uniform:0.5,1.5", "factor:1e6"]),
    ) {
        let mut bytes = if raw { RAW } else { GENERATED }.as_bytes().to_vec();
        for (place, byte, how) in edits {
            let place = place.min(bytes.len() - 1);
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ if bytes.len() > 1 => { bytes.remove(place); }
                _ => {}
            }
        }
        bytes.truncate(cut);
        let deadline = (!rule.is_empty()).then(|| rule.parse().unwrap());
        match parse("t.csv", &bytes, &table(), &ReadOptions { deadline, trace_seed: 7, ..Default::default() }) {
            Ok(trace) => prop_assert!(!trace.workload.is_empty()),
            Err(errors) => prop_assert!(!errors.problems().is_empty()),
        }
    }
}

/// The order of rows decides nothing but which of two jobs of the same instant comes first: ids,
/// random draws and the jobs themselves are the same.
#[test]
fn shuffled_rows_are_the_same_trace() {
    let rule = "uniform:0.5,1.5";
    let head = "job_id,submission_time,duration,num_gpu\n";
    let rows: Vec<String> = (0..60).map(|n| format!("j{n},{},{},1\n", n * 7, 100 + n * n % 37)).collect();
    let sorted = with(&format!("{head}{}", rows.concat()), rule).unwrap();
    // 23 and 60 have no common divisor, so that every row comes once.
    let shuffled: String = (0..60).map(|n| rows[n * 23 % 60].as_str()).collect();
    let shuffled = with(&format!("{head}{shuffled}"), rule).unwrap();
    assert_eq!(sorted.workload, shuffled.workload);
    assert_eq!(sorted.drawn, ["models, batch sizes and iterations", "deadlines"]);
    // At equal times the row decides.
    let equal = with(&format!("{head}b,5,100,1\na,5,100,1\nc,1,100,1\n"), rule).unwrap();
    let names: Vec<_> = equal.workload.jobs().iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "a"]);
}
