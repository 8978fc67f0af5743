//! Boxes over the page: which columns there are, the names of presets, the user's own presets.

mod columns;
mod presets;

use eframe::egui::{Frame, Id, Modal, Ui};

use crate::gui::state::dialogs::Dialog;
use crate::gui::state::document::Document;
use crate::gui::theme::GRID;

/// Draws the box that is open, if one is.
pub fn show(ui: &Ui, document: &mut Document) {
    let Some(mut dialog) = document.dialog.take() else { return };
    let mut close = false;
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let shown = Modal::new(Id::unique("dialog")).frame(frame).show(ui.ctx(), |ui| match &mut dialog {
        Dialog::Columns { search } => close = columns::show(ui, document, search),
        Dialog::SavePreset { name } => close = presets::save(ui, document, name),
        Dialog::Presets { renaming, path, outcome, replace } => {
            presets::manage(ui, document, renaming, path, replace);
            presets::outcome(ui, outcome.as_ref());
            close = presets::close(ui);
        }
    });
    if !close && !shown.should_close() && document.dialog.is_none() {
        document.dialog = Some(dialog);
    }
}
