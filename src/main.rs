//! The `elasticflow-sim` command.

fn main() {}
