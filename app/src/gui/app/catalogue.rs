//! How each command stands now, for menus and palette.

use eframe::egui::{ThemePreference, Ui};

use super::App;
use crate::gui::command::catalogue::{self, Entry, Place, Standing};
use crate::gui::command::{Command, DocumentCommand, KitCommand, Menu};
use crate::gui::state::recorder::Phase;

/// The window as the catalogue sees it.
struct Now<'a> {
    app: &'a App,
    theme: ThemePreference,
    summary: bool,
    details: bool,
}

impl Standing for Now<'_> {
    fn blocked(&self, command: &Command) -> Option<&'static str> {
        let no_trace = "No trace is open";
        match command {
            Command::Document(command) => match self.app.document() {
                None => Some(no_trace),
                Some(document) if let DocumentCommand::Symbols(command) = command => document.symbols_blocked(*command),
                Some(document) => (!document.can(command)).then_some(""),
            },
            Command::Kit(KitCommand::Start) => self.app.recorder.start_blocked(),
            Command::Kit(KitCommand::Stop | KitCommand::Drop) => {
                (self.app.recorder.phase != Phase::Running).then_some("No recording is known to run on this machine")
            }
            Command::Kit(KitCommand::Look) => match self.app.recorder.start_blocked() {
                _ if self.app.recorder.program().is_none() => {
                    Some("No wpr.exe is known; the page about recording looks for it")
                }
                blocked => blocked,
            },
            Command::Close => self.app.tabs.active().is_none().then_some("No tab is open"),
            Command::NextTab | Command::PreviousTab => (self.app.tabs.count() < 2).then_some("No other tab is open"),
            _ => None,
        }
    }

    fn on(&self, command: &Command) -> Option<bool> {
        match command {
            Command::Theme(theme) => Some(self.theme == *theme),
            Command::Scale(percent) => Some(self.app.memory.get().scale_percent == *percent),
            Command::ToggleSummary => Some(self.summary),
            Command::ToggleDetails => Some(self.details),
            Command::Offline => Some(self.app.memory.get().symbols.offline),
            Command::AutomaticSymbols => Some(self.app.memory.get().symbols.automatic),
            Command::Document(command) => self.app.document().and_then(|document| document.is_on(command)),
            _ => None,
        }
    }
}

impl App {
    /// One command for each preset.
    fn preset_entries(&self) -> Vec<(Command, String, Place, Option<String>)> {
        let presets = self.presets.read();
        let entry = |name: &str| {
            let command = DocumentCommand::Preset(name.to_owned());
            let place = catalogue::place_of(&command);
            (command.into(), name.to_owned(), place, None)
        };
        presets.all().map(|preset| entry(&preset.name)).collect()
    }

    /// All commands as they stand now.
    pub(super) fn entries(&self, ui: &Ui) -> Vec<Entry> {
        let theme = ui.ctx().options(|options| options.theme_preference);
        let now = Now { app: self, theme, summary: self.shows_summary(ui), details: self.shows_details(ui) };
        let more = self.preset_entries().into_iter().chain(self.recent()).collect();
        catalogue::entries(&now, more)
    }

    /// The files opened before, for the menu.
    fn recent(&self) -> Vec<(Command, String, Place, Option<String>)> {
        let place = Place { menu: Menu::File, group: 0, submenu: Some("Recent") };
        let mut all: Vec<(Command, String, Place, Option<String>)> = Vec::new();
        for recent in &self.memory.get().recent {
            let path = recent.path.display().to_string();
            let name = recent.path.file_name().map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
            // Two files of one name are told apart by their whole paths.
            let title = if all.iter().any(|(_, title, ..)| *title == name) { path.clone() } else { name };
            all.push((Command::OpenPath(recent.path.clone()), title, place, Some(path)));
        }
        all
    }
}
