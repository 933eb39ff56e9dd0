//! Schedulers for tests: one function of what they see.

use elasticflow_sim::scheduler::{Plan, Scheduler, View};

/// A policy that is one function of what it sees.
pub(crate) struct Policy(pub(crate) fn(&View<'_>) -> Plan);

impl Scheduler for Policy {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        (self.0)(view)
    }
}

/// An entry for a policy called `test`; `admits` is whether its grants admit.
macro_rules! policy {
    (admits: $admits:expr, $plan:expr) => {{
        static ENTRY: elasticflow_sim::scheduler::Entry = elasticflow_sim::scheduler::Entry {
            name: "test",
            aliases: &[],
            summary: "",
            paper: "",
            knows: "",
            options: &[],
            grant_admits: $admits,
            requested_size: false,
            adapts_batch: false,
            artifact: None,
            build: |_, _| Ok(Box::new(crate::policy::Policy($plan))),
        };
        &ENTRY
    }};
    ($plan:expr) => {
        policy!(admits: true, $plan)
    };
}
