//! Marks that are painted, since the fonts have no glyphs for them: triangles, sort arrows, the curve above the colour
//! squares. Knows nothing of rows.

use eframe::egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

use super::model::Sort;

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
