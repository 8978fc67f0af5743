//! What stands over the window and has the keys: the open box, the list of keys, the palette, a question.

use std::path::PathBuf;

use eframe::egui::Ui;

use super::App;
use crate::gui::command::Command;
use crate::gui::command::catalogue::Entry;
use crate::gui::views::association::AssociationBox;
use crate::gui::views::open_box::OpenBox;
use crate::gui::views::palette::PaletteState;
use crate::gui::views::symbol_path::SymbolPathBox;
use crate::gui::views::tag_sources::TagSourcesBox;
use crate::gui::views::{confirm, keys, open_box, palette};

/// The boxes that are open.
#[derive(Default)]
pub struct Boxes {
    /// The open box.
    pub open: Option<OpenBox>,
    /// What is written in the filter of the list of keys.
    pub keys: Option<String>,
    /// The palette.
    pub palette: Option<PaletteState>,
    /// Whether everything is to be reset.
    pub reset: bool,
    /// The symbol path.
    pub symbol_path: Option<SymbolPathBox>,
    /// The user's rules on frames to look through, as they are written.
    pub look_through: Option<String>,
    /// Where more is known about tags.
    pub tag_sources: Option<TagSourcesBox>,
    /// How poolscope stands with `.etl` files.
    pub association: Option<AssociationBox>,
}

impl Boxes {
    /// Whether any is open.
    #[must_use]
    pub fn any(&self) -> bool {
        let boxes = self.open.is_some() || self.symbol_path.is_some() || self.look_through.is_some();
        let boxes = boxes || self.tag_sources.is_some() || self.association.is_some();
        boxes || self.keys.is_some() || self.palette.is_some() || self.reset
    }

    /// Opens the palette, or closes it. `typed` is what was typed since the key, before its field was there.
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
        if let Some(state) = &mut self.boxes.open {
            open_box::show(ui, state, commands);
            let folder = state.split().map(|(folder, _)| PathBuf::from(folder));
            if folder.is_some() && folder != state.asked {
                state.asked.clone_from(&folder);
                self.jobs.list(folder.unwrap_or_default());
            }
        }
        self.show_symbol_path(ui);
        self.show_look_through(ui);
        self.show_tag_sources(ui);
        self.show_association(ui);
        self.show_question(ui, commands);
        if let Some(filter) = &mut self.boxes.keys {
            keys::show(ui, filter, entries, commands);
        }
        if self.boxes.reset {
            let what = "Theme, scale, panels, recent files, your presets, the symbol path, tag sources, the places for recording, and what is remembered of traces go back to how they were at the first start. Open traces stay open and are shown as at first.";
            self.boxes.reset = !confirm::show(ui, &Command::Reset, what, "Reset", commands);
        }
        if let Some(state) = &mut self.boxes.palette
            && let Some(title) = palette::show(ui, state, entries, &self.memory.get().commands, commands)
        {
            self.memory.edit().ran(title);
        }
    }
}
