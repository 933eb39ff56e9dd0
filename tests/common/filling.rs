//! Constant-level filling, written again from the paper (section 4.1, algorithm 1) with plain
//! integers: the answer that planners are checked against. It uses no other module, so that unit
//! tests can include it by its path.
//!
//! At a level a job holds, at every time, the largest of its sizes that is free and not beyond the
//! level. Each change to a positive count costs a restart overhead. Its GPUs are kept a millisecond
//! longer than it needs it. Times are microseconds, work is in millionths of an iteration, so that
//! nothing is rounded but the end, up.

/// How much longer than needed GPUs are kept, and how much work a job that misses that has left at
/// least.
const KEPT: u64 = 1000;

/// Closer than this to either side of a decision, the rounding of the planner decides, and this
/// filling says nothing.
const UNCLEAR: u64 = 50;

/// One size of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) gpus: u32,
    /// Iterations a second.
    pub(crate) rate: u64,
    /// The restart overhead of a change to it, in microseconds.
    pub(crate) restart: u64,
}

/// A job at time 0.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Ascending.
    pub(crate) sizes: Vec<Size>,
    /// Millionths of an iteration.
    pub(crate) work: u64,
    /// The GPUs that it holds, and the restart overhead that is left there, in microseconds.
    pub(crate) held: (u32, u64),
    /// The deadline.
    pub(crate) due: u64,
}

/// Free GPUs: (from when, how many), ascending from 0; the last step holds forever.
pub(crate) type Free = Vec<(u64, u32)>;

/// How a filling ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Done at `end` with these (from, to, GPUs).
    InTime { end: u64, spans: Vec<(u64, u64, u32)> },
    /// Not by the latest end.
    Late,
    /// A matter of rounding.
    Unclear,
}

/// Fills a job at a level into what is free.
pub(crate) fn fill(free: &Free, job: &Job, level: usize) -> Filled {
    // First what it would hold at every time, were it never done…
    let mut shape: Vec<(u64, Option<Size>)> = Vec::new();
    for (from, gpus) in free {
        let size = job.sizes[..=level].iter().filter(|size| size.gpus <= *gpus).max_by_key(|size| size.gpus);
        if shape.last().is_none_or(|(_, last)| last.map(|s| s.gpus) != size.map(|s| s.gpus)) {
            shape.push((*from, size.copied()));
        }
    }
    // …then how far that takes it.
    let mut left = job.work;
    let mut spans = Vec::new();
    for (index, (from, size)) in shape.iter().enumerate() {
        let to = shape.get(index + 1).map_or(u64::MAX, |next| next.0);
        let Some(size) = size else { continue };
        let goes_on = *from == 0 && job.held.0 == size.gpus;
        let working = from + if goes_on { job.held.1 } else { size.restart };
        let end = working + left.div_ceil(size.rate);
        // Only the end of a job that changes now, and never again, is exact.
        let counted = if index == 0 && !goes_on { end } else { end + KEPT };
        if (end + KEPT).abs_diff(to) < UNCLEAR || counted.abs_diff(job.due) < UNCLEAR {
            return Filled::Unclear;
        }
        if end + KEPT < to {
            spans.push((*from, end + KEPT, size.gpus));
            return if counted < job.due { Filled::InTime { end, spans } } else { Filled::Late };
        }
        spans.push((*from, to, size.gpus));
        if to > working {
            let done = size.rate * (to - working);
            left = left.saturating_sub(done).max(size.rate * KEPT);
        }
    }
    Filled::Late
}

/// The minimum satisfactory share, by trying every level: the first that is in time.
pub(crate) fn fill_least(free: &Free, job: &Job) -> (Option<usize>, Filled) {
    for level in 0..job.sizes.len() {
        match fill(free, job, level) {
            Filled::Late => {}
            filled => return (Some(level), filled),
        }
    }
    (None, Filled::Late)
}
