//! The published artifact: its replica, its quirks, and this simulator beside its stored runs.

#[path = "../common/artifact.rs"]
mod artifact;
#[path = "../common/base.rs"]
mod base;
#[path = "../common/comparison.rs"]
mod comparison;
#[path = "../common/data.rs"]
mod data;
#[path = "../common/evidence.rs"]
mod evidence;
#[path = "../common/replay.rs"]
mod replay;
#[path = "../common/stored.rs"]
mod stored;

mod bound;
mod quirks;
mod reference;
mod replica;
mod replica_examples;
mod replica_quirks;
