//! The schedules of the artifact that are re-enacted.

/// A schedule of the artifact, under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `edf`: earliest deadline first; it declines no job.
    Edf,
    /// `edf-accessctrl`: earliest deadline first; it judges arrivals one by one.
    EdfAccessCtrl,
    /// `ef`: ElasticFlow without admission control.
    Ef,
    /// `ef-accessctrl`: ElasticFlow.
    EfAccessCtrl,
    /// `dlas-gpu`: Tiresias.
    DlasGpu,
    /// `gandiva`: Gandiva.
    Gandiva,
    /// `themis`: Themis.
    Themis,
}

impl Schedule {
    /// Every schedule that is re-enacted.
    pub const ALL: [Schedule; 7] = [
        Schedule::Edf,
        Schedule::EdfAccessCtrl,
        Schedule::Ef,
        Schedule::EfAccessCtrl,
        Schedule::DlasGpu,
        Schedule::Gandiva,
        Schedule::Themis,
    ];

    /// Returns the artifact's name of the schedule.
    pub fn as_str(self) -> &'static str {
        match self {
            Schedule::Edf => "edf",
            Schedule::EdfAccessCtrl => "edf-accessctrl",
            Schedule::Ef => "ef",
            Schedule::EfAccessCtrl => "ef-accessctrl",
            Schedule::DlasGpu => "dlas-gpu",
            Schedule::Gandiva => "gandiva",
            Schedule::Themis => "themis",
        }
    }

    /// Returns the schedule that has this name in the artifact, if there is one.
    pub fn named(name: &str) -> Option<Schedule> {
        Schedule::ALL.into_iter().find(|schedule| schedule.as_str() == name)
    }
}
