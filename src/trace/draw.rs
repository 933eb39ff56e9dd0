//! Random numbers for traces: one seed, and one stream for each use, so that drawing more for one
//! use does not move the numbers of another.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::profile::{Curve, ThroughputTable};
use crate::units::{Gpus, Iterations, Rate, SimDuration};

/// What a number is drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Sizes = 1,
    Templates = 2,
    Durations = 3,
    Arrivals = 4,
    Tightness = 5,
    BestEffort = 6,
}

/// A stream of random numbers that is the same on every machine.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// Begins the stream for one use of `seed`.
    pub(super) fn new(seed: u64, stream: Stream) -> Draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Draws(rng)
    }

    /// Draws a number uniform in [0, 1), on a grid of 2⁻⁵³.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A kind of job: a model at a global batch size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template<'t> {
    pub(super) model: &'t str,
    pub(super) batch_size: u32,
    pub(super) curve: &'t Curve,
}

/// The most GPUs that the generator draws; curves that end below are not templates.
pub(super) const LARGEST: u32 = 16;

/// Returns the kinds of job that are drawn from a table: its curves, in their order, that were
/// measured at 16 GPUs or more; all of them if no curve reaches that far. (A toy model whose
/// measurements end at 8 GPUs would make jobs that cannot grow.)
pub(super) fn templates(table: &ThroughputTable) -> Vec<Template<'_>> {
    let all: Vec<_> =
        table.curves().map(|(model, batch_size, curve)| Template { model, batch_size, curve }).collect();
    let reaches = |t: &Template<'_>| t.curve.measured().last().is_some_and(|(gpus, _)| gpus.get() >= LARGEST);
    let long: Vec<_> = all.iter().copied().filter(reaches).collect();
    if long.is_empty() { all } else { long }
}

/// Draws one of the templates that can run on `gpus` GPUs, each equally likely: those that were
/// measured there and have a sample for every GPU. Returns it with its rate on `gpus` GPUs. Draws
/// exactly one number, even if no template can run there.
pub(super) fn draw<'t>(all: &[Template<'t>], gpus: Gpus, draws: &mut Draws) -> Option<(Template<'t>, Rate)> {
    let fits: Vec<_> = all
        .iter()
        .filter(|template| template.batch_size >= gpus.get())
        .filter_map(|template| Some((*template, template.curve.rate(gpus)?)))
        .collect();
    let place = (draws.unit() * fits.len() as f64) as usize;
    fits.get(place).copied()
}

/// Returns the work that takes `duration` at `rate`: whole iterations, rounded down, but at least
/// one.
pub(super) fn work(rate: Rate, duration: SimDuration) -> Iterations {
    Iterations::new((rate * duration).get().floor().max(1.0))
}
