//! The bound, on published traces: no scheduler meets more, and it is as low as it should be.

use std::collections::BTreeSet;
use std::path::Path;

use elasticflow_sim::bound::{Bound, value_of};
use elasticflow_sim::record::jobs::{JobOutcome, JobRow};
use elasticflow_sim::scheduler;
use elasticflow_sim::sim::{Scenario, simulate};

use crate::data::data;
use crate::evidence;
use crate::replay::replay;
use crate::stored::index;

fn met(rows: &[JobRow]) -> u64 {
    rows.iter().filter(|row| row.state == JobOutcome::Met).count() as u64
}

/// Every scheduler that leaves batch sizes alone, on the input of every stored run.
#[test]
fn no_scheduler_meets_more_than_the_bound_on_any_reference_row() {
    let Some(data) = data() else { return };
    let rows = index(&data);
    let inputs: BTreeSet<_> =
        rows.iter().map(|row| (&row.trace, &row.gpu, (row.nodes, row.gpus_per_node), row.slot)).collect();
    let mut runs = 0;
    for (trace, gpu, cluster, slot) in inputs {
        let scenario = replay(&data.join(trace), gpu, cluster, slot, "fifo");
        let found = Bound::of(&scenario).expect("one speed for each count");
        for scheduler in scheduler::entries().iter().filter(|entry| !entry.adapts_batch) {
            let rows = simulate(&Scenario { scheduler, ..scenario.clone() }, &mut ()).expect("a run").jobs;
            let alone = rows.iter().filter(|row| row.feasible_alone == Some(1)).count() as u64;
            let (met, name) = (met(&rows), scheduler.name);
            assert!(
                met <= found.bound && found.bound <= alone,
                "{trace} on {cluster:?}, {name}: {met} met, bound {}, {alone} alone",
                found.bound
            );
            runs += 1;
        }
    }
    println!("{runs} runs");
    assert!(runs >= 100, "{runs} runs");
}

/// A row of the table: a trace on a cluster, and the bound that it must not exceed, if one is set.
type Row = (&'static str, (u32, u32), Option<u64>);

const ROWS: [Row; 8] = [
    ("itp/195job.csv", (16, 8), Some(183)),
    ("itp/cluster03.csv", (64, 8), Some(2440)),
    ("artifact/fig9_1000jobs.csv", (4, 8), Some(950)),
    ("artifact/philly_103959.csv", (4, 8), Some(805)),
    ("itp/cluster03.csv", (32, 8), None),
    ("itp/cluster06.csv", (16, 8), None),
    ("itp/cluster04.csv", (128, 8), None),
    ("itp/cluster10.csv", (32, 8), None),
];

#[test]
fn the_bounds_in_the_evidence_are_what_the_program_finds() {
    let Some(data) = data() else { return };
    evidence::check_tables("bound", "bound", &table(&data));
}

fn table(data: &Path) -> String {
    let mut lines = vec![
        "| trace | cluster | feasible alone | bound | value | short, hours | priced out |".to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (trace, (nodes, gpus), most) in ROWS {
        let scenario = replay(&data.join("traces").join(trace), "a100", (nodes, gpus), 60, "fifo");
        let found = Bound::of(&scenario).expect("one speed for each count");
        assert!(most.is_none_or(|most| found.bound <= most), "{trace}: {}", found.bound);
        let again = value_of(&scenario, &found.prices).expect("one speed for each count");
        assert!((again - found.value).abs() < 1e-6, "{trace}: {again} and {}", found.value);
        lines.push(format!(
            "| `{trace}` | {nodes} × {gpus} | {} | **{}** | {:.2} | {:.1} | {} |",
            found.feasible,
            found.bound,
            found.value,
            found.short().as_secs_f64() / 3600.0,
            found.priced_out.len()
        ));
    }
    lines.join("\n") + "\n"
}
