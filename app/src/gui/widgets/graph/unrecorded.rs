//! Hatching over times of which the file holds no recording, or not all of it: a curve there is no measurement.

use eframe::egui::{Align2, Painter, Rect, Stroke, pos2};

use crate::gui::theme::{self, GRID, Palette};

/// Distance between two strokes of the hatching, in points.
const STEP: f32 = 8.0;
/// A part narrower than this is drawn this wide, in points, so that a short hole is seen.
const LEAST_WIDTH: f32 = 2.0;

/// Hatches the part of `frame` between two places on the time axis, and names it where there is room.
pub(super) fn paint(painter: &Painter, frame: Rect, (left, right): (f32, f32), with_words: bool, palette: &Palette) {
    let (left, right) = (left.max(frame.left()), right.max(left + LEAST_WIDTH).min(frame.right()));
    if left >= right {
        return;
    }
    let part = Rect::from_min_max(pos2(left, frame.top()), pos2(right, frame.bottom()));
    let painter = painter.with_clip_rect(part.intersect(painter.clip_rect()));
    painter.rect_filled(part, 0.0, palette.panel.gamma_multiply(0.6));
    let stroke = Stroke::new(1.0, palette.dim.gamma_multiply(0.35));
    let height = part.height();
    // Strokes begin at fixed places, so that the hatching stays where it is while the range is moved over it.
    let first = ((left - height) / STEP).floor() as i64;
    let last = (right / STEP).ceil() as i64;
    for x in (first..=last).map(|at| at as f32 * STEP) {
        painter.line_segment([pos2(x, part.bottom()), pos2(x + height, part.top())], stroke);
    }
    if with_words {
        let words = painter.layout_no_wrap("not recorded".to_owned(), theme::small_font(), palette.dim);
        if words.size().x + 2.0 * GRID <= part.width() {
            let place = Align2::CENTER_CENTER.anchor_size(part.center(), words.size());
            painter.rect_filled(place.expand(GRID), 2.0, palette.canvas);
            painter.galley(place.min, words, palette.dim);
        }
    }
}
