//! The images of the trace: where they were, and by what their symbols are found.

use eframe::egui::{Label, RichText, Ui};
use egui_extras::{Column, TableBuilder};

use crate::format;
use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::{Document, Page};
use crate::gui::theme::{self, GRID, ROW_HEIGHT};

const HEIGHT: f32 = 260.0;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let modules = document.trace.modules.modules();
    if modules.is_empty() {
        ui.weak("The trace names no image. Frames are shown as addresses; record with the Loader keyword.");
        return;
    }
    if document.has_allocations() {
        ui.horizontal(|ui| {
            ui.weak("Those that stacks lead through, and how their symbols stand:");
            if ui.button("Modules").clicked() {
                commands.push(DocumentCommand::Page(Page::Modules).into());
            }
        });
        ui.add_space(GRID);
    }
    ui.push_id("modules", |ui| {
        TableBuilder::new(ui)
            .striped(true)
            .resizable(true)
            .min_scrolled_height(HEIGHT)
            .max_scroll_height(HEIGHT)
            .column(Column::initial(160.0).clip(true))
            .column(Column::initial(150.0).clip(true))
            .column(Column::initial(80.0).clip(true))
            .column(Column::initial(330.0).clip(true))
            .column(Column::remainder().clip(true))
            .header(ROW_HEIGHT, |mut header| {
                for title in ["Module", "Base", "Size", "Symbols by", "Path"] {
                    header.col(|ui| {
                        ui.weak(title);
                    });
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, modules.len(), |mut row| {
                    let Some(module) = modules.get(row.index()) else { return };
                    let identity = module.rsds.as_ref().map_or_else(
                        || "no PDB identity in the trace".to_owned(),
                        |rsds| format!("{} {} age {}", rsds.pdb_name, rsds.guid, rsds.age),
                    );
                    let texts = [
                        module.name.clone(),
                        format!("{:#018x}", module.base),
                        format::bytes(module.size_bytes),
                        identity,
                        module.path.clone(),
                    ];
                    for (at, text) in texts.into_iter().enumerate() {
                        row.col(|ui| {
                            let font = if at == 0 { theme::text_font() } else { theme::figure_font() };
                            ui.add(Label::new(RichText::new(text).font(font)).truncate());
                        });
                    }
                });
            });
    });
}
