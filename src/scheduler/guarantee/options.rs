//! The options of the policies that admit by reservations.

use serde::Deserialize;

use crate::scheduler::OptionDoc;

/// What [`AdmissionOptions`] has.
pub(crate) const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        key: "urgent",
        default: "false",
        help: "plan at once for an arrival that the rest of the slot would bring close to its deadline",
    },
    OptionDoc {
        key: "judge",
        default: "arrival",
        help: "the order in which the arrivals of one plan are judged: by `arrival`, or the `cheapest` in GPU-time first",
    },
];

/// The options of admission.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AdmissionOptions {
    pub(super) urgent: bool,
    pub(super) judge: JudgingOrder,
}

/// The order in which the arrivals of one plan are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JudgingOrder {
    /// As they arrived.
    #[default]
    Arrival,
    /// By the GPU-time that each takes alone, from now on, at the smallest size that is enough; of
    /// equal ones as they arrived.
    Cheapest,
}
