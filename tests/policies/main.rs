//! What each policy decides, on workloads that are worked out by hand and against oracles.

#[path = "../common/base.rs"]
mod base;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/data.rs"]
mod data;
#[path = "../common/filling.rs"]
mod filling;
#[path = "../common/replay.rs"]
mod replay;

mod chronus;
mod gandiva;
mod planner;
mod pollux;
mod themis;
mod tiresias;
