//! The worked vectors of the planner.
