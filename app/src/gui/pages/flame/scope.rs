//! Scope of the flame graph: one tag, suspect or row of the table, and the steps of the filter; each can be taken
//! away.

use eframe::egui::Ui;

use crate::format;
use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::pages::flame::state::FlamePageState;
use crate::gui::widgets::chip;
use crate::gui::widgets::chip::ChipPart;

/// Draws the line, if there is anything in it or to undo.
pub(super) fn show(ui: &mut Ui, document: &Document, state: &mut FlamePageState, commands: &mut Vec<Command>) {
    let range = document.visible_range();
    let is_whole = document.query.range == document.trace.extent;
    let steps = document.query.filter.steps();
    if state.scope.is_none() && steps.is_empty() && !document.ui.filter_history.can_undo() && is_whole {
        return;
    }
    let mut all = false;
    ui.horizontal_wrapped(|ui| {
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
        for command in [DocumentCommand::FilterUndo, DocumentCommand::FilterRedo] {
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            if document.can(&command) && ui.button(command.title()).on_hover_text(key).clicked() {
                commands.push(command.into());
            }
        }
        if !is_whole {
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
