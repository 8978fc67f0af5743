//! The dialogs. Those of a trace, its columns and presets, are drawn by [`show`].

pub mod association;
mod columns;
pub mod confirm;
pub mod open_file;
mod presets;
pub mod shortcuts;
pub mod symbol_path;
pub mod tag_sources;
pub mod wrapper_rules;

use eframe::egui::Ui;

use crate::gui::document::Document;
use crate::gui::model::dialogs::Dialog;
use crate::gui::widgets::modal::Modal;

/// Draws the dialog of a trace, if one is open.
pub fn show(ui: &Ui, document: &mut Document) {
    let Some(mut dialog) = document.ui.dialog.take() else { return };
    let action = match &mut dialog {
        Dialog::Columns { search } => {
            Modal::new("columns", "Columns", columns::WIDTH).show(ui, |ui| columns::show(ui, document, search))
        }
        Dialog::SavePreset { name } => {
            Modal::new("save preset", "Save preset", 360.0).show(ui, |ui| presets::save(ui, document, name))
        }
        Dialog::Presets { renaming, outcome, replace } => Modal::new("presets", "Your presets", 480.0)
            .show(ui, |ui| presets::manage(ui, document, renaming, outcome.as_ref(), replace)),
    };
    if action.is_none() && document.ui.dialog.is_none() {
        document.ui.dialog = Some(dialog);
    }
}
