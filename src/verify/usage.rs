//! Rules on the time for which jobs hold GPUs.

use crate::record::jobs::JobRow;
use crate::units::{GpuTime, SimDuration};

use super::evidence::{Checked, Evidence};

/// The time with GPUs is the sum over the rows; in a rotation, of the turns.
pub(super) fn run_time(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
    ledger.check_turns()?;
    let fault = |job: &JobRow| {
        let held = ledger.of(&job.job_id).iter().map(|holding| holding.times(SimDuration::ZERO).0);
        let (id, stated, held) = (&job.job_id, job.run_time, held.sum::<SimDuration>());
        (stated != held)
            .then(|| format!("job `{id}`: run_time is {stated} s, but it holds GPUs for {held} s"))
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}

/// The GPU-time is the sum of GPUs × time over the rows.
pub(super) fn gpu_seconds(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
    ledger.check_turns()?;
    let fault = |job: &JobRow| {
        let held = ledger.of(&job.job_id).iter();
        let held = held.map(|holding| holding.nodes.gpus() * holding.times(SimDuration::ZERO).0);
        let held = held.fold(GpuTime::ZERO, |sum, part| sum + part);
        let (id, stated) = (&job.job_id, job.gpu_seconds);
        (stated != held).then(|| format!("job `{id}`: gpu_seconds is {stated}, but it holds {held}"))
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}
