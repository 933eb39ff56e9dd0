//! Time and peak memory of the readers of traces, by a program that starts itself once for each
//! case: a process has one peak. `cargo bench --bench read`; add a number of rows to change it.
//!
//! Memory is `VmHWM` of `/proc/self/status`, the peak, so that it is known on Linux alone.

use std::io::Write as _;
use std::process::Command;
#[expect(clippy::disallowed_types, reason = "a bench measures wall-clock time")]
use std::time::Instant;

use elasticflow_sim::config::profiles;
use elasticflow_sim::trace::{self, ReadOptions};

/// Makes the bytes of a file for a number of rows.
type Make = fn(usize) -> Vec<u8>;

/// The cases: what each is called, and how it is made.
const CASES: [(&str, Make); 4] =
    [("good rows", good), ("bad rows", bad), ("commas", commas), ("one id", one_id)];

const HEADER: &str = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n";

fn good(rows: usize) -> Vec<u8> {
    let row = |id| format!("job-{id},{id},1000,bert,{},64,1,200,0\n", id + 500_000);
    (HEADER.to_owned() + &(0..rows).map(row).collect::<String>()).into_bytes()
}

fn bad(rows: usize) -> Vec<u8> {
    let row = |id| format!("job-{id},{id},x,bert,-1,64,0,200,2\n");
    (HEADER.to_owned() + &(0..rows).map(row).collect::<String>()).into_bytes()
}

fn commas(rows: usize) -> Vec<u8> {
    vec![b','; 50 * rows]
}

fn one_id(rows: usize) -> Vec<u8> {
    let row = |time| format!("a,{time},1000,bert,{},64,1,200,0\n", time + 500_000);
    (HEADER.to_owned() + &(0..rows).map(row).collect::<String>()).into_bytes()
}

/// Returns the most memory that this process has used, in MB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1000)
}

/// Reads one file and prints a line about it.
#[expect(clippy::disallowed_types, reason = "a bench measures wall-clock time")]
fn measure(name: &str, path: &str) {
    let table = profiles::builtin("a100").expect("a100 is built in");
    let start = Instant::now();
    let bytes = std::fs::read(path).expect("the file was just written");
    let came_to = match trace::check(name, &bytes, &table, &ReadOptions::default()) {
        Ok(checked) => format!("{} jobs", checked.jobs),
        Err(errors) => format!("{} problems", errors.count()),
    };
    let seconds = start.elapsed().as_secs_f64();
    let peak = peak().map_or("unknown".to_owned(), |peak| format!("{peak} MB"));
    println!("{name:<10} {:>4} MB  {seconds:>6.2} s  peak {peak:<9}  {came_to}", bytes.len() / 1_000_000);
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, of, name, path] = words.as_slice()
        && of == "--case"
    {
        return measure(name, path);
    }
    let rows = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    for (name, make) in CASES {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&make(rows)).expect("room for the file");
        let program = std::env::current_exe().expect("the path of this program");
        let ended = Command::new(program).args(["--case", name]).arg(file.path()).status();
        assert!(ended.is_ok_and(|status| status.success()), "{name}");
    }
}
