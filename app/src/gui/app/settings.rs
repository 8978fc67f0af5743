//! Settings while the window is open: every change is written soon.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{ThemePreference, Ui};

use crate::gui::settings::store::Store;
use crate::gui::settings::writer::SettingsWriter;
use crate::gui::settings::{Settings, Theme};

/// Seconds after a change in which more changes are waited for.
const SOON_S: f64 = 0.5;

/// The settings and the thread that writes them.
pub struct SettingsStore {
    keeper: SettingsWriter,
    settings: Settings,
    changed: bool,
    /// Time of the first change that is not written, in seconds of the window's clock.
    since: Option<f64>,
}

impl SettingsStore {
    /// Settings of a store, and warnings about them.
    #[must_use]
    pub fn open(store: Arc<dyn Store>) -> (Self, Vec<String>) {
        let (keeper, settings, warnings) = SettingsWriter::open(store);
        (Self { keeper, settings, changed: false, since: None }, warnings)
    }

    /// Settings.
    #[must_use]
    pub fn get(&self) -> &Settings {
        &self.settings
    }

    /// Settings to be changed: they will be written.
    pub fn edit(&mut self) -> &mut Settings {
        self.changed = true;
        &mut self.settings
    }

    /// Forgets everything, whichever window remembered it.
    pub fn reset(&mut self) {
        self.settings = Settings::default();
        self.changed = false;
        self.since = None;
        self.keeper.replace(Settings::default());
    }

    /// Writes changes that have waited long enough; returns why that failed.
    pub fn keep(&mut self, ui: &Ui) -> Option<String> {
        let now = ui.input(|input| input.time);
        if std::mem::take(&mut self.changed) {
            self.since.get_or_insert(now);
        }
        if let Some(since) = self.since {
            if now - since >= SOON_S {
                self.write();
            } else {
                ui.ctx().request_repaint_after(Duration::from_secs_f64(SOON_S));
            }
        }
        self.keeper.error()
    }

    fn write(&mut self) {
        self.since = None;
        self.keeper.save(self.settings.clone());
    }
}

impl Drop for SettingsStore {
    fn drop(&mut self) {
        if self.changed || self.since.is_some() {
            self.write();
        }
        self.keeper.finish();
    }
}

/// The theme as the toolkit names it.
#[must_use]
pub fn preference(theme: Theme) -> ThemePreference {
    match theme {
        Theme::Light => ThemePreference::Light,
        Theme::Dark => ThemePreference::Dark,
        Theme::System => ThemePreference::System,
    }
}

/// The theme as the settings name it.
#[must_use]
pub fn theme_of(preference: ThemePreference) -> Theme {
    match preference {
        ThemePreference::Light => Theme::Light,
        ThemePreference::Dark => Theme::Dark,
        ThemePreference::System => Theme::System,
    }
}
