//! Draws traces in the manner of the ElasticFlow artifact's generator.
//!
//! Each job is drawn on its own, from one seed, with a stream of random numbers for each of the
//! following:
//!
//! - GPUs: 1 for 83 % of the jobs, 2 for 3 %, 4 for 3 %, 8 for 10 %, 16 for 1 %, and at most the
//!   largest of these that is no more than `max_gpus`.
//! - Model and batch size: each equally likely, of the curves that reach 16 GPUs and were measured
//!   at the job's number of GPUs.
//! - Duration on these GPUs: 10ˣ minutes, rounded down to whole seconds, with x uniform in [1, 2.5)
//!   for 80 % of the jobs and in [2.5, 4) for 20 %: ten minutes to a week. The iterations are as
//!   many whole ones as take that time, but at least one.
//! - Arrivals: the first at 0, then exponential gaps (a Poisson process), rounded down to whole
//!   seconds. With bursts, a geometric number of jobs arrive at the same instant, and gaps are
//!   longer by the mean of that number.
//! - Deadline: a share of the duration after the submission, rounded down to whole seconds. The
//!   share is uniform in the range of tightness.
//! - Best effort: a job has no deadline with the probability of the best-effort share.

use crate::job::{JobId, JobSpec};
use crate::profile::ThroughputTable;
use crate::trace::deadline::due;
use crate::trace::draw::{Draws, LARGEST, Stream, Template, draw, templates, work};
use crate::trace::work::too_long_on;
use crate::units::{Gpus, SimDuration, SimTime};
use crate::workload::Workload;

/// What to draw. The default is 100 jobs at the load of figure 9 in the paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GenerateOptions {
    /// The number of jobs, 1 to 10 million.
    pub jobs: u32,
    /// Mean time between submissions, in seconds; 0 submits everything at once.
    pub mean_interarrival: f64,
    /// The range of the time from submission to deadline, as shares of the duration; the upper end
    /// is excluded.
    pub tightness: (f64, f64),
    /// The probability that a job has no deadline, 0 to 1.
    pub best_effort_share: f64,
    /// The most GPUs that a job asks for.
    pub max_gpus: u32,
    /// The mean number of jobs that arrive at the same instant, at least 1; 1 means no bursts. The
    /// mean time between submissions is `mean_interarrival` in any case.
    pub burst: f64,
    /// The seed of the generator.
    pub seed: u64,
}

impl Default for GenerateOptions {
    fn default() -> GenerateOptions {
        GenerateOptions {
            jobs: 100,
            mean_interarrival: 1500.0,
            tightness: (0.5, 1.5),
            best_effort_share: 0.0,
            max_gpus: LARGEST,
            burst: 1.0,
            seed: 0,
        }
    }
}

/// Why no trace can be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GenerateError {
    /// An option is out of its range.
    #[error("`--{option} {value}` is out of range; give {right}")]
    Option {
        /// The option's name on the command line.
        option: &'static str,
        /// The value that was given.
        value: String,
        /// What the value may be.
        right: &'static str,
    },
    /// The profiles have no model for jobs on some number of GPUs.
    #[error(
        "profiles `{profiles}` have no model measured at {gpus} GPUs with as large a batch; give other profiles, or a smaller `--max-gpus`"
    )]
    NoModel {
        /// The name of the profiles.
        profiles: String,
        /// The number of GPUs.
        gpus: Gpus,
    },
    /// A job arrives, is due or may end later than [`SimTime::LIMIT`].
    #[error(
        "job {job} goes beyond 10000000000 s; give fewer `--jobs`, a smaller `--mean-interarrival` or a smaller `--tightness`"
    )]
    TooLate {
        /// The number of the job, from 0.
        job: u32,
    },
}

/// Draws a trace whose jobs are called `0`, `1`, … in the order in which they arrive. The same
/// options and table give the same trace on every machine.
///
/// # Errors
///
/// If an option is out of range, `table` has no model for a number of GPUs that is drawn, or a time
/// lies beyond [`SimTime::LIMIT`].
pub fn generate(options: &GenerateOptions, table: &ThroughputTable) -> Result<Workload, GenerateError> {
    check(options)?;
    let templates = templates(table);
    let mut streams = Streams::new(options.seed);
    let mut arrival = 0.0;
    let mut jobs = Vec::new();
    for number in 0..options.jobs {
        let gap = next_arrival(&mut streams.arrivals, options);
        if number > 0 {
            arrival += gap;
        }
        jobs.push(draw_job(number, arrival, options, &templates, table.name(), &mut streams)?);
    }
    Ok(Workload::new(jobs).expect("what is drawn is checked as it is drawn"))
}

/// The random numbers of each use.
struct Streams {
    sizes: Draws,
    models: Draws,
    durations: Draws,
    arrivals: Draws,
    tightness: Draws,
    best_effort: Draws,
}

impl Streams {
    fn new(seed: u64) -> Streams {
        let stream = |stream| Draws::new(seed, stream);
        Streams {
            sizes: stream(Stream::Sizes),
            models: stream(Stream::Templates),
            durations: stream(Stream::Durations),
            arrivals: stream(Stream::Arrivals),
            tightness: stream(Stream::Tightness),
            best_effort: stream(Stream::BestEffort),
        }
    }
}

/// Draws one job, which arrives `arrival` seconds after the clock's zero.
fn draw_job(
    number: u32,
    arrival: f64,
    options: &GenerateOptions,
    templates: &[Template<'_>],
    profiles: &str,
    streams: &mut Streams,
) -> Result<JobSpec, GenerateError> {
    let gpus = size(streams.sizes.unit(), options.max_gpus);
    let (template, rate) = draw(templates, gpus, &mut streams.models)
        .ok_or_else(|| GenerateError::NoModel { profiles: profiles.to_owned(), gpus })?;
    let duration = SimDuration::from_secs(duration(&mut streams.durations));
    let iterations = work(rate, duration);
    let too_late = GenerateError::TooLate { job: number };
    if arrival > SimTime::LIMIT.as_secs_f64() {
        return Err(too_late);
    }
    let submit = SimTime::from_secs(arrival as u64);
    let (lo, hi) = options.tightness;
    let deadline = due(submit, duration, lo + (hi - lo) * streams.tightness.unit());
    if deadline > SimTime::LIMIT || too_long_on(iterations, template.curve).is_some() {
        return Err(too_late);
    }
    Ok(JobSpec {
        id: JobId(number),
        name: number.to_string(),
        model: template.model.to_owned(),
        batch_size: template.batch_size,
        iterations,
        submit,
        deadline: (streams.best_effort.unit() >= options.best_effort_share).then_some(deadline),
        soft: Vec::new(),
        requested: gpus,
        duration: Some(duration),
    })
}

/// Checks that every option is in its range.
fn check(options: &GenerateOptions) -> Result<(), GenerateError> {
    let (lo, hi) = options.tightness;
    let wrong = |option, value, right| Err(GenerateError::Option { option, value, right });
    if !(1..=10_000_000).contains(&options.jobs) {
        wrong("jobs", options.jobs.to_string(), "1 to 10000000")
    } else if !(0.0..=1e9).contains(&options.mean_interarrival) {
        wrong("mean-interarrival", options.mean_interarrival.to_string(), "0 to 1e9 seconds")
    } else if !(0.0 <= lo && lo <= hi && hi <= 1e6) {
        wrong("tightness", format!("{lo},{hi}"), "LO,HI with 0 <= LO <= HI <= 1e6, times the duration")
    } else if !(0.0..=1.0).contains(&options.best_effort_share) {
        wrong("best-effort", options.best_effort_share.to_string(), "a share from 0 to 1")
    } else if options.max_gpus == 0 {
        wrong("max-gpus", options.max_gpus.to_string(), "at least 1")
    } else if !(1.0..=1e6).contains(&options.burst) {
        wrong("burst", options.burst.to_string(), "1 to 1e6 jobs")
    } else {
        Ok(())
    }
}

/// Returns the number of GPUs that `unit`, uniform in [0, 1), stands for.
fn size(unit: f64, max: u32) -> Gpus {
    let drawn = match unit {
        u if u < 0.83 => 1,
        u if u <= 0.86 => 2,
        u if u <= 0.89 => 4,
        u if u <= 0.99 => 8,
        _ => LARGEST,
    };
    let most = if max >= LARGEST { LARGEST } else { 1 << max.ilog2() };
    Gpus::new(drawn.min(most))
}

/// Draws a duration in whole seconds.
fn duration(draws: &mut Draws) -> u64 {
    let (lo, hi) = if draws.unit() >= 0.8 { (2.5, 4.0) } else { (1.0, 2.5) };
    let exponent = lo + (hi - lo) * draws.unit();
    (60.0 * libm::pow(10.0, exponent)) as u64
}

/// Draws the seconds from one arrival to the next: none within a burst.
fn next_arrival(draws: &mut Draws, options: &GenerateOptions) -> f64 {
    let (coin, unit) = (draws.unit(), draws.unit());
    if coin * options.burst >= 1.0 {
        return 0.0;
    }
    -libm::log(1.0 - unit) * options.mean_interarrival * options.burst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Curve;
    use crate::units::Rate;

    /// Two models measured up to 16 GPUs, and a toy up to 8.
    fn table() -> ThroughputTable {
        let mut table = ThroughputTable::new("t");
        for (model, most) in [("a", 16), ("b", 16), ("toy", 8)] {
            let sizes = [1, 2, 4, 8, 16].into_iter().filter(|gpus| *gpus <= most);
            let curve = Curve::new(sizes.map(|g| (Gpus::new(g), Rate::new(f64::from(g)))).collect());
            table.insert(model, 64, curve.unwrap());
        }
        table
    }

    fn drawn(options: GenerateOptions) -> Workload {
        generate(&options, &table()).unwrap()
    }

    #[test]
    fn a_large_trace_has_the_stated_distributions() {
        let n = 50_000;
        let workload =
            drawn(GenerateOptions { jobs: n, best_effort_share: 0.3, burst: 5.0, ..Default::default() });
        let jobs = workload.jobs();
        let share = |counts: &dyn Fn(&JobSpec) -> bool| {
            jobs.iter().filter(|job| counts(job)).count() as f64 / f64::from(n)
        };
        for (gpus, expected) in [(1, 0.83), (2, 0.03), (4, 0.03), (8, 0.10), (16, 0.01)] {
            assert!((share(&|job| job.requested == Gpus::new(gpus)) - expected).abs() < 0.01, "{gpus}");
        }
        assert!((share(&|job| job.deadline.is_none()) - 0.3).abs() < 0.01);
        // 10^2.5 minutes are 18973.67 s.
        assert!((share(&|job| job.duration >= Some(SimDuration::from_secs(18_973))) - 0.2).abs() < 0.01);
        let mean = jobs[jobs.len() - 1].submit.as_secs_f64() / f64::from(n - 1);
        assert!((mean - 1500.0).abs() < 50.0, "{mean}");
        let together =
            jobs.windows(2).filter(|pair| pair[0].submit == pair[1].submit).count() as f64 / f64::from(n);
        assert!((together - 0.8).abs() < 0.01, "{together}");
        // The toy model ends at 8 GPUs, and is not drawn for smaller jobs either.
        assert!((share(&|job| job.model == "a") - 0.5).abs() < 0.01);
        assert_eq!(share(&|job| job.model == "toy"), 0.0);
    }

    #[test]
    fn each_use_has_its_own_stream() {
        let base = GenerateOptions::default();
        let (a, b) =
            (drawn(base), drawn(GenerateOptions { tightness: (1.0, 2.0), best_effort_share: 0.5, ..base }));
        for (a, b) in a.jobs().iter().zip(b.jobs()) {
            assert_eq!((a.submit, a.iterations, a.requested), (b.submit, b.iterations, b.requested));
        }
        assert_ne!(drawn(base), drawn(GenerateOptions { seed: 1, ..base }));
    }

    #[test]
    fn sizes_are_cut_to_a_power_of_two() {
        for (unit, max, gpus) in
            [(0.0, 1, 1), (0.999, 7, 4), (0.999, 8, 8), (0.999, 64, 16), (0.85, 3, 2), (0.95, 3, 2)]
        {
            assert_eq!(size(unit, max), Gpus::new(gpus), "{unit} {max}");
        }
    }

    #[test]
    fn options_out_of_range_say_what_is_in_range() {
        let table = table();
        let message = |options| generate(&options, &table).unwrap_err().to_string();
        let base = GenerateOptions::default();
        assert_eq!(
            message(GenerateOptions { jobs: 0, ..base }),
            "`--jobs 0` is out of range; give 1 to 10000000"
        );
        assert_eq!(
            message(GenerateOptions { mean_interarrival: f64::NAN, ..base }),
            "`--mean-interarrival NaN` is out of range; give 0 to 1e9 seconds"
        );
        assert_eq!(
            message(GenerateOptions { tightness: (2.0, 1.0), ..base }),
            "`--tightness 2,1` is out of range; give LO,HI with 0 <= LO <= HI <= 1e6, times the duration"
        );
        assert_eq!(
            message(GenerateOptions { best_effort_share: 30.0, ..base }),
            "`--best-effort 30` is out of range; give a share from 0 to 1"
        );
        assert_eq!(
            message(GenerateOptions { max_gpus: 0, ..base }),
            "`--max-gpus 0` is out of range; give at least 1"
        );
        assert_eq!(
            message(GenerateOptions { burst: 0.5, ..base }),
            "`--burst 0.5` is out of range; give 1 to 1e6 jobs"
        );
        let late = message(GenerateOptions { mean_interarrival: 1e9, ..base });
        assert!(late.starts_with("job ") && late.contains("goes beyond 10000000000 s; give fewer"), "{late}");
        let none = generate(&base, &ThroughputTable::new("mine")).unwrap_err().to_string();
        assert!(none.starts_with("profiles `mine` have no model measured at 1 GPUs"), "{none}");
    }
}
