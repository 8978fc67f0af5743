//! A thin bar that shows how much of something is done.

use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

use crate::format;
use crate::gui::theme::{self, GRID, Palette};

/// Draws the bar; `share` is from 0 to 1, `width` in points, `name` its accessible name.
pub fn show(ui: &mut Ui, name: &str, share: f32, width: f32) {
    let (place, response) = ui.allocate_exact_size(vec2(width, 2.0 * GRID), Sense::hover());
    response.widget_info(|| {
        let label = format!("{name}: {}", format::whole_percent(share.into()));
        WidgetInfo::labeled(Role::ProgressIndicator, true, label)
    });
    let palette = Palette::of(ui);
    let track = place.shrink2(vec2(0.0, 1.0));
    let done = Rect::from_min_size(track.min, vec2(track.width() * share.clamp(0.0, 1.0), track.height()));
    let radius = f32::from(theme::RADIUS);
    ui.painter().rect_filled(track, radius, palette.line);
    ui.painter().rect_filled(done, radius, palette.accent);
}
