//! A small writer of SVG with what figures need. Lengths are in points; the same figure has the
//! same bytes.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::font::{self, Weight};

/// The smallest size of text, in points at the width for which figures are made.
pub(crate) const SIZE: f64 = 7.0;

/// The colour of text and axes: softer than black.
pub(crate) const INK: &str = "#222222";
/// The colour of the lines at ticks.
pub(crate) const GRID: &str = "#d9d9d9";

/// The point of a text that is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its beginning.
    Start,
    /// Its centre.
    Middle,
    /// Its end.
    End,
}

/// A rectangle, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    /// The left edge.
    pub(crate) x: f64,
    /// The upper edge.
    pub(crate) y: f64,
    /// The distance to the right edge.
    pub(crate) width: f64,
    /// The distance to the lower edge.
    pub(crate) height: f64,
}

impl Area {
    /// Returns the right edge.
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Returns the lower edge.
    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Returns whether two areas have more than an edge in common.
    #[cfg(test)]
    pub(crate) fn overlaps(&self, other: &Area) -> bool {
        let less = |a: f64, b: f64| a + 1e-6 < b;
        less(self.x, other.right())
            && less(other.x, self.right())
            && less(self.y, other.bottom())
            && less(other.y, self.bottom())
    }
}

/// A texture over a colour, which tells it from others in grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Texture {
    /// No texture.
    Plain,
    /// Level lines.
    Level,
    /// Upright lines.
    Upright,
    /// Dots.
    Dots,
    /// Both kinds of lines.
    Grid,
    /// Lines that fall to the right.
    Falling,
    /// Lines that rise to the right on white: the value of another run. No scheduler has it.
    Artifact,
}

/// The pen of an outline or a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke<'a> {
    /// The colour, as in CSS.
    pub(crate) colour: &'a str,
    /// The width, in points.
    pub(crate) width: f64,
    /// Lengths of dashes and gaps in points; empty for a solid line.
    pub(crate) dashes: &'a [f64],
}

impl<'a> Stroke<'a> {
    /// Returns the pen of a solid line.
    pub(crate) fn solid(colour: &'a str, width: f64) -> Stroke<'a> {
        Stroke { colour, width, dashes: &[] }
    }

    /// Returns the attributes of SVG, each after a space.
    fn attributes(&self) -> String {
        let mut text = format!(r#" stroke="{}" stroke-width="{}""#, self.colour, number(self.width));
        if !self.dashes.is_empty() {
            let dashes: Vec<_> = self.dashes.iter().map(|dash| number(*dash)).collect();
            let _ = write!(text, r#" stroke-dasharray="{}""#, dashes.join(" "));
        }
        text
    }
}

/// A picture in the making.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    width: f64,
    height: f64,
    body: String,
    patterns: BTreeMap<String, String>,
    /// The texts and their areas. A layout is right if no two of them overlap.
    texts: Vec<(String, Area)>,
}

impl Canvas {
    /// Creates an empty picture.
    pub(crate) fn new(width: f64, height: f64) -> Canvas {
        Canvas { width, height, body: String::new(), patterns: BTreeMap::new(), texts: Vec::new() }
    }

    /// Cuts or extends the picture.
    pub(crate) fn set_height(&mut self, height: f64) {
        self.height = height;
    }

    /// Draws a text whose baseline is at `y`.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), text: &str, anchor: Anchor) {
        self.styled((x, y), text, anchor, SIZE, Weight::Regular);
    }

    /// Draws a text in any size and weight.
    pub(crate) fn styled(
        &mut self,
        (x, y): (f64, f64),
        text: &str,
        anchor: Anchor,
        size: f64,
        weight: Weight,
    ) {
        let width = font::width(text, size, weight);
        let (name, left) = match anchor {
            Anchor::Start => ("start", x),
            Anchor::Middle => ("middle", x - width / 2.0),
            Anchor::End => ("end", x - width),
        };
        let height = (font::CAP + font::DESCENT) * size;
        self.texts.push((text.to_owned(), Area { x: left, y: y - font::CAP * size, width, height }));
        let bold = if weight == Weight::Bold { r#" font-weight="700""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" font-size="{}" text-anchor="{name}"{bold}>{}</text>"#,
            number(x),
            number(y),
            number(size),
            escape(text)
        );
    }

    /// Draws a text that reads upwards, centred at `y`, whose baseline is at `x`.
    pub(crate) fn upwards(&mut self, (x, y): (f64, f64), text: &str) {
        let width = font::width(text, SIZE, Weight::Regular);
        let height = (font::CAP + font::DESCENT) * SIZE;
        let area = Area { x: x - font::CAP * SIZE, y: y - width / 2.0, width: height, height: width };
        self.texts.push((text.to_owned(), area));
        let (x, y) = (number(x), number(y));
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" font-size="{}" text-anchor="middle" transform="rotate(-90 {x} {y})">{}</text>"#,
            number(SIZE),
            escape(text)
        );
    }

    /// Draws a line from point to point.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], stroke: Stroke<'_>) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = writeln!(
            self.body,
            r#"<polyline points="{}" fill="none" stroke-linejoin="round"{}/>"#,
            points.join(" "),
            stroke.attributes()
        );
    }

    /// Draws a filled shape without an outline.
    pub(crate) fn shape(&mut self, points: &[(f64, f64)], colour: &str, opacity: f64) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = writeln!(
            self.body,
            r#"<polygon points="{}" fill="{colour}" fill-opacity="{}"/>"#,
            points.join(" "),
            number(opacity)
        );
    }

    /// Draws a rectangle in a colour and a texture.
    pub(crate) fn bar(&mut self, area: Area, colour: &str, texture: Texture) {
        let fill = match texture {
            Texture::Plain => colour.to_owned(),
            _ => {
                let (id, pattern) = pattern(colour, texture);
                let fill = format!("url(#{id})");
                self.patterns.insert(id, pattern);
                fill
            }
        };
        let outline = if texture == Texture::Artifact { colour } else { INK };
        let _ = writeln!(
            self.body,
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"{}/>"#,
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height),
            Stroke::solid(outline, 0.4).attributes()
        );
    }

    /// Draws a diamond, the mark of a value that the paper prints.
    pub(crate) fn diamond(&mut self, (x, y): (f64, f64), radius: f64) {
        let points = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)];
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = writeln!(
            self.body,
            r##"<polygon points="{}" fill="#ffffff"{}/>"##,
            points.join(" "),
            Stroke::solid("#000000", 0.6).attributes()
        );
    }

    /// Returns the faults of the layout: pairs of texts that overlap, and texts that reach over the
    /// edge or have characters that the font lacks.
    #[cfg(test)]
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (n, (text, area)) in self.texts.iter().enumerate() {
            if area.x < 0.0 || area.y < 0.0 || area.right() > self.width || area.bottom() > self.height {
                faults.push(format!("`{text}` reaches over the edge"));
            }
            if !font::has(text) {
                faults.push(format!("`{text}` has characters that the font lacks"));
            }
            let others = self.texts[..n].iter().filter(|(_, other)| area.overlaps(other));
            faults.extend(others.map(|(other, _)| format!("`{text}` overlaps `{other}`")));
        }
        faults
    }

    /// Returns the whole file.
    pub(crate) fn finish(&self, description: &str) -> String {
        let (width, height) = (number(self.width), number(self.height));
        let patterns: String = self.patterns.values().map(String::as_str).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" viewBox=\"0 0 {width} {height}\">\n\
             <title>{}</title>\n<defs>\n<style>\n{}</style>\n{patterns}</defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <g font-family=\"{}\" fill=\"{INK}\">\n{}</g>\n</svg>\n",
            escape(description),
            font::style(&[Weight::Regular, Weight::Bold]),
            font::FAMILY,
            self.body
        )
    }
}

/// Returns the name and the definition of a texture in a colour.
fn pattern(colour: &str, texture: Texture) -> (String, String) {
    let white = |path: &str, width: f64| {
        let width = number(width);
        format!(r##"<path d="{path}" stroke="#ffffff" stroke-width="{width}" fill="none"/>"##)
    };
    let (name, side, marks) = match texture {
        Texture::Plain => ("plain", 2.0, String::new()),
        Texture::Level => ("level", 2.2, white("M0,1.1H2.2", 0.7)),
        Texture::Upright => ("upright", 2.0, white("M1,0V2", 0.6)),
        Texture::Dots => ("dots", 1.8, r##"<circle cx="0.9" cy="0.9" r="0.5" fill="#ffffff"/>"##.to_owned()),
        Texture::Grid => ("grid", 2.2, white("M0,1.1H2.2M1.1,0V2.2", 0.5)),
        Texture::Falling => ("falling", 2.4, white("M-0.6,-0.6L3,3M-0.6,1.8L0.6,3M1.8,-0.6L3,0.6", 0.6)),
        Texture::Artifact => (
            "artifact",
            2.0,
            format!(
                r##"<rect width="2" height="2" fill="#ffffff"/><path d="M-0.5,2.5L2.5,-0.5M-0.5,0.5L0.5,-0.5M1.5,2.5L2.5,1.5" stroke="{colour}" stroke-width="0.5"/>"##
            ),
        ),
    };
    let id = format!("{name}-{}", colour.trim_start_matches('#'));
    let side = number(side);
    let definition = format!(
        "<pattern id=\"{id}\" width=\"{side}\" height=\"{side}\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"{colour}\"/>{marks}</pattern>\n"
    );
    (id, definition)
}

/// Returns a number with at most two decimals, never `-0`.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Returns a text as XML has it between tags and in attributes, without characters that XML
/// forbids.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.5, -0.001, 2.456, 100.0].map(number), ["1", "0.5", "0", "2.46", "100"]);
    }

    #[test]
    fn text_cannot_end_its_element() {
        assert_eq!(escape("a<b> & \"c\"\u{7}\nd"), "a&lt;b&gt; &amp; &quot;c&quot; d");
        let mut canvas = Canvas::new(100.0, 20.0);
        canvas.text((2.0, 10.0), "</text><script>", Anchor::Start);
        let svg = canvas.finish("<&>");
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;") && !svg.contains("<script"));
        assert!(svg.contains("<title>&lt;&amp;&gt;</title>"));
    }

    #[test]
    fn a_texture_is_defined_once_for_each_colour() {
        let mut canvas = Canvas::new(100.0, 20.0);
        let area = Area { x: 0.0, y: 0.0, width: 4.0, height: 4.0 };
        for (colour, texture) in [
            ("#0072b2", Texture::Artifact),
            ("#0072b2", Texture::Artifact),
            ("#d55e00", Texture::Artifact),
            ("#d55e00", Texture::Plain),
        ] {
            canvas.bar(area, colour, texture);
        }
        let svg = canvas.finish("");
        assert_eq!(svg.matches("<pattern").count(), 2);
        assert_eq!(svg.matches("url(#artifact-0072b2)").count(), 2);
        assert_eq!(svg.matches("fill=\"#d55e00\"").count(), 1 + svg.matches("fill=\"#d55e00\"/><").count());
    }

    #[test]
    fn faults_of_the_layout_are_found() {
        let mut canvas = Canvas::new(100.0, 20.0);
        canvas.text((2.0, 10.0), "one", Anchor::Start);
        canvas.text((40.0, 10.0), "two", Anchor::Start);
        assert_eq!(canvas.faults(), [""; 0]);
        canvas.text((5.0, 12.0), "three", Anchor::Start);
        canvas.text((99.0, 10.0), "four", Anchor::Start);
        assert_eq!(canvas.faults(), ["`three` overlaps `one`", "`four` reaches over the edge"]);
    }

    #[test]
    fn areas_overlap_by_more_than_an_edge() {
        let area = |x, y| Area { x, y, width: 2.0, height: 1.0 };
        assert!(area(0.0, 0.0).overlaps(&area(1.9, 0.9)));
        assert!(!area(0.0, 0.0).overlaps(&area(2.0, 0.0)));
        assert!(!area(0.0, 0.0).overlaps(&area(0.0, 1.0)));
    }
}
