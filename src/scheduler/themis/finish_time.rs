//! The time shares that make the worst finish-time fairness as good as it can be (Themis, as Gavel
//! states it again, section 4.2).
//!
//! A job was submitted `a` seconds ago, still needs `b` seconds on its GPUs, and would need `c`
//! seconds in all on its own share of the cluster. At a time share `x` from now on it comes to
//! `rho(x) = (a + b / x) / c`. For a bound `t` on every rho a job therefore needs at least the
//! share `x(t) = b / (c t - a)`, which falls with `t`. So the least bound is where these needs just
//! fit the cluster, or where the first job needs all of its time. No convex solver is needed, and
//! the shares are unique. Where a job's own limit decides, the other jobs get what they need for
//! the bound and no more, which leaves some of the cluster undecided.

/// What decides a job's share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// The GPUs that it runs on.
    pub(super) gpus: f64,
    /// Seconds since its submission.
    pub(super) elapsed: f64,
    /// Seconds that it still needs on its GPUs; above zero.
    pub(super) left: f64,
    /// Seconds that it would need in all on its own share of the cluster; above zero.
    pub(super) alone: f64,
}

impl Claim {
    /// Returns the share that a bound on rho asks for; at most 1, whatever rounding does.
    fn share(&self, bound: f64) -> f64 {
        self.left / (self.alone * bound - self.elapsed).max(self.left)
    }
}

/// Returns the least bound on the rho of all jobs, to the precision of floats, on a cluster of
/// `gpus` GPUs.
pub(super) fn bound(claims: &[Claim], gpus: f64) -> f64 {
    // A time share cannot exceed 1.
    let mut bound = claims.iter().map(|claim| (claim.elapsed + claim.left) / claim.alone).fold(0.0, f64::max);
    // The GPUs that all shares need fall with the bound and are convex in it: from the left,
    // Newton's steps never pass the bound at which they fit.
    loop {
        let (mut excess, mut slope) = (-gpus, 0.0);
        for claim in claims {
            let share = claim.share(bound);
            excess += claim.gpus * share;
            slope += claim.gpus * share * share * claim.alone / claim.left;
        }
        let next = bound + excess / slope;
        if excess <= 0.0 || next <= bound * (1.0 + PRECISION) {
            return next.max(bound);
        }
        bound = next;
    }
}

/// The relative change of the bound below which a step is the last. Steps shrink quadratically.
const PRECISION: f64 = 1e-12;

/// Returns the share of each job at the least bound, in (0, 1], in the order of `claims`.
pub(super) fn shares(claims: &[Claim], gpus: f64) -> Vec<f64> {
    let bound = bound(claims, gpus);
    claims.iter().map(|claim| claim.share(bound)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(gpus: f64, elapsed: f64, left: f64, alone: f64) -> Claim {
        Claim { gpus, elapsed, left, alone }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs()
    }

    /// Three new jobs of 4, 4 and 8 GPUs on 8, which need 100, 100 and 200 s. A third of the
    /// cluster is 8/3 GPUs, so alone they would take 150, 150 and 600 s. Shares 100/(150 t) and
    /// 200/(600 t) of 4, 4 and 8 GPUs are 8 GPUs at t = 1: all three finish as if alone, with
    /// shares of 2/3, 2/3 and 1/3.
    #[test]
    fn newcomers_finish_as_if_alone() {
        let claims =
            [claim(4.0, 0.0, 100.0, 150.0), claim(4.0, 0.0, 100.0, 150.0), claim(8.0, 0.0, 200.0, 600.0)];
        assert!(close(bound(&claims, 8.0), 1.0));
        let shares = shares(&claims, 8.0);
        assert!(close(shares[0], 2.0 / 3.0) && close(shares[1], 2.0 / 3.0) && close(shares[2], 1.0 / 3.0));
    }

    /// A job that has waited for 300 s and needs 100 more, alone 200 in all, comes to 2 at best.
    /// The other, new, needs 100 / (100 × 2) of its time for that; 4 of the 8 GPUs are enough for
    /// both, and it gets no more.
    #[test]
    fn a_job_at_its_limit_leaves_the_rest_undecided() {
        let claims = [claim(2.0, 300.0, 100.0, 200.0), claim(4.0, 0.0, 100.0, 100.0)];
        assert!(close(bound(&claims, 8.0), 2.0));
        assert_eq!(shares(&claims, 8.0), [1.0, 0.5]);
    }

    /// The least bound lies where one just above it fits and one just below does not.
    #[test]
    fn the_bound_is_the_least_one() {
        let mut state = 7u64;
        let mut draw = |limit: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % limit) as f64
        };
        for _ in 0..2000 {
            let scale = libm::pow(10.0, draw(7));
            let claims: Vec<Claim> = (0..1 + draw(50) as usize)
                .map(|_| {
                    claim(
                        libm::pow(2.0, draw(7)),
                        draw(1000) * scale,
                        (1.0 + draw(1000)) * scale,
                        (1.0 + draw(3000)) * scale,
                    )
                })
                .collect();
            let gpus = 64.0 + draw(4) * 64.0;
            let fits = |bound: f64| {
                let whole = claims.iter().all(|c| (c.elapsed + c.left) / c.alone <= bound);
                whole && claims.iter().map(|c| c.gpus * c.share(bound)).sum::<f64>() <= gpus
            };
            let bound = bound(&claims, gpus);
            assert!(fits(bound * (1.0 + 1e-9)) && !fits(bound * (1.0 - 1e-9)), "{claims:?}");
            assert!(shares(&claims, gpus).iter().all(|share| *share > 0.0 && *share <= 1.0));
        }
    }
}
