//! A printed value, and the reasons why ours differs, as far as they follow from the numbers beside
//! it.

/// The value that an accounting prints for a run, and the strict ratio of the run, if the value is
/// a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RatioClaim {
    pub(super) prints: f64,
    pub(super) strict: Option<f64>,
}

/// The origin of a printed value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ValueOrigin {
    /// Whether it was measured on hardware.
    pub(super) testbed: bool,
    /// Whether its trace is not public.
    pub(super) unpublished: bool,
}

/// A printed value and the values beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct FidelityCell {
    pub(super) case: String,
    /// The scheduler's name in a legend.
    pub(super) scheduler: String,
    pub(super) printed: f64,
    /// The number of decimals of the printed value.
    pub(super) decimals: usize,
    /// The value of the artifact, run again.
    pub(super) rerun: Option<RatioClaim>,
    /// Our value under the preset `paper`.
    pub(super) paper: Option<RatioClaim>,
    /// Our value under the preset `default`, strictly.
    pub(super) default: Option<f64>,
    pub(super) origin: ValueOrigin,
    /// Whether the value is a ratio; otherwise it is a gain.
    pub(super) is_ratio: bool,
    /// The quirks that make most of the difference between the artifact and us, as far as it is
    /// known.
    pub(super) quirks: Vec<String>,
    /// The clusters and values of other runs of the artifact on the same jobs.
    pub(super) elsewhere: Vec<(String, f64)>,
}

impl FidelityCell {
    /// Returns the row of the table, in Markdown.
    pub(super) fn row(&self) -> String {
        let claim = |claim: Option<RatioClaim>| match claim {
            None => "–".to_owned(),
            Some(RatioClaim { prints, strict: None }) => format!("{prints:.2}"),
            Some(RatioClaim { prints, strict: Some(strict) }) => format!("{prints:.3} ({strict:.3})"),
        };
        // A ratio has three decimals in every column; the paper's have as many as it prints.
        let decimals = if self.decimals == 2 && !self.is_ratio() { 2 } else { 3 };
        let printed = self.decimals;
        let default = self.default.map_or("–".to_owned(), |ours| format!("{ours:.decimals$}"));
        let difference =
            self.default.map_or("–".to_owned(), |ours| format!("{:+.decimals$}", ours - self.printed));
        format!(
            "| {} | {} | {:.printed$} | {} | {} | {default} | {difference} | {} |",
            self.case,
            self.scheduler,
            self.printed,
            claim(self.rerun),
            claim(self.paper),
            self.why()
        )
    }

    fn is_ratio(&self) -> bool {
        self.is_ratio
    }

    /// Returns whether a value is the printed one, which was rounded or cut to its digits.
    fn is_printed(&self, value: f64) -> bool {
        (value - self.printed).abs() < 0.1f64.powi(self.decimals as i32)
    }

    /// Returns the reasons that follow from the numbers, as the letters that
    /// `docs/evidence/fidelity.md` explains.
    pub(super) fn why(&self) -> String {
        let mut why = Vec::new();
        if self.default.is_none() {
            why.push("N".to_owned());
        }
        // Our value under `paper` equals that of the artifact wherever both exist; its own run is
        // the better evidence.
        let claim = self.rerun.or(self.paper).map(|claim| claim.prints);
        if self.origin.testbed {
            let simulated = !self.origin.unpublished && claim.is_some_and(|claim| self.is_printed(claim));
            why.push(if simulated { "S" } else { "T" }.to_owned());
        }
        if self.origin.unpublished {
            why.push("U".to_owned());
        }
        if let Some((claim, default)) = claim.zip(self.default)
            && (claim - default).abs() >= 0.0005
        {
            let most = self.quirks.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
            why.push(format!("A {most}").trim_end().to_owned());
        }
        if self.origin.testbed || self.origin.unpublished {
            return why.join(", ");
        }
        match claim {
            Some(claim) if self.is_printed(claim) => {}
            Some(claim) => match self.elsewhere.iter().find(|(_, value)| self.fits(*value)) {
                Some((cluster, value)) => why.push(format!("C {cluster} ({value:.3})")),
                None => why.push(format!("O {:+.3}", claim - self.printed)),
            },
            None => why.push("O".to_owned()),
        }
        why.join(", ")
    }

    /// Returns whether a value is within one percentage point of the printed one.
    fn fits(&self, value: f64) -> bool {
        (value - self.printed).abs() < 0.01
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(printed: f64, rerun: Option<f64>, default: f64) -> FidelityCell {
        let rerun = rerun.map(|prints| RatioClaim { prints, strict: Some(prints) });
        FidelityCell {
            printed,
            rerun,
            default: Some(default),
            decimals: 3,
            is_ratio: true,
            ..FidelityCell::default()
        }
    }

    #[test]
    fn reasons_follow_from_the_numbers() {
        // 142 of 195 is 0.7282, printed as 0.728: the whole difference is between the artifact and
        // us.
        assert_eq!(cell(0.728, Some(0.7282), 0.851).why(), "A");
        assert_eq!(cell(0.728, Some(0.7282), 0.7282).why(), "");
        // 202 of 260 is 0.7769, and 0.769 is printed.
        assert_eq!(cell(0.769, Some(0.7769), 0.981).why(), "A, O +0.008");
        assert_eq!(cell(0.320, None, 0.466).why(), "O");
        let elsewhere = vec![("4x8".to_owned(), 0.3242)];
        assert_eq!(FidelityCell { elsewhere, ..cell(0.320, Some(0.4658), 0.466) }.why(), "C 4x8 (0.324)");
        let testbed = ValueOrigin { testbed: true, unpublished: false };
        assert_eq!(FidelityCell { origin: testbed, ..cell(0.32, Some(0.4), 0.5) }.why(), "T, A");
        // 17 of 195 is 0.0872.
        let printed = FidelityCell { decimals: 4, origin: testbed, ..cell(0.0872, Some(0.08718), 0.272) };
        assert_eq!(printed.why(), "S, A");
        let quirks = ["Q13", "Q10", "Q8"].map(str::to_owned).to_vec();
        assert_eq!(FidelityCell { quirks, ..cell(0.118, Some(0.118), 0.692) }.why(), "A Q13 Q10");
        assert_eq!(FidelityCell { default: None, ..cell(0.262, None, 0.0) }.why(), "N, O");
    }

    #[test]
    fn a_row_shows_what_is_printed_and_what_is_met() {
        let rerun = Some(RatioClaim { prints: 0.7282, strict: Some(0.6513) });
        let cell = FidelityCell {
            case: "195 jobs".into(),
            scheduler: "x".into(),
            rerun,
            ..cell(0.728, None, 0.851)
        };
        assert_eq!(cell.row(), "| 195 jobs | x | 0.728 | 0.728 (0.651) | – | 0.851 | +0.123 | A |");
    }
}
