//! What the flame graph is narrowed to: one tag, suspect or row of the table, and the steps of the filter; each can be taken
//! away.

use eframe::egui::Ui;

use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::Document;
use crate::gui::widgets::chip::{self, Touched};

/// Draws the line, if there is anything in it or to undo.
pub(super) fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let view = document.view();
    let is_whole = document.history.now() == document.history.whole();
    let steps = document.filter.steps();
    if document.flame.scope.is_none() && steps.is_empty() && !document.filter.can_undo() && is_whole {
        return;
    }
    let (mut all, mut removed) = (false, None);
    ui.horizontal_wrapped(|ui| {
        ui.weak("Stacks of");
        if let Some(scope) = &document.flame.scope {
            let tip = "Only these rows; the filter and the view hold too";
            all = chip::show(ui, &scope.title(), tip, None) == Some(Touched::Cross);
        } else if steps.is_empty() {
            ui.weak("all rows");
        }
        for (at, step) in document.filter.steps().iter().enumerate() {
            if at > 0 || document.flame.scope.is_some() {
                ui.weak("and");
            }
            if chip::show(ui, &step.title(), &step.explanation(), None) == Some(Touched::Cross) {
                removed = Some(at);
            }
        }
        for command in [DocumentCommand::FilterUndo, DocumentCommand::FilterRedo] {
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            if document.can(&command) && ui.button(command.title()).on_hover_text(key).clicked() {
                commands.push(command.into());
            }
        }
        if !is_whole {
            ui.weak(format!("from {:.3} s to {:.3} s", view.from, view.to));
            let command = DocumentCommand::ZoomAll;
            if ui.button(command.title()).clicked() {
                commands.push(command.into());
            }
        }
    });
    if all {
        document.flame.scope = None;
    }
    if let Some(at) = removed {
        document.remove_step(at);
    }
}
