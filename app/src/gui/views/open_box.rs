//! The box with a path field, for systems without a file dialog.

use std::path::PathBuf;

use eframe::egui::{Button, Frame, Id, Key, Modal, TextEdit, Ui};

use crate::gui::command::Command;
use crate::gui::theme::GRID;

/// Draws the box over the window; `path` is what is being written.
pub fn show(ui: &Ui, path: &mut String, commands: &mut Vec<Command>) {
    let shown = Modal::new(Id::unique("open box")).frame(Frame::popup(ui.style()).inner_margin(4.0 * GRID)).show(
        ui.ctx(),
        |ui| {
            ui.set_width(480.0);
            ui.heading("Open a trace");
            ui.add_space(GRID);
            ui.weak("This system has no file dialog. Write the path of an .etl file, or drop the file on the window.");
            ui.add_space(2.0 * GRID);
            let label = ui.label("Path");
            let field = ui.add(TextEdit::singleline(path).desired_width(f32::INFINITY)).labelled_by(label.id);
            if !field.lost_focus() && ui.memory(|memory| memory.focused().is_none()) {
                field.request_focus();
            }
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.add_space(2.0 * GRID);
            ui.horizontal(|ui| {
                let written = path.trim().trim_matches('"');
                let open = ui.add_enabled(!written.is_empty(), Button::new("Open"));
                if (open.clicked() || entered) && !written.is_empty() {
                    commands.push(Command::OpenPath(PathBuf::from(written)));
                    commands.push(Command::CloseOpenBox);
                }
                if ui.button("Cancel").clicked() {
                    commands.push(Command::CloseOpenBox);
                }
            });
        },
    );
    if shown.should_close() {
        commands.push(Command::CloseOpenBox);
    }
}
