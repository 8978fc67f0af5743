//! Marks that are painted, since the fonts have no glyphs for them: triangles, sort arrows, the curve above the colour
//! squares; and the scrollbars. Knows nothing of rows.

use eframe::egui::{Color32, Painter, Pos2, Rect, Response, Shape, Stroke, Ui, Vec2, vec2};

use super::model::Sort;
use crate::gui::theme::{self, Palette};

/// The triangle before a key: it points right, or down when what is below is shown.
pub(super) fn triangle(painter: &Painter, c: Pos2, open: bool, colour: Color32) {
    let points = if open {
        vec![c + vec2(-4.0, -2.0), c + vec2(4.0, -2.0), c + vec2(0.0, 3.0)]
    } else {
        vec![c + vec2(-2.0, -4.0), c + vec2(3.0, 0.0), c + vec2(-2.0, 4.0)]
    };
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

/// The arrow of a sorted column.
pub(super) fn sort_arrow(painter: &Painter, c: Pos2, sort: Sort, colour: Color32) {
    let points = match sort {
        Sort::Descending => vec![c + vec2(-4.0, -2.0), c + vec2(4.0, -2.0), c + vec2(0.0, 3.0)],
        Sort::Ascending => vec![c + vec2(-4.0, 2.0), c + vec2(0.0, -3.0), c + vec2(4.0, 2.0)],
    };
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

/// A small curve, for what is drawn in the graph.
pub(super) fn curve(painter: &Painter, c: Pos2, colour: Color32) {
    let points = vec![c + vec2(-5.0, 3.0), c + vec2(-1.5, -1.0), c + vec2(1.5, 1.0), c + vec2(5.0, -4.0)];
    painter.add(Shape::line(points, Stroke::new(1.5, colour)));
}

/// Draws a scrollbar along `axis`; returns the share of the way that it was dragged to.
pub(super) fn scrollbar(
    ui: &Ui,
    palette: &Palette,
    bar: &Response,
    share: f64,
    length: f32,
    axis: Vec2,
) -> Option<f64> {
    let along = |v: Vec2| v.x * axis.x + v.y * axis.y;
    let track = bar.rect;
    let whole = along(track.size());
    let thumb = (whole * length).clamp(24.0_f32.min(whole), whole);
    let way = whole - thumb;
    let start = track.min + axis * (way * share as f32);
    let across = Vec2::splat(theme::SCROLLBAR) * (Vec2::ONE - axis);
    let rect = Rect::from_min_size(start, axis * thumb + across);
    let lit = bar.hovered() || bar.dragged();
    let colour = if lit { palette.dim } else { palette.faint };
    ui.painter().rect_filled(track, 0.0, palette.panel);
    ui.painter().rect_filled(rect.shrink(2.0), 3.0, colour.gamma_multiply(if lit { 1.0 } else { 0.6 }));
    let pointer = bar.interact_pointer_pos()?;
    if way <= 0.0 || !(bar.dragged() || bar.clicked()) {
        return None;
    }
    if bar.dragged() {
        // Relative moves: grabbing the thumb anywhere does not make it jump.
        let moved = f64::from(along(bar.drag_delta()) / way);
        return (moved != 0.0).then_some((share + moved).clamp(0.0, 1.0));
    }
    let at = along(pointer - track.min) - thumb / 2.0;
    Some(f64::from(at / way).clamp(0.0, 1.0))
}
