//! What one job needs, and the least that it pays for it.

use crate::job::{JobId, JobSpec};
use crate::units::SimTime;

use super::priced_time::PricedTime;

/// A part of a job's speeds: so many more GPUs make so many more iterations per second.
///
/// The parts are those of the upper concave hull of the measured (GPUs, iterations per second) from
/// (0, 0): a job that shares its time between measured sizes reaches every point below it, and no
/// point above. They come in the order of falling speed for each GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) gpus: f64,
    pub(super) speed: f64,
}

/// The work of a job, and when it may be done.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) job: JobId,
    pub(super) from: SimTime,
    pub(super) until: SimTime,
    /// Iterations.
    pub(super) work: f64,
    pub(super) segments: Vec<Segment>,
    /// The sums of the segments: the most GPUs that help, and the speed on them.
    pub(super) most: Segment,
}

/// Work that can be bought: at a time and on a segment.
#[derive(Clone, Copy, Debug)]
struct Offer {
    /// The price of an iteration.
    price: f64,
    iterations: f64,
    /// GPU-seconds.
    gpu_time: f64,
    interval: usize,
}

impl Demand {
    /// Describes a job with a deadline by its speeds: (GPUs, iterations per second), at least one.
    pub(super) fn new(job: &JobSpec, until: SimTime, speeds: &[(f64, f64)]) -> Demand {
        Demand::of_speeds(job.id, job.submit, until, job.iterations.get(), speeds)
    }

    /// Describes `work` iterations that may be done between two times.
    pub(super) fn of_speeds(
        job: JobId,
        from: SimTime,
        until: SimTime,
        work: f64,
        speeds: &[(f64, f64)],
    ) -> Demand {
        let segments = hull(speeds);
        let sum = |part: fn(&Segment) -> f64| segments.iter().map(part).sum();
        let most = Segment { gpus: sum(|part| part.gpus), speed: sum(|part| part.speed) };
        Demand { job, from, until, work, segments, most }
    }

    /// Returns the fewest GPUs on which it makes so many iterations per second, sharing its time
    /// between sizes.
    pub(super) fn gpus_at(&self, speed: f64) -> f64 {
        let (mut gpus, mut left) = (0.0, speed);
        for part in &self.segments {
            let share = (left / part.speed).clamp(0.0, 1.0);
            gpus += part.gpus * share;
            left -= part.speed * share;
        }
        gpus
    }

    /// Returns the seconds of its time that an interval covers.
    pub(super) fn overlap(&self, from: SimTime, until: SimTime) -> f64 {
        let (from, until) = (from.max(self.from), until.min(self.until));
        if from < until { until.since(from).as_secs_f64() } else { 0.0 }
    }

    /// Returns the least that the work costs at given prices, in deadlines. Time without a price is
    /// free.
    pub(super) fn cost_at(&self, prices: &[PricedTime]) -> f64 {
        let window = if self.from < self.until { self.until.since(self.from).as_secs_f64() } else { 0.0 };
        let first = prices.partition_point(|time| time.until <= self.from);
        let last = prices.partition_point(|time| time.from < self.until);
        let priced = prices[first..last.max(first)].iter();
        let priced: Vec<(f64, f64, usize)> =
            priced.map(|time| (time.price, self.overlap(time.from, time.until), 0)).collect();
        let unpriced = window - priced.iter().map(|(_, overlap, _)| overlap).sum::<f64>();
        self.buy(unpriced, priced.into_iter(), &mut Vec::new())
    }

    /// Buys the work as cheaply as possible, in `unpriced` seconds that cost nothing and in priced
    /// intervals: their price, the seconds of them that the job may use, and their place. Returns
    /// the cost, and leaves the GPU-seconds bought in each priced interval in `bought`.
    ///
    /// This is a fractional knapsack: the offers are taken by their price for an iteration, the
    /// last one in part. Within an interval the segments come in order by themselves. If all offers
    /// together are less than the work, because of rounding, all are taken.
    pub(super) fn buy(
        &self,
        unpriced: f64,
        priced: impl Iterator<Item = (f64, f64, usize)>,
        bought: &mut Vec<(usize, f64)>,
    ) -> f64 {
        bought.clear();
        let mut left = self.work - self.most.speed * unpriced.max(0.0);
        if left <= 0.0 {
            return 0.0;
        }
        let mut offers = Vec::new();
        for (price, overlap, interval) in priced {
            for part in &self.segments {
                offers.push(Offer {
                    price: price * part.gpus / part.speed,
                    iterations: overlap * part.speed,
                    gpu_time: overlap * part.gpus,
                    interval,
                });
            }
        }
        let mut cost = 0.0;
        for offer in cheapest(&mut offers, left) {
            let share = if offer.iterations > left { left / offer.iterations } else { 1.0 };
            cost += offer.price * offer.iterations * share;
            bought.push((offer.interval, offer.gpu_time * share));
            left -= offer.iterations * share;
        }
        cost
    }
}

/// Returns the upper concave hull of points from (0, 0), as its segments. Points have positive
/// coordinates, ascending.
pub(super) fn hull(points: &[(f64, f64)]) -> Vec<Segment> {
    let mut corners = vec![(0.0, 0.0)];
    for point in points.iter().copied() {
        let slope = |a: (f64, f64), b: (f64, f64)| (b.1 - a.1) / (b.0 - a.0);
        while let [.., before, last] = corners[..]
            && slope(before, last) <= slope(before, point)
        {
            corners.pop();
        }
        corners.push(point);
    }
    corners
        .windows(2)
        .map(|pair| Segment { gpus: pair[1].0 - pair[0].0, speed: pair[1].1 - pair[0].1 })
        .collect()
}

/// Moves the cheapest offers that make `work` together to the front, and returns them: all but the
/// last are taken whole. Takes expected linear time.
fn cheapest(offers: &mut [Offer], work: f64) -> &[Offer] {
    let by_price = |a: &Offer, b: &Offer| {
        a.price.total_cmp(&b.price).then(a.interval.cmp(&b.interval)).then(a.gpu_time.total_cmp(&b.gpu_time))
    };
    let (mut from, mut until, mut left) = (0, offers.len(), work);
    // What is before `from` is taken, what is from `until` on is not needed.
    while until - from > 1 {
        let middle = (until - from) / 2;
        offers[from..until].select_nth_unstable_by(middle, by_price);
        let lower: f64 = offers[from..from + middle].iter().map(|offer| offer.iterations).sum();
        if lower >= left {
            until = from + middle;
        } else {
            left -= lower;
            from += middle;
        }
    }
    &offers[..until]
}
