//! Lines: steps over time, or values along an axis.

use crate::page::{FigurePage, marker};
use crate::scale::Scale;
use crate::style::Style;
use crate::svg::{Area, Stroke};

/// The width of lines, in points.
const WIDTH: f64 = 0.9;

/// Draws a line with a marker at each of its points.
pub(crate) fn marked(page: &mut FigurePage, points: &[(f64, f64)], across: Scale, up: Scale, style: Style) {
    let points: Vec<_> = points.iter().map(|(x, y)| (across.at(*x), up.at(*y))).collect();
    page.canvas.line(&points, Stroke { colour: style.colour, width: WIDTH, dashes: style.dashes });
    for point in points {
        marker(&mut page.canvas, style, point);
    }
}

/// Returns the corners of a line that keeps each value until the next one.
fn corners(steps: &[(f64, f64)], across: Scale, up: Scale) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (x, y) in steps {
        let (x, y) = (across.at(*x), up.at(*y));
        if let Some((_, before)) = corners.last().copied() {
            corners.push((x, before));
        }
        corners.push((x, y));
    }
    corners
}

/// Draws a line that keeps each value until the next one.
pub(crate) fn steps(page: &mut FigurePage, steps: &[(f64, f64)], across: Scale, up: Scale, style: Style) {
    let stroke = Stroke { colour: style.colour, width: WIDTH, dashes: style.dashes };
    page.canvas.line(&corners(steps, across, up), stroke);
}

/// Returns a note on each group of lines that cannot be told apart: at no point are they further
/// from each other than they are wide.
pub(crate) fn coincident(lines: &[(Style, Vec<(f64, f64)>)], up: Scale) -> Vec<String> {
    type Points = [(f64, f64)];
    let same = |one: &Points, two: &Points| {
        let is_near = |((x, y), (u, v)): (&(f64, f64), &(f64, f64))| {
            x.total_cmp(u).is_eq() && (up.at(*y) - up.at(*v)).abs() < WIDTH
        };
        one.len() == two.len() && one.iter().zip(two).all(is_near)
    };
    let mut groups: Vec<(&Points, Vec<&str>)> = Vec::new();
    for (style, points) in lines {
        match groups.iter_mut().find(|(first, _)| same(first, points)) {
            Some((_, names)) => names.push(style.label),
            None => groups.push((points, vec![style.label])),
        }
    }
    let note = |(_, names): &(_, Vec<&str>)| {
        let (last, others) = names.split_last().filter(|(_, others)| !others.is_empty())?;
        Some(format!("{} and {last} lie on each other.", others.join(", ")))
    };
    groups.iter().filter_map(note).collect()
}

/// Draws a line like [`steps`] with the area under it filled.
pub(crate) fn filled(
    page: &mut FigurePage,
    steps: &[(f64, f64)],
    area: Area,
    across: Scale,
    up: Scale,
    style: Style,
) {
    let corners = corners(steps, across, up);
    let (Some(first), Some(last)) = (corners.first(), corners.last()) else { return };
    let mut shape = vec![(first.0, area.bottom())];
    shape.extend(&corners);
    shape.push((last.0, area.bottom()));
    page.canvas.shape(&shape, style.colour, 0.35);
    page.canvas.line(&corners, Stroke::solid(style.colour, 0.7));
}

/// Returns the mean of a step function in each of `bins` equal parts of `from`..`to`: a column is
/// too narrow to show more.
pub(crate) fn means(steps: &[(f64, f64)], from: f64, to: f64, bins: usize) -> Vec<(f64, f64)> {
    let width = (to - from) / bins as f64;
    let mut sums = vec![0.0; bins];
    let ends = steps.iter().skip(1).map(|(x, _)| *x).chain([to]);
    for ((begin, value), end) in steps.iter().zip(ends) {
        let (begin, end) = (begin.clamp(from, to), end.clamp(from, to));
        let (first, last) = (((begin - from) / width) as usize, ((end - from) / width) as usize);
        for (bin, sum) in sums.iter_mut().enumerate().take(last + 1).skip(first) {
            let low = from + bin as f64 * width;
            *sum += value * (end.min(low + width) - begin.max(low)).max(0.0);
        }
    }
    let mut means: Vec<_> =
        sums.iter().enumerate().map(|(bin, sum)| (from + bin as f64 * width, sum / width)).collect();
    if let Some((_, last)) = means.last().copied() {
        means.push((to, last));
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_keeps_its_value_until_the_next() {
        let scale = Scale { low: 0.0, high: 10.0, from: 0.0, to: 10.0 };
        assert_eq!(
            corners(&[(0.0, 1.0), (2.0, 3.0), (5.0, 0.0)], scale, scale),
            [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0), (5.0, 3.0), (5.0, 0.0)]
        );
    }

    #[test]
    fn lines_that_cannot_be_told_apart_are_named() {
        // A point a unit: .8 is less than a line is wide, 1 is not.
        let up = Scale { low: 0.0, high: 100.0, from: 100.0, to: 0.0 };
        let line = |name, last: f64| (crate::style::of(name), vec![(0.0, 5.0), (1.0, last)]);
        let lines = [line("edf", 7.0), line("gandiva", 9.0), line("themis", 7.8), line("chronus", 6.5)];
        assert_eq!(coincident(&lines, up), ["EDF, Themis and Chronus lie on each other."]);
        assert_eq!(coincident(&[line("edf", 7.0), line("gandiva", 8.0)], up), [""; 0]);
        let short = (crate::style::of("edf"), vec![(0.0, 5.0)]);
        assert_eq!(coincident(&[line("gandiva", 5.0), short], up), [""; 0]);
    }

    #[test]
    fn means_are_weighed_by_time() {
        // 1 from 0 to 1, 3 from 1 to 3, then 0: halves of 0..4 have (1 + 3) ÷ 2 and (3 + 0) ÷ 2.
        assert_eq!(
            means(&[(0.0, 1.0), (1.0, 3.0), (3.0, 0.0)], 0.0, 4.0, 2),
            [(0.0, 2.0), (2.0, 1.5), (4.0, 1.5)]
        );
        // The time before the first step counts as 0.
        assert_eq!(means(&[(2.0, 1.0)], 0.0, 4.0, 2), [(0.0, 0.0), (2.0, 1.0), (4.0, 1.0)]);
    }
}
