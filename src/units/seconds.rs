//! Times as users and files write them: decimal seconds, exactly.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{GpuTime, MICROS, SimDuration, SimTime};

/// Writes microseconds as seconds with no more decimals than they need: `60`, `0.5`, `12.000001`.
fn write_seconds(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (whole, rest) = (micros / MICROS, micros % MICROS);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    let decimals = format!("{rest:06}");
    write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
}

/// Why a text is not a time. The message is a fragment that follows "is".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It is not a decimal number such as `3600` or `0.25`.
    #[error("not a number of seconds")]
    NotANumber,
    /// It is below zero.
    #[error("negative")]
    Negative,
    /// It is beyond [`SimTime::LIMIT`].
    #[error("later than 10000000000 s")]
    TooLarge,
}

/// Reads seconds in decimal or exponent notation, and returns them in microseconds. Decimal
/// notation is read exactly; digits beyond the microsecond round to the nearest one.
fn parse_seconds(text: &str) -> Result<u64, TimeError> {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if are_digits(whole) && are_digits(decimals) && !(whole.is_empty() && decimals.is_empty()) {
        return parse_decimal(whole, decimals);
    }
    let value: f64 = text.parse().map_err(|_| TimeError::NotANumber)?;
    if value.is_nan() {
        Err(TimeError::NotANumber)
    } else if value < 0.0 {
        Err(TimeError::Negative)
    } else {
        SimDuration::from_secs_f64(value).map(SimDuration::as_micros).ok_or(TimeError::TooLarge)
    }
}

/// Returns the microseconds of digits before and after a decimal point, with no float in between.
fn parse_decimal(whole: &str, decimals: &str) -> Result<u64, TimeError> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| TimeError::TooLarge)? };
    let digit = |place: usize| decimals.as_bytes().get(place).map_or(0, |byte| u64::from(byte - b'0'));
    let micros = (0..6).fold(0, |micros, place| micros * 10 + digit(place));
    let up = u64::from(digit(6) >= 5);
    let total = whole.checked_mul(MICROS).and_then(|whole| whole.checked_add(micros + up));
    total.filter(|total| *total <= SimTime::LIMIT.0).ok_or(TimeError::TooLarge)
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

impl fmt::Display for GpuTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

impl SimDuration {
    /// Writes a length of time as people say it: seconds below ten minutes, minutes below ten
    /// hours, else hours. Exact below a second and where it is whole seconds.
    pub fn rounded(self) -> String {
        match self.as_secs_f64() {
            seconds if seconds > 1.0 && seconds < 600.0 && seconds.fract() > 0.0 => format!("{seconds:.1} s"),
            seconds if seconds < 600.0 => format!("{self} s"),
            seconds if seconds < 36_000.0 => format!("{:.1} min", seconds / 60.0),
            seconds => format!("{:.1} h", seconds / 3600.0),
        }
    }
}

/// The shortest interval that an option may state: time passes in microseconds, and a scheduler
/// that plans more often than a thousand times a second is a slip of the pen.
pub const MIN_INTERVAL: SimDuration = SimDuration::from_micros(1_000);

/// Reads a duration of at least [`MIN_INTERVAL`], for options:
/// `#[serde(deserialize_with = "positive_duration")]`.
///
/// # Errors
///
/// If it is not a number of seconds, or shorter.
pub fn positive_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SimDuration, D::Error> {
    let duration = SimDuration::deserialize(deserializer)?;
    if duration == SimDuration::ZERO {
        return Err(de::Error::custom("is 0 s; give a number of seconds above 0, such as 60"));
    }
    not_too_short(duration)
}

/// Reads zero or a duration of at least [`MIN_INTERVAL`], for options where zero stands for none.
///
/// # Errors
///
/// If it is not a number of seconds, or is above zero and shorter.
pub fn duration_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SimDuration, D::Error> {
    let duration = SimDuration::deserialize(deserializer)?;
    if duration == SimDuration::ZERO { Ok(duration) } else { not_too_short(duration) }
}

fn not_too_short<E: de::Error>(duration: SimDuration) -> Result<SimDuration, E> {
    if duration < MIN_INTERVAL {
        let what =
            format!("is {duration} s, less than a millisecond; give at least {MIN_INTERVAL} s, such as 60");
        return Err(E::custom(what));
    }
    Ok(duration)
}

/// Reads microseconds from seconds in any form: text, an integer or a float.
struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse_seconds(text).map_err(|why| {
            let hint = if why == TimeError::NotANumber { "give one, such as 60" } else { "give seconds" };
            E::custom(format!("\"{text}\" is {why}; {hint}"))
        })
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<u64, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<u64, E> {
        self.visit_str(&seconds.to_string())
    }
}

macro_rules! seconds_as_text {
    ($($quantity:ident),*) => {$(
        impl FromStr for $quantity {
            type Err = TimeError;
            /// Reads (GPU-)seconds with up to six decimals.
            fn from_str(text: &str) -> Result<$quantity, TimeError> {
                parse_seconds(text).map($quantity)
            }
        }
        impl Serialize for $quantity {
            /// Writes decimal seconds, the form that every file uses.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $quantity {
            /// Reads decimal seconds, as text or, in options, as a number.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$quantity, D::Error> {
                deserializer.deserialize_str(SecondsVisitor).map($quantity)
            }
        }
    )*};
}
seconds_as_text!(SimTime, SimDuration, GpuTime);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_and_written_exactly() {
        for text in ["0", "60", "0.5", "12.000001", "9999999999.999999"] {
            assert_eq!(text.parse::<SimTime>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("1.0000005".parse::<SimTime>(), Ok(SimTime(1_000_001)));
        assert_eq!("1e3".parse::<SimTime>(), Ok(SimTime::from_secs(1000)));
        assert_eq!("1.0".parse::<SimTime>(), Ok(SimTime::from_secs(1)));
    }

    #[test]
    fn what_is_not_a_time_says_why() {
        let assert_fails = |texts: &[&str], why| {
            for text in texts {
                assert_eq!(text.parse::<SimTime>(), Err(why), "{text}");
            }
        };
        assert_fails(&["", "ten", "NaN", "."], TimeError::NotANumber);
        assert_fails(&["inf", "10000000001", "99999999999999999999999"], TimeError::TooLarge);
        assert_fails(&["-1"], TimeError::Negative);
    }
}
