//! The small cross that closes or removes something.

use eframe::egui::{CursorIcon, Id, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use crate::gui::icons::Icon;
use crate::gui::theme::{self, Palette};

/// Draws the button in place of the next widget; `size` is its width and height in points, `name` its accessible name.
pub fn show(ui: &mut Ui, size: f32, name: &str) -> Response {
    let (place, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click());
    paint(ui, place, response, name)
}

/// Draws the button in a place of another widget.
pub fn show_at(ui: &Ui, place: Rect, id: Id, name: &str) -> Response {
    paint(ui, place, ui.interact(place, id, Sense::click()), name)
}

fn paint(ui: &Ui, place: Rect, response: Response, name: &str) -> Response {
    let response = response.on_hover_cursor(CursorIcon::Default);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let palette = Palette::of(ui);
    let is_lit = response.hovered() || response.has_focus();
    if is_lit {
        ui.painter().rect_filled(place, f32::from(theme::RADIUS), palette.selected);
    }
    Icon::Close.paint(ui.painter(), place.center(), if is_lit { palette.text } else { palette.dim });
    response
}
