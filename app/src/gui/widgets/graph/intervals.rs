//! Named intervals of time, such as the part of an axis that another recording covers: shaded over the height of the plot, with the
//! name beside them.

use eframe::egui::{Align2, Painter, Rect, Stroke, pos2};

use super::axes::Scale;
use super::model::Interval;
use crate::gui::theme::{self, GRID, Palette};

/// Least width of an interval, so that a short one is seen, in points.
const LEAST_WIDTH: f32 = 3.0;
/// Opacity of the shade.
const SHADE: f32 = 0.16;

/// Paints the intervals that are in the visible range.
pub(super) fn paint(painter: &Painter, intervals: &[Interval], scale: &Scale, palette: &Palette) {
    let frame = scale.frame;
    let mut free_from = f32::NEG_INFINITY;
    for interval in intervals.iter().filter(|one| one.range.to >= scale.view.from && one.range.from <= scale.view.to) {
        let middle = (scale.x(interval.range.from) + scale.x(interval.range.to)) / 2.0;
        let (left, right) = (scale.x(interval.range.from), scale.x(interval.range.to));
        let (left, right) = (left.min(middle - LEAST_WIDTH / 2.0), right.max(middle + LEAST_WIDTH / 2.0));
        let part = Rect::from_min_max(pos2(left, frame.top()), pos2(right, frame.bottom())).intersect(frame);
        painter.rect_filled(part, 0.0, palette.accent.gamma_multiply(SHADE));
        for edge in [left, right] {
            painter.vline(edge, frame.y_range(), Stroke::new(1.0, palette.accent.gamma_multiply(0.5)));
        }
        let text = painter.layout_no_wrap(interval.name.clone(), theme::small_font(), palette.accent);
        let width = text.size().x;
        // Beside the interval where there is room, else over it.
        let places = [part.right() + GRID, part.left() - GRID - width, part.left() + GRID];
        let fits = |left: &f32| *left >= frame.left().max(free_from) && left + width <= frame.right();
        if let Some(left) = places.into_iter().find(fits) {
            let place = Align2::LEFT_TOP.anchor_size(pos2(left, frame.top() + GRID / 2.0), text.size());
            painter.rect_filled(place.expand(1.0), 2.0, palette.canvas.gamma_multiply(0.8));
            painter.galley(place.min, text, palette.accent);
            free_from = left + width + GRID;
        }
    }
}
