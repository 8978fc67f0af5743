//! The bar above the table: the preset and the query box.

use eframe::egui::{Align, ComboBox, Layout, Ui};

use super::query_field;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::query_box::QueryField;

/// Draws the bar.
pub(super) fn show(ui: &mut Ui, document: &Document, query_box: &mut QueryField, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        presets(ui, document, commands);
        if ui.button("View editor").on_hover_text("Choose and arrange columns (Ctrl+E)").clicked() {
            commands.push(DocumentCommand::Columns.into());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let find = ui.button("Find").on_hover_text("Find in rows, expanded or not (Ctrl+F)");
            if find.clicked() {
                commands.push(DocumentCommand::Find.into());
            }
            query_field::show(ui, query_box, commands);
        });
    });
}

fn presets(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let star = if document.is_modified() { "*" } else { "" };
    let shown = format!("{}{star}", document.ui.preset);
    let presets = document.presets.read();
    let combo = ComboBox::from_id_salt("preset").width(120.0).selected_text(shown).show_ui(ui, |ui| {
        let built_in = presets.all().filter(|preset| presets.is_built_in(&preset.name));
        for preset in built_in {
            choice(ui, document, &preset.name, commands);
        }
        if !presets.own().is_empty() {
            ui.separator();
        }
        for preset in presets.own() {
            choice(ui, document, &preset.name, commands);
        }
        ui.separator();
        for command in [DocumentCommand::ResetColumns, DocumentCommand::SavePreset, DocumentCommand::ManagePresets] {
            let button = eframe::egui::Button::selectable(false, command.title());
            if ui.add_enabled(document.can(&command), button).clicked() {
                commands.push(command.into());
            }
        }
    });
    combo.response.ctx.accesskit_node_builder(combo.response.id, |node| node.set_label("Preset"));
    let tip = if star.is_empty() { "Preset" } else { "Preset; * indicates that the columns were changed" };
    combo.response.on_hover_text(tip);
}

fn choice(ui: &mut Ui, document: &Document, name: &str, commands: &mut Vec<Command>) {
    let command = DocumentCommand::Preset(name.to_owned());
    if ui.selectable_label(document.is_on(&command) == Some(true), name).clicked() {
        commands.push(command.into());
    }
}
