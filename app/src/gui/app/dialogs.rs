//! Dialogs of the window, which take the keys: open file, keyboard shortcuts, palette, questions.

use std::path::PathBuf;

use eframe::egui::Ui;

use super::App;
use crate::gui::commands::Command;
use crate::gui::commands::table::Entry;
use crate::gui::dialogs::association::AssociationDialog;
use crate::gui::dialogs::open_file::OpenFileDialog;
use crate::gui::dialogs::source_editor::SourceEditorDialog;
use crate::gui::dialogs::symbol_path::SymbolPathDialog;
use crate::gui::dialogs::tag_sources::TagSourcesDialog;
use crate::gui::dialogs::{confirm, open_file, shortcuts};
use crate::gui::shell::palette;
use crate::gui::shell::palette::PaletteState;

/// The open dialogs.
#[derive(Default)]
pub struct Dialogs {
    /// The dialog that asks for a file.
    pub open: Option<OpenFileDialog>,
    /// Filter of the keyboard shortcuts, while they are open.
    pub keys: Option<String>,
    /// The palette.
    pub palette: Option<PaletteState>,
    /// True if everything is to be reset.
    pub reset: bool,
    /// The symbol path.
    pub symbol_path: Option<SymbolPathDialog>,
    /// The user's rules on wrapper functions, as they are written.
    pub look_through: Option<String>,
    /// Tag sources, while the dialog is open.
    pub tag_sources: Option<TagSourcesDialog>,
    /// File association, while the dialog is open.
    pub association: Option<AssociationDialog>,
    /// The editor of source lines, while the dialog is open.
    pub source_editor: Option<SourceEditorDialog>,
}

impl Dialogs {
    /// Returns whether any is open.
    #[must_use]
    pub fn any(&self) -> bool {
        let boxes = self.open.is_some() || self.symbol_path.is_some() || self.look_through.is_some();
        let boxes = boxes || self.tag_sources.is_some() || self.association.is_some() || self.source_editor.is_some();
        boxes || self.keys.is_some() || self.palette.is_some() || self.reset
    }

    /// Returns whether the palette or the list of keys is all that is open here.
    #[must_use]
    pub fn is_help_alone(&self) -> bool {
        let boxes = self.open.is_some() || self.symbol_path.is_some() || self.look_through.is_some();
        let boxes = boxes || self.tag_sources.is_some() || self.association.is_some() || self.reset;
        !boxes && (self.keys.is_some() || self.palette.is_some())
    }

    /// Opens the palette, or closes it. `typed` is the text typed between the key and the first frame of its field.
    pub fn toggle_palette(&mut self, typed: String) {
        self.keys = None;
        self.palette = if self.palette.is_some() { None } else { Some(PaletteState::written(typed)) };
    }

    /// Opens the list of keys, or closes it.
    pub fn toggle_keys(&mut self) {
        self.palette = None;
        self.keys = if self.keys.is_some() { None } else { Some(String::new()) };
    }
}

impl App {
    pub(super) fn show_boxes(&mut self, ui: &Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        self.show_symbol_path(ui);
        self.show_look_through(ui);
        self.show_tag_sources(ui);
        self.show_association(ui);
        self.show_source_editor(ui);
        self.show_question(ui, commands);
        if let Some(filter) = &mut self.dialogs.keys {
            shortcuts::show(ui, filter, entries, commands);
        }
        if self.dialogs.reset {
            let what = "Resets theme, scale, panels, recent files, your presets, the symbol path, the tag sources, the \
                        recording paths and the saved layout of each trace. Open traces stay open with default \
                        settings.";
            self.dialogs.reset = !confirm::show(ui, &Command::Reset, what, "Reset", commands);
        }
        if let Some(state) = &mut self.dialogs.palette
            && let Some(id) = palette::show(ui, state, entries, &self.settings.get().commands, commands)
        {
            self.settings.edit().ran(id);
        }
        // Over the dialog that asks for a file.
        if let Some(state) = &mut self.dialogs.open {
            open_file::show(ui, state, commands);
            let folder = state.split().map(|(folder, _)| PathBuf::from(folder));
            if folder.is_some() && folder != state.asked {
                state.asked.clone_from(&folder);
                self.jobs.list(folder.unwrap_or_default());
            }
        }
    }
}
