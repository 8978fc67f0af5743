//! The dialogs of presets: saving the columns under a name, and renaming, deleting, exporting and importing the user's own presets.

use std::path::PathBuf;

use eframe::egui::{Button, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::commands::{Command, WidgetAction};
use crate::gui::document::Document;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::files::FileRequest;
use crate::gui::model::dialogs::Outcome;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::modal::{self, DialogAction};

/// Name that is proposed for a file of presets.
const FILE_NAME: &str = "presets.json";

type Action = DialogAction<()>;

/// Draws the dialog that asks for a name.
pub(super) fn save(ui: &mut Ui, document: &Document, name: &mut String, commands: &mut Vec<Command>) -> Option<Action> {
    let label = ui.weak("Name");
    let field = ui.add(TextEdit::singleline(name).desired_width(f32::INFINITY)).labelled_by(label.id);
    modal::focus_at_first(ui, &field);
    let entered = modal::is_entered(ui, &field).then_some(Action::Accept);
    let problem = document.presets.read().name_problem(name);
    let replaces = document.presets.read().own().iter().any(|preset| preset.name == name.trim());
    ui.weak(match &problem {
        Some(problem) => problem.clone(),
        None if replaces => format!("Replaces your preset {}.", name.trim()),
        None => "A preset contains columns, widths and sort order.".to_owned(),
    });
    let clicked = modal::accept_or_cancel(ui, "Save", problem.is_some().then_some(""));
    match clicked.or(entered) {
        Some(Action::Accept) if problem.is_some() => None,
        Some(Action::Accept) => {
            commands.push(WidgetAction::SavePresetAs(name.clone()).into());
            Some(Action::Accept)
        }
        action => action,
    }
}

/// Draws the dialog with the user's own presets.
pub(super) fn manage(
    ui: &mut Ui,
    document: &Document,
    renaming: &mut Option<(String, String)>,
    outcome: Option<&Outcome>,
    replace: &mut Option<(PathBuf, String)>,
    commands: &mut Vec<Command>,
) -> Option<Action> {
    let names: Vec<String> = document.presets.read().own().iter().map(|preset| preset.name.clone()).collect();
    if names.is_empty() {
        ui.weak("No presets yet. Change the columns, then select Save preset as\u{2026}");
    }
    ScrollArea::vertical().max_height(240.0).show(ui, |ui| {
        for name in &names {
            one(ui, name, renaming, commands);
        }
    });
    ui.add_space(2.0 * GRID);
    ui.separator();
    exchange(ui, names.is_empty(), replace, commands);
    ask_to_replace(ui, replace, commands);
    if let Some(Outcome { message, failed }) = outcome {
        let palette = Palette::of(ui);
        ui.label(RichText::new(message).color(if *failed { palette.bad } else { palette.good }));
    }
    modal::buttons(ui, |ui| ui.button("Close").clicked().then_some(Action::Close))
}

/// Asks whether an existing file is to be replaced.
fn ask_to_replace(ui: &mut Ui, replace: &mut Option<(PathBuf, String)>, commands: &mut Vec<Command>) {
    let Some((path, _)) = &*replace else { return };
    ui.label(format!("{} exists already. Replace it?", path.display()));
    let (mut yes, mut no) = (false, false);
    ui.horizontal(|ui| {
        yes = ui.button("Replace").clicked();
        no = ui.button("Keep").clicked();
    });
    if yes || no {
        let answered = replace.take().filter(|_| yes);
        let request = answered.map(|(path, text)| FileRequest::Replace(path, text));
        commands.extend(request.map(|request| WidgetAction::ExchangePresets(request).into()));
    }
}

fn one(ui: &mut Ui, name: &str, renaming: &mut Option<(String, String)>, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        if let Some((from, to)) = renaming.as_mut().filter(|(from, _)| from == name) {
            let field = ui.add(TextEdit::singleline(to).desired_width(200.0));
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label(format!("New name for {name}")));
            let entered = modal::is_entered(ui, &field);
            if ui.button("Rename").clicked() || entered {
                commands.push(WidgetAction::RenamePreset { from: from.clone(), to: to.clone() }.into());
            }
            return;
        }
        ui.label(RichText::new(name).font(theme::strong_font()));
        let named = |response: &eframe::egui::Response, verb: &str| {
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("{verb} {name}")));
        };
        let rename = ui.button("Rename");
        named(&rename, "Rename");
        if rename.clicked() {
            *renaming = Some((name.to_owned(), name.to_owned()));
        }
        let delete = ui.button("Delete");
        named(&delete, "Delete");
        if delete.clicked() {
            commands.push(WidgetAction::DeletePreset(name.to_owned()).into());
        }
    });
}

/// The buttons that export and import presets.
fn exchange(ui: &mut Ui, is_empty: bool, replace: &mut Option<(PathBuf, String)>, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let export = ui.add_enabled(!is_empty, Button::new("Export\u{2026}"));
        if export.on_hover_text("Export all your presets to a JSON file").clicked() {
            *replace = None;
            commands.push(WidgetAction::PickFile(Asked::ExportPresets(FILE_NAME.to_owned())).into());
        }
        let tip = "Import presets from a file; presets with the same name are replaced";
        if ui.button("Import\u{2026}").on_hover_text(tip).clicked() {
            commands.push(WidgetAction::PickFile(Asked::ImportPresets).into());
        }
    });
}
