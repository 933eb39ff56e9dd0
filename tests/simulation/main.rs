//! The simulation itself: its events and plans, rotations, wake-ups, speeds, and properties of
//! every run.

#[path = "../common/base.rs"]
mod base;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/data.rs"]
mod data;
#[macro_use]
#[path = "../common/policy.rs"]
mod policy;

mod batch;
mod broken_placers;
mod cadence;
mod events;
mod goodput;
mod goodput_truth;
mod illegal_plans;
mod properties;
mod rotation;
mod rotation_places;
mod separate;
mod wakes;
