//! Command lines in a monospaced font, with a button that copies them all.

use eframe::egui::{Button, Frame, Label, Margin, RichText, Ui};

use crate::gui::theme::{self, GRID, Palette, RADIUS};

/// Draws the lines; `title` says what they are for.
pub fn show(ui: &mut Ui, title: &str, lines: &[&str]) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.weak(title);
        let copy = ui.add(Button::new(RichText::new("Copy").font(theme::small_font())).small());
        let name = format!("Copy the commands: {title}");
        copy.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::accesskit::Role::Button, true, &name));
        if copy.clicked() {
            ui.ctx().copy_text(lines.join("\n"));
        }
    });
    let ground = Frame::new().fill(palette.panel).corner_radius(RADIUS).inner_margin(Margin::symmetric(8, 6));
    ground.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = GRID / 2.0;
        ui.set_width(ui.available_width());
        for line in lines {
            ui.add(Label::new(RichText::new(*line).monospace()).wrap());
        }
    });
}
