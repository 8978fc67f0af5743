//! Dashes and hatching: they tell series of the same color apart, in the graph and in the samples of the legend, and mark times
//! that were not recorded.

use eframe::egui::epaint::{Vertex, WHITE_UV};
use eframe::egui::{
    Align2, Color32, ColorImage, Context, Id, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, TextureHandle,
    TextureId, TextureOptions, Vec2, pos2,
};

use super::model::{Kind, Series};
use crate::gui::theme::{self, GRID, Palette};

/// Edge of the tile that hatching repeats, in points.
const TILE: usize = 8;
/// Opacity of the color between the strokes of a hatching, of 255.
const BETWEEN: u8 = 140;
/// Opacity of the gaps of a dashed line: the curve can be seen in them.
const GAP: f32 = 0.4;
/// Period of each dash pattern and the start and end of its dashes, in points along the time axis.
const DASHES: [(f32, &[(f32, f32)]); 4] =
    [(12.0, &[(0.0, 7.0)]), (5.0, &[(0.0, 2.0)]), (20.0, &[(0.0, 10.0), (13.0, 16.0)]), (26.0, &[(0.0, 20.0)])];

/// Distance between two strokes of the hatching, in points.
const HATCH_STEP: f32 = 8.0;
/// Least width of a hatched part, in points: a short gap has to be seen.
const LEAST_HATCHED: f32 = 2.0;

/// Appends a line in a pattern to `out`.
pub(super) fn line(path: Vec<Pos2>, pattern: u8, stroke: Stroke, out: &mut Vec<Shape>) {
    let Some(number) = pattern.checked_sub(1) else {
        out.push(Shape::line(path, stroke));
        return;
    };
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return };
    let (period, dashes) = DASHES[usize::from(number) % DASHES.len()];
    let mut start = (first.x / period).floor() * period;
    while start <= last.x {
        for (from, to) in dashes {
            let piece = cut(&path, start + from, start + to);
            if piece.len() > 1 {
                out.push(Shape::line(piece, Stroke::new(stroke.width + 0.5, stroke.color)));
            }
        }
        start += period;
    }
    out.push(Shape::line(path, Stroke::new(1.0, stroke.color.gamma_multiply(GAP))));
}

/// The color of a line in a pattern at a place along the time axis.
pub(super) fn at(pattern: u8, x: f32, color: Color32) -> Color32 {
    let Some(number) = pattern.checked_sub(1) else { return color };
    let (period, dashes) = DASHES[usize::from(number) % DASHES.len()];
    let within = x.rem_euclid(period);
    let drawn = dashes.iter().any(|(from, to)| (*from..*to).contains(&within));
    if drawn { color } else { color.gamma_multiply(GAP) }
}

/// The part of a path between two places along the time axis.
fn cut(path: &[Pos2], from: f32, to: f32) -> Vec<Pos2> {
    let first = path.partition_point(|p| p.x < from);
    let last = path.partition_point(|p| p.x <= to).max(first);
    let between = |at: usize, x: f32| {
        let (a, b) = (path.get(at.checked_sub(1)?)?, path.get(at)?);
        Some(pos2(x, a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x).max(1e-6)))
    };
    let mut piece = Vec::with_capacity(last - first + 2);
    piece.extend(between(first, from));
    piece.extend_from_slice(&path[first..last]);
    piece.extend(between(last, to));
    piece
}

/// The filling of an area or a bar: a color, or a hatching of it.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    texture: Option<TextureId>,
    color: Color32,
}

impl Fill {
    pub fn new(ctx: &Context, pattern: u8, color: Color32) -> Self {
        Self { texture: pattern.checked_sub(1).map(|number| hatching(ctx, number)), color }
    }

    /// An empty mesh for vertices with this filling.
    pub fn mesh(self) -> Mesh {
        self.texture.map_or_else(Mesh::default, Mesh::with_texture)
    }

    pub fn vertex(self, mesh: &mut Mesh, at: Pos2) {
        let uv = if self.texture.is_some() { (at.to_vec2() / TILE as f32).to_pos2() } else { WHITE_UV };
        mesh.vertices.push(Vertex { pos: at, uv, color: self.color });
    }

    pub fn rect(self, mesh: &mut Mesh, rect: Rect) {
        let first = mesh.vertices.len() as u32;
        for corner in [rect.left_top(), rect.right_top(), rect.left_bottom(), rect.right_bottom()] {
            self.vertex(mesh, corner);
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first + 2, first + 1, first + 3);
    }
}

/// The texture of a hatching, made at the first call.
fn hatching(ctx: &Context, number: u8) -> TextureId {
    let number = number % 4;
    let id = Id::unique(("graph hatching", number));
    if let Some(texture) = ctx.data(|data| data.get_temp::<TextureHandle>(id)) {
        return texture.id();
    }
    let stroke = |x: usize, y: usize| match number {
        0 => (x + y) % TILE < 3,
        1 => (x + TILE - y) % TILE < 3,
        2 => y % 4 < 2,
        _ => x % 4 < 2 && y % 4 < 2,
    };
    let pixel = |at: usize| {
        if stroke(at % TILE, at / TILE) { Color32::WHITE } else { Color32::from_white_alpha(BETWEEN) }
    };
    let image = ColorImage::new([TILE, TILE], (0..TILE * TILE).map(pixel).collect());
    let texture = ctx.load_texture("graph hatching", image, TextureOptions::LINEAR_REPEAT);
    let made = texture.id();
    ctx.data_mut(|data| data.insert_temp(id, texture));
    made
}

/// Draws the sample of a series: a square, hatched like its area, or a piece of its dashed line; hollow if the series is hidden.
pub(super) fn sample(painter: &Painter, place: Pos2, series: &Series, kind: Kind) {
    let square = Rect::from_center_size(place, Vec2::splat(10.0));
    if !series.on {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, series.color), StrokeKind::Inside);
    } else if series.pattern == 0 {
        painter.rect_filled(square, 2.0, series.color);
    } else if kind == Kind::Lines {
        let mut shapes = Vec::new();
        let ends = vec![pos2(square.left() - 2.0, place.y), pos2(square.right() + 2.0, place.y)];
        line(ends, series.pattern, Stroke::new(2.0, series.color), &mut shapes);
        painter.extend(shapes);
    } else {
        let fill = Fill::new(painter.ctx(), series.pattern, series.color);
        let mut mesh = fill.mesh();
        fill.rect(&mut mesh, square);
        painter.add(mesh);
    }
}

/// Hatches the part of `frame` between two places on the time axis, and names it where there is room.
pub(super) fn hatch_unrecorded(
    painter: &Painter,
    frame: Rect,
    (left, right): (f32, f32),
    words: Option<&str>,
    palette: &Palette,
) {
    let (left, right) = (left.max(frame.left()), right.max(left + LEAST_HATCHED).min(frame.right()));
    if left >= right {
        return;
    }
    let part = Rect::from_min_max(pos2(left, frame.top()), pos2(right, frame.bottom()));
    let painter = painter.with_clip_rect(part.intersect(painter.clip_rect()));
    painter.rect_filled(part, 0.0, palette.panel.gamma_multiply(0.6));
    let stroke = Stroke::new(1.0, palette.dim.gamma_multiply(0.35));
    let height = part.height();
    // Strokes begin at fixed places, so that the hatching does not move with the range.
    let first = ((left - height) / HATCH_STEP).floor() as i64;
    let last = (right / HATCH_STEP).ceil() as i64;
    for x in (first..=last).map(|at| at as f32 * HATCH_STEP) {
        painter.line_segment([pos2(x, part.bottom()), pos2(x + height, part.top())], stroke);
    }
    if let Some(words) = words {
        let text = painter.layout_no_wrap(words.to_owned(), theme::small_font(), palette.dim);
        if text.size().x + 2.0 * GRID <= part.width() {
            let place = Align2::CENTER_CENTER.anchor_size(part.center(), text.size());
            painter.rect_filled(place.expand(GRID), 2.0, palette.canvas);
            painter.galley(place.min, text, palette.dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_ends_where_it_is_cut() {
        let path = [pos2(0.0, 0.0), pos2(10.0, 10.0), pos2(20.0, 10.0)];
        assert_eq!(cut(&path, 5.0, 15.0), [pos2(5.0, 5.0), pos2(10.0, 10.0), pos2(15.0, 10.0)]);
        assert_eq!(cut(&path, 12.0, 14.0), [pos2(12.0, 10.0), pos2(14.0, 10.0)]);
        assert_eq!(cut(&path, -5.0, 5.0), [pos2(0.0, 0.0), pos2(5.0, 5.0)]);
        assert!(cut(&path, 30.0, 35.0).is_empty());
    }

    #[test]
    fn every_pattern_is_another() {
        let dashed = |pattern| {
            let mut out = Vec::new();
            line(vec![pos2(0.0, 0.0), pos2(300.0, 0.0)], pattern, Stroke::new(1.0, Color32::RED), &mut out);
            out.len()
        };
        let counts: Vec<usize> = (0..5).map(dashed).collect();
        assert_eq!(counts[0], 1);
        assert!((1..5).all(|a| (0..a).all(|b| counts[a] != counts[b])), "{counts:?}");
    }
}
