//! Discrete-event simulation of deadline-aware, elastic GPU-cluster scheduling.
//!
//! The simulator replays a trace of training jobs on a cluster under a scheduler, and returns one
//! row for each job and the metrics of the whole run. The schedulers are those of "ElasticFlow: An
//! Elastic Serverless Training Platform for Distributed Deep Learning" (ASPLOS 2023) and those that
//! it is compared with. The `elasticflow-sim` command is a thin layer over this library.
//!
//! # How data flows
//!
//! ```text
//! traces/*.csv ── trace ───► Workload ──┐                      ┌── View ──► Scheduler ──┐
//! profiles     ── config ──► SpeedModel ┼─► Scenario ─► Simulation                      │
//! cluster      ── config ──► Shape ─────┘                  │   └◄─────────── Plan ◄──────┘
//!                                                          │ Happened
//!                                                          ▼
//!                                            Observers: allocations · timeline · event log
//!                                                          │
//!                         Outcome (job rows, totals) ──────┤
//!                                                          ▼
//!                              metrics ──► report (table, CSV, JSON) ──► files, stdout
//! ```
//!
//! Data flows one way. Only the simulation and its scheduler talk back and forth, in two plain
//! values: [`View`](scheduler::View) in, [`Plan`](scheduler::Plan) out. Files are read to the left
//! of the [`Scenario`](sim::Scenario) and written to the right of the
//! [`Observer`](record::Observer). Nothing in between touches a file, a wall clock, an environment
//! variable or a global, so that the same scenario brings the same bytes.
//! [`simulate`](sim::simulate) is the one door.
//!
//! # Layers
//!
//! A module uses only what stands above it:
//!
//! - [`units`]: quantities with their units in their types.
//! - [`job`], [`workload`]: what is known of jobs when they are submitted.
//! - [`cluster`]: nodes, and the jobs that hold their GPUs.
//! - [`profile`], [`goodput`], [`application`], [`overhead`], [`progress`], [`state`]: the speeds
//!   of jobs and what these are worth, what a change of GPUs costs, how far each job has come.
//! - [`scheduler`], [`placement`], [`record`]: the traits; below them one file for each policy,
//!   placer and observer.
//! - [`sim`]: the event loop.
//! - [`replica`]: the published artifact re-enacted; an island that only [`experiment`] knows.
//! - [`trace`], [`metrics`]: jobs in, numbers out.
//! - [`config`], [`report`]: what else is read, and everything that is written.
//! - [`experiment`]: one run, from its settings to its results.
//! - [`sweep`]: many runs, over a grid of settings.
//! - [`cli`]: the command line.
//!
//! `ARCHITECTURE.md` has the reasons, `METHODOLOGY.md` the semantics and the formulas, and
//! [`scheduler::tutorial`] shows how to add a policy.
//!
//! # Example
//!
//! A thousand jobs on 16 nodes of 8 A100 under ElasticFlow. Every deadline that can be met is met,
//! and no admitted job is late:
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use elasticflow_sim::cluster::Shape;
//! use elasticflow_sim::config::profiles;
//! use elasticflow_sim::metrics::Metrics;
//! use elasticflow_sim::overhead::OverheadPreset;
//! use elasticflow_sim::profile::ProfiledSpeeds;
//! use elasticflow_sim::scheduler::PolicyOptions;
//! use elasticflow_sim::sim::{Scenario, simulate};
//! use elasticflow_sim::trace::ReadOptions;
//! use elasticflow_sim::units::SimDuration;
//! use elasticflow_sim::{placement, scheduler, trace};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = profiles::builtin("a100").ok_or("no such profiles")?;
//! let path = Path::new("traces/fig9-load-1000.csv");
//! let trace = trace::read(path, &table, &ReadOptions::default())?;
//! let workload = trace.workload;
//! let speeds = Arc::new(ProfiledSpeeds::new(&table, &workload)?);
//! let cluster = Shape::default();
//! let scenario = Scenario {
//!     overhead: OverheadPreset::default().for_cluster(cluster.gpus()).into(),
//!     workload,
//!     cluster,
//!     truth: speeds.clone(),
//!     belief: speeds,
//!     placer: placement::entry("buddy")?,
//!     scheduler: scheduler::entry("elasticflow")?,
//!     options: PolicyOptions::default(),
//!     seed: 0,
//!     slot: SimDuration::from_secs(60),
//!     until: None,
//!     plan_limit: None,
//! };
//! // `()` writes nothing down; `record` has observers that do.
//! let outcome = simulate(&scenario, &mut ())?;
//! let gpus = scenario.cluster.gpus();
//! let metrics = Metrics::of(&outcome.jobs, &outcome.totals, gpus, scenario.until);
//! assert_eq!(metrics.slo_jobs, 1000);
//! assert_eq!(metrics.met, metrics.feasible_alone);
//! assert_eq!(metrics.admitted_late, 0);
//! # Ok(())
//! # }
//! ```

// Unit tests share the fixtures of `tests/common`, which name the library as any user does.
#[cfg(test)]
extern crate self as elasticflow_sim;

pub mod application;
pub mod bound;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod experiment;
pub mod goodput;
pub mod job;
pub mod metrics;
pub mod overhead;
pub mod placement;
pub mod profile;
pub mod progress;
pub mod record;
pub mod replica;
pub mod report;
pub mod scheduler;
pub mod sim;
pub mod state;
pub mod sweep;
pub mod trace;
pub mod units;
pub mod verify;
pub mod workload;
