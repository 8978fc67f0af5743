//! What the trace is and how far it can be trusted: summary, what is wrong with it and what that does to the figures, its
//! modules and its processes.

mod anomalies;
mod modules;
mod processes;
mod summary;

use eframe::egui::{Frame, Margin, RichText, ScrollArea, Ui};

use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::{Document, Page};
use crate::gui::theme::{GRID, Palette};

/// Draws the page.
pub fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        ui.horizontal(|ui| {
            ui.heading(document.source.name());
            let back = if document.has_allocations() { "Back to graph and table" } else { "Back" };
            if ui.button(back).clicked() {
                commands.push(DocumentCommand::Page(Page::Analysis).into());
            }
        });
        ui.add_space(2.0 * GRID);
        ScrollArea::vertical().id_salt("trace page").auto_shrink(false).show(ui, |ui| {
            section(ui, "Data quality");
            anomalies::show(ui, document, commands);
            section(ui, "Trace");
            summary::show(ui, document);
            section(ui, "Images");
            modules::show(ui, document, commands);
            section(ui, "Processes");
            processes::show(ui, document);
        });
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(3.0 * GRID);
    ui.label(RichText::new(title).font(crate::gui::theme::strong_font()).size(15.0));
    ui.add_space(GRID);
}
