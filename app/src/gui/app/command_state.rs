//! State of each command, for menus and palette: why it cannot be run, whether it is on.

use eframe::egui::{ThemePreference, Ui};

use super::App;
use crate::gui::commands::table;
use crate::gui::commands::table::{CommandSpec, CommandState, Entry, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, RecordingCommand};
use crate::gui::model::recorder::Phase;

/// State of the window that commands depend on.
struct Now<'a> {
    app: &'a App,
    theme: ThemePreference,
    summary: bool,
    details: bool,
}

impl CommandState for Now<'_> {
    fn blocked(&self, command: &Command) -> Option<&'static str> {
        let no_trace = "No trace is open";
        match command {
            Command::Document(command) => match self.app.document() {
                None => Some(no_trace),
                Some(document) if let DocumentCommand::Symbols(command) = command => document.symbols_blocked(*command),
                Some(document) => (!document.can(command)).then_some(""),
            },
            Command::RecordingSetup(RecordingCommand::SampleTags) if !cfg!(windows) => Some(
                "Pool tags can be sampled on Windows only; poolscope record --sampler writes a script for the machine that leaks",
            ),
            Command::RecordingSetup(RecordingCommand::Start) => self.app.recorder.start_blocked(),
            Command::RecordingSetup(RecordingCommand::Stop | RecordingCommand::Drop) => {
                (self.app.recorder.phase != Phase::Running).then_some("No recording is running on this machine")
            }
            Command::RecordingSetup(RecordingCommand::Look) => match self.app.recorder.start_blocked() {
                _ if self.app.recorder.program().is_none() => {
                    Some("wpr.exe was not located yet; the Recording page searches for it")
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
            Command::Scale(percent) => Some(self.app.settings.get().scale_percent == *percent),
            Command::ToggleSummary => Some(self.summary),
            Command::ToggleDetails => Some(self.details),
            Command::Offline => Some(self.app.settings.get().symbols.offline),
            Command::AutomaticSymbols => Some(self.app.settings.get().symbols.automatic),
            Command::Document(command) => self.app.document().and_then(|document| document.is_on(command)),
            _ => None,
        }
    }
}

impl App {
    /// All commands with their state.
    pub(super) fn entries(&self, ui: &Ui) -> Vec<Entry> {
        let theme = ui.ctx().options(|options| options.theme_preference);
        let now = Now { app: self, theme, summary: self.shows_summary(ui), details: self.shows_details(ui) };
        let presets = self.presets.read();
        let presets = presets.all().map(|preset| DocumentCommand::preset_row(&preset.name));
        let columns = self.document().filter(|document| document.has_allocations());
        let columns = columns.map(|document| DocumentCommand::column_rows(&document.query.columns)).unwrap_or_default();
        table::entries(&now, presets.chain(self.recent()).chain(columns).collect())
    }

    /// One row for each file that was opened before.
    fn recent(&self) -> Vec<CommandSpec> {
        let place = MenuPlace::within(Menu::File, 0, "Recent");
        let mut all: Vec<CommandSpec> = Vec::new();
        for recent in &self.settings.get().recent {
            let path = recent.path.display().to_string();
            let name = recent.path.file_name().map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
            // Two files of one name are told apart by their whole paths.
            let title = if all.iter().any(|row| row.title == name) { path.clone() } else { name };
            let command = Command::OpenPath(recent.path.clone());
            all.push(CommandSpec::new(format!("recent.{path}"), command, title, place).tip(path));
        }
        all
    }
}
