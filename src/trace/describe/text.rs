//! A description for people.

use std::fmt::Write as _;

use super::{Description, HOUR, Load, ModelCount, Tightness};

impl Description {
    /// The description for people, several lines; `--json` prints the fields instead.
    pub fn text(&self) -> String {
        let mut lines = vec![
            ("jobs", format!("{} ({} SLO, {} best effort)", self.jobs, self.slo_jobs, self.best_effort_jobs)),
            (
                "submitted",
                format!(
                    "over {:.1} h, from {} s to {} s",
                    self.span.as_secs_f64() / HOUR,
                    self.first_submit,
                    self.first_submit + self.span
                ),
            ),
            ("cluster", format!("{} GPUs", self.cluster_gpus)),
            ("GPU-hours asked for", self.requested.text()),
            ("GPU-hours at the least", self.least.text()),
            ("late even alone", format!("{} SLO jobs", self.infeasible_alone)),
            ("larger than the cluster", format!("{} jobs", self.larger_than_cluster)),
            ("size not measured", format!("{} jobs", self.unmeasured)),
        ];
        if let Some(Tightness { min, p10, p50, p90, max }) = self.tightness {
            let text = format!("min {min:.2}, p10 {p10:.2}, p50 {p50:.2}, p90 {p90:.2}, max {max:.2}");
            lines.push(("deadline ÷ duration", text));
        }
        let mut text = String::new();
        for (what, value) in lines {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:<23}  {value}");
        }
        text.push_str("\nGPUs asked for      jobs\n");
        for (gpus, jobs) in &self.requested_gpus {
            let _ = writeln!(text, "{:>14}  {jobs:>8}", gpus.get());
        }
        let width = self.models.iter().map(|kind| kind.model.chars().count()).max().unwrap_or(0).max(5);
        let _ = writeln!(
            text,
            "\n{:<width$}  {:>10}  {:>6}  {:>16}",
            "model", "batch size", "jobs", "least GPU-hours"
        );
        for ModelCount { model, batch_size, jobs, least_gpu_hours } in &self.models {
            let _ = writeln!(text, "{model:<width$}  {batch_size:>10}  {jobs:>6}  {least_gpu_hours:>16.1}");
        }
        text
    }
}

impl Load {
    fn text(&self) -> String {
        let load = self.offered_load.map_or("no span to spread it over".to_owned(), |load| {
            format!("{:.0} % of the cluster", load * 100.0)
        });
        format!("{:.1}, {load}", self.gpu_hours)
    }
}
