//! The dialog with the editor that shows source lines, and the mappings of source paths. It starts nothing.

use eframe::egui::{ScrollArea, TextEdit, Ui};

use crate::editor::{EXAMPLE, mapping_problem};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 600.0;
/// Rows of the field with mappings.
const ROWS: usize = 4;

/// State of the dialog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceEditorDialog {
    /// The command.
    pub command: String,
    /// The mappings, one a line.
    pub mappings: String,
}

/// Draws the dialog over the window.
pub fn show(ui: &Ui, state: &mut SourceEditorDialog) -> Option<DialogAction<()>> {
    Modal::new("source editor", "Source editor", WIDTH).show(ui, |ui| {
        let about = "Opens the source line of a frame. {file} and {line} are replaced; the command is run as a program with \
                     arguments, not by a shell.";
        modal::paragraph(ui, about);
        ui.add_space(GRID);
        let label = ui.label("Command");
        let field = TextEdit::singleline(&mut state.command).font(theme::figure_font()).hint_text(EXAMPLE);
        let field = ui.add(field.desired_width(f32::INFINITY)).labelled_by(label.id);
        modal::focus_at_first(ui, &field);
        ui.add_space(2.0 * GRID);
        let label = ui.label("Path mappings");
        ui.weak("Folders of the computer that built the driver and those here, one FROM=TO per line.");
        ScrollArea::vertical().max_height(160.0).auto_shrink([false, true]).show(ui, |ui| {
            let hint = "D:\\agent\\_work\\1\\s=C:\\src\\mydriver";
            let field = TextEdit::multiline(&mut state.mappings).font(theme::figure_font()).desired_rows(ROWS);
            ui.add(field.hint_text(hint).desired_width(f32::INFINITY)).labelled_by(label.id);
        });
        let problem = state.mappings.lines().find_map(mapping_problem);
        if let Some(problem) = &problem {
            ui.colored_label(Palette::of(ui).bad, problem);
        }
        modal::accept_or_cancel(ui, "OK", problem.is_some().then_some("A line is not a mapping"))
    })
}
