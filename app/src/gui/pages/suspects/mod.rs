//! The page of suspects, the worst first: verdict, growth, confidence, evidence and stack of each; and the options of the
//! analysis.

mod actions;
mod banner;
mod bar;
pub mod columns;
pub mod commands;
mod detail;
mod empty;
mod facts;
pub mod job;
pub mod marks;
mod stack;
pub mod state;
mod table;
pub mod texts;

use eframe::egui::{Align, Button, Frame, Id, Key, KeyboardShortcut, Label, Layout, Margin, Panel, RichText, Ui};

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, ctrl_shift};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::icons::{self, Icon};
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::data_quality::QualityLevel;
use crate::gui::model::page_id::PageId;
use crate::gui::model::recording_setup::SuggestedTag;
use crate::gui::pages::Page;
use crate::gui::shell::back;
use crate::gui::shell::quality;
use crate::gui::theme::{self, GRID, Palette};
use crate::{leak_text, recorded_range_text};
use commands::SuspectsCommand;
use job::LeaksAnswer;
use state::SuspectsState;

/// Height that the list keeps, in points.
const LIST: f32 = 72.0;
/// Greatest share of the height that the list has, until the user gives it another.
const LIST_SHARE: f32 = 0.42;
/// Steps in which the default height of the details changes with the window, in points.
const HEIGHT_STEP: f32 = 24.0;

/// The page.
pub static PAGE: SuspectsPage = SuspectsPage;

/// The analysis of what leaks; every other question is answered first, since the user is waiting for those.
pub const ANALYZE: &str = "analyze";

/// The ranked list of what leaks.
pub struct SuspectsPage;

impl Page for SuspectsPage {
    fn id(&self) -> PageId {
        PageId::SUSPECTS
    }

    fn title(&self) -> &'static str {
        "Suspects"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    /// L as in leaks; WPA has no such key.
    fn keys(&self) -> Vec<KeyboardShortcut> {
        vec![ctrl_shift(Key::L)]
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(SuspectsState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn show_banner(&self, ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
        banner::show(ui, document, commands);
    }

    fn suggested_tags(&self, document: &Document) -> Vec<SuggestedTag> {
        document.suspects().suggested_tags()
    }

    fn opened(&self, document: &mut Document, _from: PageId) {
        document.suspects_mut().wants_focus = true;
    }

    fn commands(&self) -> Vec<CommandSpec> {
        SuspectsCommand::rows()
    }

    fn run(&self, document: &mut Document, command: &'static str) {
        if let Some(command) = SuspectsCommand::of_id(command) {
            document.run_suspects(command);
        }
    }

    fn can(&self, document: &Document, command: &'static str) -> bool {
        SuspectsCommand::of_id(command).is_some_and(|command| document.can_suspects(command))
    }

    fn is_on(&self, document: &Document, command: &'static str) -> Option<bool> {
        document.suspects_on(SuspectsCommand::of_id(command)?)
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        match command {
            DocumentCommand::CopyRows | DocumentCommand::CopyStack => document.copy_suspects(command),
            DocumentCommand::Find => document.suspects_mut().wants_filter = true,
            DocumentCommand::GoToResponsible => {
                if let Some(at) = document.current_suspect() {
                    document.show_suspect_rows(at, true);
                }
            }
            _ => return false,
        }
        true
    }

    fn can_shared(&self, document: &Document, command: &DocumentCommand) -> Option<bool> {
        let is_copy = matches!(command, DocumentCommand::CopyRows | DocumentCommand::CopyStack);
        match command {
            DocumentCommand::GoToResponsible => Some(document.current_suspect().is_some()),
            DocumentCommand::Find => Some(!document.suspects().suspects().is_empty()),
            _ => is_copy.then(|| document.suspects().current().is_some()),
        }
    }

    fn update(&self, document: &mut Document) {
        document.ask_for_leaks();
    }

    fn work(&self, document: &mut Document, _job: &'static str) -> Option<PageWork> {
        let request = document.leaks_request();
        Some(Box::new(move |cancel| Some(Box::new(job::run(request, cancel)?))))
    }

    fn apply(&self, document: &mut Document, _job: &'static str, answer: PageAnswer) {
        if let Ok(answer) = answer.downcast::<LeaksAnswer>() {
            document.suspects_mut().take(*answer);
            document.land_on_suspect();
        }
    }

    fn job_failed(&self, document: &mut Document, _job: &'static str) -> &'static str {
        document.suspects_mut().broken = true;
        "the suspects"
    }

    fn selected_frame(&self, document: &Document) -> Option<String> {
        let at = document.current_suspect()?;
        let suspect = document.suspects().suspects().get(at)?;
        Some(suspect.function.clone()).filter(|function| !function.is_empty())
    }

    fn rows_changed(&self, document: &mut Document) {
        document.apply_pending_reveal();
    }
}

impl Document {
    /// State of the page of suspects.
    #[must_use]
    pub fn suspects(&self) -> &SuspectsState {
        self.page_state()
    }

    /// State of the page of suspects, to be changed.
    pub fn suspects_mut(&mut self) -> &mut SuspectsState {
        self.page_state_mut()
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut SuspectsState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, document, commands);
        if let Some(why) = empty::why(document) {
            return empty::show(ui, document, why, commands);
        }
        trust(ui, document, commands);
        ui.add_space(2.0 * GRID);
        let listed = state.listed();
        bar::show(ui, document, state, &listed, commands);
        ui.add_space(GRID);
        if document.are_leaks_outdated() {
            ui.multiply_opacity(0.6);
        }
        if state.current().is_some() && !listed.is_empty() {
            let whole = ui.available_height();
            let most = (whole - LIST).max(80.0);
            let height = detail_height(whole, listed.len()).clamp(80.0, most);
            // A height that the user chose holds as long as the window and the list are about as they were.
            let id = Id::unique(("suspect", (height / HEIGHT_STEP) as u32));
            Panel::bottom(id)
                .resizable(true)
                .default_size(height)
                .size_range(80.0..=most)
                .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                .show(ui, |ui| detail::show(ui, document, commands));
        }
        if listed.is_empty() {
            state.wants_focus = false;
            empty::no_rows(ui, state, commands);
        } else {
            table::show(ui, state, &listed, commands);
        }
    });
}

/// Height of what is known of the selected suspect: all that a list of `rows` rows leaves of the page.
fn detail_height(whole: f32, rows: usize) -> f32 {
    let list = theme::HEADER_HEIGHT + theme::ROW_HEIGHT * rows as f32 + 2.0 * theme::SCROLLBAR;
    whole - list.clamp(LIST, (whole * LIST_SHARE).max(LIST))
}

/// The page's name, the way back, and the sentence about all.
fn heading(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.heading("Suspects");
        back::button(ui, document, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| analyzed(ui, document));
    });
    let Some(shown) = &document.suspects().shown else { return };
    ui.add_space(GRID);
    ui.horizontal(|ui| {
        match marks::alarming(&shown.analysis.suspects) {
            Some(verdict) => drop(marks::icon(verdict).show(ui, marks::color(verdict, palette))),
            None => drop(Icon::Ring.show(ui, palette.dim)),
        }
        let text = RichText::new(leak_text::summary(&shown.analysis)).font(theme::strong_font());
        ui.add(Label::new(text).wrap());
    });
}

/// The analyzed range.
fn analyzed(ui: &mut Ui, document: &Document) {
    let Some(shown) = &document.suspects().shown else { return };
    if !shown.analysis.has_times {
        ui.weak("Debugger log without times");
        return;
    }
    let time = texts::analyzed_time(&shown.analysis, &document.trace.clock);
    ui.weak(format!("Analyzed {time}")).on_hover_text("The recorded part of the visible range, without the warm-up");
}

/// Line on what the trace lacks, which leads to the page about that.
fn trust(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let Some(shown) = &document.suspects().shown else { return };
    let trust = &shown.analysis.data_quality;
    let recorded = recorded_range_text::missing(&document.trace);
    let notes: Vec<String> =
        recorded.into_iter().chain(trust.issues.iter().map(leak_text::data_quality_note)).collect();
    if notes.is_empty() {
        return;
    }
    let palette = Palette::of(ui);
    let worst = quality::of_document(document).first().map_or(QualityLevel::Warning, |issue| issue.level);
    ui.horizontal_top(|ui| {
        icons::status_dot(ui, theme::ROW_HEIGHT, quality::color(worst.min(QualityLevel::Warning), palette));
        ui.spacing_mut().button_padding.x = 0.0;
        let text = RichText::new(notes.join(" \u{b7} ")).color(palette.dim);
        let line = ui.add(Button::new(text).wrap().frame_when_inactive(false));
        line.ctx.accesskit_node_builder(line.id, |node| node.set_label(format!("Data quality: {}", notes.join(" "))));
        if line.clicked() {
            commands.push(DocumentCommand::Page(PageId::TRACE_INFO).into());
        }
        let counters = leak_text::counter_comparison(trust);
        let all: Vec<String> = notes.into_iter().chain(counters).collect();
        line.on_hover_text(format!("{}\nClick: show the data quality", all.join("\n")));
    });
}
