//! What stands over the window and has the keys: the open box, the list of keys, the palette, a question.

use eframe::egui::Ui;

use super::App;
use crate::gui::command::Command;
use crate::gui::command::catalogue::Entry;
use crate::gui::views::palette::PaletteState;
use crate::gui::views::{confirm, keys, open_box, palette};

/// The boxes that are open.
#[derive(Default)]
pub struct Boxes {
    /// What is written in the open box.
    pub open_path: Option<String>,
    /// What is written in the filter of the list of keys.
    pub keys: Option<String>,
    /// The palette.
    pub palette: Option<PaletteState>,
    /// Whether everything is to be reset.
    pub reset: bool,
}

impl Boxes {
    /// Whether any is open.
    #[must_use]
    pub fn any(&self) -> bool {
        self.open_path.is_some() || self.keys.is_some() || self.palette.is_some() || self.reset
    }

    /// Opens the palette, or closes it.
    pub fn toggle_palette(&mut self) {
        self.keys = None;
        self.palette = if self.palette.is_some() { None } else { Some(PaletteState::default()) };
    }

    /// Opens the list of keys, or closes it.
    pub fn toggle_keys(&mut self) {
        self.palette = None;
        self.keys = if self.keys.is_some() { None } else { Some(String::new()) };
    }
}

impl App {
    pub(super) fn show_boxes(&mut self, ui: &Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        if let Some(path) = &mut self.boxes.open_path {
            open_box::show(ui, path, commands);
        }
        if let Some(filter) = &mut self.boxes.keys {
            keys::show(ui, filter, entries, commands);
        }
        if self.boxes.reset {
            let what = "Theme, scale, panels, recent files, presets and what is remembered of traces go back to how they were at the first start. Open traces stay open.";
            self.boxes.reset = !confirm::show(ui, &Command::Reset, what, "Reset", commands);
        }
        if let Some(state) = &mut self.boxes.palette
            && let Some(title) = palette::show(ui, state, entries, &self.memory.get().commands, commands)
        {
            self.memory.edit().ran(title);
        }
    }
}
