//! Rules on the bound: its prices prove it.

use crate::bound::value_of;

use super::evidence::{Checked, Evidence};

/// The prices of `bound.csv` prove the bound of `summary.json`: whatever prices there are, no
/// scheduler meets more deadlines than their value. The jobs met are no more.
pub(super) fn bound(run: &Evidence<'_>) -> Checked {
    let summary = &run.stored.summary;
    let (Some(bound), Some(rows)) = (summary.bound, run.bound()) else {
        return Err(summary
            .no_bound
            .clone()
            .unwrap_or_else(|| "the run was made without --bound".to_owned()));
    };
    let prices: Vec<_> = rows.iter().filter_map(|row| row.priced()).collect();
    let value = value_of(&run.truth()?.scenario, &prices)?;
    let met = summary.metrics.met;
    let mut faults = Vec::new();
    if (value + 1e-6).floor() > bound as f64 {
        faults.push(format!("bound is {bound}, but its prices prove only {value}"));
    }
    if met > bound {
        faults.push(format!("{met} jobs are met, and the bound is {bound}"));
    }
    if summary.bound_gap != Some(bound.saturating_sub(met)) {
        faults.push(format!("bound_gap is {:?}, but {met} of {bound} are met", summary.bound_gap));
    }
    let hours: f64 = prices.iter().map(|time| time.until.since(time.from).as_secs_f64() / 3600.0).sum();
    if summary.short_hours.is_none_or(|stated| (stated - hours).abs() > 1e-6) {
        faults.push(format!("short_hours is {:?}, but by bound.csv it is {hours}", summary.short_hours));
    }
    Ok(faults)
}
