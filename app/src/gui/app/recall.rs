//! What the settings know of presets and traces goes into the documents, and what the user did with them goes back. It
//! decides nothing about either.

use eframe::egui::Ui;

use super::App;
use super::memory::Memory;
use super::tabs::Tab;
use crate::gui::state::document::Document;
use crate::gui::state::presets::{Preset, Presets};
use crate::gui::views::toasts::Kind;

/// Seconds after the last input in which what was done with the traces is taken into the settings.
const QUIET_S: f64 = 1.5;

impl App {
    /// Takes the user's presets out of the settings; those that this version cannot use stay there and are named.
    pub(super) fn read_presets(&mut self) {
        let mut own = Vec::new();
        let mut unusable = 0;
        for value in &self.memory.get().presets {
            let preset = serde_json::from_value::<Preset>(value.clone()).map_err(|error| error.to_string());
            match preset.and_then(|preset| Ok(Preset { arrangement: preset.arrangement.checked()?, ..preset })) {
                Ok(preset) => own.push(preset),
                Err(_) => unusable += 1,
            }
        }
        if unusable > 0 {
            let words = format!("{unusable} of your presets cannot be used by this version and are left out");
            self.toasts.push(Kind::Warning, words);
        }
        *self.presets.write() = Presets::with_own(own);
    }

    /// Puts the user's presets into the settings.
    pub(super) fn write_presets(&mut self) {
        let own = self.presets.read().own().iter().filter_map(|preset| serde_json::to_value(preset).ok()).collect();
        self.memory.edit().presets = own;
    }

    /// Shows a trace as it was left, if it was opened before.
    pub(super) fn recall(&self, document: &mut Document) {
        let Some(path) = document.source.path() else { return };
        let state = self.memory.get().trace_state(path).cloned();
        if let Some(state) = state.and_then(|state| serde_json::from_value(state).ok()) {
            document.recall(state);
        }
    }

    /// Takes what was done with the open traces into the settings, once nothing is done for a moment.
    pub(super) fn remember_soon(&mut self, ui: &Ui) {
        let (now, busy) = ui.input(|input| (input.time, !input.events.is_empty()));
        if busy {
            self.remember_at = Some(now + QUIET_S);
        }
        match self.remember_at {
            Some(at) if now >= at => {
                self.remember_at = None;
                self.remember_traces();
            }
            Some(at) => ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(at - now)),
            None => {}
        }
    }

    /// Takes what was done with the open traces into the settings.
    pub(super) fn remember_traces(&mut self) {
        let Self { tabs, memory, .. } = self;
        tabs.iter().filter_map(|(_, tab)| tab.document()).for_each(|document| remember(memory, document));
    }

    /// Takes what was done with a trace that is being closed into the settings.
    pub(super) fn remember_tab(memory: &mut Memory, tab: &Tab) {
        if let Some(document) = tab.document() {
            remember(memory, document);
        }
    }
}

fn remember(memory: &mut Memory, document: &Document) {
    let Some(path) = document.source.path() else { return };
    // Nothing was done with what was never shown.
    if document.rows.is_none() {
        return;
    }
    let Ok(state) = serde_json::to_value(document.remember()) else { return };
    if memory.get().trace_state(path) != Some(&state) {
        memory.edit().remember_trace(path, state);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.remember_traces();
    }
}
