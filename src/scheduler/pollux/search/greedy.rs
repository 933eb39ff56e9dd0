//! Plans to start from: the GPUs of one node at a time go to the job for which the harmonic mean
//! gains most per GPU.

use super::problem::Problem;

/// A plan while GPUs are handed out.
struct Handed<'n> {
    rows: Vec<u8>,
    nodes: &'n [u8],
    free: Vec<u8>,
    /// By job.
    gpus: Vec<u32>,
    /// By node: the job spanning several nodes that is on it.
    spread: Vec<Option<usize>>,
}

/// A step: more GPUs of one node for one job.
#[derive(Clone, Copy)]
struct Step {
    job: usize,
    node: usize,
    gpus: u8,
    gain: f64,
    /// The GPUs of the node that stay free.
    left: u8,
}

/// Hands out the GPUs that the rows `from` leave free. A row that differs from the one in force
/// pays for the change.
pub(super) fn greedy(problem: &mut Problem<'_>, nodes: &[u8], from: &[u8]) -> Vec<u8> {
    let mut handed = Handed::new(nodes, from);
    let jobs = problem.jobs();
    let mut worth: Vec<f64> = (0..jobs).map(|job| handed.before(problem, job, from)).collect();
    while handed.free.iter().any(|free| *free > 0) {
        let steps = (0..jobs).filter_map(|job| handed.best(problem, job, worth[job]));
        let better = |a: Step, b: Step| {
            if b.gain > a.gain || (b.gain == a.gain && b.left < a.left) { b } else { a }
        };
        let Some(step) = steps.reduce(better) else { break };
        handed.take(step);
        worth[step.job] = problem.worth(step.job, handed.spans(step.job), handed.gpus[step.job]).inverse;
    }
    handed.rows
}

impl<'n> Handed<'n> {
    fn new(nodes: &'n [u8], from: &[u8]) -> Handed<'n> {
        let mut free = nodes.to_vec();
        for row in from.chunks_exact(nodes.len()) {
            free.iter_mut()
                .zip(row)
                .for_each(|(free, count)| *free = free.checked_sub(*count).expect("the rows fit the nodes"));
        }
        let gpus = from.chunks_exact(nodes.len()).map(|row| row.iter().map(|count| u32::from(*count)).sum());
        let mut handed = Handed {
            rows: from.to_vec(),
            nodes,
            free,
            gpus: gpus.collect(),
            spread: vec![None; nodes.len()],
        };
        (0..handed.gpus.len()).for_each(|job| handed.mark(job));
        handed
    }

    fn row(&self, job: usize) -> &[u8] {
        &self.rows[job * self.nodes.len()..(job + 1) * self.nodes.len()]
    }

    fn spans(&self, job: usize) -> bool {
        self.row(job).iter().filter(|count| **count > 0).count() > 1
    }

    /// Marks the nodes of a job that spans several.
    fn mark(&mut self, job: usize) {
        if self.spans(job) {
            let width = self.nodes.len();
            for (mark, count) in self.spread.iter_mut().zip(&self.rows[job * width..]) {
                if *count > 0 {
                    *mark = Some(job);
                }
            }
        }
    }

    /// Returns the worth of a job's row before anything is handed out.
    fn before(&self, problem: &mut Problem<'_>, job: usize, from: &[u8]) -> f64 {
        let kept = problem.is_current(job, &from[job * self.nodes.len()..(job + 1) * self.nodes.len()]);
        if kept {
            problem.kept_worth(job).inverse
        } else {
            problem.worth(job, self.spans(job), self.gpus[job]).inverse
        }
    }

    /// Returns the step with the largest gain per GPU, if any step gains. Of equal steps it is the
    /// one that leaves the fewest GPUs free, then the one on the first node.
    fn best(&self, problem: &mut Problem<'_>, job: usize, worth: f64) -> Option<Step> {
        // By whether the job would span several nodes then: how many GPUs it takes at best of 1, of
        // 2 and so on of a node, and what it gains for each.
        let mut gains: [Vec<(u8, f64)>; 2] = [Vec::new(), Vec::new()];
        let has = self.gpus[job];
        let row = self.row(job);
        let spans = self.spans(job);
        let mine = |mark: &Option<usize>| mark.is_none_or(|other| other == job);
        // A job may not begin to span several nodes on a node that another such job is on.
        let may_span = row.iter().zip(&self.spread).all(|(count, mark)| *count == 0 || mine(mark));
        let mut best: Option<Step> = None;
        for (node, free) in self.free.iter().enumerate().filter(|(_, free)| **free > 0) {
            let would_span = spans || (has > 0 && row[node] == 0);
            if would_span && !(may_span && mine(&self.spread[node])) {
                continue;
            }
            let most = &mut gains[usize::from(would_span)];
            while most.len() < usize::from(*free) {
                let gpus = most.len() as u8 + 1;
                let count = has + u32::from(gpus);
                let before = most.last().copied().unwrap_or((0, 0.0));
                let runs = count <= problem.cap(job) && problem.largest_count(job, count) == count;
                let gain = if runs {
                    (worth - problem.worth(job, would_span, count).inverse) / f64::from(gpus)
                } else {
                    0.0
                };
                most.push(if gain > 0.0 && gain >= before.1 { (gpus, gain) } else { before });
            }
            let (gpus, gain) = most[usize::from(*free) - 1];
            let left = free - gpus;
            let beats = |best: Step| gain > best.gain || (gain == best.gain && left < best.left);
            if gpus > 0 && best.is_none_or(beats) {
                best = Some(Step { job, node, gpus, gain, left });
            }
        }
        best
    }

    fn take(&mut self, step: Step) {
        self.rows[step.job * self.nodes.len() + step.node] += step.gpus;
        self.free[step.node] -= step.gpus;
        self.gpus[step.job] += u32::from(step.gpus);
        self.mark(step.job);
    }
}
