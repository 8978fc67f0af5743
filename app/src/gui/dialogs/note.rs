//! The dialog with the user's note on a trace.

use eframe::egui::{ScrollArea, TextEdit, Ui};

use crate::gui::theme::GRID;
use crate::gui::widgets::modal::{self, DialogAction};

/// Greatest width of the dialog, in points.
pub const WIDTH: f32 = 480.0;
/// Rows of the field at first.
const ROWS: usize = 8;
/// Greatest height of the field, in points.
const HEIGHT: f32 = 260.0;

/// Draws the dialog.
pub fn show(ui: &mut Ui, text: &mut String) -> Option<DialogAction<()>> {
    modal::paragraph(ui, "The note is kept with the trace on this computer, and is part of a package that you save.");
    ui.add_space(GRID);
    ScrollArea::vertical().max_height(HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        let field = TextEdit::multiline(text).desired_rows(ROWS).desired_width(f32::INFINITY);
        let field = ui.add(field);
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Note"));
        modal::focus_at_first(ui, &field);
    });
    modal::accept_or_cancel(ui, "OK", None)
}
