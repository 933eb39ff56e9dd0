//! A picture in pixels.

use anyhow::{Context, Result};
use resvg::{tiny_skia, usvg};

use crate::font;

/// Pixels per point: 300 per inch.
const SCALE: f32 = 300.0 / 72.0;

/// Renders an SVG of ours with our fonts as a PNG file.
///
/// # Errors
///
/// If the SVG cannot be read back or is too large.
pub(crate) fn render(svg: &str) -> Result<Vec<u8>> {
    let options = usvg::Options { fontdb: font::database(), dpi: 72.0, ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).context("the SVG cannot be rendered")?;
    let size = tree.size();
    let pixels = |points: f32| (points * SCALE - 0.01).ceil() as u32;
    let mut pixmap = tiny_skia::Pixmap::new(pixels(size.width()), pixels(size.height()))
        .context("the picture is empty or too large")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    pixmap.encode_png().context("the picture cannot be written as PNG")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::{Anchor, Area, Canvas, Texture};

    #[test]
    fn text_and_textures_are_rendered() {
        let mut canvas = Canvas::new(72.0, 36.0);
        let blank = render(&canvas.finish("")).unwrap();
        canvas.bar(Area { x: 4.0, y: 4.0, width: 10.0, height: 20.0 }, "#0072b2", Texture::Artifact);
        let bar = render(&canvas.finish("")).unwrap();
        canvas.text((20.0, 20.0), "text", Anchor::Start);
        let text = render(&canvas.finish("")).unwrap();
        // 72 by 36 points at 300 dots an inch are 300 by 150 pixels: bytes 16 to 23 of a PNG.
        assert_eq!(blank[16..24], [0, 0, 1, 44, 0, 0, 0, 150]);
        assert!(blank != bar && bar != text);
        assert_eq!(text, render(&canvas.finish("")).unwrap());
    }
}
