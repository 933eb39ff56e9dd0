//! Filling, checked against the independent filling of `tests/common/filling.rs`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[path = "../../../../tests/common/filling.rs"]
mod filling;

use filling::{Filled, Free, Job};

const SECOND: u64 = 1_000_000;

/// Up to 8 steps of up to 20 GPUs over a few minutes.
fn free_gpus(rng: &mut ChaCha8Rng) -> Free {
    let mut from = 0;
    let steps = (0..rng.random_range(1..=8)).map(|_| {
        let step = (from, rng.random_range(0..=20));
        from += rng.random_range(1..60 * SECOND);
        step
    });
    steps.collect()
}

/// Sizes with gaps and odd counts, each faster than the last but seldom in proportion.
fn job(rng: &mut ChaCha8Rng) -> Job {
    let (mut gpus, mut rate) = (0, 0);
    let flat = rng.random_range(0..=1) * 10 * SECOND;
    let sizes: Vec<_> = (0..rng.random_range(1..=6))
        .map(|_| {
            gpus += rng.random_range(1..=4);
            rate += rng.random_range(1..=5);
            filling::Size { gpus, rate, restart: flat + rng.random_range(0..4) * SECOND }
        })
        .collect();
    let held = match rng.random_range(0..=sizes.len()) {
        0 => (0, 0),
        n => (sizes[n - 1].gpus, rng.random_range(0..20 * SECOND)),
    };
    Job { sizes, work: rng.random_range(1..800 * SECOND), held, due: rng.random_range(1..200 * SECOND) }
}

fn needs(job: &Job) -> Needs {
    let size = |size: &filling::Size| Size {
        gpus: Gpus::new(size.gpus),
        rate: Rate::new(size.rate as f64),
        restart: SimDuration::from_micros(size.restart),
    };
    Needs {
        sizes: job.sizes.iter().map(size).collect(),
        left: Iterations::new(job.work as f64 / 1e6),
        held: Gpus::new(job.held.0),
        restart_left: SimDuration::from_micros(job.held.1),
        kept_end: None,
    }
}

/// The same steps, shifted so that time 0 is `now`.
fn planned(free: &Free, now: SimTime) -> FreeGpus {
    let most = Gpus::new(free.iter().map(|step| step.1).max().unwrap());
    let mut out = FreeGpus::new(now, most);
    for (index, (from, gpus)) in free.iter().enumerate() {
        let to = free.get(index + 1).map_or(SimTime::NEVER, |next| now + SimDuration::from_micros(next.0));
        let mut taken = Reservation::default();
        taken.push(now + SimDuration::from_micros(*from), most - Gpus::new(*gpus));
        taken.close(to, to);
        out.reserve(&taken);
    }
    out
}

/// The GPUs of a reservation as (from, to, GPUs) after `now`, joined where the count stays.
fn spans(reservation: &Reservation, now: SimTime) -> Vec<(u64, u64, u32)> {
    let micros = |time: SimTime| time.since(now).as_micros();
    reservation.spans().map(|(from, to, gpus)| (micros(from), micros(to), gpus.get())).collect()
}

/// Equal but for the last instant, which the planner may round up.
fn same(ours: &[(u64, u64, u32)], theirs: &[(u64, u64, u32)]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(a, b)| (a.0, a.2) == (b.0, b.2) && a.1.abs_diff(b.1) <= 5)
}

#[test]
fn the_minimum_satisfactory_share_is_what_an_exhaustive_search_finds() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let (mut late, mut at_level, mut unclear) = (0, [0; 6], 0);
    for instance in 0..20_000 {
        let (free, job) = (free_gpus(&mut rng), job(&mut rng));
        let now = SimTime::from_micros(rng.random_range(0..1_000_000 * SECOND));
        let due = now + SimDuration::from_micros(job.due);
        let mut out = Reservation::default();
        let ours = needs(&job).fill_least(&planned(&free, now), now, due, &mut out);
        let (level, filled) = filling::fill_least(&free, &job);
        match filled {
            Filled::Unclear => {
                unclear += 1;
                continue;
            }
            Filled::Late => late += 1,
            Filled::InTime { end, spans: theirs } => {
                at_level[level.unwrap()] += 1;
                let end = now + SimDuration::from_micros(end);
                let off = out.end().since(end).as_micros() + end.since(out.end()).as_micros();
                assert!(off <= 5, "{instance}: ends {off} us off: {job:?} {free:?}");
                let ours = spans(&out, now);
                assert!(same(&ours, &theirs), "{instance}: {ours:?} {theirs:?}: {job:?} {free:?}");
            }
        }
        assert_eq!(ours, level, "{instance}: {job:?} in {free:?}");
    }
    // The instances are of all kinds, and hardly any is a matter of rounding.
    assert!(
        late > 4000 && at_level.iter().all(|count| *count > 30) && unclear < 20,
        "{late} {at_level:?} {unclear}"
    );
}

/// Every level, not only the least: what the elastic step and EDF fill at.
#[test]
fn every_level_is_filled_as_the_oracle_does() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let mut in_time = 0;
    for instance in 0..5_000 {
        let (free, job) = (free_gpus(&mut rng), job(&mut rng));
        let now = SimTime::from_secs(1000);
        let due = now + SimDuration::from_micros(job.due);
        let (needs, free_gpus) = (needs(&job), planned(&free, now));
        for level in 0..job.sizes.len() {
            let mut out = Reservation::default();
            let ours = needs.fill(&free_gpus, now, level, Start::Stays, due, &mut out);
            match filling::fill(&free, &job, level) {
                Filled::Unclear => {}
                Filled::Late => assert!(!ours, "{instance}, level {level}: {job:?} in {free:?}"),
                Filled::InTime { spans: theirs, .. } => {
                    assert!(ours, "{instance}, level {level}: {job:?} in {free:?}");
                    let ours = spans(&out, now);
                    assert!(same(&ours, &theirs), "{instance}: {ours:?} {theirs:?}: {job:?} {free:?}");
                    in_time += 1;
                }
            }
        }
    }
    assert!(in_time > 3000, "{in_time}");
}

/// A job that follows its filling from where it was made is in time; a job with more work than was
/// planned for is not.
#[test]
fn a_filling_can_be_followed_by_the_job_it_was_made_for() {
    let mut rng = ChaCha8Rng::seed_from_u64(43);
    let mut checked = 0;
    for instance in 0..5_000 {
        let (free, job) = (free_gpus(&mut rng), job(&mut rng));
        let now = SimTime::from_secs(1000);
        let due = now + SimDuration::from_micros(job.due);
        let mut needs = needs(&job);
        let mut out = Reservation::default();
        if needs.fill_least(&planned(&free, now), now, due, &mut out).is_none() {
            continue;
        }
        checked += 1;
        assert!(needs.follows(&out, now), "{instance}: {job:?} in {free:?}");
        // What the largest size does in three milliseconds is more than the margin takes in.
        let more = needs.sizes[needs.top()].rate * SimDuration::from_micros(3000);
        needs.left = needs.left + more;
        assert!(!needs.follows(&out, now), "{instance}: {job:?} in {free:?}");
    }
    assert!(checked > 1000, "{checked}");
}
