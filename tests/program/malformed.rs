//! Input that is damaged in every way that the tables below know: each kind of file with each kind
//! of damage is refused, without a panic, and what is said of it is in the snapshot.

use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use elasticflow_sim::config::{applications, cluster, profiles};
use elasticflow_sim::sweep::Grid;
use elasticflow_sim::trace::{self, ReadOptions};

/// A kind of file: its name, what is right, and what reads it.
struct Kind {
    name: &'static str,
    right: &'static str,
    read: fn(&Path) -> Result<(), String>,
}

const TABLES: [Kind; 5] = [
    Kind {
        name: "elasticflow.csv",
        right: "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n\
                a,0,1000,bert,9000,64,1,100,0\nb,10,1000,vgg16,9000,64,2,100,0\n",
        read: read_trace,
    },
    Kind {
        name: "raw.csv",
        right: "job_id,submission_time,duration,num_gpu,deadline\na,0,100,1,500\nb,5,100,2,500\n",
        read: read_trace,
    },
    Kind {
        name: "chronus.csv",
        right: "job_id,num_gpu,submit_time,duration,expect_time_list,expect_value_list\n\
                a,1,0,100,500-600,100-50\nb,2,5,100,500,100\n",
        read: read_trace,
    },
    Kind {
        name: "pollux.csv",
        right: "name,time,application,num_replicas,batch_size\na,0,bert,1,64\nb,5,ncf,1,32768\n",
        read: read_workload,
    },
    Kind {
        name: "profiles.csv",
        right: "model,batch_size,gpus,iterations_per_second\nbert,64,1,5.5\nbert,64,2,8\n",
        read: read_profiles,
    },
];

const DOCUMENTS: [Kind; 3] = [
    Kind {
        name: "cluster.toml",
        right: "nodes = 2\ngpus_per_node = 8\n",
        read: |path| said(cluster::read(&path.display().to_string())),
    },
    Kind {
        name: "profiles.toml",
        right: "[[curve]]\nmodel = \"bert\"\nbatch_size = 64\niterations_per_second = { 1 = 5.5, 2 = 8.0 }\n",
        read: read_profiles,
    },
    Kind {
        name: "grid.toml",
        right: "trace = \"t.csv\"\nscheduler = [\"edf\", \"fifo\"]\nslot = 60\n[set]\nlease = [1, 2]\n",
        read: |path| said(Grid::read(path)),
    },
];

fn said<T>(result: Result<T, impl Into<anyhow::Error>>) -> Result<(), String> {
    result.map(|_| ()).map_err(|why| format!("{:#}", why.into()))
}

fn read_trace(path: &Path) -> Result<(), String> {
    let table = profiles::builtin("a100").expect("a100 is built in");
    said(trace::read(path, &table, &ReadOptions::default()))
}

fn read_workload(path: &Path) -> Result<(), String> {
    let (table, applications) = (profiles::builtin("t4"), applications::builtin("t4"));
    let (table, deadline) = (table.expect("t4 is built in"), "factor:2".parse().ok());
    let options = ReadOptions { deadline, applications: applications.as_ref(), ..ReadOptions::default() };
    said(trace::read(path, &table, &options))
}

fn read_profiles(path: &Path) -> Result<(), String> {
    said(profiles::read(path))
}

/// What a whole file is replaced by.
fn replaced(right: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = [0xff, 0xfe].into_iter().chain(right.bytes().flat_map(|byte| [byte, 0]));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(right.as_bytes()).expect("in memory");
    let mut gzip = gzip.finish().expect("in memory");
    gzip.truncate(gzip.len() / 2);
    vec![
        ("UTF-16", utf16.collect()),
        ("bytes of zero", vec![0; 300]),
        ("an Excel workbook", b"PK\x03\x04\x14\0\x06\0".to_vec()),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\0".to_vec()),
        ("bzip2", b"BZh91AY&SY".to_vec()),
        ("half of a gzip file", gzip),
        ("not UTF-8", [right.as_bytes(), b"\xe9\xff\n"].concat()),
    ]
}

/// What a table is replaced by, or what becomes of its lines.
fn lines(right: &str) -> Vec<(&'static str, String)> {
    let header = right.lines().next().expect("a header");
    let commas = header.matches(',').count();
    vec![
        ("empty", String::new()),
        ("line ends alone", "\n\r\n\n".to_owned()),
        ("a header alone", format!("{header}\n")),
        ("no header", right.split_once('\n').expect("a header").1.to_owned()),
        ("semicolons", right.replace(',', ";")),
        ("tabs", right.replace(',', "\t")),
        ("SWF", format!("; Version: 2.2\n{right}")),
        ("JSON", "[{\"job_id\": 1}]".to_owned()),
        ("HTML", "<!DOCTYPE html><title>404</title>".to_owned()),
        ("a value too many", format!("{right}x,{}\n", ",".repeat(commas))),
        ("a value too few", format!("{right}x\n")),
        ("a cut", right[..right.len() - 8].to_owned()),
        ("an open quote", format!("{right}\"x{}\n", ",".repeat(commas))),
        ("ten thousand columns", format!("{right}{}\n", ",".repeat(10_000))),
        ("a long value", format!("{right}{}{}\n", "x".repeat(100_000), ",".repeat(commas))),
    ]
}

/// Each column, damaged alone: its name, then the value in the last row.
fn columns(right: &str) -> Vec<(String, String)> {
    let names: Vec<&str> = right.lines().next().expect("a header").split(',').collect();
    let mut damaged = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let with = |line: usize, value: &str| {
            let mut rows: Vec<Vec<&str>> = right.lines().map(|row| row.split(',').collect()).collect();
            rows[line][place] = value;
            rows.iter().map(|row| row.join(",") + "\n").collect::<String>()
        };
        let misspelt = format!("{}_{}", name[..2].to_uppercase(), &name[2..]);
        damaged.push((format!("{name} misspelt"), with(0, &misspelt)));
        damaged.push((format!("{name} renamed"), with(0, "zzz")));
        damaged.push((format!("{name} twice"), with(0, names[(place + 1) % names.len()])));
        for value in ["", "x y", "-1", "1e99", "nan", "0.5"] {
            damaged.push((format!("{name} `{value}`"), with(2, value)));
        }
    }
    damaged
}

/// Each line of a document, damaged alone.
fn keys(right: &str) -> Vec<(String, String)> {
    let mut damaged = vec![("empty".to_owned(), String::new()), ("JSON".to_owned(), "{\"a\": 1}".to_owned())];
    let whole: Vec<&str> = right.lines().collect();
    for (place, line) in whole.iter().enumerate() {
        let with = |new: &str| {
            let mut all = whole.clone();
            all[place] = new;
            all.join("\n") + "\n"
        };
        let Some((key, value)) = line.split_once(" = ") else {
            damaged.push((format!("{line} unclosed"), with(&line[..line.len() - 1])));
            continue;
        };
        damaged.push((format!("{key} misspelt"), with(&format!("{key}z = {value}"))));
        damaged.push((format!("{key} twice"), with(&format!("{line}\n{line}"))));
        for wrong in
            ["", "-2", "1.5e400", "nan", "true", "[[1], {}]", "{ a = 1 }", "\"\"", "\"open", "1979-05-27"]
        {
            damaged.push((format!("{key} = {wrong}"), with(&format!("{key} = {wrong}"))));
        }
    }
    damaged
}

/// Reads every damaged file of a kind, and returns a line for each: what was done, what is said.
fn messages(kind: &Kind, damaged: impl IntoIterator<Item = (impl Display, impl AsRef<[u8]>)>) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(kind.name);
    let mut said = Vec::new();
    for (how, bytes) in damaged {
        fs::write(&path, bytes).expect("a file");
        // Some damage leaves a value that may stand there; the snapshot shows for which.
        let what = (kind.read)(&path).map_or_else(|why| why, |()| "(read)".to_owned());
        let what = what.replace(&format!("{}/", dir.path().display()), "");
        said.push(format!("{how}\n    {}", what.replace('\n', "\n    ")));
    }
    said
}

#[test]
fn every_damage_is_answered() {
    let mut all = Vec::new();
    let mut refused = 0;
    for kind in &TABLES {
        let mut said = messages(kind, replaced(kind.right));
        said.extend(messages(kind, lines(kind.right)));
        said.extend(messages(kind, columns(kind.right)));
        all.push(format!("## {}\n{}", kind.name, said.join("\n")));
        refused += said.iter().filter(|line| !line.ends_with("(read)")).count();
    }
    for kind in &DOCUMENTS {
        let mut said = messages(kind, replaced(kind.right));
        said.extend(messages(kind, keys(kind.right)));
        all.push(format!("## {}\n{}", kind.name, said.join("\n")));
        refused += said.iter().filter(|line| !line.ends_with("(read)")).count();
    }
    assert!(refused >= 200, "{refused}");
    let text = all.join("\n\n");
    for word in ["f64", "u64", "u32", "usize", "variant", "struct", "Some(", "serde", "expected", "panic"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    insta::assert_snapshot!("every_damage", text);
}

fn program(words: &[&str], dir: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    let output = command.args(words).current_dir(dir).output().expect("the program starts");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

#[test]
fn a_note_on_the_trace_is_in_run_json_however_quiet_the_run_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = TABLES[0].right.replace("\na,", ",extra\na,").replace(",0\n", ",0,1\n");
    fs::write(dir.path().join("t.csv"), trace).expect("a file");
    let words = ["run", "--trace", "t.csv", "--scheduler", "edf", "--quiet", "--out", "out"];
    assert_eq!(program(&words, dir.path()), (Some(0), String::new()));
    let json = fs::read_to_string(dir.path().join("out/run.json")).expect("run.json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["notes"], serde_json::json!(["ignores the column `extra`"]));
}

#[test]
fn bad_input_has_one_exit_code() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("t.csv"), TABLES[0].right).expect("a file");
    fs::write(dir.path().join("bad"), "; SWF\n").expect("a file");
    let run = ["run", "--scheduler", "edf", "--trace"];
    for words in [
        &["trace", "validate", "bad"][..],
        &["trace", "describe", "bad"],
        &["trace", "convert", "bad"],
        &["trace", "validate", "t.csv", "--max-input", "10B"],
        &["trace", "validate", "t.csv", "--max-input", "10 pigs"],
        &["trace", "validate", "t.csv", "--ignore-columns", "none"],
        &[&run[..], &["bad"]].concat(),
        &[&run[..], &["t.csv", "--cluster", "bad"]].concat(),
        &[&run[..], &["t.csv", "--profiles", "bad"]].concat(),
        &[&run[..], &["t.csv", "--gpu", "h100"]].concat(),
        &["sweep", "bad", "--out", "out"],
        &["explain", "bad", "a"],
        &["report", "bad", "--html", "page.html"],
    ] {
        let (code, said) = program(words, dir.path());
        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(!said.contains("a similar value exists"), "{words:?}: {said}");
    }
}
