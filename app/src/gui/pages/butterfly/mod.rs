//! The page of callers and callees: who calls a function or module and whom it calls, with the bytes and allocations that pass
//! through it, and the paths through it that free beside those that do not. Enter walks to a caller or callee.

mod actions;
pub mod commands;
mod empty;
pub mod job;
pub mod lists;
pub mod state;

use eframe::egui::{Align, Frame, Key, KeyboardShortcut, Label, Layout, Margin, Modifiers, Popup, RichText, Ui, vec2};
use poolscope_analysis::butterfly::ButterflyUnit;

use crate::format;
use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand, Menu, ctrl_shift};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{Page, page};
use crate::gui::theme::{self, GRID, Palette};
use commands::ButterflyCommand;
use job::ButterflyAnswer;
use lists::ListKind;
use state::ButterflyState;

/// The page.
pub static PAGE: ButterflyPage = ButterflyPage;

/// The job that sums up callers and callees.
pub const SUM: &str = "sum";

/// Width from which the paths are beside callers and callees, in points.
const TWO_COLUMNS: f32 = 900.0;
/// Least height of a list, in points.
const LIST: f32 = 120.0;

/// Callers and callees of a function or module.
pub struct ButterflyPage;

impl Page for ButterflyPage {
    fn id(&self) -> PageId {
        PageId::BUTTERFLY
    }

    fn title(&self) -> &'static str {
        "Butterfly"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    /// U as in upwards to the callers; WPA has no such key.
    fn keys(&self) -> Vec<KeyboardShortcut> {
        vec![ctrl_shift(Key::U)]
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(ButterflyState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn opened(&self, document: &mut Document, from: PageId) {
        document.open_butterfly(from);
    }

    fn commands(&self) -> Vec<CommandSpec> {
        ButterflyCommand::rows()
    }

    fn run(&self, document: &mut Document, command: &'static str) {
        if let Some(command) = ButterflyCommand::of_id(command) {
            document.run_butterfly(command);
        }
    }

    fn can(&self, document: &Document, command: &'static str) -> bool {
        ButterflyCommand::of_id(command).is_some_and(|command| document.can_butterfly(command))
    }

    fn is_on(&self, document: &Document, command: &'static str) -> Option<bool> {
        document.butterfly_on(ButterflyCommand::of_id(command)?)
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        match own_command(command) {
            Some(own) => document.run_butterfly(own),
            None => return false,
        }
        true
    }

    fn can_shared(&self, document: &Document, command: &DocumentCommand) -> Option<bool> {
        own_command(command).map(|own| document.can_butterfly(own))
    }

    fn update(&self, document: &mut Document) {
        document.ask_for_butterfly();
    }

    fn work(&self, document: &mut Document, _job: &'static str) -> Option<PageWork> {
        let request = document.butterfly_request()?;
        Some(Box::new(move |cancel| Some(Box::new(job::run(request, cancel)?))))
    }

    fn apply(&self, document: &mut Document, _job: &'static str, answer: PageAnswer) {
        if let Ok(answer) = answer.downcast::<ButterflyAnswer>() {
            document.butterfly_mut().take(*answer);
        }
    }

    fn job_failed(&self, document: &mut Document, _job: &'static str) -> &'static str {
        document.butterfly_mut().broken = true;
        "the butterfly"
    }

    fn selected_frame(&self, document: &Document) -> Option<String> {
        document.butterfly().focus().map(|focus| focus.name.clone())
    }
}

/// The page's own command for a command that every page understands: Alt+Left and Alt+Right walk here.
fn own_command(command: &DocumentCommand) -> Option<ButterflyCommand> {
    match command {
        DocumentCommand::ZoomBack => Some(ButterflyCommand::Back),
        DocumentCommand::ZoomForward => Some(ButterflyCommand::Forward),
        DocumentCommand::CopyRows | DocumentCommand::CopyCell => Some(ButterflyCommand::CopyRow),
        DocumentCommand::FilterTo => Some(ButterflyCommand::FilterTo),
        _ => None,
    }
}

impl Document {
    /// State of the butterfly page.
    #[must_use]
    pub fn butterfly(&self) -> &ButterflyState {
        self.page_state()
    }

    /// State of the butterfly page, to be changed.
    pub fn butterfly_mut(&mut self) -> &mut ButterflyState {
        self.page_state_mut()
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut ButterflyState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, state, commands);
        ui.add_space(GRID);
        bar(ui, document, state, commands);
        ui.add_space(GRID);
        if let Some(why) = empty::why(document) {
            return empty::show(ui, document, why, commands);
        }
        if document.awaits_page(PageId::BUTTERFLY, SUM) {
            ui.multiply_opacity(0.6);
        }
        focus_line(ui, state);
        ui.add_space(GRID);
        all_lists(ui, document, state, commands);
    });
    let is_free = !ui.ctx().text_edit_focused() && !Popup::is_any_open(ui.ctx());
    if is_free && document.ui.dialog.is_none() {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            commands.push(DocumentCommand::Page(state.from).into());
        } else if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Backspace)) {
            commands.push(ButterflyCommand::Back.into());
        }
    }
}

fn heading(ui: &mut Ui, state: &ButterflyState, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.heading("Butterfly");
        let title = page(state.from).map_or_else(|| "Back".to_owned(), |page| format!("Back to {}", page.title()));
        if ui.button(title).on_hover_text("Escape").clicked() {
            commands.push(DocumentCommand::Page(state.from).into());
        }
    });
}

/// Back and forward, and what frames are joined by.
fn bar(ui: &mut Ui, document: &Document, state: &ButterflyState, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        for (command, title, tip) in [
            (ButterflyCommand::Back, "Back", "Previous function (Alt+Left or Backspace)"),
            (ButterflyCommand::Forward, "Forward", "Next function (Alt+Right)"),
        ] {
            let can = document.can_butterfly(command);
            let button = ui.add_enabled(can, eframe::egui::Button::new(title)).on_hover_text(tip);
            button.ctx.accesskit_node_builder(button.id, |node| node.set_label(command.title()));
            if button.clicked() {
                commands.push(command.into());
            }
        }
        ui.add_space(2.0 * GRID);
        let unit = state.focus().map(|focus| focus.unit).unwrap_or_default();
        for (wanted, title, tip) in [
            (ButterflyUnit::Function, "By function", "Callers and callees are functions"),
            (ButterflyUnit::Module, "By module", "Callers and callees are modules"),
        ] {
            let command = ButterflyCommand::Unit(wanted);
            let can = document.can_butterfly(command) || unit == wanted;
            let label = ui.add_enabled(can, eframe::egui::Button::selectable(unit == wanted, title)).on_hover_text(tip);
            label.ctx.accesskit_node_builder(label.id, |node| node.set_label(command.title()));
            if label.clicked() && unit != wanted {
                commands.push(command.into());
            }
        }
        if !document.query.filter.steps().is_empty() {
            ui.weak("Only rows that match the filter");
        }
    });
}

/// The function, and what passes through it.
fn focus_line(ui: &mut Ui, state: &ButterflyState) {
    let Some(shown) = &state.shown else { return };
    let found = &shown.butterfly;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(through(found.aggregate.impacting_size(), found.total.impacting_size(), &found.aggregate));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(&found.focus).font(theme::figure_font()).strong();
                ui.add(Label::new(name).truncate());
            });
        });
    });
}

/// The sums of the function in words.
fn through(impacting: u64, all: u64, sums: &poolscope_analysis::pivot::Aggregate) -> String {
    format!(
        "{} impacting ({} of all), {} in {}",
        format::bytes(impacting),
        format::share_of(impacting, all),
        format::bytes(sums.size()),
        format::counted(sums.count(), "allocation", "allocations"),
    )
}

/// Callers above callees; beside or below them the paths.
fn all_lists(ui: &mut Ui, document: &Document, state: &mut ButterflyState, commands: &mut Vec<Command>) {
    let (width, height) = (ui.available_width(), ui.available_height());
    if width < TWO_COLUMNS {
        let each = (height / 4.0 - 2.0 * GRID).max(LIST);
        eframe::egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for kind in ListKind::ALL {
                lists::show(ui, document, state, kind, each, commands);
            }
        });
        return;
    }
    let gap = 4.0 * GRID;
    let left = ((width - gap) * 0.5).floor();
    let each = (height / 2.0 - GRID).max(LIST);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (at, kinds) in
            [[ListKind::Callers, ListKind::Callees], [ListKind::Keeping, ListKind::Freeing]].iter().enumerate()
        {
            if at > 0 {
                ui.add_space(gap);
            }
            ui.allocate_ui_with_layout(vec2(left, height), Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0 * GRID;
                ui.set_width(left);
                kinds.iter().for_each(|kind| lists::show(ui, document, state, *kind, each, commands));
            });
        }
    });
}
