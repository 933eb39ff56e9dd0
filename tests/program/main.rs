//! The program as a user meets it: commands, sweeps, reports in a browser, and the files that it
//! reads and writes.

#[path = "../common/base.rs"]
mod base;
#[path = "../common/data.rs"]
mod data;
#[path = "../common/replay.rs"]
mod replay;

mod browser;
mod cli;
mod devtools;
mod files;
mod golden;
mod malformed;
mod report;
mod sweep;
mod trace_events;
mod traces;
mod tutorial;
mod verify;
