//! A picture of shapes as PNG, with the bundled fonts: it looks the same on every machine.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use anyhow::Context as _;
use poolscope_analysis::export::drawing::{Anchor, Color, Drawing, Shape};
use std::io::Write;
use tiny_skia::{FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const STRONG: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");

/// Writes a picture.
///
/// # Errors
/// The picture has no area, or the output cannot be written.
pub fn write(out: &mut dyn Write, drawing: &Drawing) -> anyhow::Result<()> {
    let mut pixmap = Pixmap::new(drawing.width, drawing.height).context("the picture has no area")?;
    pixmap.fill(skia_color(drawing.background));
    let fonts = Fonts { regular: FontRef::try_from_slice(REGULAR)?, strong: FontRef::try_from_slice(STRONG)? };
    for shape in &drawing.shapes {
        draw(&mut pixmap, &fonts, shape);
    }
    let mut encoder = png::Encoder::new(out, drawing.width, drawing.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    // The background is opaque, so that premultiplied colors are the colors themselves.
    encoder.write_header()?.write_image_data(pixmap.data())?;
    Ok(())
}

struct Fonts {
    regular: FontRef<'static>,
    strong: FontRef<'static>,
}

fn skia_color(Color(red, green, blue, opacity): Color) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(red, green, blue, opacity)
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia_color(color));
    paint.anti_alias = true;
    paint
}

fn draw(pixmap: &mut Pixmap, fonts: &Fonts, shape: &Shape) {
    match shape {
        Shape::Rect { at: (x, y), size: (width, height), fill } => {
            let rect = Rect::from_xywh(*x as f32, *y as f32, *width as f32, *height as f32);
            if let Some(rect) = rect {
                pixmap.fill_rect(rect, &paint(*fill), Transform::identity(), None);
            }
        }
        Shape::Area { points, fill } => {
            if let Some(path) = path(points, true) {
                pixmap.fill_path(&path, &paint(*fill), FillRule::Winding, Transform::identity(), None);
            }
        }
        Shape::Line { points, width, color, is_dashed } => {
            let dash = if *is_dashed { StrokeDash::new(vec![4.0, 3.0], 0.0) } else { None };
            let stroke = Stroke { width: *width as f32, line_join: LineJoin::Round, dash, ..Stroke::default() };
            if let Some(path) = path(points, false) {
                pixmap.stroke_path(&path, &paint(*color), &stroke, Transform::identity(), None);
            }
        }
        Shape::Text { at, size, anchor, color, is_strong, text } => {
            let font = if *is_strong { &fonts.strong } else { &fonts.regular };
            draw_text(pixmap, font, *at, *size as f32, *anchor, *color, text);
        }
    }
}

fn path(points: &[(f64, f64)], is_closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (at, (x, y)) in points.iter().enumerate() {
        if at == 0 {
            builder.move_to(*x as f32, *y as f32);
        } else {
            builder.line_to(*x as f32, *y as f32);
        }
    }
    if is_closed {
        builder.close();
    }
    builder.finish()
}

fn draw_text(
    pixmap: &mut Pixmap,
    font: &FontRef<'_>,
    (x, y): (f64, f64),
    size: f32,
    anchor: Anchor,
    color: Color,
    text: &str,
) {
    // A size is that of the em square; the library's scale is the height of the font.
    let per_em = font.units_per_em().filter(|units| *units > 0.0).map_or(1.0, |units| font.height_unscaled() / units);
    let scale = PxScale::from(size * per_em);
    let scaled = font.as_scaled(scale);
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut right = 0.0;
    for c in text.chars() {
        let id = font.glyph_id(c);
        if let Some(before) = glyphs.last() {
            right += scaled.kern(before.id, id);
        }
        glyphs.push(id.with_scale_and_position(scale, point(right, 0.0)));
        right += scaled.h_advance(id);
    }
    let left = match anchor {
        Anchor::Start => x as f32,
        Anchor::Middle => x as f32 - right / 2.0,
        Anchor::End => x as f32 - right,
    };
    for mut glyph in glyphs {
        glyph.position.x += left;
        glyph.position.y = y as f32;
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        outline.draw(|dx, dy, coverage| {
            blend(pixmap, bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy), color, coverage);
        });
    }
}

/// Covers a part of a pixel with a color.
fn blend(pixmap: &mut Pixmap, x: i64, y: i64, color: Color, coverage: f32) {
    let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
    if x >= pixmap.width() || y >= pixmap.height() {
        return;
    }
    let at = (y as usize * pixmap.width() as usize + x as usize) * 4;
    let share = coverage.clamp(0.0, 1.0) * f32::from(color.3) / 255.0;
    let Some(pixel) = pixmap.data_mut().get_mut(at..at + 3) else { return };
    for (channel, wanted) in pixel.iter_mut().zip([color.0, color.1, color.2]) {
        let mixed = f32::from(*channel) + (f32::from(wanted) - f32::from(*channel)) * share;
        *channel = mixed.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_texts_are_painted_at_their_places() {
        let red = Color::rgb(0xff_00_00);
        let shapes = vec![
            Shape::Rect { at: (10.0, 10.0), size: (5.0, 5.0), fill: red },
            Shape::Text {
                at: (99.0, 40.0),
                size: 20.0,
                anchor: Anchor::End,
                color: Color::rgb(0),
                is_strong: true,
                text: "HH".to_owned(),
            },
        ];
        let drawing =
            Drawing { width: 100, height: 50, background: Color::rgb(0xff_ff_ff), title: String::new(), shapes };
        let mut out = Vec::new();
        write(&mut out, &drawing).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(out)).read_info().expect("a PNG");
        let mut data = vec![0; reader.output_buffer_size().expect("it fits")];
        let info = reader.next_frame(&mut data).expect("a picture");
        assert_eq!((info.width, info.height, info.color_type), (100, 50, png::ColorType::Rgba));
        let pixel =
            |x: usize, y: usize| [data[(y * 100 + x) * 4], data[(y * 100 + x) * 4 + 1], data[(y * 100 + x) * 4 + 2]];
        assert_eq!((pixel(12, 12), pixel(9, 12), pixel(15, 15)), ([255, 0, 0], [255; 3], [255; 3]));
        let is_dark = |x: usize, y: usize| pixel(x, y).iter().all(|channel| *channel < 128);
        let dark: Vec<(usize, usize)> =
            (0..100).flat_map(|x| (0..50).map(move |y| (x, y))).filter(|(x, y)| is_dark(*x, *y)).collect();
        assert!(dark.iter().all(|(x, y)| (65..99).contains(x) && (24..41).contains(y)), "{dark:?}");
        assert!(dark.len() > 60, "two letters: {}", dark.len());
    }
}
