//! A line above a trace whose file has changed since it was read, with the commands to reload or ignore it.

use eframe::egui::Ui;

use crate::gui::commands::Command;
use crate::gui::icons;
use crate::gui::jobs::TabId;
use crate::gui::jobs::watch::Change;
use crate::gui::theme::Palette;

/// The change, in a sentence; `name` is the trace's.
#[must_use]
pub fn message(name: &str, change: Change) -> String {
    match change {
        Change::Changed => format!("{name} changed on disk"),
        Change::Gone => format!("{name} no longer exists"),
    }
}

/// Draws the line.
pub fn strip(ui: &mut Ui, tab: TabId, name: &str, change: Change, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let warn = Palette::of(ui).warn;
        icons::status_dot(ui, 8.0, warn);
        ui.label(message(name, change));
        let ways = [Command::Reload(tab), Command::IgnoreChange(tab)];
        for command in ways.into_iter().skip(usize::from(change == Change::Gone)) {
            if ui.button(command.title()).clicked() {
                commands.push(command);
            }
        }
    });
}
