//! Two large buttons below each other, for a page that has nothing else to do: the way on that fits nearly everyone, and
//! another one. It knows their words, not what they do.

use eframe::egui::{Button, RichText, Ui, vec2};

use crate::gui::theme::{GRID, Palette};

/// Draws the buttons; says which of them were clicked.
pub fn show(ui: &mut Ui, main: &str, other: &str) -> [bool; 2] {
    let palette = Palette::of(ui);
    let size = vec2(220.0, 32.0);
    let text = RichText::new(main).color(palette.on_accent);
    let main = ui.add(Button::new(text).fill(palette.accent).min_size(size)).clicked();
    ui.add_space(GRID);
    [main, ui.add(Button::new(other).min_size(size)).clicked()]
}
