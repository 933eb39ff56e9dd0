//! The time that a policy takes for the plans that a bench is about, added up within a thread.

use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;
#[expect(clippy::disallowed_types, reason = "a bench measures wall-clock time")]
use std::time::Instant;

use elasticflow_sim::scheduler::{Plan, Scheduler, View};

thread_local! {
    /// The time and the number of the plans of this thread's run so far.
    static SPENT: Cell<(Duration, u32)> = const { Cell::new((Duration::ZERO, 0)) };
}

/// A policy of which those plans are timed that `counts` says.
pub(crate) struct Timed {
    pub(crate) policy: Box<dyn Scheduler>,
    pub(crate) counts: fn(&View<'_>) -> bool,
}

impl Scheduler for Timed {
    #[expect(clippy::disallowed_types, reason = "a bench measures wall-clock time")]
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let start = Instant::now();
        let plan = black_box(self.policy.plan(black_box(view)));
        let spent = start.elapsed();
        if (self.counts)(view) {
            SPENT.with(|all| all.set((all.get().0 + spent, all.get().1 + 1)));
        }
        plan
    }
}

/// What was added up since it was last asked.
pub(crate) fn spent() -> (Duration, u32) {
    SPENT.take()
}
