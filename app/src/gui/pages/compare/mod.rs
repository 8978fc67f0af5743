//! The compare page: two open traces, or two ranges of one. A sentence says what got worse; below it the curves of both sides and
//! the rows by growth. It computes nothing itself.

mod actions;
mod bar;
mod commands;
mod edits;
mod empty;
mod graph;
pub mod job;
pub mod rows;
pub mod sides;
pub mod state;

use eframe::egui::{Frame, Key, KeyboardShortcut, Label, Margin, Rect, RichText, Sense, Stroke, Ui, UiBuilder};
use poolscope_analysis::compare::finding::worse;
use serde_json::Value;

use crate::compare_text;
use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, ctrl_shift};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::icons;
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::page_id::PageId;
use crate::gui::pages::Page;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::pivot_table::{PivotTable, tab_separated};
use commands::ComparePageCommand;
use job::{CompareAnswer, CompareFound, CurvesOfSides};
use rows::CompareRows;
use state::ComparePageState;

/// The page.
pub static PAGE: ComparePage = ComparePage;

/// The job that compares.
pub const COMPARE: &str = "compare";
/// The job that draws the curves of the selected rows.
pub const CURVES: &str = "curves";
/// The job that looks for a text.
pub const FIND: &str = "find";

/// Least height of graph and table, in points.
const LEAST_HEIGHT: f32 = 110.0;

/// Baseline and comparison.
pub struct ComparePage;

impl Page for ComparePage {
    fn id(&self) -> PageId {
        PageId::COMPARE
    }

    fn title(&self) -> &'static str {
        "Compare"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    /// N as in WPA's new comparative analysis view.
    fn keys(&self) -> Vec<KeyboardShortcut> {
        vec![ctrl_shift(Key::N)]
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(ComparePageState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn opened(&self, document: &mut Document, from: PageId) {
        let state = document.comparison_mut();
        if from != PageId::COMPARE {
            state.from = from;
        }
        state.table.request_focus();
    }

    fn commands(&self) -> Vec<CommandSpec> {
        ComparePageCommand::rows()
    }

    fn run(&self, document: &mut Document, command: &'static str) {
        if let Some(command) = ComparePageCommand::of_id(command) {
            document.run_compare(command);
        }
    }

    fn can(&self, document: &Document, command: &'static str) -> bool {
        ComparePageCommand::of_id(command).is_some_and(|command| document.can_compare(command))
    }

    fn is_on(&self, document: &Document, command: &'static str) -> Option<bool> {
        document.compare_on(ComparePageCommand::of_id(command)?)
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        match command {
            DocumentCommand::Find => document.open_compare_search(),
            DocumentCommand::FindNext => document.step_compare_match(true),
            DocumentCommand::FindPrevious => document.step_compare_match(false),
            DocumentCommand::EditQuery => document.comparison_mut().wants_query = true,
            DocumentCommand::CopyRows => document.copy_compared_rows(),
            DocumentCommand::CopyStack => document.copy_compared_stack(),
            DocumentCommand::ExpandBelow => document.expand_compared(),
            DocumentCommand::FilterTo => document.filter_compared(false),
            DocumentCommand::FilterOut => document.filter_compared(true),
            DocumentCommand::Undo => document.comparison_mut().undo(true),
            DocumentCommand::Redo => document.comparison_mut().undo(false),
            DocumentCommand::FilterClear => document.comparison_mut().clear_filter(),
            _ => return false,
        }
        true
    }

    fn can_shared(&self, document: &Document, command: &DocumentCommand) -> Option<bool> {
        let state = document.comparison();
        match command {
            DocumentCommand::Find | DocumentCommand::EditQuery => Some(true),
            DocumentCommand::FindNext | DocumentCommand::FindPrevious => {
                Some(state.search.as_ref().is_some_and(|text| !text.trim().is_empty()))
            }
            DocumentCommand::CopyRows | DocumentCommand::FilterTo | DocumentCommand::FilterOut => {
                Some(!state.table.selected().is_empty())
            }
            DocumentCommand::Undo => Some(state.edits.can_undo()),
            DocumentCommand::Redo => Some(state.edits.can_redo()),
            DocumentCommand::FilterClear => Some(!state.steps.is_empty() || !state.query.is_empty()),
            DocumentCommand::CopyStack => Some(!document.compared_frames().is_empty()),
            DocumentCommand::ExpandBelow => Some(state.table.cursor().is_some()),
            _ => None,
        }
    }

    fn update(&self, document: &mut Document) {
        document.ask_for_comparison();
    }

    fn work(&self, document: &mut Document, job: &'static str) -> Option<PageWork> {
        if job == CURVES {
            let question = document.comparison().curves_asked.clone()?;
            return Some(Box::new(move |cancel| Some(Box::new(job::curves(question, cancel)?))));
        }
        if job == FIND {
            let request = document.compare_find_request()?;
            return Some(Box::new(move |cancel| Some(Box::new(job::find_rows(request, cancel)?))));
        }
        let state = document.comparison();
        let request = job::CompareRequest { question: state.asked.clone()?, known: state.answer.clone() };
        let (order, expanded) = (state.order(), state.expanded.clone());
        Some(Box::new(move |cancel| {
            let answer = job::run(request, cancel)?;
            let measure = answer.question.measure;
            // Sums of rows take time with many groups.
            let rows = answer.shown.clone().map(|shown| CompareRows::new(shown, measure, order, &expanded));
            let answer: Box<(CompareAnswer, Option<CompareRows>)> = Box::new((answer, rows));
            Some(answer)
        }))
    }

    fn apply(&self, document: &mut Document, _job: &'static str, answer: PageAnswer) {
        let answer = match answer.downcast::<(CompareAnswer, Option<CompareRows>)>() {
            Ok(answer) => return document.apply_comparison(*answer),
            Err(answer) => answer,
        };
        match answer.downcast::<CurvesOfSides>() {
            Ok(curves) => document.apply_compared_curves(*curves),
            Err(answer) => drop(answer.downcast::<CompareFound>().map(|found| document.apply_compare_found(*found))),
        }
    }

    fn job_failed(&self, document: &mut Document, job: &'static str) -> &'static str {
        match job {
            CURVES => "the curves of both sides",
            FIND => "the search",
            _ => {
                document.comparison_mut().broken = true;
                "the comparison"
            }
        }
    }

    fn remember(&self, document: &Document) -> Option<Value> {
        serde_json::to_value(&document.comparison().look).ok()
    }

    fn restore(&self, document: &mut Document, value: Value) {
        if let Ok(look) = serde_json::from_value(value) {
            document.comparison_mut().look = look;
        }
    }
}

impl Document {
    /// State of the compare page.
    #[must_use]
    pub fn comparison(&self) -> &ComparePageState {
        self.page_state()
    }

    /// State of the compare page, to be changed.
    pub fn comparison_mut(&mut self) -> &mut ComparePageState {
        self.page_state_mut()
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let had_text = ui.ctx().text_edit_focused();
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, state, commands);
        ui.add_space(GRID);
        if empty::without_sides(ui, document, state, commands) {
            return;
        }
        bar::sides(ui, document, state, commands);
        bar::figures(ui, document, state, commands);
        if let Some(why) = empty::why(document, state) {
            return empty::show(ui, document, state, why, commands);
        }
        summary(ui, state);
        ui.add_space(GRID);
        both(ui, document, state, commands);
    });
    let free = ui.memory(|memory| memory.is_above_modal_layer(ui.layer_id()));
    let escape = ui.input(|input| input.key_pressed(Key::Escape));
    if escape && free && !had_text && !eframe::egui::Popup::is_any_open(ui.ctx()) {
        if state.search.take().is_some() {
            state.table.request_focus();
        } else {
            commands.push(DocumentCommand::Page(back(state).0).into());
        }
    }
}

/// The page that Escape and the button lead back to, and the button's title.
fn back(state: &ComparePageState) -> (PageId, &'static str) {
    match state.from {
        PageId::SUSPECTS => (PageId::SUSPECTS, "Back to Suspects"),
        PageId::FLAME => (PageId::FLAME, "Back to Flame graph"),
        _ => (PageId::ANALYSIS, "Back to Analysis"),
    }
}

fn heading(ui: &mut Ui, state: &ComparePageState, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.heading("Compare");
        let (page, title) = back(state);
        if ui.button(title).on_hover_text("Escape").clicked() {
            commands.push(DocumentCommand::Page(page).into());
        }
    });
}

/// The sentence about what got worse, and notes on the figures.
fn summary(ui: &mut Ui, state: &ComparePageState) {
    let Some(answer) = &state.answer else { return };
    let Ok(whole) = &answer.whole else { return };
    let palette = Palette::of(ui);
    let sentence = compare_text::summary(whole, &answer.findings);
    let is_worse = worse(&answer.findings).next().is_some();
    ui.add_space(GRID);
    ui.horizontal_wrapped(|ui| {
        icons::status_dot(ui, 9.0, if is_worse { palette.bad } else { palette.good });
        ui.add(Label::new(RichText::new(sentence).font(theme::strong_font())).wrap());
    });
    for note in compare_text::notes(whole, "\"Per second\"") {
        ui.weak(note);
    }
}

/// The graph above the table, with a line between them that can be dragged.
fn both(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    let whole = ui.available_rect_before_wrap();
    let most = (whole.height() - LEAST_HEIGHT).max(LEAST_HEIGHT);
    let height = (whole.height() * state.look.graph_share).clamp(LEAST_HEIGHT, most);
    let (above, below) = whole.split_top_bottom_at_y(whole.top() + height);
    let part = |ui: &mut Ui, name: &str, rect: Rect, draw: &mut dyn FnMut(&mut Ui)| {
        ui.scope_builder(UiBuilder::new().id_salt(name).max_rect(rect), |ui| {
            ui.set_clip_rect(rect.intersect(ui.clip_rect()));
            draw(ui);
        });
    };
    part(ui, "curves", above, &mut |ui| graph::show(ui, document, state));
    part(ui, "rows", below, &mut |ui| table(ui, document, state, commands));
    let line = above.bottom();
    let grip = Rect::from_x_y_ranges(whole.x_range(), line - 3.0..=line + 3.0);
    let response = ui.interact(grip, ui.scope_id().with("compare splitter"), Sense::DRAG);
    let palette = Palette::of(ui);
    let lit = response.hovered() || response.dragged();
    let color = if lit { palette.accent } else { palette.line };
    ui.painter().hline(whole.x_range(), line, Stroke::new(if lit { 2.0 } else { 1.0 }, color));
    if lit {
        ui.ctx().set_cursor_icon(eframe::egui::CursorIcon::ResizeVertical);
    }
    if response.dragged() {
        state.look.graph_share = ((height + response.drag_delta().y) / whole.height().max(1.0)).clamp(0.1, 0.9);
    }
    ui.advance_cursor_after_rect(whole);
}

fn table(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    ui.add_space(GRID);
    if state.search.is_some() {
        bar::search(ui, document, state, commands);
    }
    let Some(rows) = state.rows.clone() else { return };
    let rows = rows.lock();
    if rows.comparison().groups().is_empty() {
        drop(rows);
        return empty::no_rows(ui, state);
    }
    let free = ui.memory(|memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id()));
    let tabbing = ui.input(|input| input.key_pressed(Key::Tab));
    if free && !tabbing && !eframe::egui::Popup::is_any_open(ui.ctx()) && !state.wants_search && !state.wants_query {
        state.table.request_focus();
    }
    let dimmed = document.awaits_page(PageId::COMPARE, COMPARE);
    let mut table = state.table.clone();
    let mut choice = None;
    let mut menu = |ui: &mut Ui, column: Option<u32>| bar::header_menu(ui, state, column, &mut choice);
    let mut row_menu = |ui: &mut Ui, _| {
        for command in [
            DocumentCommand::FilterTo,
            DocumentCommand::FilterOut,
            DocumentCommand::CopyRows,
            DocumentCommand::CopyStack,
            DocumentCommand::ExpandBelow,
            DocumentCommand::Find,
        ] {
            if ui.button(command.title()).clicked() {
                ui.close();
                commands.push(command.into());
            }
        }
    };
    let actions = PivotTable::new("Comparison", &*rows, &mut table)
        .dimmed(dimmed)
        .header_menu(&mut menu)
        .row_menu(&mut row_menu)
        .show(ui);
    drop(rows);
    state.table = table;
    state.apply_header_choice(choice);
    for action in actions {
        if let Some(text) = state.table_action(action) {
            ui.ctx().copy_text(text);
        }
    }
}

/// The selected rows as tab-separated text.
fn selected_text(state: &ComparePageState) -> Option<String> {
    use crate::gui::widgets::pivot_table::TreeModel as _;
    let rows = state.rows.as_ref()?.lock();
    let mut places: Vec<u64> = state.table.selected().iter().filter_map(|row| rows.index_of(*row)).collect();
    places.sort_unstable();
    (!places.is_empty()).then(|| tab_separated(&*rows, places.into_iter()))
}
