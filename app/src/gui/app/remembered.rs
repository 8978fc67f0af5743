//! Copies presets and the state of traces from the settings into documents, and back after the user changed them.

use std::path::PathBuf;

use eframe::egui::Ui;
use serde_json::Value;

use super::App;
use super::tabs::{SinceReset, Tab};
use crate::gui::app::settings::SettingsStore;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::files::FileRequest;
use crate::gui::model::presets::{Preset, Presets};
use crate::gui::shell::toasts::Kind;

/// Seconds without input after which the state of the traces is saved in the settings.
const QUIET_S: f64 = 1.5;

impl App {
    /// Takes the user's presets out of the settings; those that this version cannot use stay there and are named.
    pub(super) fn read_presets(&mut self) {
        let mut own = Vec::new();
        let mut unusable = Vec::new();
        for value in &self.settings.get().presets {
            match usable(value) {
                Ok(preset) => own.push(preset),
                Err(_) => unusable.push(value.get("name").and_then(|name| name.as_str()).unwrap_or("(unnamed)")),
            }
        }
        let message = (!unusable.is_empty()).then(|| {
            format!(
                "This version of poolscope cannot use these presets; they are kept in the file: {}",
                unusable.join(", ")
            )
        });
        message.into_iter().for_each(|message| self.toasts.push(Kind::Warning, message));
        *self.presets.write() = Presets::with_own(own);
    }

    /// Puts the user's presets into the settings. Those that this version cannot use stay, unless one of their name is new.
    pub(super) fn write_presets(&mut self) {
        let own: Vec<Value> =
            self.presets.read().own().iter().filter_map(|preset| serde_json::to_value(preset).ok()).collect();
        let name = |value: &Value| value.get("name").cloned();
        let settings = self.settings.edit();
        settings.presets.retain(|kept| usable(kept).is_err() && !own.iter().any(|new| name(new) == name(kept)));
        settings.presets.extend(own);
    }

    /// Writes the user's presets to a file, or reads presets from one.
    pub(super) fn exchange_presets(&mut self, asked: &Asked, path: PathBuf) {
        // The system's dialog asks before it returns an existing file; the open box does not.
        let may_replace = self.dialogs.open.is_none();
        let text = self.presets.read().export();
        let Some(document) = self.document_mut() else { return };
        document.exchange_presets(match asked {
            Asked::ImportPresets => FileRequest::Read(path),
            _ if may_replace => FileRequest::Replace(path, text),
            _ => FileRequest::Create(path, text),
        });
    }

    /// Shows a trace as it was left; `false` if it was not opened before.
    pub(super) fn restore(&self, document: &mut Document) -> bool {
        let Some(path) = document.source.path() else { return false };
        let state = self.settings.get().trace_state(path).cloned();
        let state = state.and_then(|state| serde_json::from_value(state).ok());
        let is_known = state.is_some();
        state.into_iter().for_each(|state| document.restore(state));
        is_known
    }

    /// Saves the state of the open traces in the settings after a moment without input.
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

    /// Saves the state of the open traces in the settings.
    pub(super) fn remember_traces(&mut self) {
        let Self { tabs, settings, .. } = self;
        tabs.iter_mut().for_each(|(_, tab)| remember(settings, tab));
    }

    /// Saves the state of a trace that is being closed in the settings.
    pub(super) fn remember_tab(&mut self, id: TabId) {
        let Self { tabs, settings, .. } = self;
        tabs.get_mut(id).into_iter().for_each(|tab| remember(settings, tab));
    }

    /// Looks how traces are shown after a reset, as soon as they are.
    pub(super) fn note_resets(&mut self) {
        for (_, tab) in self.tabs.iter_mut().filter(|(_, tab)| matches!(tab.since_reset, SinceReset::Begins)) {
            let shown = tab.document().filter(|document| document.results.rows.is_some() && !document.is_busy());
            if let Some(state) = shown.and_then(|document| serde_json::to_value(document.remember()).ok()) {
                tab.since_reset = SinceReset::Untouched(state);
            }
        }
    }
}

/// A preset as this version understands it.
fn usable(value: &Value) -> Result<Preset, String> {
    let preset = serde_json::from_value::<Preset>(value.clone()).map_err(|error| error.to_string())?;
    Ok(Preset { layout: preset.layout.checked()?, ..preset })
}

fn remember(settings: &mut SettingsStore, tab: &mut Tab) {
    let Some(document) = tab.document() else { return };
    let Some(path) = document.source.path().map(ToOwned::to_owned) else { return };
    // A trace that was never shown has no state to save.
    if document.results.rows.is_none() {
        return;
    }
    let Ok(state) = serde_json::to_value(document.remember()) else { return };
    match &tab.since_reset {
        SinceReset::Begins => return,
        SinceReset::Untouched(first) if *first == state => return,
        SinceReset::Untouched(_) | SinceReset::Used => tab.since_reset = SinceReset::Used,
    }
    if settings.get().trace_state(&path) != Some(&state) {
        settings.edit().remember_trace(&path, state);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.remember_traces();
    }
}
