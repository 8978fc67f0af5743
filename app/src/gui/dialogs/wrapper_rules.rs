//! The dialog with the user's own rules on wrapper functions. Errors are shown while the rules are edited.

use eframe::egui::{ScrollArea, TextEdit, Ui};
use poolscope_analysis::group::wrapper_rules::WrapperRules;

use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 600.0;
/// Height of the window that the dialog takes without the rules, in points.
const BELOW: f32 = 300.0;
/// Rows of the field at first.
const ROWS: usize = 8;
/// Upper bound on the errors that are shown.
const MAX_ERRORS: usize = 4;

/// Draws the dialog over the window; `text` holds the rules, one a line.
pub fn show(ui: &Ui, text: &mut String) -> Option<DialogAction<()>> {
    let height = ui.ctx().content_rect().height();
    Modal::new("wrapper rules", "Wrapper functions", WIDTH).show(ui, |ui| {
        let text_about = "Driver and Function show the responsible frame: the innermost frame that no rule skips. Your \
                          rules follow the built-in rules; the last rule that matches a frame decides. One rule per \
                          line: wrapper MODULE!FUNCTION, system MODULE, driver MODULE or tracing MODULE. * and ? are \
                          wildcards.";
        modal::paragraph(ui, text_about);
        ui.add_space(GRID);
        ScrollArea::vertical().max_height((height - BELOW).max(80.0)).auto_shrink([false, true]).show(ui, |ui| {
            let hint = "wrapper mydriver!MyAllocate*\nwrapper library.sys\ndriver ndis.sys";
            let field = TextEdit::multiline(text).font(theme::figure_font()).desired_rows(ROWS).hint_text(hint);
            let field = ui.add(field.desired_width(f32::INFINITY));
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Rules"));
            modal::focus_at_first(ui, &field);
        });
        let (_, errors) = WrapperRules::built_in().extended_with(text);
        for error in errors.iter().take(MAX_ERRORS) {
            ui.colored_label(Palette::of(ui).bad, error.to_string());
        }
        modal::accept_or_cancel(ui, "OK", (!errors.is_empty()).then_some("Some lines are not valid rules"))
    })
}
