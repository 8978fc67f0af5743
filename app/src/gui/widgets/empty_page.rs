//! A page that has nothing to show: a heading and the reason in the middle, and buttons that lead on.

use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};

use crate::gui::theme::{GRID, Palette};

/// Greatest width of the text, in points.
pub const WIDTH: f32 = 520.0;

/// Draws the heading and the text, and `more` below them.
pub fn show(ui: &mut Ui, title: &str, text: &str, more: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.2).max(GRID));
        ui.set_max_width(WIDTH);
        ui.heading(title);
        ui.add_space(2.0 * GRID);
        ui.label(text);
        ui.add_space(4.0 * GRID);
        more(ui);
    });
}

/// Draws two large buttons, one above the other: the usual choice in the accent color, and another. Returns which were clicked.
pub fn two_buttons(ui: &mut Ui, usual: &str, other: &str) -> [bool; 2] {
    let palette = Palette::of(ui);
    let size = vec2(220.0, 32.0);
    let text = RichText::new(usual).color(palette.on_accent);
    let usual = ui.add(Button::new(text).fill(palette.accent).min_size(size)).clicked();
    ui.add_space(GRID);
    [usual, ui.add(Button::new(other).min_size(size)).clicked()]
}
