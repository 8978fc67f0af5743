//! The page while nothing is open: what this is for and what to do first.

use eframe::egui::{Align, Layout, Ui, vec2};

use crate::gui::command::Command;
use crate::gui::recording;
use crate::gui::theme::GRID;
use crate::gui::widgets::{command_lines, two_ways_on};

/// Draws the page.
pub fn show(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.28).max(GRID));
        ui.heading("Find what leaks kernel pool");
        ui.add_space(2.0 * GRID);
        ui.weak("Open a trace that wpr or xperf recorded with the Pool keyword. Drop it here, or choose it.");
        ui.add_space(6.0 * GRID);
        let ways = [Command::Open, Command::OpenSample];
        let clicked = two_ways_on::show(ui, &ways[0].title(), &ways[1].title());
        commands.extend(ways.into_iter().zip(clicked).filter(|(_, clicked)| *clicked).map(|(command, _)| command));
        ui.add_space(8.0 * GRID);
        ui.allocate_ui_with_layout(vec2(360.0, 0.0), Layout::top_down(Align::Min), |ui| {
            command_lines::show(ui, "No trace yet? Record one on the machine that leaks:", &recording::WPR);
        });
    });
}
