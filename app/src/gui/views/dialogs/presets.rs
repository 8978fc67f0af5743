//! Saving the columns under a name, and the user's own presets: rename, delete, export, import.

use std::path::PathBuf;

use eframe::egui::{Button, Key, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::jobs::files::FileRequest;
use crate::gui::state::dialogs::{Outcome, written_path};
use crate::gui::state::document::Document;
use crate::gui::theme::{self, GRID, Palette};

/// Draws the box that asks for a name; returns whether to close it.
pub(super) fn save(ui: &mut Ui, document: &mut Document, name: &mut String) -> bool {
    let mut close = false;
    ui.set_width(360.0);
    ui.heading("Save preset");
    ui.add_space(GRID);
    let label = ui.weak("Name");
    let field = ui.add(TextEdit::singleline(name).desired_width(f32::INFINITY)).labelled_by(label.id);
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if !field.lost_focus() && ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
    let problem = document.presets.read().name_problem(name);
    let replaces = document.presets.read().own().iter().any(|preset| preset.name == name.trim());
    let words = problem.clone().unwrap_or_else(|| {
        if replaces {
            format!("Replaces your preset {}.", name.trim())
        } else {
            "Columns, widths and order are kept.".to_owned()
        }
    });
    ui.weak(words);
    ui.add_space(2.0 * GRID);
    ui.horizontal(|ui| {
        let clicked = ui.add_enabled(problem.is_none(), Button::new("Save")).clicked();
        if (clicked || entered) && problem.is_none() {
            close = document.save_preset(name).is_ok();
        }
        close |= ui.button("Cancel").clicked();
    });
    close
}

/// Draws what is in the box with the user's own presets.
pub(super) fn manage(
    ui: &mut Ui,
    document: &mut Document,
    renaming: &mut Option<(String, String)>,
    path: &mut String,
    replace: &mut Option<(PathBuf, String)>,
) {
    ui.set_width(480.0);
    ui.heading("Your presets");
    ui.add_space(GRID);
    let names: Vec<String> = document.presets.read().own().iter().map(|preset| preset.name.clone()).collect();
    if names.is_empty() {
        ui.weak("None yet. Change the columns, then save them under a name.");
    }
    ScrollArea::vertical().max_height(240.0).show(ui, |ui| {
        for name in &names {
            one(ui, document, name, renaming);
        }
    });
    ui.add_space(2.0 * GRID);
    ui.separator();
    exchange(ui, document, names.is_empty(), path, replace);
    ask_to_replace(ui, document, replace);
}

/// Says what came of the last step.
pub(super) fn outcome(ui: &mut Ui, outcome: Option<&Outcome>) {
    if let Some(Outcome { words, failed }) = outcome {
        let palette = Palette::of(ui);
        ui.label(RichText::new(words).color(if *failed { palette.bad } else { palette.good }));
    }
}

/// Draws the way out; returns whether it is gone.
pub(super) fn close(ui: &mut Ui) -> bool {
    ui.add_space(2.0 * GRID);
    ui.button("Close").clicked()
}

/// Asks whether a file that is there is to be written over.
fn ask_to_replace(ui: &mut Ui, document: &mut Document, replace: &mut Option<(PathBuf, String)>) {
    let Some((path, _)) = &*replace else { return };
    ui.label(format!("{} exists already. Replace it?", path.display()));
    let (mut yes, mut no) = (false, false);
    ui.horizontal(|ui| {
        yes = ui.button("Replace").clicked();
        no = ui.button("Keep").clicked();
    });
    if yes || no {
        let answered = replace.take().filter(|_| yes);
        answered.into_iter().for_each(|(path, text)| document.exchange_presets(FileRequest::Replace(path, text)));
    }
}

fn one(ui: &mut Ui, document: &mut Document, name: &str, renaming: &mut Option<(String, String)>) {
    ui.horizontal(|ui| {
        if let Some((from, to)) = renaming.as_mut().filter(|(from, _)| from == name) {
            let field = ui.add(TextEdit::singleline(to).desired_width(200.0));
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label(format!("New name of {name}")));
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if ui.button("Rename").clicked() || entered {
                match document.rename_preset(from, to) {
                    Ok(()) => *renaming = None,
                    Err(why) => {
                        field.on_hover_text(&why);
                        ui.colored_label(Palette::of(ui).bad, why);
                    }
                }
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
            document.delete_preset(name);
        }
    });
}

fn exchange(
    ui: &mut Ui,
    document: &mut Document,
    empty: bool,
    path: &mut String,
    replace: &mut Option<(PathBuf, String)>,
) {
    let label = ui.weak("File of presets (JSON)");
    ui.add(TextEdit::singleline(path).desired_width(f32::INFINITY).hint_text("presets.json")).labelled_by(label.id);
    let written = written_path(path);
    ui.horizontal(|ui| {
        let export = ui.add_enabled(written.is_some() && !empty, Button::new("Export"));
        let import = ui.add_enabled(written.is_some(), Button::new("Import"));
        let Some(written) = written else { return };
        if export.on_hover_text("Write all your presets into this file").clicked() {
            let text = document.presets.read().export();
            *replace = None;
            document.exchange_presets(FileRequest::Create(written.clone(), text));
        }
        if import.on_hover_text("Take in the presets of this file; those of the same name are replaced").clicked() {
            document.exchange_presets(FileRequest::Read(written));
        }
    });
}
