//! Symbols as the window serves them: what the user chose goes to all traces, files that were asked for go where they
//! belong, and the box with the symbol path gets what it wants to know. It searches for nothing itself.

use poolscope_analysis::group::wrapper_rules::WrapperRules;
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::Ui;
use poolscope_symbols::path::MICROSOFT_SERVER;

use super::App;
use crate::gui::commands::{Command, SymbolsCommand};
use crate::gui::dialogs::open_file::OpenFileDialog;
use crate::gui::dialogs::symbol_path::{self, SymbolPathAction, SymbolPathDialog};
use crate::gui::dialogs::wrapper_rules;
use crate::gui::document::Document;
use crate::gui::jobs::TabId;
use crate::gui::jobs::case::CaseSource;
use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::load::Source;
use crate::gui::jobs::path_check::PathNews;
use crate::gui::model::symbols::Phase;
use crate::gui::shell::toasts::Kind;
use crate::gui::widgets::modal::DialogAction;
use crate::symbols::SymbolOptions;

impl App {
    /// Symbol path and options.
    pub(super) fn symbol_choice(&self) -> SymbolOptions {
        let symbols = &self.settings.get().symbols;
        SymbolOptions { path: symbols.path.clone(), offline: symbols.offline }
    }

    /// Names come after the trace: those at hand by themselves, those of servers if the user wants that.
    pub(super) fn begin_symbols(&self, document: &mut Document) {
        document.set_symbol_choice(self.symbol_choice());
        let text = self.settings.get().symbols.look_through.join("\n");
        if !text.trim().is_empty() {
            // Lines that are no rules were named when they were written.
            let (rules, _) = WrapperRules::built_in().extended_with(&text);
            document.results.names = Arc::new(document.results.names.with_wrapper_rules(Arc::new(rules)));
        }
        document.set_tag_choice(self.tag_choice());
        document.load_symbols_first(self.settings.get().symbols.automatic);
    }

    /// Applies the symbol options to all open traces. Running searches restart; with `restart` all searches do.
    pub(super) fn apply_symbol_choice(&mut self, restart: bool) {
        let (choice, automatic) = (self.symbol_choice(), self.settings.get().symbols.automatic);
        for (_, tab) in self.tabs.iter_mut() {
            if let Some(document) = tab.document_mut() {
                document.set_symbol_choice(choice.clone());
                let begins = restart || document.results.symbols.phase == Phase::Running;
                if begins && automatic && !document.lacks_stacks() {
                    document.load_symbols(None);
                } else if begins {
                    document.load_symbols_first(false);
                }
            }
        }
    }

    pub(super) fn toggle_offline(&mut self) {
        let symbols = &mut self.settings.edit().symbols;
        symbols.offline = !symbols.offline;
        let may_find_more = !symbols.offline && symbols.automatic;
        self.apply_symbol_choice(may_find_more);
    }

    pub(super) fn toggle_automatic(&mut self) {
        let symbols = &mut self.settings.edit().symbols;
        symbols.automatic = !symbols.automatic;
        if symbols.automatic {
            self.apply_symbol_choice(true);
        }
    }

    /// Asks for the PDB of a module.
    pub(super) fn ask_pdb(&mut self, tab: TabId, command: SymbolsCommand) {
        let document = self.tabs.get(tab).and_then(|tab| tab.document());
        if let Some((at, module)) = document.and_then(|document| document.asks_pdb(command)) {
            self.jobs.pick_file(Asked::Pdb { tab, at, module });
        }
    }

    /// Applies a file that the user has chosen.
    pub(super) fn apply_file(&mut self, asked: Asked, path: PathBuf) {
        match asked {
            Asked::Trace => self.open(Source::File(path)),
            Asked::CaseFolder => self.open(Source::Case(CaseSource { paths: vec![path], is_wanted: true })),
            Asked::Pdb { tab, at, .. } => {
                if let Some(document) = self.tabs.get_mut(tab).and_then(|tab| tab.document_mut()) {
                    document.open_pdb(at, path);
                }
            }
            Asked::SaveProfile(_)
            | Asked::SaveScript(_)
            | Asked::SaveRecording(_)
            | Asked::Snapshot
            | Asked::SaveSamples(_)
            | Asked::Recorder
            | Asked::RecordingFolder => self.take_recording_file(&asked, path),
            Asked::ExportPresets(_) | Asked::ImportPresets => self.exchange_presets(&asked, path),
            Asked::PoolTags | Asked::Drivers | Asked::StackTags => self.take_tag_source(&asked, &path),
            Asked::Export { tab, kind, .. } => self.take_export_file(tab, kind, path),
            Asked::SymbolFolder => {
                if let Some(state) = &mut self.dialogs.symbol_path {
                    state.add(&path.display().to_string());
                }
            }
        }
    }

    /// Opens the box with a path field where the system has no file dialog.
    pub(super) fn no_dialog(&mut self, asked: Asked) {
        self.dialogs.open = Some(OpenFileDialog::within(asked, self.settings.get().folder.as_ref()));
    }

    pub(super) fn open_symbol_path(&mut self) {
        let service = self.jobs.symbols();
        let chosen = self.settings.get().symbols.path.as_deref();
        let state = SymbolPathDialog::over(chosen, service.default_path(), service.is_from_environment());
        self.dialogs.symbol_path = Some(state);
    }

    pub(super) fn take_path_news(&mut self, news: PathNews) {
        let Some(state) = &mut self.dialogs.symbol_path else { return };
        match news {
            PathNews::Read(choice, path) => state.read = Some((choice.path, path)),
            PathNews::Checked(check) => state.checks.push(check),
            PathNews::Finished => state.checking = false,
        }
    }

    /// Draws the box with the symbol path, and gets it what it wants to know.
    pub(super) fn show_symbol_path(&mut self, ui: &Ui) {
        let offline = self.settings.get().symbols.offline;
        let Some(state) = &mut self.dialogs.symbol_path else { return };
        let action = symbol_path::show(ui, state, &format!("srv**{MICROSOFT_SERVER}"));
        let written = state.written();
        let choice = SymbolOptions { path: written.clone(), offline };
        if state.asked.as_ref() != Some(&written) {
            state.asked = Some(written.clone());
            state.checking = false;
            self.jobs.read_path(choice.clone());
        }
        match action {
            Some(DialogAction::Other(SymbolPathAction::Check)) => {
                state.checks.clear();
                state.checking = true;
                self.jobs.check_path(choice);
            }
            Some(DialogAction::Other(SymbolPathAction::AddFolder)) => self.jobs.pick_file(Asked::SymbolFolder),
            Some(DialogAction::Accept) => {
                self.close_symbol_path();
                if self.settings.get().symbols.path != written {
                    self.settings.edit().symbols.path = written;
                    self.apply_symbol_choice(true);
                }
            }
            Some(DialogAction::Close) => self.close_symbol_path(),
            None => {}
        }
    }

    /// Draws the box with the user's rules on wrapper functions.
    pub(super) fn show_look_through(&mut self, ui: &Ui) {
        let Some(text) = &mut self.dialogs.look_through else { return };
        let Some(action) = wrapper_rules::show(ui, text) else { return };
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        self.dialogs.look_through = None;
        if action == DialogAction::Accept && self.settings.get().symbols.look_through != lines {
            self.settings.edit().symbols.look_through = lines;
            if let Some(tab) = self.tabs.active() {
                let message = "The new rules apply to traces opened from now on";
                self.toasts.push_with(Kind::Info, message, "Reload", Command::Reload(tab));
            }
        }
    }

    fn close_symbol_path(&mut self) {
        self.dialogs.symbol_path = None;
        self.jobs.stop_path();
    }
}
