//! A small histogram: bars with labels at both ends and a text on hover for each bar.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::gui::theme::{self, Palette};

/// Height of the bars, in points.
const HEIGHT: f32 = 48.0;
/// Height of the labels, in points.
const LABELS: f32 = 14.0;
/// Upper bound on the width of a bar, in points.
const MAX_BAR_WIDTH: f32 = 40.0;

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The values that it counts.
    pub label: String,
    /// Its height.
    pub count: u64,
    /// Its text on hover, which is also its accessible name.
    pub tip: String,
}

/// The histogram, ready to be shown.
pub struct Histogram<'a> {
    /// Its accessible name.
    pub name: &'a str,
    /// The bars, in order.
    pub bars: &'a [Bar],
}

impl Histogram<'_> {
    /// Draws the histogram over the whole width.
    pub fn show(&self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + LABELS), Sense::HOVER);
        let all = self.bars.iter().map(|bar| bar.tip.as_str()).collect::<Vec<_>>().join("; ");
        response.widget_info(|| WidgetInfo::labeled(Role::GraphicsObject, true, format!("{}: {all}", self.name)));
        let (Some(first), Some(last)) = (self.bars.first(), self.bars.last()) else { return };
        let most = self.bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
        let step = (rect.width() / self.bars.len() as f32).min(MAX_BAR_WIDTH);
        let base = rect.top() + HEIGHT;
        let painter = ui.painter();
        painter.hline(rect.x_range(), base, eframe::egui::Stroke::new(1.0, palette.line));
        let hovered = response.hover_pos().map(|at| ((at.x - rect.left()) / step) as usize);
        for (at, bar) in self.bars.iter().enumerate() {
            // A single block among millions is still seen.
            let height = if bar.count == 0 { 0.0 } else { (bar.count as f32 / most as f32 * HEIGHT).max(2.0) };
            let left = rect.left() + at as f32 * step;
            let column = Rect::from_min_max(pos2(left, base - height), pos2(left + (step - 1.0).max(1.0), base));
            let color = if hovered == Some(at) { palette.accent } else { palette.blue };
            painter.rect_filled(column, 1.0, color);
        }
        let middle = base + LABELS / 2.0 + 1.0;
        let small = theme::small_font();
        let end = rect.left() + step * self.bars.len() as f32;
        let left =
            painter.text(pos2(rect.left(), middle), Align2::LEFT_CENTER, &first.label, small.clone(), palette.dim);
        let width = painter.layout_no_wrap(last.label.clone(), small.clone(), palette.dim).size().x;
        let right = end.max(left.right() + 12.0 + width);
        if self.bars.len() > 1 && right <= rect.right() + 0.5 {
            painter.text(pos2(right, middle), Align2::RIGHT_CENTER, &last.label, small, palette.dim);
        }
        if let Some(bar) = hovered.and_then(|at| self.bars.get(at)) {
            response.on_hover_text_at_pointer(&bar.tip);
        }
    }
}
