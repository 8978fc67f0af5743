//! The line above the flame graph: its total, and its scope, which is one tag, suspect or row of the table, the steps of the filter
//! and the visible range; each can be taken away.

use eframe::egui::{RichText, Ui};
use poolscope_analysis::flame::FlameTree;

use crate::format;
use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::edit_log::Edit;
use crate::gui::pages::flame::model;
use crate::gui::pages::flame::state::FlamePageState;
use crate::gui::theme;
use crate::gui::widgets::chip;
use crate::gui::widgets::chip::ChipPart;

/// Draws the line.
pub(super) fn show(ui: &mut Ui, document: &Document, state: &mut FlamePageState, commands: &mut Vec<Command>) {
    let range = document.visible_range();
    let is_whole = document.query.range == document.trace.extent;
    let steps = document.query.filter.steps();
    let mut all = false;
    ui.horizontal_wrapped(|ui| {
        if let Some(shown) = &state.shown {
            let total = model::weight_text(shown.tree.weight(FlameTree::ROOT), shown.tree.metric());
            ui.label(RichText::new(format!("Total {total}")).font(theme::strong_font()));
            ui.weak("\u{b7}");
        }
        ui.weak("Stacks of");
        if let Some(scope) = &state.scope {
            let tip = "Only these rows; the filter and the visible range also apply";
            all = chip::show(ui, &scope.title(), tip, None) == Some(ChipPart::Cross);
        } else if steps.is_empty() {
            ui.weak("all rows");
        }
        for (at, step) in document.query.filter.steps().iter().enumerate() {
            if at > 0 || state.scope.is_some() {
                ui.weak("and");
            }
            if chip::show(ui, &step.title(), &step.explanation(), None) == Some(ChipPart::Cross) {
                commands.push(WidgetAction::RemoveFilterStep(at).into());
            }
        }
        for command in [DocumentCommand::Undo, DocumentCommand::Redo] {
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            let is_filter = document.ui.edits.next(command == DocumentCommand::Undo).is_some_and(Edit::has_filter);
            if is_filter && document.can(&command) && ui.button(command.title()).on_hover_text(key).clicked() {
                commands.push(command.into());
            }
        }
        if is_whole {
            ui.weak("in the whole trace");
        } else {
            ui.weak(format!("from {} to {}", format::seconds(range.from, 3), format::seconds(range.to, 3)));
            let command = DocumentCommand::ZoomAll;
            if ui.button(command.title()).clicked() {
                commands.push(command.into());
            }
        }
    });
    if all {
        state.scope = None;
    }
}
