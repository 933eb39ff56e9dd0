//! Fitted applications, in the project's own form.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::application::{Application, Applications, MOST, Noise, Steps};
use crate::goodput::StepModel;
use crate::profile::BatchLimits;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    application: Vec<FittedApplication>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FittedApplication {
    name: String,
    epochs: u32,
    progress: f64,
    batch: BatchRange,
    iterations: BTreeMap<String, f64>,
    step: StepParameters,
    noise: NoiseTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchRange {
    initial: u32,
    largest: u32,
    local: (u32, u32),
    pinned: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepParameters {
    alpha_c: f64,
    beta_c: f64,
    alpha_n: f64,
    beta_n: f64,
    alpha_r: f64,
    beta_r: f64,
    gamma: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseTable {
    at: Vec<f64>,
    batch: BTreeMap<String, Vec<f64>>,
}

/// Reads the applications of a document, in its order.
pub(super) fn applications(text: &str) -> anyhow::Result<Applications> {
    let document: Document = toml::from_str(text)?;
    let all = document.application.into_iter().map(application).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Applications::new(document.name, all))
}

fn application(fitted: FittedApplication) -> anyhow::Result<Application> {
    let BatchRange { initial, largest, local, pinned } = fitted.batch;
    let StepParameters { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma } = fitted.step;
    let end = |epoch: u32| fitted.progress * f64::from(epoch) / f64::from(fitted.epochs);
    Ok(Application {
        name: fitted.name,
        limits: BatchLimits { initial, largest, local, gpus: MOST, pinned },
        steps: Steps::Model(StepModel { alpha_c, beta_c, alpha_n, beta_n, alpha_r, beta_r, gamma }),
        noise: Noise::fitted(fitted.noise.at, by_batch(fitted.noise.batch)?),
        progress: (1..=fitted.epochs).map(end).collect(),
        tried: by_batch(fitted.iterations)?,
    })
}

/// Reads keys that are batch sizes, so that they are in the order of numbers.
fn by_batch<T>(table: BTreeMap<String, T>) -> anyhow::Result<BTreeMap<u32, T>> {
    table.into_iter().map(|(batch, value)| Ok((batch.parse()?, value))).collect()
}
