//! Exports, the clipboard and source lines as the window serves them: it asks for files, and opens lines in the user's editor.

use std::path::PathBuf;

use eframe::egui::Ui;
use poolscope_symbols::names::SourceLine;

use super::App;
use crate::gui::dialogs::source_editor::{self, SourceEditorDialog};
use crate::gui::jobs::TabId;
use crate::gui::model::export::ExportKind;
use crate::gui::settings::EditorSettings;
use crate::gui::shell::toasts::Kind;
use crate::gui::widgets::modal::DialogAction;

impl App {
    /// Writes an export to the file that the user chose.
    pub(super) fn take_export_file(&mut self, tab: TabId, kind: ExportKind, path: PathBuf) {
        // The system's dialog asks before it returns an existing file; the dialog of the window does not. A name without an
        // ending becomes another one, which nobody was asked about.
        let is_asked = self.dialogs.open.is_none() && kind.with_ending(&path).0 == path;
        if let Some(document) = self.tabs.get_mut(tab).and_then(|tab| tab.document_mut()) {
            document.export_to(kind, &path, is_asked);
        }
    }

    /// Opens a source line in the user's editor; asks for one first if none is set.
    pub(super) fn open_source(&mut self, line: SourceLine) {
        let EditorSettings { command, mappings } = self.settings.get().editor.clone();
        if command.trim().is_empty() {
            self.toasts.push(Kind::Info, "No editor is set. Choose one to open source lines.");
            return self.open_source_editor();
        }
        self.jobs.open_source(command, mappings, line);
    }

    pub(super) fn open_source_editor(&mut self) {
        let EditorSettings { command, mappings } = self.settings.get().editor.clone();
        self.dialogs.source_editor = Some(SourceEditorDialog { command, mappings: mappings.join("\n") });
    }

    /// Draws the dialog with the editor, and keeps what was entered.
    pub(super) fn show_source_editor(&mut self, ui: &Ui) {
        let Some(state) = &mut self.dialogs.source_editor else { return };
        let Some(action) = source_editor::show(ui, state) else { return };
        let mappings = state.mappings.lines().map(str::trim).filter(|line| !line.is_empty());
        let written = EditorSettings {
            command: state.command.trim().to_owned(),
            mappings: mappings.map(str::to_owned).collect(),
        };
        self.dialogs.source_editor = None;
        if action == DialogAction::Accept && self.settings.get().editor != written {
            self.settings.edit().editor = written;
        }
    }
}
