//! The axes: round marks, words that never overlap, the grid. Dragging along the time axis is the plot's affair.

use eframe::egui::{Align2, Painter, Rect, Stroke, Ui, pos2};

use super::model::{Range, Unit};
use super::scale::Scale;
use super::ticks;
use super::words::{time_text, value_text};
use crate::gui::theme::{self, GRID, Palette};

/// Height of the time axis, in points.
pub(super) const HEIGHT: f32 = 20.0;
/// Least width of the value axis, in points.
const LEAST_WIDTH: f32 = 56.0;
/// Least distance between the words of two marks, in points.
const GAP: f32 = 14.0;

/// Marks of the value axis, with their words.
pub(super) struct Values {
    marks: Vec<(f64, String)>,
    /// Width of the axis, in points.
    pub width: f32,
}

impl Values {
    pub fn new(ui: &Ui, height: f32, top: f64, unit: Unit) -> Self {
        let step = ticks::round_step(top, f64::from(height / 36.0).max(2.0), Some(unit));
        let marks: Vec<(f64, String)> =
            ticks::marks(0.0, top, step).into_iter().map(|value| (value, value_text(value, step, unit))).collect();
        let widest = marks.iter().map(|(_, text)| width_of(ui.painter(), text)).fold(0.0, f32::max);
        // In steps, so that the graph does not tremble while its values change.
        let width = ((widest + 2.0 * GRID) / 8.0).ceil() * 8.0;
        Self { marks, width: width.max(LEAST_WIDTH) }
    }

    pub fn paint(&self, painter: &Painter, palette: &Palette, scale: &Scale) {
        for (value, text) in &self.marks {
            let y = scale.y(*value);
            painter.hline(scale.frame.x_range(), y, Stroke::new(1.0, palette.grid));
            let low = (y - theme::SMALL / 2.0).max(scale.frame.top()) + theme::SMALL / 2.0;
            let at = pos2(scale.frame.left() - 1.5 * GRID, low);
            painter.text(at, Align2::RIGHT_CENTER, text, theme::small_font(), palette.dim);
        }
    }
}

fn width_of(painter: &Painter, text: &str) -> f32 {
    painter.layout_no_wrap(text.to_owned(), theme::small_font(), eframe::egui::Color32::WHITE).size().x
}

/// A step of the time axis that leaves room for the words of its marks.
fn time_step(painter: &Painter, view: Range, width: f32) -> f64 {
    let mut room = 80.0;
    loop {
        let step = ticks::round_step(view.span(), f64::from(width / room), None);
        let needed =
            width_of(painter, &time_text(view.to, step)).max(width_of(painter, &time_text(view.from, step))) + GAP;
        let there = (step / view.span().max(f64::MIN_POSITIVE)) as f32 * width;
        if needed <= there || room >= width {
            return step;
        }
        room = needed.max(room + 8.0);
    }
}

/// Draws grid and words of the time axis below the frame; words stay inside `outer`.
pub(super) fn paint_times(painter: &Painter, palette: &Palette, scale: &Scale, outer: Rect) {
    let step = time_step(painter, scale.view, scale.frame.width());
    let mut free_from = outer.left();
    for time in ticks::marks(scale.view.from, scale.view.to, step) {
        let x = scale.x(time);
        painter.vline(x, scale.frame.y_range(), Stroke::new(1.0, palette.grid));
        painter.vline(x, scale.frame.bottom()..=scale.frame.bottom() + 3.0, Stroke::new(1.0, palette.faint));
        let galley = painter.layout_no_wrap(time_text(time, step), theme::small_font(), palette.dim);
        let width = galley.size().x;
        let left = (x - width / 2.0).min(outer.right() - width);
        // A word that would run into the one before is left out; its mark stays.
        if left >= free_from {
            free_from = left + width + GAP / 2.0;
            painter.galley(pos2(left, scale.frame.bottom() + GRID), galley, palette.dim);
        }
    }
}
