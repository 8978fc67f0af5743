//! The page about the trace: its data quality, its properties, its images and its processes.

pub mod diagnostics;
mod modules;
mod processes;
mod summary;

use eframe::egui::{Align, Frame, Key, Layout, Margin, Modifiers, RichText, ScrollArea, TextEdit, Ui};

use crate::gui::commands::table::MenuPlace;
use crate::gui::commands::{Command, DocumentCommand, Menu};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::model::page_id::PageId;
use crate::gui::pages::Page;
use crate::gui::shell::back;
use crate::gui::theme::{GRID, Palette};

/// The page.
pub static PAGE: TraceInfoPage = TraceInfoPage;

/// Facts about the trace and its data quality.
pub struct TraceInfoPage;

/// Width of the field that filters, in points.
const FILTER: f32 = 200.0;

/// State of the page.
#[derive(Debug, Clone, Default)]
pub struct TraceInfoState {
    /// Lists only issues, images and processes with this text.
    pub filter: String,
    /// The field of the filter takes the keys.
    pub wants_filter: bool,
}

impl Page for TraceInfoPage {
    fn id(&self) -> PageId {
        PageId::TRACE_INFO
    }

    fn title(&self) -> &'static str {
        "Trace and data quality"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(TraceInfoState::default())
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, widgets.page_state(), commands);
    }

    fn run_shared(&self, document: &mut Document, command: &DocumentCommand) -> bool {
        if *command == DocumentCommand::Find {
            document.page_state_mut::<TraceInfoState>().wants_filter = true;
            return true;
        }
        false
    }

    fn can_shared(&self, _document: &Document, command: &DocumentCommand) -> Option<bool> {
        (*command == DocumentCommand::Find).then_some(true)
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, state: &mut TraceInfoState, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        ui.horizontal(|ui| {
            ui.heading("Trace and data quality");
            back::button(ui, document, commands);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| filter(ui, state));
        });
        ui.add_space(2.0 * GRID);
        ScrollArea::vertical().id_salt("trace page").auto_shrink(false).show(ui, |ui| {
            section(ui, "Data quality");
            diagnostics::show(ui, document, &state.filter, commands);
            section(ui, "Trace");
            summary::show(ui, document);
            section(ui, "Images");
            modules::show(ui, document, &state.filter, commands);
            section(ui, "Processes");
            processes::show(ui, document, &state.filter);
        });
    });
}

/// The field that filters the lists; Escape empties it.
fn filter(ui: &mut Ui, state: &mut TraceInfoState) {
    let id = ui.scope_id().with("filter");
    let field = TextEdit::singleline(&mut state.filter).id(id).hint_text("Filter the lists (Ctrl+F)");
    let field = ui.add(field.desired_width(FILTER));
    ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Filter issues, images and processes"));
    if std::mem::take(&mut state.wants_filter) {
        field.request_focus();
        ui.ctx().request_repaint();
    }
    if field.lost_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.filter.clear();
    }
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(3.0 * GRID);
    ui.label(RichText::new(title).font(crate::gui::theme::strong_font()).size(15.0));
    ui.add_space(GRID);
}

/// Number of the trace, which tells its lists from those of another.
fn stamp(document: &Document) -> usize {
    std::sync::Arc::as_ptr(&document.trace).addr()
}
