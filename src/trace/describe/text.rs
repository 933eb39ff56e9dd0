//! A description for people.

use super::{Description, HOUR, Load, ModelCount, Tightness};
use crate::trace::problem::counted;
use crate::units::Gpus;

impl Description {
    /// Writes the description for people, several lines; `--json` prints the fields instead.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (what, value) in self.facts() {
            text.push_str(&format!("{what:<23}  {value}\n"));
        }
        text.push_str("\nGPUs asked for      jobs\n");
        for (gpus, jobs) in &self.requested_gpus {
            text.push_str(&format!("{:>14}  {jobs:>8}\n", gpus.get()));
        }
        let width = self.models.iter().map(|kind| kind.model.chars().count()).max().unwrap_or(0).max(5);
        text.push_str(&format!(
            "\n{:<width$}  {:>10}  {:>6}  {:>16}\n",
            "model", "batch size", "jobs", "least GPU-hours"
        ));
        for ModelCount { model, batch_size, jobs, least_gpu_hours } in &self.models {
            text.push_str(&format!(
                "{model:<width$}  {batch_size:>10}  {jobs:>6}  {least_gpu_hours:>16.1}\n"
            ));
        }
        text
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let jobs = |number| counted(number, "job", "jobs");
        let (slo, best_effort) = (self.slo_jobs, self.best_effort_jobs);
        let (from, to) = (self.first_submit, self.first_submit + self.span);
        let gpus = if self.cluster_gpus == Gpus::ONE { "GPU" } else { "GPUs" };
        let mut facts = vec![
            ("jobs", format!("{} ({slo} SLO, {best_effort} best effort)", self.jobs)),
            ("submitted", format!("over {:.1} h, from {from} s to {to} s", self.span.as_secs_f64() / HOUR)),
            ("cluster", format!("{} {gpus}", self.cluster_gpus)),
            ("GPU-hours asked for", self.requested.text()),
            ("  by stated durations", self.by_durations.text()),
            ("  by measured speeds", self.by_speeds.text()),
            ("GPU-hours at the least", self.least.text()),
            ("late even alone", counted(self.infeasible_alone, "SLO job", "SLO jobs")),
            ("larger than the cluster", jobs(self.larger_than_cluster)),
            ("size not measured", jobs(self.unmeasured)),
        ];
        if let Some(Tightness { min, p10, p50, p90, max }) = self.tightness {
            let text = format!("min {min:.2}, p10 {p10:.2}, p50 {p50:.2}, p90 {p90:.2}, max {max:.2}");
            facts.push(("deadline ÷ duration", text));
        }
        facts
    }
}

impl Load {
    fn text(&self) -> String {
        let load = self.offered_load.map_or("over less than an hour".to_owned(), |load| {
            format!("{:.0} % of the cluster", load * 100.0)
        });
        format!("{:.1}, {load}", self.gpu_hours)
    }
}
