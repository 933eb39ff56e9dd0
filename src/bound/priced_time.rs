//! A time with a price.

use crate::units::SimTime;

/// A time with a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricedTime {
    /// When it begins.
    pub from: SimTime,
    /// When it ends.
    pub until: SimTime,
    /// The price of a GPU-second, in deadlines.
    pub price: f64,
}
