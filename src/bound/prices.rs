//! The search for the prices whose bound is lowest, by projected subgradients.
//!
//! The bound is a convex function of the prices. One of its subgradients is, in each interval, the
//! cluster's GPU-seconds less those that the jobs buy which pay less than one deadline. Steps are
//! Polyak's: towards a target that lies a slice below the best value found. A slice that brings
//! nothing for some steps is halved.

use crate::units::Gpus;

use super::demand::Demand;
use super::grid::Grid;

/// The steps without a better value after which the slice is halved.
const PATIENCE: u32 = 25;
/// The same as long as no price has brought anything: mostly, nothing is short then.
const FIRST_PATIENCE: u32 = 8;
/// The search ends when the slice is shorter than this, in deadlines.
const LEAST_SLICE: f64 = 0.02;
/// The search ends after this many steps, or when so many offers were looked at: a number, so that
/// the result does not depend on the machine.
const MOST_STEPS: u32 = 5000;
const MOST_OFFERS: u64 = 1_000_000_000;
/// How much of the last direction a step keeps.
const MEMORY: f64 = 0.7;
/// Prices that together are worth less than this, in deadlines, are dropped.
const NOISE: f64 = 1e-3;

/// Prices and what they prove.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    /// The price of a GPU-second in each interval, in deadlines.
    pub(super) prices: Vec<f64>,
    /// What each job pays, in deadlines.
    pub(super) costs: Vec<f64>,
    /// The bound.
    pub(super) value: f64,
}

/// Searches for the prices that make the bound of these jobs on so many GPUs lowest.
pub(super) fn search(jobs: &[Demand], grid: &Grid, gpus: Gpus) -> Prices {
    let mut market = Market::new(jobs, grid, f64::from(gpus.get()));
    let mut prices = vec![0.0; grid.len()];
    let mut best = market.value(&prices);
    let mut direction = vec![0.0; grid.len()];
    let (mut slice, mut since) = ((jobs.len() as f64 / 50.0).max(0.5), 0);
    let mut value = best.value;
    for _ in 0..MOST_STEPS {
        market.turn(&prices, &mut direction);
        let length: f64 = (0..grid.len()).map(|k| direction[k].powi(2) * market.seconds[k]).sum();
        if length <= 0.0 || slice < LEAST_SLICE || market.offers > MOST_OFFERS {
            break;
        }
        let step = (value - (best.value - slice)) / length;
        for (price, part) in prices.iter_mut().zip(&direction) {
            *price = (*price + step * part).max(0.0);
        }
        let found = market.value(&prices);
        value = found.value;
        if value < best.value - slice * 0.05 {
            since = 0;
        } else {
            since += 1;
        }
        if value < best.value {
            best = found;
        }
        let is_free = best.prices.iter().all(|price| *price <= 0.0);
        if since == if is_free { FIRST_PATIENCE } else { PATIENCE } {
            (slice, since) = (slice / 2.0, 0);
            prices.clone_from(&best.prices);
            value = market.value(&prices).value;
            direction.fill(0.0);
        }
    }
    without_noise(&mut market, best)
}

/// Drops prices that are worth next to nothing, if the bound keeps its value but for that.
fn without_noise(market: &mut Market<'_>, best: Prices) -> Prices {
    let mut order: Vec<(f64, usize)> = best
        .prices
        .iter()
        .enumerate()
        .map(|(k, price)| (price * market.seconds[k] * market.gpus, k))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut prices, mut sum) = (best.prices.clone(), 0.0);
    for (worth, k) in order {
        sum += worth;
        if sum > NOISE {
            break;
        }
        prices[k] = 0.0;
    }
    let cleaned = market.value(&prices);
    if cleaned.value.floor() <= best.value.floor() { cleaned } else { best }
}

/// The jobs, and what they buy at the latest prices.
struct Market<'a> {
    jobs: &'a [Demand],
    grid: &'a Grid,
    gpus: f64,
    /// By interval.
    seconds: Vec<f64>,
    /// GPU-seconds bought, by interval.
    load: Vec<f64>,
    /// The same in unpriced intervals: by how many GPUs more are bought from this interval on.
    spread: Vec<f64>,
    /// What the latest job bought: GPU-seconds in priced intervals.
    bought: Vec<(usize, f64)>,
    /// The offers looked at.
    offers: u64,
}

impl<'a> Market<'a> {
    fn new(jobs: &'a [Demand], grid: &'a Grid, gpus: f64) -> Market<'a> {
        let seconds = (0..grid.len()).map(|k| grid.seconds(k)).collect();
        let (load, spread) = (vec![0.0; grid.len()], vec![0.0; grid.len() + 1]);
        Market { jobs, grid, gpus, seconds, load, spread, bought: Vec::new(), offers: 0 }
    }

    /// Lets all jobs buy at given prices, and returns what these prove.
    fn value(&mut self, prices: &[f64]) -> Prices {
        let mut unpriced_before = vec![0.0; prices.len() + 1];
        for (k, price) in prices.iter().enumerate() {
            let free = if *price > 0.0 { 0.0 } else { self.seconds[k] };
            unpriced_before[k + 1] = unpriced_before[k] + free;
        }
        self.load.fill(0.0);
        self.spread.fill(0.0);
        let costs: Vec<f64> = self.jobs.iter().map(|job| self.buy(job, prices, &unpriced_before)).collect();
        let mut level = 0.0;
        for (k, price) in prices.iter().enumerate() {
            level += self.spread[k];
            if *price <= 0.0 {
                self.load[k] += level * self.seconds[k];
            }
        }
        let paid: f64 = prices.iter().zip(&self.seconds).map(|(price, seconds)| price * seconds).sum();
        let kept: f64 = costs.iter().map(|cost| (1.0 - cost).max(0.0)).sum();
        Prices { prices: prices.to_vec(), costs, value: self.gpus * paid + kept }
    }

    /// Lets a job buy its work, counts what it buys unless it pays a whole deadline or more, and
    /// returns what it pays. `unpriced_before` has the unpriced seconds before each interval.
    fn buy(&mut self, job: &Demand, prices: &[f64], unpriced_before: &[f64]) -> f64 {
        let grid = self.grid;
        let touched = grid.touched(job);
        if touched.is_empty() {
            return 0.0;
        }
        let overlap = |k: usize| {
            let (from, until) = grid.interval(k);
            job.overlap(from, until)
        };
        // The first and the last interval may reach beyond the time of the job.
        let (first, last) = (touched.start, touched.end - 1);
        let ends = [Some(first), Some(last).filter(|last| *last != first)];
        let ends = ends.into_iter().flatten().filter(|k| prices[*k] <= 0.0);
        let beyond: f64 = ends.clone().map(|k| self.seconds[k] - overlap(k)).sum();
        let unpriced = (unpriced_before[touched.end] - unpriced_before[first] - beyond).max(0.0);
        if job.most.speed * unpriced >= job.work {
            self.bought.clear();
            self.spread_over(first, last, job.gpus_at(job.work / unpriced), ends, overlap);
            return 0.0;
        }
        self.offers += (touched.len() * job.segments.len()) as u64;
        let priced = touched.filter(|k| prices[*k] > 0.0).map(|k| (prices[k], overlap(k), k));
        let cost = job.buy(unpriced, priced, &mut self.bought);
        if cost < 1.0 {
            self.spread_over(first, last, job.most.gpus, ends, overlap);
            self.bought.iter().for_each(|(k, gpu_time)| self.load[*k] += gpu_time);
        }
        cost
    }

    /// Counts so many GPUs in all unpriced intervals from `first` to `last`; in those at the
    /// `ends`, for their `overlap` alone.
    fn spread_over(
        &mut self,
        first: usize,
        last: usize,
        gpus: f64,
        ends: impl Iterator<Item = usize>,
        overlap: impl Fn(usize) -> f64,
    ) {
        self.spread[first] += gpus;
        self.spread[last + 1] -= gpus;
        ends.for_each(|k| self.load[k] -= gpus * (self.seconds[k] - overlap(k)));
    }

    /// Turns a direction towards what the latest purchases say: up where more is bought than there
    /// is, down where less. What would push a price below zero is left out.
    fn turn(&self, prices: &[f64], direction: &mut [f64]) {
        for (k, part) in direction.iter_mut().enumerate() {
            let excess = self.load[k] / self.seconds[k] - self.gpus;
            *part = MEMORY * *part + excess;
            if prices[k] <= 0.0 && *part < 0.0 {
                *part = 0.0;
            }
        }
    }
}
