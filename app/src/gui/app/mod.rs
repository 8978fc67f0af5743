//! The application: owns the state, draws the views, carries out commands at the end of each frame, and applies the answers of
//! background jobs. It reads no file and waits for nothing.

mod association;
mod command_state;
mod dialogs;
mod escape;
mod export;
mod open;
mod open_traces;
mod pages;
mod panels;
mod recorder;
mod recording;
mod remembered;
mod run;
mod settings;
mod symbols;
pub mod tabs;
mod tag_sources;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::text_selection::LabelSelectionState;
use eframe::egui::{self, CentralPanel, Frame, Ui};

use crate::gui::OpenRequest;
use crate::gui::clipboard::RichClipboard;
use crate::gui::commands::{Command, DocumentCommand, OpenModal};
use crate::gui::document::{Document, Effect, SearchOrder, SharedPresets};
use crate::gui::jobs::dialog::{Asked, PickFile};
use crate::gui::jobs::load::{Loader, Source};
use crate::gui::jobs::symbols::SymbolService;
use crate::gui::jobs::{Answer, Jobs, TabId, Workers};
use crate::gui::model::page_id::PageId;
use crate::gui::model::recorder::RecorderState;
use crate::gui::model::recording_setup::RecordingSetup;
use crate::gui::pages::{WindowState, window_page};
use crate::gui::settings::Settings;
use crate::gui::settings::store::Store;
use crate::gui::shell::tabs as tab_view;
use crate::gui::shell::toasts::{Kind, Toasts};
use crate::gui::theme;
use crate::gui::theme::Palette;
use crate::wpr;
use dialogs::Dialogs;
use pages::AllPages;
use panels::CompactPanels;
use settings::SettingsStore;
use tabs::Tabs;

use crate::association::Association;

/// Seconds for which the status bar shows a message.
const NOTE_S: f64 = 5.0;
/// Interval between redraws of a load's progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// The window's content.
pub struct App {
    jobs: Jobs,
    association: Arc<dyn Association>,
    clipboard: Arc<dyn RichClipboard>,
    tabs: Tabs,
    /// The tab that comes to the front when its trace is loaded: the last one requested, until the user activates another.
    wanted: Option<TabId>,
    /// The last title that the window was given.
    title: String,
    toasts: Toasts,
    /// The presets that all traces share.
    presets: SharedPresets,
    /// The Tab key is on its way from the last control to the first.
    tabbing: bool,
    /// Dialogs of the window.
    dialogs: Dialogs,
    /// Settings.
    settings: SettingsStore,
    /// Number of the layout: panels of a new one have the sizes of the settings.
    layout: u32,
    narrow: CompactPanels,
    /// Text that was typed for a field that is about to open.
    typed: String,
    /// Message in the status bar and the time when it ends, in seconds of the window's clock.
    note: Option<(String, f64)>,
    /// Time at which the state of the traces is saved in the settings, in seconds of the window's clock.
    remember_at: Option<f64>,
    /// Recent files that no longer exist.
    missing: BTreeSet<PathBuf>,
    /// True if `missing` was looked up for the start page.
    looked: bool,
    /// True if a text field had the keyboard in the last frame.
    had_text_keys: bool,
    /// Settings of the recording page.
    setup: RecordingSetup,
    /// The recording on this machine.
    recorder: RecorderState,
}

/// Services that the window is given.
pub struct Services {
    /// Turns files into traces.
    pub loader: Arc<dyn Loader>,
    /// Asks the user for files.
    pub picker: Arc<dyn PickFile>,
    /// Finds names.
    pub symbols: Arc<dyn SymbolService>,
    /// Makes recordings on this machine.
    pub recorder: Arc<dyn wpr::Recorder>,
    /// Store of the settings.
    pub store: Arc<dyn Store>,
    /// Keeps what files are opened with.
    pub association: Arc<dyn Association>,
    /// Takes texts with HTML.
    pub clipboard: Arc<dyn RichClipboard>,
}

impl App {
    /// An application that loads, asks for files and remembers with what it is given, and begins with `open`.
    #[must_use]
    pub fn new(ctx: &egui::Context, services: Services, open: OpenRequest) -> Self {
        theme::install(ctx);
        // These keys belong to the time axis, as in WPA; the scale is in the menu.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let waker = ctx.clone();
        let Services { loader, picker, symbols, recorder, store, association, clipboard } = services;
        let (settings, warnings) = SettingsStore::open(store);
        let places = settings.get().recording.clone();
        let scratch = recorder.scratch();
        let workers = Workers { loader, picker, symbols, recorder };
        let mut app = Self {
            jobs: Jobs::new(workers, Arc::new(move || waker.request_repaint())),
            association,
            clipboard,
            tabs: Tabs::default(),
            wanted: None,
            title: String::new(),
            toasts: Toasts::default(),
            presets: SharedPresets::default(),
            tabbing: false,
            dialogs: Dialogs::default(),
            settings,
            layout: 0,
            narrow: CompactPanels::default(),
            typed: String::new(),
            note: None,
            remember_at: None,
            missing: BTreeSet::new(),
            looked: false,
            had_text_keys: false,
            setup: RecordingSetup::default(),
            recorder: RecorderState::with_places(places.wpr, places.folder, scratch),
        };
        app.apply_settings(ctx);
        app.read_presets();
        for warning in warnings {
            app.toasts.push(Kind::Error, warning);
        }
        match open {
            OpenRequest::Nothing => {}
            OpenRequest::File(path) => app.open(Source::File(path)),
            OpenRequest::Files(paths) => app.open_files(paths),
            OpenRequest::Sample => app.open(Source::Sample),
        }
        app
    }

    /// The trace in front.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.tabs.document()
    }

    /// The trace in front, to be changed.
    pub fn document_mut(&mut self) -> Option<&mut Document> {
        self.tabs.document_mut()
    }

    /// All open traces, the oldest first.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.tabs.iter().filter_map(|(_, tab)| tab.document())
    }

    /// Settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.settings.get()
    }

    /// Returns whether something is being computed or loaded.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.recorder.phase.is_busy()
            || self.setup.snapshots.is_busy()
            || self.tabs.iter().any(|(_, tab)| tab.loading().is_some() || tab.document().is_some_and(Document::is_busy))
    }

    /// Draws one frame and carries out what the user wants.
    pub fn show(&mut self, ui: &mut Ui) {
        self.take_answers(ui);
        self.share_open_traces();
        self.guard_closing(ui);
        self.feed_recording(ui);
        if let Some(request) = self.setup.snapshots.series_request() {
            self.jobs.snapshot_series(request);
        }
        let is_escape_free = self.is_escape_free(ui);
        let mut commands = Command::pressed(ui, self.open_modal());
        if commands.iter().any(Command::opens_field) {
            self.typed.push_str(&take_text(ui));
        }
        let entries = self.entries(ui);
        dropped_files(ui, &mut commands);
        let dark = ui.visuals().dark_mode;
        self.tabs.iter_mut().filter_map(|(_, tab)| tab.document_mut()).for_each(|document| document.set_dark(dark));
        self.frame_panels(ui, &entries, &mut commands);
        self.centre(ui, &mut commands);
        self.show_boxes(ui, &entries, &mut commands);
        if self.tabs.iter().any(|(_, tab)| tab.loading().is_some()) {
            ui.ctx().request_repaint_after(PROGRESS_EVERY);
        }
        self.watch_recorder(ui);
        self.keep_recorder_places();
        drop_hint(ui);
        commands.extend(self.unclaimed_copy(ui));
        commands.extend(self.unclaimed_escape(ui, is_escape_free));
        self.had_text_keys = ui.ctx().text_edit_focused();
        if !commands.is_empty() {
            // What a command changes is seen in the next frame, and nothing else may ask for one.
            ui.ctx().request_repaint();
        }
        // Actions in widgets are drawn already; the keys of this frame come after them.
        commands.sort_by_key(|command| !command.is_widget_action());
        for command in commands {
            self.run(ui, command);
        }
        // After the commands: one of them may have opened a field that takes the keyboard.
        self.give_keys_to_table(ui);
        self.serve_documents(ui);
        self.update_title(ui);
        if let Some(error) = self.settings.keep(ui) {
            self.toasts.push(Kind::Error, format!("The settings cannot be saved: {error}"));
        }
    }

    fn apply_settings(&self, ctx: &egui::Context) {
        let settings = self.settings.get();
        ctx.set_theme(settings::preference(settings.theme));
        ctx.set_zoom_factor(f32::from(settings.scale_percent) / 100.0);
    }

    /// Returns whether a dialog is open, which has the keyboard.
    fn is_modal_open(&self) -> bool {
        self.dialogs.any()
            || self.recorder.question.is_some()
            || self.document().is_some_and(|document| document.ui.dialog.is_some())
    }

    /// The kind of dialog that is open, which decides which keys work over it.
    fn open_modal(&self) -> OpenModal {
        let is_other_open =
            self.recorder.question.is_some() || self.document().is_some_and(|document| document.ui.dialog.is_some());
        match (self.is_modal_open(), self.dialogs.is_help_alone() && !is_other_open) {
            (false, _) => OpenModal::None,
            (true, true) => OpenModal::Help,
            (true, false) => OpenModal::Dialog,
        }
    }

    fn take_answers(&mut self, ui: &Ui) {
        while let Some(answer) = self.jobs.answer() {
            match answer {
                Answer::Load { tab, answer } => self.loaded(tab, answer),
                Answer::Identified { tab, path, .. } => self.identified(tab, path),
                Answer::Document { tab, reply, .. } => {
                    if let Some(document) = self.tabs.get_mut(tab).and_then(|tab| tab.document_mut()) {
                        document.take(reply);
                    }
                }
                Answer::Symbols { tab, news, .. } => {
                    if let Some(document) = self.tabs.get_mut(tab).and_then(|tab| tab.document_mut()) {
                        document.take_symbols(news);
                    }
                }
                Answer::Changed { tab, change } => self.changed(tab, change),
                Answer::Listed { folder, entries } => {
                    if let Some(state) =
                        self.dialogs.open.as_mut().filter(|state| state.asked.as_ref() == Some(&folder))
                    {
                        state.listed = Some((folder, entries));
                    }
                }
                Answer::Missing(missing) => self.missing = missing,
                Answer::Path { news, .. } => self.take_path_news(news),
                Answer::Association(registration) => self.take_association(registration),
                Answer::Recorder { wpr_status, .. } => self.recorder.wpr_status = Some(wpr_status),
                Answer::Record { news, .. } => self.take_record_news(news, ui.input(|input| input.time)),
                Answer::Listing(answer) => self.setup.snapshots.take(answer),
                Answer::SnapshotSeries { number, view } => self.setup.snapshots.take_series(number, view),
                Answer::SamplingFailed(message) => self.sampling_failed(message),
                Answer::Saved(answer) => self.take_saved(answer),
                Answer::SourceNotOpened(why) => self.toasts.push(Kind::Error, why),
                Answer::Picked { asked, path: Some(path), .. } => self.apply_file(asked, path),
                Answer::Picked { asked, path: None, at_once: true } => self.no_dialog(asked),
                Answer::Picked { path: None, .. } => {}
            }
        }
    }

    fn centre(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        if self.tabs.is_empty() && !std::mem::replace(&mut self.looked, true) {
            let recent = self.settings.get().recent.iter().map(|recent| recent.path.clone());
            self.jobs.look_for(recent.collect());
        }
        let palette = Palette::of(ui);
        let active = self.tabs.active();
        let behind = self.loads_behind();
        let suggested = if self.tabs.is_recording_in_front() { self.suggestions() } else { Vec::new() };
        let turned = CentralPanel::no_frame().frame(Frame::new().fill(palette.canvas)).show(ui, |ui| {
            let mut window = WindowState {
                recent: &self.settings.get().recent,
                missing: &self.missing,
                setup: &mut self.setup,
                recorder: &mut self.recorder,
                suggested: &suggested,
            };
            if self.tabs.is_empty() {
                window_page(PageId::START).into_iter().for_each(|page| page.show(ui, &mut window, commands));
                return None;
            }
            let (tree, tabs, pages) = self.tabs.parts();
            let mut pages = AllPages { tabs, behind, active, pages, window };
            tab_view::show(ui, tree, active, &mut pages, commands)
        });
        if let Some(tab) = turned.inner {
            self.tabs.touch(tab);
            self.wanted = None;
        }
        self.tabs.settle();
    }

    /// Serves the documents: background work, the clipboard, messages.
    fn serve_documents(&mut self, ui: &Ui) {
        let mut presets_changed = false;
        for (id, tab) in self.tabs.iter_mut() {
            let Some(document) = tab.document_mut() else { continue };
            for request in document.requests() {
                self.jobs.ask(id, request);
            }
            match document.search_order_to_carry_out() {
                Some(SearchOrder::Begin(request)) => self.jobs.search(id, request),
                Some(SearchOrder::Cancel) => self.jobs.cancel_search(id),
                None => {}
            }
            for effect in std::mem::take(&mut document.effects) {
                match effect {
                    Effect::Copy(text) => ui.ctx().copy_text(text),
                    Effect::CopyRich(text) => {
                        if !self.clipboard.set(&text) {
                            ui.ctx().copy_text(text.text);
                        }
                    }
                    Effect::Export(kind, name) => self.jobs.pick_file(Asked::Export { tab: id, kind, name }),
                    Effect::Cancel(topic) => self.jobs.cancel(id, topic),
                    Effect::Pick(asked) => self.jobs.pick_file(asked),
                    Effect::PresetsChanged => presets_changed = true,
                    Effect::Status(message) => self.note = Some((message, ui.input(|input| input.time) + NOTE_S)),
                    Effect::Notify(message) => self.toasts.push(Kind::Info, message),
                }
            }
        }
        if presets_changed {
            self.write_presets();
        }
        self.note_resets();
        self.remember_soon(ui);
    }

    /// Copy for the selected rows, when it was pressed while neither a text field nor the table has the keyboard.
    fn unclaimed_copy(&self, ui: &Ui) -> Option<Command> {
        let asked = ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Copy)));
        let text_selected = ui.ctx().plugin::<LabelSelectionState>().lock().has_selection();
        let meant = asked && !text_selected && !self.is_modal_open() && !ui.ctx().text_edit_focused();
        let command = DocumentCommand::CopyRows;
        let can = self.document().is_some_and(|document| document.can(&command));
        (meant && can).then_some(Command::Document(command))
    }

    /// Gives the table the keyboard if no other widget has it: the arrow keys work after a click anywhere.
    fn give_keys_to_table(&mut self, ui: &Ui) {
        let focused = ui.memory(|memory| memory.focused().is_some());
        let (tab, pressed) = ui.input(|input| (input.key_pressed(egui::Key::Tab), input.pointer.any_pressed()));
        // After the last control no widget has the keyboard for one frame; the first control is next.
        self.tabbing = tab || (self.tabbing && !focused && !pressed);
        if self.tabbing && !focused {
            ui.ctx().request_repaint();
        }
        let taken = self.tabbing || focused || self.is_modal_open() || egui::Popup::is_any_open(ui.ctx());
        if !taken
            && let Some(document) =
                self.tabs.document_mut().filter(|document| document.shows_table() && !document.awaits_keys())
        {
            document.ui.table.request_focus();
        }
    }

    fn update_title(&mut self, ui: &Ui) {
        let title = match self.tabs.active_tab() {
            Some(tab) => format!("{} - poolscope", tab.source.name()),
            None => match self.tabs.page_in_front().and_then(window_page) {
                Some(page) => format!("{} - poolscope", page.title()),
                None => "poolscope".to_owned(),
            },
        };
        if self.title != title {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

/// The text typed in this frame. A slow frame may contain a key that opens a field together with the text for that field.
fn take_text(ui: &Ui) -> String {
    let mut typed = String::new();
    ui.input_mut(|input| {
        input.events.retain(|event| match event {
            egui::Event::Text(text) => {
                typed.push_str(text);
                false
            }
            _ => true,
        });
    });
    typed
}

fn dropped_files(ui: &Ui, commands: &mut Vec<Command>) {
    let dropped: Vec<_> = ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    if !dropped.is_empty() {
        commands.push(Command::OpenPaths(dropped));
    }
}

/// Says what letting go of a file does, while one is held over the window.
fn drop_hint(ui: &Ui) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let palette = Palette::of(ui);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint"));
    let painter = ui.ctx().layer_painter(layer);
    let area = ui.ctx().content_rect();
    painter.rect_filled(area, 0.0, palette.canvas.gamma_multiply(0.85));
    let text = "Drop to open";
    painter.text(area.center(), egui::Align2::CENTER_CENTER, text, theme::strong_font(), palette.accent);
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    /// Only the window's place is left to the frame; the rest is in the settings.
    fn persist_egui_memory(&self) -> bool {
        false
    }
}
