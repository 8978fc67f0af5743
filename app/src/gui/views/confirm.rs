//! Asks before something that cannot be taken back.

use eframe::egui::{Frame, Id, Key, Modal, RichText, Ui};

use crate::gui::command::Command;
use crate::gui::theme::{self, GRID};

/// Draws the box for `command`, with what it does in a sentence. Returns whether it is to be closed.
pub fn show(ui: &Ui, command: &Command, what: &str, button: &str, commands: &mut Vec<Command>) -> bool {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let shown = Modal::new(Id::unique("confirm")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(RichText::new(command.title().trim_end_matches('\u{2026}')).font(theme::strong_font()).size(16.0));
        ui.add_space(GRID);
        ui.label(what);
        ui.add_space(3.0 * GRID);
        let mut done = false;
        ui.horizontal(|ui| {
            if ui.button(button).clicked() {
                commands.push(command.clone());
                done = true;
            }
            let keep = ui.button("Cancel");
            // The harmless way has the keys.
            if ui.memory(|memory| memory.focused().is_none()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
                keep.request_focus();
            }
            done |= keep.clicked();
        });
        done
    });
    shown.inner || shown.should_close()
}
