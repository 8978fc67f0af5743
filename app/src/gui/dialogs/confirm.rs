//! The question before something that cannot be undone.

use eframe::egui::Ui;

use crate::gui::commands::Command;
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 400.0;

/// Draws the question before `command`, with its effect in a sentence and the button that runs it. Returns whether the dialog is
/// to be closed.
pub fn show(ui: &Ui, command: &Command, effect: &str, button: &str, commands: &mut Vec<Command>) -> bool {
    let title = command.title();
    let action: Option<DialogAction<()>> =
        Modal::question("confirm", title.trim_end_matches('\u{2026}'), WIDTH).show(ui, |ui| {
            ui.label(effect);
            modal::yes_or_no(ui, button, "Cancel")
        });
    if action == Some(DialogAction::Accept) {
        commands.push(command.clone());
    }
    action.is_some()
}
