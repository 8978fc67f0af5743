//! The box with a path field, for systems without a file dialog. It proposes what lies in the folder that is being written;
//! the listing is made by others.

use std::path::{MAIN_SEPARATOR, Path, PathBuf, is_separator};

use eframe::egui::{Button, Frame, Id, Key, Modal, TextEdit, Ui};

use crate::gui::command::Command;
use crate::gui::jobs::dialog::Asked;
use crate::gui::theme::GRID;

/// Proposals at once at most.
const MOST: usize = 8;

/// What is written in the box, and what lies in the folder of it.
#[derive(Debug)]
pub struct OpenBox {
    /// What the file is for.
    pub what: Asked,
    /// What is written.
    pub path: String,
    /// The folder that was listed, and what lies in it: names, and whether each is a folder.
    pub listed: Option<(PathBuf, Vec<(String, bool)>)>,
    /// The folder that a list is made of.
    pub asked: Option<PathBuf>,
    /// A folder was chosen: the field has the keys again.
    refocus: bool,
}

impl OpenBox {
    /// A box that asks for something and begins in a folder.
    #[must_use]
    pub fn within(what: Asked, folder: Option<&PathBuf>) -> Self {
        let folder = folder.map(|folder| format!("{}{MAIN_SEPARATOR}", folder.display())).unwrap_or_default();
        let path = folder + what.proposed_name().unwrap_or_default();
        Self { what, path, listed: None, asked: None, refocus: false }
    }

    /// Whether a file of this name, in lower case, may be what is asked for.
    fn may_be(&self, name: &str) -> bool {
        match self.what {
            Asked::Trace => name.ends_with(".etl"),
            Asked::Pdb { .. } => name.ends_with(".pdb") || name.ends_with(".pd_"),
            Asked::PoolTags => name.ends_with(".txt"),
            Asked::Listing => name.ends_with(".txt") || name.ends_with(".log"),
            Asked::Recorder => name.ends_with(".exe"),
            Asked::SaveProfile(_) => name.ends_with(".wprp"),
            Asked::SaveScript(_) => name.ends_with(".ps1"),
            Asked::SaveRecording(_) => name.ends_with(".etl"),
            Asked::SymbolFolder | Asked::Drivers | Asked::RecordingFolder => false,
        }
    }

    /// The folder that is being written in, as it was written, and the beginning of a name in it.
    #[must_use]
    pub fn split(&self) -> Option<(&str, &str)> {
        let written = self.path.trim_start().trim_start_matches('"');
        let at = written.rfind(is_separator)?;
        Some(written.split_at(at + 1))
    }

    /// What lies in the folder and begins like what is written, folders and what is asked for only.
    fn proposals(&self) -> Vec<(String, bool)> {
        let (Some((folder, begun)), Some((listed, entries))) = (self.split(), &self.listed) else { return Vec::new() };
        if listed.as_path() != Path::new(folder) {
            return Vec::new();
        }
        let begun = begun.to_lowercase();
        let fits = |entry: &&(String, bool)| {
            let name = entry.0.to_lowercase();
            name.starts_with(&begun) && name != begun && (entry.1 || self.may_be(&name))
        };
        entries.iter().filter(fits).take(MOST).map(|(name, is_dir)| (format!("{folder}{name}"), *is_dir)).collect()
    }
}

/// Draws the box over the window.
pub fn show(ui: &Ui, state: &mut OpenBox, commands: &mut Vec<Command>) {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let shown = Modal::new(Id::unique("open box")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        ui.heading(state.what.title());
        ui.add_space(GRID);
        ui.weak(match state.what {
            Asked::Trace => {
                "This system has no file dialog. Write the path of an .etl file, or drop the file on the window."
            }
            Asked::Pdb { .. } => "This system has no file dialog. Write the path of the .pdb file.",
            Asked::PoolTags => "This system has no file dialog. Write the path of the list.",
            Asked::Listing => {
                "This system has no file dialog. Write the path of the text, or drop the file on the page."
            }
            Asked::Recorder => "This system has no file dialog. Write the path of wpr.exe.",
            Asked::SaveProfile(_) | Asked::SaveScript(_) | Asked::SaveRecording(_) => {
                "This system has no file dialog. Write the path of the file to be written."
            }
            Asked::SymbolFolder | Asked::Drivers | Asked::RecordingFolder => {
                "This system has no file dialog. Write the path of the folder."
            }
        });
        ui.add_space(2.0 * GRID);
        let label = ui.label("Path");
        let field = ui.add(TextEdit::singleline(&mut state.path).desired_width(f32::INFINITY)).labelled_by(label.id);
        let lost = field.lost_focus();
        if std::mem::take(&mut state.refocus) || (!lost && ui.memory(|memory| memory.focused().is_none())) {
            field.request_focus();
        }
        let entered = lost && ui.input(|i| i.key_pressed(Key::Enter));
        proposals(ui, state, commands);
        ui.add_space(2.0 * GRID);
        ui.horizontal(|ui| {
            let written = state.path.trim().trim_matches('"');
            let verb = if state.what.proposed_name().is_some() { "Save" } else { "Open" };
            let open = ui.add_enabled(!written.is_empty(), Button::new(verb));
            if (open.clicked() || entered) && !written.is_empty() {
                commands.push(Command::Take(state.what.clone(), PathBuf::from(written)));
                commands.push(Command::CloseOpenBox);
            }
            if ui.button("Cancel").clicked() {
                commands.push(Command::CloseOpenBox);
            }
        });
    });
    if shown.should_close() {
        commands.push(Command::CloseOpenBox);
    }
}

fn proposals(ui: &mut Ui, state: &mut OpenBox, commands: &mut Vec<Command>) {
    for (path, is_dir) in state.proposals() {
        let text = if is_dir { format!("{path}{MAIN_SEPARATOR}") } else { path.clone() };
        if ui.add(Button::new(&text).frame(false).truncate()).clicked() {
            if is_dir {
                state.path = text;
                state.refocus = true;
            } else {
                commands.push(Command::Take(state.what.clone(), PathBuf::from(path)));
                commands.push(Command::CloseOpenBox);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposes_what_begins_like_what_is_written() {
        let names = [("old", true), ("one.ETL", false), ("onto.txt", false), ("two.etl", false)];
        let entries = names.map(|(name, is_dir)| (name.to_owned(), is_dir)).to_vec();
        let mut state = OpenBox { listed: Some((PathBuf::from("a/"), entries)), ..OpenBox::within(Asked::Trace, None) };
        state.path = "a/o".to_owned();
        let own = |name: &str, is_dir| (format!("a/{name}"), is_dir);
        assert_eq!(state.proposals(), [own("old", true), own("one.ETL", false)]);
        state.path = "a/TWO.etl".to_owned();
        assert_eq!(state.proposals(), []);
        state.path = "b/o".to_owned();
        assert_eq!(state.proposals(), [], "another folder");
        state.path = "o".to_owned();
        assert_eq!(state.split(), None);
    }
}
