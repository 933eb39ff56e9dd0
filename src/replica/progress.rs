//! The progress of the jobs since the last round.

use super::error::ReplicaError;
use super::world::World;

/// Returns when work that takes `seconds` from `from` on is done early. The artifact leaves out the
/// overhead that was paid: a quirk (Q7).
fn early_end(from: i64, seconds: f64) -> i64 {
    from + seconds.ceil() as i64
}

impl World {
    /// Accounts for the `dt` seconds since the last round. A job that is done before its end ends
    /// in this round.
    ///
    /// # Errors
    ///
    /// If a job held GPUs past its end.
    pub(super) fn progress(&mut self, dt: i64) -> Result<(), ReplicaError> {
        let now = self.now;
        for id in self.runnable.clone() {
            let job = &mut self.jobs[id];
            if job.num_gpu == 0 {
                continue;
            }
            let past = now - job.real_end.unwrap_or(job.end);
            let held = dt - past.max(0);
            if held <= 0 {
                return Err(ReplicaError::NoProgress { job: job.name.clone() });
            }
            let run = (held - job.overhead).max(0);
            let rate = job.rate(job.num_gpu)?;
            let mut done = run as f64 * rate;
            if job.left <= done && job.end > now {
                job.old = job.end;
                let end = early_end(now - dt, job.seconds(job.left, job.num_gpu)?);
                done = (job.end - now + dt) as f64 * rate;
                job.end = now;
                self.events.move_end(id, job.old, job.end);
                job.end = end;
            }
            job.account.add(held, held - run, job.num_gpu, job.speedup());
            job.left -= done;
            job.overhead = 0;
        }
        Ok(())
    }
}
