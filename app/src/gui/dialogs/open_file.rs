//! The open box: a dialog with a path field, for every file and folder where the system has no file dialog. It proposes the entries
//! of the folder that is being entered; a job lists them.

use std::path::{MAIN_SEPARATOR, Path, PathBuf, is_separator};

use eframe::egui::{Button, TextEdit, Ui};

use poolscope_archive::kind::is_named_like_an_archive;

use crate::gui::commands::Command;
use crate::gui::jobs::dialog::Asked;
use crate::gui::model::export::ExportKind;
use crate::gui::theme::GRID;
use crate::gui::widgets::modal::{self, DialogAction, Modal};
use crate::package;

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 480.0;
/// Upper bound on proposals.
const MAX_PROPOSALS: usize = 8;

/// State of the dialog.
#[derive(Debug)]
pub struct OpenFileDialog {
    /// The purpose of the file.
    pub what: Asked,
    /// The entered path.
    pub path: String,
    /// The listed folder and its entries: names, and whether each is a folder.
    pub listed: Option<(PathBuf, Vec<(String, bool)>)>,
    /// The folder that is being listed.
    pub asked: Option<PathBuf>,
    /// True if the field takes the keyboard: at first, and after a folder was chosen.
    refocus: bool,
}

impl OpenFileDialog {
    /// A dialog for a purpose that begins in a folder.
    #[must_use]
    pub fn within(what: Asked, folder: Option<&PathBuf>) -> Self {
        let folder = folder.map(|folder| format!("{}{MAIN_SEPARATOR}", folder.display())).unwrap_or_default();
        let path = folder + what.proposed_name().unwrap_or_default();
        Self { what, path, listed: None, asked: None, refocus: true }
    }

    /// Returns whether a file of this name, in lower case, suits the purpose.
    fn may_be(&self, name: &str) -> bool {
        match &self.what {
            Asked::Trace => name.ends_with(".etl") || is_named_like_an_archive(name),
            Asked::Pdb { .. } => [".pdb", ".pd_", ".symcache"].iter().any(|ending| name.ends_with(ending)),
            Asked::PoolTags => name.ends_with(".txt"),
            Asked::ExportPresets(_) | Asked::ImportPresets => name.ends_with(".json"),
            Asked::Snapshot => {
                [".txt", ".log", ".csv", ".tsv", ".json", ".md"].iter().any(|ending| name.ends_with(ending))
            }
            Asked::SaveSamples(_) => name.ends_with(".csv"),
            Asked::Recorder => name.ends_with(".exe"),
            Asked::SaveProfile(_) => name.ends_with(".wprp"),
            Asked::SaveScript(_) => name.ends_with(".ps1"),
            Asked::SaveRecording(_) => name.ends_with(".etl"),
            Asked::Export { kind: ExportKind::Package, .. } => name.ends_with(package::ENDING),
            Asked::Export { kind, .. } => kind.formats().iter().any(|format| name.ends_with(format.ending())),
            Asked::StackTags => name.ends_with(".stacktags") || name.ends_with(".xml"),
            Asked::SymbolFolder | Asked::Drivers | Asked::RecordingFolder | Asked::CaseFolder => false,
        }
    }

    /// The entered path without quotes; `None` if none is entered.
    fn entered(&self) -> Option<PathBuf> {
        let path = self.path.trim().trim_matches('"');
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// The folder of the entered path as it was entered, and the beginning of a name in it.
    #[must_use]
    pub fn split(&self) -> Option<(&str, &str)> {
        let written = self.path.trim_start().trim_start_matches('"');
        let at = written.rfind(is_separator)?;
        Some(written.split_at(at + 1))
    }

    /// The folders and suitable files of the folder whose names begin with the entered name.
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
        entries
            .iter()
            .filter(fits)
            .take(MAX_PROPOSALS)
            .map(|(name, is_dir)| (format!("{folder}{name}"), *is_dir))
            .collect()
    }
}

/// Sentence on a folder that proposes nothing; `None` while there is something, or while it is being listed.
fn note(state: &OpenFileDialog) -> Option<&'static str> {
    let (folder, begun) = state.split()?;
    let (listed, entries) = state.listed.as_ref()?;
    if listed.as_path() != Path::new(folder) || !begun.is_empty() || !state.proposals().is_empty() {
        return None;
    }
    Some(if entries.is_empty() { "This folder is empty or cannot be read." } else { "This folder has no such files." })
}

/// Draws the dialog over the window.
pub fn show(ui: &Ui, state: &mut OpenFileDialog, commands: &mut Vec<Command>) {
    let title = state.what.title();
    let action: Option<DialogAction<PathBuf>> = Modal::new("open box", &title, WIDTH).show(ui, |ui| {
        ui.weak(explanation(&state.what));
        ui.add_space(2.0 * GRID);
        let label = ui.label("Path");
        let field = ui.add(TextEdit::singleline(&mut state.path).desired_width(f32::INFINITY)).labelled_by(label.id);
        if std::mem::take(&mut state.refocus) {
            field.request_focus();
        }
        modal::focus_at_first(ui, &field);
        let entered = modal::is_entered(ui, &field).then_some(DialogAction::Accept);
        let proposed = proposals(ui, state);
        if let Some(note) = note(state) {
            ui.weak(note);
        }
        let verb = if state.what.proposed_name().is_some() { "Save" } else { "Open" };
        let clicked = modal::accept_or_cancel(ui, verb, state.entered().is_none().then_some(""));
        clicked.or(entered).or(proposed.map(DialogAction::Other))
    });
    let path = match action {
        None => return,
        Some(DialogAction::Close) => None,
        Some(DialogAction::Accept) => match state.entered() {
            Some(path) => Some(path),
            None => return,
        },
        Some(DialogAction::Other(path)) => Some(path),
    };
    commands.extend(path.map(|path| Command::Take(state.what.clone(), path)));
    commands.push(Command::CloseOpenFile);
}

/// The sentences above the field.
fn explanation(what: &Asked) -> &'static str {
    match what {
        Asked::Trace => {
            "This system has no file dialog. Enter the path of an .etl file, a performance log, poolmon's output or a folder, or drop it on the window."
        }
        Asked::Pdb { .. } => "This system has no file dialog. Enter the path of the .pdb file.",
        Asked::PoolTags => "This system has no file dialog. Enter the path of the tag list.",
        Asked::StackTags => "This system has no file dialog. Enter the path of the .stacktags file.",
        Asked::ImportPresets => "This system has no file dialog. Enter the path of the file.",
        Asked::Snapshot => {
            "This system has no file dialog. Enter the path of the snapshot, or drop the file on the \
                            page."
        }
        Asked::Recorder => "This system has no file dialog. Enter the path of wpr.exe.",
        Asked::Export { .. } => {
            "This system has no file dialog. Enter the path of the file to save; its ending is the format."
        }
        Asked::ExportPresets(_)
        | Asked::SaveProfile(_)
        | Asked::SaveScript(_)
        | Asked::SaveSamples(_)
        | Asked::SaveRecording(_) => "This system has no file dialog. Enter the path of the file to save.",
        Asked::SymbolFolder | Asked::Drivers | Asked::RecordingFolder | Asked::CaseFolder => {
            "This system has no file dialog. Enter the path of the folder."
        }
    }
}

/// Draws the proposals; returns the file that was clicked.
fn proposals(ui: &mut Ui, state: &mut OpenFileDialog) -> Option<PathBuf> {
    let mut chosen = None;
    for (path, is_dir) in state.proposals() {
        let text = if is_dir { format!("{path}{MAIN_SEPARATOR}") } else { path.clone() };
        if ui.add(Button::new(&text).frame(false).truncate()).clicked() {
            if is_dir {
                state.path = text;
                state.refocus = true;
            } else {
                chosen = Some(PathBuf::from(path));
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposes_what_begins_like_what_is_written() {
        let names = [("old", true), ("one.ETL", false), ("onto.txt", false), ("two.etl", false)];
        let entries = names.map(|(name, is_dir)| (name.to_owned(), is_dir)).to_vec();
        let mut state = OpenFileDialog {
            listed: Some((PathBuf::from("a/"), entries)),
            ..OpenFileDialog::within(Asked::Trace, None)
        };
        state.path = "a/o".to_owned();
        let own = |name: &str, is_dir| (format!("a/{name}"), is_dir);
        assert_eq!(state.proposals(), [own("old", true), own("one.ETL", false)]);
        state.path = "a/TWO.etl".to_owned();
        assert_eq!(state.proposals(), []);
        state.path = "b/o".to_owned();
        assert_eq!(state.proposals(), [], "another folder");
        state.path = "o".to_owned();
        assert_eq!((state.split(), note(&state)), (None, None));
        state.path = "a/".to_owned();
        assert_eq!(note(&state), None, "it proposes files");
        state.listed = Some((PathBuf::from("a/"), vec![("notes.txt".to_owned(), false)]));
        assert_eq!(note(&state), Some("This folder has no such files."));
        state.listed = Some((PathBuf::from("a/"), Vec::new()));
        assert_eq!(note(&state), Some("This folder is empty or cannot be read."));
    }
}
