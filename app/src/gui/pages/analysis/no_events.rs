//! The page in place of graph and table for a trace without pool events: why it is empty, and how to record one with them.

use eframe::egui::{Align, Layout, Ui};
use poolscope_recording::quick;

use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::model::recording_fix::Fix;
use crate::gui::theme::GRID;
use crate::gui::widgets::command_lines;

/// Draws the page.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.2).max(GRID));
        ui.set_max_width(520.0);
        ui.heading("This trace has no pool events");
        ui.add_space(2.0 * GRID);
        ui.label("It was recorded without the Pool keyword and contains no allocations.");
        ui.add_space(4.0 * GRID);
        ui.allocate_ui_with_layout(eframe::egui::vec2(520.0, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(520.0);
            command_lines::show(ui, "Record again on the machine that leaks, with wpr:", &quick::WPR);
            ui.add_space(3.0 * GRID);
            command_lines::show(ui, "Or with xperf, on older systems:", &quick::XPERF);
            ui.add_space(4.0 * GRID);
            ui.horizontal(|ui| {
                let fix = Fix::NoPoolEvents;
                let tip = "Select tags, save a profile or a script, and estimate the size";
                if ui.button(fix.title()).on_hover_text(tip).clicked() {
                    commands.push(document.record_again(fix));
                }
                button(ui, Command::Open, commands);
                button(ui, Command::OpenSample, commands);
            });
        });
    });
}

fn button(ui: &mut Ui, command: Command, commands: &mut Vec<Command>) {
    if ui.button(command.title()).clicked() {
        commands.push(command);
    }
}
