//! The trail of the filter's steps: each can be taken away, the query ones changed; undo, redo, clear.

use eframe::egui::{Button, Ui};

use crate::gui::commands::{Command, DocumentCommand, WidgetAction};
use crate::gui::document::Document;
use crate::gui::model::filter::Step;
use crate::gui::widgets::chip;
use crate::gui::widgets::chip::ChipPart;

/// Draws the trail, if there is anything in it or to undo.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if document.query.filter.steps().is_empty()
        && !document.ui.filter_history.can_undo()
        && !document.ui.filter_history.can_redo()
    {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if document.query.filter.steps().is_empty() {
            ui.weak("All rows");
        } else {
            ui.weak("Only");
        }
        for (at, step) in document.query.filter.steps().iter().enumerate() {
            if at > 0 {
                ui.weak("and");
            }
            match chip(ui, step) {
                Some(ChipPart::Text) => commands.push(WidgetAction::EditFilterStep(at).into()),
                Some(ChipPart::Cross) => commands.push(WidgetAction::RemoveFilterStep(at).into()),
                None => {}
            }
        }
        for command in [DocumentCommand::Undo, DocumentCommand::Redo, DocumentCommand::FilterClear] {
            let can = document.can(&command);
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            let button = ui.add_enabled(can, Button::new(command.title())).on_hover_text(key);
            if button.clicked() {
                commands.push(command.into());
            }
        }
    });
}

fn chip(ui: &mut Ui, step: &Step) -> Option<ChipPart> {
    let title = step.title();
    let tip = step.explanation();
    if matches!(step, Step::Query(_)) {
        let tip = format!("{tip}\nClick to change it.");
        chip::show(ui, &title, &tip, Some(&format!("Change {title}")))
    } else {
        chip::show(ui, &title, &tip, None)
    }
}
