//! What tells series of the same colour apart: dashes for lines, hatching for areas and bars, and the small sample of both in
//! the legend. Knows nothing of values.

use eframe::egui::epaint::{Vertex, WHITE_UV};
use eframe::egui::{
    Color32, ColorImage, Context, Id, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, TextureHandle, TextureId,
    TextureOptions, Vec2, pos2,
};

use super::model::{Kind, Series};

/// Edge of the tile that hatching repeats, in points.
const TILE: usize = 8;
/// How much of the colour is left between the strokes of a hatching, of 255.
const BETWEEN: u8 = 140;
/// How much of a dashed line's colour its gaps keep: nothing that happens in a gap is lost.
const GAP: f32 = 0.4;
/// Length of a pattern of dashes and its parts with a dash, in points along the time axis.
const DASHES: [(f32, &[(f32, f32)]); 4] =
    [(12.0, &[(0.0, 7.0)]), (5.0, &[(0.0, 2.0)]), (20.0, &[(0.0, 10.0), (13.0, 16.0)]), (26.0, &[(0.0, 20.0)])];

/// A line in a pattern.
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

/// The colour of a line in a pattern at a place along the time axis.
pub(super) fn at(pattern: u8, x: f32, colour: Color32) -> Color32 {
    let Some(number) = pattern.checked_sub(1) else { return colour };
    let (period, dashes) = DASHES[usize::from(number) % DASHES.len()];
    let within = x.rem_euclid(period);
    let drawn = dashes.iter().any(|(from, to)| (*from..*to).contains(&within));
    if drawn { colour } else { colour.gamma_multiply(GAP) }
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

/// What an area or a bar of a pattern is filled with.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    texture: Option<TextureId>,
    colour: Color32,
}

impl Fill {
    pub fn new(ctx: &Context, pattern: u8, colour: Color32) -> Self {
        Self { texture: pattern.checked_sub(1).map(|number| hatching(ctx, number)), colour }
    }

    /// A mesh that vertices of this filling can be added to.
    pub fn mesh(self) -> Mesh {
        self.texture.map_or_else(Mesh::default, Mesh::with_texture)
    }

    pub fn vertex(self, mesh: &mut Mesh, at: Pos2) {
        let uv = if self.texture.is_some() { (at.to_vec2() / TILE as f32).to_pos2() } else { WHITE_UV };
        mesh.vertices.push(Vertex { pos: at, uv, color: self.colour });
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

/// The texture of a hatching, made once.
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

/// The small sample of a series: a square, hatched like its area, or a piece of its dashed line; hollow for one that is off.
pub(super) fn sample(painter: &Painter, place: Pos2, series: &Series, kind: Kind) {
    let square = Rect::from_center_size(place, Vec2::splat(10.0));
    if !series.on {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, series.colour), StrokeKind::Inside);
    } else if series.pattern == 0 {
        painter.rect_filled(square, 2.0, series.colour);
    } else if kind == Kind::Lines {
        let mut shapes = Vec::new();
        let ends = vec![pos2(square.left() - 2.0, place.y), pos2(square.right() + 2.0, place.y)];
        line(ends, series.pattern, Stroke::new(2.0, series.colour), &mut shapes);
        painter.extend(shapes);
    } else {
        let fill = Fill::new(painter.ctx(), series.pattern, series.colour);
        let mut mesh = fill.mesh();
        fill.rect(&mut mesh, square);
        painter.add(mesh);
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
