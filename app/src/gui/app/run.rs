//! Carries out commands. What belongs to an open trace is the document's.

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::App;
use super::panels::CompactPanels;
use super::tabs::{Content, SinceReset, Tab};
use crate::gui::app::settings::theme_of;
use crate::gui::commands::{Command, DocumentCommand, SCALES, SymbolsCommand};
use crate::gui::document::{Document, GRAPH_SHARE, Layout};
use crate::gui::jobs::TabId;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::load::Source;
use crate::gui::model::presets::Presets;
use crate::gui::settings::Panels;
use crate::gui::shell::toasts::Kind;

impl App {
    pub(super) fn run(&mut self, ui: &Ui, command: Command) {
        match command {
            Command::Open => self.jobs.pick_file(Asked::Trace),
            Command::OpenPath(path) => self.open(Source::File(path)),
            Command::OpenPaths(paths) => self.open_files(paths),
            Command::OpenSample => self.open(Source::Sample),
            Command::CancelLoad(id) => self.cancel(id),
            Command::Retry(id) => self.load(id),
            Command::OpenThroughWindows(id) => self.open_through_windows(id),
            Command::ShowTab(id) => self.activate_tab(|app| app.tabs.activate(id)),
            Command::ShowPage(page) => self.show_page(page),
            Command::CloseTab(id) => self.close(id),
            Command::Close => {
                if let Some(id) = self.tabs.active() {
                    self.close(id);
                }
            }
            Command::NextTab => self.activate_tab(|app| app.tabs.cycle(true)),
            Command::PreviousTab => self.activate_tab(|app| app.tabs.cycle(false)),
            Command::Reload(id) => self.reload(id),
            Command::IgnoreChange(id) => {
                if let Some(tab) = self.tabs.get_mut(id) {
                    tab.change = None;
                }
            }
            Command::ForgetRecent(path) => self.settings.edit().forget(&path),
            Command::CloseOpenFile => self.dialogs.open = None,
            Command::Quit => ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Theme(theme) => {
                ui.ctx().set_theme(theme);
                self.settings.edit().theme = theme_of(theme);
            }
            Command::Scale(percent) => self.scale(ui, percent),
            Command::ScaleUp => self.scale(ui, next_scale(self.settings.get().scale_percent, true)),
            Command::ScaleDown => self.scale(ui, next_scale(self.settings.get().scale_percent, false)),
            Command::ToggleSummary => self.toggle_summary(ui),
            Command::ToggleDetails => self.toggle_details(ui),
            Command::Palette => {
                let typed = std::mem::take(&mut self.typed);
                self.dialogs.toggle_palette(typed);
            }
            Command::ClosePalette => self.dialogs.palette = None,
            Command::Keys => self.dialogs.toggle_keys(),
            Command::CloseKeys => self.dialogs.keys = None,
            Command::ResetLayout => self.reset_layout(),
            Command::ResetEverything => self.dialogs.reset = true,
            Command::Reset => self.reset(ui),
            Command::SymbolPath => self.open_symbol_path(),
            Command::Offline => self.toggle_offline(),
            Command::AutomaticSymbols => self.toggle_automatic(),
            Command::Wrappers => {
                self.dialogs.look_through = Some(self.settings.get().symbols.look_through.join("\n"));
            }
            Command::TagSources => self.open_tag_sources(),
            Command::SourceEditor => self.open_source_editor(),
            Command::OpenSource(line) => self.open_source(line),
            Command::OpenWith => self.open_association(),
            Command::Take(asked, path) => self.apply_file(asked, path),
            Command::RecordingSetup(command) => self.run_recording(ui, command),
            Command::Document(command) => {
                if let Some(tab) = self.tabs.active() {
                    self.run_in(tab, &command);
                }
            }
            Command::InTab(tab, command) => self.run_in(tab, &command),
        }
    }

    /// Carries out a command about the trace of a tab.
    fn run_in(&mut self, tab: TabId, command: &DocumentCommand) {
        if let DocumentCommand::Symbols(command @ (SymbolsCommand::OpenPdb | SymbolsCommand::OpenPdbOf(_))) = command {
            return self.ask_pdb(tab, *command);
        }
        // What was typed before the field was there is for the field of a command, not for an action in between.
        let opens_field = Command::Document(command.clone()).opens_field();
        let typed = if opens_field { std::mem::take(&mut self.typed) } else { String::new() };
        if let Some(document) = self.tabs.get_mut(tab).and_then(|tab| tab.document_mut()) {
            document.run(command);
            document.write(command, &typed);
        }
    }

    fn scale(&mut self, ui: &Ui, percent: u16) {
        self.settings.edit().scale_percent = percent;
        ui.ctx().set_zoom_factor(f32::from(percent) / 100.0);
    }

    fn reset_layout(&mut self) {
        self.settings.edit().panels = Panels::default();
        self.layout += 1;
        self.narrow = CompactPanels::default();
        for (_, tab) in self.tabs.iter_mut() {
            if let Some(document) = tab.document_mut() {
                document.run(&DocumentCommand::ResetColumns);
                document.run(&DocumentCommand::Layout(Layout::Both));
                document.ui.graph_share = GRAPH_SHARE;
            }
        }
        self.toasts.push(Kind::Info, "The layout was reset");
    }

    fn reset(&mut self, ui: &Ui) {
        self.settings.reset();
        self.layout += 1;
        self.narrow = CompactPanels::default();
        self.apply_settings(ui.ctx());
        *self.presets.write() = Presets::default();
        self.recorder.wpr.clear();
        self.recorder.folder.clear();
        if self.recorder.wpr_status.is_some() {
            self.find_recorder();
        }
        self.reset_documents();
        self.toasts.push(Kind::Info, "All settings were reset");
    }

    /// Open traces are shown as if they had just been opened for the first time.
    fn reset_documents(&mut self) {
        let open =
            |(id, tab): (TabId, &Tab)| tab.document().map(|old| (id, old.source.clone(), Arc::clone(&old.trace)));
        let open: Vec<_> = self.tabs.iter().filter_map(open).collect();
        for (id, source, trace) in open {
            // Answers for the document before must not reach the new one.
            self.jobs.give_up(id);
            let mut document = Document::new(source, trace, Arc::clone(&self.presets));
            self.begin_symbols(&mut document);
            if let Some(tab) = self.tabs.get_mut(id) {
                tab.since_reset = SinceReset::Begins;
                discard(std::mem::replace(&mut tab.content, Content::Open(Box::new(document))));
            }
        }
    }

    /// Once the user turns to a tab, no load that finishes takes it from the front.
    fn activate_tab(&mut self, go: impl FnOnce(&mut Self)) {
        self.wanted = None;
        go(self);
    }

    fn cancel(&mut self, id: TabId) {
        self.jobs.cancel_load(id);
        let Some(tab) = self.tabs.get_mut(id) else { return };
        self.toasts.push(Kind::Info, format!("Opening {} was canceled", tab.source.name()));
        // What was to be loaded again is still there as it was.
        if tab.reload.take().is_none() {
            self.close(id);
        }
    }
}

/// The next of the sizes that can be chosen; the same at the ends.
fn next_scale(now: u16, up: bool) -> u16 {
    let next =
        if up { SCALES.iter().find(|scale| **scale > now) } else { SCALES.iter().rev().find(|scale| **scale < now) };
    next.copied().unwrap_or(now)
}
