//! One line above a trace whose file is not what was read any more, and what can be done about it.

use eframe::egui::{Sense, Ui, vec2};

use crate::gui::command::Command;
use crate::gui::jobs::TabId;
use crate::gui::jobs::watch::Change;
use crate::gui::theme::Palette;

/// What happened, in a sentence; `name` is the trace's.
#[must_use]
pub fn words(name: &str, change: Change) -> String {
    match change {
        Change::Changed => format!("{name} changed on disk"),
        Change::Gone => format!("{name} is not there any more"),
    }
}

/// Draws the line.
pub fn strip(ui: &mut Ui, tab: TabId, name: &str, change: Change, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, Palette::of(ui).warn);
        ui.label(words(name, change));
        let ways = [Command::Reload(tab), Command::IgnoreChange(tab)];
        for command in ways.into_iter().skip(usize::from(change == Change::Gone)) {
            if ui.button(command.title()).clicked() {
                commands.push(command);
            }
        }
    });
}
