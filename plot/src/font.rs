//! The font of all text, and the width of text in it.
//!
//! The layout uses measured widths. They hold wherever a figure is shown, because the SVG carries
//! the font and the PNG is rendered with it.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use resvg::usvg::fontdb;
use ttf_parser::Face;

/// The name of the font in the SVG and the PNG.
pub(crate) const FAMILY: &str = "Roboto";

const REGULAR: &[u8] = include_bytes!("../fonts/Roboto-Regular-subset.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/Roboto-Bold-subset.ttf");

/// The weight of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Ordinary text.
    Regular,
    /// Titles and headings.
    Bold,
}

impl Weight {
    /// Returns the weight, as in CSS.
    pub(crate) fn css(self) -> u32 {
        match self {
            Weight::Regular => 400,
            Weight::Bold => 700,
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Weight::Regular => REGULAR,
            Weight::Bold => BOLD,
        }
    }
}

/// The height of capitals and digits above the baseline, in ems.
pub(crate) const CAP: f64 = 0.71;
/// The depth of letters like g below the baseline, in ems.
pub(crate) const DESCENT: f64 = 0.21;

static FACES: LazyLock<[Face<'static>; 2]> =
    LazyLock::new(|| [REGULAR, BOLD].map(|bytes| Face::parse(bytes, 0).expect("the fonts are built in")));

/// Returns whether the font has every character of a text.
#[cfg(test)]
pub(crate) fn has(text: &str) -> bool {
    let [regular, _] = &*FACES;
    text.chars().all(|c| regular.glyph_index(c).is_some())
}

/// Returns the width of a text at a size, without kerning, which only makes it narrower.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let [regular, bold] = &*FACES;
    let face = if weight == Weight::Regular { regular } else { bold };
    let advance = |c| face.glyph_hor_advance(face.glyph_index(c).unwrap_or_default()).unwrap_or(0);
    let units: u32 = text.chars().map(advance).map(u32::from).sum();
    f64::from(units) / f64::from(face.units_per_em()) * size
}

/// Breaks a text between words into lines no wider than `limit`. A word that is wider has a line of
/// its own.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, Weight::Regular) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns the style sheet that gives the SVG its font.
pub(crate) fn style(weights: &[Weight]) -> String {
    let face = |weight: &Weight| {
        let data = base64::engine::general_purpose::STANDARD.encode(weight.bytes());
        format!(
            "@font-face{{font-family:{FAMILY};font-weight:{};src:url(data:font/ttf;base64,{data})}}\n",
            weight.css()
        )
    };
    weights.iter().map(face).collect()
}

/// Returns the fonts of the PNG: ours and no other, so that every machine draws the same one.
pub(crate) fn database() -> Arc<fontdb::Database> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_measured() {
        // Roboto's em is 2048 units; its digits are 1151 wide, its space 508.
        assert!((width("00", 2048.0, Weight::Regular) - 2302.0).abs() < 1e-9);
        assert!((width("0 0", 1024.0, Weight::Regular) - (2.0 * 1151.0 + 508.0) / 2.0).abs() < 1e-9);
        assert!(width("share", 7.0, Weight::Bold) > width("share", 7.0, Weight::Regular));
    }

    #[test]
    fn lines_break_between_words() {
        let digits = width("00", 10.0, Weight::Regular) + 0.01;
        assert_eq!(wrap("0 0 00 000", 10.0, digits), ["0", "0", "00", "000"]);
        assert_eq!(wrap("0 0 00 000", 10.0, 1000.0), ["0 0 00 000"]);
    }

    #[test]
    fn the_subset_has_what_figures_say() {
        assert!(has("EDF + Elastic Scaling, 16 × 8 GPUs: 90 %, −0.5 ≤ x ≥ 1 – “ü”"));
        assert!(!has("漢"));
    }
}
