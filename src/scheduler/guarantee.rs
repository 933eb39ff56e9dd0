//! Deadlines that are kept: reservations of GPUs over future time, and admission by them.
//!
//! ElasticFlow and EDF with admission control share this code. A job that is admitted holds a
//! reservation that completes it in time; the reservations of all admitted jobs fit the cluster
//! together at every instant, from each job's admission to its completion. docs/guarantee.md has
//! the proof.
//!
//! From the bottom up:
//!
//! - `reservation`: the GPUs of one job over future time;
//! - `free_gpus`: what reservations leave of the cluster over future time;
//! - `filling`: finds a reservation for one job in what is free (algorithm 1 of the paper);
//! - `reservation_set`: deadline jobs with reservations that fit together;
//! - `best_effort`: jobs without deadlines, which get what reservations leave;
//! - `elastic`: hands out spare GPUs, one size step at a time (section 4.2 of the paper);
//! - `admission`: admits a deadline job only if a set with it is found.

mod admission;
mod best_effort;
mod elastic;
mod filling;
mod free_gpus;
mod options;
mod reservation;
mod reservation_set;

pub(super) use admission::AdmissionControl;
pub(super) use best_effort::BestEffortJobs;
pub(super) use elastic::hand_out;
pub(super) use options::OPTIONS;
pub(super) use reservation_set::{DeadlineJob, ReservationSet, Share};
