//! Carries out commands. What belongs to an open trace is the document's.

use eframe::egui::{self, Ui};

use super::App;
use crate::gui::command::Command;
use crate::gui::jobs::TabId;
use crate::gui::jobs::load::Source;
use crate::gui::views::toasts::Kind;

impl App {
    pub(super) fn run(&mut self, ui: &Ui, command: Command) {
        match command {
            Command::Open => self.jobs.pick_file(),
            Command::OpenPath(path) => self.open(Source::File(path)),
            Command::OpenSample => self.open(Source::Sample),
            Command::CancelLoad(id) => self.cancel(id),
            Command::Retry(id) => {
                if let Some(source) = self.tabs.get(id).map(|tab| tab.source.clone()) {
                    self.wanted = Some(id);
                    self.load(id, source);
                }
            }
            Command::ShowTab(id) => self.turn_to(|app| app.tabs.activate(id)),
            Command::CloseTab(id) => self.close(id),
            Command::Close => {
                if let Some(id) = self.tabs.active() {
                    self.close(id);
                }
            }
            Command::NextTab => self.turn_to(|app| app.tabs.cycle(true)),
            Command::PreviousTab => self.turn_to(|app| app.tabs.cycle(false)),
            Command::CloseOpenBox => self.open_path = None,
            Command::Quit => ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Theme(theme) => ui.ctx().set_theme(theme),
            Command::Scale(factor) => ui.ctx().set_zoom_factor(factor),
            Command::ToggleSummary => self.summary = !self.summary,
            Command::ToggleDetails => self.details = !self.details,
            Command::Document(command) => {
                if let Some(document) = self.tabs.document_mut() {
                    document.run(&command);
                }
            }
        }
    }

    /// Once the user turns to a tab, no load that finishes takes it from the front.
    fn turn_to(&mut self, go: impl FnOnce(&mut Self)) {
        self.wanted = None;
        go(self);
    }

    fn cancel(&mut self, id: TabId) {
        self.jobs.cancel_load(id);
        if let Some(tab) = self.tabs.get(id) {
            self.toasts.push(Kind::Info, format!("Opening {} was cancelled", tab.source.name()));
            self.close(id);
        }
    }
}
