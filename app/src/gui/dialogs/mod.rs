//! The dialogs. Those of a trace, its columns and presets, are drawn by [`show`].

pub mod association;
pub mod confirm;
mod note;
pub mod open_file;
mod presets;
pub mod recording_question;
pub mod shortcuts;
pub mod source_editor;
pub mod symbol_path;
pub mod tag_sources;
mod view_editor;
pub mod wrapper_rules;

use eframe::egui::Ui;

use crate::gui::commands::{Command, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::dialogs::Dialog;
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Draws the dialog of a trace, if one is open.
pub fn show(ui: &Ui, document: &Document, dialog: &mut Option<Dialog>, commands: &mut Vec<Command>) {
    let action = match dialog {
        None => return,
        Some(Dialog::ViewEditor(editor)) => Modal::new("view editor", "View editor", view_editor::WIDTH)
            .show(ui, |ui| view_editor::show(ui, document, editor, commands)),
        Some(Dialog::SavePreset { name }) => {
            Modal::new("save preset", "Save preset", 360.0).show(ui, |ui| presets::save(ui, document, name, commands))
        }
        Some(Dialog::Note { text }) => Modal::new("note", "Note on the trace", note::WIDTH).show(ui, |ui| {
            let action = note::show(ui, text);
            if action == Some(DialogAction::Accept) {
                commands.push(WidgetAction::SetNote(text.trim().to_owned()).into());
            }
            action
        }),
        Some(Dialog::Presets { renaming, outcome, replace }) => Modal::new("presets", "Your presets", 480.0)
            .show(ui, |ui| presets::manage(ui, document, renaming, outcome.as_ref(), replace, commands)),
        Some(Dialog::ReplaceFile { kind, path }) => {
            Modal::question("replace file", "Replace file", 420.0).show(ui, |ui| {
                ui.label(format!("{} exists already. Replace it?", path.display()));
                let action = modal::yes_or_no(ui, "Replace", "Keep");
                if action == Some(DialogAction::Accept) {
                    commands.push(WidgetAction::ExportTo(*kind, path.clone()).into());
                }
                action
            })
        }
    };
    if action.is_some() {
        if let Some(Dialog::ViewEditor(_)) = dialog {
            let is_accepted = action == Some(DialogAction::Accept);
            commands.push(if is_accepted { WidgetAction::KeepView } else { WidgetAction::RestoreView }.into());
        }
        *dialog = None;
    }
}
