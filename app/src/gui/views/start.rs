//! The page while nothing is open: what this is for and what to do first.

use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};

use crate::gui::command::Command;
use crate::gui::recording;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::command_lines;

/// Draws the page.
pub fn show(ui: &mut Ui, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.28).max(GRID));
        ui.heading("Find what leaks kernel pool");
        ui.add_space(2.0 * GRID);
        ui.weak("Open a trace that wpr or xperf recorded with the Pool keyword. Drop it here, or choose it.");
        ui.add_space(6.0 * GRID);
        let size = vec2(220.0, 32.0);
        let text = RichText::new(Command::Open.title()).color(palette.on_accent);
        if ui.add(Button::new(text).fill(palette.accent).min_size(size)).clicked() {
            commands.push(Command::Open);
        }
        ui.add_space(GRID);
        if ui.add(Button::new(Command::OpenSample.title()).min_size(size)).clicked() {
            commands.push(Command::OpenSample);
        }
        ui.add_space(8.0 * GRID);
        ui.allocate_ui_with_layout(vec2(360.0, 0.0), Layout::top_down(Align::Min), |ui| {
            command_lines::show(ui, "No trace yet? Record one on the machine that leaks:", &recording::WPR);
        });
    });
}
