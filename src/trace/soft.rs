//! Soft deadlines: what a job is worth by its deadline and by later times.

use crate::job::SoftDeadline;
use crate::trace::cell::Cell;
use crate::trace::problem::{Problem, Problems, counted};
use crate::trace::unit::TimeUnit;
use crate::units::SimTime;

/// Reads the pairs of Chronus's two lists: times after the submission such as `159-189`, and values
/// such as `10-8`. A single pair is returned like several, though it is a hard deadline. Returns
/// `None`, with the problems noted, if anything is wrong.
pub(super) fn lists(
    times: Cell<'_>,
    values: Cell<'_>,
    unit: TimeUnit,
    submit: SimTime,
    problems: &mut Problems,
) -> Option<Vec<SoftDeadline>> {
    let right = format!("{} after the submission, separated by `-`, such as `20-30`", unit.right());
    let after = items(times, &right, |part| unit.time(part), problems);
    let worth = items(values, "numbers above 0, separated by `-`, such as `10-8`", value, problems);
    let (after, worth) = (after?, worth?);
    if after.len() != worth.len() {
        let message = format!(
            "has {} for {}; give one for each",
            counted(worth.len(), "value", "values"),
            counted(after.len(), "time", "times")
        );
        problems.push(values.problem(message));
        return None;
    }
    let by = after.iter().map(|after| submit + after.since(SimTime::ZERO));
    let soft = by.zip(worth).map(|(by, value)| SoftDeadline { by, value }).collect();
    problems.keep(checked(times, values, unit, soft))
}

/// Reads the items of a list that are separated by `-`, none of which may be blank. Notes the
/// problems of all items.
fn items<T>(
    list: Cell<'_>,
    right: &str,
    read: impl Fn(Cell<'_>) -> Result<T, Problem>,
    problems: &mut Problems,
) -> Option<Vec<T>> {
    if list.parts('-').any(|item| item.is_blank()) {
        let what = if list.is_blank() { "is empty" } else { "has an empty item" };
        problems.push(list.problem(format!("{what}; give {right}")));
        return None;
    }
    // First all items, so that the problems of all are noted.
    let items: Vec<_> = list.parts('-').map(|item| problems.keep(read(item))).collect();
    items.into_iter().collect()
}

/// Reads the pairs of this program's own column: `TIME:VALUE`, separated by spaces, with times on
/// the trace's clock. The first time must be the `deadline`. Returns `None`, with the problems
/// noted, if anything is wrong.
pub(super) fn pairs(
    cell: Cell<'_>,
    unit: TimeUnit,
    deadline: SimTime,
    problems: &mut Problems,
) -> Option<Vec<SoftDeadline>> {
    let wrong = "is not TIME:VALUE pairs, separated by spaces; give such, or nothing for a job without";
    let pair = |part: Cell<'_>| {
        let mut halves = part.parts(':');
        match (halves.next(), halves.next(), halves.next()) {
            (Some(time), Some(worth), None) => {
                Ok(SoftDeadline { by: unit.time(time)?, value: value(worth)? })
            }
            _ => Err(cell.problem(wrong)),
        }
    };
    let parts = cell.parts(' ').filter(|part| !part.is_blank());
    let soft: Option<Vec<SoftDeadline>> =
        parts.map(|part| problems.keep(pair(part))).collect::<Vec<_>>().into_iter().collect();
    let soft = problems.keep(checked(cell, cell, unit, soft?))?;
    if soft.first().is_some_and(|first| first.by != deadline) {
        problems.push(cell.problem("does not begin with the deadline; give it and what it is worth first"));
        return None;
    }
    Some(soft)
}

/// Writes pairs as [`pairs`] reads them.
pub(super) fn text(soft: &[SoftDeadline]) -> String {
    let pairs: Vec<_> = soft.iter().map(|worth| format!("{}:{}", worth.by, worth.value)).collect();
    pairs.join(" ")
}

/// Reads what a job is worth.
fn value(cell: Cell<'_>) -> Result<f64, Problem> {
    let value = cell.text()?.trim().parse::<f64>().ok().filter(|value| *value > 0.0 && value.is_finite());
    value.ok_or_else(|| cell.problem("is not a value; give a number above 0"))
}

/// Checks that the times ascend up to the end of the trace's clock, and that the values do not.
fn checked(
    times: Cell<'_>,
    values: Cell<'_>,
    unit: TimeUnit,
    soft: Vec<SoftDeadline>,
) -> Result<Vec<SoftDeadline>, Problem> {
    if soft.last().is_some_and(|last| last.by > SimTime::LIMIT) {
        let right = unit.right();
        return Err(
            times.problem(format!("ends too late on the trace's clock, which has {right}; give less"))
        );
    }
    if !soft.is_sorted_by(|a, b| a.by < b.by) {
        return Err(times.problem("does not ascend; give times from the first to the last"));
    }
    if !soft.is_sorted_by(|a, b| a.value >= b.value) {
        return Err(values.problem("is worth more later; give values that do not ascend"));
    }
    Ok(soft)
}

#[cfg(test)]
mod tests {
    use crate::profile::{Curve, ThroughputTable};
    use crate::trace::{ReadOptions, TimeUnit, Trace, parse, write};
    use crate::units::{Gpus, Rate};

    const HEADER: &str = "job_id,user,num_gpu,submit_time,iterations,model_name,duration,interval,expect_time_list,\
                          expect_value_list,best_effort,job_type\n";

    fn read(text: &str, time_unit: Option<TimeUnit>) -> Result<Trace, String> {
        let mut table = ThroughputTable::new("t");
        let curve = [(1, 1.0), (2, 1.5)].map(|(g, r)| (Gpus::new(g), Rate::new(r)));
        table.insert("bert", 64, Curve::new(curve.to_vec()).unwrap());
        let options = ReadOptions { time_unit, ..Default::default() };
        parse("t.csv", text.as_bytes(), &table, &options)
            .map_err(|why| why.to_string().replace("t.csv: ", ""))
    }

    /// Submitted at 2 min, two minutes on one GPU at 1/s; the deadlines are 3 and 4.5 min after the
    /// submission.
    const ROWS: &str = "s,u,1,2,9,vgg,2,0,3-4.5,10-8,0,soft\nh,u,2,3,9,vgg,2,0,5,10,0,strict\n\
                        b,u,1,4,9,vgg,2,0,4,10,1,best\nc,u,0,4,9,vgg,2,0,9,10,0,strict\nl,u,3,4,9,vgg,2,0,9,10,0,strict\n";

    #[test]
    fn a_trace_of_chronus_in_minutes() {
        let trace = read(&format!("{HEADER}{ROWS}"), Some(TimeUnit::Minutes)).unwrap();
        assert_eq!((trace.format.name, trace.drawn.len()), ("chronus", 1));
        assert_eq!(
            trace.notes,
            [
                "drops 1 row of a job without GPUs",
                "drops 1 row of a job on 3 GPUs, at which nothing was measured",
                "models, batch sizes and iterations are drawn with the trace seed"
            ]
        );
        let mut text = Vec::new();
        write(&trace.workload, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text,
            "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort,soft_deadlines\n\
             s,120,120,bert,300,64,1,120,0,300:10 390:8\nh,180,180,bert,480,64,2,120,0,\nb,240,120,bert,,64,1,120,1,\n"
        );
        assert_eq!(read(&text, None).unwrap().workload, trace.workload);
    }

    #[test]
    fn a_unit_is_not_guessed() {
        let trace = read(&format!("{HEADER}{ROWS}"), None).unwrap();
        assert_eq!(trace.workload.jobs()[0].submit.to_string(), "2");
        let note =
            "times are taken for seconds; those of Chronus's artifact are minutes: `--time-unit minutes`";
        assert_eq!(trace.notes.last().unwrap(), note);
    }

    #[test]
    fn jobs_that_state_their_work_keep_it() {
        let text = "job_id,user,num_gpu,batch_size,submit_time,iterations,model_name,duration,expect_time_list,\
                    expect_value_list,best_effort\na,u,1,64,0,7,bert,99,30,10,0\n";
        let trace = read(text, None).unwrap();
        assert_eq!((trace.drawn.len(), trace.workload.jobs()[0].iterations.get()), (0, 7.0));
    }

    #[test]
    fn half_of_the_work_is_refused() {
        let why = |header: &str, row: &str| {
            read(&format!("{header},expect_time_list,expect_value_list\n{row},30,10\n"), None).unwrap_err()
        };
        let needs = |name: &str| {
            format!(
                "line 1, batch_size: stands without a column `{name}`, with which it would state the work of a job; add it, or \
                 remove this one to have model, batch size and work drawn"
            )
        };
        let (start, row) = ("job_id,num_gpu,batch_size,submit_time,duration", "a,1,64,0,99");
        assert_eq!(why(&format!("{start},model_name"), &format!("{row},bert")), needs("iterations"));
        assert_eq!(why(&format!("{start},iterations"), &format!("{row},7")), needs("model_name"));
        assert_eq!(why(start, row), format!("{}\n{}", needs("model_name"), needs("iterations")));
        let alone = read(&format!("{start}\n{row}\n"), None).unwrap_err();
        assert!(
            alone.contains("has no column `iteration` or `num_iteration`, which `elasticflow` traces have"),
            "{alone}"
        );
        let values =
            read("job_id,num_gpu,submit_time,duration,expect_value_list\na,1,0,9,10\n", None).unwrap_err();
        assert!(values.contains("has no column `expect_time_list`, which `chronus` traces have"), "{values}");
    }

    /// What is wrong with a trace of one row whose lists are `times` and `values`.
    fn wrong_lists(times: &str, values: &str) -> String {
        read(&format!("{HEADER}s,u,1,2,9,vgg,2,0,{times},{values},0,soft\n"), None).unwrap_err()
    }

    #[test]
    fn lists_of_other_lengths_or_orders_are_refused() {
        assert_eq!(
            wrong_lists("3-4", "10"),
            "line 2, expect_value_list: `10` has 1 value for 2 times; give one for each"
        );
        assert_eq!(
            wrong_lists("4-3", "10-8"),
            "line 2, expect_time_list: `4-3` does not ascend; give times from the first to the last"
        );
        assert_eq!(
            wrong_lists("3-4", "8-10"),
            "line 2, expect_value_list: `8-10` is worth more later; give values that do not ascend"
        );
        assert_eq!(
            wrong_lists("3-4", "10-0"),
            "line 2, expect_value_list: `0` is not a value; give a number above 0"
        );
    }

    #[test]
    fn empty_items_of_lists_are_refused() {
        let times =
            "give seconds from 0 to 10000000000 after the submission, separated by `-`, such as `20-30`";
        for list in ["3-", "-3-4", "3--4", "- ", "-"] {
            let place = "line 2, expect_time_list:";
            assert_eq!(wrong_lists(list, "10-8"), format!("{place} `{list}` has an empty item; {times}"));
        }
        let values = "give numbers above 0, separated by `-`, such as `10-8`";
        assert_eq!(
            wrong_lists("3-4", "10--5"),
            format!("line 2, expect_value_list: `10--5` has an empty item; {values}")
        );
        let empty = ["time", "value"].map(|name| format!("line 2, expect_{name}_list: is empty;"));
        assert_eq!(wrong_lists("", ""), format!("{} {times}\n{} {values}", empty[0], empty[1]));
    }

    #[test]
    fn pairs_that_are_none_are_refused() {
        let wrong = |soft: &str| {
            let header = "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,soft_deadlines\n";
            read(&format!("{header}a,0,7,bert,30,64,1,{soft}\n"), None).unwrap_err()
        };
        let first = "does not begin with the deadline; give it and what it is worth first";
        assert!(wrong("31:10 40:8").ends_with(first));
        assert!(wrong("30").contains("`30` is not TIME:VALUE pairs, separated by spaces"));
    }

    #[test]
    fn messages_have_the_unit_of_the_trace() {
        let in_minutes = |row: &str| read(&format!("{HEADER}{row}\n"), Some(TimeUnit::Minutes)).unwrap_err();
        let late = in_minutes("s,u,1,1e9,9,vgg,2,0,3,10,0,soft");
        assert!(late.contains("is too large; give minutes from 0 to 166666666"), "{late}");
        assert_eq!(
            in_minutes("s,u,1,x,9,vgg,2,0,3-y,10-8,0,soft"),
            "line 2, submit_time: `x` is not a number; give minutes from 0 to 166666666\n\
             line 2, expect_time_list: `y` is not a number; give minutes from 0 to 166666666"
        );
        assert!(
            in_minutes("s,u,1,2,9,vgg,2,0,,10,0,soft")
                .contains("is empty; give minutes from 0 to 166666666 after")
        );
        assert_eq!(
            in_minutes("s,u,1,2,9,vgg,2,0,3-166666666,10-8,0,soft"),
            "line 2, expect_time_list: `3-166666666` ends too late on the trace's clock, which has minutes from 0 to 166666666; \
             give less"
        );
    }

    #[test]
    fn a_trace_whose_rows_are_all_dropped_is_refused() {
        let none = read(&format!("{HEADER}s,u,0,1,9,vgg,2,0,3,10,0,soft\n"), None);
        assert_eq!(none.unwrap_err(), "has no job that could be run; every row is dropped");
    }
}
