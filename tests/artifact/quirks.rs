//! The worth of each quirk of the published artifact, from the number that it prints to ours, one
//! quirk after the other. Skipped where the reference data is not at hand.
//!
//! `ELASTICFLOW_SIM_BLESS=1 cargo test --test artifact quirks::` writes the tables of
//! `docs/evidence/quirks.md` anew.

use crate::evidence;
use crate::replay;
use std::fmt::Write;
use std::path::Path;

use crate::artifact::{ReplicaRunner, read};
use crate::data::data;
use elasticflow_sim::replica::{Quirks, Schedule};
use elasticflow_sim::scheduler;
use elasticflow_sim::sim::simulate;
use elasticflow_sim::workload::Workload;
use rayon::prelude::*;

/// The inputs of a figure. Of the ten clusters of figure 8b and the nine shares of figure 11, only
/// those that are stored are listed.
struct Figure {
    /// The title of the column, and figure and case in the list of printed numbers.
    column: &'static str,
    case: (&'static str, &'static str),
    trace: &'static str,
    gpu: &'static str,
    cluster: (u32, u32),
    slot: u64,
}

const fn figure(
    column: &'static str,
    case: (&'static str, &'static str),
    trace: &'static str,
    (gpu, cluster, slot): (&'static str, (u32, u32), u64),
) -> Figure {
    Figure { column, case, trace, gpu, cluster, slot }
}

const FIGURES: [Figure; 10] = [
    figure("6b", ("6b", "195 jobs"), "itp/195job.csv", ("a100", (16, 8), 240)),
    figure("8a", ("8a", "195 jobs"), "artifact/elasticVpollux_e.csv", ("t4", (16, 4), 60)),
    figure("8b, cluster10", ("8b", "cluster10 "), "itp/cluster10.csv", ("a100", (32, 8), 60)),
    figure("8b, Philly", ("8b", "philly "), "artifact/philly_103959.csv", ("a100", (32, 8), 60)),
    figure("9, 64 GPUs", ("9", "1000 jobs on 64 "), "artifact/fig9_1000jobs.csv", ("a100", (8, 8), 240)),
    figure("9, 128", ("9", "1000 jobs on 128 "), "artifact/fig9_1000jobs.csv", ("a100", (16, 8), 240)),
    figure("9, 256", ("9", "1000 jobs on 256 "), "artifact/fig9_1000jobs.csv", ("a100", (32, 8), 240)),
    figure("10", ("10", ""), "artifact/fig10_100jobs.csv", ("a100", (16, 8), 240)),
    figure(
        "11, 10 %",
        ("11a", "best-effort share 10% "),
        "artifact/fig11_200jobs_be0.1.csv",
        ("a100", (8, 8), 240),
    ),
    figure(
        "11, 90 %",
        ("11a", "best-effort share 90% "),
        "artifact/fig11_200jobs_be0.9.csv",
        ("a100", (8, 8), 240),
    ),
];

/// The quirks of each schedule in the order in which they are switched off: first those of
/// counting, then of admission, of the GPUs that jobs get, of overheads, and of the clock.
const ORDER: [(Schedule, &[u8]); 7] = [
    (Schedule::EfAccessCtrl, &[6, 4, 3, 5, 1, 2, 8, 9, 19]),
    (Schedule::Ef, &[5, 1, 2, 8, 9, 19]),
    (Schedule::Edf, &[13, 12, 10, 8, 19]),
    (Schedule::EdfAccessCtrl, &[14, 4, 13, 12, 8, 9, 19]),
    (Schedule::DlasGpu, &[25, 26, 9, 19]),
    (Schedule::Gandiva, &[47, 29, 30, 48, 8, 9, 28]),
    (Schedule::Themis, &[21, 23, 10, 24]),
];

/// A number of `paper-figures.csv`.
#[derive(serde::Deserialize)]
struct Printed {
    figure: String,
    case: String,
    scheduler: String,
    printed: f64,
}

impl Figure {
    /// Returns whether the figure shows a schedule: figure 9 shows EDF, ElasticFlow and their
    /// halves, the others show whole policies.
    fn shows(&self, schedule: Schedule) -> bool {
        let half = matches!(schedule, Schedule::Ef | Schedule::EdfAccessCtrl);
        let whole = matches!(schedule, Schedule::Edf | Schedule::EfAccessCtrl);
        if self.case.0 == "9" { half || whole } else { !half }
    }

    /// Reads the trace of the figure.
    fn workload(&self, data: &Path) -> std::sync::Arc<Workload> {
        read(&data.join("traces").join(self.trace), self.gpu)
    }

    /// Returns the number of jobs that the paper prints as met, of `slo` jobs with a deadline.
    fn printed(&self, all: &[Printed], scheduler: &str, slo: usize) -> Option<i64> {
        let is_wanted = |row: &&Printed| {
            row.figure == self.case.0 && row.case.starts_with(self.case.1) && row.scheduler == scheduler
        };
        let row = all.iter().find(is_wanted).filter(|row| row.printed <= 1.0)?;
        Some((row.printed * slo as f64).round() as i64)
    }

    /// Counts the jobs that the artifact accepts, with all quirks and then with one fewer each; the
    /// last number is that of the jobs that we meet.
    fn account(&self, data: &Path, schedule: Schedule, order: &[u8]) -> Vec<i64> {
        let workload = self.workload(data);
        let all = ReplicaRunner::new(self.gpu, self.cluster, self.slot);
        let steps = (0..=order.len()).map(|count| {
            let replayed = all.without(schedule, &order[..count]).run(&workload, schedule);
            replayed
                .unwrap_or_else(|why| panic!("{} {schedule:?} {:?}: {why}", self.column, &order[..count]))
                .accepted
        });
        let mut numbers: Vec<i64> = steps.collect();
        let path = data.join("traces").join(self.trace);
        let name = scheduler::entry(schedule.as_str()).unwrap().name;
        let scenario = replay::replay(&path, self.gpu, self.cluster, self.slot, name);
        let outcome = simulate(&scenario, &mut ()).unwrap();
        numbers.push(outcome.jobs.iter().filter(|row| row.deadline_met == Some(1)).count() as i64);
        numbers
    }
}

/// Appends a row of a table.
fn append_row(text: &mut String, label: &str, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    writeln!(text, "| {label} | {} |", cells.join(" | ")).unwrap();
}

/// Makes the table of one schedule, in Markdown.
fn table(data: &Path, printed: &[Printed], schedule: Schedule, order: &[u8]) -> String {
    let name = scheduler::entry(schedule.as_str()).unwrap().name;
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| figure.shows(schedule)).collect();
    let slo: Vec<usize> = figures
        .iter()
        .map(|figure| figure.workload(data).jobs().iter().filter(|job| job.deadline.is_some()).count())
        .collect();
    let columns: Vec<Vec<i64>> =
        figures.par_iter().map(|figure| figure.account(data, schedule, order)).collect();
    let mut text = String::new();
    let heads = figures.iter().zip(&slo).map(|(figure, slo)| format!("{} ({slo})", figure.column));
    append_row(&mut text, &format!("`{}`", schedule.as_str()), heads);
    append_row(&mut text, "---", figures.iter().map(|_| "---".to_owned()));
    let paper = figures.iter().zip(&slo).map(|(figure, slo)| {
        figure.printed(printed, name, *slo).map_or_else(|| "–".to_owned(), |count| count.to_string())
    });
    append_row(&mut text, "the paper's figure", paper);
    let row = |n: usize| columns.iter().map(move |column| column[n].to_string());
    append_row(&mut text, "the artifact, all quirks", row(0));
    for (n, number) in order.iter().enumerate() {
        let quirk = Quirks::of(schedule).find(|quirk| quirk.number == *number).unwrap();
        append_row(&mut text, &format!("Q{number} off: {}", quirk.without), row(n + 1));
    }
    append_row(&mut text, "**ours** (the rest: engine and interaction)", row(order.len() + 1));
    text
}

#[test]
fn what_each_quirk_is_worth_is_what_the_evidence_says() {
    let Some(data) = data() else { return };
    let mut reader = csv::Reader::from_path(data.join("paper-figures.csv")).unwrap();
    let printed: Vec<Printed> = reader.deserialize().collect::<Result<_, _>>().unwrap();
    let tables: Vec<String> =
        ORDER.iter().map(|(schedule, order)| table(&data, &printed, *schedule, order)).collect();
    evidence::check_tables("quirks", "quirks", &tables.join("\n"));
}

/// The order of a schedule has each of its quirks once.
#[test]
fn no_quirk_is_left_out() {
    for (schedule, order) in ORDER {
        let mut known: Vec<u8> = Quirks::of(schedule).map(|quirk| quirk.number).collect();
        let mut order = order.to_vec();
        order.sort_unstable();
        known.sort_unstable();
        assert_eq!(order, known, "{schedule:?}");
    }
}
