//! Whole traces: every scheduler on a shipped one, ElasticFlow on the published ones where they are
//! at hand. Reading the trace is not timed. Each checks the known answer first, so that nothing
//! fast and wrong is measured.

#[path = "../tests/common/base.rs"]
mod base;
#[path = "../tests/common/data.rs"]
mod data;
#[path = "../tests/common/replay.rs"]
mod replay;

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use elasticflow_sim::scheduler;
use elasticflow_sim::sim::{Scenario, simulate};
use replay::replay;

fn met(scenario: &Scenario) -> usize {
    let outcome = simulate(scenario, &mut ()).unwrap_or_else(|why| panic!("{why}"));
    outcome.jobs.iter().filter(|row| row.deadline_met == Some(1)).count()
}

/// Times the scenarios one after the other, as one benchmark.
fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, scenarios: &[Scenario], expected: usize) {
    assert_eq!(scenarios.iter().map(met).sum::<usize>(), expected, "{name}");
    group.bench_function(name, |bencher| {
        bencher.iter(|| scenarios.iter().map(|scenario| met(black_box(scenario))).sum::<usize>());
    });
}

/// Jobs that each scheduler meets on the shipped trace at the load of figure 9: as many as in the
/// golden table, which gives Pollux the same small search. What a full one takes is for
/// `benches/pollux.rs`.
const MET: [(&str, usize); 11] = [
    ("elasticflow", 962),
    ("elasticflow-no-admission", 962),
    ("edf", 667),
    ("edf-admission", 776),
    ("fifo", 473),
    ("srtf", 473),
    ("gandiva", 473),
    ("tiresias", 473),
    ("themis", 473),
    ("chronus", 473),
    ("pollux", 902),
];

fn shipped(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fig9-load-1000");
    group.sample_size(20);
    let base = replay(Path::new("traces/fig9-load-1000.csv"), "a100", (16, 8), 60, "fifo");
    for scheduler in scheduler::entries() {
        let known = MET.iter().find(|(name, _)| *name == scheduler.name);
        let (name, expected) = known.unwrap_or_else(|| panic!("no known answer for {}", scheduler.name));
        let cheap: &[&str] = if *name == "pollux" { &["population=8", "generations=4"] } else { &[] };
        let options = scheduler::PolicyOptions::parse(cheap.iter().copied()).expect("options");
        bench(&mut group, name, &[Scenario { scheduler, options, ..base.clone() }], *expected);
    }
}

/// The ten clusters of figure 8b, and the nodes of 8 GPUs that each was simulated on.
const CLUSTERS: [u32; 10] = [64, 64, 64, 128, 64, 64, 128, 128, 128, 32];

fn published(criterion: &mut Criterion) {
    let Some(data) = data::data() else { return };
    let mut group = criterion.benchmark_group("published");
    group.sample_size(10);
    let at = |trace: &str, nodes, slot| {
        replay(&data.join("traces").join(trace), "a100", (nodes, 8), slot, "elasticflow")
    };
    bench(&mut group, "fig9 on 8x8", &[at("artifact/fig9_1000jobs.csv", 8, 240)], 950);
    bench(&mut group, "cluster10 on 32x8", &[at("itp/cluster10.csv", 32, 60)], 258);
    bench(&mut group, "cluster04 on 128x8", &[at("itp/cluster04.csv", 128, 60)], 14_637);
    let all = CLUSTERS.iter().enumerate();
    let all: Vec<_> = all.map(|(i, nodes)| at(&format!("itp/cluster{:02}.csv", i + 1), *nodes, 60)).collect();
    bench(&mut group, "all ten clusters", &all, 66_085);
}

/// The policies at requested sizes, and what each meets on cluster10 (32 nodes), on cluster01 (64),
/// and on all ten clusters and Philly together.
const BASELINES: [(&str, [usize; 3]); 3] =
    [("gandiva", [124, 792, 33_827]), ("tiresias", [124, 792, 33_974]), ("themis", [124, 792, 33_928])];

fn baselines(criterion: &mut Criterion) {
    let Some(data) = data::data() else { return };
    let traces = data.join("traces");
    let mut group = criterion.benchmark_group("baselines");
    group.sample_size(10);
    let fig8a = replay(&traces.join("artifact/elasticVpollux_e.csv"), "t4", (16, 4), 60, "themis");
    bench(&mut group, "fig8a on 16x4 under themis", &[fig8a], 53);
    let all = CLUSTERS.iter().enumerate().map(|(i, nodes)| (format!("itp/cluster{:02}.csv", i + 1), *nodes));
    let all = all.chain([("artifact/philly_103959.csv".to_owned(), 32)]);
    let all: Vec<_> =
        all.map(|(trace, nodes)| replay(&traces.join(trace), "a100", (nodes, 8), 60, "gandiva")).collect();
    let mut together = (Vec::new(), 0);
    for (name, [tenth, first, sum]) in BASELINES {
        let scheduler = scheduler::entry(name).unwrap_or_else(|why| panic!("{why}"));
        let under = |scenario: &Scenario| Scenario { scheduler, ..scenario.clone() };
        bench(&mut group, &format!("cluster10 on 32x8 under {name}"), &[under(&all[9])], tenth);
        bench(&mut group, &format!("cluster01 on 64x8 under {name}"), &[under(&all[0])], first);
        together.0.extend(all.iter().map(under));
        together.1 += sum;
    }
    bench(&mut group, "all ten clusters and Philly under all three", &together.0, together.1);
}

/// Chronus in both presets: what is met on figure 8a, cluster10, cluster01, and on all ten clusters
/// and Philly together.
const CHRONUS: [(&str, [usize; 4]); 2] =
    [("default", [78, 124, 792, 34_373]), ("paper", [80, 121, 771, 32_764])];

fn chronus(criterion: &mut Criterion) {
    let Some(data) = data::data() else { return };
    let mut group = criterion.benchmark_group("chronus");
    group.sample_size(10);
    let at = |trace: &str, profiles, shape| {
        replay(&data.join("traces").join(trace), profiles, shape, 60, "chronus")
    };
    let fig8a = at("artifact/elasticVpollux_e.csv", "t4", (16, 4));
    let clusters = CLUSTERS.iter().enumerate();
    let mut all: Vec<_> =
        clusters.map(|(i, nodes)| at(&format!("itp/cluster{:02}.csv", i + 1), "a100", (*nodes, 8))).collect();
    all.push(at("artifact/philly_103959.csv", "a100", (32, 8)));
    for (preset, [small, tenth, first, sum]) in CHRONUS {
        let under =
            |scenario: &Scenario| if preset == "paper" { artifact(scenario) } else { scenario.clone() };
        bench(&mut group, &format!("fig8a on 16x4, {preset}"), &[under(&fig8a)], small);
        bench(&mut group, &format!("cluster10 on 32x8, {preset}"), &[under(&all[9])], tenth);
        bench(&mut group, &format!("cluster01 on 64x8, {preset}"), &[under(&all[0])], first);
        let all: Vec<_> = all.iter().map(under).collect();
        bench(&mut group, &format!("all ten clusters and Philly, {preset}"), &all, sum);
    }
}

/// What the preset `paper` sets.
fn artifact(scenario: &Scenario) -> Scenario {
    let artifact = scenario.scheduler.artifact.expect("settings of the artifact");
    let options = scheduler::PolicyOptions::default().over_preset(artifact.options);
    let overhead = artifact.overhead.expect("an overhead").for_cluster(scenario.cluster.gpus()).into();
    Scenario { options, overhead, slot: artifact.slot.expect("a slot"), ..scenario.clone() }
}

criterion_group!(benches, shipped, published, baselines, chronus);
criterion_main!(benches);
