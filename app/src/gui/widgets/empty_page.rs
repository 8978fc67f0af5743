//! A page that has nothing to list: why, in the middle, and what can be done. It knows neither.

use eframe::egui::{Align, Layout, Ui};

use crate::gui::theme::GRID;

/// Widest that the words get, in points.
pub const WIDTH: f32 = 520.0;

/// Draws the heading and the words, and below them `more`.
pub fn show(ui: &mut Ui, title: &str, words: &str, more: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.2).max(GRID));
        ui.set_max_width(WIDTH);
        ui.heading(title);
        ui.add_space(2.0 * GRID);
        ui.label(words);
        ui.add_space(4.0 * GRID);
        more(ui);
    });
}
