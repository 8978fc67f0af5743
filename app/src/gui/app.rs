//! The application: owns the state, draws the views, carries out commands at the end of each frame, and takes in what the
//! background has finished. It reads no file and waits for nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, Ui};
use poolscope_core::job::Progress;

use super::OpenRequest;
use super::command::Command;
use super::jobs::dialog::PickFile;
use super::jobs::load::{Failure, LoadAnswer, LoadRequest, Loader, Source};
use super::jobs::{Answer, Jobs, TabId};
use super::state::document::{Document, Effect};
use super::theme::{self, Palette};
use super::views::loading::LoadingState;
use super::views::menu::MenuState;
use super::views::{analysis, details, empty, failure, loading, menu, open_box, start, status, summary};

/// How often a load's figures are drawn anew.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// The only tab.
const TAB: TabId = TabId(0);
/// Below this width the details are not shown, so that graph and table breathe.
const LEAST_WIDTH_FOR_DETAILS: f32 = 1000.0;
/// Below this width the summary is not shown either.
const LEAST_WIDTH_FOR_SUMMARY: f32 = 820.0;

struct Loading {
    source: Source,
    progress: Arc<Progress>,
    began: Instant,
}

/// The window's content.
pub struct App {
    jobs: Jobs,
    document: Option<Document>,
    loading: Option<Loading>,
    failure: Option<(Source, Failure)>,
    /// What happened last that leaves no other trace on the screen.
    notice: Option<String>,
    /// The Tab key is on its way from the last control to the first.
    tabbing: bool,
    /// What is written in the open box, while it is open.
    open_path: Option<String>,
    summary: bool,
    details: bool,
}

impl App {
    /// An application that loads and asks for files with what it is given, and begins with `open`.
    #[must_use]
    pub fn new(ctx: &egui::Context, loader: Arc<dyn Loader>, picker: Arc<dyn PickFile>, open: OpenRequest) -> Self {
        theme::install(ctx);
        // These keys belong to the time axis, as in WPA; the scale is in the menu.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let waker = ctx.clone();
        let mut app = Self {
            jobs: Jobs::new(loader, picker, Arc::new(move || waker.request_repaint())),
            document: None,
            loading: None,
            failure: None,
            notice: None,
            tabbing: false,
            open_path: None,
            summary: true,
            details: true,
        };
        match open {
            OpenRequest::Nothing => {}
            OpenRequest::File(path) => app.load(Source::File(path)),
            OpenRequest::Sample => app.load(Source::Sample),
        }
        app
    }

    /// The open trace.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    /// Whether something is being computed or loaded.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.loading.is_some() || self.document.as_ref().is_some_and(Document::is_busy)
    }

    /// Draws one frame and carries out what the user wants.
    pub fn show(&mut self, ui: &mut Ui) {
        self.take_answers(ui);
        let mut commands = Command::pressed(ui);
        self.dropped_files(ui, &mut commands);
        if let Some(document) = &mut self.document {
            document.set_dark(ui.visuals().dark_mode);
        }
        self.frame_panels(ui, &mut commands);
        self.centre(ui, &mut commands);
        if let Some(path) = &mut self.open_path {
            open_box::show(ui, path, &mut commands);
        }
        if let (Some((source, failure)), true) = (&self.failure, self.document.is_some()) {
            failure::dialog(ui, source, failure, &mut commands);
        }
        if self.loading.is_some() {
            ui.ctx().request_repaint_after(PROGRESS_EVERY);
        }
        self.give_keys_to_table(ui);
        drop_hint(ui);
        for command in commands {
            self.run(ui, command);
        }
        self.serve_document(ui);
    }

    fn take_answers(&mut self, ui: &Ui) {
        while let Some(answer) = self.jobs.answer() {
            match answer {
                Answer::Load { answer, .. } => self.loaded(ui, answer),
                Answer::Document { reply, .. } => {
                    if let Some(document) = &mut self.document {
                        document.take(reply);
                    }
                }
                Answer::Picked { path: Some(path), .. } => self.load(Source::File(path)),
                Answer::Picked { path: None, at_once } => {
                    if at_once {
                        self.open_path = Some(String::new());
                    }
                }
            }
        }
    }

    fn loaded(&mut self, ui: &Ui, answer: LoadAnswer) {
        self.loading = None;
        match answer.result {
            Ok(Some(trace)) => {
                self.failure = None;
                let title = format!("{} - poolscope", answer.source.name());
                ui.ctx().send_viewport_cmd(egui::ViewportCommand::Title(title));
                self.jobs.forget(TAB);
                self.document = Some(Document::new(answer.source, trace));
            }
            Ok(None) => {}
            Err(failure) => self.failure = Some((answer.source, failure)),
        }
    }

    fn dropped_files(&self, ui: &Ui, commands: &mut Vec<Command>) {
        let dropped = ui.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        commands.extend(dropped.map(Command::OpenPath));
    }

    fn frame_panels(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let palette = Palette::of(ui);
        let bar = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(8, 2));
        Panel::top("menu").frame(bar).show(ui, |ui| menu::show(ui, &self.menu_state(), commands));
        let busy = self.document.as_ref().is_some_and(Document::is_busy).then_some("computing");
        let words = busy.or(self.notice.as_deref());
        Panel::bottom("status")
            .exact_size(26.0)
            .frame(bar)
            .show(ui, |ui| status::show(ui, self.document.as_ref(), words));
        let side = Frame::new().fill(palette.panel).inner_margin(Margin::same(8));
        if let Some(document) = &self.document {
            let width = ui.ctx().content_rect().width();
            if self.summary && width >= LEAST_WIDTH_FOR_SUMMARY {
                Panel::left("summary").default_size(208.0).size_range(140.0..=360.0).frame(side).show(ui, |ui| {
                    summary::show(ui, document);
                });
            }
            if self.details && document.has_allocations() && width >= LEAST_WIDTH_FOR_DETAILS {
                Panel::right("details").default_size(264.0).size_range(180.0..=560.0).frame(side).show(ui, |ui| {
                    details::show(ui, document.details.as_ref(), commands);
                });
            }
            if let Some(state) = self.loading_state() {
                Panel::top("loading").frame(side).show(ui, |ui| loading::strip(ui, &state, commands));
            }
        }
    }

    fn centre(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let palette = Palette::of(ui);
        let loading = self.loading_state();
        CentralPanel::no_frame().frame(Frame::new().fill(palette.canvas)).show(ui, |ui| {
            if self.document.as_ref().is_some_and(|document| !document.has_allocations()) {
                empty::show(ui, commands);
            } else if let Some(document) = &mut self.document {
                analysis::show(ui, document, commands);
            } else if let Some(loading) = &loading {
                loading::page(ui, loading, commands);
            } else if let Some((source, failure)) = &self.failure {
                failure::page(ui, source, failure, commands);
            } else {
                start::show(ui, commands);
            }
        });
    }

    /// What the document wants: computing, the clipboard, a word to the user.
    fn serve_document(&mut self, ui: &Ui) {
        let Some(document) = &mut self.document else { return };
        for request in document.requests() {
            self.jobs.ask(TAB, request);
        }
        for effect in std::mem::take(&mut document.effects) {
            match effect {
                Effect::Copy(text) => ui.ctx().copy_text(text),
                Effect::Tell(words) => self.notice = Some(words),
            }
        }
    }

    /// Keys that nobody else has go to the table, so that the arrows work after a click anywhere.
    fn give_keys_to_table(&mut self, ui: &Ui) {
        let focused = ui.memory(|memory| memory.focused().is_some());
        let (tab, pressed) = ui.input(|input| (input.key_pressed(egui::Key::Tab), input.pointer.any_pressed()));
        // After the last control nobody has the keys for a moment; the first one is next.
        self.tabbing = tab || (self.tabbing && !focused && !pressed);
        if self.tabbing && !focused {
            ui.ctx().request_repaint();
        }
        let taken = self.tabbing
            || focused
            || self.open_path.is_some()
            || self.failure.is_some()
            || egui::Popup::is_any_open(ui.ctx());
        if !taken && let Some(document) = &mut self.document {
            document.table.request_focus();
        }
    }

    fn menu_state(&self) -> MenuState {
        let document = self.document.as_ref();
        MenuState {
            has_trace: document.is_some(),
            has_selection: document.is_some_and(|d| d.graph.selection().is_some()),
            can_go_back: document.is_some_and(|d| d.history.can_go_back()),
            has_stack: document.and_then(|d| d.details.as_ref()).is_some_and(|d| !d.stack.is_empty()),
            summary: self.summary,
            details: self.details,
        }
    }

    fn loading_state(&self) -> Option<LoadingState> {
        self.loading.as_ref().map(|loading| LoadingState {
            name: loading.source.name(),
            reading: loading.progress.read(),
            elapsed_s: loading.began.elapsed().as_secs_f64(),
        })
    }

    fn load(&mut self, source: Source) {
        let progress = Arc::new(Progress::default());
        self.failure = None;
        self.notice = None;
        self.jobs.load(TAB, LoadRequest { source: source.clone(), progress: Arc::clone(&progress) });
        self.loading = Some(Loading { source, progress, began: Instant::now() });
    }

    fn run(&mut self, ui: &Ui, command: Command) {
        match command {
            Command::Open => self.jobs.pick_file(),
            Command::OpenPath(path) => self.load(Source::File(path)),
            Command::OpenSample => self.load(Source::Sample),
            Command::CancelLoad => {
                self.jobs.cancel_load(TAB);
                self.notice = self.loading.take().map(|l| format!("Opening {} was cancelled", l.source.name()));
            }
            Command::Dismiss => self.failure = None,
            Command::CloseOpenBox => self.open_path = None,
            Command::Quit => ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Theme(theme) => ui.ctx().set_theme(theme),
            Command::Scale(factor) => ui.ctx().set_zoom_factor(factor),
            Command::ToggleSummary => self.summary = !self.summary,
            Command::ToggleDetails => self.details = !self.details,
            Command::Document(command) => {
                if let Some(document) = &mut self.document {
                    document.run(&command);
                }
            }
        }
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
    let text = "Let go to open the trace";
    painter.text(area.center(), egui::Align2::CENTER_CENTER, text, theme::strong_font(), palette.accent);
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }
}
