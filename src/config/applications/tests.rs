use std::fs;
use std::path::Path;

use super::*;
use crate::application::TrainingPace;
use crate::profile::BatchLimits;

/// Relative errors below `most`.
fn near(found: f64, expected: f64, most: f64) -> bool {
    (found - expected).abs() <= most * expected
}

#[test]
fn the_built_in_applications_are_whole() {
    let all = builtin("t4").unwrap();
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["bert", "cifar10", "deepspeech2", "imagenet", "ncf", "yolov3"]);
    assert!(builtin("a100").is_none());
    for one in all.iter() {
        // As many iterations at the initial batch size as progress, to the rounding of the
        // published counts.
        assert!(near(one.iterations(one.limits.initial), one.total(), 1e-4), "{}", one.name);
        assert!(near(one.iterations_by_noise(one.limits.initial), one.total(), 1e-9), "{}", one.name);
        assert_eq!(one.tried.first_key_value().map(|(batch, _)| *batch), Some(one.limits.initial));
        assert_eq!(one.tried.last_key_value().map(|(batch, _)| *batch), Some(one.limits.largest));
    }
    let ncf = all.get("ncf").unwrap();
    assert_eq!((ncf.limits.pinned, ncf.limits.local, ncf.progress.len()), (Some(32768), (32, 32768), 10));
}

/// By hand: cifar10 at 2048 on 16 GPUs of 4 nodes, 128 each. T_acc = 0.017689 + 128 · 0.00069856 =
/// 0.10710468 s; T_net = 0.12894 + 14 · 0.002618 = 0.165592 s; step = (0.10710468^2.3397 +
/// 0.165592^2.3397)^(1/2.3397) = 0.188896 s. First epoch: f = 0.005, the first knot; ln 2048 is
/// halfway from ln 1024 to ln 4096: ρ = √(0.9624 · 0.8669) = 0.913403; s = 16; gain = 1.913403 /
/// (0.913403 / 16 + 1) = 1.810070.
#[test]
fn a_built_in_application_trains_as_its_formulas_say() {
    let all = builtin("t4").unwrap();
    let TrainingPace { iterations, progress, measured } =
        all.get("cifar10").unwrap().pace(0, 4, 16, 2048).unwrap();
    assert!(near(measured.accumulate, 0.107_104_68, 1e-9), "{measured:?}");
    assert!(near(measured.step, 0.188_896, 1e-5), "{measured:?}");
    assert!(near(measured.noise, 0.913_403, 1e-6), "{measured:?}");
    assert!(near(iterations, 1.0 / 0.188_896, 1e-5) && near(progress, 1.810_070 / 0.188_896, 1e-5));
}

/// A folder with one application of two epochs, tried at batch sizes 8 and 16.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    fs::create_dir(&mine).unwrap();
    let write = |name: &str, text: &str| fs::write(mine.join(name), text).unwrap();
    write(
        "placements.csv",
        "placement,local_bsz,step_time,sync_time\n1,2,1.0,0.0\n1,8,2.5,0.5\n12,2,4.0,1.0\n12,8,6,1\n",
    );
    write("scalability.csv", "num_nodes,num_replicas,local_bsz,step_time,sync_time\n4,8,2,5,2\n4,8,4,6,2\n");
    write(
        "validation-8.csv",
        "progress,iteration,metric,grad_sqr,grad_var\n30,30,0.5,2,6\n100.0,100,0.9,0,1\n",
    );
    write("validation-16.csv", "progress,iteration,metric,grad_sqr,grad_var\n31,16,0.5,1,3\n99,52,0.9,1,5\n");
    write("philly.csv", "what it holds\nis not read");
    fs::write(dir.path().join("README.md"), "neither is this").unwrap();
    dir
}

#[test]
fn a_folder_is_read_as_it_was_published() {
    let dir = folder();
    let Folder { applications, files } = read(dir.path()).unwrap();
    let names: Vec<_> = files.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["placements.csv", "scalability.csv", "validation-16.csv", "validation-8.csv"]);
    let mine = applications.get("mine").unwrap();
    // Micro-batches of 8 were not measured on many nodes.
    let limits = BatchLimits { initial: 8, largest: 16, local: (2, 4), gpus: 8, pinned: None };
    assert_eq!((mine.limits, &mine.progress), (limits, &vec![30.0, 99.0]));
    assert_eq!((mine.iterations(16), mine.iterations(8)), (52.0, 100.0));
    // 12: three GPUs on two nodes, 4 examples each: a third of the way from 2 to 8.
    let pace = mine.pace(1, 2, 3, 12).unwrap();
    assert!(near(pace.measured.step, 4.0 + 2.0 / 3.0, 1e-12), "{pace:?}");
    assert!(near(pace.measured.accumulate, 3.0 + 2.0 / 3.0, 1e-12), "{pace:?}");
    // Square and variance halfway between (0, 1) and (1, 5).
    assert!(near(pace.measured.noise, 6.0, 1e-12), "{pace:?}");
}

fn wrong(dir: &Path) -> String {
    read(dir).unwrap_err().to_string().replace(&dir.display().to_string(), "DIR")
}

#[test]
fn everything_wrong_with_a_folder_is_said_at_once() {
    let dir = folder();
    let write = |name: &str, text: &str| fs::write(dir.path().join("mine").join(name), text).unwrap();
    write(
        "placements.csv",
        "placement,local_bsz,step_time,sync_time\n0,2,1,0\n1x,0,1,0\n1,2,1,1\n1,2,0,-1\n,2,nan,\n",
    );
    write("scalability.csv", "num_nodes,num_replicas,local_bsz,step_time\n");
    write("validation-8.csv", "progress,iteration,grad_sqr,grad_var\n30,0,0,0\n30,0,1,-2\n");
    write("validation-x.csv", "");
    insta::assert_snapshot!(wrong(dir.path()), @r#"
    DIR/mine/placements.csv: line 2, placement: `0` is not a placement; give a digit from 1 to 9 for each node, its GPUs, such as 44
    DIR/mine/placements.csv: line 3, placement: `1x` is not a placement; give a digit from 1 to 9 for each node, its GPUs, such as 44
    DIR/mine/placements.csv: line 3, local_bsz: `0` is too small; give a whole number of samples from 1 to 4294967295
    DIR/mine/placements.csv: line 4, sync_time: `1` is not less than the 1 s of the whole step; give the part that exchanges gradients
    DIR/mine/placements.csv: line 5, step_time: `0` is too small; give seconds above 0
    DIR/mine/placements.csv: line 5, sync_time: `-1` is negative; give seconds from 0 on
    DIR/mine/placements.csv: line 6, placement: is not a placement; give a digit from 1 to 9 for each node, its GPUs, such as 44
    DIR/mine/placements.csv: line 6, step_time: `nan` is not a finite number; give seconds above 0
    DIR/mine/placements.csv: line 6, sync_time: is empty; give seconds from 0 on
    DIR/mine/scalability.csv: line 1: has no column `sync_time`; add it
    DIR/mine/validation-8.csv: line 2: has neither a squared gradient nor a variance; give at least one above 0
    DIR/mine/validation-8.csv: line 3, grad_var: `-2` is negative; give a variance from 0 on
    DIR/mine/validation-x.csv: is not named after a batch size; call it validation-128.csv or the like
    "#);
    write("scalability.csv", "num_nodes,num_replicas,local_bsz,step_time,sync_time\n4,2,2,5,2\n");
    write("placements.csv", "placement,local_bsz,step_time,sync_time\n1,2,5,2\n");
    write("validation-8.csv", "progress,iteration,grad_sqr,grad_var\n30,9,1,1\n20,0,1,1\n");
    fs::remove_file(dir.path().join("mine/validation-x.csv")).unwrap();
    insta::assert_snapshot!(wrong(dir.path()), @r#"
    DIR/mine/scalability.csv: line 2, num_replicas: `2` is fewer than one on each of 4 nodes; give at least as many
    DIR/mine/validation-8.csv: line 3, progress: `20` is not more than 30 before it; it adds up epoch by epoch
    DIR/mine/validation-8.csv: line 3, iteration: `0` is not more than 9 before it; it adds up epoch by epoch
    "#);
    write("scalability.csv", "num_nodes,num_replicas,local_bsz,step_time,sync_time\n4,4,16,5,2\n");
    write("validation-8.csv", "progress,iteration,grad_sqr,grad_var\n30,9,1,1\n");
    insta::assert_snapshot!(wrong(dir.path()), @"DIR/mine/validation-16.csv: has 2 epochs, DIR/mine/validation-8.csv has 1; give all as many");
    write("validation-08.csv", "progress,iteration,grad_sqr,grad_var\n");
    write("validation-8.csv", "progress,iteration,grad_sqr,grad_var\n30,9,1,1\n40,12,1,1\n");
    insta::assert_snapshot!(wrong(dir.path()), @"DIR/mine/validation-08.csv: has no epoch; add a row for each");
    write("validation-08.csv", "progress,iteration,grad_sqr,grad_var\n30,9,1,1\n40,12,1,1\n");
    insta::assert_snapshot!(wrong(dir.path()), @"DIR/mine/validation-8.csv: is of the batch size that DIR/mine/validation-08.csv is of; keep one");
    fs::remove_file(dir.path().join("mine/validation-08.csv")).unwrap();
    write("placements.csv", "placement,local_bsz,step_time,sync_time\n");
    insta::assert_snapshot!(wrong(dir.path()), @"DIR/mine/placements.csv: has no measurements; add a row for each");
    write("placements.csv", "placement,local_bsz,step_time,sync_time\n1,2,5,2\n");
    insta::assert_snapshot!(wrong(dir.path()), @"DIR/mine: was measured at micro-batches of 16 at the least on many nodes or few, and of 2 at the most on the others; measure both at the same");
}

#[test]
fn a_folder_that_holds_nothing_says_what_to_put_there() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(wrong(dir.path()), @"DIR: has no application; give each a folder with placements.csv, scalability.csv and validation-BATCH.csv");
    fs::create_dir(dir.path().join("mine")).unwrap();
    insta::assert_snapshot!(wrong(dir.path()), @r#"
    DIR/mine/placements.csv: does not exist; check the path
    DIR/mine/scalability.csv: does not exist; check the path
    DIR/mine: has no validation-BATCH.csv; add one for every batch size that was tried
    "#);
    insta::assert_snapshot!(wrong(&dir.path().join("none")), @"DIR: does not exist; check the path");
}
