//! Quantities, each with its unit in its type.
//!
//! Time is an integer number of microseconds, so that equal instants are equal and a run gives the
//! same bytes on every machine. Work is a real number of iterations. Only the products that mean
//! something exist. One place rounds: [`Iterations::time_at`] rounds up, so that a job never
//! completes before its last iteration is done.

mod seconds;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

use serde::{Deserialize, Serialize, Serializer};

pub use seconds::{MIN_INTERVAL, TimeError, duration_or_zero, positive_duration};

/// Microseconds in a second.
pub const MICROS: u64 = 1_000_000;

/// An instant on the trace's clock, in microseconds since its zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A length of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

/// A number of GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gpus(u32);

/// Training work: iterations (optimiser steps at the job's global batch size), possibly a fraction
/// of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Deserialize)]
#[serde(transparent)]
pub struct Iterations(f64);

/// A training speed, in iterations per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(f64);

/// GPUs held over time, in GPU-microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuTime(u64);

impl SimTime {
    /// The trace clock's zero.
    pub const ZERO: SimTime = SimTime(0);
    /// An instant that never comes: later than everything that happens.
    pub const NEVER: SimTime = SimTime(u64::MAX);
    /// The latest instant that a trace may name, 10¹⁰ s: beyond any Unix time stamp, and far from
    /// the end of the integers.
    pub const LIMIT: SimTime = SimTime(10_000_000_000 * MICROS);

    /// Returns the instant `micros` microseconds after the clock's zero.
    pub const fn from_micros(micros: u64) -> SimTime {
        SimTime(micros)
    }

    /// Returns the instant `seconds` whole seconds after the clock's zero.
    pub const fn from_secs(seconds: u64) -> SimTime {
        SimTime(seconds * MICROS)
    }

    /// Returns the microseconds since the clock's zero.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the seconds since the clock's zero, for statistics and figures.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// Returns the time from `earlier` to this instant; zero where `earlier` is not earlier.
    pub fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `by` before this one, but not before the clock's zero.
    pub fn back(self, by: SimDuration) -> SimTime {
        SimTime(self.0.saturating_sub(by.0))
    }
}

impl SimDuration {
    /// The length of no time.
    pub const ZERO: SimDuration = SimDuration(0);
    /// Longer than everything that ends.
    pub const FOREVER: SimDuration = SimDuration(u64::MAX);

    /// Returns a length of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> SimDuration {
        SimDuration(micros)
    }

    /// Returns a length of `seconds` whole seconds.
    pub const fn from_secs(seconds: u64) -> SimDuration {
        SimDuration(seconds * MICROS)
    }

    /// Returns a length of `seconds` seconds, to the nearest microsecond; `None` where that is
    /// negative, not a number or beyond [`SimTime::LIMIT`].
    pub fn from_secs_f64(seconds: f64) -> Option<SimDuration> {
        let micros = seconds * MICROS as f64;
        (0.0..=SimTime::LIMIT.0 as f64).contains(&micros).then(|| SimDuration(micros.round() as u64))
    }

    /// Returns the length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the length in seconds, for statistics and figures.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// Returns this less `other`; zero where `other` is longer.
    pub fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }
}

impl Gpus {
    /// The number of no GPUs.
    pub const ZERO: Gpus = Gpus(0);
    /// The number of one GPU.
    pub const ONE: Gpus = Gpus(1);

    /// Returns a number of `count` GPUs.
    pub const fn new(count: u32) -> Gpus {
        Gpus(count)
    }

    /// Returns the number as an integer.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns whether the number is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns this less `other`; zero where `other` is more.
    pub fn saturating_sub(self, other: Gpus) -> Gpus {
        Gpus(self.0.saturating_sub(other.0))
    }
}

impl Iterations {
    /// The work of no iterations.
    pub const ZERO: Iterations = Iterations(0.0);

    /// Returns the work of `count` iterations.
    pub const fn new(count: f64) -> Iterations {
        Iterations(count)
    }

    /// Returns the number of iterations.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns how long this work takes at `rate`, rounded up to the microsecond;
    /// [`SimDuration::FOREVER`] at a rate of zero, and no time for work that is not positive.
    pub fn time_at(self, rate: Rate) -> SimDuration {
        if self.0 <= 0.0 {
            return SimDuration::ZERO;
        }
        // A float beyond u64 saturates in the cast, and a division by zero is infinite.
        let micros = self.0 / rate.0 * MICROS as f64;
        let whole = micros as u64;
        SimDuration(whole.saturating_add(u64::from((whole as f64) < micros)))
    }
}

impl Rate {
    /// The rate of a job that does not train.
    pub const ZERO: Rate = Rate(0.0);

    /// Returns a rate of `per_second` iterations per second.
    pub const fn new(per_second: f64) -> Rate {
        Rate(per_second)
    }

    /// Returns the iterations per second.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl GpuTime {
    /// No GPUs over no time.
    pub const ZERO: GpuTime = GpuTime(0);

    /// Returns the time in GPU-microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time in GPU-seconds, for statistics and figures.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    /// Returns the instant `by` after this one, at the latest [`SimTime::NEVER`].
    fn add(self, by: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(by.0))
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    /// Returns both lengths together, at most [`SimDuration::FOREVER`].
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    /// Returns this less `other`.
    ///
    /// # Panics
    ///
    /// If `other` is longer: a length of time is not negative.
    fn sub(self, other: SimDuration) -> SimDuration {
        match self.0.checked_sub(other.0) {
            Some(micros) => SimDuration(micros),
            None => panic!("{other} s were taken from {self} s; a length of time is not negative"),
        }
    }
}

impl Sum for SimDuration {
    fn sum<I: Iterator<Item = SimDuration>>(all: I) -> SimDuration {
        all.fold(SimDuration::ZERO, Add::add)
    }
}

impl Add for Gpus {
    type Output = Gpus;
    fn add(self, other: Gpus) -> Gpus {
        Gpus(self.0 + other.0)
    }
}

impl AddAssign for Gpus {
    fn add_assign(&mut self, other: Gpus) {
        self.0 += other.0;
    }
}

impl Sub for Gpus {
    type Output = Gpus;
    /// Returns this less `other`.
    ///
    /// # Panics
    ///
    /// If `other` is more: a number of GPUs is not negative.
    fn sub(self, other: Gpus) -> Gpus {
        match self.0.checked_sub(other.0) {
            Some(count) => Gpus(count),
            None => panic!("{other} GPUs were taken from {self}; a number of GPUs is not negative"),
        }
    }
}

impl SubAssign for Gpus {
    /// Takes `other` away, and panics as the subtraction does.
    fn sub_assign(&mut self, other: Gpus) {
        *self = *self - other;
    }
}

impl Sum for Gpus {
    fn sum<I: Iterator<Item = Gpus>>(all: I) -> Gpus {
        all.fold(Gpus::ZERO, Add::add)
    }
}

impl Mul<SimDuration> for Gpus {
    type Output = GpuTime;
    fn mul(self, time: SimDuration) -> GpuTime {
        GpuTime(u64::from(self.0).saturating_mul(time.0))
    }
}

impl Add for GpuTime {
    type Output = GpuTime;
    /// Returns both together, at most the largest integer.
    fn add(self, other: GpuTime) -> GpuTime {
        GpuTime(self.0.saturating_add(other.0))
    }
}

impl AddAssign for GpuTime {
    fn add_assign(&mut self, other: GpuTime) {
        *self = *self + other;
    }
}

impl Mul<SimDuration> for Rate {
    type Output = Iterations;
    fn mul(self, time: SimDuration) -> Iterations {
        Iterations(self.0 * (time.0 as f64 / MICROS as f64))
    }
}

impl Add for Iterations {
    type Output = Iterations;
    fn add(self, other: Iterations) -> Iterations {
        Iterations(self.0 + other.0)
    }
}

impl Sub for Iterations {
    type Output = Iterations;
    fn sub(self, other: Iterations) -> Iterations {
        Iterations(self.0 - other.0)
    }
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Iterations {
    /// Writes a number, without a decimal point where it is whole.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 as u64;
        if whole as f64 == self.0 {
            serializer.serialize_u64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_rounded_up_to_the_microsecond() {
        // 1 iteration at 3 a second takes 333,333.33… µs.
        assert_eq!(Iterations::new(1.0).time_at(Rate::new(3.0)).as_micros(), 333_334);
        assert_eq!(Iterations::new(3.0).time_at(Rate::new(3.0)).as_micros(), 1_000_000);
        assert_eq!(Iterations::ZERO.time_at(Rate::ZERO), SimDuration::ZERO);
        assert_eq!(Iterations::new(1.0).time_at(Rate::ZERO), SimDuration::FOREVER);
    }
}
