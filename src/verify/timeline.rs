//! Rules on `timeline.csv`: it follows from what jobs held, and from the event log.

use crate::units::SimTime;

use super::evidence::{Checked, Evidence};
use super::summary::cluster;
use super::work::{check_speeds, rate, single_rate, specs};

/// Each row has the GPUs and the jobs that hold them at its time, and the jobs completed by then.
pub(super) fn rows(run: &Evidence<'_>) -> Checked {
    let (stored, ledger, timeline) = (run.stored, run.ledger()?, run.timeline()?);
    ledger.check_turns()?;
    let total = cluster(stored)?.gpus();
    let mut changes = Vec::new();
    for (from, until, nodes) in ledger.taken() {
        let gpus = i64::from(nodes.gpus().get());
        changes.extend([(from, gpus, 1), (until, -gpus, -1)]);
    }
    changes.sort_unstable();
    let mut ends: Vec<SimTime> = stored.jobs.iter().filter_map(|job| job.end_time).collect();
    ends.sort_unstable();
    let (mut next, mut busy, mut running) = (0, 0, 0);
    let mut faults = Vec::new();
    let mut last = None;
    for row in timeline {
        let time = row.time;
        if last.is_some_and(|last| last >= time) {
            faults.push(format!("the row at {time} s comes after one that is not earlier"));
        }
        last = Some(time);
        while let Some((_, gpus, jobs)) = changes.get(next).filter(|change| change.0 <= time) {
            (next, busy, running) = (next + 1, busy + gpus, running + jobs);
        }
        let completed = ends.partition_point(|end| *end <= time);
        let stated = [row.gpus_total, row.gpus_busy].map(|gpus| i64::from(gpus.get()));
        let mut pairs = vec![
            ("gpus_total", stated[0], i64::from(total.get())),
            ("jobs_completed_total", i64::from(row.jobs_completed_total), completed as i64),
        ];
        // What is held at the cut ends with it.
        if stored.summary.cut() != Some(time) {
            pairs.push(("gpus_busy", stated[1], busy));
            pairs.push(("jobs_running", i64::from(row.jobs_running), running));
        }
        for (column, stated, found) in pairs.into_iter().filter(|(_, stated, found)| stated != found) {
            faults.push(format!("at {time} s, {column} is {stated}, but by what jobs held it is {found}"));
        }
    }
    Ok(faults)
}

/// Each row has the efficiency of the jobs that hold GPUs: of jobs in turns, of the one on turn.
pub(super) fn efficiency(run: &Evidence<'_>) -> Checked {
    let (stored, ledger, truth, timeline) = (run.stored, run.ledger()?, run.truth()?, run.timeline()?);
    ledger.check_turns()?;
    check_speeds(truth)?;
    let gpus = f64::from(cluster(stored)?.gpus().get());
    let specs = specs(truth);
    let mut held = Vec::new();
    for job in &stored.jobs {
        let Some(spec) = specs.get(job.job_id.as_str()) else {
            return Err(format!("job `{}` is not in the trace", job.job_id));
        };
        let single = single_rate(spec, truth);
        let of_job = ledger.of(&job.job_id).iter();
        held.extend(of_job.map(|holding| (holding, rate(holding, spec, truth) / single)));
    }
    held.sort_by_key(|(holding, _)| holding.from);
    let (mut next, mut now) = (0, Vec::new());
    let mut faults = Vec::new();
    for row in timeline.iter().filter(|row| stored.summary.cut() != Some(row.time)) {
        let begun = held[next..].partition_point(|(holding, _)| holding.from <= row.time);
        now.extend_from_slice(&held[next..next + begun]);
        next += begun;
        now.retain(|(holding, _)| holding.until > row.time);
        let on_turn = now.iter().filter(|(holding, _)| holding.is_on_turn(row.time));
        let sum: f64 = on_turn.map(|(_, relative)| relative).sum();
        let (time, stated, found) = (row.time, row.cluster_efficiency, sum / gpus);
        // Six decimals are written.
        if (stated - found).abs() > 1e-6 {
            faults.push(format!(
                "at {time} s, cluster_efficiency is {stated}, but by what jobs held it is {found:.6}"
            ));
        }
    }
    Ok(faults)
}

/// The rows are the plans of the event log that changed something, with its admissions and
/// refusals until then; the jobs that wait are those that are left.
pub(super) fn plans(run: &Evidence<'_>) -> Checked {
    let (timeline, events) = (run.timeline()?, run.events()?);
    let mut rows = timeline.iter();
    let (mut arrived, mut admitted, mut declined, mut ended) = (0, 0, 0, 0);
    let mut faults = Vec::new();
    for event in events {
        match event["event"].as_str() {
            Some("arrived") => arrived += 1,
            Some("admitted") => admitted += 1,
            Some("declined") => declined += 1,
            Some("ended") => ended += 1,
            Some("planned") if event["changed"] == true => {
                let Some(row) = rows.next() else {
                    faults.push(format!("timeline.csv lacks a row at {} s", event["time"]));
                    continue;
                };
                let waiting = arrived - declined - ended - i64::from(row.jobs_running);
                let pairs = [
                    ("gpus_busy", i64::from(row.gpus_busy.get()), event["gpus_busy"].as_i64()),
                    ("jobs_running", i64::from(row.jobs_running), event["jobs_running"].as_i64()),
                    ("jobs_waiting", i64::from(row.jobs_waiting), event["jobs_waiting"].as_i64()),
                    ("jobs_waiting", i64::from(row.jobs_waiting), Some(waiting)),
                    ("jobs_admitted_total", i64::from(row.jobs_admitted_total), Some(admitted)),
                    ("jobs_declined_total", i64::from(row.jobs_declined_total), Some(declined)),
                    ("jobs_completed_total", i64::from(row.jobs_completed_total), Some(ended)),
                ];
                let time = row.time;
                for (column, stated, found) in pairs {
                    if Some(stated) != found {
                        let found = found.map_or_else(|| "missing".to_owned(), |found| found.to_string());
                        faults.push(format!(
                            "at {time} s, {column} is {stated}, but by events.jsonl it is {found}"
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    faults.extend(rows.map(|row| format!("events.jsonl has no plan for the row at {} s", row.time)));
    Ok(faults)
}
