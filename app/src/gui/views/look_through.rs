//! The box with the user's own rules on frames to look through. It says at once which lines are no rules; it applies nothing.

use eframe::egui::{Button, Frame, Id, Label, Modal, ScrollArea, TextEdit, Ui};
use poolscope_analysis::group::wrapper_rules::WrapperRules;

use crate::gui::theme::{self, GRID, Palette};

/// Widest that the box gets, and what it leaves of the window beside and below the rules, in points.
const WIDTH: f32 = 600.0;
const BESIDE: f32 = 64.0;
const BELOW: f32 = 300.0;
/// Rows of the field at first.
const ROWS: usize = 8;
/// Wrong lines that are named.
const MOST_ERRORS: usize = 4;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Take the rules and close the box.
    Save,
    /// Close the box.
    Close,
}

/// Draws the box over the window; `text` holds the rules, one a line.
pub fn show(ui: &Ui, text: &mut String) -> Option<Wish> {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let mut wish = None;
    let shown = Modal::new(Id::unique("look through")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - BESIDE));
        ui.heading("Frames to look through");
        ui.add_space(GRID);
        let words = "Driver and Function name the first frame, from the innermost, that no rule looks through. Your rules come after those of poolscope; the last one that fits a frame decides. One a line: wrapper MODULE!FUNCTION, system MODULE, driver MODULE or tracing MODULE, with * and ? for any characters.";
        ui.add(Label::new(words).wrap());
        ui.add_space(GRID);
        ScrollArea::vertical().max_height((room.y - BELOW).max(80.0)).auto_shrink([false, true]).show(ui, |ui| {
            let hint = "wrapper mydriver!MyAllocate*\nwrapper library.sys\ndriver ndis.sys";
            let field = TextEdit::multiline(text).font(theme::figure_font()).desired_rows(ROWS).hint_text(hint);
            let field = ui.add(field.desired_width(f32::INFINITY));
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Rules"));
            if ui.memory(|memory| memory.focused().is_none()) {
                field.request_focus();
            }
        });
        let (_, errors) = WrapperRules::built_in().extended_with(text);
        for error in errors.iter().take(MOST_ERRORS) {
            ui.colored_label(Palette::of(ui).bad, error.to_string());
        }
        ui.add_space(2.0 * GRID);
        ui.horizontal(|ui| {
            let ok = ui.add_enabled(errors.is_empty(), Button::new("OK"));
            if ok.on_disabled_hover_text("Some lines are no rules").clicked() {
                wish = Some(Wish::Save);
            }
            if ui.button("Cancel").clicked() {
                wish = Some(Wish::Close);
            }
        });
    });
    wish.or_else(|| shown.should_close().then_some(Wish::Close))
}
