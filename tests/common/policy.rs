//! Schedulers for tests, each one function from a view to a plan.

use elasticflow_sim::scheduler::{Plan, Scheduler, View};

/// A policy that is one function of the view.
pub(crate) struct Policy(pub(crate) fn(&View<'_>) -> Plan);

impl Scheduler for Policy {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        (self.0)(view)
    }
}

/// The entry of a policy named `test`; `admits` says whether its grants admit.
macro_rules! policy {
    (admits: $admits:expr, $plan:expr) => {{
        static ENTRY: elasticflow_sim::scheduler::Entry = elasticflow_sim::scheduler::Entry {
            name: "test",
            grant_admits: $admits,
            build: |_, _| Ok(Box::new(crate::policy::Policy($plan))),
            ..elasticflow_sim::scheduler::Entry::BASE
        };
        &ENTRY
    }};
    ($plan:expr) => {
        policy!(admits: true, $plan)
    };
}
