//! A narrow strip beside a side panel that hides and shows it.

use eframe::egui::{CursorIcon, Frame, Panel, Role, Sense, Stroke, Ui, WidgetInfo};

use crate::gui::icons::Icon;
use crate::gui::theme::Palette;

/// Width of the strip, in points.
const WIDTH: f32 = 12.0;

/// A side of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// Draws the strip at the inner edge of the panel; `what` is the name of the panel within a sentence. Returns whether it was
/// clicked.
pub fn show(ui: &mut Ui, side: Side, what: &str, shown: bool) -> bool {
    let palette = Palette::of(ui);
    let panel = match side {
        Side::Left => Panel::left("left handle"),
        Side::Right => Panel::right("right handle"),
    };
    let strip = Frame::new().fill(palette.panel);
    let inner = panel.exact_size(WIDTH).resizable(false).show_separator_line(false).frame(strip).show(ui, |ui| {
        let (place, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        let response = response.on_hover_cursor(CursorIcon::PointingHand);
        let name = format!("{} {what}", if shown { "Hide" } else { "Show" });
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        let is_lit = response.hovered() || response.has_focus();
        if is_lit {
            ui.painter().rect_filled(place, 0.0, palette.hovered);
        }
        let edge = if side == Side::Left { place.right() - 0.5 } else { place.left() + 0.5 };
        ui.painter().vline(edge, place.y_range(), Stroke::new(1.0, palette.line));
        // The direction that the edge of the panel moves in.
        let icon = if (side == Side::Left) == shown { Icon::ChevronLeft } else { Icon::ChevronRight };
        icon.paint(ui.painter(), place.center(), if is_lit { palette.accent } else { palette.faint });
        response.on_hover_text(name).clicked()
    });
    inner.inner
}
