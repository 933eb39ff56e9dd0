//! Random numbers for traces: one seed, one stream for each use, so that drawing more of one does
//! not move another.

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
    /// The stream for one use of `seed`.
    pub(super) fn new(seed: u64, stream: Stream) -> Draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Draws(rng)
    }

    /// Uniform in [0, 1), on a grid of 2⁻⁵³.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A kind of job: a model at a global batch size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template<'t> {
    pub(super) model: &'t str,
    pub(super) batch_size: u32,
    curve: &'t Curve,
}

/// The largest size that the generator draws; curves that end below it are no templates.
pub(super) const LARGEST: u32 = 16;

/// The kinds of job that are drawn from a table: its curves in order, but those not measured at 16
/// GPUs or more (a toy model whose measurements end at 8 GPUs would make for jobs that cannot
/// grow), unless no curve reaches that far.
pub(super) fn templates(table: &ThroughputTable) -> Vec<Template<'_>> {
    let all: Vec<_> =
        table.curves().map(|(model, batch_size, curve)| Template { model, batch_size, curve }).collect();
    let reaches = |t: &Template<'_>| t.curve.measured().last().is_some_and(|(gpus, _)| gpus.get() >= LARGEST);
    let long: Vec<_> = all.iter().copied().filter(reaches).collect();
    if long.is_empty() { all } else { long }
}

/// One of the templates that can run on `gpus` GPUs, each as likely: measured there, and with a
/// sample for every GPU. Draws once, also where there is none.
pub(super) fn draw<'t>(all: &[Template<'t>], gpus: Gpus, draws: &mut Draws) -> Option<(Template<'t>, Rate)> {
    let fits: Vec<_> = all
        .iter()
        .filter(|template| template.batch_size >= gpus.get())
        .filter_map(|template| Some((*template, template.curve.rate(gpus)?)))
        .collect();
    let at = (draws.unit() * fits.len() as f64) as usize;
    fits.get(at).copied()
}

/// The work that takes `duration` at `rate`: whole iterations, cut, but at least one.
pub(super) fn work(rate: Rate, duration: SimDuration) -> Iterations {
    Iterations::new((rate * duration).get().floor().max(1.0))
}
