use super::*;
use crate::units::{Gpus, Rate};

fn problems(file: &str, text: &str) -> String {
    let path = tempfile::Builder::new().suffix(file).tempfile().unwrap();
    std::fs::write(path.path(), text).unwrap();
    match read(path.path()) {
        Ok(table) => panic!("{table:?}"),
        Err(errors) => errors.to_string().replace(&path.path().display().to_string(), "mine"),
    }
}

#[test]
fn the_built_in_tables_are_whole() {
    let count = |name: &str| {
        builtin(name).unwrap().curves().map(|(_, _, curve)| curve.measured().len()).sum::<usize>()
    };
    assert_eq!((count("a100"), count("t4")), (109, 60));
    assert_eq!(builtin("a100").unwrap().curves().count(), 17);
    assert_eq!(builtin("t4").unwrap().curves().count(), 9);
    assert_eq!(builtin("v100"), None);
    for table in BUILTIN {
        assert_eq!(builtin(table.name).unwrap().name(), table.name);
    }
    let a100 = builtin("a100").unwrap();
    assert_eq!(a100.curve("bert", 64).unwrap().rate(Gpus::new(8)), Some(Rate::new(11.0601732061343)));
}

#[test]
fn counts_that_do_not_gain_are_noted() {
    let notes = notes(&builtin("a100").unwrap());
    assert_eq!(notes[0], "`bert` at batch size 64 is no faster on 16, 32, 64 GPUs than on fewer");
}

#[test]
fn both_forms_of_a_table_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, toml) = (dir.path().join("mine.v2.csv"), dir.path().join("mine.toml"));
    std::fs::write(
        &csv,
        "gpus,model,global_batch_size,iterations_per_second,std\n2,m,8,3,0.1\n1,m,8,2.5,0.1\n",
    )
    .unwrap();
    let text = "[[curve]]\nmodel = 'm'\nbatch_size = 8\niterations_per_second = { 1 = 2.5, 2 = 3 }\n";
    std::fs::write(&toml, text).unwrap();
    assert_eq!(read(&csv).unwrap(), read(&toml).unwrap());
    assert_eq!(read(&csv).unwrap().name(), "mine");
}

#[test]
fn everything_wrong_with_a_toml_table_is_said_at_once() {
    let text = "name = 3\nspeed = 1\n\n[[curve]]\nmodel = 'm'\nbatch_size = 0\nbatch = 4\n[curve.iterations_per_second]\n\
                1 = 0\n2 = -1.5\n3 = nan\n0 = 1\n\"1.5\" = 2\n04 = 'x'\n8 = 1e400\n\n[[curve]]\nmodel = ''\n\n\
                [[curve]]\nmodel = 'n'\nbatch_size = 2\niterations_per_second = { 1 = 1 }\n\
                [[curve]]\nmodel = 'n'\nbatch_size = 2\niterations_per_second = { 1 = 1 }\n";
    insta::assert_snapshot!(problems(".toml", text), @r#"
    mine: line 1, name: `3` is not a text; put it in quotes
    mine: line 2, speed: is not a key; the keys are name, gpu, source and curve
    mine: line 6, batch_size: `0` is not a batch size; give a whole number of samples from 1 to 4294967295
    mine: line 7, batch: is not a key of a curve; the keys are model, batch_size and iterations_per_second
    mine: line 9, iterations_per_second.1: `0` is not a speed; give iterations per second above 0, and leave out what was not measured
    mine: line 10, iterations_per_second.2: `-1.5` is negative; give iterations per second above 0, and leave out what was not measured
    mine: line 11, iterations_per_second.3: `nan` is not a finite number; give iterations per second above 0, and leave out what was not measured
    mine: line 12, iterations_per_second.0: is not a number of GPUs; give a whole number from 1 to 1000000
    mine: line 13, iterations_per_second.1.5: is not a number of GPUs; give a whole number from 1 to 1000000
    mine: line 14, iterations_per_second.04: `'x'` is not a number; give iterations per second above 0, and leave out what was not measured
    mine: line 15, iterations_per_second.8: `1e400` is not a finite number; give iterations per second above 0, and leave out what was not measured
    mine: line 17: begins a curve without `batch_size`; add it
    mine: line 17: begins a curve without `iterations_per_second`; add it
    mine: line 18, model: is empty; give a text
    mine: line 24: begins a curve of `n` at batch size 2, as line 20 does; keep one
    "#);
}

#[test]
fn everything_wrong_with_a_csv_table_is_said_at_once() {
    let text = "model,batch_size,gpus,iterations_per_second\nm,8,1,2\nm,8,1,3\nm,8,2.5,nan\n,0,0,0\nm,8,4\nm,x,-1,-2\n";
    insta::assert_snapshot!(problems(".csv", text), @r#"
    mine: line 3: gives a speed of `m` at batch size 8 on 1 GPU, as line 2 does; keep one
    mine: line 4, gpus: `2.5` is not whole; give a whole number of GPUs from 1 to 1000000
    mine: line 4, iterations_per_second: `nan` is not a finite number; give iterations per second above 0, and leave out what was not measured
    mine: line 5, model: is empty; give a name
    mine: line 5, batch_size: `0` is too small; give a whole number of samples from 1 to 4294967295
    mine: line 5, gpus: `0` is too small; give a whole number of GPUs from 1 to 1000000
    mine: line 5, iterations_per_second: `0` is not a speed; give iterations per second above 0, and leave out what was not measured
    mine: line 6: has 3 values; the header names 4 columns
    mine: line 7, batch_size: `x` is not a number; give a whole number of samples from 1 to 4294967295
    mine: line 7, gpus: `-1` is negative; give a whole number of GPUs from 1 to 1000000
    mine: line 7, iterations_per_second: `-2` is negative; give iterations per second above 0, and leave out what was not measured
    "#);
    insta::assert_snapshot!(problems(".csv", "model,batch_size,global_batch_size,rate\n"), @r#"
    mine: line 1: `batch_size` and `global_batch_size` are two names of one column; keep one
    mine: line 1: has no column `gpus`; add it
    mine: line 1: has no column `iterations_per_second`; add it
    "#);
}

#[test]
fn a_file_that_holds_no_table_is_refused() {
    assert_eq!(problems(".toml", ""), "mine: has no measurements; give the speed of at least one model");
    assert_eq!(problems(".json", "{}"), "mine: is neither .toml nor .csv; name it after what it is");
    let twice = "[[curve]]\nmodel = 'm'\nbatch_size = 1\niterations_per_second = { 1 = 1, 01 = 1 }\n";
    assert_eq!(
        problems(".toml", twice),
        "mine: line 4: gives a speed of `m` at batch size 1 on 1 GPU, as line 4 does; keep one"
    );
    assert!(problems(".toml", "a = = 1\n").starts_with("mine: line 1: is not TOML: "));
}
