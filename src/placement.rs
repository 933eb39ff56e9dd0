//! Placement: which nodes a job gets, once the scheduler has said how many GPUs.
//!
//! [`Placer`] is the interface; below it is one file for each placer, and [`entries`] lists them.

mod buddy;
mod first_fit;
mod placer;

pub use placer::{Placer, PlacerEntry};

/// Returns every placer, the default first.
pub fn entries() -> &'static [PlacerEntry] {
    &[buddy::ENTRY, first_fit::ENTRY]
}

/// Returns the placer called `name`.
///
/// # Errors
///
/// If there is none, with the names there are.
pub fn entry(name: &str) -> Result<&'static PlacerEntry, String> {
    entries().iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known = entries().iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
        format!("unknown placer `{name}`; known are {known}")
    })
}
